"""What an event of the journal means to a person: how much it matters, whom it is about, and a sentence."""

from collections.abc import Callable
from typing import Any

from organism import messages as m
from organism.effects import (
    Notify,
    StoreGenome,
    VenueAdvance,
    VenueCancel,
    VenueQuery,
    VenueReport,
    VenueSubmit,
)
from organism.trading import OrderStatus

DEBUG, INFO, WARNING, ERROR = range(4)
LEVELS = ("debug", "info", "warning", "error")
MOST = 400  # characters of a sentence

_SEVERE = {m.Severity.WARNING: WARNING, m.Severity.CRITICAL: ERROR}
_ODD = {OrderStatus.REJECTED, OrderStatus.UNKNOWN, OrderStatus.EXPIRED}


def _alarming(x: Any) -> int:
    return _SEVERE.get(x.severity, INFO)


def _restricting(x: m.TradingStateChanged) -> int:
    return WARNING if x.after.state.severity > x.before.state.severity else INFO


def _agreeing(x: m.Reconciled) -> int:
    return WARNING if not x.clean else INFO if x.first else DEBUG


_LEVELS: dict[type, int] = {
    m.OperatorCommanded: INFO, m.EntriesBarred: WARNING, m.StrategyPaused: INFO, m.Recovered: INFO, m.FeedStalled: WARNING, m.FeedRecovered: INFO,
    m.ExposureTargeted: INFO, m.OrderProposed: INFO, m.CancelRequested: INFO, m.TradeClosed: INFO,
    m.OrderApproved: INFO, m.OrderDenied: WARNING, m.ClosePositions: WARNING, m.Filled: INFO,
    m.StrategyFunded: INFO, m.StrategyRetired: INFO, m.GenerationBred: INFO, m.OrganRestarted: WARNING,
    m.MessageSetAside: ERROR, m.Escalated: ERROR, m.InvariantBroken: ERROR, VenueSubmit: INFO, VenueCancel: INFO,
}  # fmt: skip
_WEIGHED: dict[type, Callable[[Any], int]] = {
    Notify: _alarming, m.AlertRaised: _alarming, m.TradingStateChanged: _restricting, m.Reconciled: _agreeing,
    m.OrderUpdated: lambda x: WARNING if x.status in _ODD else INFO,
    m.FeedReported: lambda x: INFO if x.condition == "connected" else WARNING,
    m.SubmitAnswered: lambda x: DEBUG if x.answer is m.Answer.ACCEPTED else WARNING,
    m.BarClosed: lambda x: INFO if x.seam or x.missing else DEBUG,
}  # fmt: skip
ROUTINE = frozenset({
    "BarsArrived", "TimerFired", "VenueAdvanced", "ReportAnswered", "CancelAnswered", "QueryAnswered", "InstantSettled",
    "PortfolioMarked", "VitalsTaken", "VenueAdvance", "VenueQuery", "VenueReport", "StoreGenome",
})  # fmt: skip
"""Kinds of which none is ever kept: whoever asks for them is answered from the journal itself."""
MIXED = frozenset({"BarClosed", "Reconciled", "SubmitAnswered"})
"""Kinds of which only the remarkable ones are kept."""


def level(said: Any) -> int:
    """How much a message or an effect matters: `DEBUG` is routine, and of everything else each one is kept."""
    kind = type(said)
    weigh = _WEIGHED.get(kind)
    return weigh(said) if weigh else _LEVELS.get(kind, DEBUG)


def symbol(said: Any) -> str:
    """The instrument that it is about, "" for none or several."""
    match said:
        case m.OrderProposed(order=order):
            return order.symbol
        case m.OrderApproved(approved=approved) | VenueSubmit(approved=approved):
            return approved.order.symbol
        case m.Filled(fill=fill):
            return fill.symbol
        case m.ExposureTargeted(targets=(target,)):
            return target.symbol
        case m.OrderDenied() | m.OrderUpdated() | m.TradeClosed() | VenueCancel():
            return said.symbol
        case _:
            return ""


def sentence(said: Any) -> str:
    """One sentence, at most `MOST` characters."""
    worded = _WORDED.get(type(said))
    text = worded(said) if worded else type(said).__name__
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"


def signed(value: float) -> str:
    """A forecast with its sign."""
    return f"{value:+.2f}"


def _bars(x: Any) -> str:
    n = len(x.bars)
    extra = f"; missing {', '.join(x.missing)}" if getattr(x, "missing", ()) else ""
    seam = "; a new session begins" if getattr(x, "seam", False) else ""
    return f"{n} bar{'' if n == 1 else 's'} closed{extra}{seam}"


def _targets(x: m.ExposureTargeted) -> str:
    return "Targets: " + ", ".join(f"{t.symbol} {signed(t.forecast)} ({t.regime})" for t in x.targets)


def _order(order: Any) -> str:
    price = f", stop {order.stop_price:f}" if order.stop_price is not None else ""
    return f"{order.side.value} {order.quantity:f} {order.symbol} ({order.kind.value}, {order.purpose.value}{price})"


_LIFE = {
    "intent": "is written down", "sent": "is on its way", "acked": "is at the venue", "partial": "is partly filled",
    "unknown": "has an unknown fate", "canceled": "is cancelled", "rejected": "was refused by the venue",
}  # fmt: skip


