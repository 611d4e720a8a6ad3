"""What a model sees: about fifty features of the bars, written in the project's own expression language.

Prices are divided by the close, so that a feature means the same at 1 and at 100,000. Every feature of bar t is known at
the close of t. Windows are bars; on 5-minute bars 12, 48 and 288 are an hour, four hours and a day (S0-2.1.4).
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from genome.market import F64, Market
from genome.trees import Binary, Column, Gene, Indicator, Number, Series, Unary
from organism.errors import BadInput

_WRITTEN = {
    # what the price did
    "return_1": "roc(1)",
    "return_3": "roc(3)",
    "return_6": "roc(6)",
    "return_12": "roc(12)",
    "return_48": "roc(48)",
    "return_288": "roc(288)",
    "return_1_lag_1": "lag(roc(1), 1)",
    "return_1_lag_2": "lag(roc(1), 2)",
    "return_12_lag_12": "lag(roc(12), 12)",
    "gap": "gap()",
    # how much it moved
    "volatility_12": "volatility(12)",
    "volatility_48": "volatility(48)",
    "volatility_288": "volatility(288)",
    "volatility_ratio": "volatility_ratio(12, 48)",
    "volatility_percentile": "volatility_percentile(12, 100)",
    "true_range": "true_range() / close",
    "atr_14": "atr(14) / close",
    "body": "(close - open) / close",
    "place_in_bar": "(close - low) / max(high - low, close * 0.000001)",
    # how much was traded
    "volume_ratio_12": "volume_ratio(12)",
    "volume_ratio_48": "volume_ratio(48)",
    "volume_trend_12": "volume_trend(12)",
    "volume_trend_48": "volume_trend(48)",
    "obv_z": "zscore(obv(), 48)",
    # what technicians look at
    "rsi_7": "rsi(7)",
    "rsi_14": "rsi(14)",
    "rsi_28": "rsi(28)",
    "macd": "macd(12, 26, 9) / close",
    "macd_signal": "macd_signal(12, 26, 9) / close",
    "macd_histogram": "macd_histogram(12, 26, 9) / close",
    "bollinger_20": "bb_z(20)",
    "bollinger_48": "bb_z(48)",
    "bollinger_width": "bb_width(20, 2)",
    "stochastic_k": "stoch_k(14, 3, 3)",
    "stochastic_d": "stoch_d(14, 3, 3)",
    "from_ema_9": "close / ema(9) - 1",
    "from_ema_21": "close / ema(21) - 1",
    "from_sma_50": "close / sma(50) - 1",
    "from_sma_200": "close / sma(200) - 1",
    "trend": "ema(9) / ema(21) - 1",
    "from_resistance": "close / donchian_upper(20) - 1",
    "from_support": "close / donchian_lower(20) - 1",
    "from_conversion": "close / ichimoku_conversion(9) - 1",
    "from_base": "close / ichimoku_base(26) - 1",
    "from_vwap": "vwap_z(day)",
}
OPTIONAL = {
    "book_imbalance": "book_imbalance",
    "funding": "funding",
    "fear_greed": "fear_greed / 50 - 1",
}
_CLOCK = ("hour_sin", "hour_cos", "weekday_sin", "weekday_cos", "market_hours")
FEATURES = (*_WRITTEN, *OPTIONAL, *_CLOCK)
"""Names of the columns, in order. Those of `OPTIONAL` are 0, their neutral value, where the market has none: a bar
without a book is no reason to be silent (S0-2.1.8). All others are NaN while warming up, and such rows are not used."""
LOOKBACK = 288
"""Bars at the beginning without features: the longest window."""
_OPEN_H, _CLOSE_H = 8, 18


Leaf = Callable[[Column | Indicator], F64]
"""What a column or an indicator is worth, at the bars at hand."""


def features(market: Market) -> F64:
    """The feature matrix, float64 (T, len(FEATURES)), C order. Causal: row t is known at the close of t."""

    def leaf(node: Column | Indicator) -> F64:
        if isinstance(node, Column):
            return market.column(node.name)
        from genome.indicators import compute  # noqa: PLC0415 - numba's kernels

        source = None if node.source is None else leaf(node.source)
        return compute(node.name, numbers(node), market, source, node.timeframe)

    return assembled(leaf, market)


def assembled(leaf: Leaf, market: Market) -> F64:
    """Rows of features for the bars of `market`, from the values of their columns and indicators."""
    out = np.empty((market.size, len(FEATURES)))
    with np.errstate(all="ignore"):
        for at, (name, series) in enumerate(written().items()):
            values = _value(series, leaf)
            out[:, at] = (
                np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0) if name in OPTIONAL else values
            )
    hour, weekday = market.column("hour").astype(np.int64), market.column("weekday").astype(np.int64)
    clock = (
        _HOURS[0][hour],
        _HOURS[1][hour],
        _DAYS[0][weekday],
        _DAYS[1][weekday],
        (hour >= _OPEN_H) & (hour < _CLOSE_H),
    )
    for at, row in enumerate(clock):
        out[:, len(_WRITTEN) + len(OPTIONAL) + at] = row
    return out


def numbers(node: Indicator) -> tuple[float, ...]:
    """Arguments of an indicator that has no named ones."""
    return tuple(argument.value for argument in node.arguments if isinstance(argument, Number))


@lru_cache(maxsize=1)
def written() -> dict[str, Series]:
    """The features that are expressions, by name."""
    from genome.grammar import parse_series  # noqa: PLC0415

    return {name: parse_series(text) for name, text in {**_WRITTEN, **OPTIONAL}.items()}


def _circle(n: int) -> tuple[F64, F64]:
    turn = [2.0 * math.pi * i / n for i in range(n)]
    return np.array([math.sin(x) for x in turn]), np.array([math.cos(x) for x in turn])


# Looked up rather than computed: a vector sine and a scalar one may differ in the last bit.
_HOURS, _DAYS = _circle(24), _circle(7)


def _value(node: Series, leaf: Leaf) -> F64:
    match node:
        case Number(value):
            return np.array([value])
        case Column() | Indicator():
            return leaf(node)
        case Unary(operator, operand):
            inner = _value(operand, leaf)
            return -inner if operator == "-" else np.abs(inner)
        case Binary(operator, left, right):
            both: F64 = _BINARY[operator](_value(left, leaf), _value(right, leaf))
            return both
        case Gene(name):
            raise BadInput(
                f"a feature was written with the gene {name!r}; features are made of numbers alone."
            )


def _divided(a: F64, b: F64) -> F64:
    out: F64 = np.where(b == 0.0, np.nan, a / b)
    return out


_BINARY: dict[str, Callable[[F64, F64], F64]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": _divided,
    "min": np.minimum,
    "max": np.maximum,
}
