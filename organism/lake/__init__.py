"""The lake: history on disk, by venue, symbol, timeframe and month, every row with where it came from and when.

    lake = Lake(folder, now_us=clock)
    lake.append(series("binance", "BTC/USDT", "1m"), candles, source="binance rest", received_us=now)
    stored = lake.read(series("binance", "BTC/USDT", "1m"), start_us, end_us)

`names` says what a series is called and where it lies, `candles` what is in one, `store` keeps it, `derived` makes
coarser timeframes of it, and `columns` opens it as arrays that all processes share. Times are int64 microseconds since
1970, UTC.
"""
