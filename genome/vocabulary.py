"""The words that expressions are made of: columns of the market, and indicators with their parameters.

Only names, bounds and lookbacks: nothing here computes, and nothing heavy is imported, so that text can be read and
printed anywhere. The kernels behind the names are in `genome.indicators`; a test holds both lists together.
"""

from collections.abc import Callable
from dataclasses import dataclass

COLUMNS = (
    "open", "high", "low", "close", "volume", "typical", "funding", "fear_greed", "book_imbalance", "hour", "weekday",
)  # fmt: skip
"""Rows of a market, in this order. Quote currency; base units; typical = (high + low + close) / 3; newest settled rate
per interval, fraction; index 0 to 100; (bid − ask) / (bid + ask) of the top levels in [−1, 1]; hour 0 to 23 and weekday
(Monday 0) of the bar's close, UTC. What a market does not have is NaN."""
COLUMN_INDEX = {name: i for i, name in enumerate(COLUMNS)}

MOST_BARS = 2_000
"""The longest window."""

TIMEFRAMES = {"": 0, "5m": 300, "15m": 900, "30m": 1_800, "1h": 3_600, "4h": 14_400, "12h": 43_200, "1d": 86_400, "1w": 604_800}  # fmt: skip
"""Higher timeframes an indicator may be computed on, in seconds; weeks begin on Monday, 00:00 UTC."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number an indicator takes.

    choices   names for 0, 1, 2 …: written by name, carried as a number
    """

    name: str
    low: float
    high: float
    default: float
    integer: bool = True
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """An indicator as it may be written.

    lookback      parameters → bars at the beginning that have no value (TA-Lib's lookback); swings may need more
    kind          "price", "fraction", "percent" (0 to 100), "volume", "deviations", "number": what it may sensibly be
                  compared with; used by variation, never refused
    takes_source  its first argument may be a column or another indicator; `close` when left out
    panel         needs all assets of a market at once
    """

    name: str
    parameters: tuple[Parameter, ...]
    lookback: Callable[[tuple[float, ...]], int]
    kind: str
    meaning: str
    takes_source: bool = False
    panel: bool = False


def _bars(name: str = "n", default: float = 14, low: float = 1, high: float = MOST_BARS) -> Parameter:
    return Parameter(name, low, high, default)


def _real(name: str, low: float, high: float, default: float) -> Parameter:
    return Parameter(name, low, high, default, integer=False)


def _macd_lookback(p: tuple[float, ...]) -> int:
    return int(max(p[0], p[1]) + p[2]) - 2


