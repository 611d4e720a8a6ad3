"""The history that a body has lived, read from its journal while it writes it: the bars that it believed, no later one."""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from genome.market import Market, market
from organism.effects import Publish
from organism.journal.reader import Reader
from organism.journal.upcast import Payloads
from organism.market import NS_PER_S, Bar, Instrument
from organism.messages import BarClosed

PIECE = 2_000  # journal rows between two looks at the share of the core
_MARK = BarClosed.__name__.encode()  # the tag of the message, in the bytes of a row that holds one
_FIELDS = ("open", "high", "low", "close", "volume")


@dataclass(slots=True)
class Series:
    """One symbol's bars in one session, oldest first: opens in seconds, and five columns."""

    open_s: "array[int]" = field(default_factory=lambda: array("q"))
    columns: "tuple[array[float], ...]" = field(default_factory=lambda: tuple(array("d") for _ in _FIELDS))

    def add(self, bar: Bar) -> None:
        """One more bar; one that is not after the last is left out."""
        open_s = bar.open_ns // NS_PER_S
        if self.open_s and open_s <= self.open_s[-1]:
            return
        self.open_s.append(open_s)
        for column, name in zip(self.columns, _FIELDS, strict=True):
            column.append(getattr(bar, name))

    def forget_before(self, since_s: int) -> None:
        """Drop bars that open before."""
        n = int(np.searchsorted(self.open_s, since_s))
        del self.open_s[:n]
        for column in self.columns:
            del column[:n]


@dataclass(slots=True)
class Session:
    """Instants of one session: prices before it are no history of prices in it."""

    at_ns: "array[int]" = field(default_factory=lambda: array("q"))
    series: dict[str, Series] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """What a round is bred on: `bars` instants of a session, which closed from `first_ns` to `until_ns`, both included."""

    session: int
    first_ns: int
    until_ns: int
    bars: int


class History:
    """Bars of the longest session so far and of the newest one; of equally long ones the first is kept.

    A recording that is played again is the same history, so that nothing would be learnt from its next sessions.

    most   instants that a round may use; twice as many are kept, so that a round can go on after a restart
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._sessions: dict[int, Session] = {}
        self._longest = 0

    def hear(self, message: BarClosed) -> None:
        """One more instant, in the order of the journal."""
        if not message.bars:
            return
        session = self._sessions.get(message.session)
        if session is None:
            self._sessions = {n: s for n, s in self._sessions.items() if n == self._longest}
            session = self._sessions[message.session] = Session()
        if session.at_ns and message.at_ns <= session.at_ns[-1]:
            return
        session.at_ns.append(message.at_ns)
        for bar in message.bars:
            session.series.setdefault(bar.symbol, Series()).add(bar)
        longest = self._sessions.get(self._longest)
        if longest is None or len(session.at_ns) > len(longest.at_ns):
            self._longest = message.session
        if len(session.at_ns) > 3 * self._most:
            del session.at_ns[: -2 * self._most]
            for series in session.series.values():
                bar_s = message.bars[0].close_ns // NS_PER_S - message.bars[0].open_ns // NS_PER_S
                series.forget_before(session.at_ns[0] // NS_PER_S - bar_s)

    @property
    def longest(self) -> Span | None:
        """The newest instants of the longest session, as many as a round may use."""
        session = self._sessions.get(self._longest)
        if session is None:
            return None
        used = session.at_ns[-self._most :]
        return Span(self._longest, used[0], used[-1], len(used))

    def after(self, at_ns: int) -> int:
        """Instants of the longest session that closed after this one: market time rises over all sessions."""
        session = self._sessions.get(self._longest)
        return (
            0 if session is None else len(session.at_ns) - int(np.searchsorted(session.at_ns, at_ns, "right"))
        )

    def holds(self, span: Span) -> bool:
        """Whether every instant of a span is (still) known."""
        session = self._sessions.get(span.session)
        if session is None:
            return False
        first, last = np.searchsorted(session.at_ns, (span.first_ns, span.until_ns + 1)).tolist()
        return int(last - first) == span.bars

    def markets(self, span: Span, instruments: tuple[Instrument, ...]) -> list[Market]:
        """The instruments' bars within a span; none of them closes after `until_ns`."""
        session = self._sessions[span.session]
        found = []
        for instrument in instruments:
            series = session.series.get(instrument.symbol)
            if series is None or len(series.open_s) < _FEWEST:
                continue
            opens = np.array(series.open_s, np.int64)
            bar_s = int(np.diff(opens).min())
            cut = slice(
                *np.searchsorted(
                    opens + bar_s, (span.first_ns // NS_PER_S, span.until_ns // NS_PER_S + 1)
                ).tolist()
            )
            if cut.stop - cut.start < _FEWEST:
                continue
            ohlcv = tuple(np.array(column, np.float64)[cut] for column in series.columns)
            found.append(market(
                instrument.symbol, opens[cut], bar_s, ohlcv,  # type: ignore[arg-type]
                tick=float(instrument.tick), lot=float(instrument.lot), min_notional=float(instrument.min_notional),
            ))  # fmt: skip
        return found


_FEWEST = 2


class JournalOfBars:
    """Reads on from where it was; read-only, row by row against its digest."""

    def __init__(self, state: Path) -> None:
        self._reader, self._payloads = Reader(state), Payloads()
        self._seq = 0
        self._versions: dict[int, int] = {}

    def more(self, history: History, rest: Callable[[], None]) -> int:
        """Take every instant that became durable since; how many. `rest` is called after each piece of work.

        Raises `JournalDamaged` where a row is missing or not what was written.
        """
        n = 0
        for message in self._instants(rest):
            history.hear(message)
            n += 1
        return n

    def _instants(self, rest: Callable[[], None]) -> Iterator[BarClosed]:
        for nth, row in enumerate(self._reader.rows(self._seq), 1):
            if row.organ == "nervous" and _MARK in row.effects:
                for effect in self._payloads.effects(row.effects, self._version(row.run)):
                    if type(effect) is Publish and type(effect.message) is BarClosed:
                        yield effect.message
            self._seq = row.seq
            if nth % PIECE == 0:
                rest()

    def _version(self, run: int) -> int:
        if run not in self._versions:
            self._versions = {number: one.payload_version for number, one in self._reader.runs().items()}
        return self._versions[run]
