"""Passing over bars at which nothing can happen.

Bars are passed over in stretches of 16, whose extremes were summed up once for the market: a stretch is skipped only
when its extremes prove that no level is touched and no new peak or deeper drawdown is made in it.
"""

import math

import numpy as np

from genome.jit import inlined, lean_step
from genome.market import F64, I64
from genome.programs.machine import words_of
from genome.programs.pointers import Address, lowest_bit, words_at
from genome.simulator import layout as at
from genome.simulator.bar import end_of_day, new_peak

_ENTER_LONG, _EXIT_LONG, _ENTER_SHORT, _EXIT_SHORT = range(4)
"""Planes of decisions, as `genome.programs.machine.decide` writes them."""


@inlined
def decision_at(decisions: Address, i: int, n: int) -> int:
    """What was decided at the close before bar i of n, as bits."""
    words = words_of(n)
    planes, word, bit, one = words_at(decisions, 4 * words), i >> 6, np.uint64(i & 63), np.uint64(1)
    return (
        int((planes[word] >> bit) & one) | (int((planes[words + word] >> bit) & one) << 1)
        | (int((planes[2 * words + word] >> bit) & one) << 2) | (int((planes[3 * words + word] >> bit) & one) << 3)
    )  # fmt: skip


@inlined
def rest(account: F64, days: I64, begin: int, end: int, daily: F64) -> None:
    """A flat account over bars begin … end − 1: equity is cash."""
    cash = account[at.CASH]
    account[at.EQUITY] = cash
    if cash >= account[at.PEAK]:
        new_peak(account, cash, begin, end - 1)
    elif cash < account[at.TROUGH]:
        account[at.TROUGH] = cash
    ended = days[end] - days[begin]
    if ended > 0:
        end_of_day(account, days[begin], daily)
        # Day after day, as whoever stops at each of them adds: a product would round otherwise, and then a figure would
        # depend on where the bars are cut into blocks, which depends on who else reads columns.
        total = account[at.DAY_SUM]
        for _ in range(ended - 1):
            total += cash
        account[at.DAY_SUM] = total


@inlined
def rested(account: F64, traits: F64, t: int, end: int) -> int:
    """First bar from t on, `end` at most, at which an account that is flat may enter: it cools down after it has left.

    Signals often stay true while it does. Evolution likes to cool down, and then most bars with a signal are such.
    """
    until = account[at.BAR_OUT] + traits[at.COOL_DOWN]
    if not traits[at.COOL_DOWN] > 0.0 or t > until:
        return t
    return end if until >= end - 1 else int(until) + 1


@inlined
def next_entry(decisions: Address, start: int, end: int, n: int) -> int:
    """First i in [start, end) at whose open an entry was decided, else end."""
    return _next(decisions, start, end, words_of(n), _ENTER_LONG, _ENTER_SHORT)


@inlined
def _next(decisions: Address, start: int, end: int, words: int, one: int, other: int) -> int:
    """First i in [start, end) with a bit in one of two planes, else end. 64 bars a look."""
    if start >= end:
        return end
    planes = words_at(decisions, 4 * words)
    word, last = start >> 6, (end + 63) >> 6
    bits = (planes[one * words + word] | planes[other * words + word]) >> np.uint64(start & 63)
    if bits != np.uint64(0):
        return min(end, start + int(lowest_bit(bits)))
    word += 1
    while word < last:
        bits = planes[one * words + word] | planes[other * words + word]
        if bits != np.uint64(0):
            return min(end, (word << 6) + int(lowest_bit(bits)))
        word += 1
    return end


@inlined
def pass_over(
    account: F64,
    traits: F64,
    market: F64,
    summary: F64,
    following: I64,
    days: I64,
    decisions: Address,
    t: int,
    begin: int,
    end: int,
    daily: F64,
) -> int:
    """Pass over bars at which a held position meets nothing but a new close; return the bar that needs a look.

    Days that end on the way are booked.
    """
    if account[at.LEAVING] > 0.0:
        return t
    until = min(end, following[at.SPECIAL, t])
    expires = account[at.BAR_IN] + traits[at.MAXIMUM_HOLD]
    if expires < until:
        until = int(expires)
    words = words_of(end - begin)
    if account[at.QUANTITY] > 0.0:
        until = begin + _next(decisions, t - begin, until - begin, words, _EXIT_LONG, _ENTER_SHORT)
    else:
        until = begin + _next(decisions, t - begin, until - begin, words, _EXIT_SHORT, _ENTER_LONG)
    if until <= t:
        return t
    trail, before = traits[at.TRAILING], account[at.EXTREME]
    trails = not math.isnan(trail)
    if trails:
        until = _until_touched_trailing(account, market, summary, t, until, trail)
    elif account[at.FLOOR] > 0.0 or account[at.CEILING] < np.inf:
        until = _until_touched(account[at.FLOOR], account[at.CEILING], market, summary, t, until)
    reached = _mark(account, traits, market, summary, t, until)
    if trails and reached < until:  # the account stops itself: the extreme must know no bar after that one
        account[at.EXTREME] = before
        _follow(account, market, t, reached)
    _book(account, market, following, days, t, reached, daily)
    return reached


