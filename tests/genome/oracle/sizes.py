"""How much of the equity an entry takes: the size rules of SEMANTICS.md, section 5. `d` is an `account.Desk`."""

import math

from tests.genome.oracle.figures import outlay

FIXED, RISK, VOLATILITY, KELLY = range(4)
GROSS_LIMIT = 1.0
ENOUGH_TRADES = 20


def share_of_equity(d, t: int) -> float:
    """w = min(size rule, position limit, gross limit); NaN where there is to be no entry."""
    rule = {FIXED: fixed, RISK: risk, VOLATILITY: volatility, KELLY: kelly}[int(d.genes.get("sizing", FIXED))]
    wanted = rule(d, t)
    return wanted if math.isnan(wanted) else min(wanted, d.genes.get("position_limit", math.inf), GROSS_LIMIT)


def fixed(d, t: int) -> float:
    return d.genes.get("size", 1.0)


def risk(d, t: int) -> float:
    distance = stop_distance(d, t, otherwise=math.nan)
    return math.inf if distance == 0 else d.genes.get("risk", 0.02) / distance


def stop_distance(d, t: int, otherwise: float) -> float:
    """Of the tighter stop, as a fraction of the price at the decision; NaN while the ATR is."""
    distances = []
    if "stop" in d.genes:
        distances.append(d.genes["stop"])
    if "stop_atr" in d.genes:
        distances.append(d.genes["stop_atr"] * d.atr[t - 1] / d.bars["close"][t - 1])
    if any(math.isnan(x) for x in distances):
        return math.nan
    return min(distances) if distances else otherwise


def volatility(d, t: int) -> float:
    """Scale to the wanted volatility a year; a market that does not move gets the limit."""
    per_bar = d.own_volatility[t - 1]
    if per_bar == 0:
        return math.inf
    bar_s, session_s = d.market.bar_s, {"equity": 23_400}.get(d.market.asset_class.value, 86_400)
    bars_a_year = d.market.asset_class.days_per_year * max(1, session_s / bar_s)
    if bar_s > 86_400:
        bars_a_year = 31_557_600 / bar_s
    return d.genes.get("target_volatility", 0.2) / (per_bar * math.sqrt(bars_a_year))


def kelly(d, t: int) -> float:
    """Kelly of this genome's own trades, drawn towards nothing by one pseudo win and one pseudo loss of 1 %."""
    cap = d.genes.get("kelly_cap", 0.25)
    if len(d.trades) < ENOUGH_TRADES:
        return cap / 2
    returns = [trade.pnl / outlay(trade, d.costs.taker) for trade in d.trades]
    wins = [r for r, trade in zip(returns, d.trades, strict=True) if trade.pnl > 0] + [0.01]
    losses = [-r for r, trade in zip(returns, d.trades, strict=True) if not trade.pnl > 0] + [0.01]
    share = len(wins) / (len(wins) + len(losses))
    ratio = (sum(wins) / len(wins)) / (sum(losses) / len(losses))
    return min(cap, max(0.0, share - (1 - share) / ratio))
