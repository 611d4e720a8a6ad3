"""Markets to compute indicators on, and parameters for every word."""

import numpy as np

from genome.market import market
from genome.vocabulary import COLUMN_INDEX, WORDS

HOUR, DAY = 3_600, 86_400
START = 20_000 * DAY  # a Thursday
SINGLE = tuple(name for name, word in WORDS.items() if not word.panel)
NEED_VOLUME = ("vwap", "vwap_upper", "vwap_lower", "vwap_z", "volume_ratio", "volume_trend", "obv", "poc", "value_area_high", "value_area_low")  # fmt: skip

SHORT = {
    "macd": (3, 6, 4), "macd_signal": (3, 6, 4), "macd_histogram": (3, 6, 4), "stoch_k": (5, 3, 2), "stoch_d": (5, 3, 2),
    "ichimoku_span_a": (3, 7, 4), "ichimoku_span_b": (9, 4), "volatility_percentile": (4, 9), "volatility_ratio": (4, 9),
    "bb_upper": (6, 2.0), "bb_lower": (6, 1.5), "bb_width": (6, 2.0), "swing_high": (2,), "swing_low": (2,),
    "vwap": (0,), "vwap_upper": (1, 1.5), "vwap_lower": (2, 1.5), "vwap_z": (0,), "fibonacci": (0.618, 20, 0),
    "true_range": (), "obv": (), "gap": (),
}  # fmt: skip
"""Parameters so short that a few dozen bars are enough."""


def parameters(name):
    return tuple(float(v) for v in SHORT.get(name, (6,)))


def variants(name):
    """All parameters worth a run of their own: each choice of a choice."""
    usual = parameters(name)
    choices = [(i, len(p.choices)) for i, p in enumerate(WORDS[name].parameters) if p.choices]
    if not choices:
        return [usual]
    i, n = choices[0]
    return [(*usual[:i], float(k), *usual[i + 1 :]) for k in range(n)]


ALL = [(name, params) for name in SINGLE for params in variants(name)]


def name_of(value):
    return value if isinstance(value, str) else "-".join(f"{v:g}" for v in value)


def walk(
    size, seed=1, *, bar_s=HOUR, start_s=START, step=0.01, price=100.0, void=0.0, silent=0.0, missing=0.0
):
    """A random market; shares of its bars are void, without volume, or missing."""
    rng = np.random.default_rng(seed)
    close = price * np.exp(np.cumsum(rng.normal(0.0, step, size)))
    opens = np.r_[price, close[:-1]] * np.exp(rng.normal(0.0, step / 4, size))
    high = np.maximum(opens, close) * (1.0 + rng.random(size) * step)
    low = np.minimum(opens, close) * (1.0 - rng.random(size) * step)
    volume = np.where(rng.random(size) < silent, 0.0, rng.gamma(2.0, 10.0, size))
    open_s = start_s + bar_s * np.arange(size)
    ohlcv = np.array([opens, high, low, close, volume])
    ohlcv[:, rng.random(size) < void] = np.nan
    here = rng.random(size) >= missing
    here[0] = True
    return market("WALK/USD", open_s[here], bar_s, tuple(np.ascontiguousarray(row[here]) for row in ohlcv))


def copied(world, columns):
    """The same market with other columns."""
    rows = tuple(columns[COLUMN_INDEX[name]] for name in ("open", "high", "low", "close", "volume"))
    return market(world.symbol, world.open_s, world.bar_s, rows)


def cut(world, size):
    """Its first bars."""
    rows = tuple(
        np.ascontiguousarray(world.column(name)[:size]) for name in ("open", "high", "low", "close", "volume")
    )
    return market(world.symbol, world.open_s[:size], world.bar_s, rows)
