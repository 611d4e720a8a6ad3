"""What the names of a file and of its folders say: venue, symbol, length of a candle."""

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

VENUES: Final = frozenset({
    "binance", "binance-usdm", "binanceus", "binance-coinm", "bitfinex", "bitflyer", "bithumb", "bitmex", "bitstamp",
    "bittrex", "bitvavo", "bybit", "cexio", "coinbase", "cryptocom", "deribit", "dukascopy", "exmo", "ftx", "gateio", "gemini",
    "hitbtc", "huobi", "hyperliquid", "itbit", "kraken", "kucoin", "liquid", "mexc", "okcoin", "okx", "oanda", "poloniex",
    "upbit", "us-equity", "yahoo", "zaif",
})  # fmt: skip
_OTHER_NAMES: Final = {
    "gdax": "coinbase", "coinbasepro": "coinbase", "okex": "okx", "binanceusdm": "binance-usdm", "gate": "gateio",
    "crypto.com": "cryptocom", "huobipro": "huobi",
}  # fmt: skip
# Longest first, so that BTCFDUSD is BTC/FDUSD and not BTCFD/USD.
QUOTES: Final = (
    "FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USDP", "PAX", "DAI", "USD", "EUR", "GBP", "JPY", "KRW", "AUD", "CAD", "CHF",
    "TRY", "BRL", "RUB", "UAH", "IDR", "NGN", "BTC", "XBT", "ETH", "BNB",
)  # fmt: skip
# DOTUSD is DOT in dollars; only these are traded in TrueUSD often enough to be meant.
_IN_TUSD: Final = frozenset(
    {"BTC", "ETH", "BNB", "XRP", "ADA", "LTC", "TRX", "SOL", "USDC", "BUSD", "PAX", "USDT", "LINK"}
)
_COINS: Final = {"XBT": "BTC", "XDG": "DOGE"}
_TIMEFRAME: Final = re.compile(r"(\d{1,3})(s|m|min|h|hour|d|day|w)")
_WORDS: Final = {"minute": "1m", "hour": "1h", "hourly": "1h", "daily": "1d", "day": "1d", "weekly": "1w"}
_UNITS: Final = {"min": "m", "hour": "h", "day": "d"}


def venue_of(names: Sequence[str]) -> str:
    """The venue that a name tells, the innermost first; empty where none does.

    >>> venue_of(["Binance_BTCUSDT_1h.csv"]), venue_of(["BTC.csv", "data", "gdax"]), venue_of(["futures/um", "BTC.csv"])
    ('binance', 'coinbase', '')
    """
    for name in names:
        whole = name.lower()
        for word in (whole, *re.split(r"[_ .]|-(?!usdm|coinm|equity)", whole)):
            found = _OTHER_NAMES.get(word, word)
            if found in VENUES:
                return found
    return ""


def symbol_of(text: str) -> str:
    """The symbol in a name or cell, as ccxt writes it; empty where none is plain.

    >>> symbol_of("BTCUSDT-1m-2021-01"), symbol_of("BTC_USDT_USDT-1h-futures"), symbol_of("XBTUSD"), symbol_of("prices")
    ('BTC/USDT', 'BTC/USDT:USDT', 'BTC/USD', '')
    """
    words = [word for word in re.split(r"[-_. /:]+", text.upper()) if word]
    for i in range(len(words) - 1):
        base, quote = words[i], words[i + 1]
        if quote in QUOTES and re.fullmatch(r"[A-Z0-9]{1,15}", base) and VENUES.isdisjoint({base.lower()}):
            settle = words[i + 2] if i + 2 < len(words) and words[i + 2] in QUOTES else ""
            return pair(base, quote, settle)
    for word in words:
        for quote in QUOTES:
            if quote == "TUSD" and word.removesuffix(quote) not in _IN_TUSD:
                continue
            if word.endswith(quote) and len(word) > len(quote) + 1 and word.isalnum() and not word.isdigit():
                return pair(word.removesuffix(quote), quote)
    return ""


def ticker_of(text: str) -> str:
    """A stock's ticker: the first word of letters.

    >>> ticker_of("1d_19980102"), ticker_of("brk.b daily"), ticker_of("AAPL")
    ('', 'BRK.B', 'AAPL')
    """
    words = re.split(r"[-_ /]+", text.upper())
    return next((word for word in words if re.fullmatch(r"\^?[A-Z]{1,6}(\.[A-Z])?", word)), "")


def pair(base: str, quote: str, settle: str = "") -> str:
    """BASE/QUOTE, with :SETTLE for a perpetual; Kraken's XBT is everyone's BTC."""
    base, quote = _COINS.get(base, base), _COINS.get(quote, quote)
    return f"{base}/{quote}:{settle}" if settle else f"{base}/{quote}"


def timeframe_of(text: str) -> str:
    """The length of a candle that a name tells; empty where none does.

    >>> timeframe_of("BTCUSDT-1m-2021-01"), timeframe_of("Binance_BTCUSDT_minute"), timeframe_of("BTC-USD")
    ('1m', '1m', '')
    """
    for word in re.split(r"[-_. /]+", text.lower()):
        match = _TIMEFRAME.fullmatch(word)
        if match is not None and int(match[1]):
            return f"{int(match[1])}{_UNITS.get(match[2], match[2])}"
        if word in _WORDS:
            return _WORDS[word]
    return ""


def around(path: PurePath, inner: str) -> list[str]:
    """Names that may tell something, the innermost first: of the file, of what holds it, and of four folders."""
    return list(dict.fromkeys((inner, path.name, *reversed(path.parent.parts[-4:]))))
