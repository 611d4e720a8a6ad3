"""How long indicators take: nanoseconds a bar, beside TA-Lib where it is installed.

All are timed in turn, round after round, so that a machine that slows down slows all of them; given are the median of the
rounds and the distance of their quartiles. Kernels are compiled before the first round.
"""

import importlib
import importlib.util
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from genome.indicators import ema_many, kernel, state_size
from genome.market import F64, Market, market
from genome.vocabulary import WORDS

_Job = Callable[[], object]


def run(*, quick: bool = False) -> dict[str, Any]:
    """Time every word with its default parameters over one random market.

    Returns bars, rounds, and `rows`: for each word name, parameters, ns_per_bar, spread (the quartiles' distance / the median),
    and for words that TA-Lib has talib_ns_per_bar, talib_spread (None elsewhere, or without TA-Lib); and `ema_many`: windows,
    ns_per_value, times_faster than one by one.
    """
    bars, rounds = (20_000, 3) if quick else (100_000, 9)
    world = _market(bars)
    names = [name for name, word in WORDS.items() if not word.panel]
    ours = {name: _ours(name, world) for name in names}
    theirs = _theirs(world)
    windows = np.arange(5.0, 69.0)
    jobs: dict[tuple[str, str], _Job] = {
        **{("ours", name): job for name, job in ours.items()},
        **{("talib", name): job for name, job in theirs.items()},
        ("many", "ema"): _many(windows, world),
    }
    times = _times(jobs, rounds)
    rows = [
        {
            "name": name,
            "parameters": [p.default for p in WORDS[name].parameters],
            "ns_per_bar": _median(times["ours", name]) / bars,
            "spread": _spread(times["ours", name]),
            "talib_ns_per_bar": _median(times["talib", name]) / bars if name in theirs else None,
            "talib_spread": _spread(times["talib", name]) if name in theirs else None,
        }
        for name in names
    ]
    many = _median(times["many", "ema"]) / bars / windows.size
    single = _median(times["ours", "ema"]) / bars
    return {
        "bars": bars,
        "rounds": rounds,
        "rows": rows,
        "ema_many": {"windows": windows.size, "ns_per_value": many, "times_faster": single / many},
    }


def _times(jobs: dict[tuple[str, str], _Job], rounds: int) -> dict[tuple[str, str], list[int]]:
    for job in jobs.values():
        job()
    times: dict[tuple[str, str], list[int]] = {key: [] for key in jobs}
    for _ in range(rounds):
        for key, job in jobs.items():
            begin = time.perf_counter_ns()
            job()
            times[key].append(time.perf_counter_ns() - begin)
    return times


def _median(times: list[int]) -> float:
    return float(statistics.median(times))


def _spread(times: list[int]) -> float:
    low, _, high = statistics.quantiles(times, n=4)
    return (high - low) / _median(times)


def _ours(name: str, world: Market) -> _Job:
    params = tuple(p.default for p in WORDS[name].parameters)
    advance, p, size = kernel(name), np.array(params, dtype=np.float64), state_size(name, params)
    close, out = world.column("close").copy(), np.empty(world.size)

    def job() -> None:
        advance(p, np.zeros(size), close, world.columns, world.open_s, 0, out)

    return job


def _many(windows: F64, world: Market) -> _Job:
    close, out = world.column("close").copy(), np.empty((windows.size, world.size))
    return lambda: ema_many(windows, np.zeros((windows.size, 2)), close, out)


def _theirs(world: Market) -> dict[str, _Job]:
    """The same of TA-Lib, where it has the same; empty where it is not installed."""
    if importlib.util.find_spec("talib") is None:
        return {}
    ta: Any = importlib.import_module("talib")
    h, low, c, v = (world.column(name).copy() for name in ("high", "low", "close", "volume"))
    return {
        "sma": lambda: ta.SMA(c, 20),
        "ema": lambda: ta.EMA(c, 20),
        "wma": lambda: ta.WMA(c, 20),
        "rsi": lambda: ta.RSI(c, 14),
        "macd_histogram": lambda: ta.MACD(c, 12, 26, 9),
        "bb_upper": lambda: ta.BBANDS(c, 20, 2.0, 2.0),
        "true_range": lambda: ta.TRANGE(h, low, c),
        "atr": lambda: ta.ATR(h, low, c, 14),
        "highest": lambda: ta.MAX(c, 20),
        "lowest": lambda: ta.MIN(c, 20),
        "stoch_d": lambda: ta.STOCH(h, low, c, 14, 3, 0, 3, 0),
        "roc": lambda: ta.ROCP(c, 10),
        "obv": lambda: ta.OBV(c, v),
    }


def _market(bars: int) -> Market:
    rng = np.random.default_rng(1)
    close = 30_000.0 * np.exp(np.cumsum(rng.normal(0.0, 1e-3, bars)))
    opens = np.r_[close[:1], close[:-1]]
    high, low = np.maximum(opens, close) * 1.0005, np.minimum(opens, close) * 0.9995
    return market(
        "BENCH", 3_600 * np.arange(bars), 3_600, (opens, high, low, close, rng.gamma(2.0, 10.0, bars))
    )
