"""The straight line through a row of measurements: whether something grows, and how sure that is."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from organism.errors import BadInput

LEAST = 3  # points that a line with an error needs


class Line(NamedTuple):
    """slope and its standard error, units of y per unit of x; the value at x = 0; how many points."""

    slope: float
    error: float
    level: float
    n: int

    def grows(self, most: float, sure: float = 2.0) -> bool:
        """Whether the slope is above `most`, and by more than `sure` of its errors: noise alone is no growth."""
        return self.slope - sure * self.error > most


def fit(points: Sequence[tuple[float, float]]) -> Line:
    """Ordinary least squares of y on x; the error is that of the slope with n − 2 degrees of freedom.

    Source: Draper and Smith, Applied Regression Analysis, 3rd ed. (1998), section 1.4. The error assumes
    residuals that know nothing of each other; samples taken every second do, so it is too small rather than too
    large. Raises `BadInput` below three points or when all have the same x.

    >>> fit([(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)])
    Line(slope=2.0, error=0.0, level=1.0, n=3)
    """
    n = len(points)
    if n < LEAST:
        raise BadInput(f"a trend needs at least {LEAST} measurements; was {n}. Measure longer.")
    mean_x = math.fsum(x for x, _ in points) / n
    mean_y = math.fsum(y for _, y in points) / n
    spread = math.fsum((x - mean_x) ** 2 for x, _ in points)
    if not spread > 0.0:
        raise BadInput(f"a trend needs measurements at different times; all {n} were at {mean_x:g}.")
    slope = math.fsum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    level = mean_y - slope * mean_x
    rest = math.fsum((y - level - slope * x) ** 2 for x, y in points)
    return Line(slope, math.sqrt(rest / (n - 2) / spread), level, n)
