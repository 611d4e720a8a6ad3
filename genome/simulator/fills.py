"""Fills of one account: slippage, rounding, entering, leaving. SEMANTICS.md section 5, called only where money moves."""

import math

import numpy as np

from genome.jit import inlined, lean
from genome.market import F64
from genome.simulator import layout as at

_FORGIVEN = 1e-9
"""Of a step: rounding must not move a value that is on the grid but for the last bits."""
_FORGIVEN_OF_VALUE = 1e-12
_TRADES_FOR_KELLY = 20
_PSEUDO = 0.01


@inlined
def whole_steps(value: float, step_size: float, upwards: bool) -> float:
    """How many steps a value is, rounded up or down; on the grid but for rounding errors counts as on it."""
    n = value / step_size
    nearest = np.rint(n)
    if abs(n - nearest) <= max(_FORGIVEN, _FORGIVEN_OF_VALUE * abs(n)):
        return float(nearest)
    return float(np.ceil(n) if upwards else np.floor(n))


@inlined
def up(price: float, tick: float) -> float:
    """Round to the next tick above."""
    return whole_steps(price, tick, True) * tick if tick > 0.0 else price


@inlined
def down(price: float, tick: float) -> float:
    """Round to the next tick below."""
    return whole_steps(price, tick, False) * tick if tick > 0.0 else price


@inlined
def slippage(market: F64, t: int, notional: float, costs: F64) -> float:
    """Fraction of price that a taker loses beyond the fee, at bar t for a notional."""
    s = market[at.SLIPPAGE, t]
    if costs[at.RATED] == 0.0:
        return float(s)
    if costs[at.BOOK] > 0.0 and notional > 0.0:
        rest = notional
        paid = 0.0
        for offset, depth in ((at.O1, at.D1), (at.O2, at.D2), (at.O3, at.D3)):
            taken = min(rest, costs[depth])
            paid += costs[offset] * taken
            rest -= taken
        s += (paid + costs[at.O3] * rest) / notional
    if (costs[at.VOLUME_SLIPPAGE] > 0.0 or costs[at.IMPACT] > 0.0) and market[at.DEPTH, t] > 0.0:
        share = notional / market[at.DEPTH, t]
        s += costs[at.VOLUME_SLIPPAGE] * share + costs[at.IMPACT] * market[at.SIGMA, t] * math.sqrt(share)
    return float(min(s, 1.0))


@inlined
def taker_price(market: F64, t: int, price: float, side: float, notional: float, costs: F64) -> float:
    """Fill price of a taker who buys (side 1) or sells (side −1)."""
    s = slippage(market, t, notional, costs)
    if side > 0.0:
        return up(price * (1.0 + s), costs[at.TICK])
    return down(price * (1.0 - s), costs[at.TICK])


@inlined
def leave(account: F64, trades: F64, t: int, price: float, fee_rate: float, reason: int) -> None:
    """Close the position at a fill price, book the trade."""
    q = account[at.QUANTITY]
    fee = abs(q) * price * fee_rate
    account[at.CASH] += q * price - fee
    account[at.FEES] += fee
    account[at.TRADE_FEES] += fee
    account[at.TURNOVER] += abs(q) * price
    pnl = q * (price - account[at.ENTRY]) - account[at.TRADE_FEES] - account[at.TRADE_FUNDING]
    share = pnl / account[at.OUTLAY]
    account[at.N_TRADES] += 1.0
    account[at.RETURNS] += share
    account[at.HELD] += t - account[at.BAR_IN]
    if pnl > 0.0:
        account[at.N_WINS] += 1.0
        account[at.WON] += pnl
        account[at.WON_FRACTION] += share
    else:
        account[at.LOST] -= pnl
        account[at.LOST_FRACTION] -= share
    record(account, trades, t, price, pnl, reason)
    account[at.QUANTITY] = 0.0
    account[at.BAR_OUT] = t


@inlined
def record(account: F64, trades: F64, t: int, price: float, pnl: float, reason: int) -> None:
    """Write a row of the trade list, where one is wanted."""
    if trades.shape[0] == 0:
        return
    row = int(account[at.RECORDED])
    q = account[at.QUANTITY]
    trades[row, 0] = 1.0 if q > 0.0 else -1.0
    trades[row, 1] = account[at.BAR_IN]
    trades[row, 2] = account[at.ENTRY]
    trades[row, 3] = t
    trades[row, 4] = price
    trades[row, 5] = abs(q)
    trades[row, 6] = account[at.TRADE_FEES]
    trades[row, 7] = pnl
    trades[row, 8] = reason
    account[at.RECORDED] += 1.0


@lean
def mark_open_trade(account: F64, trades: F64, t: int, close: float) -> None:
    """List what is still held at the end of the data."""
    if account[at.QUANTITY] != 0.0:
        pnl = (
            account[at.QUANTITY] * (close - account[at.ENTRY])
            - account[at.TRADE_FEES]
            - account[at.TRADE_FUNDING]
        )
        record(account, trades, t, close, pnl, at.R_END)


