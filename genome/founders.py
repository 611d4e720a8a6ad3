"""The founders: four textbook strategies that the organism lives by before it has bred its own.

Each is pure, incremental and causal, and says NaN until it has seen enough. Parameters are in bars unless their
name says otherwise. Defaults suit bars of five minutes: slow enough that fees of 0.1 % do not eat what they find.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import msgspec

from genome.identity import Genes, canonical, genome_id
from genome.strategy import NAN, CompiledState, Strategy
from genome.windows import Extremes, Sums, added, widened
from organism.errors import BadInput
from organism.market import Bar


class EmaState(msgspec.Struct, frozen=True, gc=False, tag="ema_trend"):
    """n: bars seen; variance: of simple returns per bar."""

    n: int = 0
    fast: float = 0.0
    slow: float = 0.0
    variance: float = 0.0
    close: float = 0.0


class RsiState(msgspec.Struct, frozen=True, gc=False, tag="rsi_reversion"):
    """gain, loss: Wilder's averages per bar (their sums while warming up); held: −1, 0 or 1."""

    n: int = 0
    gain: float = 0.0
    loss: float = 0.0
    close: float = 0.0
    held: float = 0.0


class DonchianState(msgspec.Struct, frozen=True, gc=False, tag="donchian_breakout"):
    """held: −1, 0 or 1."""

    n: int = 0
    entry: Extremes = Extremes()
    exit: Extremes = Extremes()
    held: float = 0.0


class VwapState(msgspec.Struct, frozen=True, gc=False, tag="vwap_reversion"):
    """held: −1, 0 or 1."""

    n: int = 0
    sums: Sums = Sums()
    held: float = 0.0


_RSI_TOP = 100.0

StrategyState = EmaState | RsiState | DonchianState | VwapState | CompiledState


@dataclass(frozen=True, slots=True)
class EmaTrend:
    """Trend following: a fast against a slow exponential average, in units of volatility.

    forecast = clip(gain · (EMA_fast − EMA_slow) / (close · σ · √slow), −1, 1)

    EMA_n moves by 2 / (n + 1) of the distance to the new close and begins at the first close; σ is the
    exponentially weighted standard deviation of returns per bar with the slow window. Dividing by σ·√slow makes
    forecasts comparable between instruments; with gain 1.5 their mean absolute value is about one half.

    Source: R. Carver, "Systematic Trading" (2015), appendix B, the EWMAC rule.
    """

    family: ClassVar[str] = "ema_trend"
    parameters: Genes
    fast: float
    slow: float
    gain: float

    @classmethod
    def of(cls, parameters: Genes, gene: dict[str, float]) -> "EmaTrend":
        """Build from checked genes."""
        if not 1.0 <= gene["fast"] < gene["slow"]:
            raise BadInput(f"ema_trend needs 1 <= fast < slow; was {gene['fast']:g} and {gene['slow']:g}.")
        return cls(parameters, gene["fast"], gene["slow"], gene["gain"])

    @property
    def warmup_bars(self) -> int:
        """The slow window."""
        return math.ceil(self.slow)

    def initial(self) -> EmaState:
        """Before the first bar."""
        return EmaState()

    def step(self, state: EmaState, bar: Bar) -> tuple[EmaState, float]:
        """Move both averages."""
        close, n = bar.close, state.n
        if n == 0:
            return EmaState(1, close, close, 0.0, close), NAN
        change = close / state.close - 1.0
        share = 2.0 / (self.slow + 1.0)
        fast = state.fast + 2.0 / (self.fast + 1.0) * (close - state.fast)
        slow = state.slow + share * (close - state.slow)
        # A plain average until there are enough returns: an early one must not weigh for ever.
        variance = state.variance + max(share, 1.0 / n) * (change * change - state.variance)
        n += 1
        after = EmaState(n, fast, slow, variance, close)
        if n < self.slow:
            return after, NAN
        unit = close * math.sqrt(variance * self.slow)
        if not unit > 0.0:
            return after, 0.0
        return after, max(-1.0, min(1.0, self.gain * (fast - slow) / unit))


