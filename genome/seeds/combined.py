"""Three families that combine: three primary and three confirming conditions each (S4-20.14 to S4-20.16).

*Or, not and* (S4-24.17): two of three primary conditions and any one confirmation. All six at once would be so rare that
nothing could be learned from what follows.
"""

from dataclasses import replace

from genome.genes import CONSTANTS, GeneSpec
from genome.seeds.seed import Seed


def _constant(name: str, low: float, high: float, default: float | None = None) -> GeneSpec:
    """A constant that families share: bred as the requirements say, checked in wider bounds."""
    spec = CONSTANTS[name]
    own = spec.default if default is None else default
    return replace(spec, low=low, high=high, breed_low=spec.low, breed_high=spec.high, default=own)


_FAST, _SLOW = _constant("fast", 2, 2_000), _constant("slow", 2, 2_000)
_RSI, _LOOKBACK = _constant("rsi_period", 2, 2_000), _constant("lookback", 2, 2_000)


def _two_of(a: str, b: str, c: str) -> str:
    return f"({a} and {b} or {a} and {c} or {b} and {c})"


def _any_of(a: str, b: str, c: str) -> str:
    return f"({a} or {b} or {c})"


MOMENTUM_CONFLUENCE = Seed(
    name="momentum_confluence",
    genes=(_FAST, _SLOW, _RSI, _LOOKBACK, _constant("momentum", 0.0001, 1.0, 0.02)),
    entry_long="fast < slow and "
    + _two_of("ema(fast) > ema(slow)", "rsi(rsi_period) > 50", "roc(lookback) > momentum")
    + " and "
    + _any_of("macd_histogram(12, 26, 9) > 0", "volume_ratio(lookback) > 1", "close > vwap(week)"),
    exit_long="ema(fast) < ema(slow) or roc(lookback) < 0",
    entry_short="fast < slow and "
    + _two_of("ema(fast) < ema(slow)", "rsi(rsi_period) < 50", "roc(lookback) < -momentum")
    + " and "
    + _any_of("macd_histogram(12, 26, 9) < 0", "volume_ratio(lookback) > 1", "close < vwap(week)"),
    exit_short="ema(fast) > ema(slow) or roc(lookback) > 0",
    mathematics="Primary: EMA(fast) over EMA(slow), RSI over 50, roc(lookback) over `momentum`; two of three. Confirmation: MACD histogram "
    "positive, volume above its mean, close above the week's VWAP; any. Out when the averages or the return have turned.",
    why="Measures of one thing with different faults are seldom wrong together.",
    source="N. Jegadeesh and S. Titman, 'Returns to buying winners and selling losers', Journal of Finance 48 (1993), pp. 65–91; "
    "G. Appel, 'Technical Analysis: Power Tools' (2005), ch. 8.",
    rows="S4-20.14, S4-20.18, S1-5.1",
    example="fast=2 slow=4 rsi_period=2 lookback=3 on a rise of 1 % a bar: long from bar 3 on, where all have values.",
)

MEAN_REVERSION_SETUP = Seed(
    name="mean_reversion_setup",
    genes=(
        _LOOKBACK, _constant("z_entry", 0.1, 10.0), _RSI, _constant("oversold", 1, 99), _constant("overbought", 1, 99),
        _constant("bb_k", 0.1, 10.0),
    ),
    entry_long=_two_of("zscore(lookback) < -z_entry", "rsi(rsi_period) < oversold", "close < bb_lower(lookback, bb_k)")
    + " and "
    + _any_of("stoch_k(14, 3, 3) < oversold", "volume_ratio(lookback) > 1", "volatility_percentile(lookback, 100) < 0.8")
    + " and volatility(lookback) > 0",
    exit_long="zscore(lookback) > 0",
    entry_short=_two_of("zscore(lookback) > z_entry", "rsi(rsi_period) > overbought", "close > bb_upper(lookback, bb_k)")
    + " and "
    + _any_of("stoch_k(14, 3, 3) > overbought", "volume_ratio(lookback) > 1", "volatility_percentile(lookback, 100) < 0.8")
    + " and volatility(lookback) > 0",
    exit_short="zscore(lookback) < 0",
    mathematics="Primary: z-score beyond z_entry deviations (at least 2, S1-3.10), RSI beyond its level, close beyond Bollinger's band; two of "
    "three. Confirmation: stochastic beyond the level, volume above its mean, volatility not in its highest fifth; any. Out at the mean.",
    why="Overreaction comes back, most surely where it was exhausted (volume) and not the beginning of a storm (volatility).",
    source="W. De Bondt and R. Thaler, 'Does the stock market overreact?', Journal of Finance 40 (1985), pp. 793–805; "
    "J. Bollinger, 'Bollinger on Bollinger Bands' (2001), ch. 16.",
    rows="S4-20.15, S1-3.10, S1-5.2",
    example="lookback=5 rsi_period=2 z_entry=1.5 bb_k=1.5 on closes that swing between 100 and 101, then 90 on volume: long there.",
)  # fmt: skip

BREAKOUT_VALIDATION = Seed(
    name="breakout_validation",
    genes=(
        _constant("channel", 2, 2_000), _constant("breakout", 0.00001, 0.5), _LOOKBACK, _constant("bb_k", 0.1, 10.0),
        GeneSpec("surge", 0.5, 20.0, "multiple", "of mean volume that validates a breakout", "S1-3.9", breed_low=1.2, breed_high=3.0, default=1.5),
    ),
    entry_long=_two_of(
        "close > donchian_upper(channel) * (1 + breakout)", "close > resistance(lookback)", "close > bb_upper(lookback, bb_k)"
    )
    + " and "
    + _any_of("volume_ratio(lookback) > surge", "volatility_ratio(lookback, 100) > 1", "obv() > sma(obv(), lookback)"),
    exit_long="close < sma(lookback)",
    entry_short=_two_of(
        "close < donchian_lower(channel) * (1 - breakout)", "close < support(lookback)", "close < bb_lower(lookback, bb_k)"
    )
    + " and "
    + _any_of("volume_ratio(lookback) > surge", "volatility_ratio(lookback, 100) > 1", "obv() < sma(obv(), lookback)"),
    exit_short="close > sma(lookback)",
    mathematics="Primary: close beyond Donchian's channel by `breakout`, beyond resistance (highest close), beyond Bollinger's band; two of "
    "three. Confirmation: a surge of volume, volatility above its mean, on-balance volume above its mean; any. Out through the mean.",
    why="A level that breaks on volume was broken by somebody who means it.",
    source="R. Edwards and J. Magee, 'Technical Analysis of Stock Trends' (1948), ch. 12; J. Granville's on-balance volume (1963).",
    rows="S4-20.16, S1-3.9, S1-5.3",
    example="channel=20 lookback=20, 20 closes of 100, then 101 … 120: long at bar 20 and after it.",
)  # fmt: skip

COMBINED = (MOMENTUM_CONFLUENCE, MEAN_REVERSION_SETUP, BREAKOUT_VALIDATION)
