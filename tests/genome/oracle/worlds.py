"""Markets of a joint run from a seed: assets that move with each other, against each other, alike to the bit, or not at all.

Lists begin and end at different instants; bars are void or missing; holes, ticks, lots, funding and marks are each
asset's own. Small numbers of bars leave correlations unknown, large ones come to know them.
"""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from genome.genome import Genome
from genome.market import Market
from genome.trees import Both, Compare, Cross, Either, Indicator, Not, Number
from organism.market import AssetClass
from tests.genome.making import DAY, HOUR, START, bars
from tests.genome.random_trees import conditions, genomes

LENGTH = 150
"""Instants of a world at most, before its listings are put in."""


def world(rng: np.random.Generator, least: int = 3, most: int = 6) -> list[Market]:
    """Three to six markets with bars of one length, of one asset class."""
    length = int(rng.choice((30, 70, LENGTH)))
    common = rng.normal(0, float(rng.choice((0.003, 0.02))), length)
    bar_s, kind = int(rng.choice((HOUR, 4 * HOUR, DAY))), rng.choice(list(AssetClass))
    start = START + int(rng.choice((0, 22 * HOUR)))
    found: list[Market] = []
    for symbol in rng.permutation(list("ABCDEF"))[: int(rng.integers(least, most + 1))]:
        if found and rng.random() < 0.1:
            found.append(
                replace(found[-1], symbol=str(symbol))
            )  # the same bars once more: every rank is a tie
            continue
        one = asset(rng, common, bar_s=bar_s, start_s=start, asset_class=kind)
        found.append(replace(one, symbol=str(symbol)))
    return found


def asset(rng: np.random.Generator, common, bar_s: int, start_s: int, **rest) -> Market:
    """One asset: its steps are a share of the common ones and its own; a few stand still."""
    length = common.size
    share, own = float(rng.choice((1.0, 0.7, 0.3, 0.0, -0.7, -1.0))), float(rng.choice((0.0005, 0.004, 0.02)))
    steps = (
        share * common + rng.normal(0, own, length) + (rng.random(length) < 0.01) * rng.normal(0, 0.2, length)
    )
    steps *= float(rng.choice((1.0, 1.0, 1.0, 1.0, 0.0)))
    closes = float(rng.choice((0.5, 30.0, 100.0))) * np.exp(np.cumsum(steps))
    rows = rows_about(rng, closes, own)
    first = int(rng.choice((0, 0, 3, 25, length // 2)))
    last = length - int(rng.choice((0, 0, 1, 5, length // 4)))
    kept = [t for t in range(first, max(last, first + 1)) if rng.random() > rng.choice((0.0, 0.02, 0.2))] or [
        first
    ]
    missing = {i: kept[i] - kept[i - 1] - 1 for i in range(1, len(kept))}
    for t in rng.integers(1, len(kept), 1) if len(kept) > 1 and rng.random() < 0.2 else ():
        missing[int(t)] += int(rng.choice((24, 25)))
    rest |= own_ways(rng, len(kept))
    return bars(
        *[rows[t] for t in kept], bar_s=bar_s, start_s=start_s + kept[0] * bar_s, missing=missing, **rest
    )


def rows_about(rng: np.random.Generator, closes, sigma: float):
    """Open, high, low, close, volume; some bars void, some without volume, a few lows that are no price."""
    size = closes.size
    opens = np.concatenate((closes[:1], closes[:-1])) * np.exp(
        rng.normal(0, sigma / 4, size) * rng.integers(0, 2)
    )
    highs = np.maximum(opens, closes) * (1 + np.abs(rng.normal(0, sigma, size)) * rng.integers(0, 2))
    lows = np.minimum(opens, closes) * (
        1 - np.abs(rng.normal(0, sigma, size)).clip(0, 0.5) * rng.integers(0, 2)
    )
    lows[rng.random(size) < 0.002] = 0.0
    volumes = rng.lognormal(5, 1, size) * (rng.random(size) > 0.02)
    void = rng.random(size) < 0.02 * rng.integers(0, 3)
    columns = (opens, highs, lows, closes, volumes)
    return [None if void[t] else tuple(float(x[t]) for x in columns) for t in range(size)]


def own_ways(rng: np.random.Generator, size: int) -> dict:
    """Tick, lot, least notional, funding."""
    some = {
        "tick": float(rng.choice((0.0, 0.0, 0.01))),
        "lot": float(rng.choice((0.0, 0.0, 0.01))),
        "min_notional": float(rng.choice((0.0, 0.0, 300.0))),
    }
    if rng.random() < 0.3:
        rates = rng.choice((0.0001, -0.0002, 0.01, np.nan), size // 8 + 1)
        at = rng.choice(size, size // 8 + 1, replace=False)
        some["funding"] = {
            str(rng.choice(("open", "inside"))): dict(zip(at.tolist(), rates.tolist(), strict=True))
        }
    return some


worlds = st.integers(0, 2**32 - 1).map(lambda seed: world(np.random.default_rng(seed)))


# Conditions with words that compare assets. Levels lie off the values that small panels have.

_WINDOWS = st.sampled_from((1.0, 3.0, 5.0, 20.0))


@st.composite
def panel_comparisons(draw):
    """A rank against a level or its own mean, or a lead against a level."""
    rank = Indicator("momentum_rank", (Number(draw(_WINDOWS)),))
    lead = Indicator("relative_momentum", (Number(draw(_WINDOWS)),))
    smooth = Indicator("sma", (Number(float(draw(st.integers(2, 6)))),), rank)
    left, level = draw(
        st.sampled_from(
            (
                (rank, Number(0.55)),
                (rank, Number(0.3)),
                (rank, Number(1.0)),
                (lead, Number(0.00123)),
                (smooth, Number(0.4567)),
            )
        )
    )
    if draw(st.integers(0, 3)) == 0:
        return Cross(draw(st.sampled_from(("crosses_above", "crosses_below"))), left, level)
    return Compare(draw(st.sampled_from((">", "<", ">=", "<="))), left, level)


@st.composite
def panel_conditions(draw):
    """A panel word alone, denied, or with an ordinary condition."""
    one = draw(panel_comparisons())
    match draw(st.integers(0, 3)):
        case 0:
            return one
        case 1:
            return Not(one)
        case 2:
            return Both(one, draw(conditions(depth=1, longest=12, constants=False)))
    return Either(draw(conditions(depth=1, longest=12, constants=False)), one)


def scoring_genes():
    """Genes that only the joint pass looks at."""
    some = {
        f"{name}_weight": st.sampled_from((0.0, 0.3, 1.0)) for name in ("liquidity", "volatility", "momentum")
    }
    some["confluence_minimum"] = st.sampled_from((1.0, 2.0, 3.0))
    some["correlation_limit"] = st.sampled_from((0.3, 0.5, 0.8, 0.95, 1.0))
    return st.fixed_dictionaries({}, optional=some)


@st.composite
def joint_genomes(draw):
    """Any genome for many assets: all size rules, stops, scores, limits, and panel words in half of the conditions."""
    genome, chosen = draw(genomes(longest=12, constants=False)), draw(scoring_genes())
    trees = {
        name: draw(panel_conditions()) if draw(st.booleans()) else tree
        for name, tree in genome.conditions.items()
    }
    genes = {**dict(genome.genes), **chosen}
    return Genome(family=genome.family, genes=tuple(sorted(genes.items())), **trees)
