"""Markets for tests: from short lists a person can follow, and random ones from hypothesis."""

import numpy as np
from hypothesis import strategies as st

from genome.costs import Costs
from genome.genome import Genome
from genome.market import Market, market
from organism.market import AssetClass

HOUR, DAY = 3_600, 86_400
START = 20_000 * DAY  # a Thursday, 00:00 UTC
FREE = Costs(taker=0.0, maker=0.0, slippage=0.0)
"""Nothing costs anything: what is left is arithmetic a person can do."""


def bars(*rows, bar_s=HOUR, start_s=START, missing=(), marks=None, funding=None, **rest) -> Market:
    """A market of rows: a price (all four), (open, close), (open, high, low, close) or with volume as fifth; None is void.

    missing   {t: n}: n bars are missing before bar t
    marks     (open, high, low) of the mark price a bar; None is the bar's own
    funding   {"open": {t: rate}, "inside": {t: rate}}: rates settled, 0 elsewhere
    """
    filled = np.array([_row(row) for row in rows], dtype=np.float64).reshape(-1, 5)
    steps = np.ones(len(rows), dtype=np.int64)
    steps[0] = 0
    for t, n in dict(missing).items():
        steps[t] += n
    if marks is not None:
        for i, name in enumerate(("mark_open", "mark_high", "mark_low")):
            rest[name] = np.array([mark[i] for mark in marks], dtype=np.float64)
    for when, rates in (funding or {}).items():
        rest[f"funding_{when}"] = np.array([rates.get(t, 0.0) for t in range(len(rows))])
    ohlcv = tuple(np.ascontiguousarray(filled[:, i]) for i in range(5))
    return market("TEST/USD", start_s + bar_s * np.cumsum(steps), bar_s, ohlcv, **rest)


def _row(row):
    if row is None:
        return (np.nan,) * 5
    if isinstance(row, int | float):
        return (row, row, row, row, 1_000.0)
    if len(row) == 2:
        return (row[0], max(row), min(row), row[1], 1_000.0)
    return row if len(row) == 5 else (*row, 1_000.0)


def genes(**values) -> Genome:
    """A genome without trees: its genes alone, to be used with given signals."""
    return Genome(family="given", genes=tuple(sorted((name, float(value)) for name, value in values.items())))


def levels(size, **at) -> tuple[list[bool], ...]:
    """Signals of `size` bars, true at the bars named: entry_long=[0], exit_long=[3], entry_short=…, exit_short=…"""
    names = ("entry_long", "exit_long", "entry_short", "exit_short")
    return tuple([t in at.get(name, ()) for t in range(size)] for name in names)


# Random markets. Steps are whole tenths of a per cent, so that levels are met exactly, ties happen, and examples shrink.

_STEPS = st.one_of(st.just(0), st.integers(-30, 30), st.sampled_from((-500, -200, -90, 90, 200, 900)))
_BARS = st.tuples(_STEPS, _STEPS, st.integers(0, 30), st.integers(0, 30), st.integers(0, 5))
_KINDS = st.sampled_from(("bar",) * 16 + ("void", "half"))


@st.composite
def random_rows(draw, size):
    """Open, high, low, close, volume by the bar: gaps, crashes, still stretches, no volume, void bars."""
    steps = draw(st.lists(_BARS, min_size=size, max_size=size))
    kinds = draw(st.lists(_KINDS, min_size=size, max_size=size))
    rows, price = [], 100.0
    for (gap, body, up, down, volume), kind in zip(steps, kinds, strict=True):
        opened = price * (1 + gap / 1_000)
        closed = opened * (1 + body / 1_000)
        high = max(opened, closed) * (1 + up / 1_000)
        low = min(opened, closed) * (1 - down / 1_000)
        row = (opened, high, low, closed, (0.0, 1.0, 10.0, 50.0, 200.0, 1_000.0)[volume])
        rows.append({"bar": row, "void": None, "half": (*row[:3], np.nan, row[4])}[kind])
        price = closed
    return rows


