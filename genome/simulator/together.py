"""Many accounts on one equity, instant by instant: SEMANTICS.md section 8.

Each asset keeps an account of its own, but there is one cash and one list of trades: they are lent to an account while
something happens to it. Bars of all assets lie end to end in the same arrays, so a bar has one number everywhere.
"""

import math

import numpy as np

from genome.jit import inlined, kernel, lean_step
from genome.market import F64, I64
from genome.programs.pointers import U8
from genome.simulator import layout as at
from genome.simulator.bar import (
    end_of_day,
    entry_side,
    inside,
    leave_as_taker,
    leave_at_open,
    new_peak,
    pay,
    touch_above,
    touch_below,
)
from genome.simulator.correlation import keep_apart
from genome.simulator.fills import enter_with, leave, set_bounds_with
from genome.simulator.ranking import weighted

GROSS, CAP, LEAST, CORRELATED = range(4)
"""Limits: gross exposure, share of equity an asset may have at most, has to want at least; correlation, NaN for none."""

_LEAST_SCORE = 0.1
"""A score must be larger (S4-21.5)."""


@lean_step
def value(account: F64, last: float) -> float:
    """What a position is worth at a price."""
    q = account[at.QUANTITY]
    return float(q * last) if q != 0.0 else 0.0


@kernel
def together(
    bars: I64, accounts: F64, traits: F64, market: F64, flags: U8, decisions: U8, atr: F64, scores: F64, ranked: F64,
    weights: F64, returns: F64, limits: F64, costs: F64, days: I64, whole: F64, daily: F64, trades: F64, owner: I64, equity: F64,
    exposures: F64,
) -> None:  # fmt: skip
    """Walk all assets through all instants.

    bars       int64 (instants + 1, assets): number of the asset's bar at the instant, −1 for none; its last bar at the end
    decisions  uint8 (bars,): what was decided at the close of the bar before
    atr        float64 (bars,): ATR at that close, where stops need it
    scores     float64 (2, bars): share of aligned signals for a long and a short entry; NaN forbids
    ranked     float64 (6, bars): what assets are ranked by, at that close; read where a weight is above 0
    weights    float64 (3,); limits float64 (4,); costs float64 (assets, N_COSTS)
    returns    float64 (bars,): log return to each close; read where correlation is limited
    days       int64 (instants + 1,): index of the day
    daily      float64 (2·D,), see `walk`; the account of all counts no trades
    whole      the account of all: equity, peak, trough, days
    owner      int64: asset of each recorded trade
    equity, exposures   float64 (instants,), (instants, assets): at the close of each
    """
    n = bars.shape[1]
    last = np.zeros(n)
    shares, sides, crowd = np.zeros(n), np.zeros(n), np.zeros(n)
    final = bars.shape[0] - 2
    for i in range(final + 1):
        here = bars[i]
        _pay(here, accounts, market, costs, whole, at.PAID_LONG, at.PAID_SHORT, owner)
        if _close_and_want(here, accounts, traits, market, flags, decisions, atr, scores, ranked, weights, limits, costs, whole,
                           shares, sides, trades, owner):  # fmt: skip
            if not math.isnan(limits[CORRELATED]):
                keep_apart(bars, i, accounts, returns, limits[CORRELATED], sides, shares, crowd)
            _enter(here, accounts, traits, market, atr, limits, costs, whole, last, shares, sides, owner)
        _inside(here, accounts, traits, market, flags, costs, whole, last, trades, owner)
        for a in range(n):
            t = here[a]
            if t < 0:
                continue
            over = i < final and _ended(bars, i, a)
            if accounts[a, at.QUANTITY] != 0.0 and (flags[at.HOLE, t] != 0 or over):
                _lend(whole, accounts[a])
                leave_as_taker(accounts[a], market, t, last[a], at.R_GAP, costs[a], trades)
                _take_back(whole, accounts[a], owner, a)
        _judge(i, here, bars, accounts, traits, whole, last, trades, owner)
        equity[i] = whole[at.EQUITY]
        for a in range(n):
            exposures[i, a] = value(accounts[a], last[a])
        if days[i + 1] != days[i]:
            end_of_day(whole, days[i], daily)


@lean_step
def _ended(bars: I64, i: int, a: int) -> bool:
    """Whether this is the asset's last bar."""
    return bool(bars[i, a] == bars[bars.shape[0] - 1, a])


@inlined
def _lend(whole: F64, account: F64) -> None:
    """Let the account of an asset have the cash and the end of the trade list."""
    account[at.CASH], account[at.RECORDED] = whole[at.CASH], whole[at.RECORDED]


@inlined
def _take_back(whole: F64, account: F64, owner: I64, a: int) -> None:
    """What the account left; a new row in the trade list is this asset's."""
    if account[at.RECORDED] > whole[at.RECORDED]:
        owner[int(whole[at.RECORDED])] = a
    whole[at.CASH], whole[at.RECORDED] = account[at.CASH], account[at.RECORDED]


@lean_step
def _pay(
    here: I64, accounts: F64, market: F64, costs: F64, whole: F64, long_rate: int, short_rate: int, owner: I64
) -> None:
    """Funding of all assets here."""
    for a in range(here.size):
        if here[a] >= 0 and accounts[a, at.QUANTITY] != 0.0:
            _lend(whole, accounts[a])
            pay(accounts[a], here[a], long_rate, short_rate, market, costs[a])
            _take_back(whole, accounts[a], owner, a)