@dataclass(frozen=True, slots=True)
class RsiReversion:
    """Mean reversion: buy what fell too much, sell what rose too much, until the middle is reached again.

    RSI = 100 · G / (G + L), with G and L Wilder's averages of gains and losses: the plain mean of the first
    `period` changes, then G ← G + (gain − G) / period. No movement at all counts as 50.
    Enter +1 below `oversold`, −1 above `overbought`; leave when RSI has crossed `middle`.

    Source: J. W. Wilder, "New Concepts in Technical Trading Systems" (1978), section VI.
    """

    family: ClassVar[str] = "rsi_reversion"
    parameters: Genes
    period: int
    oversold: float
    overbought: float
    middle: float

    @classmethod
    def of(cls, parameters: Genes, gene: dict[str, float]) -> "RsiReversion":
        """Build from checked genes. Thresholds are on the scale 0 to 100."""
        low, middle, high = gene["oversold"], gene["middle"], gene["overbought"]
        if not (0.0 < low < middle < high < _RSI_TOP and gene["period"] >= 1.0):
            raise BadInput(
                f"rsi_reversion needs period >= 1 and 0 < oversold < middle < overbought < 100; was period "
                f"{gene['period']:g}, {low:g}, {middle:g}, {high:g}."
            )
        return cls(parameters, int(gene["period"]), low, high, middle)

    @property
    def warmup_bars(self) -> int:
        """`period` changes need one bar more."""
        return self.period + 1

    def initial(self) -> RsiState:
        """Before the first bar."""
        return RsiState()

    def step(self, state: RsiState, bar: Bar) -> tuple[RsiState, float]:
        """Move the averages, then the position."""
        close, n, period = bar.close, state.n, self.period
        if n == 0:
            return RsiState(1, 0.0, 0.0, close, 0.0), NAN
        change = close - state.close
        up, down = (change, 0.0) if change > 0.0 else (0.0, -change)
        if n > period:
            gain = state.gain + (up - state.gain) / period
            loss = state.loss + (down - state.loss) / period
        else:
            gain, loss = state.gain + up, state.loss + down
            if n < period:
                return RsiState(n + 1, gain, loss, close, 0.0), NAN
            gain, loss = gain / period, loss / period
        moved = gain + loss
        rsi = 100.0 * gain / moved if moved > 0.0 else 50.0
        held = state.held
        if rsi < self.oversold:
            held = 1.0
        elif rsi > self.overbought:
            held = -1.0
        elif (held > 0.0 and rsi >= self.middle) or (held < 0.0 and rsi <= self.middle):
            held = 0.0
        return RsiState(n + 1, gain, loss, close, held), held


@dataclass(frozen=True, slots=True)
class DonchianBreakout:
    """Breakout: follow a close beyond the range of the bars before it.

    Enter +1 when close > highest high of the *previous* `entry` bars · (1 + threshold), −1 when close < their
    lowest low · (1 − threshold); leave a long when close < lowest low of the previous `exit` bars, a short
    likewise. The channel never contains the bar that breaks it: with it inside, no close could.

    Source: R. Donchian's rule in the form of the Turtles; C. Faith, "Way of the Turtle" (2007), chapter 5.
    """

    family: ClassVar[str] = "donchian_breakout"
    parameters: Genes
    entry: int
    exit: int
    threshold: float

    @classmethod
    def of(cls, parameters: Genes, gene: dict[str, float]) -> "DonchianBreakout":
        """Build from checked genes. threshold is a fraction of price."""
        if not (1.0 <= gene["exit"] <= gene["entry"] and 0.0 <= gene["threshold"] < 1.0):
            raise BadInput(
                f"donchian_breakout needs 1 <= exit <= entry and 0 <= threshold < 1; was {gene['exit']:g}, "
                f"{gene['entry']:g}, {gene['threshold']:g}."
            )
        return cls(parameters, int(gene["entry"]), int(gene["exit"]), gene["threshold"])

    @property
    def warmup_bars(self) -> int:
        """A whole channel before the bar that may break it."""
        return self.entry + 1

    def initial(self) -> DonchianState:
        """Before the first bar."""
        return DonchianState()

    def step(self, state: DonchianState, bar: Bar) -> tuple[DonchianState, float]:
        """Compare with the channels, then take the bar into them."""
        high, low, close = bar.high, bar.low, bar.close
        held, forecast = state.held, NAN
        if state.n >= self.entry:
            if close > state.entry.upper * (1.0 + self.threshold):
                held = 1.0
            elif close < state.entry.lower * (1.0 - self.threshold):
                held = -1.0
            elif (held > 0.0 and close < state.exit.lower) or (held < 0.0 and close > state.exit.upper):
                held = 0.0
            forecast = held
        after = DonchianState(
            state.n + 1,
            widened(state.entry, high, low, self.entry),
            widened(state.exit, high, low, self.exit),
            held,
        )
        return after, forecast


