"""Evolution at scale, measured: a generation on every hourly series there is, cores, workers, and whether it gets anywhere.

What is compared takes turns; given are medians, lowest and highest.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from genome import bench_crowds as crowds
from genome.bench_gp import spread
from genome.bench_planted import planted
from genome.evolution.judge import Local
from genome.evolution.loop import begin, step
from genome.evolution.plan import Plan
from genome.evolution.ports import Evaluator
from genome.evolution.workers.pool import Pool
from genome.evolve import words_of
from genome.history import load
from genome.market import Market

GENERATION_S: Final = {"aim_below": 10.0}
MEMORY_MB: Final = {"at_most": 1_500.0, "stretch": 800.0}
EFFICIENCY: Final = {"at_least": 1.7, "stretch": 1.9}
_HOUR_S: Final = 3_600
_EQUITIES: Final = "us-equity"
Tell = Callable[[str], None]


def run(
    recording: Market, folder: Path | None, *, quick: bool = False, tell: Tell = lambda _: None
) -> dict[str, Any]:
    """Measure; `tell` hears what is being measured. Minutes, seconds when `quick`.

    recording  real bars that evolution is to find something on
    folder     holds files `1h_*.parquet`, at any depth; those below `us-equity` are no crypto. None: that part is skipped
    """
    size = 100 if quick else 1_000
    results: dict[str, Any] = {"cores": os.cpu_count(), "population": size}
    if folder is None:
        results["one_generation"] = "no --data folder of hourly bars: skipped"
    else:
        tell("one generation on every hourly series")
        results["one_generation"] = _child(folder, size) | {
            "targets": {"seconds": GENERATION_S, "peak_mb": MEMORY_MB}
        }
    tell("threads and workers")
    results["cores_used"] = _cores(
        crowds.walk_market(5_000 if quick else 20_000, bar_s=_HOUR_S), size, 2 if quick else 5
    )
    tell("hypervolume on a recording")
    results["hypervolume"] = _hypervolume(recording, *((3, 3, 40) if quick else (10, 30, 100)))
    tell("a planted rule")
    results["planted_rule"] = planted(3 if quick else 10)
    return results


def series(folder: Path) -> list[Market]:
    """Every hourly crypto series below a folder, named by its folder and its file."""
    files = sorted(
        path for path in folder.rglob("1h_*.parquet") if _EQUITIES not in path.relative_to(folder).parts
    )
    return [load(path, symbol=f"{path.parent.parent.name}:{path.parent.name}:{path.stem}") for path in files]


def _child(folder: Path, size: int) -> dict[str, Any]:
    """Measured in a process of its own, whose memory nobody else has used."""
    done = subprocess.run(
        [sys.executable, "-m", "genome.bench_evolve", str(folder), str(size)], capture_output=True, text=True, check=True
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def generation(folder: Path, size: int) -> dict[str, Any]:
    """Breed and judge one generation after founders that are judged beforehand on a few bars; choose who stays."""
    markets = series(folder)
    if not markets:
        return {"skipped": f"no file 1h_*.parquet below {folder}"}
    judge = Local(markets)
    words, seeds = words_of(markets)
    plan = Plan(population=size, generations=1)
    begin(
        replace(plan, population=64), Local([crowds.walk_market(2_000, bar_s=_HOUR_S)]), words, seeds
    )  # compiles
    before = _peak_mb()
    began = time.perf_counter()
    _, report = begin(plan, judge, words, seeds)
    seconds = time.perf_counter() - began
    return {
        "series": len(markets), "bars": sum(market.size for market in markets), "genomes": report.evaluated,
        "seconds": seconds, "bar_genomes_per_s": report.evaluated * sum(m.size for m in markets) / seconds,
        "peak_mb": _peak_mb(), "beyond_data_mb": _peak_mb() - before,
    }  # fmt: skip


def _peak_mb() -> float:
    """Most memory that this process ever had in use, MB."""
    with open("/proc/self/status") as file:  # noqa: PTH123
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024


def _cores(market: Market, size: int, repeats: int) -> dict[str, Any]:
    """One flock judged in this process and by workers, on one core and on two."""
    words, seeds = words_of([market])
    local = Local([market])
    flock = begin(Plan(population=size, generations=1), local, words, seeds)[1].births.flock
    pools = {
        "1 worker x 1 thread": Pool(local, 1, 1),
        "1 worker x 2 threads": Pool(local, 1, 2),
        "2 workers x 1 thread": Pool(local, 2, 1),
    }
    judges: dict[str, Evaluator] = {
        "1 thread": replace(local, threads=1),
        "2 threads": replace(local, threads=2),
        **pools,
    }
    times: dict[str, list[float]] = {name: [] for name in judges}
    with ExitStack() as stack:
        for pool in pools.values():
            stack.enter_context(pool)
        for judge in judges.values():
            judge(flock)  # starts workers
        for _ in range(repeats):
            for name, judge in judges.items():
                began = time.perf_counter()
                judge(flock)
                times[name].append(time.perf_counter() - began)
    middle = {name: statistics.median(found) for name, found in times.items()}
    return {
        "seconds": {name: spread(found) for name, found in times.items()},
        "times_threads": middle["1 thread"] / middle["2 threads"],
        "times_workers": middle["1 worker x 1 thread"] / middle["2 workers x 1 thread"],
        "faster": min(("1 worker x 2 threads", "2 workers x 1 thread"), key=middle.__getitem__),
        "targets": {"times": EFFICIENCY},
    }


def _hypervolume(recording: Market, seeds: int, generations: int, size: int) -> dict[str, Any]:
    """Of the hall of fame, when the founders were judged and when the run was over, for several seeds."""
    judge = Local([recording])
    words, founders = words_of([recording])
    first, last, best = [], [], []
    for seed in range(seeds):
        state, report = begin(
            Plan(population=size, generations=generations, seed=seed), judge, words, founders
        )
        first.append(report.hypervolume)
        best.append(report.best[0])
        while not state.finished:
            state, report = step(state, judge, words)
        last.append(report.hypervolume)
        best[-1] = report.best[0] - best[-1]
    grown = [b / a for a, b in zip(first, last, strict=True) if a > 0.0]
    return {
        "bars": recording.size, "seeds": seeds, "generations": generations, "population": size,
        "founders": spread(first), "last": spread(last),
        "times": spread(grown) if grown else "the founders had none",
        "grew": f"{int(np.sum(np.array(last) > np.array(first)))} of {seeds} seeds",
        "best_sharpe_gained": spread(best),
    }  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(json.dumps(generation(Path(sys.argv[1]), int(sys.argv[2]))))
