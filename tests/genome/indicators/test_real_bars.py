"""On recorded bars, where they are: prices of real scale, real jumps, real silence."""

from pathlib import Path

import duckdb
import numpy as np
import pytest
import talib

from genome.indicators import compute
from genome.market import market
from tests.genome.indicators.worlds import DAY, name_of

RECORDED = Path(__file__).resolve().parents[4] / "shared" / "data" / "ohlcv" / "binance-usdm"
SYMBOLS = ("BTC-USDT", "1000PEPE-USDT", "1000BONK-USDT")


def recorded(symbol):
    files = sorted((RECORDED / symbol).glob("1d_*.parquet"))
    if not files:
        pytest.skip(f"no recorded daily bars of {symbol} in the shared data")
    rows = duckdb.read_parquet(str(files[0])).order("timestamp").fetchnumpy()
    ohlcv = tuple(
        np.ascontiguousarray(rows[name], dtype=np.float64)
        for name in ("open", "high", "low", "close", "volume")
    )
    return market(symbol, rows["timestamp"].astype(np.int64) // 1_000, DAY, ohlcv)


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize(
    ("name", "params", "theirs"),
    [
        ("rsi", (14.0,), lambda h, low, c, v: talib.RSI(c, 14)),
        ("atr", (14.0,), lambda h, low, c, v: talib.ATR(h, low, c, 14)),
        ("bb_upper", (20.0, 2.0), lambda h, low, c, v: talib.BBANDS(c, 20, 2.0, 2.0)[0]),
        ("stoch_d", (14.0, 3.0, 3.0), lambda h, low, c, v: talib.STOCH(h, low, c, 14, 3, 0, 3, 0)[1]),
        ("obv", (), lambda h, low, c, v: talib.OBV(c, v)),
    ],
    ids=lambda value: name_of(value) if isinstance(value, str | tuple) else "talib",
)
def test_recorded_bars_give_what_talib_gives(symbol, name, params, theirs):
    world = recorded(symbol)

    expected = theirs(*(world.column(k).copy() for k in ("high", "low", "close", "volume")))

    np.testing.assert_allclose(compute(name, params, world), expected, rtol=1e-8, atol=1e-12)
