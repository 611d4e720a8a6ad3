"""Funding of perpetuals: SEMANTICS.md, section 5. `d` is an `account.Desk`, `w` an `account.Wallet`."""

import math

from genome.market import Market
from organism.market import AssetClass
from tests.genome.oracle.prices import LONG

NAN = math.nan
FUNDING_S = 28_800


def pay_funding(d, w, t: int, rates: list[float]) -> None:
    """Longs pay positive rates and shorts receive them; a missing one is paid by longs, received by nobody."""
    p = d.position
    if p is None:
        return
    price = d.mark("mark_open", t, d.close)
    for rate in rates:
        if math.isnan(rate):
            rate = d.costs.missing_funding if p.side == LONG else 0.0
        paid = p.side * p.quantity * rate * price
        p.funding += paid
        w.cash -= paid


def at_the_open(d, t: int) -> list[float]:
    """Rates settled at the very open of t, or between the bar before and t."""
    open_s, bar_s = d.market.open_s.tolist(), d.market.bar_s
    end_before = open_s[t - 1] + bar_s if t else open_s[t]
    return settled(d.market, d.market.funding_open, t, stamps_between(end_before - 1, open_s[t] + 1))


def inside(d, t: int) -> list[float]:
    """Rates settled strictly inside bar t."""
    opened = int(d.market.open_s[t])
    return settled(d.market, d.market.funding_inside, t, stamps_between(opened, opened + d.market.bar_s))


def settled(market: Market, rates, t: int, stamps: int) -> list[float]:
    """The rate, or NaN for each of the stamps that should have been there."""
    if without_history(market):
        return [NAN] * stamps
    if rates is None:
        return []
    return [NAN] * max(1, stamps) if math.isnan(rates[t]) else [float(rates[t])]


def stamps_between(after: int, before: int) -> int:
    """Multiples of 8 h strictly between two seconds."""
    return (before - 1) // FUNDING_S - after // FUNDING_S


def without_history(market: Market) -> bool:
    return (
        market.asset_class is AssetClass.CRYPTO_PERPETUAL
        and market.funding_open is None
        and market.funding_inside is None
    )


def funding_is_missing(d) -> bool:
    """Whether any rate that fell due on this market, held or not, was unknown."""
    return any(math.isnan(rate) for t in range(d.market.size) for rate in at_the_open(d, t) + inside(d, t))
