"""The words that compare assets: each asset's own value, among those that have one at the same instant."""

import math

from genome.market import Market
from tests.genome.oracle.prices import rate_of_change

NAN = math.nan
Known = dict[int, float]


def panel_word(name: str, n: int, market: Market, among: list[Market]) -> list[float]:
    """A panel word on the bars of `market`."""
    assert [one is market for one in among].count(True) == 1, "a panel word needs all assets of the run"
    own = rates_by_instant(market, n)
    others = [rates_by_instant(one, n) for one in among if one is not market]
    word = {"momentum_rank": momentum_rank, "relative_momentum": relative_momentum}[name]
    return [
        word(own[instant], [rates[instant] for rates in others if instant in rates])
        if instant in own
        else NAN
        for instant in market.open_s.tolist()
    ]


def rates_by_instant(market: Market, n: int) -> Known:
    rates = rate_of_change(market, n)
    return {instant: x for instant, x in zip(market.open_s.tolist(), rates, strict=True) if not math.isnan(x)}


def momentum_rank(own: float, others: list[float]) -> float:
    """The share of the others that rose less, those that rose as much by half; alone 0.5."""
    if not others:
        return 0.5
    lower = len([x for x in others if x < own])
    equal = len([x for x in others if x == own])
    return (lower + 0.5 * equal) / len(others)


def relative_momentum(own: float, others: list[float]) -> float:
    """What it rose more than the mean of all, itself among them."""
    return own - (own + sum(others)) / (1 + len(others))