def _updated(x: m.OrderUpdated) -> str:
    done = f", {x.filled:f} filled" if x.filled and x.status.value != "filled" else ""
    why = f": {x.reason}" if x.reason else ""
    life = _LIFE.get(x.status.value, f"is {x.status.value}")
    return f"Order {x.order_id} of {x.symbol} {life}{done}{why}"


def _filled(x: m.Filled) -> str:
    f = x.fill
    return f"{'Bought' if f.side.sign > 0 else 'Sold'} {f.quantity:f} {f.symbol} at {f.price:f}, fee {f.fee:.4f} {f.fee_currency}"


def _reconciled(x: m.Reconciled) -> str:
    if x.clean:
        return "Books and venue agree"
    parts = [f"{s} differs by {q:f}" for s, q in x.unexplained]
    parts += [f"foreign order {o}" for o in x.foreign] + [f"fate of {o} unknown" for o in x.unknown]
    return "Books and venue do not agree: " + ", ".join(parts)


def _commanded(x: m.OperatorCommanded) -> str:
    note = f": {x.note}" if x.note else ""
    return f"{x.operator or 'Somebody'} commanded {x.command}{note}"


_WORDED: dict[type, Callable[[Any], str]] = {
    m.BarsArrived: _bars, m.BarClosed: _bars, m.InstantSettled: _bars,
    m.FeedReported: lambda x: f"Feed {x.feed}: {x.condition}{': ' + x.detail if x.detail else ''}",
    m.OperatorCommanded: _commanded,
    m.Recovered: lambda x: f"{x.organ} is back, incarnation {x.incarnation}{', safe mode' if x.safe else ''}",
    m.TimerFired: lambda x: f"Timer {x.key}",
    m.SubmitAnswered: lambda x: f"Submission {x.client_order_id}: {x.answer.value}{': ' + x.reason if x.reason else ''}",
    m.CancelAnswered: lambda x: f"Cancellation {x.client_order_id}: {x.answer.value}{': ' + x.reason if x.reason else ''}",
    m.QueryAnswered: lambda x: f"Venue on {x.client_order_id}: {x.order.status if x.order else 'no such order' if x.answered else 'no answer'}",
    m.VenueAdvanced: lambda x: f"The venue matched an instant: {len(x.fills)} fills",
    m.ReportAnswered: lambda x: f"The venue's account: {len(x.open_orders)} open orders" if x.answered else "The venue gave no account",
    m.FeedStalled: lambda x: f"Feed {x.feed} is silent for {x.silent_s:.0f} s: {x.reason}",
    m.FeedRecovered: lambda x: f"Feed {x.feed} delivers again",
    m.ExposureTargeted: _targets,
    m.OrderProposed: lambda x: f"Order {x.order.id} proposed: {_order(x.order)}",
    m.OrderApproved: lambda x: f"Order {x.approved.order.id} approved: {_order(x.approved.order)}",
    m.OrderDenied: lambda x: f"Order {x.order_id} of {x.symbol} denied: {x.reason.value}, limit {x.limit:g}, observed {x.observed:g}",
    m.CancelRequested: lambda x: f"Order {x.order_id} is not wanted any more: {x.reason}",
    m.PortfolioMarked: lambda x: f"Equity {x.equity:.2f}, drawdown {x.drawdown:.2%}, exposed {x.gross_exposure:.1%}",
    m.TradeClosed: lambda x: f"{x.symbol} closed at {x.exit_price:f}: {x.pnl:+.2f} after fees",
    m.TradingStateChanged: lambda x: f"Trading is {x.after.state.value}: {x.cause}",
    m.ClosePositions: lambda x: f"Positions must be closed ({', '.join(x.symbols) or 'all'}): {x.reason}",
    m.OrderUpdated: _updated, m.Filled: _filled, m.Reconciled: _reconciled,
    m.StrategyFunded: lambda x: f"Strategy {x.genome_id} may trade, weight {x.weight:.2f}",
    m.StrategyRetired: lambda x: f"Strategy {x.genome_id} trades no longer: {x.reason}",
    m.GenerationBred: lambda x: f"Generation {x.generation} of {x.generations} in round {x.round} was bred",
    m.AlertRaised: lambda x: f"{x.title}: {x.body}", Notify: lambda x: f"{x.title}: {x.body}",
    m.OrganRestarted: lambda x: f"{x.organ} was restarted, attempt {x.attempt} of {x.limit}: {x.why}",
    m.MessageSetAside: lambda x: f"{x.message} killed {x.organ} twice and was set aside: {x.why}",
    m.Escalated: lambda x: f"{x.organ} failed where nothing may be set aside: {x.why}",
    m.InvariantBroken: lambda x: f"{x.invariant} does not hold: {x.text}",
    m.VitalsTaken: lambda x: f"Health {x.health:.0f}",
    m.EntriesBarred: lambda x: f"Nothing is opened in {', '.join(x.symbols) or 'no instrument'}: {x.reason}",
    m.StrategyPaused: lambda x: f"Strategy {x.genome_id} {'is silenced' if x.paused else 'speaks again'}: {x.reason}",
    VenueSubmit: lambda x: f"Order {x.approved.order.id} sent as {x.client_order_id}",
    VenueCancel: lambda x: f"Cancellation of {x.client_order_id} sent",
    VenueAdvance: lambda _: "The paper venue is told the instant",
    VenueQuery: lambda x: f"The venue is asked about {x.client_order_id}",
    VenueReport: lambda _: "The venue is asked for its account",
    StoreGenome: lambda x: f"Genome {x.genome_id} is stored",
}  # fmt: skip
