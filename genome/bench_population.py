"""The population simulator measured: beside vectorbt, over sizes, on one thread and on all, in memory, and starting up.

Everything compared is timed by turns in one process; given are medians and the lowest and highest of the repeats.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

from genome import bench_crowds as crowds
from genome import bench_peers as peers
from genome.compiled import compiled
from genome.costs import Costs
from genome.genome import Genome
from genome.grammar import parse_condition
from genome.market import Market
from genome.simulator import backtest, evaluate
from genome.simulator.packing import forget
from organism.market import Bar

FIGURES = ("total_return", "sharpe", "max_drawdown", "n_trades")
_CLOSE = 1e-9
_NODES = "ema(12) crosses_above ema(26) and rsi(14) < 70 and close > sma(50) and zscore(20) < 2 and atr(14) > 0 and volume > 0"
"""Twenty nodes."""

Tell = Callable[[str], None]


def run(*, quick: bool = False, tell: Tell = lambda _: None) -> dict[str, Any]:
    """Measure everything; `tell` hears what is being measured. Minutes with vectorbt, seconds without or `quick`."""
    bars, genomes, repeats = (20_000, 200, 2) if quick else (100_000, 1_000, 3)
    market = crowds.walk_market(bars)
    results: dict[str, Any] = {
        "vectorbt": peers.installed() or "not installed",
        "bars": bars,
        "genomes": genomes,
    }
    # First what is measured alone: vectorbt leaves a process behind that holds gigabytes.
    tell("sizes")
    results["sizes"] = _sizes(quick=quick)
    tell("threads")
    results["threads"] = _threads(market, genomes, 3 if quick else 9)
    tell("one bar at a time")
    results["streaming_us"] = _streaming(2_000 if quick else 20_000)
    tell("crossing averages")
    results["crossing"] = _beside(crowds.crossing(genomes), market, crowds.COSTS, repeats, exact=True)
    tell("stops, targets, trailing, short side")
    results["guarded"] = _beside(crowds.guarded(genomes), market, crowds.COSTS, repeats, exact=False)
    if peers.installed():
        tell("stops and targets, trade by trade")
        results["guarded_trades"] = _trade_by_trade(market, 20 if quick else 100)
    tell("memory")
    results["memory"] = _child("memory", bars, genomes)
    tell("first use, and later")
    with tempfile.TemporaryDirectory() as empty:
        results["first_use_s"] = _child("first", bars, 8, cache=empty)["seconds"]
        results["later_s"] = _child("first", bars, 8, cache=empty)["seconds"]
    return results


def _beside(
    genomes: Sequence[Genome], market: Market, costs: Costs, repeats: int, *, exact: bool
) -> dict[str, Any]:
    """Our seconds and, where it is installed, vectorbt's, by turns; how far the figures lie apart."""
    evaluate(genomes[:8], [market], costs, 1.0)
    if peers.installed():
        peers.figures(genomes[: peers.CHUNK], market, costs)  # compiles
    ours, theirs = [], []
    found = None
    for _ in range(repeats):
        # Three of ours around one of theirs: it takes a hundred times as long, and so would the noise of one run.
        ours += [_anew(genomes, market, costs) for _ in range(3)]
        if peers.installed():
            begun = time.perf_counter()
            found = peers.figures(genomes, market, costs)
            theirs.append(time.perf_counter() - begun)
    seconds = statistics.median(ours)
    result: dict[str, Any] = {
        "seconds": _summed(ours),
        "bar_genomes_per_s": len(genomes) * market.size / seconds,
    }
    if found is not None:
        mine = evaluate(genomes, [market], costs, 1.0).figures
        result["vectorbt_seconds"] = _summed(theirs)
        result["times_vectorbt"] = statistics.median(theirs) / seconds
        if exact:
            apart = {name: crowds.same(mine[name][:, 0], found[:, k]) for k, name in enumerate(FIGURES)}
            result["largest_difference"] = apart
            result["equal_to_1e-9"] = all(value < _CLOSE for value in apart.values())
    return result


def _anew(genomes: Sequence[Genome], market: Market, costs: Costs, threads: int | None = None) -> float:
    """Seconds to evaluate genomes as if never seen: compiling them is part of it."""
    forget()
    return _seconds(lambda: evaluate(genomes, [market], costs, 1.0, threads=threads))


def _trade_by_trade(market: Market, n: int) -> dict[str, Any]:
    """Long trades with stops and targets, without slippage (there a target is a limit order, here and not there)."""
    genomes = crowds.guarded(n, short=False, trailing=False)
    costs = crowds.WITHOUT_SLIPPAGE
    trades, equal = 0, 0
    for genome, theirs in zip(genomes, peers.trades(genomes, market, costs), strict=True):
        ours = [t for t in backtest(market, genome, costs, 1.0).trades if t.reason != "end"]
        trades += max(len(ours), len(theirs))
        equal += sum(
            (a.entry_bar, a.exit_bar) == b[:2]
            and abs(a.entry_price / b[2] - 1.0) < _CLOSE
            and abs(a.exit_price / b[3] - 1.0) < _CLOSE
            for a, b in zip(ours, theirs, strict=False)
        )
    return {"genomes": n, "trades": trades, "equal": equal}


