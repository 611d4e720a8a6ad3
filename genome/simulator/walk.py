"""One account through a block of bars. SEMANTICS.md sections 3, 4 and 6; everything else calls this.

The account walks from event to event. Bars in which nothing can happen are passed over in stretches of 16, whose
extremes were summed up once for the market: a stretch is skipped only when its extremes prove that no level is
touched, no new peak or deeper drawdown is made and nothing is decided in it. Skipping changes no figure; a test holds
the walk with and without it equal, bit for bit.
"""

import math

import numpy as np
from numpy.typing import NDArray

from genome.jit import inlined, kernel, step
from genome.market import F64, I64
from genome.programs.machine import ENTER_LONG, ENTER_SHORT, EXIT_LONG, EXIT_SHORT
from genome.programs.pointers import Address, bytes_at, first_byte, words_at
from genome.simulator.fills import enter, leave, on_grid, set_bounds, taker_price, trailing_level
from genome.simulator.layout import (
    ABOVE,
    ALIVE,
    ATR_BEFORE,
    BAR_IN,
    BAR_OUT,
    BELOW,
    BOTTOM,
    BOTTOM_CLOSE,
    CASH,
    CEILING,
    CLOSE,
    COOL_DOWN,
    DAY_EQUITY,
    DAY_SUM,
    DEAD,
    DRAWDOWN,
    DRAWDOWN_STOP,
    DRAWN_DOWN,
    EQUITY,
    EXPOSED,
    EXTREME,
    FLOOR,
    HIGH,
    HOLE,
    INSIDE_LONG,
    INSIDE_SHORT,
    LEAVING,
    LIQUIDATED,
    LIQUIDATION,
    LONGEST,
    LOW,
    MAKER,
    MARK_HIGH,
    MARK_LOW,
    MAXIMUM_HOLD,
    OPEN,
    PAID_LONG,
    PAID_SHORT,
    PEAK,
    PEAK_BAR,
    QUANTITY,
    QUIET,
    R_DRAWDOWN,
    R_GAP,
    R_HOLD,
    R_LIQUIDATION,
    R_REVERSAL,
    R_RUIN,
    R_SIGNAL,
    R_STOP,
    R_TARGET,
    R_TRAILING,
    RUINED,
    SIGMA_BEFORE,
    STOP_LEVEL,
    STRETCH,
    TAKER,
    TARGET_LEVEL,
    TOP,
    TOP_CLOSE,
    TRADE_FUNDING,
    TRAILING,
    VOID,
)

Flags = NDArray[np.uint8]
_ENTRIES = ENTER_LONG | ENTER_SHORT
_LEAVES_LONG = EXIT_LONG | ENTER_SHORT
_LEAVES_SHORT = EXIT_SHORT | ENTER_LONG
LEAD = 7
"""Decisions lie one bar before where they fill: element 8 is that of the block's first close, on a whole word."""
_EVERY_BYTE = 0x0101010101010101


@step
def _pay(account: F64, t: int, long_rate: int, short_rate: int, market: F64, costs: F64) -> None:
    """Funding per unit held: rates are already times the price they are paid on."""
    q = account[QUANTITY]
    due = market[long_rate, t] if q > 0.0 else market[short_rate, t]
    if q != 0.0 and due != 0.0:
        account[CASH] -= q * due
        account[TRADE_FUNDING] += q * due
        set_bounds(account, costs)


