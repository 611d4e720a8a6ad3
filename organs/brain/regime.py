"""What kind of market it is, from the past alone, and whom that favours.

Two questions. *Trend*: how many standard errors the mean return lies from zero; in a random walk that is a
standard normal number. *Volatility*: how the volatility of right now compares with the usual one.
The gate is continuous, so that no strategy's weight jumps, and causes trades, when a label changes.
"""

import math
from dataclasses import dataclass

from organism.settings import BrainSettings
from organs.brain.state import Climate

TRENDING = 1.0  # standard errors of the mean return beyond which the label says "trend"
CALM, WILD = (
    0.6,
    1.5,
)  # volatility now / usual volatility: about the calmest and wildest 5 % of five-minute bars
# A strategy keeps at least half its voice in a market that does not suit it, everybody at least half in a wild one.
_LEAST = 0.5
# "Right now" is this part of `volatility_bars`.
_BRISK_PART = 8
_LABELS = {
    (kind, pace): f"{kind}-{pace}" for kind in ("trend", "range") for pace in ("calm", "normal", "wild")
}


@dataclass(frozen=True, slots=True)
class Spans:
    """Weights of a new return in the exponential averages, from windows in bars: 2 / (n + 1)."""

    usual: float
    brisk: float
    drift: float

    @classmethod
    def of(cls, settings: BrainSettings) -> "Spans":
        """From the settings' windows."""
        return cls(
            2.0 / (settings.volatility_bars + 1.0),
            2.0 / (settings.volatility_bars / _BRISK_PART + 1.0),
            2.0 / (settings.trend_bars + 1.0),
        )


def moved(climate: Climate, close: float, spans: Spans) -> Climate:
    """Take one close in. Plain averages until there are enough returns, exponential ones from then on."""
    change = math.log(close / climate.close)
    square = change * change
    n = climate.n + 1
    least = 1.0 / n
    variance, brisk, drift = climate.variance, climate.brisk, climate.drift
    return Climate(
        n,
        close,
        variance + (spans.usual if spans.usual > least else least) * (square - variance),  # noqa: FURB136 - hot
        brisk + (spans.brisk if spans.brisk > least else least) * (square - brisk),  # noqa: FURB136
        drift + (spans.drift if spans.drift > least else least) * (change - drift),  # noqa: FURB136
    )


def volatility(climate: Climate) -> float:
    """Standard deviation of log returns per bar, fraction."""
    return math.sqrt(climate.variance)


def trend(climate: Climate, spans: Spans) -> float:
    """Mean return in standard errors, signed; 0 in a market that does not move.

    An exponential average with weight a of independent returns has variance σ² · a / (2 − a).
    """
    if climate.n == 0:
        return 0.0
    weight = max(spans.drift, 1.0 / climate.n)
    error = math.sqrt(climate.variance * weight / (2.0 - weight))
    return climate.drift / error if error > 0.0 else 0.0


@dataclass(frozen=True, slots=True)
class Gate:
    """What part of its weight a trend follower, and what part any other strategy, keeps; and the regime's name."""

    regime: str
    followers: float
    others: float


def gate(climate: Climate, spans: Spans) -> Gate:
    """Judge the market."""
    strength = abs(trend(climate, spans))
    pace = math.sqrt(climate.brisk / climate.variance) if climate.variance > 0.0 else 0.0
    fit = min(1.0, strength / (2.0 * TRENDING)) * (1.0 - _LEAST)
    calm = 1.0 if pace <= WILD else max(_LEAST, WILD / pace)
    kind = "trend" if strength > TRENDING else "range"
    name = "wild" if pace > WILD else ("calm" if pace < CALM else "normal")
    return Gate(_LABELS[kind, name], (_LEAST + fit) * calm, (1.0 - fit) * calm)
