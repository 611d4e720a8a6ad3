"""What an alert says: one table of severities and priorities, and a sentence for each kind of news.

| news | severity | priority |
|---|---|---|
| started · started in safe mode | info · warning | low · high |
| halt, escalation, unexplained quantity | critical | critical |
| drawdown (raised by immune) | critical | critical |
| health, reducing, hibernation, no entries, restart, dead letter, stalled feed, unproven orders | warning | high |
| smaller sizes | warning | low |
| milestone | milestone | high |
| resumed after a halt · anything else good again · a trade's profit | success | high · low · low |
| daily summary, evolution | info | low |
"""

import datetime as dt
from decimal import Decimal

import msgspec

from organism.market import NS_PER_S
from organism.messages import (
    AlertRaised,
    Escalated,
    FeedStalled,
    InvariantBroken,
    MessageSetAside,
    OrganRestarted,
    Priority,
    Reconciled,
    Severity,
    StrategyFunded,
    StrategyRetired,
    TradeClosed,
    TradingStateChanged,
    VitalsTaken,
)
from organism.trading import Standing, TradingState

HOW_TO_RESUME = "Resume with: organism resume --note 'why'"


class Saying(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to say. Equal `key`s are grouped; without a key it is said every time."""

    severity: Severity
    priority: Priority
    title: str
    body: str
    key: str = ""


def urgent(title: str, body: str, key: str = "") -> Saying:
    """A person should look now."""
    return Saying(severity=Severity.CRITICAL, priority=Priority.CRITICAL, title=title, body=body, key=key)


def warning(title: str, body: str, key: str = "", priority: Priority = Priority.HIGH) -> Saying:
    """A person should look today."""
    return Saying(severity=Severity.WARNING, priority=priority, title=title, body=body, key=key)


def good(title: str, body: str, key: str = "", priority: Priority = Priority.LOW) -> Saying:
    """Something went well, or is well again."""
    return Saying(severity=Severity.SUCCESS, priority=priority, title=title, body=body, key=key)


def note(title: str, body: str, key: str = "") -> Saying:
    """For the record."""
    return Saying(severity=Severity.INFO, priority=Priority.LOW, title=title, body=body, key=key)


def raised(alert: AlertRaised) -> Saying:
    """What another organ asked to be said."""
    return Saying(
        severity=alert.severity,
        priority=alert.priority,
        title=alert.title,
        body=alert.body,
        key=alert.dedup_key,
    )


def started(standing: Standing | None, *, safe: bool) -> Saying:
    """The first sentence after a start. A halt is never a detail of it."""
    if standing is not None and standing.state is TradingState.HALTED:
        return warning("Started, and trading is HALTED", f"Halted: {standing.cause}. {HOW_TO_RESUME}")
    if safe:
        return warning(
            "Started in safe mode",
            f"The body died too often: protective orders and reconciliation only, no entries. {HOW_TO_RESUME}",
        )
    if standing is not None and standing.state is TradingState.REDUCING:
        return note("Started, and trading is REDUCING", f"Reducing: {standing.cause}. {HOW_TO_RESUME}")
    return note("Started", "The organism is up.")


def standing_changed(change: TradingStateChanged) -> tuple[Saying, ...]:
    """What changed about what may be traded, the worst first."""
    before, after = change.before, change.after
    told: list[Saying] = []
    if after.state is not before.state:
        told.append(_state_changed(before, after))
    if after.hibernating_until_ns is not None and after.hibernating_until_ns != before.hibernating_until_ns:
        until = moment(after.hibernating_until_ns)
        told.append(
            warning("Hibernating", f"No entries until {until} (market time): {after.cause}.", "hibernating")
        )
    if after.no_entries_until_ns is not None and after.no_entries_until_ns != before.no_entries_until_ns:
        until = moment(after.no_entries_until_ns)
        told.append(warning("No entries", f"None until {until} (market time): {after.cause}.", "no_entries"))
    if after.metabolic_rate < before.metabolic_rate:
        told.append(
            warning(
                "Smaller sizes",
                f"Every size is scaled to {after.metabolic_rate:.0%} (was {before.metabolic_rate:.0%}): {after.cause}.",
                "rate",
                Priority.LOW,
            )
        )
    if not told and before != after:
        told.append(_widened(before, after))
    return tuple(told)


def _state_changed(before: Standing, after: Standing) -> Saying:
    if after.state is TradingState.HALTED:
        only = "Only orders that shrink a position pass."
        return urgent("Trading HALTED", f"Halted: {after.cause}. {only} {HOW_TO_RESUME}")
    if after.state is TradingState.REDUCING:
        only = "Only orders that shrink a position pass."
        return warning("Trading is REDUCING", f"Reducing: {after.cause}. {only}", "reducing")
    priority = Priority.HIGH if before.state is TradingState.HALTED else Priority.LOW
    return good("Trading resumed", f"Active again: {after.cause}.", priority=priority)


def _widened(before: Standing, after: Standing) -> Saying:
    if before.hibernating_until_ns is not None and after.hibernating_until_ns is None:
        return good("Hibernation is over", f"{after.cause}.", "hibernating_over")
    if before.no_entries_until_ns is not None and after.no_entries_until_ns is None:
        return good("Entries are allowed again", f"{after.cause}.", "no_entries_over")
    return good("Limits changed", f"{after.cause}.", "limits")


def restarted(message: OrganRestarted) -> Saying:
    """A part of the body broke and was restarted."""
    return warning(
        f"{message.organ} was restarted",
        f"Restart {message.attempt} of at most {message.limit}: {message.why}.",
        f"restart:{message.organ}",
    )


def set_aside(message: MessageSetAside) -> Saying:
    """A message that could not be worked on."""
    return warning(
        f"{message.organ} could not work on a {message.message}",
        f"It failed twice and lies in the dead letters now (envelope {message.envelope_id}): {message.why}.",
        f"dead:{message.organ}:{message.message}",
    )


def escalated(message: Escalated) -> Saying:
    """Something that must never fail failed."""
    return urgent(
        f"{message.organ} failed on something that must not be lost",
        f"Trading halts: {message.why}. {HOW_TO_RESUME}",
        f"escalated:{message.organ}",
    )


def broken(message: InvariantBroken) -> Saying:
    """A promise about money or record did not hold."""
    return urgent(
        f"Invariant {message.invariant} is broken",
        f"Trading halts: {message.text} `organism verify` says more. {HOW_TO_RESUME}",
        f"invariant:{message.invariant}",
    )


def stalled(message: FeedStalled) -> Saying:
    """A feed fell silent."""
    return warning(
        f"Feed {message.feed} stalled",
        f"{message.reason}; silent for {message.silent_s:.1f} s. No entries until it delivers again.",
        f"stall:{message.feed}",
    )


def unreconciled(message: Reconciled) -> Saying:
    """Our account and the venue's differ, or an order's fate is not proven."""
    parts = [
        f"{symbol} {quantity:+f} at the venue beyond our fills"
        for symbol, quantity in message.unexplained[:5]
    ]
    parts += [f"order {order} is not ours" for order in message.foreign[:5]]
    if parts:
        return urgent("Unexplained at the venue", f"{'; '.join(parts)}. See: organism verify", "unexplained")
    unknown = ", ".join(message.unknown[:5]) or "see the journal"
    return warning("Orders of unproven fate", f"The venue has not answered for: {unknown}.", "unknown")


def unwell(message: VitalsTaken, below: float) -> Saying:
    """Health fell below the line."""
    lost = sorted(message.parts, key=lambda part: part.points - part.weight)[:3]
    why = "; ".join(
        f"{part.name} {part.points:.0f} of {part.weight:.0f}{f' ({part.detail})' if part.detail else ''}"
        for part in lost
        if not part.points >= part.weight
    )
    return warning(
        "Health is low",
        f"{message.health:.0f} of 100, below {below:.0f}: {why or 'no part named'}.",
        "health",
    )


def profit(trade: TradeClosed, share: Decimal) -> Saying:
    """A position closed with a good profit."""
    return good(
        f"{trade.symbol} closed with a profit of {share:.1%}",
        f"{trade.quantity} from {trade.entry_price} to {trade.exit_price}: {trade.pnl:+.2f} after fees.",
    )


def milestone(total: Decimal, line: float) -> Saying:
    """Said once in a life."""
    return Saying(
        severity=Severity.MILESTONE,
        priority=Priority.HIGH,
        title=f"Total profit passed {line:,.0f}",
        body=f"Closed trades have earned {total:+,.2f} after fees.",
    )


def evolution(message: StrategyFunded | StrategyRetired) -> Saying:
    """A strategy came or went."""
    if isinstance(message, StrategyFunded):
        return note("Strategy funded", f"{message.genome_id} with weight {message.weight:.2f}.", "funded")
    return note("Strategy retired", f"{message.genome_id}: {message.reason}.", "retired")


def moment(at_ns: int) -> str:
    """A time for people, UTC.

    >>> moment(1_704_067_200_000_000_000)
    '2024-01-01 00:00 UTC'
    """
    try:
        return f"{dt.datetime.fromtimestamp(at_ns // NS_PER_S, tz=dt.UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError):
        return f"{at_ns} ns"
