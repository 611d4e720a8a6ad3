"""What breeding in the background costs the body: bar → order, with and without, by turns in one life."""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genome.background.told import FOLDER, heard
from organism.cli.benches import spread
from organism.cli.benches.drills import BUSY, Lab
from organism.config import load
from organism.errors import BadInput
from organism.kept import keep

LIMIT_S = 120.0  # for one stretch, and for a breeder to come to its first generation
ENDLESS = {  # a round that outlasts the measuring, begun at once
    "evolution.after_s": "0", "evolution.min_bars": "600", "evolution.generations": "1000", "evolution.min_trades": "0",
}  # fmt: skip


class Silent(Exception):
    """The breeder did not breed, so there is nothing to compare with."""


TIRELESS = {  # no limit may end the orders of a body that trades this much
    "risk.max_daily_loss": "0.9", "risk.halve_at_drawdown": "0.5", "risk.no_entries_at_drawdown": "0.6",
    "risk.halt_at_drawdown": "0.9", "risk.max_consecutive_losses": "100000",
}  # fmt: skip
SHARES = ("0.25", "1")  # of a core: the default, and as much as there is


def bench(*, quick: bool) -> dict[str, Any]:
    """p99 of bar → order by turns in one life: without a breeder, then with one for each of `SHARES`, and again."""
    turns, n = (1, 60) if quick else (5, 150)
    parts: dict[str, list[list[float]]] = {name: [] for name in ("off", *SHARES)}
    rates: dict[str, list[float]] = {share: [] for share in SHARES}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        folder = Path(place)
        with Lab(folder, TIRELESS) as lab:
            _gathered(lab, 40)  # what only the first orders cost
            for turn in range(turns):
                print(f"bench:   breeding, turn {turn + 1} of {turns} …", file=sys.stderr, flush=True)
                parts["off"].append(_gathered(lab, n))
                for share in SHARES:
                    try:
                        with _breeding(folder, share):
                            parts[share].append(_gathered(lab, n))
                            rates[share].append(_rate(folder))
                    except Silent as silent:
                        return {"not measured": str(silent)}
    off = [_p99(part) for part in parts["off"]]
    return {"off": _row(parts["off"])} | {
        f"cpu_share_{share}": _row(parts[share])
        | {"p99_on_over_off": _ratio([_p99(a) / b for a, b in zip(parts[share], off, strict=True)])}
        | {"evaluations_per_s": round(statistics.median(rates[share]), 1)}
        for share in SHARES
    }


def _row(parts: list[list[float]]) -> dict[str, Any]:
    return {
        "bar_to_order_ms": spread([x for part in parts for x in part]),
        "p99_by_turn_ms": [round(_p99(part), 2) for part in parts],
    }


def _ratio(ratios: list[float]) -> dict[str, Any]:
    return {
        "median": round(statistics.median(ratios), 2), "min": round(min(ratios), 2), "max": round(max(ratios), 2),
        "turns": len(ratios), "target": "< 2",
    }  # fmt: skip


def _rate(folder: Path) -> float:
    told = heard(folder / FOLDER)
    return 0.0 if told is None or told.bred is None else told.bred.evaluations_per_s


def _p99(values: list[float]) -> float:
    return float(spread(values, 6)["p99"])


def _gathered(lab: Lab, n: int) -> list[float]:
    """The next n orders, milliseconds each."""
    begin = len(lab.latencies)
    until = time.monotonic() + LIMIT_S
    while len(lab.latencies) < begin + n and time.monotonic() < until:
        time.sleep(0.1)
    found = lab.latencies[begin:]
    if not found:
        raise BadInput(
            "the body sent no order while it was measured; run the bench on a machine that is less busy."
        )
    return found


@contextmanager
def _breeding(folder: Path, share: str) -> Iterator[None]:
    """A breeder beside the body that has bred a generation and goes on; killed afterwards, as any moment may."""
    loaded = load(None, {}, {**BUSY, **TIRELESS, **ENDLESS} | {"evolution.cpu_share": share}, state=folder)
    keep(folder, loaded.settings, loaded.hash)
    word = folder / FOLDER / "status.json"
    word.unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "organism.body.breeder", "--state", str(folder), "--settings", loaded.hash],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        until = time.monotonic() + LIMIT_S
        while not _has_bred(folder):
            if process.poll() is not None or time.monotonic() > until:
                raise Silent(f"no generation was bred within {LIMIT_S:g} s")
            time.sleep(0.1)
        yield
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _has_bred(folder: Path) -> bool:
    told = heard(folder / FOLDER)
    return told is not None and told.bred is not None