@st.composite
def random_markets(draw, min_size=1, max_size=60):
    """Any market the page speaks of: holes, void bars, several days, ticks, lots, marks, funding paid and missing."""
    size = draw(st.integers(min_size, max_size))
    rows = draw(random_rows(size))
    missing = {}
    if size > 2:
        breaks = st.sampled_from((1, 24, 25, 100))
        missing = draw(st.dictionaries(st.integers(1, size - 1), breaks, max_size=2))
    rest = {"asset_class": draw(st.sampled_from(AssetClass))}
    rest["tick"] = draw(st.sampled_from((0.0, 0.0, 0.01, 0.5)))
    rest["lot"] = draw(st.sampled_from((0.0, 0.0, 0.001, 1.0)))
    rest["min_notional"] = draw(st.sampled_from((0.0, 0.0, 10.0, 6_000.0)))
    if draw(st.booleans()):
        rest["funding"] = draw(random_funding(size))
    if draw(st.booleans()):
        rest["marks"] = draw(random_marks(rows))
    return bars(
        *rows,
        bar_s=draw(st.sampled_from((HOUR, 4 * HOUR, DAY))),
        start_s=START + draw(st.sampled_from((0, 5 * HOUR, 22 * HOUR))),
        missing=missing,
        **rest,
    )


def random_funding(size):
    rates = st.sampled_from((0.0001, -0.0003, 0.01, 0.5, -0.5, float("nan")))
    at = st.dictionaries(st.integers(0, size - 1), rates, max_size=6)
    return st.fixed_dictionaries({}, optional={"open": at, "inside": at})


@st.composite
def random_marks(draw, rows):
    """Marks near the prices, sometimes far off, sometimes absent."""
    shifts = draw(
        st.lists(st.sampled_from((0, 0, 5, -5, 400, -400, None)), min_size=len(rows), max_size=len(rows))
    )
    return [
        (np.nan,) * 3 if row is None or shift is None else tuple(x * (1 + shift / 1_000) for x in row[:3])
        for row, shift in zip(rows, shifts, strict=True)
    ]


def random_signals(size):
    """Levels of EL, XL, ES, XS."""
    return st.tuples(*[st.lists(st.booleans(), min_size=size, max_size=size)] * 4)


def random_costs():
    """Free, as by default, and every term of slippage."""
    some = st.sampled_from
    plain = st.builds(
        Costs, taker=some((0.0, 0.001, 0.02)), maker=some((0.0, 0.0002)), slippage=some((0.0, 0.0005, 0.03))
    )
    scaled = st.builds(
        Costs,
        half_spread=some((0.0, 0.001)),
        volatility_slippage=some((0.0, 0.1, 2.0)),
        volume_slippage=some((0.0, 0.01, 1.0)),
        impact=some((0.0, 0.5)),
        maintenance=some((0.0, 0.005, 0.3)),
        missing_funding=some((0.0001, 0.05)),
    )
    books = st.builds(
        Costs, book_offsets=st.just((0.0, 0.001, 0.01)), book_depths=some(((1e3, 2e3, 4e3), (0.0, 0.0, 10.0)))
    )
    return st.one_of(plain, scaled, books)


def random_simulator_genes():
    """Genes of stops, waits and sizes that fit together: a risk size has a stop."""
    fraction = st.sampled_from((0.0005, 0.005, 0.01, 0.02, 0.05, 0.2))
    exits = {
        "stop": fraction,
        "target": fraction,
        "trailing": fraction,
        "maximum_hold": st.integers(1, 5),
        "cool_down": st.integers(0, 3),
        "drawdown_stop": fraction,
        "position_limit": st.sampled_from((0.1, 0.5, 1.0)),
    }
    by_atr = {"stop_atr": st.sampled_from((0.5, 1.0, 3.0)), "atr_period": st.sampled_from((1, 2, 5))}
    sizes = st.one_of(
        st.just({}),
        st.fixed_dictionaries({"size": st.sampled_from((0.1, 0.5, 1.0))}),
        st.fixed_dictionaries(
            {"sizing": st.just(1), "risk": st.sampled_from((0.01, 0.02)), "stop": fraction}
        ),
        st.fixed_dictionaries(
            {
                "sizing": st.just(2),
                "target_volatility": st.sampled_from((0.1, 0.5)),
                "volatility_window": st.sampled_from((2, 5, 20)),
            }
        ),
        st.fixed_dictionaries({"sizing": st.just(3), "kelly_cap": st.sampled_from((0.25, 1.0))}),
    )
    atr = st.one_of(st.just({}), st.just({}), st.fixed_dictionaries(by_atr))
    parts = st.tuples(st.fixed_dictionaries({}, optional=exits), atr, sizes)
    return parts.map(lambda some: {name: float(value) for part in some for name, value in part.items()})


# Long random walks from a seed: what hypothesis draws too rarely, such as twenty trades of one genome.


