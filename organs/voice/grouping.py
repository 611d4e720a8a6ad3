"""How often something is said: equal keys are grouped, a budget holds back, critical alerts always pass.

Repeats of a key within `group_s` are counted and said once more with their number; at most `per_minute`
alerts leave, except critical ones, which are never held back. Both run on monotonic time, whose stamps mean
nothing after the process restarted: what was counted or held back by then is said at once.
"""

from decimal import Decimal
from typing import Any

import msgspec

from organism.core import Now
from organism.effects import Effect, Notify, Schedule
from organism.market import NS_PER_S
from organism.messages import Priority, Severity
from organism.redaction import Redactor, one_line
from organism.settings import VoiceSettings
from organism.trading import Standing
from organs.voice import wording
from organs.voice.wording import Saying

DAY_NS = 86_400 * NS_PER_S
MINUTE_NS = 60 * NS_PER_S
DAILY, HELD, GROUP = "daily", "held", "group:"
N_TITLES = 5  # of alerts held back, named in their summary
LONGEST_TITLE, LONGEST_BODY, LONGEST_KEY = 120, 1_500, 200
LONGEST_READ = 10_000  # of what another organ wrote: the rest could not be said anyway
N_KEYS = 1_000  # groups remembered; keys of other organs are not ours to trust

