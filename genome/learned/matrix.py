"""What a model sees: about fifty features of the bars, written in the project's own expression language.

`genome.learned.program` computes them. Prices are divided by the close, so that a feature means the same at 1 and at 100,000. Every feature of bar t is known at
the close of t. Windows are bars; on 5-minute bars 12, 48 and 288 are an hour, four hours and a day (S0-2.1.4).
"""

from functools import lru_cache

from genome.trees import Series

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


@lru_cache(maxsize=1)
def written() -> dict[str, Series]:
    """The features that are expressions, by name."""
    from genome.grammar import parse_series  # noqa: PLC0415

    return {name: parse_series(text) for name, text in {**_WRITTEN, **OPTIONAL}.items()}
