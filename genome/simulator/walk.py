"""One account through a block of bars. Everything that simulates calls this.

The account walks from event to event and passes over what provably changes nothing; a test holds the walk with and
without passing over equal.
"""

import numpy as np
from numpy.typing import NDArray

from genome.jit import inlined, lean
from genome.market import F64, I64
from genome.programs.pointers import Address
from genome.simulator import layout as at
from genome.simulator.bar import (
    close_bar,
    end_of_day,
    fill_open,
    inside,
    leave_as_taker,
    pay,
    touch_above,
    touch_below,
)
from genome.simulator.skipping import decision_at, next_entry, pass_over, rest, rested

Flags = NDArray[np.uint8]


@inlined
def _take(
    account: F64,
    traits: F64,
    market: F64,
    flags: Flags,
    t: int,
    decision: int,
    atr: float,
    sigma: float,
    costs: F64,
    trades: F64,
) -> None:
    """One bar, all of it: funding, the open, the inside, the close."""
    quiet = flags[at.QUIET, t] != 0
    void = not quiet and flags[at.VOID, t] != 0
    if not quiet:
        pay(account, t, at.PAID_LONG, at.PAID_SHORT, market, costs)
    if not void:
        fill_open(account, traits, market, t, decision, atr, sigma, costs, trades)
    if not quiet:
        pay(account, t, at.INSIDE_LONG, at.INSIDE_SHORT, market, costs)
    if (
        account[at.QUANTITY] != 0.0
        and not void
        and (
            market[at.BELOW, t] <= touch_below(account, traits)
            or market[at.ABOVE, t] >= touch_above(account, traits)
        )
    ):
        inside(account, traits, market, t, costs, trades)
    if not quiet and account[at.QUANTITY] != 0.0 and flags[at.HOLE, t] != 0:
        leave_as_taker(account, market, t, market[at.CLOSE, t], at.R_GAP, costs, trades)
    close_bar(account, traits, market, void, t, trades)


@lean
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

    decisions   address of uint64, four planes: bit i is what was decided at the close of bar begin + i − 1
    atr, sigma  float64 (end − begin,) or empty: indicator at each close, where the genome needs it
    following   int64 (2, T + 1): the bar at or after each that is void, pays funding or ends a stretch of data, and the
                one that ends a day
    days        int64 (T + 1,): index of each bar's day; the last element is the number of days
    daily       float64 (2·D,) receives a day's return, and after the D returns the trades closed until its end; a day that
                was passed over has 0 in both
    equity, held   empty, or (T,) to receive equity and side at each close (then nothing is skipped)
    """
    slow = equity.shape[0] > 0
    t = begin
    while t < end:
        if slow:
            pass
        elif account[at.QUANTITY] == 0.0:
            until = end
            if account[at.DEAD] == at.ALIVE:
                first = rested(account, traits, t, end)
                until = begin + next_entry(decisions, first - begin, end - begin, end - begin)
            if until > t:
                rest(account, days, t, until, daily)
                t = until
        else:
            t = pass_over(account, traits, market, summary, following, days, decisions, t, begin, end, daily)
        if t >= end:
            break
        i = t - begin
        a = atr[i - 1] if i > 0 and atr.shape[0] > 0 else account[at.ATR_BEFORE]
        s = sigma[i - 1] if i > 0 and sigma.shape[0] > 0 else account[at.SIGMA_BEFORE]
        _take(account, traits, market, flags, t, decision_at(decisions, i, end - begin), a, s, costs, trades)
        if days[t + 1] != days[t]:
            end_of_day(account, days[t], daily)
        if slow:
            equity[t] = account[at.EQUITY]
            held[t] = np.sign(account[at.QUANTITY])
        t += 1
    if atr.shape[0] > 0:
        account[at.ATR_BEFORE] = atr[end - begin - 1]
    if sigma.shape[0] > 0:
        account[at.SIGMA_BEFORE] = sigma[end - begin - 1]