@dataclass(frozen=True, slots=True)
class VwapReversion:
    """Mean reversion to the volume-weighted average price of the last `window` bars.

    VWAP = Σ p·v / Σ v with p = (high + low + close) / 3; s² = Σ p²·v / Σ v − VWAP²; z = (close − VWAP) / s.
    Enter +1 when z < −entry, −1 when z > entry; leave when z has crossed `exit` standard deviations on the way
    back. The bar itself is part of its window: its close is known by then.

    Source: the VWAP is the execution benchmark of S. Berkowitz, D. Logue and E. Noser (1988), Journal of Finance
    43; bands of standard deviations around it follow Bollinger's.
    """

    family: ClassVar[str] = "vwap_reversion"
    parameters: Genes
    window: int
    entry: float
    exit: float

    @classmethod
    def of(cls, parameters: Genes, gene: dict[str, float]) -> "VwapReversion":
        """Build from checked genes. entry and exit are in standard deviations."""
        if not (gene["window"] >= 1.0 and 0.0 <= gene["exit"] < gene["entry"]):
            raise BadInput(
                f"vwap_reversion needs window >= 1 and 0 <= exit < entry; was {gene['window']:g}, "
                f"{gene['exit']:g}, {gene['entry']:g}."
            )
        return cls(parameters, int(gene["window"]), gene["entry"], gene["exit"])

    @property
    def warmup_bars(self) -> int:
        """The window."""
        return self.window

    def initial(self) -> VwapState:
        """Before the first bar."""
        return VwapState()

    def step(self, state: VwapState, bar: Bar) -> tuple[VwapState, float]:
        """Move the sums, then the position."""
        close = bar.close
        sums = added(state.sums, (bar.high + bar.low + close) / 3.0, bar.volume, self.window)
        n, held = state.n + 1, state.held
        if n < self.window:
            return VwapState(n, sums, 0.0), NAN
        volume, first, second = sums.totals
        if volume > 0.0:
            vwap = first / volume
            spread = second / volume - vwap * vwap
            # Rounding can leave a tiny or negative variance where prices stood still.
            z = (close - vwap) / math.sqrt(spread) if spread > 1e-12 * vwap * vwap else 0.0
            if z < -self.entry:
                held = 1.0
            elif z > self.entry:
                held = -1.0
            elif (held > 0.0 and z >= -self.exit) or (held < 0.0 and z <= self.exit):
                held = 0.0
        return VwapState(n, sums, held), held


Founder = EmaTrend | RsiReversion | DonchianBreakout | VwapReversion

_DEFAULTS: dict[str, dict[str, float]] = {
    "ema_trend": {"fast": 120.0, "slow": 480.0, "gain": 1.5},
    "rsi_reversion": {"period": 48.0, "oversold": 30.0, "middle": 50.0, "overbought": 70.0},
    "donchian_breakout": {"entry": 288.0, "exit": 288.0, "threshold": 0.0},
    "vwap_reversion": {"window": 288.0, "entry": 2.5, "exit": 0.0},
}
_KINDS: dict[str, Callable[[Genes, dict[str, float]], Founder]] = {
    "ema_trend": EmaTrend.of,
    "rsi_reversion": RsiReversion.of,
    "donchian_breakout": DonchianBreakout.of,
    "vwap_reversion": VwapReversion.of,
}
FAMILIES = tuple(_KINDS)
TREND_FAMILIES = frozenset({"ema_trend", "donchian_breakout"})


@lru_cache(maxsize=4_096)
def build(family: str, parameters: Genes = (), bar_s: int = 300) -> Strategy:
    """Make a founder, or a seed for bars of `bar_s` seconds; genes that are left out have its own values.

    Raises `BadInput` for an unknown name.

    >>> build("donchian_breakout", (("entry", 20.0), ("exit", 10.0))).warmup_bars
    21
    """
    if family not in _KINDS:
        return _seed(family, parameters, bar_s)
    genes = dict(canonical(parameters))
    for name in genes:
        if name not in _DEFAULTS[family]:
            raise BadInput(f"{family} has no gene {name!r}; it has {', '.join(_DEFAULTS[family])}.")
    whole = {**_DEFAULTS[family], **genes}
    strategy: Any = _KINDS[family](canonical(tuple(whole.items())), whole)
    return strategy  # type: ignore[no-any-return]


def _seed(family: str, parameters: Genes, bar_s: int) -> Strategy:
    """A seed, compiled. What compiles is heavy, and no founder needs it."""
    from genome.compiled import compiled  # noqa: PLC0415
    from genome.seeds import SEEDS, seed  # noqa: PLC0415

    if family not in SEEDS:
        known = ", ".join((*FAMILIES, *SEEDS))
        raise BadInput(f"there is no strategy family {family!r}; known are {known}.")
    return compiled(seed(family, **dict(parameters)), bar_s)


def founders() -> tuple[tuple[str, Strategy], ...]:
    """Identity and strategy of each founder, generation 0."""
    built = tuple(build(family) for family in FAMILIES)
    return tuple((genome_id(s.family, 0, s.parameters), s) for s in built)
