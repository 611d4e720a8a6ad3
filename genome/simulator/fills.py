"""Fills of one account: slippage, rounding, entering, leaving. SEMANTICS.md section 5, called only where money moves."""

import math

import numpy as np

from genome.jit import inlined, kernel
from genome.market import F64
from genome.simulator.layout import (
    BAR_IN,
    BAR_OUT,
    BARS_A_YEAR,
    BOOK,
    BY_RISK,
    BY_VOLATILITY,
    CASH,
    CEILING,
    CLOSE,
    D1,
    D2,
    D3,
    DEPTH,
    ENTRY,
    EQUITY,
    EXTREME,
    FEES,
    FIXED,
    FLOOR,
    HELD,
    IMPACT,
    KELLY_CAP,
    LIQUIDATION,
    LOST,
    LOST_FRACTION,
    LOT,
    MAINTENANCE,
    MIN_NOTIONAL,
    N_TRADES,
    N_WINS,
    O1,
    O2,
    O3,
    OPEN,
    OUTLAY,
    POSITION_LIMIT,
    QUANTITY,
    R_END,
    RATED,
    RECORDED,
    REFUSED,
    RETURNS,
    RISK,
    SHORTED,
    SIGMA,
    SIZE,
    SIZING,
    SLIPPAGE,
    STOP,
    STOP_ATR,
    STOP_LEVEL,
    TAKER,
    TARGET,
    TARGET_LEVEL,
    TARGET_VOLATILITY,
    TICK,
    TRADE_FEES,
    TRADE_FUNDING,
    TRAILING,
    TURNOVER,
    VOLUME_SLIPPAGE,
    WON,
    WON_FRACTION,
)

_FORGIVEN = 1e-9
"""Of a step: rounding must not move a value that is on the grid but for the last bit."""
_TRADES_FOR_KELLY = 20
_PSEUDO = 0.01


@inlined
def up(price: float, tick: float) -> float:
    """Round to the next tick above."""
    return np.ceil(price / tick - _FORGIVEN) * tick if tick > 0.0 else price


@inlined
def down(price: float, tick: float) -> float:
    """Round to the next tick below."""
    return np.floor(price / tick + _FORGIVEN) * tick if tick > 0.0 else price


@inlined
def slippage(market: F64, t: int, notional: float, costs: F64) -> float:
    """Fraction of price that a taker loses beyond the fee, at bar t for a notional."""
    s = market[SLIPPAGE, t]
    if costs[RATED] == 0.0:
        return float(s)
    if costs[BOOK] > 0.0 and notional > 0.0:
        rest = notional
        paid = 0.0
        for offset, depth in ((O1, D1), (O2, D2), (O3, D3)):
            taken = min(rest, costs[depth])
            paid += costs[offset] * taken
            rest -= taken
        s += (paid + costs[O3] * rest) / notional
    if (costs[VOLUME_SLIPPAGE] > 0.0 or costs[IMPACT] > 0.0) and market[DEPTH, t] > 0.0:
        share = notional / market[DEPTH, t]
        s += costs[VOLUME_SLIPPAGE] * share + costs[IMPACT] * market[SIGMA, t] * math.sqrt(share)
    return float(min(s, 1.0))


@inlined
def taker_price(market: F64, t: int, price: float, side: float, notional: float, costs: F64) -> float:
    """Fill price of a taker who buys (side 1) or sells (side −1)."""
    s = slippage(market, t, notional, costs)
    if side > 0.0:
        return up(price * (1.0 + s), costs[TICK])
    return down(price * (1.0 - s), costs[TICK])


@inlined
def leave(account: F64, trades: F64, t: int, price: float, fee_rate: float, reason: int) -> None:
    """Close the position at a fill price, book the trade."""
    q = account[QUANTITY]
    fee = abs(q) * price * fee_rate
    account[CASH] += q * price - fee
    account[FEES] += fee
    account[TRADE_FEES] += fee
    account[TURNOVER] += abs(q) * price
    pnl = q * (price - account[ENTRY]) - account[TRADE_FEES] - account[TRADE_FUNDING]
    share = pnl / account[OUTLAY]
    account[N_TRADES] += 1.0
    account[RETURNS] += share
    account[HELD] += t - account[BAR_IN]
    if pnl > 0.0:
        account[N_WINS] += 1.0
        account[WON] += pnl
        account[WON_FRACTION] += share
    else:
        account[LOST] -= pnl
        account[LOST_FRACTION] -= share
    record(account, trades, t, price, pnl, reason)
    account[QUANTITY] = 0.0
    account[BAR_OUT] = t


@inlined
def record(account: F64, trades: F64, t: int, price: float, pnl: float, reason: int) -> None:
    """Write a row of the trade list, where one is wanted."""
    if trades.shape[0] == 0:
        return
    row = int(account[RECORDED])
    q = account[QUANTITY]
    trades[row, 0] = 1.0 if q > 0.0 else -1.0
    trades[row, 1] = account[BAR_IN]
    trades[row, 2] = account[ENTRY]
    trades[row, 3] = t
    trades[row, 4] = price
    trades[row, 5] = abs(q)
    trades[row, 6] = account[TRADE_FEES]
    trades[row, 7] = pnl
    trades[row, 8] = reason
    account[RECORDED] += 1.0


@kernel
def mark_open_trade(account: F64, trades: F64, t: int, close: float) -> None:
    """List what is still held at the end of the data."""
    if account[QUANTITY] != 0.0:
        pnl = account[QUANTITY] * (close - account[ENTRY]) - account[TRADE_FEES] - account[TRADE_FUNDING]
        record(account, trades, t, close, pnl, R_END)


