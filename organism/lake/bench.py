"""How fast the lake is on this machine: appended durably, opened as arrays, shared by workers, made longer.

The history is a random walk that any run makes again, in a temporary folder. `python -m organism.lake.bench FOLDER` is one
of the workers that share it.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from organism.lake.candles import Candles
from organism.lake.columns import opened
from organism.lake.derived import aggregated, bars
from organism.lake.names import Series, series, timeframe_us
from organism.lake.store import Lake

_START = np.datetime64("2023-01-01", "M")
_NEVER_US = 7_258_118_400_000_000
_WORKERS = 2
_ROUNDS = 5
_MILLION = 1_000_000
_KB = 1_024


def run(*, quick: bool, tell: Callable[[str], None]) -> dict[str, Any]:
    """Measure: 50 assets and a year of minutes, or when quick 3 assets and two months."""
    assets, months = (3, 2) if quick else (50, 12)
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder) / "lake", now_us=lambda: _NEVER_US)
        names = [series("bench", f"A{n:02}/USDT", "1m") for n in range(assets)]
        tell(f"appending {months} months of minutes of {assets} assets")
        appended = _appended(lake, names, months)
        tell("making columns")
        began_s = time.perf_counter()
        for name in names:
            opened(lake, name)
        built_s = time.perf_counter() - began_s
        tell("opening them")
        found = {
            "assets": assets,
            "months": months,
            "append": appended,
            "open": {**_opened(lake, names), "built_once_s": round(built_s, 3)},
        }
        tell(f"opening them in {_WORKERS} workers")
        found["shared"] = _shared(lake, names)
        tell("making hours of minutes")
        found["hourly"] = _hourly(lake, names[0])
        return found


def walk(month: int, asset: int) -> Candles:
    """A month of minutes of one asset, prices of two decimals as venues give them; the same in every run."""
    first, last = ((_START + n).astype("datetime64[us]").astype(np.int64) for n in (month, month + 1))
    opens = np.arange(int(first), int(last), timeframe_us("1m"), dtype=np.int64)
    drawn = np.random.default_rng((asset, month)).standard_normal((4, opens.size))
    close = np.round(1_000.0 * np.exp(np.cumsum(drawn[0] * 5e-4)), 2)
    opened_at = np.concatenate((close[:1], close[:-1]))
    high = np.round(np.maximum(opened_at, close) * (1 + np.abs(drawn[1]) * 3e-4), 2)
    low = np.round(np.minimum(opened_at, close) * (1 - np.abs(drawn[2]) * 3e-4), 2)
    return Candles(opens, opened_at, high, low, close, np.round(np.exp(drawn[3]), 5))


def _appended(lake: Lake, names: list[Series], months: int) -> dict[str, Any]:
    """Each month of all assets, one append an asset; making the numbers is not counted."""
    took: list[float] = []
    worked: list[float] = []
    rows = 0
    for month in range(months):
        lots = [walk(month, asset) for asset in range(len(names))]
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        for name, candles in zip(names, lots, strict=True):
            lake.append(name, candles, source="bench", received_us=month)
        took.append(time.perf_counter() - began_s)
        worked.append(time.process_time() - began_cpu_s)
        rows = sum(map(len, lots))
    size = sum(file.stat().st_size for name in names for file in lake.files(name))
    return {
        "rows_of_a_month": rows,
        "month_s": round(statistics.median(took), 3),
        "worst_month_s": round(max(took), 3),
        "month_cpu_s": round(statistics.median(worked), 3),
        "parquet_mb": round(size / _MILLION, 1),
    }


def _opened(lake: Lake, names: list[Series]) -> dict[str, Any]:
    """Warm: columns are made, and their pages are in memory where the machine has room for them."""
    took = []
    found: list[Candles] = []
    for _ in range(_ROUNDS):
        began_s = time.perf_counter()
        found = [opened(lake, name).candles for name in names]
        took.append(time.perf_counter() - began_s)
    began_s = time.perf_counter()
    for candles in found:
        for column in candles.values():
            column.sum()
    return {
        "rows": sum(map(len, found)),
        "warm_s": round(statistics.median(took), 4),
        "worst_s": round(max(took), 4),
        "read_all_s": round(time.perf_counter() - began_s, 3),
    }


def _shared(lake: Lake, names: list[Series]) -> dict[str, Any]:
    """Memory of workers that each opened and read every number, beyond what they took before (proportional set size)."""
    size = sum(opened(lake, name).path.stat().st_size for name in names)
    command = [sys.executable, "-m", "organism.lake.bench", str(lake.root)]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(_WORKERS)
    ]
    try:
        before = [_said(worker) for worker in workers]
        for worker in workers:
            _asked(worker)
        for worker in workers:
            _said(worker)  # all have read all before any is measured
        for worker in workers:
            _asked(worker)
        after = [_said(worker) for worker in workers]
    finally:
        for worker in workers:
            worker.communicate()
    grown = sum(after) - sum(before)
    return {
        "workers": _WORKERS,
        "data_mb": round(size / _MILLION, 1),
        "all_workers_mb": round(grown / _MILLION, 1),
        "times_data": round(grown / size, 3),
    }


def _said(worker: "subprocess.Popen[str]") -> int:
    if worker.stdout is None or not (line := worker.stdout.readline()):
        raise RuntimeError("a worker of the bench ended early; its complaint is above")
    return int(line)


def _asked(worker: "subprocess.Popen[str]") -> None:
    if worker.stdin is not None:
        worker.stdin.write("\n")
        worker.stdin.flush()


def _hourly(lake: Lake, name: Series) -> dict[str, Any]:
    """A million minutes as hours: of arrays that are open, and of a whole request to the lake."""
    n = _MILLION
    whole = opened(lake, name).candles
    times = -(-n // len(whole))
    opens = np.int64(whole.open_us[0]) + np.arange(n, dtype=np.int64) * timeframe_us("1m")
    minutes = Candles(opens, *(np.tile(column, times)[:n] for column in whole.values()))
    name = series("bench", "MILLION/USDT", "1m")
    lake.append(name, minutes, source="bench", received_us=0)
    mapped = opened(lake, name).candles
    return {
        "rows": n,
        "hours": len(aggregated(mapped, timeframe_us("1h"))[0]),
        "arrays_s": _median(lambda: aggregated(mapped, timeframe_us("1h"))),
        "request_s": _median(lambda: bars(lake, name.venue, name.symbol, "1h")),
    }


def _median(act: Callable[[], object]) -> float:
    took = []
    for _ in range(_ROUNDS):
        began_s = time.perf_counter()
        act()
        took.append(time.perf_counter() - began_s)
    return round(statistics.median(took), 4)


def _pss() -> int:
    """Bytes of memory of this process, what it shares counted by its share."""
    for line in Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * _KB
    raise RuntimeError("this kernel does not tell the proportional set size")


def _tell(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _worker(root: Path) -> None:
    """Tell the memory before, open and read everything, and when all have, tell the memory after."""
    lake = Lake(root, now_us=lambda: _NEVER_US)
    names = lake.all()
    _tell(_pss())
    sys.stdin.readline()
    found = [opened(lake, name).candles for name in names]
    total = sum(float(column.sum()) for candles in found for column in (candles.open_us, *candles.values()))
    _tell(int(total > 0))
    sys.stdin.readline()
    _tell(_pss())
    sys.stdin.read()


if __name__ == "__main__":
    _worker(Path(sys.argv[1]))
