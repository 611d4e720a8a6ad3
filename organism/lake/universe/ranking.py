"""Which of the instruments are wanted, and in which order."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from organism.errors import BadInput
from organism.lake.universe.listing import Instrument

RANKS: Final[Mapping[str, Callable[[Instrument], float]]] = {
    "age": lambda one: -one.age_days,
    "volume": lambda one: -one.volume,
    "spread": lambda one: one.spread,
    "volatility": lambda one: -one.volatility,
    "score": lambda one: -one.score,
}
"""By what can be ranked; the first is the oldest, most traded, cheapest, most restless, best recorded."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an instrument must be; None asks nothing. A figure that is not known meets no bound.

    min_age   days; volumes in quote currency; spreads as fractions; volatilities a year; scores 0 to 100
    trading   True: only what still traded on the date; False: only what had stopped
    """

    min_age: float | None = None
    min_volume: float | None = None
    max_spread: float | None = None
    min_volatility: float | None = None
    max_volatility: float | None = None
    min_score: float | None = None
    tiers: tuple[int, ...] = ()
    trading: bool | None = None

    def __post_init__(self) -> None:
        """Raise `BadInput` for a bound that is no number."""
        for name in ("min_age", "min_volume", "max_spread", "min_volatility", "max_volatility", "min_score"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise BadInput(f"{name} is a number from 0 on; was {value}.")

    def takes(self, one: Instrument) -> bool:
        """Whether an instrument is wanted."""
        at_least = (
            (one.age_days, self.min_age),
            (one.volume, self.min_volume),
            (one.volatility, self.min_volatility),
            (one.score, self.min_score),
        )
        at_most = ((one.spread, self.max_spread), (one.volatility, self.max_volatility))
        return (
            all(least is None or value >= least for value, least in at_least)
            and all(most is None or value <= most for value, most in at_most)
            and (not self.tiers or one.tier in self.tiers)
            and self.trading in (None, one.trading)
        )


def ranked(
    found: Iterable[Instrument], wanted: Wanted, *, by: str = "volume", top: int | None = None
) -> tuple[Instrument, ...]:
    """The wanted ones, best first: those that traded before those that had stopped; unknown figures last. Raises `BadInput`."""
    rank = RANKS.get(by)
    if rank is None:
        raise BadInput(f"instruments are ranked by {', '.join(RANKS)}; was {by!r}.")

    def key(one: Instrument) -> tuple[bool, bool, float, str, str]:
        value = rank(one)
        unknown = math.isnan(value)
        return not one.trading, unknown, 0.0 if unknown else value, one.venue, one.symbol

    return tuple(sorted((one for one in found if wanted.takes(one)), key=key)[:top])