@inlined
def wanted_share(account: F64, traits: F64, atr: float, sigma: float, price: float, costs: F64) -> float:
    """Wanted outlay as a fraction of equity; NaN where it cannot be known."""
    rule = traits[at.SIZING]
    if rule == at.FIXED:
        w = traits[at.SIZE]
    elif rule == at.BY_RISK:
        distance = traits[at.STOP] if not math.isnan(traits[at.STOP]) else np.inf
        by_atr = traits[at.STOP_ATR] * atr / price
        distance = min(distance, by_atr)
        w = traits[at.RISK] / distance
    elif rule == at.BY_VOLATILITY:
        w = traits[at.TARGET_VOLATILITY] / (sigma * math.sqrt(costs[at.BARS_A_YEAR]))
    else:
        n, wins = account[at.N_TRADES], account[at.N_WINS]
        if n < _TRADES_FOR_KELLY:
            w = traits[at.KELLY_CAP] / 2.0
        else:
            chance = (wins + 1.0) / (n + 2.0)
            mean_win = (account[at.WON_FRACTION] + _PSEUDO) / (wins + 1.0)
            mean_loss = (account[at.LOST_FRACTION] + _PSEUDO) / (n - wins + 1.0)
            edge = chance - (1.0 - chance) * mean_loss / mean_win
            w = min(traits[at.KELLY_CAP], max(0.0, edge))
    return min(w, traits[at.POSITION_LIMIT], 1.0) if not math.isnan(w) else np.nan


@inlined
def enter(
    account: F64, traits: F64, market: F64, t: int, side: float, atr: float, sigma: float, costs: F64
) -> None:
    """Open a position at the open of t, if size and rules allow. `atr`, `sigma`: at the close of the decision."""
    if not math.isnan(traits[at.STOP_ATR]) and math.isnan(atr):
        return
    w = wanted_share(account, traits, atr, sigma, market[at.CLOSE, t - 1], costs)
    if w > 0.0:
        enter_with(
            account, traits, market, t, side, atr, min(w * account[at.EQUITY], account[at.CASH]), costs
        )


@inlined
def enter_with(
    account: F64, traits: F64, market: F64, t: int, side: float, atr: float, outlay: float, costs: F64
) -> None:
    """Open a position for an outlay, fee included, unless what the lot leaves of it is too small."""
    if not outlay > 0.0:
        return
    price = taker_price(market, t, market[at.OPEN, t], side, outlay, costs)
    quantity = outlay / (price * (1.0 + costs[at.TAKER]))
    if costs[at.LOT] > 0.0:
        quantity = whole_steps(quantity, costs[at.LOT], False) * costs[at.LOT]
    if not (quantity > 0.0 and price > 0.0) or quantity * price < costs[at.MIN_NOTIONAL]:
        account[at.REFUSED] += 1.0
        return
    fee = quantity * price * costs[at.TAKER]
    account[at.TRADE_FUNDING] = 0.0
    account[at.CASH] -= side * quantity * price + fee
    account[at.QUANTITY] = side * quantity
    account[at.ENTRY] = price
    account[at.BAR_IN] = t
    account[at.EXTREME] = price
    account[at.OUTLAY] = quantity * price + fee
    account[at.TRADE_FEES] = fee
    account[at.FEES] += fee
    account[at.TURNOVER] += quantity * price
    if side < 0.0:
        account[at.SHORTED] = 1.0
    _set_levels(account, traits, side, price, atr, costs)


@inlined
def _set_levels(account: F64, traits: F64, side: float, price: float, atr: float, costs: F64) -> None:
    """Stop and target of a fresh position, not yet on the grid; NaN where there is none."""
    level = np.nan
    if not math.isnan(traits[at.STOP]):
        level = price * (1.0 - side * traits[at.STOP])
    if not math.isnan(traits[at.STOP_ATR]):
        other = price - side * traits[at.STOP_ATR] * atr
        if not side * level >= side * other:  # the tighter; also where there is no other
            level = other
    target = price * (1.0 + side * traits[at.TARGET])
    account[at.STOP_LEVEL] = level if level > 0.0 else np.nan
    account[at.TARGET_LEVEL] = target if target > 0.0 else np.nan
    set_bounds(account, costs)


@inlined
def set_bounds(account: F64, costs: F64) -> None:
    """Between FLOOR and CEILING nothing fixed is touched; liquidation moves with cash, so after each funding."""
    set_bounds_with(account, account[at.CASH], costs)


@inlined
def set_bounds_with(account: F64, cash: float, costs: F64) -> None:
    """The same where the position is backed by more than its own cash."""
    q, m = account[at.QUANTITY], costs[at.MAINTENANCE]
    liquidation = np.nan
    if q > 0.0 and cash < 0.0:
        liquidation = -cash / (q * (1.0 - m))
    elif q < 0.0:
        liquidation = cash / (-q * (1.0 + m))
    account[at.LIQUIDATION] = liquidation
    # Where there is no stop or target it is NaN: a comparison with it is false, and leaves the other bound.
    floor, ceiling = 0.0, np.inf
    stop, target = on_grid(account[at.STOP_LEVEL], -q, costs), on_grid(account[at.TARGET_LEVEL], q, costs)
    below, above = (stop, target) if q > 0.0 else (target, stop)
    if below > floor:  # noqa: PLR1730 - max() of a NaN is anyone's guess
        floor = below
    if above < ceiling:  # noqa: PLR1730
        ceiling = above
    if q > 0.0 and liquidation > floor:
        floor = liquidation
    if q < 0.0 and liquidation < ceiling:
        ceiling = liquidation  # also where it is negative
    account[at.FLOOR], account[at.CEILING] = floor, ceiling


@inlined
def on_grid(level: float, away: float, costs: F64) -> float:
    """A level rounded to the tick, upwards where `away` is positive; NaN stays NaN."""
    return up(level, costs[at.TICK]) if away > 0.0 else down(level, costs[at.TICK])


@inlined
def trailing_level(account: F64, traits: F64) -> float:
    """Trailing stop from the extreme through the bar before, not yet on the grid; NaN when there is none."""
    if account[at.QUANTITY] > 0.0:
        return float(account[at.EXTREME] * (1.0 - traits[at.TRAILING]))
    return float(account[at.EXTREME] * (1.0 + traits[at.TRAILING]))
