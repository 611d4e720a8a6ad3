"""Genes: what each number of a genome means, in which unit, and between which bounds.

Two kinds stand together among a genome's genes. Genes of `GENES` steer the simulator: stops, sizes, risk, regime.
Every other name is a constant that the genome's own conditions use (`ema(fast) > ema(slow)`); names that families
share have their bounds in `CONSTANTS`.

**A gene that is absent is off**: no stop, no target, no hold, no filter. Four genes only say how an active rule is
measured (atr_period, volatility_window, size, and the parameter of the size rule); they have a default. Without
`sizing` a genome is sized by the fixed rule.

`low` and `high` are the bounds of checking: outside, a genome is refused. `breed_low` and `breed_high`, narrower or
equal, are where variation looks. Rows of the requirements stand in `source`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from organism.errors import BadInput


class Sizing(IntEnum):
    """How large an entry is: SEMANTICS.md, section 5."""

    FIXED = 0
    RISK = 1
    VOLATILITY = 2
    KELLY = 3


@dataclass(frozen=True, slots=True)
class GeneSpec:
    """One gene.

    low, high              bounds, both included
    unit                   "fraction", "bars", "percent", "deviations", "multiple", "share", "signals", "" for a choice
    scale                  "linear" or "log": how far apart two values are, for variation
    integer                whole numbers only
    choices                names for 0, 1, 2 …: written by name, carried as a number
    source                 rows of the requirements
    breed_low, breed_high  bounds of variation; the bounds of checking where left out
    default                what holds when it is absent; None: it is off
    """

    name: str
    low: float
    high: float
    unit: str
    meaning: str
    source: str = ""
    scale: str = "linear"
    integer: bool = False
    choices: tuple[str, ...] = ()
    breed_low: float | None = None
    breed_high: float | None = None
    default: float | None = None

    def __post_init__(self) -> None:
        """Refuse bounds that contradict each other."""
        low, high = self.breeding
        if not (self.low <= low <= high <= self.high) or self.scale not in {"linear", "log"}:
            raise BadInput(
                f"gene {self.name!r} needs low <= breed_low <= breed_high <= high and a scale of linear or log."
            )
        if self.scale == "log" and self.low <= 0.0:
            raise BadInput(
                f"gene {self.name!r} has a log scale, so its bounds must be positive; was {self.low:g}."
            )

    @property
    def breeding(self) -> tuple[float, float]:
        """Where variation looks."""
        low = self.low if self.breed_low is None else self.breed_low
        return low, self.high if self.breed_high is None else self.breed_high

    def check(self, value: float) -> None:
        """Raise `BadInput` unless the value is within the bounds, and whole where it has to be."""
        unit = f" ({self.unit})" if self.unit else ""
        if not self.low <= value <= self.high:  # also NaN
            raise BadInput(
                f"gene {self.name!r}{unit} lies between {self.low:g} and {self.high:g}; was {value}."
            )
        if (self.integer or self.choices) and value != int(value):
            raise BadInput(f"gene {self.name!r}{unit} is a whole number; was {value}.")


def _index(specs: Iterable[GeneSpec]) -> dict[str, GeneSpec]:
    return {spec.name: spec for spec in specs}


_G = GeneSpec
GENES: Mapping[str, GeneSpec] = _index((
    _G("stop", 0.01, 0.15, "fraction", "loss from the entry at which the position is closed", "S4-18.3, S1-2.9", "log"),
    _G("target", 0.02, 0.30, "fraction", "gain from the entry at which the position is closed", "S4-18.3", "log"),
    _G("trailing", 0.01, 0.15, "fraction", "fall from the best price since the entry that closes it", "S4-18.3", "log"),
    _G("stop_atr", 0.5, 10.0, "multiple", "stop at this many ATR from the entry", "S4-20.7, S4-21.7", "log", breed_low=1.0, breed_high=5.0),
    _G("atr_period", 2, 100, "bars", "window of the ATR of stop_atr", "S4-20.7", "log", integer=True, breed_low=14, breed_high=30, default=14),
    _G("maximum_hold", 1, 100_000, "bars", "a position is closed after this long", "S1-2.10", "log", integer=True, breed_high=5_000),
    _G("cool_down", 0, 10_000, "bars", "no entry for this long after a close", "S4-7.2", integer=True, breed_high=100),
    _G("sizing", 0, 3, "", "the rule that sizes an entry", "S4-7.2", integer=True, choices=tuple(s.name.lower() for s in Sizing)),
    _G("size", 0.01, 1.0, "fraction", "of equity, for sizing=fixed", "S4-7.2", default=1.0),
    _G("risk", 0.01, 0.02, "fraction", "of equity lost at the stop, for sizing=risk", "S1-2.2", default=0.02),
    _G("target_volatility", 0.05, 1.0, "fraction", "a year, for sizing=volatility", "S4-19.2", "log", breed_high=0.6, default=0.1),
    _G("volatility_window", 5, 500, "bars", "over which sizing=volatility measures", "S4-19.2, S4-19.6", "log", integer=True, breed_high=100, default=20),
    _G("kelly_cap", 0.01, 0.25, "fraction", "of equity at most, for sizing=kelly", "S4-10.7", default=0.25),
    _G("position_limit", 0.10, 1.0, "fraction", "of equity at most in one asset", "S4-22.4, S4-19.5", breed_high=0.15),
    _G("drawdown_stop", 0.05, 0.20, "fraction", "fall from peak equity that ends the strategy", "S4-22.4, S4-21.7"),
    _G("liquidity_weight", 0.0, 1.0, "share", "of traded notional's rank in an asset's score", "S4-22.2, S4-19.1"),
    _G("volatility_weight", 0.0, 1.0, "share", "of inverse volatility's rank in an asset's score", "S4-22.2, S4-19.2"),
    _G("momentum_weight", 0.0, 1.0, "share", "of momentum's rank in an asset's score", "S4-22.2, S4-19.3"),
    _G("confluence_minimum", 1, 6, "signals", "that must agree before an asset is scored", "S4-21.6, S4-20.18", integer=True, breed_low=2, breed_high=4),
    _G("correlation_limit", 0.3, 1.0, "share", "of common movement above which two positions count as one bet", "S4-13.21, S4-21.7", breed_low=0.5, breed_high=0.9),
    _G("volatility_floor", 0.5, 2.0, "multiple", "no entry while volatility(20) is below this multiple of its mean over 100", "S4-18.4", breed_high=1.0),
    _G("volatility_multiple", 1.0, 3.0, "multiple", "no entry while volatility(20) is above this multiple of its mean over 100", "S4-22.3, S4-20.8", breed_low=1.5),
    _G("fear_greed_sensitivity", 0.0, 1.0, "share", "no long above 100 − 50·s of fear and greed, no short below 50·s", "S4-22.3, S4-10.10"),
))  # fmt: skip
"""The genes of size, exit, risk and regime: 23. S4-18.1 counts 22; the correlation limit of S4-13.21 is one more."""

CONSTANTS: Mapping[str, GeneSpec] = _index((
    _G("fast", 2, 100, "bars", "fast window", "S4-18.2, S4-20.2", "log", integer=True, default=12),
    _G("slow", 5, 200, "bars", "slow window", "S4-18.2, S4-20.2", "log", integer=True, default=26),
    _G("lookback", 5, 50, "bars", "window of a universal measure", "S4-22.1, S4-19.6", "log", integer=True, default=20),
    _G("z_entry", 1.0, 3.0, "deviations", "distance from the mean at which reversion is expected", "S4-22.1, S4-20.5", default=2.0),
    _G("rsi_period", 14, 28, "bars", "window of the RSI", "S4-22.1, S4-20.1", integer=True, default=14),
    _G("oversold", 20, 30, "percent", "an RSI or stochastic below it is cheap", "S4-20.6", default=30),
    _G("overbought", 70, 80, "percent", "an RSI or stochastic above it is dear", "S4-20.6", default=70),
    _G("bb_k", 1.5, 2.5, "deviations", "half width of Bollinger's bands", "S4-22.1, S4-20.4", default=2.0),
    _G("channel", 10, 55, "bars", "window of Donchian's channel", "S4-20.10", "log", integer=True, default=20),
    _G("breakout", 0.001, 0.02, "fraction", "beyond the channel that counts as a breakout", "S4-20.10", "log", default=0.001),
    _G("vwap_k", 1.0, 2.0, "deviations", "distance from the VWAP at which reversion is expected", "S4-20.11", default=1.5),
    _G("momentum", 0.02, 0.10, "fraction", "price velocity that counts as a move", "S4-20.3", "log", default=0.05),
))  # fmt: skip
"""Constants that several families name, with the figures of the requirements: 12 (S4-18.1). The bounds are where
variation looks; a condition may use any number its indicators accept."""

REGIME = ("volatility_floor", "volatility_multiple", "fear_greed_sensitivity")
"""Folded into the entry conditions before a genome is compiled."""


def value_of(genes: Mapping[str, float], name: str) -> float | None:
    """A simulator gene's value, its default where it is absent, None where that means off.

    >>> value_of({"stop": 0.05}, "stop"), value_of({}, "stop"), value_of({}, "atr_period")
    (0.05, None, 14)
    """
    found = genes.get(name)
    return GENES[name].default if found is None else found
