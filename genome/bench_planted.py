"""Whether evolution finds a rule that was planted: a market that goes on in its direction for days."""

import numpy as np

from genome.bench_gp import spread
from genome.breeding.flat import flock_of
from genome.breeding.lexicon import lexicon
from genome.costs import Costs
from genome.evolution.judge import Local
from genome.evolution.loop import begin, step
from genome.evolution.plan import Plan
from genome.genome import Genome
from genome.grammar import parse_condition
from genome.market import Market, market

FOUND = 0.8
"""Of the Sharpe ratio of the planted rule on bars that evolution has not seen: as much is to be reached."""
_HOUR_S, _LEG = 3_600, 96
_FREE = Costs(taker=0.0, maker=0.0, slippage=0.0)


def trending(bars: int, seed: int) -> Market:
    """Hourly bars that drift up or down for four days at a time, in noise twice as large."""
    rng = np.random.default_rng(seed)
    drift = np.repeat(rng.choice((-1.0, 1.0), -(-bars // _LEG)), _LEG)[:bars]
    close = 100.0 * np.exp(np.cumsum(drift * 1.5e-3 + rng.standard_normal(bars) * 3e-3))
    opens = np.concatenate([[100.0], close[:-1]])
    wick = np.abs(rng.standard_normal((2, bars))) * 1e-3
    high, low = np.maximum(opens, close) * (1.0 + wick[0]), np.minimum(opens, close) * (1.0 - wick[1])
    at = 1_704_067_200 + np.arange(bars, dtype=np.int64) * _HOUR_S
    return market("BENCH/USD", at, _HOUR_S, (opens, high, low, close, np.ones(bars)))


def planted(seeds: int) -> dict[str, object]:
    """How many of so many runs find a rule about as good as "close beside its average of a day", on unseen bars."""
    words = lexicon(("close",), words=("sma", "ema"), longest=100)
    judge, unseen = (Local([trending(4_800, seed)], _FREE, fewest_trades=10) for seed in (1, 2))
    above, below = parse_condition("close > sma(24)"), parse_condition("close < sma(24)")
    rule = Genome(family="bench", entry_long=above, exit_long=below, entry_short=below, exit_short=above)
    goal = float(unseen(flock_of([rule])).values[0, 0])
    reached = []
    for seed in range(seeds):
        state, _ = begin(Plan(population=60, generations=8, islands=2, seed=seed), judge, words)
        while not state.finished:
            state, _ = step(state, judge, words)
        best = int(np.argmax(state.hall.worth.values[:, 0]))
        reached.append(float(unseen(state.hall.flock.take(np.array([best]))).values[0, 0]))
    found = sum(sharpe > FOUND * goal for sharpe in reached)
    return {
        "planted_sharpe": goal,
        "found_sharpe": spread(reached),
        "found": f"{found} of {seeds} seeds",
        "counts_as_found_above": FOUND * goal,
    }
