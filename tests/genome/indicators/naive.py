"""Every word once more, from its definition, in plain Python: slow, obvious, without memory between bars.

`naive(name, params, market)` drops the bars that a word passes over, asks `_VALUES[name](params, bars, t)` for each
bar t of the rest, and puts NaN back where bars were dropped and where fewer than `lookback` came before.
"""

import datetime as dt
import math
from dataclasses import dataclass
from functools import cache, cached_property
from statistics import fmean

from genome.vocabulary import WORDS
from tests.genome.indicators.worlds import NEED_VOLUME

NAN = math.nan


@dataclass
class Bars:
    at: list
    open: list
    high: list
    low: list
    close: list
    volume: list

    @cached_property
    def typical(self):
        return [(h + low + c) / 3 for h, low, c in zip(self.high, self.low, self.close, strict=True)]


def naive(name, params, market):
    names = ("open", "high", "low", "close", "volume")
    rows = list(zip(market.open_s.tolist(), *(market.column(n).tolist() for n in names), strict=True))
    needed = 6 if name in NEED_VOLUME else 5
    kept = [t for t, row in enumerate(rows) if all(math.isfinite(v) for v in row[:needed])]
    bars = Bars(*(list(column) for column in zip(*(rows[t] for t in kept), strict=True)))
    out = [NAN] * market.size
    for i, t in enumerate(kept):
        if i >= WORDS[name].lookback(params):
            out[t] = _VALUES[name](params, bars, i)
    return out


def last(values, t, n):
    return values[t - int(n) + 1 : t + 1]


def before(values, t, n):
    return values[t - int(n) : t]


def sigma(values, ddof=0):
    middle = fmean(values)
    return math.sqrt(math.fsum((v - middle) ** 2 for v in values) / (len(values) - ddof))


def ema_all(values, n):
    out = values[:1]
    for v in values[1:]:
        out.append(out[-1] + 2 / (n + 1) * (v - out[-1]))
    return out


def wilder_all(values, n):
    """Averages from the n-th value on."""
    n = int(n)
    out = [fmean(values[:n])]
    for v in values[n:]:
        out.append((out[-1] * (n - 1) + v) / n)
    return out


def wma(p, b, t):
    n = int(p[0])
    return sum((k + 1) * v for k, v in enumerate(last(b.close, t, n))) / sum(range(1, n + 1))


def rsi(p, b, t):
    moves = [now - was for was, now in zip(b.close[:t], b.close[1 : t + 1], strict=True)]
    gain = wilder_all([max(m, 0) for m in moves], p[0])[-1]
    loss = wilder_all([max(-m, 0) for m in moves], p[0])[-1]
    return 100 * gain / (gain + loss) if gain + loss > 1e-14 else 0.0


def macd(p, b, t):
    line = [
        f - s for f, s in zip(ema_all(b.close[: t + 1], p[0]), ema_all(b.close[: t + 1], p[1]), strict=True)
    ]
    signal = ema_all(line[int(max(p[0], p[1])) - 1 :], p[2])[-1]
    return line[-1], signal, line[-1] - signal


def band(k, scale):
    def value(p, b, t):
        values = last(b.close, t, p[0])
        return fmean(values) + k * (p[1] if scale else 1) * sigma(values)

    return value


def score(ddof):
    def value(p, b, t):
        values = last(b.close, t, p[0])
        s = sigma(values, ddof)
        return (values[-1] - fmean(values)) / s if s > 0 else 0.0

    return value


def true_range(b, t):
    return max(b.high[t], b.close[t - 1]) - min(b.low[t], b.close[t - 1])


@cache
def anchor_of(at, anchor):
    day = dt.datetime.fromtimestamp(at, dt.UTC).date()
    return (day, day.isocalendar()[:2], (day.year, day.month))[int(anchor)]


def vwap(p, b, t):
    since = [i for i in range(t + 1) if anchor_of(b.at[i], p[0]) == anchor_of(b.at[t], p[0])]
    total = sum(b.volume[i] for i in since)
    if total == 0:
        return NAN, NAN
    average = sum(b.typical[i] * b.volume[i] for i in since) / total
    return average, math.sqrt(sum(b.volume[i] * (b.typical[i] - average) ** 2 for i in since) / total)