_redact = Redactor()  # shapes only; what is known exactly is known to the sender
_URGENCY = {Priority.LOW: 0, Priority.HIGH: 1, Priority.CRITICAL: 2}


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Repeats of one key since `since_ns` (monotonic), beyond the one that was said."""

    since_ns: int
    latest: Saying
    repeats: int = 0


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """Closed trades of one market day; it ends at `ends_ns` (market time, 0 before the market has a time)."""

    ends_ns: int = 0
    n_trades: int = 0
    n_won: int = 0
    profit: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)


class VoiceState(msgspec.Struct, frozen=True, kw_only=True):
    """What voice remembers.

    tokens, filled_ns   what is left of the budget, and when (monotonic) that was true
    n_held, held        alerts held back, and the titles of the first few
    unproven            0 reconciled, 1 orders of unknown fate, 2 unexplained at the venue
    total_profit        of closed trades, quote currency
    """

    groups: dict[str, Group] = {}
    tokens: float = 1.0
    filled_ns: int = 0
    n_held: int = 0
    held: tuple[str, ...] = ()
    held_priority: Priority = Priority.LOW
    unwell: bool = False
    stalled: tuple[str, ...] = ()
    unproven: int = 0
    standing: Standing | None = None
    total_profit: Decimal = Decimal(0)
    milestone_said: bool = False
    day: Day = Day()


class Speaker:
    """One step under way: the state so far, and the effects so far."""

    def __init__(self, settings: VoiceSettings, state: VoiceState, now: Now) -> None:
        self._per_minute = settings.per_minute
        self._group_ns = int(settings.group_s * NS_PER_S)
        self.state = state
        self.now = now
        self.effects: list[Effect] = []

    def update(self, **changes: Any) -> None:
        """Replace fields of the state."""
        self.state = msgspec.structs.replace(self.state, **changes)

    def say(self, saying: Saying) -> None:
        """Say it, count it as a repeat, or hold it back."""
        key = saying.key[:LONGEST_KEY]
        group = self.state.groups.get(key) if key else None
        repeats = 0
        if group is not None and self._open(group):
            if _URGENCY[saying.priority] <= _URGENCY[group.latest.priority]:
                self._count(key, group, saying)
                return
            repeats = group.repeats  # a worse one breaks through; those before it are still to be told
        if key and self._group_ns:
            self._open_group(key, saying, repeats)
        self._send(saying, 1)

    def close_group(self, key: str) -> None:
        """Say how often something was repeated; if it was, go on counting."""
        group = self.state.groups.get(key)
        if group is None:
            return
        groups = dict(self.state.groups)
        del groups[key]
        if group.repeats:
            groups[key] = Group(since_ns=self.now.mono_ns, latest=group.latest)
        self.update(groups=groups)
        self._say_repeats(group)

    def say_held(self) -> None:
        """Say how many alerts were held back."""
        n, titles, priority = self.state.n_held, self.state.held, self.state.held_priority
        if not n:
            return
        self.update(n_held=0, held=(), held_priority=Priority.LOW)
        more = f" and {n - len(titles)} more" if n > len(titles) else ""
        self._send(
            wording.warning(f"{n} alerts were held back", f"{'; '.join(titles)}{more}.", priority=priority),
            n,
            forced=True,
        )

    def begin_day(self, day: Day) -> None:
        """Count trades until the next midnight of the market."""
        ends_ns = (self.now.market_ns // DAY_NS + 1) * DAY_NS
        self.update(day=msgspec.structs.replace(day, ends_ns=ends_ns))
        self.effects.append(Schedule(key=DAILY, due_ns=ends_ns, clock="market"))

    def wake(self) -> None:
        """A new process: monotonic stamps are void, so say what they were waiting for."""
        groups, full = self.state.groups, float(self._per_minute)
        self.update(groups={}, tokens=full, filled_ns=self.now.mono_ns)
        for group in groups.values():
            self._say_repeats(group)
        self.say_held()
        self.update(tokens=full)

    def _say_repeats(self, group: Group) -> None:
        if group.repeats:
            again = msgspec.structs.replace(
                group.latest, title=f"{group.latest.title} ({group.repeats} more times)"
            )
            self._send(again, group.repeats)

    def _count(self, key: str, group: Group, saying: Saying) -> None:
        if not group.repeats:
            due_ns = group.since_ns + self._group_ns
            self.effects.append(Schedule(key=GROUP + key, due_ns=due_ns))
        counted = msgspec.structs.replace(group, latest=_short(saying), repeats=group.repeats + 1)
        self.update(groups={**self.state.groups, key: counted})

    def _open_group(self, key: str, saying: Saying, repeats: int) -> None:
        groups = {k: g for k, g in self.state.groups.items() if self._open(g)}
        groups[key] = Group(since_ns=self.now.mono_ns, latest=_short(saying), repeats=repeats)
        evicted = groups.pop(next(iter(groups))) if len(groups) > N_KEYS else None
        self.update(groups=groups)
        if evicted is not None:
            self._say_repeats(evicted)

    def _open(self, group: Group) -> bool:
        return bool(group.repeats) or self.now.mono_ns - group.since_ns < self._group_ns

    def _send(self, saying: Saying, count: int, *, forced: bool = False) -> None:
        critical = saying.priority is Priority.CRITICAL or saying.severity is Severity.CRITICAL
        if not self._afforded() and not critical and not forced:
            self._hold_back(saying, count)
            return
        short = _short(saying)
        self.effects.append(
            Notify(
                alert_id=f"{self.now.step}-{len(self.effects)}",
                severity=short.severity,
                priority=short.priority,
                title=short.title,
                body=short.body,
                tags=(short.priority.value,),
                count=count,
            )
        )

    def _afforded(self) -> bool:
        """Take one from the budget, if there is one."""
        passed_ns = max(self.now.mono_ns - self.state.filled_ns, 0)
        tokens = min(self.state.tokens + self._per_minute * passed_ns / MINUTE_NS, float(self._per_minute))
        afforded = tokens >= 1.0
        self.update(tokens=tokens - 1.0 if afforded else tokens, filled_ns=self.now.mono_ns)
        return afforded

    def _hold_back(self, saying: Saying, count: int) -> None:
        if not self.state.n_held:
            self.effects.append(Schedule(key=HELD, due_ns=self.now.mono_ns + MINUTE_NS))
        held = self.state.held
        worse = max(self.state.held_priority, saying.priority, key=_URGENCY.__getitem__)
        titles = (*held, _short(saying).title) if len(held) < N_TITLES else held
        self.update(n_held=self.state.n_held + count, held=titles, held_priority=worse)


def _short(saying: Saying) -> Saying:
    """Short, printable, and without anything that looks like a secret."""
    return msgspec.structs.replace(
        saying,
        title=one_line(_redact(saying.title[:LONGEST_READ]), LONGEST_TITLE),
        body=one_line(_redact(saying.body[:LONGEST_READ]), LONGEST_BODY),
    )
