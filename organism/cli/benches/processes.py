"""The organism as a person starts it: how soon it lives, how soon it is back, what it costs."""

import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from organism.cli.benches import spread
from organism.view.reader import ViewReader

LOOK_S = 0.02


class Running:
    """`organism start` on a state folder of its own."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.folder = folder
        self.port = _free_port()
        self.began_s = time.monotonic()
        argv = [sys.executable, "-m", "organism", "start", "--state", str(folder), "--port", str(self.port)]
        self.process = subprocess.Popen(
            [*argv, *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def stop(self) -> None:
        """Stop in order."""
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20.0)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)

    def vitals(self) -> dict[str, Any]:
        """What the page's own interface says; empty while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/vitals", timeout=1.0) as reply:
                found: dict[str, Any] = json.load(reply)
                return found
        except (OSError, ValueError):
            return {}

    def state(self) -> dict[str, Any]:
        """What the view says; empty while there is none."""
        try:
            return ViewReader(self.folder / "view.db").status()
        except Exception:  # noqa: BLE001 - not there yet, or just being made
            return {}


@contextlib.contextmanager
def running(*flags: str) -> Iterator[Running]:
    """Start, and stop afterwards whatever happened."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        organism = Running(Path(folder), *flags)
        try:
            yield organism
        finally:
            organism.stop()


def until(true: Callable[[], bool], limit_s: float) -> float | None:
    """Monotonic seconds until something came true, None when it did not."""
    began = time.monotonic()
    while time.monotonic() - began < limit_s:
        if true():
            return time.monotonic() - began
        time.sleep(LOOK_S)
    return None


def first_signs(*, quick: bool) -> dict[str, Any]:
    """Start without flags: until the page shows a living body, until the first fill."""
    vitals, fills = [], []
    for _ in range(1 if quick else 3):
        with running() as organism:
            seen = until(lambda o=organism: bool(o.vitals().get("health")), 30.0)  # type: ignore[misc]
            if seen is not None:
                vitals.append(time.monotonic() - organism.began_s)
            filled = until(lambda o=organism: bool(_n_fills(o)), 90.0)  # type: ignore[misc]
            if filled is not None:
                fills.append(time.monotonic() - organism.began_s)
    return {
        "start_to_vitals_s": spread(vitals) | {"target": "<= 4 s"},
        "start_to_first_fill_s": spread(fills) | {"target": "<= 60 s"},
    }


def back_again(*, quick: bool) -> dict[str, Any]:
    """Kill or stop the body with a signal; until a new one has marked a new instant."""
    results: dict[str, list[float]] = {"SIGKILL": [], "SIGSTOP": []}
    with running("--no-dashboard", "--speed", "3000", "--set", "guardian.restarts=1000") as organism:
        until(lambda: _pid(organism) > 0 and _at_ns(organism) > 0, 30.0)
        for number in (signal.SIGKILL, signal.SIGSTOP):
            for _ in range(2 if quick else 8):
                pid = _pid(organism)
                before_ns = _at_ns(organism)
                os.kill(pid, number)
                took = until(lambda p=pid, b=before_ns: _pid(organism) != p and _at_ns(organism) > b, 30.0)  # type: ignore[misc]
                if took is not None:
                    results[number.name].append(took)
    return {
        "killed_to_trading_s": spread(results["SIGKILL"]) | {"target": "< 6 s"},
        "stopped_to_trading_s": spread(results["SIGSTOP"]) | {"target": "< 6 s, 2 s of it silence"},
    }


def cost(*, quick: bool) -> dict[str, Any]:
    """Memory and processor of the body at the default speed; growth from minute 3 to minute 10."""
    import psutil

    minutes = 1.0 if quick else 10.0
    samples: list[tuple[float, float]] = []
    with running() as organism:
        until(lambda: _pid(organism) > 0, 30.0)
        body = psutil.Process(_pid(organism))
        settled_s = 15.0 if quick else 180.0
        began, cpu_began = time.monotonic(), 0.0
        cpu_at = 0.0
        while (elapsed := time.monotonic() - began) < minutes * 60.0:
            samples.append((elapsed, body.memory_info().rss / 2**20))
            if elapsed >= settled_s and not cpu_at:
                cpu_at, cpu_began = elapsed, sum(body.cpu_times()[:2])
            time.sleep(1.0)
        cpu = (sum(body.cpu_times()[:2]) - cpu_began) / max(1.0, elapsed - cpu_at)
    late = [(t, mb) for t, mb in samples if t >= settled_s]
    first, last = late[: max(1, len(late) // 7)], late[-max(1, len(late) // 7) :]
    growth = statistics.median(mb for _, mb in last) - statistics.median(mb for _, mb in first)
    return {
        "body_memory_mb": {"max": round(max(mb for _, mb in samples), 1), "target": "< 350 MB"},
        "body_cpu_share_of_core": {"mean": round(cpu, 3), "target": "< 0.25"},
        "body_growth_mb": {
            "from_s": settled_s, "to_s": minutes * 60.0, "growth": round(growth, 2),
            "target": "< 2 MB from minute 3 to 10",
        },
    }  # fmt: skip


def _n_fills(organism: Running) -> int:
    try:
        return len(ViewReader(organism.folder / "view.db").table("fills", 1))
    except Exception:  # noqa: BLE001 - not there yet
        return 0


def _pid(organism: Running) -> int:
    return int((organism.state().get("body") or {}).get("pid") or 0)


def _at_ns(organism: Running) -> int:
    return int((organism.state().get("portfolio") or {}).get("at_ns") or 0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