def walk(rng: np.random.Generator, size: int) -> Market:
    """A market of `size` bars with everything in it: jumps, voids, holes, marks, funding with missing rates."""
    sigma = float(rng.choice((0.002, 0.01, 0.03)))
    closes = 100 * np.exp(
        np.cumsum(rng.normal(0, sigma, size) + (rng.random(size) < 0.01) * rng.normal(0, 0.2, size))
    )
    opens = np.concatenate(([100.0], closes[:-1])) * np.exp(rng.normal(0, sigma / 4, size))
    highs = np.maximum(opens, closes) * (1 + np.abs(rng.normal(0, sigma / 2, size)))
    lows = np.minimum(opens, closes) * (1 - np.abs(rng.normal(0, sigma / 2, size)))
    volumes = rng.lognormal(5, 1, size) * (rng.random(size) > 0.02)
    void = rng.random(size) < 0.01 * rng.integers(0, 3)
    rows = [
        None if void[t] else tuple(float(x[t]) for x in (opens, highs, lows, closes, volumes))
        for t in range(size)
    ]
    rest = {
        "asset_class": rng.choice(list(AssetClass)),
        "tick": rng.choice((0.0, 0.01)),
        "lot": rng.choice((0.0, 0.01)),
    }
    if rng.random() < 0.5:
        rates = [0.0001, -0.0002, 0.01, float("nan")]
        at = rng.choice(size, size // 8 + 1, replace=False)
        some = {int(t): float(rng.choice(rates, p=(0.5, 0.3, 0.1, 0.1))) for t in at}
        rest["funding"] = {str(rng.choice(("open", "inside"))): some}
    if rng.random() < 0.3:
        shifts = 1 + rng.normal(0, 0.02, size)
        prices = [(row or (np.nan,) * 3)[:3] for row in rows]
        rest["marks"] = [tuple(x * shift for x in three) for three, shift in zip(prices, shifts, strict=True)]
    missing = {int(t): int(rng.choice((1, 24, 25, 90))) for t in rng.integers(1, size, rng.integers(0, 4))}
    bar_s = int(rng.choice((900, HOUR, 4 * HOUR, DAY)))
    return bars(*rows, bar_s=bar_s, missing=missing, min_notional=float(rng.choice((0.0, 50.0))), **rest)


def walking_signals(rng: np.random.Generator, size: int) -> tuple[list[bool], ...]:
    """Levels of EL, XL, ES, XS: from rare to frequent."""
    return tuple((rng.random(size) < rng.choice((0.0, 0.05, 0.3))).tolist() for _ in range(4))


def walking_genes(rng: np.random.Generator) -> Genome:
    """Some of the genes of the simulator, near what the bars of `walk` do."""
    known = {
        "stop": (0.01, 0.03, 0.1),
        "target": (0.02, 0.06),
        "trailing": (0.01, 0.05),
        "stop_atr": (0.5, 2.0, 4.0),
        "atr_period": (2.0, 14.0),
        "maximum_hold": (1.0, 3.0, 20.0),
        "cool_down": (1.0, 4.0),
        "drawdown_stop": (0.05, 0.2),
        "position_limit": (0.1, 0.6),
    }
    chosen = {name: float(rng.choice(values)) for name, values in known.items() if rng.random() < 0.3}
    rules = (0, 1, 2, 3) if {"stop", "stop_atr"} & chosen.keys() else (0, 2, 3)
    rule = int(rng.choice(rules))
    sizes = {0: ("size", 0.5), 1: ("risk", 0.01), 2: ("target_volatility", 0.3), 3: ("kelly_cap", 0.25)}
    return genes(sizing=rule, **{sizes[rule][0]: sizes[rule][1]}, **chosen)


def walking_costs(rng: np.random.Generator) -> Costs:
    some = {
        "taker": (0.0, 0.001),
        "maker": (0.0, 0.0002),
        "slippage": (0.0, 0.0005),
        "half_spread": (0.0, 0.0003),
        "volatility_slippage": (0.0, 0.1),
        "volume_slippage": (0.0, 0.1),
        "impact": (0.0, 0.5),
    }
    levels_of_book = (
        {"book_offsets": (0.0001, 0.001, 0.01), "book_depths": (1e3, 3e3, 5e3)} if rng.random() < 0.3 else {}
    )
    return Costs(**{name: float(rng.choice(values)) for name, values in some.items()}, **levels_of_book)
