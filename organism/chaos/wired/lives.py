"""Whole lives on a bad line, by seed: everything may befall anything, and in the end our books are the venue's."""

import random
from decimal import Decimal
from pathlib import Path

from organism.chaos.outcome import Outcome
from organism.chaos.strikes import (
    Delay,
    Drip,
    Drop,
    Duplicate,
    HalfOpen,
    Reorder,
    Reset,
    Rewrite,
    Seeded,
    Strike,
    Truncate,
    Way,
)
from organism.chaos.wired.line import HTML, answers, asks, content, unsure
from organism.chaos.wired.trader import DEADLINE_S, PRICE, SYMBOL, Trader, trading
from organism.chaos.wired.trial import WINDOW_S
from organism.effects import VenueAdvance, VenueCancel, VenueQuery, VenueReport, VenueSubmit
from organism.market import NS_PER_S
from organism.messages import CancelAnswered, QueryAnswered, ReportAnswered, SubmitAnswered, VenueAdvanced
from organism.trading import OrderKind, Side

_SUBMITTED, _CANCELLED = answers(SubmitAnswered), answers(CancelAnswered)
_LOOKED = answers(QueryAnswered, ReportAnswered)
STRIKES = (
    Strike("C1", Way.DOWN, Reset(), _SUBMITTED),
    Strike("C1", Way.DOWN, Truncate(7), _SUBMITTED),
    Strike("C1", Way.DOWN, Drop(), _SUBMITTED),
    Strike("C2", Way.UP, Delay(DEADLINE_S, DEADLINE_S), asks(VenueSubmit)),
    Strike("C3", Way.UP, Reset(), asks(VenueSubmit)),
    Strike("C3", Way.UP, Truncate(9), asks(VenueSubmit)),
    Strike("C4", Way.DOWN, Rewrite(unsure("-1007")), _SUBMITTED),
    Strike("C6", Way.DOWN, Rewrite(content(HTML)), answers(SubmitAnswered, CancelAnswered, VenueAdvanced)),
    Strike("C7", Way.DOWN, Drip(DEADLINE_S / 4), _SUBMITTED),
    Strike("C12", Way.UP, Reset(), asks(VenueQuery, VenueReport)),
    Strike("C12", Way.DOWN, Reset(), _LOOKED),
    Strike("C12", Way.DOWN, HalfOpen(), _LOOKED),
    Strike("C15", Way.UP, Duplicate(), asks(VenueSubmit)),
    Strike("C16", Way.UP, Reset(), asks(VenueCancel)),
    Strike("C16", Way.DOWN, Reset(), _CANCELLED),
    Strike("C16", Way.DOWN, Duplicate(), answers(CancelAnswered, VenueAdvanced)),
    Strike("instant", Way.UP, Reset(), asks(VenueAdvance)),
    Strike("instant", Way.DOWN, Reset(), answers(VenueAdvanced)),
    Strike("instant", Way.UP, Duplicate(), asks(VenueAdvance)),
    Strike("instant", Way.DOWN, Reorder(), answers(VenueAdvanced)),
)
SHARE = 0.3
N_TURNS = 40


def life(folder: Path, seed: int) -> list[Outcome]:
    """One life; a row for every fault that happened in it. A loss stands in each: nobody can tell which one it was."""
    chance = random.Random(f"life-{seed}")
    with trading(folder, share=chance.choice((0.1, 1.0))) as trader:
        strikes = Seeded(seed, STRIKES, SHARE)
        trader.proxy.decide = strikes
        for _ in range(N_TURNS):
            _turn(trader, chance)
        strikes.stop()
        trader.calm(8)
        losses, seen = trader.losses(), dict(trader.proxy.seen)
    return [
        Outcome(name, "unit", n, n, losses, seeds=(seed,))
        for name, n in sorted(seen.items())
        if name[0] in "CD"
    ]


def _turn(trader: Trader, chance: random.Random) -> None:
    """Something happens, and some time passes."""
    live = [t.order.id for t in trader.motor.orders.values() if not t.status.is_terminal]
    held = trader.motor.positions.get(SYMBOL, Decimal(0))
    limit = {"kind": OrderKind.LIMIT, "limit_price": PRICE - 1}
    given = chance.choice(({}, limit))
    match chance.choice(("enter", "enter", "leave", "cancel", "bar", "bar")):
        case "leave" if held:
            trader.propose(held, side=Side.SELL, reduce_only=True, **given)
        case "cancel" if live:
            trader.cancel(chance.choice(live))
        case "bar":
            trader.bar(volume=chance.choice((10.0, 1_000.0)))
        case _:
            trader.propose(chance.choice(("0.5", "1", "3")), **given)
    trader.wait(chance.choice((0.1, 0.5, 2.0 * WINDOW_S)), NS_PER_S // 10)
