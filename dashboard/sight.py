"""What a page is made from: one look at the view, and read-only questions beside it."""

import sqlite3
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from dashboard.condition import Condition, Judged
from dashboard.glimpse import Glimpse, Row, opened
from dashboard.history import History
from dashboard.reading import EVER, Reading
from dashboard.shelf import Shelf

_Made = TypeVar("_Made")
_MOST_KEPT = 64
WORDS = {"wake": "resume", "bar": "no entries", "allow": "allow entries"}
"""What a person calls a command, where its name is another."""


class Kept:
    """Answers that several viewers share for a moment; the oldest go first. Safe between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._found: dict[Hashable, tuple[float, Any]] = {}

    def get(self, key: Hashable, keep_s: float, make: Callable[[], _Made]) -> _Made:
        """What was made for `key` at most `keep_s` seconds ago, or a new one."""
        now = self._clock()
        with self._lock:
            at, found = self._found.get(key, (-1e9, None))
        if now - at <= keep_s:
            made: _Made = found
            return made
        made = make()
        with self._lock:
            self._found.pop(key, None)
            self._found[key] = (self._clock(), made)
            while len(self._found) > _MOST_KEPT:
                self._found.pop(next(iter(self._found)))
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One look.

    now_ns    wall time of it
    guarded   whether a guardian runs beside it that starts the body
    waiting   operator commands that the body has not taken yet
    reading   the read model of the journal, None where this dashboard keeps none
    at_ns     market time that is shown as it was; None: now
    shelf     the stored reports
    """

    glimpse: Glimpse
    judged: Judged
    state: Path
    now_ns: int
    guarded: bool = False
    waiting: tuple[dict[str, Any], ...] = ()
    reading: Reading | None = None
    at_ns: int | None = None
    kept: Kept = field(default_factory=Kept)
    shelf: Shelf = field(default_factory=Shelf)

    @property
    def view(self) -> Path:
        """The view's file."""
        return self.state / "view.db"

    @property
    def is_alive(self) -> bool:
        """Whether the body's last word still holds; in the past it never does: what only a living body knows is not kept."""
        return self.at_ns is None and self.judged.condition in {Condition.LIVING, Condition.STARTING}

    @property
    def market_ns(self) -> int | None:
        """The newest market time that is known, or the moment that is shown; None before the first bar."""
        if self.at_ns is not None:
            return self.at_ns
        for found in (
            self.glimpse.part("body").get("market_ns"),
            self.glimpse.part("portfolio").get("at_ns"),
        ):
            if isinstance(found, int) and found > 0:
                return found
        return None

    def part(self, key: str) -> Row:
        """One entry of the view's `state` table."""
        return self.glimpse.part(key)

    def symbols(self) -> tuple[str, ...]:
        """Every instrument that has a price, by name."""
        return self.kept.get("symbols", 5.0, self._symbols)

    @property
    def history(self) -> Reading | None:
        """The read model where it knows the whole journal."""
        return self.reading if self.reading is not None and self.reading.progress().state == "ready" else None

    def over(self, since_ns: int) -> History:
        """What was from a moment of market time on, up to the one that is shown."""
        until_ns = EVER.end_ns if self.at_ns is None else self.at_ns
        return History(self.rows, self.history, since_ns, until_ns)

    @property
    def off(self) -> str:
        """Why nothing may be ordered from what is shown; "" where it may."""
        return "" if self.at_ns is None else "This is the past: commands are given from now."

    def ordered(self) -> dict[str, list[str]]:
        """Commands on their way to one instrument or strategy, by its name; nothing is on its way in the past."""
        found: dict[str, list[str]] = {}
        for one in self.waiting if self.at_ns is None else ():
            if one.get("target"):
                found.setdefault(str(one["target"]), []).append(WORDS.get(str(one["word"]), str(one["word"])))
        return found

    def _symbols(self) -> tuple[str, ...]:
        found = {str(row["symbol"]) for row in self.rows("SELECT DISTINCT symbol FROM marks LIMIT 200")}
        return tuple(sorted(found | {str(row["symbol"]) for row in self.glimpse.rows("positions")}))

    def rows(self, query: str, *given: object) -> list[Row]:
        """Rows of the view; none where there is no view, or where it is of a version without such a table."""
        if not self.view.exists():
            return []
        try:
            with opened(self.view) as connection:
                return [dict(row) for row in connection.execute(query, given)]
        except sqlite3.OperationalError as error:
            if "no such" in str(error):
                return []
            raise
