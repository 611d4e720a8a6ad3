"""C23 to C25: whoever decides is broken, and the gate is the last to notice; the venue's book says what got through."""

import itertools
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from organism.chaos.wired.trader import PRICE, Trader, trading
from organism.chaos.wired.trial import Scenario, Trial
from organism.market import NS_PER_S
from organism.messages import DenialReason, OrderApproved
from organism.settings import RiskSettings
from organism.trading import OrderKind, Side

NO_NUMBERS = ("NaN", "-NaN", "sNaN", "Infinity", "-Infinity", "0", "-1", "-1e308", "1e-30")
NUMBERS = ("1", "100")
NAMES = ("quantity", "reference_price", "limit_price", "stop_price")
N_MIXED = 200
N_STORM = 10_000
_HUGE = "1e308"
_R = DenialReason


def nonsense(seed: int) -> Scenario:
    """C23: every number of an order, each in turn what no number of an order can be; and all at once, by seed."""

    def scenario(folder: Path) -> Trial:
        trial = Trial("C23")
        chance = random.Random(f"nonsense-{seed}")
        with trading(folder) as trader:
            for field, text in itertools.product(NAMES, NO_NUMBERS):
                _refused(trader, trial, {field: Decimal(text)}, OrderKind.LIMIT)
            for _ in range(N_MIXED):
                texts = {name: chance.choice((*NO_NUMBERS, *NUMBERS)) for name in NAMES}
                texts[chance.choice(NAMES)] = chance.choice(NO_NUMBERS)
                wrong = {name: Decimal(text) for name, text in texts.items()}
                _refused(trader, trial, wrong, chance.choice(tuple(OrderKind)))
            _cut(trader, trial, _HUGE)
            trial.promise(trader.alarmed("nobody can have meant") == 1, "C23: not reported once a minute")
            trader.calm()
            trial.losses = trader.losses()
        return trial

    return scenario


def _refused(trader: Trader, trial: Trial, wrong: dict[str, Any], kind: OrderKind) -> None:
    before = trader.exchange.n_orders
    given = {"limit_price": PRICE, "stop_price": PRICE, **wrong}
    denied = trader.denied(trader.propose(given.pop("quantity", Decimal(1)), kind=kind, **given))
    trial.seen += 1
    trial.promise(denied is not None and trader.exchange.n_orders == before, f"C23: {wrong} passed the gate")


def _cut(trader: Trader, trial: Trial, quantity: str) -> None:
    """More than there is room for is cut to what there is, or refused."""
    order_id = trader.propose(quantity)
    trial.seen += 1
    for approved in trader.of(OrderApproved):
        order = approved.approved.order
        if order.id == order_id:
            most = Decimal(repr(RiskSettings().max_order_notional))
            trial.promise(
                order.quantity * PRICE <= most, f"{trial.fault}: {order.quantity} of {quantity} passed"
            )


def fat_finger(folder: Path) -> Trial:
    """C24: a hundred times the size is cut to the limits; 20 % off the market is refused, whichever price is wrong."""
    trial = Trial("C24")
    with trading(folder) as trader:
        _cut(trader, trial, "3000")
        trader.bar()
        for factor, side in itertools.product(("1.2", "0.8"), Side):
            far = PRICE * Decimal(factor)
            for wrong in ({"reference_price": far}, {"kind": OrderKind.LIMIT, "limit_price": far}):
                denied = trader.denied(trader.propose("1", side=side, **wrong))
                trial.seen += 1
                trial.promise(
                    denied is not None and denied.reason is _R.PRICE_BAND, f"C24: {wrong} passed the band"
                )
        trial.promise(trader.alarmed("far off the market") == 1, "C24: not reported once a minute")
        trial.promise(len(trader.submitted) == 1, "C24: more than the cut order left")
        trader.calm()
        trial.losses = trader.losses()
    return trial


def storm(folder: Path) -> Trial:
    """C25: ten thousand orders within a second; a minute's worth passes, a person hears of it, and then it is over."""
    trial = Trial("C25")
    with trading(folder) as trader:
        most = RiskSettings().max_orders_per_minute
        for _ in range(N_STORM):
            trader.propose("0.06")
            trader.driver.advance_mono(NS_PER_S // N_STORM)
        trial.seen = len(trader.wanted)
        trial.promise(len(trader.of(OrderApproved)) == most, f"C25: {len(trader.of(OrderApproved))} passed")
        trial.promise(trader.exchange.n_orders == most, f"C25: {trader.exchange.n_orders} reached the venue")
        trial.promise(trader.alarmed("Too many orders") == 1, "C25: not reported once a minute")
        trader.bar()
        trader.wait(61.0, NS_PER_S)
        trader.mark(trader.driver.spine.market_ns)
        trial.promise(trader.denied(trader.propose("0.06")) is None, "C25: still refused a minute later")
        trader.calm()
        trial.losses = trader.losses()
    return trial


def scenarios(seed: int) -> Iterator[tuple[str, Scenario]]:
    """Every one, by the id of its fault."""
    yield "C23", nonsense(seed)
    yield "C24", fat_finger
    yield "C25", storm
