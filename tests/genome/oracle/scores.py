"""How much an asset is wanted, among the assets of its instant: section 8 of SEMANTICS.md, the score."""

import math

import msgspec

from genome.checking import effective
from genome.genes import REGIME
from genome.genome import Genome
from genome.market import Market
from genome.trees import Both, Compare, Condition, Cross, Either, Not, Truth
from tests.genome.oracle.account import LONG, Desk
from tests.genome.oracle.evaluate import Levels, levels
from tests.genome.oracle.prices import mean

NAN = math.nan
LEAST_SCORE = 0.1
LIQUIDITY = (lambda d, t: d.liquidity[t], lambda d, t: -d.spread[t])
CALM = (lambda d, t: -d.sigma[t],)
MOMENTUM = tuple(lambda d, t, n=n: d.rates[n][t] for n in (5, 10, 20))
"""Measures of an asset at its bar t; the rank in each is in [0, 1], more is better."""


def score(desks: list[Desk], here, i: int, t: int, side: int, spoken) -> float:
    """The weighted score of asset i at its bar t; 0 where it is no entry. `here` are (asset, its bar)."""
    g = desks[i].genes
    s = 1.0
    if "confluence_minimum" in g and spoken is not None:
        aligned = [row[t - 1] is True for row in spoken[i][side]]
        if sum(aligned) < g["confluence_minimum"]:
            return 0.0
        s = sum(aligned) / len(aligned)
    weights = [g.get(name, 0.0) for name in ("liquidity_weight", "volatility_weight", "momentum_weight")]
    ranks = [ranked(desks, here, i, what) for what in (LIQUIDITY, CALM, MOMENTUM)]
    s *= (1 + sum(w * r for w, r in zip(weights, ranks, strict=True))) / (1 + sum(weights))
    return s if s > LEAST_SCORE else 0.0


def ranked(desks: list[Desk], here, i: int, measures) -> float:
    """Mean rank of asset i by some measures, each taken at the close of every asset's own bar before."""
    rows = [{j: measure(desks[j], t - 1) if t else NAN for j, t in here} for measure in measures]
    return mean([rank(row, i) for row in rows])


def rank(row: dict[int, float], i: int) -> float:
    """Share of the others that are lower, ties half; alone 0.5, unknown 0."""
    if math.isnan(row[i]):
        return 0.0
    others = [x for j, x in row.items() if j != i and not math.isnan(x)]
    if not others:
        return 0.5
    return (sum(x < row[i] for x in others) + sum(x == row[i] for x in others) / 2) / len(others)


def confluence(genome: Genome, market: Market, among: list[Market]) -> dict[int, list[Levels]]:
    """Three-valued worth of each signal written in the entry conditions, by side."""
    written = effective(
        msgspec.structs.replace(genome, genes=tuple(pair for pair in genome.genes if pair[0] not in REGIME))
    )
    sides = {LONG: written.entry_long, -LONG: written.entry_short}
    return {
        side: [levels(leaf, market, among) for leaf in leaves(tree)] for side, tree in sides.items() if tree
    }


def leaves(tree: Condition) -> list[Condition]:
    match tree:
        case Both(left, right) | Either(left, right):
            return leaves(left) + leaves(right)
        case Not(operand):
            return [leaf.operand if isinstance(leaf, Not) else Not(leaf) for leaf in leaves(operand)]
        case Truth():
            return []
        case Compare() | Cross():
            return [tree]
    raise AssertionError(tree)
