"""One genome over many assets on one equity: SEMANTICS.md, section 8, over the desks of `account`."""

import math
from typing import NamedTuple

from genome.checking import effective
from genome.costs import Costs
from genome.genome import Genome
from genome.market import Market
from tests.genome.oracle.account import (
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
from tests.genome.oracle.correlation import correlation, log_returns, move_together
from tests.genome.oracle.figures import Trade
from tests.genome.oracle.funding import at_the_open, inside, pay_funding
from tests.genome.oracle.scores import confluence, score
from tests.genome.oracle.sizes import FIXED, stop_distance

CAP, LEAST = 0.15, 0.01


class Entry(NamedTuple):
    """An asset that wants in at this instant: its own bar, side and score."""

    i: int
    t: int
    side: int
    score: float


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
        desk(market, ready, costs, None if signals is None else signals[i], markets)
        for i, market in enumerate(markets)
    ]
    spoken = None if signals is not None else [confluence(genome, market, markets) for market in markets]
    returns = [log_returns(market) for market in markets]
    w = Wallet(capital, capital, capital)
    instants = sorted({int(open_s) for market in markets for open_s in market.open_s})
    equity, held = [], []
    for n, instant in enumerate(instants):
        here = [(i, bar_at(market, instant)) for i, market in enumerate(markets)]
        here = [(i, t) for i, t in here if t is not None]
        closed = close_together(desks, w, here)
        alike = likeness(desks, returns, instants[:n])
        entries = wanting(desks, w, here, closed, spoken, alike)
        enter_together(desks, w, entries, gross, alike)
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
    outcome = result(desks, w, equity, held, [instant // 86_400 for instant in instants], capital)
    unused = {"size_rule_unused"} if desks[0].genes.get("sizing", FIXED) != FIXED else set()
    return outcome._replace(flags=outcome.flags | unused)


def bar_at(market: Market, instant: int) -> int | None:
    opens = market.open_s.tolist()
    return opens.index(instant) if instant in opens else None


def value(d: Desk) -> float:
    return d.position.side * d.position.quantity * d.close if d.position else 0.0


def close_together(desks: list[Desk], w: Wallet, here) -> dict[int, Trade | None]:
    """Funding at the open, then all closes: what each asset closed, of those that trade at this instant."""
    for i, t in here:
        pay_funding(desks[i], w, t, at_the_open(desks[i], t))
    return {i: close_at_the_open(desks[i], w, t) for i, t in here if fills(desks[i], t)}


def wanting(desks: list[Desk], w: Wallet, here, closed, spoken, alike) -> list[Entry]:
    """Assets that would enter: wanted, stop known, score enough, and none held moves together with them."""
    entries = []
    for i, t in here:
        side = entry_side(desks[i], w, t, closed[i]) if i in closed else 0
        if not side or math.isnan(stop_distance(desks[i], t, otherwise=0.0)):
            continue
        s = score(desks, here, i, t, side, spoken)
        held = [j for j, d in enumerate(desks) if d.position]
        if s > 0 and not any(alike(i, side, j, desks[j].position.side) for j in held):
            entries.append(Entry(i, t, side, s))
    return entries


def enter_together(desks: list[Desk], w: Wallet, entries: list[Entry], gross: float, alike) -> None:
    """Each its share, divided among those that move together; all scaled by one factor where they do not fit."""
    shares = [share(desks, entry, entries, alike) for entry in entries]
    wanted = sum(x * w.equity for x in shares if x > LEAST)
    room = min(w.cash, gross * w.equity - sum(abs(value(d)) for d in desks))
    factor = min(1.0, max(0.0, room) / wanted) if wanted > 0 else 0.0
    for entry, x in zip(entries, shares, strict=True):
        if x > LEAST:
            enter(desks[entry.i], w, entry.t, entry.side, x * w.equity * factor)


def share(desks: list[Desk], entry: Entry, entries: list[Entry], alike) -> float:
    """w of an asset: by its score, never more than 15 % nor the position limit, divided among 1 + k."""
    w = min(CAP * entry.score, CAP, desks[entry.i].genes.get("position_limit", math.inf))
    k = sum(alike(entry.i, entry.side, other.i, other.side) for other in entries if other.i != entry.i)
    return w / (1 + k)


def likeness(desks: list[Desk], returns: list[dict[int, float]], before: list[int]):
    """Whether two assets on their sides move together at this instant; never without the gene."""
    limit = desks[0].genes.get("correlation_limit")

    def alike(i: int, side: int, j: int, other_side: int) -> bool:
        if limit is None:
            return False
        return move_together(correlation(returns[i], returns[j], before), side, other_side, limit)

    return alike


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
