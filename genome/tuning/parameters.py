"""One number that is searched: its bounds, whether it is whole, and how far apart two of its values are."""

import math
from dataclasses import dataclass

import numpy as np

from genome.documents import gene_text
from genome.market import F64
from genome.printing import choice_text
from organism.errors import BadInput

_DIGITS = 4
"""Real values are rounded to so many significant digits: no strategy depends on more, and a person can read them."""
_MOST_LEVELS = 10_000


@dataclass(frozen=True, slots=True)
class Parameter:
    """A constant of the trees, or a gene of the simulator.

    low, high   bounds, both included
    default     its value before anybody searched
    integer     whole numbers only
    log         two values are as far apart as their ratio
    step        values are low, low + step, …; 0: any
    choices     names for 0, 1, 2 …
    """

    name: str
    low: float
    high: float
    default: float
    integer: bool = False
    log: bool = False
    step: float = 0.0
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse bounds that leave nothing to search. Raises `BadInput`."""
        if not (math.isfinite(self.low) and math.isfinite(self.high)) or not self.low < self.high:
            raise BadInput(
                f"the bounds of {self.name!r} rise from low to high; was {self.low:g}:{self.high:g}. To hold it at one "
                f"value, leave the bound out and give --param {self.name}=VALUE."
            )
        if self.integer and (self.low != int(self.low) or self.high != int(self.high)):
            raise BadInput(
                f"{self.name!r} takes whole numbers only; was bounded by {self.low:g}:{self.high:g}."
            )
        if self.step < 0.0 or self.step > self.high - self.low or not math.isfinite(self.step):
            raise BadInput(
                f"the step of {self.name!r} is positive and at most {self.high - self.low:g}, its bounds apart; was "
                f"{self.step:g}."
            )
        if self.integer and self.step != int(self.step):
            raise BadInput(f"{self.name!r} takes whole numbers only, so its step is one; was {self.step:g}.")

    @property
    def logarithmic(self) -> bool:
        """Whether it is searched by ratios: where it can be, and no step says otherwise."""
        return self.log and self.low > 0.0 and not self.step

    @property
    def count(self) -> float:
        """How many values it can take; infinite for a real number without a step."""
        if self.step or self.integer:
            return math.floor((self.high - self.low) / (self.step or 1.0) + 1e-9) + 1.0
        return math.inf

    def decoded(self, units: F64) -> F64:
        """Values at places from 0 (low) to 1 (high), rounded to what it can take."""
        at: F64 = np.clip(units, 0.0, 1.0)
        if self.step:
            return self._stepped(self.low + at * (self.high - self.low))
        if self.logarithmic:
            values: F64 = np.exp(np.log(self.low) + at * (np.log(self.high) - np.log(self.low)))
        else:
            values = self.low + at * (self.high - self.low)
        if self.integer:
            return np.clip(np.rint(values), self.low, self.high)
        found = np.clip(_significant(values), self.low, self.high)
        return np.where(at <= 0.0, self.low, np.where(at >= 1.0, self.high, found))

    def encoded(self, values: F64) -> F64:
        """Places of values, 0 to 1; of values beyond a bound, the bound's."""
        inside = np.clip(values, self.low, self.high)
        if self.logarithmic:
            found: F64 = np.log(inside / self.low) / np.log(self.high / self.low)
            return found
        even: F64 = (inside - self.low) / (self.high - self.low)
        return even

    def levels(self, most: int) -> F64:
        """At most so many values from low to high, each once, rising; both bounds are among them where two fit."""
        if self.step or (self.integer and self.count <= most):
            if self.count > _MOST_LEVELS:
                raise BadInput(
                    f"{self.name!r} has {self.count:,.0f} steps, which no grid visits; take a larger --step."
                )
            return self._stepped(self.low + np.arange(int(self.count), dtype=np.float64) * (self.step or 1.0))
        return np.unique(self.decoded(np.linspace(0.0, 1.0, most) if most > 1 else np.array([0.5])))

    def text(self, value: float) -> str:
        """A value as it is written."""
        return choice_text(value, self.choices) if self.choices else gene_text(self.name, value)

    def _stepped(self, values: F64) -> F64:
        step = self.step or 1.0
        last = math.floor((self.high - self.low) / step + 1e-9)
        found: F64 = np.round(self.low + np.clip(np.rint((values - self.low) / step), 0, last) * step, 12)
        return found


def _significant(values: F64) -> F64:
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.where(values == 0.0, 0.0, np.floor(np.log10(np.abs(values))))
    scale = 10.0 ** (_DIGITS - 1 - power)
    found: F64 = np.rint(values * scale) / scale
    return found
