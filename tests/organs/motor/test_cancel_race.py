"""Partial fill then cancel, fill during cancel, fill after the end: every order of events, not a sample of them.

A truthful venue holds one order of two lots. Its engine may fill a lot whenever the order is open; requests
arrive in any order, what the venue says is heard in any order, once or twice. Each world so reached is visited
once; where nothing is left to happen, execution must say what the venue says.
"""

import itertools
from collections import Counter

import msgspec
import pytest

from organism.effects import CancelTimer, Schedule, VenueCancel, VenueQuery, VenueReport, VenueSubmit
from organism.messages import (
    AlertRaised,
    Answer,
    CancelAnswered,
    CancelRequested,
    Filled,
    OrderApproved,
    OrderUpdated,
    QueryAnswered,
    Recovered,
    ReportAnswered,
    SubmitAnswered,
    TimerFired,
    VenueAdvanced,
)
from organism.portfolio import VenueOrder, VenuePosition
from organism.trading import LEGAL, OrderStatus
from organs.motor.core import motor_core
from organs.motor.orders import client_order_id
from organs.motor.state import MotorState
from tests.organs.motor.making import BAR_NS, INSTRUMENTS, START, VENUE, D, X, approved, done, fill, now, said

LOTS = 2
CLIENT = client_order_id("ns", "1-0", 1)
KEY = "order:1-0"
CORE = motor_core(VENUE, INSTRUMENTS, "ns")
FILLS = tuple(fill(n, CLIENT, "1") for n in range(1, LOTS + 1))


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Execution, the venue, and what is on the way between them.

    venue     what became of the order there; "" before it arrived
    executed  lots
    requests  kinds on their way to the venue
    said      on its way back; each entry is heard once, `again` those that may be heard a second time
    armed     execution will look at the order again by itself
    lag       the venue's word on an order does not count its newest fills
    """

    motor: MotorState
    venue: str = ""
    executed: int = 0
    requests: tuple[str, ...] = ()
    said: tuple = ()
    again: tuple = ()
    wanted: bool = False
    looks: int = 1
    doubles: int = 1
    alarms: int = 0
    late: int = 0
    armed: bool = False
    lag: bool = False


REQUESTS = {VenueSubmit: "submit", VenueCancel: "cancel", VenueQuery: "query", VenueReport: "report"}


def hear(world, message):
    """Execution hears something; every step is held against the rules."""
    before = world.motor.orders.get("1-0")
    motor, effects = CORE.step(world.motor, message, now(0.0))
    after = motor.orders["1-0"]
    chain = [
        before.status if before else OrderStatus.INTENT,
        *(u.status for u in said(effects, OrderUpdated)),
    ]
    if before is not None:
        assert all(b in LEGAL[a] for a, b in itertools.pairwise(chain)), "I7: illegal step"
        assert after.filled >= before.filled, "I7: what was filled fell"
        assert not done(effects, VenueSubmit), "I2: an order must not leave twice"
    booked = [m.fill for m in said(effects, Filled)]
    assert all(f not in world.motor.booked for f in booked), "I3: a fill was booked twice"
    late = len(booked) if before is not None and before.status.is_terminal else 0
    asked = tuple(REQUESTS[type(e)] for e in effects if type(e) in REQUESTS)
    armed = world.armed
    for effect in effects:
        if type(effect) in {Schedule, CancelTimer} and effect.key == KEY:
            armed = type(effect) is Schedule
    alarms = [a for a in said(effects, AlertRaised) if "after order 1-0 had ended" in a.title]
    return msgspec.structs.replace(
        world, motor=motor, requests=tuple(sorted({*world.requests, *asked})),
        armed=armed, alarms=world.alarms + len(alarms), late=world.late + late,
    )  # fmt: skip


def begun(*, lag):
    """One order on its way; our account compared and clean."""
    world = World(motor=CORE.initial, lag=lag)
    motor, _ = CORE.step(
        world.motor, Recovered(organ="motor", incarnation=1, process=True, safe=False), now(0.0)
    )
    motor, _ = CORE.step(motor, ReportAnswered(answered=True, asked_mono_ns=0), now(0.0))
    order = OrderApproved(approved=approved("1-0", quantity=str(LOTS)))
    return hear(msgspec.structs.replace(world, motor=motor), order)


def word(world):
    """What the venue says of the order now."""
    if not world.venue:
        return None
    told = 0 if world.lag and world.venue != "filled" else world.executed
    return VenueOrder(
        client_order_id=CLIENT,
        venue_order_id="p1",
        symbol=X,
        status=world.venue,
        quantity=D(LOTS),
        filled=D(told),
    )


def served(world, request):
    """A request arrives at the venue."""
    requests = tuple(r for r in world.requests if r != request)
    world = msgspec.structs.replace(world, requests=requests)
    if request == "submit":
        world = msgspec.structs.replace(world, venue="open")
        answer = SubmitAnswered(client_order_id=CLIENT, answer=Answer.ACCEPTED, venue_order_id="p1")
        return saying(world, answer)
    if request == "cancel":
        is_open = world.venue == "open"
        answer = CancelAnswered(
            client_order_id=CLIENT, answer=Answer.ACCEPTED if is_open else Answer.REFUSED, reason=""
        )
        if not is_open:
            return saying(world, answer)
        world = msgspec.structs.replace(world, venue="canceled")
        return saying(world, answer, VenueAdvanced(at_ns=START + BAR_NS, fills=(), orders=(word(world),)))
    if request == "query":
        fills = () if world.lag else FILLS[: world.executed]
        found = QueryAnswered(
            client_order_id=CLIENT, asked_mono_ns=0, answered=True, order=word(world), fills=fills
        )
        return saying(msgspec.structs.replace(world, looks=world.looks - 1), found)
    return saying(world, account(world))


def account(world):
    rests = (word(world),) if world.venue == "open" else ()
    held = (VenuePosition(symbol=X, quantity=D(world.executed)),) if world.executed else ()
    return ReportAnswered(
        answered=True, asked_mono_ns=0, positions=held, open_orders=rests, fills=FILLS[: world.executed]
    )


def executing(world):
    """The engine fills one lot."""
    executed = world.executed + 1
    venue = "filled" if executed == LOTS else "open"
    world = msgspec.structs.replace(world, executed=executed, venue=venue)
    world = saying(world, VenueAdvanced(at_ns=START + BAR_NS, fills=(FILLS[executed - 1],), orders=()))
    if venue == "open":
        return world
    return saying(world, VenueAdvanced(at_ns=START + BAR_NS, fills=(), orders=(word(world),)))


def saying(world, *messages):
    return msgspec.structs.replace(world, said=(*world.said, *messages))


def nexts(world):
    """Everything that may happen next."""
    if not world.wanted:
        wanted = msgspec.structs.replace(world, wanted=True)
        yield hear(wanted, CancelRequested(order_id="1-0", reason="test"))
    if world.venue == "open":
        yield executing(world)
    for request in world.requests:
        if request in {"submit", "cancel"} or (request == "query" and world.looks):
            yield served(world, request)
    for n, message in enumerate(world.said):
        again = (*world.again, message) if world.doubles else world.again
        yield hear(
            msgspec.structs.replace(world, said=(*world.said[:n], *world.said[n + 1 :]), again=again), message
        )
    if world.doubles:
        for message in world.again:
            yield hear(msgspec.structs.replace(world, doubles=0, again=()), message)


def calmed(world):
    """Nothing more happens at the venue: every question is answered truthfully, every timer that is armed rings."""
    world = msgspec.structs.replace(world, lag=False)
    for _ in range(20):
        if world.requests:
            for request in world.requests:
                world = served(world, request)
        elif world.said:
            for message in world.said:
                world = hear(msgspec.structs.replace(world, said=world.said[1:]), message)
        elif world.armed:
            world = hear(msgspec.structs.replace(world, armed=False), TimerFired(key=KEY, due_ns=0))
        else:
            return world
    raise AssertionError("execution never rests")


def explored(first):
    """Every world that can be reached, by what it is; and those where nothing is left to happen."""
    waiting, known, ends = [first], set(), []
    while waiting:
        world = waiting.pop()
        name = msgspec.msgpack.encode(unordered(world))
        if name in known:
            continue
        known.add(name)
        following = list(nexts(world))
        waiting += following
        if not world.said and world.wanted and not {"submit", "cancel"} & {*world.requests}:
            ends.append(world)
    return len(known), ends


def unordered(world):
    """The same world whatever order things were said in."""
    return msgspec.structs.replace(
        world,
        said=tuple(sorted(world.said, key=msgspec.msgpack.encode)),
        again=tuple(sorted(world.again, key=msgspec.msgpack.encode)),
    )


@pytest.mark.parametrize("lag", [False, True], ids=["truthful", "lagging"])
def test_whatever_the_order_of_fills_cancels_and_answers_execution_ends_where_the_venue_ended(lag):
    n_worlds, ends = explored(begun(lag=lag))
    reached = Counter()
    for world in ends:
        tracked = (last := calmed(world)).motor.orders["1-0"]
        assert tracked.status.value == last.venue != "open", "a wish to cancel outlives every reordering"
        assert tracked.filled == last.motor.positions.get(X, D(0)) == last.executed
        assert last.alarms == last.late, "a fill after the end is applied and alarmed, each once"
        assert last.motor.clean
        reached[last.venue, last.executed, min(last.late, 1)] += 1
    assert n_worlds > 1_000, "too few worlds to call it every order of events"
    assert {(v, n) for v, n, _ in reached} >= {("canceled", 0), ("canceled", 1), ("filled", 2)}
    late = {(v, n) for v, n, is_late in reached if is_late}
    assert late == ({("canceled", 1)} if lag else set()), (
        "only a venue whose word lags brings a fill too late"
    )
