"""What the routes share: one state folder, looked at no more often than needed, and the way to give commands."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboard import performance, pulse
from dashboard.condition import Judged, judge
from dashboard.glimpse import Glimpse, look, opened
from organism.alerts import acknowledge, acknowledged, deliveries
from organism.commands import OF_STRATEGIES, TARGETED, CommandsDb
from organism.errors import BadInput

_KEEP_S = 0.2  # several viewers share one look
_CURVE_KEEP_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One look, judged."""

    glimpse: Glimpse
    judged: Judged
    now_ns: int


class Window:
    """A read-only window on `state/`, and the slot for operator commands beside it.

    guarded   whether a guardian runs this dashboard (it also runs the body)
    """

    def __init__(self, state: Path, *, guarded: bool, wall_ns: Callable[[], int] = time.time_ns) -> None:
        self.state = state
        self.view = state / "view.db"
        self.guarded = guarded
        self._wall_ns = wall_ns
        self._since_ns = wall_ns()
        self._lock = threading.Lock()
        self._seen: Seen | None = None
        self._curve: tuple[int, list[performance.Point]] | None = None

    def see(self) -> Seen:
        """The newest look, at most `_KEEP_S` old."""
        with self._lock:
            now_ns = self._wall_ns()
            if self._seen is None or not 0 <= now_ns - self._seen.now_ns < _KEEP_S * 1e9:
                glimpse = look(self.view)
                judged = judge(glimpse, now_ns, self._since_ns, guarded=self.guarded)
                self._seen = Seen(glimpse=glimpse, judged=judged, now_ns=now_ns)
            return self._seen

    def pieces(self) -> dict[str, Any]:
        """Everything the page shows but the curve."""
        seen = self.see()
        alerts = [str(row["alert_id"]) for row in seen.glimpse.rows("alerts")]
        return pulse.pieces(
            seen.glimpse,
            seen.judged,
            guarded=self.guarded,
            closes=performance.closes(self.view) if seen.glimpse.rows("positions") else {},
            waiting=self.waiting(),
            seen=acknowledged(self.state, alerts),
            sent=deliveries(self.state, alerts),
        )

    def curve(self, since_ns: int | None) -> dict[str, Any]:
        """New points of the equity curve after `since_ns`, or the whole of it where that is no continuation."""
        fresh = None if since_ns is None else performance.after(self.view, since_ns)
        whole = fresh is None
        points = self._whole_curve() if fresh is None else fresh
        last_ns = points[-1][0] if points else since_ns
        portfolio = self.see().glimpse.part("portfolio")
        tip = _tip(portfolio)
        return {
            "whole": whole,
            "since": None if last_ns is None else str(last_ns),
            "points": [[point[0] // 1_000_000, round(point[1], 2), round(point[2], 6)] for point in points],
            "tip": tip,
            "start": portfolio.get("starting_cash"),
        }

    def waiting(self) -> list[dict[str, Any]]:
        """Commands that the body has not taken yet."""
        path = self.state / "commands.db"
        if not path.exists():
            return []
        try:
            return [{"command": f"{row.command} {row.target}".strip()} for row in CommandsDb(path).waiting()]
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
        with opened(self.view) as connection:
            found = connection.execute(f"SELECT 1 FROM {table} WHERE {column} = ?", (target,)).fetchone()  # noqa: S608 - constants
        if not found:
            raise BadInput(f"{command} was given for {target[:60]!r}, which this organism does not know")

    def acknowledge(self, alert_id: str) -> None:
        """Keep a person's word that they have seen an alert. Raises `BadInput` for one that nobody raised."""
        with opened(self.view) as connection:
            known = connection.execute("SELECT 1 FROM alerts WHERE alert_id = ?", (alert_id,)).fetchone()
        if not known:
            raise BadInput(f"there is no alert {alert_id[:40]!r}")
        acknowledge(self.state, alert_id)

    def _whole_curve(self) -> list[performance.Point]:
        with self._lock:
            now_ns = self._wall_ns()
            if self._curve is None or now_ns - self._curve[0] > _CURVE_KEEP_S * 1e9:
                self._curve = (now_ns, performance.curve(self.view))
            return self._curve[1]


def _tip(portfolio: dict[str, Any]) -> list[float] | None:
    """The portfolio as it is now: the curve's own points may be thinned."""
    at_ns, equity, drawdown = (portfolio.get(key) for key in ("at_ns", "equity", "drawdown"))
    if not isinstance(at_ns, int) or equity is None or drawdown is None:
        return None
    return [at_ns // 1_000_000, round(float(equity), 2), round(float(drawdown), 6)]


def clean_environment() -> None:
    """Forget variables that would change how dash listens or what it shows."""
    for name in list(os.environ):
        if name in {"HOST", "PORT"} or name.startswith(("DASH_", "FLASK_")):
            del os.environ[name]
