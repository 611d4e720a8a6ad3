"""Cases in which accounts end: leveraged shorts on rising markets, extreme funding, marks far from prices.

Ordinary random tests rarely come to a liquidation, to ruin or to the drawdown stop, because a position is never larger
than the equity and prices seldom double. Here they do, all from a seed.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from genome.costs import Costs
from genome.genome import Genome
from genome.market import Market
from genome.trees import Column, Compare, Condition, Indicator, Number, Truth
from organism.market import AssetClass
from tests.genome.making import DAY, HOUR, START, bars, genes


class Case(NamedTuple):
    """A market, genes with signals given, and costs."""

    market: Market
    genome: Genome
    signals: tuple[list[bool], ...]
    costs: Costs


def case(seed: int) -> Case:
    rng = np.random.default_rng(seed)
    market = soaring(rng)
    return Case(market, reckless(rng), one_sided(rng, market.size), margins(rng))


def soaring(rng: np.random.Generator) -> Market:
    """Prices that climb, leap up, or crash; funding that eats the equity; marks that run ahead, stay behind or are absent."""
    size = int(rng.integers(4, 60))
    leaps = rng.choice((0.0, 0.5, 0.9, -0.5), size, p=(0.88, 0.06, 0.03, 0.03))
    closes = 100 * np.exp(np.cumsum(rng.normal(float(rng.choice((0.0, 0.02, 0.08))), 0.03, size) + leaps))
    opens = np.concatenate(([100.0], closes[:-1])) * np.exp(rng.choice((0.0, 0.0, 0.4), size))
    highs = np.maximum(opens, closes) * (1 + np.abs(rng.normal(0, 0.05, size)))
    lows = np.minimum(opens, closes) * (1 - np.abs(rng.normal(0, 0.05, size)).clip(0, 0.9))
    void = rng.random(size) < 0.03
    rows = [
        None if void[t] else tuple(float(x[t]) for x in (opens, highs, lows, closes, np.full(size, 1_000.0)))
        for t in range(size)
    ]
    rest = {"tick": float(rng.choice((0.0, 0.5))), "lot": float(rng.choice((0.0, 0.001)))}
    if rng.random() < 0.6:
        rest["funding"] = funding(rng, size)
    if rng.random() < 0.6:
        rest["marks"] = marks(rng, rows)
    missing = {int(rng.integers(1, size)): int(rng.choice((1, 25)))} if rng.random() < 0.3 else {}
    kind = rng.choice((AssetClass.CRYPTO_PERPETUAL, AssetClass.CRYPTO_SPOT, AssetClass.EQUITY))
    return bars(*rows, bar_s=int(rng.choice((HOUR, DAY))), missing=missing, asset_class=kind, **rest)


def funding(rng: np.random.Generator, size: int) -> dict[str, dict[int, float]]:
    """A third of the equity and more at a time, paid by either side; a few rates missing."""
    rates = (0.3, -0.3, 0.9, -0.9, -1.5, float("nan"))
    at = {name: rng.choice(size, size // 6 + 1, replace=False) for name in ("open", "inside")}
    return {name: {int(t): float(rng.choice(rates)) for t in some} for name, some in at.items()}


def marks(rng: np.random.Generator, rows) -> list[tuple[float, float, float]]:
    """Open, high, low of the mark: one share of the bar's own throughout; 0.3 is too calm to liquidate before a close does."""
    share = float(rng.choice((0.3, 0.8, 1.0, 1.2, 3.0)))
    absent = rng.random(len(rows)) < 0.1
    return [
        (np.nan,) * 3 if row is None or absent[t] else tuple(x * share for x in row[:3])
        for t, row in enumerate(rows)
    ]


def reckless(rng: np.random.Generator) -> Genome:
    """The whole equity or half of it, seldom a stop, in four of ten a drawdown stop."""
    some = {"size": float(rng.choice((1.0, 1.0, 0.5)))}
    some |= {"stop": 0.15} if rng.random() < 0.15 else {}
    some |= {"target": 0.3} if rng.random() < 0.2 else {}
    some |= {"trailing": 0.15} if rng.random() < 0.1 else {}
    some |= {"cool_down": 2.0} if rng.random() < 0.2 else {}
    some |= {"drawdown_stop": float(rng.choice((0.05, 0.2, 0.7)))} if rng.random() < 0.4 else {}
    return genes(**some)


def one_sided(rng: np.random.Generator, size: int) -> tuple[list[bool], ...]:
    """Levels of EL, XL, ES, XS: entries of one side frequent, in three of four cases short; exits rare."""
    chances = (rng.choice((0.0, 0.3)), 0.05, rng.choice((0.3, 0.9)), rng.choice((0.0, 0.05)))
    rows = tuple((rng.random(size) < chance).tolist() for chance in chances)
    return rows if rng.random() < 0.75 else (*rows[2:], *rows[:2])


def margins(rng: np.random.Generator) -> Costs:
    return Costs(
        taker=float(rng.choice((0.0, 0.001, 0.02))),
        slippage=float(rng.choice((0.0, 0.0005, 0.05))),
        maintenance=float(rng.choice((0.0, 0.005, 0.3))),
        missing_funding=float(rng.choice((0.0001, 0.4))),
    )


def reckless_tree(seed: int) -> Genome:
    """The same with conditions, for engines that take a population; genes within their bounds."""
    rng = np.random.default_rng(seed)
    chosen = {name: value for name, value in reckless(rng).genes if name != "drawdown_stop"}
    if rng.random() < 0.4:
        chosen["drawdown_stop"] = float(rng.choice((0.05, 0.2)))
    average = Indicator("sma", (Number(float(rng.integers(2, 5))),))
    above: Condition = Compare(">", Column("close"), average)
    below: Condition = Compare("<", Column("close"), average)
    short, long = [(above, below), (Truth(True), None), (below, above)][int(rng.integers(3))]
    return Genome(family="reckless", entry_short=short, entry_long=long, genes=tuple(sorted(chosen.items())))


def joint_case(seed: int) -> tuple[list[Market], Genome, list[tuple[list[bool], ...]], Costs]:
    """Six such markets with bars of an hour, most of them shorted."""
    rng = np.random.default_rng(seed)
    markets = [
        replace(one, symbol=symbol, bar_s=HOUR, open_s=in_hours(one), asset_class=AssetClass.CRYPTO_PERPETUAL)
        for symbol in "ABCDEF"
        for one in [soaring(rng)]
    ]
    signals = [one_sided(rng, market.size) for market in markets]
    return markets, reckless(rng), signals, margins(rng)


def in_hours(market: Market):
    """The opens of a market, were its bars of an hour."""
    return START + (market.open_s - START) // market.bar_s * HOUR
