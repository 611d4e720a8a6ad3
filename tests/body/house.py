"""A real organism in real processes on a folder of its own: started, struck, and asked how it is."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from organism.chaos.orderly import leashed
from organism.effects import Publish, VenueSubmit
from organism.guardian.lock import read_note
from organism.journal.reader import read_rows
from organism.journal.rows import Row, decode_effects
from organism.messages import BarClosed
from organism.status import status
from organs.motor.paper.book import PaperTruth
from tests.body.waiting import until

BUSY = (
    "brain.no_trade_band=0.02",
    "brain.cost_multiple=0.1",
    "brain.min_forecast=0.02",
    "brain.trend_bars=100",
    "brain.volatility_bars=100",
    "sizing.rebalance_band=0.005",
    "market.warmup_bars=200",
    "risk.max_orders_per_minute=1000000",
    "risk.max_daily_loss=0.9",
    "risk.halve_at_drawdown=0.5",
    "risk.no_entries_at_drawdown=0.6",
    "risk.halt_at_drawdown=0.9",
    "risk.max_consecutive_losses=100000",
)
"""Settings that trade a lot: some hundred orders a second of this machine."""


def organism(*arguments: str, state: Path, deadline_s: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "organism", *arguments, "--state", str(state)],
        check=False, capture_output=True, text=True, timeout=deadline_s,
    )  # fmt: skip


class House:
    """One state folder and whoever lives there."""

    def __init__(self, state: Path, *settings: str, speed: str = "60000") -> None:
        self.state = state
        self.settings = settings
        self.log = state.with_suffix(".log")
        self.guardian: subprocess.Popen[bytes] | None = None
        self._speed = speed

    # ------------------------------------------------------------ life and death

    def start(self, *flags: str, crash: str = "") -> None:
        """Start the guardian; `crash` arms a crash point in every body it starts."""
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        if crash:
            environment["ORGANISM_CRASH_AT"] = crash
        chosen = [part for one in self.settings for part in ("--set", one)]
        with self.log.open("ab") as log:
            self.guardian = subprocess.Popen(
                leashed([
                    sys.executable, "-m", "organism", "start", "--no-dashboard", "--no-evolution", "--state",
                    str(self.state), "--speed", self._speed, *chosen, *flags,
                ]),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True,
            )  # fmt: skip

    @property
    def body_pid(self) -> int | None:
        """Process id of the body, as the guardian notes it."""
        children = read_note(self.state).get("children", {})
        found = children.get("body")
        return found if isinstance(found, int) else None

    def kill_body(self) -> int:
        """SIGKILL, at whatever it is doing."""
        pid = until(lambda: self.body_pid, "a body to kill")
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill_guardian(self) -> None:
        """SIGKILL the guardian alone."""
        assert self.guardian is not None
        self.guardian.kill()
        self.guardian.wait()

    def kill_all(self) -> None:
        """SIGKILL everybody at once."""
        pid = self.body_pid
        self.kill_guardian()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self, number: signal.Signals = signal.SIGTERM, deadline_s: float = 12.0) -> tuple[int, float]:
        """Ask for an orderly end; exit status and seconds it took."""
        assert self.guardian is not None
        began = time.monotonic()
        self.guardian.send_signal(number)
        code = self.guardian.wait(deadline_s)
        return code, time.monotonic() - began

    def end(self) -> None:
        """Whatever happened, leave nobody behind."""
        if self.guardian is not None and self.guardian.poll() is None:
            self.kill_all()

    # ------------------------------------------------------------ looking

    @property
    def said(self) -> str:
        """Everything that guardian and body wrote on standard error."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    @property
    def n_orders(self) -> int:
        """Orders in the venue's book."""
        try:
            with contextlib.closing(_readonly(self.state / "paper_venue.db")) as db:
                return int(db.execute("SELECT count(*) FROM orders").fetchone()[0])
        except sqlite3.OperationalError:
            return 0

    @property
    def run(self) -> int:
        """Number of the newest start of a body."""
        try:
            with contextlib.closing(_readonly(self.state / "journal.db")) as db:
                return int(db.execute("SELECT ifnull(max(run), 0) FROM runs").fetchone()[0])
        except sqlite3.OperationalError:
            return 0

    def wait_trading(self, n_more: int = 3, after_run: int = 0, deadline_s: float = 30.0) -> None:
        """Wait until a body started after that run sent more orders."""
        until(
            lambda: self.run > after_run,
            lambda: f"another body than {after_run}: {self.said[-800:]}",
            deadline_s,
        )
        before = self.n_orders
        until(
            lambda: self.n_orders >= before + n_more,
            lambda: f"{n_more} more orders: {self.said[-800:]}",
            deadline_s,
        )

    def status(self) -> dict[str, Any]:
        """As `organism status --json`."""
        return status(self.state)

    def verify(self) -> dict[str, Any]:
        """As `organism verify --json`; the exit status must agree with the verdict."""
        done = organism("verify", "--json", state=self.state)
        found: dict[str, Any] = json.loads(done.stdout)
        assert found["ok"] == (done.returncode == 0), done.stderr
        return found

    def rows(self) -> list[Row]:
        """The whole journal."""
        return list(read_rows(self.state))

    def truth(self) -> PaperTruth:
        """What the venue says happened."""
        return PaperTruth.read(self.state / "paper_venue.db")


def _readonly(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5.0)


def instants(rows: list[Row]) -> list[BarClosed]:
    """Every market instant that was told, in order."""
    return [
        effect.message
        for row in rows
        if row.organ == "nervous"
        for effect in decode_effects(row.effects)
        if isinstance(effect, Publish) and isinstance(effect.message, BarClosed)
    ]


def told_once(rows: list[Row], bar_s: int = 300) -> None:
    """Market time rises strictly over all incarnations, bar by bar, without gap or repetition."""
    seen: dict[int, int] = {}
    for instant in instants(rows):
        at_ns = instant.at_ns
        if seen:
            session, last_ns = next(reversed(seen.items()))
            assert at_ns > last_ns, f"{at_ns} came after {last_ns}"
            if session == instant.session:
                assert at_ns - last_ns == bar_s * 1_000_000_000, f"{last_ns} was followed by {at_ns}"
        seen[instant.session] = at_ns


def judged(rows: list[Row], truth: PaperTruth) -> int:
    """Judge by the venue's book: nothing executed that was not intended, no intent twice. Returns how many orders."""
    intent: dict[str, VenueSubmit] = {}
    for row in rows:
        if row.organ == "motor":
            for effect in decode_effects(row.effects):
                if isinstance(effect, VenueSubmit):
                    intent[effect.client_order_id] = effect
    executed = truth.executed()
    live: dict[str, list[str]] = {}
    for order in truth.orders:
        sent = intent.get(order.client_order_id)
        if sent is None:
            assert order.client_order_id.startswith("settle:"), f"nobody sent {order.client_order_id}"
            continue
        quantity = executed.get(order.client_order_id, 0)
        assert quantity == order.filled, f"{order.client_order_id} is filled otherwise than its fills say"
        assert quantity <= sent.approved.order.quantity, (
            f"{order.client_order_id} executed more than intended"
        )
        if quantity or order.status == "open":
            live.setdefault(sent.approved.order.id, []).append(order.client_order_id)
    twice = {order: clients for order, clients in live.items() if len(clients) > 1}
    assert not twice, f"more than one live attempt: {twice}"
    assert len({fill.key for fill in truth.fills}) == len(truth.fills)
    return len(truth.orders)