@lean_step
def _close_and_want(
    here: I64, accounts: F64, traits: F64, market: F64, flags: U8, decisions: U8, atr: F64, scores: F64, ranked: F64, weights: F64,
    limits: F64, costs: F64, whole: F64, shares: F64, sides: F64, trades: F64, owner: I64,
) -> bool:  # fmt: skip
    """Every close; then what each asset wants, its side and its share of equity, NaN for none. Whether any does."""
    wanted = False
    for a in range(here.size):
        shares[a], t = math.nan, here[a]
        if t < 0 or flags[at.VOID, t] != 0:
            continue
        decision = int(decisions[t])
        _lend(whole, accounts[a])
        gone = leave_at_open(accounts[a], traits, market, t, decision, costs[a], trades)
        _take_back(whole, accounts[a], owner, a)
        sides[a] = entry_side(accounts[a], traits, t, decision, gone)
        if sides[a] == 0.0 or (not math.isnan(traits[at.STOP_ATR]) and math.isnan(atr[t])):
            continue
        score = weighted(scores[0 if sides[a] > 0.0 else 1, t], ranked, weights, here, a)
        if score > _LEAST_SCORE:
            shares[a] = min(limits[CAP] * score, limits[CAP], traits[at.POSITION_LIMIT])
            wanted = True
    return wanted


@lean_step
def _enter(
    here: I64, accounts: F64, traits: F64, market: F64, atr: F64, limits: F64, costs: F64, whole: F64, last: F64, shares: F64,
    sides: F64, owner: I64,
) -> None:  # fmt: skip
    """All entries whose share is large enough, scaled alike where cash or gross exposure is short."""
    wanted, gross = 0.0, 0.0
    for a in range(here.size):
        if shares[a] > limits[LEAST]:
            wanted += shares[a] * whole[at.EQUITY]
        gross += abs(value(accounts[a], last[a]))
    if not wanted > 0.0:
        return
    room = max(0.0, min(whole[at.CASH], limits[GROSS] * whole[at.EQUITY] - gross))
    factor = min(1.0, room / wanted)
    for a in range(here.size):
        if shares[a] > limits[LEAST]:
            t, outlay = here[a], shares[a] * whole[at.EQUITY] * factor
            _lend(whole, accounts[a])
            enter_with(accounts[a], traits, market, t, sides[a], atr[t], outlay, costs[a])
            _take_back(whole, accounts[a], owner, a)


@lean_step
def _inside(
    here: I64, accounts: F64, traits: F64, market: F64, flags: U8, costs: F64, whole: F64, last: F64, trades: F64, owner: I64
) -> None:  # fmt: skip
    """Funding inside, then liquidation, stop and target of each, all seeing the same cash; then the new closes."""
    _pay(here, accounts, market, costs, whole, at.INSIDE_LONG, at.INSIDE_SHORT, owner)
    total = whole[at.CASH]
    for a in range(here.size):
        total += value(accounts[a], last[a])
    for a in range(here.size):
        if here[a] >= 0 and accounts[a, at.QUANTITY] != 0.0:
            set_bounds_with(accounts[a], total - value(accounts[a], last[a]), costs[a])
    for a in range(here.size):
        t = here[a]
        if t < 0 or flags[at.VOID, t] != 0:
            continue
        account = accounts[a]
        last[a] = market[at.CLOSE, t]
        if account[at.QUANTITY] == 0.0:
            continue
        if market[at.BELOW, t] <= touch_below(account, traits) or market[at.ABOVE, t] >= touch_above(
            account, traits
        ):
            _lend(whole, account)
            inside(account, traits, market, t, costs[a], trades)
            _take_back(whole, account, owner, a)
        if account[at.QUANTITY] > 0.0:
            account[at.EXTREME] = max(account[at.EXTREME], market[at.HIGH, t])
        elif account[at.QUANTITY] < 0.0:
            account[at.EXTREME] = min(account[at.EXTREME], market[at.LOW, t])


@lean_step
def _judge(
    i: int, here: I64, bars: I64, accounts: F64, traits: F64, whole: F64, last: F64, trades: F64, owner: I64
) -> None:
    """Equity of all at the close of an instant; ruin and drawdown are of the whole."""
    n = here.size
    equity = whole[at.CASH]
    held = False
    for a in range(n):
        equity += value(accounts[a], last[a])
    if equity <= 0.0 and whole[at.DEAD] < at.RUINED:
        for a in range(n):
            if accounts[a, at.QUANTITY] != 0.0:
                _lend(whole, accounts[a])
                leave(accounts[a], trades, _newest(bars, i, a), last[a], 0.0, at.R_RUIN)
                _take_back(whole, accounts[a], owner, a)
            accounts[a, at.DEAD], accounts[a, at.LEAVING] = at.RUINED, 0.0
        whole[at.CASH] = 0.0  # nothing is left, and nothing is owed
        whole[at.DEAD] += at.RUINED
    if whole[at.DEAD] >= at.RUINED:
        equity = 0.0
    for a in range(n):
        held = held or accounts[a, at.QUANTITY] != 0.0
    whole[at.EXPOSED] += 1.0 if held else 0.0
    whole[at.EQUITY] = equity
    if equity >= whole[at.PEAK]:
        new_peak(whole, equity, i, i)
    elif equity < whole[at.TROUGH]:
        whole[at.TROUGH] = equity
    if whole[at.DEAD] == at.ALIVE and equity <= (1.0 - traits[at.DRAWDOWN_STOP]) * whole[at.PEAK]:
        whole[at.DEAD] = at.DRAWN_DOWN
        for a in range(n):
            accounts[a, at.DEAD] = at.DRAWN_DOWN
            accounts[a, at.LEAVING] = 1.0 if accounts[a, at.QUANTITY] != 0.0 else 0.0


@lean_step
def _newest(bars: I64, i: int, a: int) -> int:
    """The asset's newest bar."""
    while i > 0 and bars[i, a] < 0:
        i -= 1
    return int(bars[i, a])
