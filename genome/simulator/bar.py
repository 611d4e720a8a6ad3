"""What happens to one account at one bar: SEMANTICS.md sections 3 and 4, in their order."""

import math

from genome.jit import inlined, lean_step
from genome.market import F64
from genome.programs.machine import ENTER_LONG, ENTER_SHORT, EXIT_LONG, EXIT_SHORT
from genome.simulator import layout as at
from genome.simulator.fills import enter, leave, on_grid, set_bounds, taker_price, trailing_level


@lean_step
def pay(account: F64, t: int, long_rate: int, short_rate: int, market: F64, costs: F64) -> None:
    """Funding per unit held: rates are already times the price they are paid on."""
    q = account[at.QUANTITY]
    due = market[long_rate, t] if q > 0.0 else market[short_rate, t]
    if q != 0.0 and due != 0.0:
        account[at.CASH] -= q * due
        account[at.TRADE_FUNDING] += q * due
        set_bounds(account, costs)


@inlined
def fill_open(
    account: F64,
    traits: F64,
    market: F64,
    t: int,
    decision: int,
    atr: float,
    sigma: float,
    costs: F64,
    trades: F64,
) -> None:
    """Decisions that fill at the open of t: first leave, then enter."""
    last_side = leave_at_open(account, traits, market, t, decision, costs, trades)
    side = entry_side(account, traits, t, decision, last_side)
    if side != 0.0:
        enter(account, traits, market, t, side, atr, sigma, costs)


@inlined
def leave_at_open(
    account: F64, traits: F64, market: F64, t: int, decision: int, costs: F64, trades: F64
) -> float:
    """Close what is held where it is time to; return the side of what was closed, 0 for nothing."""
    q = account[at.QUANTITY]
    if q == 0.0:
        return 0.0
    leaves = EXIT_LONG if q > 0.0 else EXIT_SHORT
    turns = ENTER_SHORT if q > 0.0 else ENTER_LONG
    if account[at.LEAVING] > 0.0:
        reason = at.R_DRAWDOWN
    elif t - account[at.BAR_IN] >= traits[at.MAXIMUM_HOLD]:
        reason = at.R_HOLD
    elif decision & leaves:
        reason = at.R_SIGNAL
    elif decision & turns:
        reason = at.R_REVERSAL
    else:
        return 0.0
    side = 1.0 if q > 0.0 else -1.0
    price = taker_price(market, t, market[at.OPEN, t], -side, abs(q) * market[at.OPEN, t], costs)
    leave(account, trades, t, price, costs[at.TAKER], reason)
    account[at.LEAVING] = 0.0
    return side


@inlined
def entry_side(account: F64, traits: F64, t: int, decision: int, last_side: float) -> float:
    """Side of a position that may be opened at the open of t, 0 for none; `last_side` was closed there."""
    side = 1.0 if decision & ENTER_LONG else -1.0 if decision & ENTER_SHORT else 0.0
    if account[at.QUANTITY] != 0.0 or account[at.DEAD] != at.ALIVE or side == last_side:
        return 0.0
    wait = traits[at.COOL_DOWN]
    return 0.0 if wait > 0.0 and t <= account[at.BAR_OUT] + wait else side


@lean_step
def inside(account: F64, traits: F64, market: F64, t: int, costs: F64, trades: F64) -> None:
    """Liquidation, stop, target: the first that is touched closes the position."""
    q = account[at.QUANTITY]
    side = 1.0 if q > 0.0 else -1.0
    price = market[at.OPEN, t]
    worst, best = (
        (market[at.LOW, t], market[at.HIGH, t]) if side > 0.0 else (market[at.HIGH, t], market[at.LOW, t])
    )
    mark = market[at.MARK_LOW, t] if side > 0.0 else market[at.MARK_HIGH, t]
    liquidation = account[at.LIQUIDATION]
    if not math.isnan(liquidation) and side * mark <= side * liquidation:
        fill = min(price, liquidation) if side > 0.0 else max(price, liquidation)
        leave_as_taker(account, market, t, fill, at.R_LIQUIDATION, costs, trades)
        account[at.LIQUIDATED] = 1.0
        return
    stop, trailing = account[at.STOP_LEVEL], trailing_level(account, traits)
    reason = at.R_STOP
    if not math.isnan(trailing) and trailing > 0.0 and not side * stop >= side * trailing:
        stop, reason = trailing, at.R_TRAILING
    stop = on_grid(stop, -side, costs)
    if stop > 0.0 and side * worst <= side * stop:
        fill = min(price, stop) if side > 0.0 else max(price, stop)
        leave_as_taker(account, market, t, fill, reason, costs, trades)
        return
    target = on_grid(account[at.TARGET_LEVEL], side, costs)
    if target > 0.0 and side * best >= side * target:
        fill = max(price, target) if side > 0.0 else min(price, target)
        leave(account, trades, t, fill, costs[at.MAKER], at.R_TARGET)