@inlined
def _open(
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
    q = account[QUANTITY]
    last_side = 0.0
    reason = -1
    if q != 0.0:
        leaves = EXIT_LONG if q > 0.0 else EXIT_SHORT
        turns = ENTER_SHORT if q > 0.0 else ENTER_LONG
        if account[LEAVING] > 0.0:
            reason = R_DRAWDOWN
        elif t - account[BAR_IN] >= traits[MAXIMUM_HOLD]:
            reason = R_HOLD
        elif decision & leaves:
            reason = R_SIGNAL
        elif decision & turns:
            reason = R_REVERSAL
        if reason < 0:
            return
        last_side = 1.0 if q > 0.0 else -1.0
        side = -last_side
        price = taker_price(market, t, market[OPEN, t], side, abs(q) * market[OPEN, t], costs)
        leave(account, trades, t, price, costs[TAKER], reason)
        account[LEAVING] = 0.0
    side = 1.0 if decision & ENTER_LONG else -1.0
    if not decision & (ENTER_LONG | ENTER_SHORT) or account[DEAD] != ALIVE or side == last_side:
        return
    wait = traits[COOL_DOWN]
    if wait > 0.0 and t <= account[BAR_OUT] + wait:
        return
    enter(account, traits, market, t, side, atr, sigma, costs)


@step
def _inside(account: F64, traits: F64, market: F64, t: int, costs: F64, trades: F64) -> None:
    """Liquidation, stop, target: the first that is touched closes the position."""
    q = account[QUANTITY]
    side = 1.0 if q > 0.0 else -1.0
    price = market[OPEN, t]
    worst, best = (market[LOW, t], market[HIGH, t]) if side > 0.0 else (market[HIGH, t], market[LOW, t])
    mark = market[MARK_LOW, t] if side > 0.0 else market[MARK_HIGH, t]
    at = account[LIQUIDATION]
    if not math.isnan(at) and side * mark <= side * at:
        fill = min(price, at) if side > 0.0 else max(price, at)
        _leave_as_taker(account, market, t, fill, R_LIQUIDATION, costs, trades)
        account[LIQUIDATED] = 1.0
        return
    stop, trailing = account[STOP_LEVEL], trailing_level(account, traits)
    reason = R_STOP
    if not math.isnan(trailing) and trailing > 0.0 and not side * stop >= side * trailing:
        stop, reason = trailing, R_TRAILING
    stop = on_grid(stop, -side, costs)
    if stop > 0.0 and side * worst <= side * stop:
        fill = min(price, stop) if side > 0.0 else max(price, stop)
        _leave_as_taker(account, market, t, fill, reason, costs, trades)
        return
    target = on_grid(account[TARGET_LEVEL], side, costs)
    if target > 0.0 and side * best >= side * target:
        fill = max(price, target) if side > 0.0 else min(price, target)
        leave(account, trades, t, fill, costs[MAKER], R_TARGET)


@step
def _leave_as_taker(
    account: F64, market: F64, t: int, price: float, reason: int, costs: F64, trades: F64
) -> None:
    q = account[QUANTITY]
    fill = taker_price(market, t, price, -1.0 if q > 0.0 else 1.0, abs(q) * price, costs)
    leave(account, trades, t, fill, costs[TAKER], reason)


@inlined
def _close(
    account: F64,
    traits: F64,
    market: F64,
    void: bool,  # noqa: FBT001 - a kernel takes no keywords
    t: int,
    trades: F64,
) -> None:
    """Mark at the close of t; ruin, peak and drawdown."""
    q = account[QUANTITY]
    equity = account[CASH]
    if q != 0.0:
        equity += q * market[CLOSE, t]
        account[EXPOSED] += 1.0
        if not void and q > 0.0:
            account[EXTREME] = max(account[EXTREME], market[HIGH, t])
        elif not void:
            account[EXTREME] = min(account[EXTREME], market[LOW, t])
    if equity <= 0.0:
        equity = 0.0
        _ruin(account, market, t, trades)
    account[EQUITY] = equity
    peak = account[PEAK]
    if equity >= peak:
        account[LONGEST] = max(account[LONGEST], t - 1.0 - account[PEAK_BAR])
        account[PEAK] = equity
        account[PEAK_BAR] = t
    elif equity < peak * (1.0 - account[DRAWDOWN]):
        account[DRAWDOWN] = 1.0 - equity / peak
    if account[DEAD] == ALIVE and equity <= (1.0 - traits[DRAWDOWN_STOP]) * account[PEAK]:
        account[DEAD] = DRAWN_DOWN
        account[LEAVING] = 1.0 if account[QUANTITY] != 0.0 else 0.0


@step
def _ruin(account: F64, market: F64, t: int, trades: F64) -> None:
    """Equity is gone: what is held is closed at the close of t, and nothing is ever done again."""
    if account[DEAD] == RUINED:
        return
    if account[QUANTITY] != 0.0:
        account[EXPOSED] -= 1.0
        leave(account, trades, t, market[CLOSE, t], 0.0, R_RUIN)
    account[CASH] = 0.0
    account[DEAD] = RUINED
    account[LEAVING] = 0.0


@inlined
def _end_of_day(account: F64, day: int, daily: F64) -> None:
    before, equity = account[DAY_EQUITY], account[EQUITY]
    if before > 0.0:
        daily[day] = equity / before - 1.0
    account[DAY_EQUITY] = equity
    account[DAY_SUM] += equity


@inlined
def _rest(account: F64, days: I64, begin: int, end: int, daily: F64) -> None:
    """A flat account over bars begin … end − 1: equity is cash."""
    cash = account[CASH]
    account[EQUITY] = cash
    if cash >= account[PEAK]:
        account[LONGEST] = max(account[LONGEST], begin - 1.0 - account[PEAK_BAR])
        account[PEAK] = cash
        account[PEAK_BAR] = end - 1.0
    elif cash < account[PEAK] * (1.0 - account[DRAWDOWN]):
        account[DRAWDOWN] = 1.0 - cash / account[PEAK]
    ended = days[end] - days[begin]
    if ended > 0:
        _end_of_day(account, days[begin], daily)
        account[DAY_SUM] += cash * (ended - 1)


@inlined
def next_decision(decisions: Address, at: int, end: int, mask: int) -> int:
    """First i in [at, end) at whose open a decision has a bit of `mask`, else end. Eight bars a look."""
    wanted = np.uint64(mask) * np.uint64(_EVERY_BYTE)
    words = words_at(decisions, (end + LEAD + 7) // 8)
    i = at + LEAD
    word = i >> 3
    if i & 7:
        bits = (words[word] & wanted) >> np.uint64(8 * (i & 7))
        if bits != np.uint64(0):
            return min(end, at + first_byte(bits))
        word += 1
    last = (end + LEAD + 7) >> 3
    while word < last:
        bits = words[word] & wanted
        if bits != np.uint64(0):
            return min(end, (word << 3) + first_byte(bits) - LEAD)
        word += 1
    return end


@inlined
def _pass_over(
    account: F64,
    traits: F64,
    market: F64,
    summary: F64,
    following: I64,
    decisions: Address,
    t: int,
    begin: int,
    end: int,
) -> int:
    """Pass over bars at which a held position meets nothing but a new close; return the bar that needs a look."""
    if account[LEAVING] > 0.0:
        return t
    until = min(end, following[t])
    expires = account[BAR_IN] + traits[MAXIMUM_HOLD]
    if expires < until:
        until = int(expires)
    mask = _LEAVES_LONG if account[QUANTITY] > 0.0 else _LEAVES_SHORT
    until = begin + next_decision(decisions, t - begin, until - begin, mask)
    if until <= t:
        return t
    trail = traits[TRAILING]
    if not math.isnan(trail):
        until = _until_touched_trailing(account, market, summary, t, until, trail)
    elif account[FLOOR] > 0.0 or account[CEILING] < np.inf:
        until = _until_touched(account[FLOOR], account[CEILING], market, summary, t, until)
    return _mark(account, traits, market, summary, t, until)


@inlined
def _until_touched(floor: float, ceiling: float, market: F64, summary: F64, t: int, until: int) -> int:
    """First bar in [t, until) that reaches a level, else until."""
    while t < until:
        if t % STRETCH == 0 and t + STRETCH <= until:
            s = t // STRETCH
            if summary[BOTTOM, s] > floor and summary[TOP, s] < ceiling:
                t += STRETCH
                continue
        if market[BELOW, t] <= floor or market[ABOVE, t] >= ceiling:
            return t
        t += 1
    return until


@step
def _until_touched_trailing(account: F64, market: F64, summary: F64, t: int, until: int, trail: float) -> int:
    """The same where a level follows the extreme, which is moved along.

    A tick only loosens a trailing level, so the level without rounding is the safe bound.
    """
    extreme, fixed_floor, fixed_ceiling = account[EXTREME], account[FLOOR], account[CEILING]
    long = account[QUANTITY] > 0.0
    while t < until:
        whole = t % STRETCH == 0 and t + STRETCH <= until
        s = t // STRETCH
        further = extreme
        floor, ceiling = fixed_floor, fixed_ceiling
        if long:
            further = max(extreme, summary[TOP, s]) if whole else extreme
            floor = max(floor, further * (1.0 - trail))
        else:
            further = min(extreme, summary[BOTTOM, s]) if whole else extreme
            ceiling = min(ceiling, further * (1.0 + trail))
        if whole and summary[BOTTOM, s] > floor and summary[TOP, s] < ceiling:
            extreme = further
            t += STRETCH
            continue
        if whole:  # the extreme of the whole stretch was too strict a bound: look at its bars
            floor = max(fixed_floor, extreme * (1.0 - trail)) if long else fixed_floor
            ceiling = fixed_ceiling if long else min(fixed_ceiling, extreme * (1.0 + trail))
        if market[BELOW, t] <= floor or market[ABOVE, t] >= ceiling:
            break
        extreme = max(extreme, market[HIGH, t]) if long else min(extreme, market[LOW, t])
        t += 1
    account[EXTREME] = extreme
    return t


@inlined
def _mark(account: F64, traits: F64, market: F64, summary: F64, t: int, until: int) -> int:
    """Equity, peak and drawdown over the closes of [t, until); stops at a bar where the account itself must act."""
    q, cash = account[QUANTITY], account[CASH]
    peak, peak_bar, longest, deepest = account[PEAK], account[PEAK_BAR], account[LONGEST], account[DRAWDOWN]
    danger = max(0.0, 1.0 - traits[DRAWDOWN_STOP]) if account[DEAD] == ALIVE else 0.0
    first = t
    while t < until:
        stop = min(until, (t // STRETCH + 1) * STRETCH)
        if stop - t == STRETCH:
            s = t // STRETCH
            a, b = cash + q * summary[TOP_CLOSE, s], cash + q * summary[BOTTOM_CLOSE, s]
            low = min(a, b)
            if max(a, b) < peak and low > peak * max(1.0 - deepest, danger) and low > 0.0:
                t = stop
                continue
        before = peak, peak_bar, longest, deepest
        acts = False
        for u in range(t, stop):  # without branches: which close makes a peak or a low cannot be foretold
            equity = cash + q * market[CLOSE, u]
            rises = equity >= peak
            longest = max(longest, u - 1.0 - peak_bar) if rises else longest
            peak_bar = float(u) if rises else peak_bar
            peak = equity if rises else peak
            deepest = max(deepest, 1.0 - equity / peak)
            acts |= equity <= peak * danger
        if acts:
            peak, peak_bar, longest, deepest = before
            while not cash + q * market[CLOSE, t] <= max(peak, cash + q * market[CLOSE, t]) * danger:
                equity = cash + q * market[CLOSE, t]
                if equity >= peak:
                    longest = max(longest, t - 1.0 - peak_bar)
                    peak, peak_bar = equity, float(t)
                deepest = max(deepest, 1.0 - equity / peak)
                t += 1
            break
        t = stop
    if t > first:
        account[PEAK], account[PEAK_BAR], account[LONGEST], account[DRAWDOWN] = (
            peak,
            peak_bar,
            longest,
            deepest,
        )
        account[EXPOSED] += t - first
        account[EQUITY] = cash + q * market[CLOSE, t - 1]
    return t


@kernel
def walk(
    account: F64,
    traits: F64,
    market: F64,
    flags: Flags,
    summary: F64,
    following: I64,
    days: I64,
    decisions: Address,
    atr: F64,
    sigma: F64,
    begin: int,
    end: int,
    costs: F64,
    daily: F64,
    trades: F64,
    equity: F64,
    held: F64,
) -> None:
    """Walk one account over bars begin … end − 1; state is carried in `account`.

    decisions   address of uint8, 8-byte aligned: element LEAD + i is what was decided at the close of bar begin + i − 1
    atr, sigma  float64 (end − begin,) or empty: indicator at each close, where the genome needs it
    following   int64 (T + 1,): the bar at or after each that is void, pays funding, or ends a day or a stretch of data
    days        int64 (T + 1,): index of each bar's day; the last element is the number of days
    equity, held   empty, or (T,) to receive equity and side at each close (then nothing is skipped)
    """
    slow = equity.shape[0] > 0
    made = bytes_at(decisions, end - begin + LEAD)
    t = begin
    while t < end:
        if slow:
            pass
        elif account[QUANTITY] == 0.0:
            until = end
            if account[DEAD] == ALIVE:
                until = begin + next_decision(decisions, t - begin, end - begin, _ENTRIES)
            if until > t:
                _rest(account, days, t, until, daily)
                t = until
        else:
            t = _pass_over(account, traits, market, summary, following, decisions, t, begin, end)
        if t >= end:
            break
        i = t - begin
        quiet = flags[QUIET, t] != 0
        void = not quiet and flags[VOID, t] != 0
        if not quiet:
            _pay(account, t, PAID_LONG, PAID_SHORT, market, costs)
        if not void:
            a = atr[i - 1] if i > 0 and atr.shape[0] > 0 else account[ATR_BEFORE]
            s = sigma[i - 1] if i > 0 and sigma.shape[0] > 0 else account[SIGMA_BEFORE]
            _open(account, traits, market, t, int(made[i + LEAD]), a, s, costs, trades)
        if not quiet:
            _pay(account, t, INSIDE_LONG, INSIDE_SHORT, market, costs)
        if (
            account[QUANTITY] != 0.0
            and not void
            and (market[BELOW, t] <= _floor(account, traits) or market[ABOVE, t] >= _ceiling(account, traits))
        ):
            _inside(account, traits, market, t, costs, trades)
        if not quiet and account[QUANTITY] != 0.0 and flags[HOLE, t] != 0:
            _leave_as_taker(account, market, t, market[CLOSE, t], R_GAP, costs, trades)
        _close(account, traits, market, void, t, trades)
        if not quiet and days[t + 1] != days[t]:
            _end_of_day(account, days[t], daily)
        if slow:
            equity[t] = account[EQUITY]
            held[t] = np.sign(account[QUANTITY])
        t += 1
    if atr.shape[0] > 0:
        account[ATR_BEFORE] = atr[end - begin - 1]
    if sigma.shape[0] > 0:
        account[SIGMA_BEFORE] = sigma[end - begin - 1]


@inlined
def _floor(account: F64, traits: F64) -> float:
    """Above this nothing below is touched; without rounding to ticks, so never too low."""
    floor = account[FLOOR]
    if not math.isnan(traits[TRAILING]) and account[QUANTITY] > 0.0:
        floor = max(floor, account[EXTREME] * (1.0 - traits[TRAILING]))
    return float(floor)


@inlined
def _ceiling(account: F64, traits: F64) -> float:
    ceiling = account[CEILING]
    if not math.isnan(traits[TRAILING]) and account[QUANTITY] < 0.0:
        ceiling = min(ceiling, account[EXTREME] * (1.0 + traits[TRAILING]))
    return float(ceiling)