def vwap_z(p, b, t):
    average, s = vwap(p, b, t)
    return (b.close[t] - average) / s if s > 1e-9 else 0.0 * average


def raw_stochastic(p, b, t):
    top, bottom = max(last(b.high, t, p[0])), min(last(b.low, t, p[0]))
    return 100 * (b.close[t] - bottom) / (top - bottom) if top > bottom else 0.0


def stoch_k(p, b, t):
    return fmean(raw_stochastic(p, b, i) for i in range(t - int(p[1]) + 1, t + 1))


def middle(n, b, t):
    return (max(last(b.high, t, n)) + min(last(b.low, t, n))) / 2


def volatility(p, b, t):
    return sigma([math.log(b.close[i] / b.close[i - 1]) for i in range(t - int(p[0]) + 1, t + 1)], ddof=1)


def volatilities(p, b, t):
    return [volatility(p, b, i) for i in range(t - int(p[1]) + 1, t + 1)]


def percentile(p, b, t):
    past = volatilities(p, b, t)
    return (sum(v < past[-1] for v in past) + sum(v == past[-1] for v in past) / 2) / len(past)


def volume_trend(p, b, t):
    values = last(b.volume, t, p[0])
    n = len(values)
    slope = sum((k - (n - 1) / 2) * v for k, v in enumerate(values)) / sum(
        (k - (n - 1) / 2) ** 2 for k in range(n)
    )
    return slope / fmean(values)


def obv(b, t):
    signs = [1, *((now > was) - (now < was) for was, now in zip(b.close, b.close[1:], strict=False))]
    return math.fsum(s * v for s, v in zip(signs[: t + 1], b.volume[: t + 1], strict=True))


def profile(p, b, t):
    bottom, top = min(last(b.low, t, p[0])), max(last(b.high, t, p[0]))
    width = (top - bottom) / 24
    bins = [0.0] * 24
    for price, volume in zip(last(b.typical, t, p[0]), last(b.volume, t, p[0]), strict=True):
        bins[min(int((price - bottom) / (top - bottom) * 24), 23)] += volume
    if sum(bins) == 0:
        return NAN, NAN, NAN
    high = low = point = bins.index(max(bins))
    while sum(bins[low : high + 1]) < 0.7 * sum(bins):
        up = bins[high + 1] if high < 23 else -1
        down = bins[low - 1] if low > 0 else -1
        high, low = (high + 1, low) if up >= down else (high, low - 1)
    return bottom + (point + 0.5) * width, bottom + (high + 1) * width, bottom + low * width


def swings(values, n, t):
    """Bars whose value is strictly the largest among n on both sides, all of them known at t."""
    n = int(n)
    return [
        i
        for i in range(n, t - n + 1)
        if all(values[i] > v for k, v in enumerate(values[i - n : i + n + 1]) if k != n)
    ]


def swing(values, n, t):
    found = swings(values, n, t)
    return values[found[-1]] if found else NAN


def negative(values):
    return [-v for v in values]


def fibonacci(p, b, t):
    level, n, method = p[0], int(p[1]), int(p[2])
    if method == 0:
        highs, lows = swings(b.high, 2, t), swings(negative(b.low), 2, t)
    elif method == 1:
        highs, lows = zigzag(b, t)
    else:
        window = range(t - n, t)
        highs = [max(window, key=lambda i: (b.high[i], i))]
        lows = [max(window, key=lambda i: (-b.low[i], i))]
    if not highs or not lows:
        return NAN
    h, low = highs[-1], lows[-1]
    if method < 2 and min(h, low) <= t - n:
        return NAN
    top, bottom = b.high[h], b.low[low]
    if top <= bottom:
        return NAN
    return top - level * (top - bottom) if h >= low else bottom + level * (top - bottom)


