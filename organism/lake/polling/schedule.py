"""When a value is asked for: after it can exist, again when it has not come, and more seldom when the service is in trouble.

Nothing here reads a clock or draws chance by itself. Times are µs since 1970 UTC. Whatever happens, two questions about one
value are at least `Cadence.every_us` apart.
"""

import math
import random
from typing import Final, Literal, NamedTuple

import msgspec

from organism.lake.context.lags import DAY_US
from organism.lake.fetching.backoff import Patience, wait_s
from organism.lake.fetching.faults import Failed, Fault

HOUR_US: Final = 3_600_000_000
MINUTE_US: Final = 60_000_000
FARTHEST_US: Final = 26 * HOUR_US
"""Nobody plans farther: whoever finds a plan beyond distrusts the clock that it was made by."""
_SELDOM_US = 6 * HOUR_US  # a question that no further question will answer
_CAP_S = 3_600.0
_SOONEST_STALE_US = 15 * MINUTE_US
_PARTS = 8  # of a period: a value that is later than that is stale, and is asked for no oftener than that

Condition = Literal["waiting", "fresh", "stale", "failing"]


class Cadence(NamedTuple):
    """How one value is asked for, µs.

    every_us    shortest pause between two questions
    settle_us   from when a new value can exist until it is asked for
    spread_us   a random wait on top, up to this, so that not everybody asks at once
    """

    every_us: int
    settle_us: int
    spread_us: int


class Heard(NamedTuple):
    """The newest value that is known. `period_us`: from its being known until the next one is."""

    at_us: int
    known_us: int
    value: float
    period_us: int


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How one value stands.

    at_us, known_us   what the value is of, and when it became known; 0 without one
    value             None while there is none
    period_us         from one value's being known to the next one's
    asked_us          when the latest question was put; 0: never
    answered_us       when one was last answered; 0: never
    next_us           when the next is put; 0: now
    failures          questions in a row without an answer
    error             why the last one had none, ""
    """

    at_us: int = 0
    known_us: int = 0
    value: float | None = None
    period_us: int = 0
    asked_us: int = 0
    answered_us: int = 0
    next_us: int = 0
    failures: int = 0
    error: str = ""


def asking(standing: Standing, now_us: int, cadence: Cadence) -> Standing:
    """A question is about to be put. Kept before it is: whoever dies of it does not put it again at once."""
    return msgspec.structs.replace(standing, asked_us=now_us, next_us=now_us + cadence.every_us)


def answered(
    standing: Standing, heard: Heard | None, now_us: int, cadence: Cadence, chance: random.Random
) -> Standing:
    """It was answered, with the newest value that is known by now, or with none."""
    if heard is not None:
        standing = with_value(standing, heard)
    standing = msgspec.structs.replace(standing, answered_us=now_us, failures=0, error="")
    due_us = standing.known_us + cadence.settle_us if heard is not None else 0
    if heard is not None and due_us <= now_us:  # else it was asked so early that it may still be put right
        due_us += standing.period_us
    if due_us > now_us:
        next_us = due_us + int(chance.uniform(0, cadence.spread_us))
    else:
        # It should be there and is not: perhaps in a moment, perhaps the service stands still for days.
        period_us = standing.period_us or DAY_US
        pause_us = min((now_us - due_us) // _PARTS, period_us // _PARTS) if heard is not None else 0
        next_us = now_us + int(max(cadence.every_us, pause_us) * chance.uniform(1.0, 1.5))
    return _planned(standing, next_us, now_us, cadence)


def unanswered(
    standing: Standing, failed: Failed, now_us: int, cadence: Cadence, chance: random.Random, open_us: int = 0
) -> Standing:
    """It was not. `open_us`: until when the circuit breaker of the source leaves it alone, 0 without."""
    failures = standing.failures + 1
    if failed.fault is Fault.LASTING:
        pause_us = _SELDOM_US
    else:
        base_s = cadence.every_us / 1e6
        pause_s = base_s + wait_s(Patience(base_s=base_s, cap_s=max(_CAP_S, base_s)), failures, chance)
        pause_us = int(max(pause_s, failed.wait_s + chance.uniform(0.0, base_s)) * 1e6)
    standing = msgspec.structs.replace(standing, failures=failures, error=failed.why)
    return _planned(standing, max(now_us + pause_us, open_us), now_us, cadence)


def with_value(standing: Standing, heard: Heard) -> Standing:
    """The same with this value."""
    return msgspec.structs.replace(
        standing, at_us=heard.at_us, known_us=heard.known_us, value=heard.value, period_us=heard.period_us
    )


def bounded(standing: Standing, now_us: int, cadence: Cadence) -> Standing:
    """The same with a plan that can be believed: whoever planned too far, or asked later than now, had a wrong clock.

    >>> one = Standing(asked_us=9 * DAY_US, next_us=10 * DAY_US)
    >>> bounded(one, DAY_US, Cadence(MINUTE_US, 0, 0)).next_us == DAY_US + MINUTE_US
    True
    """
    farthest_us = now_us + max(FARTHEST_US, cadence.every_us)
    if standing.next_us <= farthest_us and standing.asked_us <= now_us:
        return standing
    next_us = min(standing.next_us, now_us + cadence.every_us)
    return msgspec.structs.replace(standing, asked_us=min(standing.asked_us, now_us), next_us=next_us)


def condition(standing: Standing, now_us: int) -> Condition:
    """waiting: nothing was ever heard; failing: nor could it be; fresh; stale: the next value is overdue.

    >>> one = Standing(known_us=0, value=40.0, period_us=DAY_US)
    >>> condition(one, DAY_US), condition(one, 2 * DAY_US), condition(Standing(), 0), condition(Standing(error="429"), 0)
    ('fresh', 'stale', 'waiting', 'failing')
    """
    if standing.value is None or not math.isfinite(standing.value) or standing.known_us > now_us:
        return "failing" if standing.error else "waiting"
    late_us = now_us - standing.known_us - standing.period_us
    return "fresh" if late_us <= max(_SOONEST_STALE_US, standing.period_us // _PARTS) else "stale"


def _planned(standing: Standing, next_us: int, now_us: int, cadence: Cadence) -> Standing:
    next_us = max(next_us, now_us + cadence.every_us)
    return msgspec.structs.replace(
        standing, next_us=min(next_us, now_us + max(FARTHEST_US, cadence.every_us))
    )
