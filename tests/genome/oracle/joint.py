"""One genome over many assets on one equity: SEMANTICS.md, section 8, over the desks of `account`."""

import math
from typing import NamedTuple

import msgspec

from genome.checking import effective
from genome.costs import Costs
from genome.genes import REGIME
from genome.genome import Genome
from genome.market import Market
from genome.trees import Both, Compare, Condition, Cross, Either, Not, Truth
from tests.genome.oracle.account import (
    LONG,
    Desk,
    OracleResult,
    Wallet,
    book_trade,
    close_as_taker,
    close_at_the_open,
    close_before_a_hole,
    close_inside,
    desk,
    enter,
    entry_side,
    fills,
    judge,
    mark_at_the_end,
    move_extreme,
    result,
)
from tests.genome.oracle.evaluate import Levels, levels
from tests.genome.oracle.funding import at_the_open, inside, pay_funding
from tests.genome.oracle.sizes import stop_distance

CAP, LEAST, LEAST_SCORE = 0.15, 0.01, 0.1


class Entry(NamedTuple):
    """An asset that wants in at this instant: its own bar, side and share of the equity."""

    desk: Desk
    t: int
    side: int
    share: float


def run(
    markets: list[Market],
    genome: Genome,
    costs: Costs = Costs(),  # noqa: B008 (frozen)
    capital: float = 10_000.0,
    gross: float = 1.0,
    signals: list[tuple[list[bool], ...]] | None = None,
) -> OracleResult:
    """Simulate; `trades` stand asset after asset. `signals` gives the levels of each market without trees."""
    ready = effective(genome)
    desks = [
        desk(market, ready, costs, None if signals is None else signals[i])
        for i, market in enumerate(markets)
    ]
    spoken = None if signals is not None else [confluence(genome, market) for market in markets]
    w = Wallet(capital, capital, capital)
    instants = sorted({int(open_s) for market in markets for open_s in market.open_s})
    equity, held = [], []
    for instant in instants:
        here = [(i, bar_at(market, instant)) for i, market in enumerate(markets)]
        here = [(i, t) for i, t in here if t is not None]
        open_together(desks, w, here, gross, spoken)
        trade_inside(desks, w, here)
        for i, t in here:
            close_before_a_hole(desks[i], w, t)
            if t + 1 == markets[i].size and instant != instants[-1]:
                leave(desks[i], w, t)
        w.equity = w.cash + sum(value(d) for d in desks)
        judge_all(desks, w, instant)
        equity.append(w.equity)
        held.append(any(d.position for d in desks))
    for d in desks:
        mark_at_the_end(d)
    return result(desks, w, equity, held, [instant // 86_400 for instant in instants], capital)


def bar_at(market: Market, instant: int) -> int | None:
    opens = market.open_s.tolist()
    return opens.index(instant) if instant in opens else None


def value(d: Desk) -> float:
    return d.position.side * d.position.quantity * d.close if d.position else 0.0


def open_together(desks: list[Desk], w: Wallet, here, gross: float, spoken) -> None:
    """Funding, all closes, then all entries."""
    for i, t in here:
        pay_funding(desks[i], w, t, at_the_open(desks[i], t))
    closed = {i: close_at_the_open(desks[i], w, t) for i, t in here if fills(desks[i], t)}
    entries = []
    for i, t in here:
        if not fills(desks[i], t):
            continue
        side = entry_side(desks[i], w, t, closed[i])
        if side and not math.isnan(stop_distance(desks[i], t, otherwise=0.0)):
            entries.append(Entry(desks[i], t, side, share(desks, here, i, t, side, spoken)))
    entries = [entry for entry in entries if entry.share > LEAST]
    wanted = sum(entry.share * w.equity for entry in entries)
    room = min(w.cash, gross * w.equity - sum(abs(value(d)) for d in desks))
    factor = min(1.0, max(0.0, room) / wanted) if wanted > 0 else 0.0
    for entry in entries:
        enter(entry.desk, w, entry.t, entry.side, entry.share * w.equity * factor)


def trade_inside(desks: list[Desk], w: Wallet, here) -> None:
    """Funding inside, then liquidations, stops and targets, all seeing the same cash."""
    for i, t in here:
        pay_funding(desks[i], w, t, inside(desks[i], t))
    together = w.cash + sum(value(d) for d in desks)
    margins = {i: together - value(desks[i]) for i, _ in here}
    for i, t in here:
        d = desks[i]
        if not d.void[t]:
            close_inside(d, w, t, margins[i])
            move_extreme(d, t)
    for i, t in here:
        if not desks[i].void[t]:
            desks[i].close = desks[i].bars["close"][t]


def leave(d: Desk, w: Wallet, t: int) -> None:
    """The asset ends before the others do."""
    if d.position:
        close_as_taker(d, w, t, d.close, "gap")


def judge_all(desks: list[Desk], w: Wallet, instant: int) -> None:
    """Ruin and drawdown of the whole; a ruined position ends on its asset's newest bar."""
    newest = [
        max((t for t, s in enumerate(d.market.open_s.tolist()) if s <= instant), default=0) for d in desks
    ]
    for d, t in zip(desks, newest, strict=True):
        judge_one(d, w, t)
    judge(w, desks, 0)


def judge_one(d: Desk, w: Wallet, t: int) -> None:
    if d.position and w.equity <= 0:
        book_trade(d, w, t, d.close, 0.0, "ruin")


# Scores


def share(desks: list[Desk], here, i: int, t: int, side: int, spoken) -> float:
    """w of an asset: its score, never more than 15 % nor the position limit."""
    g = desks[i].genes
    s = 1.0
    if "confluence_minimum" in g and spoken is not None:
        aligned = [row[t - 1] is True for row in spoken[i][side]]
        if sum(aligned) < g["confluence_minimum"]:
            return 0.0
        s = sum(aligned) / len(aligned)
    weights = [g.get(name, 0.0) for name in ("liquidity_weight", "volatility_weight", "momentum_weight")]
    rows = [
        {j: desks[j].liquidity[u - 1] if u else math.nan for j, u in here},
        {j: -desks[j].sigma[u - 1] if u else math.nan for j, u in here},
        {j: momentum(desks[j], u - 1) for j, u in here},
    ]
    s *= (1 + sum(weight * rank(row, i) for weight, row in zip(weights, rows, strict=True))) / (
        1 + sum(weights)
    )
    if s <= LEAST_SCORE:
        return 0.0
    return min(CAP * s, CAP, g.get("position_limit", math.inf))


def rank(row: dict[int, float], i: int) -> float:
    """Share of the others that are lower, ties half; alone 0.5, unknown 0."""
    if math.isnan(row[i]):
        return 0.0
    others = [x for j, x in row.items() if j != i and not math.isnan(x)]
    if not others:
        return 0.5
    return (sum(x < row[i] for x in others) + sum(x == row[i] for x in others) / 2) / len(others)


def momentum(d: Desk, t: int) -> float:
    """close / close 20 known bars ago − 1."""
    known = [u for u in range(t + 1) if not d.void[u]]
    if t < 0 or d.void[t] or len(known) < 21:
        return math.nan
    return d.bars["close"][t] / d.bars["close"][known[-21]] - 1


def confluence(genome: Genome, market: Market) -> dict[int, list[Levels]]:
    """Three-valued worth of each signal written in the entry conditions, by side."""
    written = effective(
        msgspec.structs.replace(genome, genes=tuple(pair for pair in genome.genes if pair[0] not in REGIME))
    )
    sides = {LONG: written.entry_long, -LONG: written.entry_short}
    return {side: [levels(leaf, market) for leaf in leaves(tree)] for side, tree in sides.items() if tree}


def leaves(tree: Condition) -> list[Condition]:
    match tree:
        case Both(left, right) | Either(left, right):
            return leaves(left) + leaves(right)
        case Not(operand):
            return [leaf.operand if isinstance(leaf, Not) else Not(leaf) for leaf in leaves(operand)]
        case Truth():
            return []
        case Compare() | Cross():
            return [tree]
    raise AssertionError(tree)
