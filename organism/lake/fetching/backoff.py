"""How long to wait before asking again: longer each time, and never in step with others."""

import random
from typing import NamedTuple


class Patience(NamedTuple):
    """How a source is asked for one page.

    base_s      wait after the first failure, at most; doubles
    cap_s       longest wait
    attempts    times that it is asked
    call_s      longest time for one call, waits for the budget apart; then the call is left to itself
    total_s     longest time for all attempts together, all waits included
    block_s     longest wait that a venue may demand (Retry-After) before it counts as failed
    """

    base_s: float = 0.5
    cap_s: float = 30.0
    attempts: int = 5
    call_s: float = 30.0
    total_s: float = 300.0
    block_s: float = 150.0


def wait_s(patience: Patience, failures: int, chance: random.Random) -> float:
    """Exponential with full jitter: anywhere from nothing to the cap of this attempt.

    failures   of this request so far, from 1
    chance     where the jitter is drawn from
    """
    return chance.uniform(0.0, min(patience.cap_s, patience.base_s * 2 ** min(failures - 1, 30)))
