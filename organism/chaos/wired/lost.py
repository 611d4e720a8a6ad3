"""C1 to C7: what the venue said is lost or worth nothing, what it was asked is lost or late."""

import time
from collections.abc import Iterator
from pathlib import Path

from organism.chaos.strikes import Behaviour, Delay, Drip, Drop, HalfOpen, Reset, Rewrite, Truncate
from organism.chaos.wired.line import HTML, accepted, content, instead, nameless, raw, unsure
from organism.chaos.wired.trader import DEADLINE_S, trading
from organism.chaos.wired.trial import WINDOW_S, S, Scenario, Trial, down, seconds_until, up, waited
from organism.effects import VenueSubmit
from organism.messages import SubmitAnswered

TWO_ATTEMPTS = 2


def answer_lost(fault: str, behaviour: Behaviour) -> Scenario:
    """C1, C4 to C7: the venue has the order, and what it said of it is worth nothing."""

    def scenario(folder: Path) -> Trial:
        trial = Trial(fault)
        with trading(folder) as trader:
            trader.armed.arm(down(fault, behaviour, SubmitAnswered, where=accepted))
            began = time.monotonic()
            order_id = trader.propose("3")
            took_s = time.monotonic() - began
            trial.promise(S.UNKNOWN in trader.statuses(order_id), f"{fault}: was never in doubt")
            trial.promise(took_s < DEADLINE_S + 1.0, f"{fault}: one request took {took_s:.2f} s")
            trial.recovery_s = (seconds_until(trader, order_id),)
            trader.bar()
            trader.calm()
            trial.seen = int(trader.proxy.wait_seen(fault))
            trial.promise(trader.order(order_id).status is S.FILLED, f"{fault}: not adopted and filled")
            trial.promise(len(trader.submitted[order_id]) == 1, f"{fault}: sent again although it was there")
            trial.promise(trial.recovery_s[0] < WINDOW_S + 20.0, f"{fault}: resolved too late")
            trial.losses = trader.losses()
        return trial

    return scenario


def request_lost(behaviour: Behaviour) -> Scenario:
    """C3: nothing arrived; one more attempt, after the window, and one only."""

    def scenario(folder: Path) -> Trial:
        trial = Trial("C3")
        with trading(folder) as trader:
            trader.armed.arm(up("C3", behaviour, VenueSubmit))
            order_id = trader.propose("3")
            trial.promise(trader.statuses(order_id)[-1] is S.UNKNOWN, "C3: not in doubt")
            trader.wait(WINDOW_S - 0.1)
            trial.promise(len(trader.submitted[order_id]) == 1, "C3: sent again within the window")
            trial.recovery_s = (seconds_until(trader, order_id) + WINDOW_S - 0.1,)
            trader.bar()
            trader.calm()
            trial.seen = trader.proxy.seen["C3"]
            trial.promise(len(trader.submitted[order_id]) == TWO_ATTEMPTS, "C3: not sent again once")
            trial.promise(trader.order(order_id).status is S.FILLED, "C3: not filled")
            trial.losses = trader.losses()
        return trial

    return scenario


def late_request(*, within: bool) -> Scenario:
    """C2: the request arrives when its sender has given up, within its window or after it."""

    def scenario(folder: Path) -> Trial:
        trial = Trial("C2")
        with trading(folder) as trader:
            trader.armed.arm(up("C2", Delay(DEADLINE_S + 0.1), VenueSubmit))
            order_id = trader.propose("3")
            trial.promise(trader.statuses(order_id)[-1] is S.UNKNOWN, "C2: not in doubt")
            if not within:
                trader.wait(WINDOW_S)
            arrived = trader.proxy.wait_seen("C2") and waited(lambda: trader.exchange.n_orders == 1)
            trial.seen = int(arrived)
            trial.recovery_s = (seconds_until(trader, order_id),)
            trader.bar()
            trader.calm()
            want = S.FILLED if within else S.REJECTED
            trial.promise(
                trader.order(order_id).status is want, f"C2: ended {trader.order(order_id).status.value}"
            )
            trial.losses = trader.losses()
        return trial

    return scenario


def scenarios() -> Iterator[tuple[str, Scenario]]:
    """Every one, by the id of its fault."""
    lost: tuple[Behaviour, ...] = (Drop(), Reset(), HalfOpen(), Truncate(5), Delay(2 * DEADLINE_S))
    for behaviour in lost:
        yield "C1", answer_lost("C1", behaviour)
    for within in (True, False):
        yield "C2", late_request(within=within)
    for behaviour in (Drop(), Reset(), HalfOpen(), Truncate(5)):
        yield "C3", request_lost(behaviour)
    for word in ("HTTP 503: unknown", "HTTP 504", "-1000", "-1001", "-1006", "-1007"):
        yield "C4", answer_lost("C4", Rewrite(unsure(word)))
    yield "C5", answer_lost("C5", Rewrite(raw(HTML)))
    for data in (b"", HTML, b'{"orderId": 7', b"\xc1\xff\x00", b"\x93\x01\x02"):
        yield "C6", answer_lost("C6", Rewrite(content(data)))
    yield "C6", answer_lost("C6", Rewrite(instead(nameless)))
    yield "C7", answer_lost("C7", Drip(DEADLINE_S / 6))
