"""C10 to C15: what the venue refuses, what it cannot be asked, what it says too late, leaves out, or hears twice."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec

from organism.chaos.strikes import Behaviour, Drop, Duplicate, HalfOpen, Reset, Rewrite, Truncate
from organism.chaos.wired.line import Reply, accepted, instead
from organism.chaos.wired.trader import trading
from organism.chaos.wired.trial import S, Scenario, Trial, down, seconds_until, up
from organism.effects import VenueQuery, VenueReport, VenueSubmit
from organism.market import NS_PER_S
from organism.messages import (
    Answer,
    CancelAnswered,
    QueryAnswered,
    ReportAnswered,
    SubmitAnswered,
    VenueAdvanced,
)

N_FAILED_QUERIES = 100
TWO_ATTEMPTS = 2


def mapped(folder: Path) -> Trial:
    """C10: "insufficient balance", "no such order to cancel" and "order does not exist" each mean what they say."""
    trial = Trial("C10")
    with trading(folder) as trader:
        for kind in (SubmitAnswered, CancelAnswered):
            trader.armed.arm(down("C10", Rewrite(bytes), kind, where=refused))  # passes, and is counted
        trader.exchange.cash = Decimal(10)
        poor = trader.propose("3")
        trader.wait(5.0)
        trial.promise(trader.order(poor).status is S.REJECTED, "C10: a refusal did not end the order")
        trial.promise(len(trader.submitted[poor]) == 1, "C10: a refused order was sent again")
        trader.exchange.cash = Decimal(10_000)
        filled = trader.propose("3")
        trader.armed.arm(down("lost", Reset(), VenueAdvanced))
        trader.armed.arm(up("lost", Reset(), VenueQuery))
        trader.bar()  # it filled there, and nobody here knows
        trader.cancel(filled)
        trial.promise(not trader.order(filled).status.is_terminal, "C10: a refused cancel ended the order")
        trader.calm()
        trial.seen = int(trader.proxy.wait_seen("C10", 2))
        trial.promise(
            trader.order(filled).status is S.FILLED, "C10: the fill behind the refusal was not found"
        )
        trial.promise(len(trader.submitted) == len((poor, filled)), "C10: an order by reflex")
        trial.losses = trader.losses()
    return trial


def queries_fail(folder: Path) -> Trial:
    """C12: an answer is lost, then a hundred questions and every report fail, in four ways. The doubt stays."""
    trial = Trial("C12")
    with trading(folder) as trader:
        trader.armed.arm(down("lost", Reset(), SubmitAnswered, where=accepted))
        trader.armed.arm(up("report", Reset(), VenueReport), times=None)
        ways: tuple[Behaviour, ...] = (Reset(), Drop(), HalfOpen(), Truncate(3))
        for behaviour in 2 * ways:
            trader.armed.arm(up("C12", behaviour, VenueQuery))
        trader.armed.arm(up("C12", Reset(), VenueQuery), times=None)
        order_id = trader.propose("3")
        began_ns = trader.driver.mono_ns
        while trader.proxy.seen["C12"] < N_FAILED_QUERIES:
            trader.wait(8.0, NS_PER_S)
            if (
                trader.order(order_id).status is not S.UNKNOWN
                or trader.driver.mono_ns - began_ns > 3_600 * NS_PER_S
            ):
                break
        trial.seen = int(trader.proxy.seen["C12"] >= N_FAILED_QUERIES)
        trial.promise(
            trader.order(order_id).status is S.UNKNOWN, "C12: failed questions were taken for an answer"
        )
        trial.promise(len(trader.submitted[order_id]) == 1, "C12: sent again")
        trader.mark(trader.driver.spine.market_ns)
        entry = trader.propose("1")
        trial.promise(
            trader.denied(entry) is not None, "C12: an entry passed while an order was in doubt for minutes"
        )
        trader.armed.disarm()
        trial.recovery_s = (seconds_until(trader, order_id),)
        trader.calm()
        trial.promise(
            trader.order(order_id).status is S.FILLED, "C12: not found when the line was good again"
        )
        trial.losses = trader.losses()
    return trial


def stale_absence(folder: Path) -> Trial:
    """C13: "no such order" about the first attempt comes when the second one has left."""
    trial = Trial("C13")
    with trading(folder) as trader:
        trader.armed.arm(up("lost", Reset(), VenueSubmit))
        order_id = trader.propose("3")
        seconds_until(trader, order_id)
        first, *again = trader.submitted[order_id]
        trial.promise(len(again) == 1, "C13: no second attempt")
        cached = QueryAnswered(client_order_id=first, asked_mono_ns=trader.driver.mono_ns, answered=True)
        trader.armed.arm(down("doubt", Drop(), VenueAdvanced))
        trader.armed.arm(down("C13", Rewrite(instead(lambda _reply: cached)), QueryAnswered), times=6)
        trader.cancel(order_id)  # makes it ask, again and again
        trader.wait(20.0)
        trial.seen = trader.proxy.seen["C13"]
        trial.promise(
            len(trader.submitted[order_id]) == TWO_ATTEMPTS, "C13: a stale answer had it sent again"
        )
        trader.calm()
        trial.promise(trader.order(order_id).status.is_terminal, "C13: never ended")
        trial.losses = trader.losses()
    return trial


def omitted(folder: Path) -> Trial:
    """C14: lists of open orders leave the order out; the question for it decides."""
    trial = Trial("C14")

    def without(reply: Reply) -> Reply:
        return msgspec.structs.replace(reply, open_orders=()) if type(reply) is ReportAnswered else reply

    with trading(folder) as trader:
        order_id = trader.propose("3")
        trader.armed.arm(down("C14", Rewrite(instead(without)), ReportAnswered), times=None)
        trader.wait(100.0, NS_PER_S // 4)
        trial.seen = trader.proxy.seen["C14"]
        trial.promise(
            trader.order(order_id).status is S.ACKED, "C14: an order left out of a list was given up"
        )
        trial.promise(len(trader.submitted[order_id]) == 1, "C14: sent again")
        trader.calm()
        trial.promise(trader.order(order_id).status is S.FILLED, "C14: not filled")
        trial.losses = trader.losses()
    return trial


def doubled(folder: Path) -> Trial:
    """C15: the request arrives twice, and the answer that comes is the refusal of the second."""
    trial = Trial("C15")
    with trading(folder) as trader:
        trader.armed.arm(up("C15", Duplicate(), VenueSubmit))
        trader.armed.arm(down("first", Drop(), SubmitAnswered, where=accepted))
        order_id = trader.propose("3")
        trial.recovery_s = (seconds_until(trader, order_id),)
        trial.seen = min(trader.proxy.seen["C15"], trader.exchange.duplicates_refused)
        trial.promise(
            trader.order(order_id).status is S.ACKED, "C15: the order behind the refusal was not adopted"
        )
        trader.bar()
        trader.calm()
        trial.promise(trader.order(order_id).status is S.FILLED, "C15: not filled")
        trial.promise(len(trader.submitted[order_id]) == 1, "C15: sent again")
        trial.losses = trader.losses()
    return trial


def refused(reply: Reply) -> bool:
    """Whether a cancel or an order was refused."""
    return type(reply) in {SubmitAnswered, CancelAnswered} and reply.answer is Answer.REFUSED  # type: ignore[union-attr]


def scenarios() -> Iterator[tuple[str, Scenario]]:
    """Every one, by the id of its fault."""
    yield "C10", mapped
    yield "C12", queries_fail
    yield "C13", stale_absence
    yield "C14", omitted
    yield "C15", doubled