_ANCHOR = Parameter("anchor", 0, 2, 0, choices=("day", "week", "month"))
_PIVOT = Parameter("method", 0, 2, 0, choices=("fractal", "zigzag", "extreme"))
_MACD = (_bars("fast", 12), _bars("slow", 26), _bars("signal", 9))
_STOCH = (_bars("k", 14), _bars("smooth", 3), _bars("d", 3))
_LIST = (
    Word("sma", (_bars(default=20),), lambda p: int(p[0]) - 1, "price", "mean of n", takes_source=True),
    Word("ema", (_bars(default=20),), lambda p: int(p[0]) - 1, "price", "α = 2/(n+1), seeded with the first value", takes_source=True),
    Word("wma", (_bars(default=20),), lambda p: int(p[0]) - 1, "price", "weights 1 … n, newest heaviest", takes_source=True),
    Word("rsi", (_bars(default=14, low=2),), lambda p: int(p[0]), "percent", "Wilder's relative strength index", takes_source=True),
    Word("macd", _MACD, _macd_lookback, "number", "ema(fast) − ema(slow)", takes_source=True),
    Word("macd_signal", _MACD, _macd_lookback, "number", "ema(signal) of macd", takes_source=True),
    Word("macd_histogram", _MACD, _macd_lookback, "number", "macd − macd_signal", takes_source=True),
    Word("bb_upper", (_bars(default=20, low=2), _real("k", 0.1, 10, 2)), lambda p: int(p[0]) - 1, "price", "sma + k·σ, ddof 0", takes_source=True),
    Word("bb_lower", (_bars(default=20, low=2), _real("k", 0.1, 10, 2)), lambda p: int(p[0]) - 1, "price", "sma − k·σ, ddof 0", takes_source=True),
    Word("bb_width", (_bars(default=20, low=2), _real("k", 0.1, 10, 2)), lambda p: int(p[0]) - 1, "fraction", "(upper − lower) / middle", takes_source=True),
    Word("bb_z", (_bars(default=20, low=2),), lambda p: int(p[0]) - 1, "deviations", "(x − sma) / σ, ddof 0; 0 where σ is 0", takes_source=True),
    Word("zscore", (_bars(default=20, low=2),), lambda p: int(p[0]) - 1, "deviations", "(x − mean) / σ, ddof 1; 0 where σ is 0", takes_source=True),
    Word("true_range", (), lambda _: 1, "price", "max(high, close[t−1]) − min(low, close[t−1])"),
    Word("atr", (_bars(default=14),), lambda p: int(p[0]), "price", "Wilder's average of the true range"),
    Word("donchian_upper", (_bars(default=20),), lambda p: int(p[0]), "price", "highest high of the n bars before this one"),
    Word("donchian_lower", (_bars(default=20),), lambda p: int(p[0]), "price", "lowest low of the n bars before this one"),
    Word("resistance", (_bars(default=20),), lambda p: int(p[0]), "price", "highest close of the n bars before this one"),
    Word("support", (_bars(default=20),), lambda p: int(p[0]), "price", "lowest close of the n bars before this one"),
    Word("highest", (_bars(default=20),), lambda p: int(p[0]) - 1, "price", "maximum of the last n, this one included", takes_source=True),
    Word("lowest", (_bars(default=20),), lambda p: int(p[0]) - 1, "price", "minimum of the last n, this one included", takes_source=True),
    Word("vwap", (_ANCHOR,), lambda _: 0, "price", "Σ typical·volume / Σ volume since the day, week or month began"),
    Word("vwap_upper", (_ANCHOR, _real("k", 0.1, 10, 2)), lambda _: 0, "price", "vwap + k·σ, σ volume-weighted"),
    Word("vwap_lower", (_ANCHOR, _real("k", 0.1, 10, 2)), lambda _: 0, "price", "vwap − k·σ"),
    Word("vwap_z", (_ANCHOR,), lambda _: 0, "deviations", "(close − vwap) / σ; 0 where σ is 0"),
    Word("stoch_k", _STOCH, lambda p: int(p[0] + p[1] + p[2]) - 3, "percent", "slow %K: sma(smooth) of the raw stochastic"),
    Word("stoch_d", _STOCH, lambda p: int(p[0] + p[1] + p[2]) - 3, "percent", "sma(d) of slow %K"),
    Word("ichimoku_conversion", (_bars(default=9),), lambda p: int(p[0]) - 1, "price", "(highest high + lowest low) / 2 of n"),
    Word("ichimoku_base", (_bars(default=26),), lambda p: int(p[0]) - 1, "price", "(highest high + lowest low) / 2 of n"),
    Word("ichimoku_span_a", (_bars("conversion", 9), _bars("base", 26), _bars("displacement", 26)),
         lambda p: int(max(p[0], p[1]) - 1 + p[2]), "price", "(conversion + base) / 2 of `displacement` bars ago"),
    Word("ichimoku_span_b", (_bars("n", 52), _bars("displacement", 26)),
         lambda p: int(p[0] - 1 + p[1]), "price", "(highest + lowest) / 2 of n, as it was `displacement` bars ago"),
    Word("lag", (_bars(default=1),), lambda p: int(p[0]), "price", "the value n bars ago", takes_source=True),
    Word("roc", (_bars(default=10),), lambda p: int(p[0]), "fraction", "x / x[t−n] − 1", takes_source=True),
    Word("volatility", (_bars(default=20, low=2),), lambda p: int(p[0]), "fraction", "σ of n log returns per bar, ddof 1", takes_source=True),
    Word("volatility_percentile", (_bars("n", 20, 2), _bars("window", 100, 2)),
         lambda p: int(p[0] + p[1]) - 1, "fraction", "share of the last `window` volatilities below this one, ties half", takes_source=True),
    Word("volatility_ratio", (_bars("n", 20, 2), _bars("window", 100, 2)),
         lambda p: int(p[0] + p[1]) - 1, "number", "volatility(n) / its mean over `window`", takes_source=True),
    Word("volume_ratio", (_bars(default=20),), lambda p: int(p[0]) - 1, "number", "volume / its mean of n"),
    Word("volume_trend", (_bars(default=20, low=2),), lambda p: int(p[0]) - 1, "fraction", "least-squares slope of volume over n, per bar, / its mean"),
    Word("obv", (), lambda _: 0, "volume", "on-balance volume"),
    Word("poc", (_bars(default=100, low=2),), lambda p: int(p[0]) - 1, "price", "point of control: middle of the busiest of 24 price bins of n bars"),
    Word("value_area_high", (_bars(default=100, low=2),), lambda p: int(p[0]) - 1, "price", "upper edge of the bins around it that hold 70 % of volume"),
    Word("value_area_low", (_bars(default=100, low=2),), lambda p: int(p[0]) - 1, "price", "lower edge"),
    Word("swing_high", (_bars(default=5),), lambda p: 2 * int(p[0]), "price", "newest confirmed swing high: higher than n bars on both sides"),
    Word("swing_low", (_bars(default=5),), lambda p: 2 * int(p[0]), "price", "newest confirmed swing low"),
    Word("fibonacci", (_real("level", 0, 2, 0.618), _bars("n", 50, 3), _PIVOT), lambda p: int(p[1]), "price",
         "retracement level between the newest confirmed swings within n bars"),
    Word("gap", (), lambda _: 1, "fraction", "open / previous close − 1"),
    Word("momentum_rank", (_bars(default=20),), lambda p: int(p[0]), "fraction", "rank of roc(n) among all assets at this instant, 0 to 1", panel=True),
    Word("relative_momentum", (_bars(default=20),), lambda p: int(p[0]), "fraction", "roc(n) less its mean over all assets", panel=True),
)  # fmt: skip
WORDS = {word.name: word for word in _LIST}
