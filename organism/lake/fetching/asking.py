"""Ask one source until it answers or there is no sense in it: retries, their limits, and its circuit breaker."""

import random
from collections.abc import Callable
from typing import TypeVar

from organism.errors import OrganismError
from organism.lake.fetching.backoff import Patience, wait_s
from organism.lake.fetching.breaker import Breaker, Position
from organism.lake.fetching.faults import Failed, Fault, said
from organism.lake.fetching.shared import Clock

T = TypeVar("T")


class GaveUp(Exception):
    """The source is not asked again for now; `why` completes "it …" or says what it said last."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Asking:
    """Retries and breaker of one source. `n_asked` and `n_failed` count for the report."""

    def __init__(self, clock: Clock, patience: Patience, chance: random.Random, breaker: Breaker) -> None:
        self._clock, self._patience, self._chance = clock, patience, chance
        self.breaker = breaker
        self.n_asked = self.n_failed = 0

    def __call__(self, question: Callable[[], T]) -> T:
        """What it answered. Raises `GaveUp`."""
        start_us = self._clock.steady_us()
        failures = limits = 0
        while True:
            self._may_ask()
            self.n_asked += 1
            try:
                answer = question()
            except OrganismError:
                raise  # our own side: a full disk, a setting
            except Failed as error:
                found = error
            except Exception as error:  # noqa: BLE001 - a broken source may raise anything at all
                found = Failed(Fault.PASSING, said(error))
            else:
                self.breaker = self.breaker.succeeded()
                return answer
            self.n_failed += 1
            if found.fault in (Fault.LASTING, Fault.BLOCKED):
                raise GaveUp(found.why) from None
            if found.fault is Fault.LIMITED:
                limits += 1
                wait = found.wait_s
            else:
                failures += 1
                self.breaker = self.breaker.failed(self._clock.steady_us())
                wait = wait_s(self._patience, failures, self._chance)
            self._may_go_on(found, failures, limits, start_us, wait)
            self._clock.wait(wait)

    def _may_ask(self) -> None:
        now_us = self._clock.steady_us()
        if self.breaker.position(now_us) is Position.OPEN:
            left_s = (self.breaker.until_us - now_us) / 1e6
            raise GaveUp(
                f"left alone for another {left_s:,.0f} s after {self.breaker.failures} failures in a row"
            )

    def _may_go_on(self, found: Failed, failures: int, limits: int, start_us: int, wait: float) -> None:
        patience = self._patience
        if found.fault is Fault.LIMITED and wait > patience.block_s:
            raise GaveUp(f"it asks not to be asked again for {wait:,.0f} s ({found.why})")
        opened = self.breaker.position(self._clock.steady_us()) is Position.OPEN
        if opened or failures >= patience.attempts or limits >= patience.attempts:
            raise GaveUp(f"{failures + limits} attempts failed, the last with {found.why}")
        spent_s = (self._clock.steady_us() - start_us) / 1e6 + wait
        if spent_s > patience.total_s:
            raise GaveUp(f"no answer within {patience.total_s:g} s, the last failure was {found.why}")
