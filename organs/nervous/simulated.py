"""A seeded random walk with correlated instruments, volatility regimes and jumps.

Made block by block: block b of a session depends on the seed, the session, b, and where the block before it
ended, so any place can be reached again quickly and exactly.
"""

import zlib
from collections.abc import Iterator

import numpy as np

from organism.market import NS_PER_S
from organism.settings import MarketSettings
from organs.nervous.columns import F64, Columns

_BLOCK = 2_048
_SEGMENT = 128  # bars that one regime lasts at least
# Log return per bar of five minutes in a calm, a usual and a wild regime, and how often each holds.
_VOLATILITY = np.array([0.0007, 0.0014, 0.0035])
_SHARE = (0.35, 0.5, 0.15)
_STAY = 0.7  # chance that the next segment keeps the regime
_DRIFT = 0.06  # largest drift of a segment, in volatilities per bar
_COMMON = 0.7  # correlation of two instruments' returns
_JUMP_CHANCE, _JUMP = 0.0005, 0.015
_PRICES = {"BTC/USDT": 42_000.0, "ETH/USDT": 2_300.0, "SOL/USDT": 100.0}
_TICKS, _LOTS = 100.0, 1_000.0  # prices in hundredths, volumes in thousandths
_LEAST = 1.0  # no price falls below this


def walk(
    settings: MarketSettings, session: int, epoch_ns: int, start: int
) -> Iterator[tuple[int, tuple[Columns, ...]]]:
    """Blocks of candles from row `start` on, each with the index of its first row, up to `max_bars` if set."""
    price = np.array([_first_price(s) for s in settings.symbols])
    regime, at = 1, 0
    while not settings.max_bars or at < settings.max_bars:
        generator = np.random.default_rng([settings.seed, session, at])
        regime, opened, candles = _block(generator, settings, regime, price)
        price = candles[2][-1]
        stop = min(at + _BLOCK, settings.max_bars) if settings.max_bars else at + _BLOCK
        first = max(at, start)
        if first < stop:
            open_ns = epoch_ns + np.arange(first, stop, dtype=np.int64) * settings.bar_s * NS_PER_S
            cut = slice(first - at, stop - at)
            high, low, close, volume = candles
            yield (
                first,
                tuple(
                    Columns(
                        symbol,
                        open_ns,
                        opened[cut, i],
                        high[cut, i],
                        low[cut, i],
                        close[cut, i],
                        volume[cut, i],
                    )
                    for i, symbol in enumerate(settings.symbols)
                ),
            )
        at += _BLOCK


def _block(
    generator: np.random.Generator, settings: MarketSettings, regime: int, price: F64
) -> tuple[int, F64, tuple[F64, F64, F64, F64]]:
    n_symbols, scale = len(settings.symbols), np.sqrt(settings.bar_s / 300.0)
    regimes, drifts = [], []
    for _ in range(_BLOCK // _SEGMENT):
        if generator.random() >= _STAY:
            regime = int(generator.choice(3, p=_SHARE))
        regimes.append(regime)
        drifts.append(generator.uniform(-_DRIFT, _DRIFT))
    volatility = np.repeat(_VOLATILITY[regimes], _SEGMENT)[:, None] * scale
    drift = np.repeat(drifts, _SEGMENT)[:, None]
    own = generator.standard_normal((_BLOCK, n_symbols))
    common = generator.standard_normal((_BLOCK, 1))
    noise = np.sqrt(_COMMON) * common + np.sqrt(1.0 - _COMMON) * own
    jump = generator.normal(0.0, _JUMP, (_BLOCK, 1)) * (generator.random((_BLOCK, 1)) < _JUMP_CHANCE)
    close = _rounded(price * np.exp(np.cumsum(volatility * (noise + drift) + jump * scale, axis=0)))
    opened = np.vstack((price[None, :], close[:-1]))
    wick = np.abs(generator.standard_normal((2, _BLOCK, n_symbols))) * volatility * 0.5
    high = np.maximum(_rounded(np.maximum(opened, close) * np.exp(wick[0])), np.maximum(opened, close))
    low = np.minimum(_rounded(np.minimum(opened, close) * np.exp(-wick[1])), np.minimum(opened, close))
    turnover = 4e6 * np.exp(generator.normal(0.0, 0.6, (_BLOCK, n_symbols))) * (volatility / _VOLATILITY[1])
    volume = np.rint(turnover / close * _LOTS) / _LOTS
    return regime, opened, (high, low, close, volume)


def _rounded(prices: F64) -> F64:
    return np.asarray(np.rint(np.maximum(prices, _LEAST) * _TICKS) / _TICKS)


def _first_price(symbol: str) -> float:
    # Not `hash`, which differs from process to process.
    return _PRICES.get(symbol, 10.0 + zlib.crc32(symbol.encode()) % 500)
