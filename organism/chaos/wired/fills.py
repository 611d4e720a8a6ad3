"""C16 to C19: fills while an order is being cancelled, after it has ended, beyond it, and without any order."""

import itertools
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from organism.chaos.strikes import Reset
from organism.chaos.wired.trader import PRICE, SYMBOL, trading
from organism.chaos.wired.trial import S, Scenario, Trial, but_for, down
from organism.messages import CancelAnswered, SubmitAnswered, TradingStateChanged, VenueAdvanced
from organism.trading import Side, TradingState

EXTRA = Decimal(2)  # what an unruly venue executes on top


def partial_and_cancel() -> Iterator[Scenario]:
    """C16: two partial fills and a cancel in every order, with each of the answers lost in turn."""
    losing = (None, SubmitAnswered, VenueAdvanced, CancelAnswered)
    for order in sorted(set(itertools.permutations(("bar", "bar", "cancel")))):
        for kind in losing:
            yield _partial(order, kind)


def _partial(order: tuple[str, ...], losing: type | None) -> Scenario:
    def scenario(folder: Path) -> Trial:
        trial = Trial("C16")
        with trading(folder, share=0.1) as trader:
            if losing is not None:
                trader.armed.arm(down("lost", Reset(), losing))
            order_id = trader.propose("3")
            for event in order:
                if event == "bar":
                    trader.bar(volume=10.0)  # of which an order may have one unit
                else:
                    trader.cancel(order_id)
            trader.wait(3.0)
            trader.calm()
            tracked = trader.order(order_id)
            trial.seen = int(losing is None or trader.proxy.seen["lost"] > 0)
            trial.promise(tracked.status.is_terminal, f"C16 {order}: never ended")
            booked = trader.exchange.told(tracked.client_order_id)
            there = booked.filled if booked is not None else Decimal(0)
            trial.promise(
                tracked.filled == there, f"C16 {order}: {tracked.filled} here, {there} at the venue"
            )
            trial.losses = trader.losses()
        return trial

    return scenario


def fill_after_cancel(folder: Path) -> Trial:
    """C17: the cancel is accepted, the order has ended, and then the venue fills it all the same."""
    trial = Trial("C17")
    with trading(folder) as trader:
        order_id = trader.propose("3")
        trader.cancel(order_id)
        trader.wait(2.0)
        trial.promise(trader.order(order_id).status is S.CANCELED, "C17: not cancelled")
        client = trader.order(order_id).client_order_id
        trader.exchange.force(client, Side.BUY, SYMBOL, EXTRA, PRICE)
        trader.bar()
        trial.seen = int(trader.exchange.positions[SYMBOL] == EXTRA)
        trader.calm()
        trial.promise(trader.alarmed("had ended") == 1, "C17: no alarm, or more than one")
        trial.promise(trader.motor.positions.get(SYMBOL) == EXTRA, "C17: the fill was not booked")
        trial.losses = but_for(trader.losses(), trader, {"I2", "I6", "I7"})
    return trial


def beyond(fault_is_foreign: bool) -> Scenario:  # noqa: FBT001
    """C19: more is filled than was ordered, or something is that nobody ordered: booked, alarmed, halted."""

    def scenario(folder: Path) -> Trial:
        trial = Trial("C19")
        with trading(folder) as trader:
            order_id = trader.propose("1")
            trader.bar()
            trader.wait(1.0)
            client = "nobody-1" if fault_is_foreign else trader.order(order_id).client_order_id
            trader.exchange.force(client, Side.BUY, SYMBOL, EXTRA, PRICE)
            trader.bar()
            trial.seen = int(trader.exchange.positions[SYMBOL] == 1 + EXTRA)
            words = "did not order" if fault_is_foreign else "beyond its quantity"
            trial.promise(trader.alarmed(words) == 1, f"C19: no alarm that says {words!r}, or more than one")
            trial.promise(trader.motor.positions.get(SYMBOL) == 1 + EXTRA, "C19: the fill was not booked")
            halted = [c for c in trader.of(TradingStateChanged) if c.after.state is TradingState.HALTED]
            trial.promise(len(halted) == 1, "C19: trading did not halt, or more than once")
            trader.mark(trader.driver.spine.market_ns)
            trial.promise(trader.denied(trader.propose("1")) is not None, "C19: an entry passed the halt")
            exit_id = trader.propose("3", side=Side.SELL, reduce_only=True)
            trader.bar()
            trader.calm()
            trial.promise(trader.order(exit_id).status is S.FILLED, "C19: a reduction did not stay possible")
            trial.losses = but_for(
                trader.losses(forced=frozenset({client})), trader, {"I2", "I3", "I6", "I7"}
            )
        return trial

    return scenario


def scenarios() -> Iterator[tuple[str, Scenario]]:
    """Every one, by the id of its fault."""
    for scenario in partial_and_cancel():
        yield "C16", scenario
    yield "C17", fill_after_cancel
    for foreign in (False, True):
        yield "C19", beyond(foreign)
