"""The switch that loses or delays what goes to and comes from the paper venue, by seed and by kind."""

import random
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from organism.effects import Effect


class Struck(NamedTuple):
    """What befalls a request: "" (nothing), "request", "reply" or "late" (its answer, by `delay_s`)."""

    how: str = ""
    delay_s: float = 0.0


class ReplyFaults(msgspec.Struct, frozen=True, kw_only=True):
    """Probabilities per request.

    lose_request   the request never arrives, nor does an answer
    lose_reply     the request takes effect, its answer never comes
    delay_reply    the answer comes up to `delay_s` late, and so out of order
    only           names of effects it strikes; empty for all but the venue's clock
    """

    lose_request: float = 0.0
    lose_reply: float = 0.0
    delay_reply: float = 0.0
    delay_s: float = 2.0
    seed: int = 1
    only: tuple[str, ...] = ()

    def striker(self) -> Callable[[Effect], Struck]:
        """Say for each request what befalls it."""
        chance = random.Random(f"replies-{self.seed}")

        def strike(effect: Effect) -> Struck:
            name = type(effect).__name__
            if (self.only and name not in self.only) or (not self.only and name == "VenueAdvance"):
                return Struck()
            draw = chance.random() - self.lose_request
            if draw < 0:
                return Struck("request")
            draw -= self.lose_reply
            if draw < 0:
                return Struck("reply")
            if draw < self.delay_reply:
                return Struck("late", chance.random() * self.delay_s)
            return Struck()

        return strike