@lean_step
def leave_as_taker(
    account: F64, market: F64, t: int, price: float, reason: int, costs: F64, trades: F64
) -> None:
    """Close the position at a price, as a taker."""
    q = account[at.QUANTITY]
    fill = taker_price(market, t, price, -1.0 if q > 0.0 else 1.0, abs(q) * price, costs)
    leave(account, trades, t, fill, costs[at.TAKER], reason)


@inlined
def close_bar(
    account: F64,
    traits: F64,
    market: F64,
    void: bool,
    t: int,
    trades: F64,
) -> None:
    """Mark at the close of t; ruin, peak and drawdown."""
    q = account[at.QUANTITY]
    equity = account[at.CASH]
    if q != 0.0:
        equity += q * market[at.CLOSE, t]
        account[at.EXPOSED] += 1.0
        if not void and q > 0.0:
            account[at.EXTREME] = max(account[at.EXTREME], market[at.HIGH, t])
        elif not void:
            account[at.EXTREME] = min(account[at.EXTREME], market[at.LOW, t])
    if equity <= 0.0:
        equity = 0.0
        _ruin(account, market, t, trades)
    account[at.EQUITY] = equity
    if equity >= account[at.PEAK]:
        new_peak(account, equity, t, t)
    elif equity < account[at.TROUGH]:
        account[at.TROUGH] = equity
    if account[at.DEAD] == at.ALIVE and equity <= (1.0 - traits[at.DRAWDOWN_STOP]) * account[at.PEAK]:
        account[at.DEAD] = at.DRAWN_DOWN
        account[at.LEAVING] = 1.0 if account[at.QUANTITY] != 0.0 else 0.0


@lean_step
def _ruin(account: F64, market: F64, t: int, trades: F64) -> None:
    """Equity is gone: what is held is closed at the close of t, and nothing is ever done again."""
    if account[at.DEAD] >= at.RUINED:
        return
    if account[at.QUANTITY] != 0.0:
        account[at.EXPOSED] -= 1.0
        leave(account, trades, t, market[at.CLOSE, t], 0.0, at.R_RUIN)
    account[at.CASH] = 0.0
    account[at.DEAD] += at.RUINED
    account[at.LEAVING] = 0.0


@inlined
def new_peak(account: F64, equity: float, first: int, last: int) -> None:
    """Equity is at or above the peak again at the closes of bars first … last."""
    if account[at.TROUGH] < account[at.PEAK]:
        account[at.DRAWDOWN] = max(account[at.DRAWDOWN], 1.0 - account[at.TROUGH] / account[at.PEAK])
    account[at.LONGEST] = max(account[at.LONGEST], first - 1.0 - account[at.PEAK_BAR])
    account[at.PEAK] = account[at.TROUGH] = equity
    account[at.PEAK_BAR] = last


@inlined
def end_of_day(account: F64, day: int, daily: F64) -> None:
    """Book a day: its return, which after ruin stays zero, and in the second half of `daily` the trades closed so far."""
    before, equity = account[at.DAY_EQUITY], account[at.EQUITY]
    if before > 0.0:
        daily[day] = equity / before - 1.0
    daily[(daily.size >> 1) + day] = account[at.N_TRADES]
    account[at.DAY_EQUITY] = equity
    account[at.DAY_SUM] += equity


@inlined
def touch_below(account: F64, traits: F64) -> float:
    """A low at or below this may touch a level; a tick can only loosen it, so it is never too low."""
    floor = account[at.FLOOR]
    if not math.isnan(traits[at.TRAILING]) and account[at.QUANTITY] > 0.0:
        floor = max(floor, account[at.EXTREME] * (1.0 - traits[at.TRAILING]))
    return float(floor)


@inlined
def touch_above(account: F64, traits: F64) -> float:
    """A high at or above this may touch a level."""
    ceiling = account[at.CEILING]
    if not math.isnan(traits[at.TRAILING]) and account[at.QUANTITY] < 0.0:
        ceiling = min(ceiling, account[at.EXTREME] * (1.0 + traits[at.TRAILING]))
    return float(ceiling)