def zigzag(b, t):
    """Turns of 2 ATR(14): from the last turn on, the first bar that came back that far from the extreme so far."""
    highs, lows, direction = [], [], 0
    top = bottom = 0
    ranges = [true_range(b, i) for i in range(1, t + 1)]
    averages = wilder_all(ranges, 14) if len(ranges) >= 14 else []
    for i in range(1, t + 1):
        back = 2 * averages[i - 14] if i >= 14 else math.inf
        new_top = direction >= 0 and b.high[i] > b.high[top]
        new_bottom = direction <= 0 and b.low[i] < b.low[bottom]
        top, bottom = (i if new_top else top), (i if new_bottom else bottom)
        if direction >= 0 and not new_top and b.low[i] <= b.high[top] - back:
            highs.append(top)
            direction, bottom = -1, i
        elif direction <= 0 and not new_bottom and b.high[i] >= b.low[bottom] + back:
            lows.append(bottom)
            direction, top = 1, i
    return highs, lows


def ratio(a, b):
    return a / b if b else NAN


_VALUES = {
    "sma": lambda p, b, t: fmean(last(b.close, t, p[0])),
    "ema": lambda p, b, t: ema_all(b.close[: t + 1], p[0])[-1],
    "wma": wma,
    "rsi": rsi,
    "macd": lambda p, b, t: macd(p, b, t)[0],
    "macd_signal": lambda p, b, t: macd(p, b, t)[1],
    "macd_histogram": lambda p, b, t: macd(p, b, t)[2],
    "bb_upper": band(1, scale=True),
    "bb_lower": band(-1, scale=True),
    "bb_width": lambda p, b, t: 2 * p[1] * sigma(last(b.close, t, p[0])) / fmean(last(b.close, t, p[0])),
    "bb_z": score(0),
    "zscore": score(1),
    "true_range": lambda p, b, t: true_range(b, t),
    "atr": lambda p, b, t: wilder_all([true_range(b, i) for i in range(1, t + 1)], p[0])[-1],
    "donchian_upper": lambda p, b, t: max(before(b.high, t, p[0])),
    "donchian_lower": lambda p, b, t: min(before(b.low, t, p[0])),
    "resistance": lambda p, b, t: max(before(b.close, t, p[0])),
    "support": lambda p, b, t: min(before(b.close, t, p[0])),
    "highest": lambda p, b, t: max(last(b.close, t, p[0])),
    "lowest": lambda p, b, t: min(last(b.close, t, p[0])),
    "vwap": lambda p, b, t: vwap(p, b, t)[0],
    "vwap_upper": lambda p, b, t: vwap(p, b, t)[0] + p[1] * vwap(p, b, t)[1],
    "vwap_lower": lambda p, b, t: vwap(p, b, t)[0] - p[1] * vwap(p, b, t)[1],
    "vwap_z": vwap_z,
    "stoch_k": stoch_k,
    "stoch_d": lambda p, b, t: fmean(stoch_k(p, b, i) for i in range(t - int(p[2]) + 1, t + 1)),
    "ichimoku_conversion": lambda p, b, t: middle(p[0], b, t),
    "ichimoku_base": lambda p, b, t: middle(p[0], b, t),
    "ichimoku_span_a": lambda p, b, t: (middle(p[0], b, t - int(p[2])) + middle(p[1], b, t - int(p[2]))) / 2,
    "ichimoku_span_b": lambda p, b, t: middle(p[0], b, t - int(p[1])),
    "lag": lambda p, b, t: b.close[t - int(p[0])],
    "roc": lambda p, b, t: b.close[t] / b.close[t - int(p[0])] - 1,
    "volatility": volatility,
    "volatility_percentile": percentile,
    "volatility_ratio": lambda p, b, t: ratio(volatility(p, b, t), fmean(volatilities(p, b, t))),
    "volume_ratio": lambda p, b, t: ratio(b.volume[t], fmean(last(b.volume, t, p[0]))),
    "volume_trend": volume_trend,
    "obv": lambda p, b, t: obv(b, t),
    "poc": lambda p, b, t: profile(p, b, t)[0],
    "value_area_high": lambda p, b, t: profile(p, b, t)[1],
    "value_area_low": lambda p, b, t: profile(p, b, t)[2],
    "swing_high": lambda p, b, t: swing(b.high, p[0], t),
    "swing_low": lambda p, b, t: -swing(negative(b.low), p[0], t),
    "fibonacci": fibonacci,
    "gap": lambda p, b, t: b.open[t] / b.close[t - 1] - 1,
}
