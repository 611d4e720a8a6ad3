"""What a venue allows to be asked, as a value: how much was spent in a window, and what is still on its way.

Venues count the weight of requests by window, each in its own way (Binance: 6,000 a minute, a minute of its own clock).
Here a request counts from when it is about to be sent until a whole window after its answer, so that whichever window
of that length the venue looks at, it sees no more than the allowance: a request reached it between those two instants.
Nothing here reads a clock. Times are microseconds of one clock that all processes of a machine share.
"""

import math
from typing import NamedTuple

import msgspec

_BUCKET_US = 250_000  # answers within this span leave the window together, the earlier of them a little late
_FOREIGN = 1.0  # a header may round; less than this was nobody else


class Allowance(NamedTuple):
    """What a venue gives everybody at this address together.

    limit      weight in one window
    window_us  length of the window
    flight_us  longest time that a request may be on its way; one that was never heard of again ends then
    """

    limit: float
    window_us: int
    flight_us: int = 60_000_000


class Flight(msgspec.Struct, frozen=True):
    """A request that was not answered yet."""

    weight: float
    until_us: int


class Budget(msgspec.Struct, frozen=True):
    """Everything that the processes of this machine know about one venue's allowance.

    boot        which boot of the machine the times belong to
    saved_us    when this was written
    blocked_us  the venue said: nothing before then (429, 418)
    named       requests so far; names the next one
    flights     requests on their way, by name
    spent       (when it leaves the window, weight), oldest first
    foreign     (when it leaves the window, weight) that the venue counted and we did not send
    """

    boot: str = ""
    saved_us: int = 0
    blocked_us: int = 0
    named: int = 0
    flights: dict[str, Flight] = {}
    spent: tuple[tuple[int, float], ...] = ()
    foreign: tuple[int, float] = (0, 0.0)


class Granted(NamedTuple):
    """The request may be sent; `name` is what `settled` wants."""

    name: str


class Refused(NamedTuple):
    """Not before this instant; ask again then. `blocked` says that the venue demands it."""

    until_us: int
    blocked: bool


def used(budget: Budget, now_us: int) -> float:
    """Weight that the venue may hold against us now.

    >>> used(Budget(spent=((50, 2.0), (90, 3.0)), flights={"1": Flight(5.0, 70)}), 60)
    8.0
    """
    fresh = _swept(budget, now_us)
    own = math.fsum(f.weight for f in fresh.flights.values()) + math.fsum(w for _, w in fresh.spent)
    return own + fresh.foreign[1]


def reserve(
    budget: Budget, allowance: Allowance, weight: float, share: float, now_us: int
) -> tuple[Budget, Granted | Refused]:
    """Ask to send a request of this weight, with `share` of the allowance for us.

    One that weighs more than all of our share is sent when nothing else is, and then counts for longer in proportion.
    """
    fresh = _swept(budget, now_us)
    if now_us < fresh.blocked_us:
        return fresh, Refused(fresh.blocked_us, blocked=True)
    whole = allowance.limit * share
    wanted = min(weight, whole)
    if used(fresh, now_us) + wanted > whole + 1e-9:
        return fresh, Refused(_room_at(fresh, whole - wanted, now_us), blocked=False)
    name = str(fresh.named + 1)
    flight = Flight(weight, now_us + allowance.flight_us + _span_us(allowance, weight, whole))
    named = msgspec.structs.replace(
        fresh, named=fresh.named + 1, flights={**fresh.flights, name: flight}, saved_us=now_us
    )
    return named, Granted(name)


def settled(
    budget: Budget, allowance: Allowance, name: str, now_us: int, *, told: float | None, share: float = 1.0
) -> Budget:
    """The request was answered, or given up after its connection was closed.

    told   weight that the venue says it counts in its window, with this request; None where it says nothing
    """
    fresh = _swept(budget, now_us)
    flight = fresh.flights.get(name)
    if flight is None:
        return fresh
    flights = {key: one for key, one in fresh.flights.items() if key != name}
    leaves = now_us + _span_us(allowance, flight.weight, allowance.limit * share)
    leaves = -(-leaves // _BUCKET_US) * _BUCKET_US
    spent = dict(fresh.spent)
    spent[leaves] = spent.get(leaves, 0.0) + flight.weight
    found = msgspec.structs.replace(
        fresh, flights=flights, spent=tuple(sorted(spent.items())), saved_us=now_us
    )
    if told is None or not 0 <= told < math.inf:
        return found
    others = told - (used(found, now_us) - found.foreign[1])
    if others >= _FOREIGN:
        return msgspec.structs.replace(found, foreign=(now_us + allowance.window_us, others))
    return found


def blocked(budget: Budget, until_us: int, now_us: int) -> Budget:
    """The venue wants nothing before then. An earlier, longer block stays."""
    until = max(budget.blocked_us, until_us)
    return msgspec.structs.replace(_swept(budget, now_us), blocked_us=until, saved_us=now_us)


def after_boot(budget: Budget, allowance: Allowance, boot: str, now_us: int) -> Budget:
    """Times of an earlier boot mean nothing in this one: all of it counts as if it were answered now."""
    weight = math.fsum([f.weight for f in budget.flights.values()] + [w for _, w in budget.spent])
    block_us = max(0, budget.blocked_us - budget.saved_us)
    leaves = now_us + allowance.window_us
    return Budget(
        boot=boot,
        saved_us=now_us,
        blocked_us=now_us + block_us if block_us else 0,
        named=budget.named,
        spent=((leaves, weight),) if weight else (),
        foreign=(leaves, budget.foreign[1]) if budget.foreign[1] else (0, 0.0),
    )


def unknown(allowance: Allowance, boot: str, now_us: int) -> Budget:
    """Nobody knows what was spent: wait for one window, and for what may be on its way."""
    return Budget(boot=boot, saved_us=now_us, spent=((now_us + allowance.window_us, allowance.limit),))


def _span_us(allowance: Allowance, weight: float, whole: float) -> int:
    return math.ceil(allowance.window_us * max(1.0, weight / whole))


def _swept(budget: Budget, now_us: int) -> Budget:
    """Without what has left the window."""
    flights = {name: one for name, one in budget.flights.items() if one.until_us > now_us}
    spent = tuple(one for one in budget.spent if one[0] > now_us)
    foreign = budget.foreign if budget.foreign[0] > now_us else (0, 0.0)
    return msgspec.structs.replace(budget, flights=flights, spent=spent, foreign=foreign)


def _room_at(budget: Budget, room: float, now_us: int) -> int:
    """When no more than `room` will be used, if nothing is answered or sent until then."""
    leaving = [(f.until_us, f.weight) for f in budget.flights.values()]
    leaving += [*budget.spent, budget.foreign]
    left = used(budget, now_us)
    for until_us, weight in sorted(leaving):
        left -= weight
        if left <= room + 1e-9:
            return max(until_us, now_us + 1)
    return now_us + 1
