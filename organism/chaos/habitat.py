"""A real paper organism in real processes, on a folder of its own: started, struck, and asked how it is."""

import contextlib
import math
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from organism.body.crashpoints import VARIABLE
from organism.chaos.orderly import leashed
from organism.errors import OrganismError
from organism.guardian.lock import read_note
from organism.journal.segments import CURRENT
from organism.processes import lives
from organs.motor.paper.wire import BOOK

BUSY: Final = (
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
"""Settings that trade a lot, so that a fault at any moment is a fault in the middle of an order."""
HARDY: Final = ("guardian.restarts=1000", "journal.segment_mb=2", "journal.keep_segments=1000")
"""Settings that survive more deaths than the defaults tolerate, and keep the whole journal for the judge."""
APART: Final = "paper.separate_process=true"
"""The venue in a process of its own: whoever kills the body cannot touch the book that judges it."""
LOOK_S = 0.004  # between two looks: the resolution of every time that is measured
BACK_S = 30.0  # longest wait for anything
TAIL = 600  # characters of what the processes said, shown when a wait was in vain


class Last(NamedTuple):
    """How far an organism had come: the body's number, and the newest instant booked, ns."""

    run: int
    at_ns: int


class NotBack(OrganismError):
    """The organism did not do in time what it promises."""


def until(claim: Callable[[], object], what: str, limit_s: float = BACK_S) -> float:
    """Look until the claim is true; seconds it took. Raises `NotBack`."""
    began = time.monotonic()
    while not claim():
        if time.monotonic() - began > limit_s:
            raise NotBack(f"{what} did not come true within {limit_s:g} s")
        time.sleep(LOOK_S)
    return time.monotonic() - began


class Habitat:
    """One state folder and whoever lives there.

    settings    as after `--set`
    dashboard   whether the page is served too
    """

    def __init__(
        self, state: Path, *settings: str, speed: str = "60000", dashboard: bool = False, seed: int = 1
    ) -> None:
        self.state = state
        self.log = state.with_suffix(".log")
        self.guardian: subprocess.Popen[bytes] | None = None
        self._settings = settings
        self._flags = ["--speed", speed, "--seed", str(seed), "--no-evolution"]
        self._flags += ["--port", str(free_port())] if dashboard else ["--no-dashboard"]

    # ------------------------------------------------------------ life and death

    def start(self, crash: str = "") -> None:
        """Start the guardian; `crash` arms a named point in every body that it starts."""
        self.guardian = self.another(crash)

    def another(self, crash: str = "") -> subprocess.Popen[bytes]:
        """`organism start` on this folder, whether or not somebody is there."""
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "CHAOS_CHANNEL": "json://127.0.0.1:9"}
        environment.pop(VARIABLE, None)
        if crash:
            environment[VARIABLE] = crash
        with self.log.open("ab") as log:
            return subprocess.Popen(
                leashed([sys.executable, "-m", "organism", "start", "--state", str(self.state), *self._flags, *self.chosen]),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True,
            )  # fmt: skip

    @property
    def chosen(self) -> list[str]:
        """The settings, as they stand on a command line."""
        return [part for one in self._settings for part in ("--set", one)]

    def send(self, name: str, number: signal.Signals) -> int:
        """Send a signal to a process by its role; its process id."""
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def kill_guardian(self) -> None:
        """SIGKILL the guardian alone, and bury it."""
        if self.guardian is not None:
            self.guardian.kill()
            self.guardian.wait()

    def kill_all(self) -> None:
        """SIGKILL everybody at once."""
        pids = self.pids()
        self.kill_guardian()
        for pid in pids.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self, *numbers: signal.Signals) -> tuple[int, float]:
        """Ask for an orderly end, or for a hasty one by two signals; exit status and seconds."""
        if self.guardian is None:
            raise NotBack("nothing was started")
        began = time.monotonic()
        for number in numbers or (signal.SIGTERM,):
            self.guardian.send_signal(number)
            time.sleep(0.01)
        try:
            code = self.guardian.wait(BACK_S)
        except subprocess.TimeoutExpired:
            raise NotBack(f"the organism did not stop within {BACK_S:g} s") from None
        return code, time.monotonic() - began

    def end(self) -> None:
        """Whatever happened, leave nobody behind."""
        pids = self.pids()
        for pid in pids.values():  # a stopped process would not read that its guardian is gone
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        if self.guardian is not None and self.guardian.poll() is None:
            self.kill_all()

    # ------------------------------------------------------------ looking

    def pids(self) -> dict[str, int]:
        """Process ids by role, as the guardian notes them."""
        note = read_note(self.state)
        found = {"guardian": note.get("pid"), **note.get("children", {})}
        return {name: pid for name, pid in found.items() if isinstance(pid, int)}

    def pid(self, name: str) -> int:
        """Process id of a role; waits for one that is only being started."""
        until(lambda: lives(self.pids().get(name, 0)), f"a {name}")
        return self.pids()[name]

    def replaced(self, name: str, pid: int) -> bool:
        """Whether another process has taken this one's role."""
        return self.pids().get(name, pid) != pid

    @property
    def said(self) -> str:
        """Everything that the processes wrote on standard error."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    @property
    def n_orders(self) -> int:
        """Orders in the venue's book."""
        return self._count(BOOK, "SELECT count(*) FROM orders")

    @property
    def run(self) -> int:
        """Number of the newest start of a body."""
        return self._count(CURRENT, "SELECT ifnull(max(run), 0) FROM runs")

    def trades(self, n_more: int = 1, *, after_run: int = 0, limit_s: float = BACK_S) -> float:
        """Wait until a body that was started after that run has sent more orders; seconds it took."""
        began = time.monotonic()
        try:
            until(lambda: self._guarded() and self.run > after_run, f"another body than {after_run}", limit_s)
            before = self.n_orders
            until(
                lambda: self._guarded() and self.n_orders >= before + n_more, f"{n_more} more orders", limit_s
            )
        except NotBack as error:
            raise NotBack(f"{error}; last was said: {self.said[-TAIL:].strip()!r}") from None
        return time.monotonic() - began

    def returns(self, last: "Last", began_s: float, limit_s: float = BACK_S) -> tuple[float, float]:
        """Wait until a newer body serves, and trades; seconds from `began_s` on the monotonic clock until each.

        It *serves* once it has dealt with an instant of the market that no body knew before: the journal is read,
        the venue was asked, the market is followed. It *trades* once the venue has another order, which is also a
        matter of the market, and of orders in doubt: until the venue's window is over nobody trades in their symbol.
        """
        serving_s = trading_s = math.nan
        n_before: int | None = (
            None  # what the venue still had to read of a dead body is none of the new one's
        )

        def both() -> bool:
            nonlocal serving_s, trading_s, n_before
            self._guarded()
            took_s = time.monotonic() - began_s
            if n_before is None:
                n_before = self.n_orders if self.run > last.run else None
                return False
            if math.isnan(serving_s) and self._newest_ns(last.run) > last.at_ns:
                serving_s = took_s
            if math.isnan(trading_s) and self.n_orders > n_before:
                trading_s = took_s
            return not math.isnan(serving_s + trading_s)

        try:
            until(both, f"a body after {last.run} that serves and trades", limit_s)
        except NotBack as error:
            raise NotBack(f"{error}; last was said: {self.said[-TAIL:].strip()!r}") from None
        return serving_s, trading_s

    @property
    def last(self) -> "Last":
        """How far the body that is there, or was, has come."""
        return Last(self.run, self._newest_ns(0))

    def _newest_ns(self, after_run: int) -> int:
        """Newest instant whose prices were booked by a body after that one, ns; 0 when there is none."""
        question = "SELECT ifnull(max(market_ns), 0) FROM rows WHERE organ = 'metabolism' AND run > ?"
        return self._count(CURRENT, question, after_run)

    def _guarded(self) -> bool:
        if self.guardian is not None and self.guardian.poll() is not None:
            raise NotBack(f"the guardian has ended with status {self.guardian.returncode}")
        return True

    def _count(self, name: str, question: str, *values: int) -> int:
        path = self.state / name
        try:
            with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5.0)) as db:
                return int(db.execute(question, values).fetchone()[0])
        except sqlite3.OperationalError:  # not there yet
            return 0


@contextlib.contextmanager
def habitat(
    folder: Path, *settings: str, speed: str = "60000", dashboard: bool = False, seed: int = 1
) -> Iterator[Habitat]:
    """One with a busy, hardy organism whose venue is a process of its own; nobody is left behind."""
    found = Habitat(
        folder / "state", *BUSY, *HARDY, APART, *settings, speed=speed, dashboard=dashboard, seed=seed
    )
    try:
        yield found
    finally:
        found.end()


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
