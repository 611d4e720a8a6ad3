"""What the routes share: one state folder, looked at no more often than needed, and the way to give commands."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dashboard.condition import Condition, Judged, judge
from dashboard.glimpse import Glimpse, look, opened
from dashboard.reading import Reading
from dashboard.shelf import Shelf
from dashboard.sight import Kept, Sight
from organism.alerts import acknowledge, guardians
from organism.commands import OF_STRATEGIES, TARGETED, CommandsDb
from organism.errors import BadInput

MOST_ALERTS = 10_000  # of the guardian's, that may be marked as seen
_KEEP_S = 0.2  # several viewers share one look
_MOMENT_KEEP_S = 60.0  # the past does not change


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One look, judged."""

    glimpse: Glimpse
    judged: Judged
    now_ns: int


class Window:
    """A read-only window on `state/`, and the slot for operator commands beside it.

    guarded   whether a guardian runs this dashboard (it also runs the body)
    reading   the read model of its journal, which somebody else starts and closes
    """

    def __init__(
        self,
        state: Path,
        *,
        guarded: bool,
        wall_ns: Callable[[], int] = time.time_ns,
        reading: Reading | None = None,
    ) -> None:
        self.reading = reading
        self.state = state
        self.view = state / "view.db"
        self.guarded = guarded
        self._wall_ns = wall_ns
        self._since_ns = wall_ns()
        self._lock = threading.Lock()
        self._seen: Seen | None = None
        self._kept = Kept()
        self.shelf = Shelf()

    def see(self) -> Seen:
        """The newest look, at most `_KEEP_S` old."""
        with self._lock:
            now_ns = self._wall_ns()
            if self._seen is None or not 0 <= now_ns - self._seen.now_ns < _KEEP_S * 1e9:
                glimpse = look(self.view)
                judged = judge(glimpse, now_ns, self._since_ns, guarded=self.guarded)
                self._seen = Seen(glimpse=glimpse, judged=judged, now_ns=now_ns)
            return self._seen

    def sight(self, at_ns: int | None = None) -> Sight:
        """The newest look, or one at a moment of market time as it was, with what pages ask beside it.

        Raises `OrganismError` where the past cannot be read.
        """
        seen = self.see()
        now = Sight(
            glimpse=seen.glimpse, judged=seen.judged, state=self.state, now_ns=seen.now_ns, guarded=self.guarded,
            waiting=tuple(self._kept.get("waiting", _KEEP_S, self.waiting)), kept=self._kept, reading=self.reading,
            shelf=self.shelf,
        )  # fmt: skip
        history = now.history
        if at_ns is None or history is None:
            return now
        moment = self._kept.get(("moment", at_ns), _MOMENT_KEEP_S, lambda: history.as_of(market_ns=at_ns))
        known = Condition.LIVING if moment.glimpse.part("portfolio") else Condition.STARTING
        judged = Judged(condition=known if moment.seq else Condition.NEVER)
        return replace(now, glimpse=moment.glimpse, judged=judged, at_ns=at_ns, kept=Kept())

    def waiting(self) -> list[dict[str, Any]]:
        """Commands that the body has not taken yet: {command: in words, word, target}."""
        path = self.state / "commands.db"
        if not path.exists():
            return []
        try:
            return [
                {"command": f"{row.command} {row.target}".strip(), "word": row.command, "target": row.target}
                for row in CommandsDb(path).waiting()
            ]
        except Exception:  # noqa: BLE001 - a busy or damaged file must not blind the page
            return []

    def give(self, command: str, operator: str, note: str, hours: float | None, target: str) -> int:
        """Write one operator command; answers its id. Raises `BadInput`, also for what the view does not know."""
        self._check_target(command, target)
        self.state.mkdir(parents=True, exist_ok=True)
        return int(CommandsDb(self.state / "commands.db").give(command, operator, note, hours, target))

    def _check_target(self, command: str, target: str) -> None:
        table, column = ("strategies", "genome_id") if command in OF_STRATEGIES else ("marks", "symbol")
        if command not in TARGETED or not self.view.exists():
            return
        try:
            with opened(self.view) as connection:
                found = connection.execute(f"SELECT 1 FROM {table} WHERE {column} = ?", (target,)).fetchone()  # noqa: S608 - constants
        except sqlite3.Error:
            return  # a view that cannot be read keeps nobody from closing a position: the body knows what it trades
        if not found:
            raise BadInput(f"{command} was given for {target[:60]!r}, which this organism does not know")

    def acknowledge(self, alert_id: str) -> None:
        """Keep a person's word that they have seen an alert. Raises `BadInput` for one that nobody raised."""
        with opened(self.view) as connection:
            known = connection.execute("SELECT 1 FROM alerts WHERE alert_id = ?", (alert_id,)).fetchone()
        if not known and alert_id not in {one["alert_id"] for one in guardians(self.state, MOST_ALERTS)}:
            raise BadInput(f"there is no alert {alert_id[:40]!r}")
        acknowledge(self.state, alert_id)


def clean_environment() -> None:
    """Forget variables that would change how dash listens or what it shows."""
    for name in list(os.environ):
        if name in {"HOST", "PORT"} or name.startswith(("DASH_", "FLASK_")):
            del os.environ[name]
