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
    """Rates settled at the very open of t."""
    if without_history(d.market):
        return [NAN] if d.market.open_s[t] % FUNDING_S == 0 else []
    return [] if d.market.funding_open is None else [float(d.market.funding_open[t])]


def inside(d, t: int) -> list[float]:
    """Rates settled inside bar t; NaN where missing, once for each stamp that should have been."""
    stamps = stamps_inside(int(d.market.open_s[t]), d.market.bar_s)
    if without_history(d.market):
        return [NAN] * stamps
    if d.market.funding_inside is None:
        return []
    rate = float(d.market.funding_inside[t])
    return [NAN] * max(1, stamps) if math.isnan(rate) else [rate]


def stamps_inside(open_s: int, bar_s: int) -> int:
    """Multiples of 8 h strictly inside the bar."""
    return sum(
        1 for second in range(open_s // FUNDING_S * FUNDING_S, open_s + bar_s, FUNDING_S) if second > open_s
    )


def without_history(market: Market) -> bool:
    return (
        market.asset_class is AssetClass.CRYPTO_PERPETUAL
        and market.funding_open is None
        and market.funding_inside is None
    )


def funding_is_missing(market: Market) -> bool:
    arrays = [row.tolist() for row in (market.funding_open, market.funding_inside) if row is not None]
    return (
        market.funding_gaps > 0
        or without_history(market)
        or any(math.isnan(x) for row in arrays for x in row)
    )