def _sizes(*, quick: bool) -> dict[str, Any]:
    """Nanoseconds a bar and genome, all sizes by turns."""
    grid = [
        (10, 10_000),
        (10, 100_000),
        (100, 10_000),
        (100, 100_000),
        (300, 100_000),
        (1_000, 100_000),
        (300, 300_000),
    ]
    if quick:
        grid = [(genomes, bars // 10) for genomes, bars in grid]
    markets = {bars: crowds.walk_market(bars) for _, bars in grid}
    crowd = crowds.crossing(max(genomes for genomes, _ in grid))
    fresh: dict[tuple[int, int], list[float]] = {size: [] for size in grid}
    again: dict[tuple[int, int], list[float]] = {size: [] for size in grid}
    for _ in range(3 if quick else 9):
        for size in grid:
            some, market, unit = crowd[: size[0]], markets[size[1]], 1e9 / (size[0] * size[1])
            evaluate(some, [market], crowds.COSTS, 1.0)  # the turn before was another size
            calls = max(
                1, round(_TURN / (size[0] * size[1]))
            )  # one call of the smallest is over before a clock is read
            fresh[size].append(
                unit * statistics.fmean(_anew(some, market, crowds.COSTS) for _ in range(calls))
            )
            again[size].append(unit * statistics.fmean(_known(some, market) for _ in range(calls)))
    return {"fresh": _summary(fresh, grid[3]), "compiled_before": _summary(again, grid[3])}


def _known(genomes: Sequence[Genome], market: Market) -> float:
    """Seconds to evaluate genomes that were compiled before."""
    return _seconds(lambda: evaluate(genomes, [market], crowds.COSTS, 1.0))


_TURN = 10_000_000
"""Bars and genomes of a turn at the least, some 10 ms."""


def _summary(times: dict[tuple[int, int], list[float]], corner: tuple[int, int]) -> dict[str, Any]:
    """Medians; the spread of the sizes from `corner` upward; the dearest of all over the median of those."""
    cost = {size: statistics.median(found) for size, found in times.items()}
    large = [cost[size] for size in cost if size[0] >= corner[0] and size[1] >= corner[1]]
    middle = (max(large) + min(large)) / 2
    return {
        "ns": {f"{genomes} x {bars}": cost[genomes, bars] for genomes, bars in cost},
        "large_spread_percent": 100.0 * (max(large) - middle) / middle,
        "smallest_times_large": max(cost.values()) / statistics.median(large),
    }


def _threads(market: Market, genomes: int, repeats: int) -> dict[str, Any]:
    crowd = crowds.crossing(genomes)
    times: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(repeats):
        for threads, into in times.items():
            into.append(_anew(crowd, market, crowds.COSTS, threads=threads))
    one, two = statistics.median(times[1]), statistics.median(times[2])
    return {"cores": os.cpu_count(), "one_s": one, "two_s": two, "times": one / two}


def _streaming(bars: int) -> dict[str, float]:
    market = crowds.walk_market(bars)
    genome = Genome(
        family="bench", entry_long=parse_condition(_NODES), exit_long=parse_condition("close < ema(26)")
    )
    strategy = compiled(genome, market.bar_s)
    rows = [market.column(name).tolist() for name in ("open", "high", "low", "close", "volume")]
    told = [
        Bar("BENCH", s * 10**9, (s + 60) * 10**9, *row)
        for s, *row in zip(market.open_s.tolist(), *rows, strict=True)
    ]
    state = strategy.initial()
    state, _ = strategy.step(state, told[0])
    rounds = []
    for part in range(10):
        piece = told[1 + part * (bars // 11) : 1 + (part + 1) * (bars // 11)]
        begun = time.perf_counter()
        for bar in piece:
            state, _ = strategy.step(state, bar)
        rounds.append(1e6 * (time.perf_counter() - begun) / len(piece))
    return _summed(rounds)


def _child(what: str, bars: int, genomes: int, cache: str | None = None) -> dict[str, float]:
    """Measure in a process of its own; with a folder, kernels are compiled into it."""
    environment = {**os.environ, **({"NUMBA_CACHE_DIR": cache} if cache else {})}
    done = subprocess.run(
        [sys.executable, "-m", "genome.bench_population", what, str(bars), str(genomes)],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def _memory(bars: int, genomes: int) -> dict[str, float]:
    """Most memory of the process while simulating, beyond what it had with the market loaded and the kernels ready."""
    market, crowd = crowds.walk_market(bars), crowds.crossing(genomes)
    evaluate(crowd[:8], [crowds.walk_market(2_000)], crowds.COSTS, 1.0)
    before = _peak_mb(reset=True)
    evaluate(crowd, [market], crowds.COSTS, 1.0)
    return {"before_mb": before, "beyond_market_mb": _peak_mb() - before}


def _peak_mb(*, reset: bool = False) -> float:
    if reset:
        with open("/proc/self/clear_refs", "w") as file:  # noqa: PTH123
            file.write("5")
    with open("/proc/self/status") as file:  # noqa: PTH123
        kib = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
    return kib / 1024


def _first(bars: int, genomes: int) -> dict[str, float]:
    """Seconds to the first population and the first backtest of a process, imports not counted."""
    begun = time.perf_counter()
    market = crowds.walk_market(bars)
    evaluate(crowds.guarded(genomes), [market], crowds.COSTS, 1.0)
    backtest(market, crowds.crossing(1)[0], crowds.COSTS, 1.0)
    return {"seconds": time.perf_counter() - begun}


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _summed(times: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(times), "lowest": min(times), "highest": max(times)}


if __name__ == "__main__":
    measure = {"memory": _memory, "first": _first}[sys.argv[1]]
    sys.stdout.write(json.dumps(measure(int(sys.argv[2]), int(sys.argv[3]))))