@inlined
def _until_touched(floor: float, ceiling: float, market: F64, summary: F64, t: int, until: int) -> int:
    """First bar in [t, until) that reaches a level, else until."""
    while t < until:
        if t % at.STRETCH == 0 and t + at.STRETCH <= until:
            s = t // at.STRETCH
            if summary[at.BOTTOM, s] > floor and summary[at.TOP, s] < ceiling:
                t += at.STRETCH
                continue
        if market[at.BELOW, t] <= floor or market[at.ABOVE, t] >= ceiling:
            return t
        t += 1
    return until


@lean_step
def _until_touched_trailing(account: F64, market: F64, summary: F64, t: int, until: int, trail: float) -> int:
    """The same where a level follows the extreme, which is moved along.

    A tick only loosens a trailing level, so the level without rounding is the safe bound.
    """
    extreme, fixed_floor, fixed_ceiling = account[at.EXTREME], account[at.FLOOR], account[at.CEILING]
    long = account[at.QUANTITY] > 0.0
    while t < until:
        whole = t % at.STRETCH == 0 and t + at.STRETCH <= until
        s = t // at.STRETCH
        further = extreme
        floor, ceiling = fixed_floor, fixed_ceiling
        if long:
            further = max(extreme, summary[at.TOP_HIGH, s]) if whole else extreme
            floor = max(floor, further * (1.0 - trail))
        else:
            further = min(extreme, summary[at.BOTTOM_LOW, s]) if whole else extreme
            ceiling = min(ceiling, further * (1.0 + trail))
        if whole and summary[at.BOTTOM, s] > floor and summary[at.TOP, s] < ceiling:
            extreme = further
            t += at.STRETCH
            continue
        if whole:  # the extreme of the whole stretch was too strict a bound: look at its bars
            floor = max(fixed_floor, extreme * (1.0 - trail)) if long else fixed_floor
            ceiling = fixed_ceiling if long else min(fixed_ceiling, extreme * (1.0 + trail))
        if market[at.BELOW, t] <= floor or market[at.ABOVE, t] >= ceiling:
            break
        extreme = max(extreme, market[at.HIGH, t]) if long else min(extreme, market[at.LOW, t])
        t += 1
    account[at.EXTREME] = extreme
    return t


@lean_step
def _follow(account: F64, market: F64, t: int, until: int) -> None:
    """Move the extreme through the bars [t, until)."""
    for u in range(t, until):
        if account[at.QUANTITY] > 0.0:
            account[at.EXTREME] = max(account[at.EXTREME], market[at.HIGH, u])
        else:
            account[at.EXTREME] = min(account[at.EXTREME], market[at.LOW, u])


@inlined
def _mark(account: F64, traits: F64, market: F64, summary: F64, t: int, until: int) -> int:
    """Peak and trough over the closes of [t, until); stops at a bar where the account itself must act."""
    q, cash = account[at.QUANTITY], account[at.CASH]
    danger = max(0.0, 1.0 - traits[at.DRAWDOWN_STOP]) if account[at.DEAD] == at.ALIVE else 0.0
    first, peak, trough = t, account[at.PEAK], account[at.TROUGH]
    while t < until:
        if t % at.STRETCH == 0 and t + at.STRETCH <= until:
            s = t // at.STRETCH
            a, b = cash + q * summary[at.TOP_CLOSE, s], cash + q * summary[at.BOTTOM_CLOSE, s]
            low = min(a, b)
            if max(a, b) < peak and low > peak * danger and low > 0.0:
                trough = min(trough, low)
                t += at.STRETCH
                continue
        equity = cash + q * market[at.CLOSE, t]
        if equity >= peak:
            account[at.TROUGH] = trough
            new_peak(account, equity, t, t)
            peak = trough = equity
        elif equity <= peak * danger or equity <= 0.0:
            break
        else:
            trough = min(trough, equity)
        t += 1
    if t > first:
        account[at.TROUGH] = trough
        account[at.EXPOSED] += t - first
    return t


@inlined
def _book(account: F64, market: F64, following: I64, days: I64, t: int, until: int, daily: F64) -> None:
    """Book the days that end at the bars [t, until), through which a position was held; leaves the equity of the last."""
    if t >= until:
        return
    q, cash = account[at.QUANTITY], account[at.CASH]
    ends = following[at.DAY_END, t]
    while ends < until:
        account[at.EQUITY] = cash + q * market[at.CLOSE, ends]
        end_of_day(account, days[ends], daily)
        ends = following[at.DAY_END, ends + 1]
    account[at.EQUITY] = cash + q * market[at.CLOSE, until - 1]