@inlined
def wanted_share(account: F64, traits: F64, atr: float, sigma: float, price: float, costs: F64) -> float:
    """Wanted outlay as a fraction of equity; NaN where it cannot be known."""
    rule = traits[SIZING]
    if rule == FIXED:
        w = traits[SIZE]
    elif rule == BY_RISK:
        distance = traits[STOP] if not math.isnan(traits[STOP]) else np.inf
        by_atr = traits[STOP_ATR] * atr / price
        distance = min(distance, by_atr)
        w = traits[RISK] / distance
    elif rule == BY_VOLATILITY:
        w = traits[TARGET_VOLATILITY] / (sigma * math.sqrt(costs[BARS_A_YEAR]))
    else:
        n, wins = account[N_TRADES], account[N_WINS]
        if n < _TRADES_FOR_KELLY:
            w = traits[KELLY_CAP] / 2.0
        else:
            chance = (wins + 1.0) / (n + 2.0)
            mean_win = (account[WON_FRACTION] + _PSEUDO) / (wins + 1.0)
            mean_loss = (account[LOST_FRACTION] + _PSEUDO) / (n - wins + 1.0)
            edge = chance - (1.0 - chance) * mean_loss / mean_win
            w = min(traits[KELLY_CAP], max(0.0, edge))
    return min(w, traits[POSITION_LIMIT], 1.0) if not math.isnan(w) else np.nan


@inlined
def enter(
    account: F64, traits: F64, market: F64, t: int, side: float, atr: float, sigma: float, costs: F64
) -> None:
    """Open a position at the open of t, if size and rules allow. `atr`, `sigma`: at the close of the decision."""
    by_atr = not math.isnan(traits[STOP_ATR])
    if by_atr and math.isnan(atr):
        return
    w = wanted_share(account, traits, atr, sigma, market[CLOSE, t - 1], costs)
    if not w > 0.0:
        return
    wanted = min(w * account[EQUITY], account[CASH])
    if not wanted > 0.0:
        return
    price = taker_price(market, t, market[OPEN, t], side, wanted, costs)
    quantity = wanted / (price * (1.0 + costs[TAKER]))
    if costs[LOT] > 0.0:
        quantity = np.floor(quantity / costs[LOT] + _FORGIVEN) * costs[LOT]
    if not (quantity > 0.0 and price > 0.0) or quantity * price < costs[MIN_NOTIONAL]:
        account[REFUSED] += 1.0
        return
    fee = quantity * price * costs[TAKER]
    account[TRADE_FUNDING] = 0.0
    account[CASH] -= side * quantity * price + fee
    account[QUANTITY] = side * quantity
    account[ENTRY] = price
    account[BAR_IN] = t
    account[EXTREME] = price
    account[OUTLAY] = quantity * price + fee
    account[TRADE_FEES] = fee
    account[FEES] += fee
    account[TURNOVER] += quantity * price
    if side < 0.0:
        account[SHORTED] = 1.0
    _set_levels(account, traits, side, price, atr, costs)


@inlined
def _set_levels(account: F64, traits: F64, side: float, price: float, atr: float, costs: F64) -> None:
    """Stop and target of a fresh position, not yet on the grid; NaN where there is none."""
    level = np.nan
    if not math.isnan(traits[STOP]):
        level = price * (1.0 - side * traits[STOP])
    if not math.isnan(traits[STOP_ATR]):
        other = price - side * traits[STOP_ATR] * atr
        if not side * level >= side * other:  # the tighter; also where there is no other
            level = other
    target = price * (1.0 + side * traits[TARGET])
    account[STOP_LEVEL] = level if level > 0.0 else np.nan
    account[TARGET_LEVEL] = target if target > 0.0 else np.nan
    set_bounds(account, costs)


@inlined
def set_bounds(account: F64, costs: F64) -> None:
    """Between FLOOR and CEILING nothing fixed is touched; liquidation moves with cash, so after each funding."""
    q, cash, m = account[QUANTITY], account[CASH], costs[MAINTENANCE]
    liquidation = np.nan
    if q > 0.0 and cash < 0.0:
        liquidation = -cash / (q * (1.0 - m))
    elif q < 0.0:
        liquidation = cash / (-q * (1.0 + m))
    account[LIQUIDATION] = liquidation
    stop, target = on_grid(account[STOP_LEVEL], -q, costs), on_grid(account[TARGET_LEVEL], q, costs)
    if q > 0.0:
        floor = stop if not math.isnan(stop) else 0.0
        account[FLOOR] = max(floor, liquidation)
        account[CEILING] = target if not math.isnan(target) else np.inf
    else:
        ceiling = stop if not math.isnan(stop) else np.inf
        account[CEILING] = min(ceiling, liquidation)  # also where it is negative
        account[FLOOR] = target if not math.isnan(target) else 0.0


@inlined
def on_grid(level: float, away: float, costs: F64) -> float:
    """A level rounded to the tick, upwards where `away` is positive; NaN stays NaN."""
    return up(level, costs[TICK]) if away > 0.0 else down(level, costs[TICK])


@inlined
def trailing_level(account: F64, traits: F64) -> float:
    """Trailing stop from the extreme through the bar before, not yet on the grid; NaN when there is none."""
    if account[QUANTITY] > 0.0:
        return float(account[EXTREME] * (1.0 - traits[TRAILING]))
    return float(account[EXTREME] * (1.0 + traits[TRAILING]))
