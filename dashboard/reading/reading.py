"""Everything the pages may ask of the past, in one place."""

import sqlite3
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeVar

from dashboard.glimpse import Glimpse
from dashboard.reading import bare, chain, curves, gate, listing, past, story, trading, traffic
from dashboard.reading.answers import Row
from dashboard.reading.bare import Bare, Position
from dashboard.reading.keeper import SHARE, Keeper, Progress
from dashboard.reading.listing import Events, Wanted
from dashboard.reading.past import Moment
from dashboard.reading.pool import NotYet, Pool
from dashboard.reading.source import Replaced, Source
from dashboard.reading.span import EVER, Range, parse_range

_T = TypeVar("_T")
Asked = Range | tuple[int, int] | str
"""A range of market time, or its text: see `parse_range`."""


class Reading:
    """The history of one state folder, for any thread.

    While nothing is known yet, every query answers "nothing": `progress` says which of the two it is. Raises `BadInput` for
    a range or a choice that there is not, `OrganismError` where an answer needs the journal and that cannot be read.

    share   of one core that reading may take while there is much to read
    """

    def __init__(self, state: Path, *, share: float = SHARE) -> None:
        self._state = state
        self._keeper = Keeper(state, share=share)
        self._pool = Pool(self._keeper.path)
        self._source = Source(state)
        self._past = threading.Lock()  # one at a time asks the journal: its reader is for one thread

    def start(self) -> None:
        """Begin to follow the journal."""
        self._keeper.start()

    def close(self) -> None:
        """Stop; the next start goes on from there."""
        self._keeper.close()
        self._pool.close()

    @property
    def keeper(self) -> Keeper:
        """The writer, for measurements and tests."""
        return self._keeper

    def progress(self) -> Progress:
        """How much of the journal is known."""
        return self._keeper.progress()

    # -------------------------------------------------------------- what there is

    def newest_ns(self) -> int | None:
        """Market time of the newest event that is known."""
        return self._ask(_newest, None)

    def symbols(self) -> list[str]:
        """Instruments of which there are bars."""
        return self._ask(
            lambda db: [row[0] for row in db.execute("SELECT name FROM symbols ORDER BY name")], []
        )

    def range(self, asked: Asked) -> Range:
        """Market time of a range, lengths being counted back from the newest event."""
        if isinstance(asked, str):
            return parse_range(asked, self.newest_ns())
        return Range(min(max(0, asked[0]), EVER.end_ns), min(max(0, asked[1]), EVER.end_ns))

    # -------------------------------------------------------------- events

    def events(
        self, asked: Asked = EVER, *, organ: str = "", level: str = "info", kind: str = "", correlation: str = "",
        limit: int = 100, before: int | None = None,
    ) -> Events:  # fmt: skip
        """Events, newest first: see `listing.events`. level "debug" shows routine, too, read from the journal itself."""
        wanted = Wanted(self.range(asked), organ, level, kind, correlation, limit, before)
        return self._ask(
            lambda db: self._with_journal(lambda s: listing.events(db, s, wanted)), Events([], None)
        )

    def flow(self, asked: Asked = EVER) -> list[Row]:
        """Messages by sender, receiver and kind: see `traffic.flow`."""
        span = self.range(asked)
        return self._ask(lambda db: traffic.flow(db, span), [])

    # -------------------------------------------------------------- what was traded

    def orders(self, asked: Asked = EVER, symbols: Collection[str] = (), limit: int = 200) -> list[Row]:
        """Orders that were proposed in a range, newest first."""
        span = self.range(asked)
        return self._ask(lambda db: trading.orders(db, span, symbols, limit), [])

    def order(self, identity: str) -> Row | None:
        """One order and its life, by order id or client order id."""
        return self._ask(lambda db: trading.order(db, identity), None)

    def fills(self, asked: Asked = EVER, symbols: Collection[str] = (), limit: int = 200) -> list[Row]:
        """Executions in a range, newest first."""
        span = self.range(asked)
        return self._ask(lambda db: trading.fills(db, span, symbols, limit), [])

    def trades(self, asked: Asked = EVER, symbols: Collection[str] = (), limit: int = 200) -> list[Row]:
        """What was closed in a range, newest first."""
        span = self.range(asked)
        return self._ask(lambda db: trading.trades(db, span, symbols, limit), [])

    def decisions(self, asked: Asked = EVER, symbol: str | None = None, limit: int = 200) -> list[Row]:
        """Targets of the brain in a range, newest first."""
        span = self.range(asked)
        return self._ask(lambda db: trading.decisions(db, span, symbol, limit), [])

    def denials(self, asked: Asked = EVER, limit: int = 200) -> dict[str, list[Row]]:
        """Refusals in a range: `counts` by reason and `rows`."""
        span = self.range(asked)
        return self._ask(lambda db: trading.denials(db, span, limit), {"counts": [], "rows": []})

    def attribution(self, asked: Asked = EVER, by: str = "strategy") -> list[Row]:
        """What closed trades earned, by "strategy", "symbol", "regime" or "purpose"."""
        span = self.range(asked)
        return self._ask(lambda db: trading.attribution(db, span, by), [])

    def bare(self, position: Position) -> Bare | None:
        """How long a position stood without a whole protective order; None where that is not known."""
        return self._ask(lambda db: bare.bare(db, position), None)

    def chain(self, identity: str) -> list[Row]:
        """Steps from the bar to the fill, see `chain.chain`; of any other event what led to it and came of it, see `story.story`."""
        return self._ask(
            lambda db: (
                chain.chain(db, identity) or self._with_journal(lambda s: story.story(db, s, identity))
            ),
            [],
        )

    def gate(self, symbol: str, at_ns: int) -> Row:
        """What stopped an instrument at a bar: see `gate.gate`."""
        return self._ask(lambda db: gate.gate(db, symbol, at_ns), gate.nothing(symbol, at_ns))

    # -------------------------------------------------------------- curves, and the past

    def equity(self, asked: Asked = EVER, points: int = 700) -> list[Row]:
        """The equity curve, oldest first, extremes kept."""
        span = self.range(asked)
        return self._ask(lambda db: curves.equity(db, span, points), [])

    def prices(self, symbol: str, asked: Asked = EVER, points: int = 700) -> list[Row]:
        """Candles of one instrument, oldest first."""
        span = self.range(asked)
        return self._ask(lambda db: curves.prices(db, symbol, span, points), [])

    def as_of(self, *, market_ns: int | None = None, wall_ns: int | None = None) -> Moment:
        """The view as it was at a moment of market time, or of the wall clock."""
        return self._ask(
            lambda db: self._with_journal(
                lambda s: past.as_of(db, s, self._state, market_ns=market_ns, wall_ns=wall_ns)
            ),
            Moment(Glimpse(), 0, 0, 0),
        )

    # -------------------------------------------------------------- inside

    def _ask(self, question: Callable[[sqlite3.Connection], _T], nothing: _T) -> _T:
        """Ask; nothing known yet, or not any more, is said by `progress` and is no error."""
        try:
            with self._pool.reading() as db:
                return question(db)
        except NotYet:
            pass
        except Replaced:
            self._source.forget()
        except sqlite3.DatabaseError:
            self._keeper.suspect()
        return nothing

    def _with_journal(self, question: Callable[[Source], _T]) -> _T:
        with self._past:
            return question(self._source)


def _newest(db: sqlite3.Connection) -> int | None:
    found: Any = db.execute("SELECT at_ns FROM instants ORDER BY at_ns DESC LIMIT 1").fetchone()
    return None if found is None else int(found[0])
