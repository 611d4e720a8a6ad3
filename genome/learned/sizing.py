"""The forecast distribution drives the size of a position (S4-25.12)."""

import math

from genome.learned.fits import Risk

MOST = 0.15
"""Of equity in one asset (S4-19.5)."""


def size(risk: Risk, risked: float = 0.01, most: float = MOST) -> float:
    """Signed share of equity to hold: so large that the adverse quantile costs `risked` of equity, at most `most`.

    Long where the expected return is positive, adverse then is the downside; short in the mirror. Scaled by the share of
    the interval that lies on the expected side: an even bet gets half. A forecast that is not a number, or that knows no
    adverse outcome, gets the cap at most, and nothing where it is NaN.

    >>> round(size(Risk(0.01, -0.02, 0.06, 0.0, 0.08), risked=0.002), 6)
    0.075
    """
    if not all(map(math.isfinite, (risk.expected, risk.downside, risk.upside))) or risk.expected == 0.0:
        return 0.0
    adverse = max(0.0, -risk.downside if risk.expected > 0.0 else risk.upside)
    share = min(1.0, max(0.0, 1.0 - adverse / risk.interval)) if risk.interval > 0.0 else 0.0
    wanted = share * (risked / adverse if adverse > 0.0 else math.inf)
    return math.copysign(min(most, wanted), risk.expected) if share > 0.0 else 0.0
