"""Worlds for tests of evolution: markets, judges that need none, and whole runs."""

import numpy as np

from genome.breeding.lexicon import lexicon
from genome.evolution.keys import keys
from genome.evolution.loop import begin, step
from genome.evolution.plan import Plan
from genome.evolution.ports import Scores
from genome.market import market

HOUR, DAY = 3_600, 86_400
START = 20_000 * DAY
WORDS = lexicon()


def hourly(returns, seed=1, symbol="X/USD", start_s=START, **rest):
    """An hourly market of log returns, with some noise in highs, lows and volumes."""
    rng = np.random.default_rng(seed)
    n = len(returns)
    close = 100.0 * np.exp(np.cumsum(returns))
    opened = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(opened, close) * (1.0 + np.abs(rng.normal(size=n)) * 1e-3)
    low = np.minimum(opened, close) * (1.0 - np.abs(rng.normal(size=n)) * 1e-3)
    at = start_s + HOUR * np.arange(n, dtype=np.int64)
    return market(symbol, at, HOUR, (opened, high, low, close, np.exp(rng.normal(size=n))), **rest)


def noise(n=2_400, seed=1, symbol="X/USD", **rest):
    """A market with nothing to find."""
    return hourly(np.random.default_rng(seed).normal(size=n) * 5e-3, seed, symbol, **rest)


def trending(n=4_800, seed=1):
    """A market that goes on in its direction for days: whoever follows it earns."""
    rng = np.random.default_rng(seed)
    drift = np.repeat(rng.choice((-1.0, 1.0), -(-n // 96)), 96)[:n]
    return hourly(drift * 1.5e-3 + rng.normal(size=n) * 3e-3, seed)


class Pretended:
    """Judges by numbers made of the content alone, and remembers whom it was asked for."""

    data = "pretended"

    def __init__(self, days=40, bad=0):
        self.days, self.bad, self.asked = days, bad, []

    def __call__(self, flock):
        names = keys(flock).whole
        self.asked += [bytes(name.tobytes()) for name in names]
        drawn = [np.random.default_rng([int(x) for x in name]) for name in names]
        values = np.array([rng.random(4) for rng in drawn]).reshape(-1, 4)
        returns = np.array([rng.normal(size=self.days) for rng in drawn]).reshape(-1, self.days)
        violations = (values[:, 0] < self.bad).astype(float)
        return Scores(values, violations, returns, np.arange(self.days), np.full(len(flock), 50.0))


SMALL = Plan(
    population=40, generations=6, islands=2, migration=2, oldest=3, remembered=60, hall=16, archive=20
)


def run(plan=SMALL, judge=None, generations=None, seeds=None, words=WORDS):
    """All states and reports of a run."""
    judge = Pretended() if judge is None else judge
    state, report = begin(plan, judge, words, seeds)
    states, reports = [state], [report]
    for _ in range(plan.generations if generations is None else generations):
        state, report = step(state, judge, words)
        states.append(state)
        reports.append(report)
    return states, reports


def same_members(one, two):
    """Whether two groups are the same, bit by bit."""
    arrays = [
        (m.keys, m.born, m.lineage, m.worth.values, m.worth.violations, m.worth.trades, m.worth.shapes)
        for m in (one, two)
    ]
    return one.flock.same(two.flock) and all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in zip(*arrays, strict=True)
    )


def same_state(one, two):
    """Whether two runs stand at the same point, bit by bit."""
    pairs = zip((*one.islands, one.hall), (*two.islands, two.hall), strict=True)
    return (
        all(same_members(a, b) for a, b in pairs)
        and (one.generation, one.evaluated, one.data, one.plan)
        == (two.generation, two.evaluated, two.data, two.plan)
        and all(
            getattr(one, name).tobytes() == getattr(two, name).tobytes()
            for name in ("days", "archive", "known_keys")
        )
        and one.known.shapes.tobytes() == two.known.shapes.tobytes()
        and one.known.values.tobytes() == two.known.values.tobytes()
    )
