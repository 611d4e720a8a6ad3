"""An exchange on this machine for tests and benchmarks: Binance's and Crypto.com's candles over REST, with every fault.

Besides: funding rates, mark prices and open interest of Binance's perpetuals, and the fear-and-greed index of its service.

Unmodified ccxt is sent here by `endpoints.redirected`. Prices follow from symbol and time, so whatever was fetched can be
compared with what it should be. The weight of every request is counted by the window, as a venue does.
"""

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar, cast
from urllib.parse import parse_qs, urlsplit

from organism.lake.names import timeframe_us

FAULTS = ("429", "418", "500", "empty", "short", "overlap", "wrong", "drip", "garbage", "redirect")
CONTEXT_FAULTS = ("429", "418", "500", "garbage", "hang", "drip", "shape", "nan", "wrong", "redirect")
_WEIGHTS = {
    "klines": 2, "exchangeInfo": 20, "time": 1, "get-instruments": 1, "get-candlestick": 1, "fundingRate": 1, "fng": 1, "markPriceKlines": 2,
    "openInterestHist": 1,
}  # fmt: skip
_PAGES = {"klines": 1_000, "get-candlestick": 300}
_DAY_FRAMES = {"1D": "1d", "7D": "1w"}
_DRIP_S = 0.02
_LONGEST_DRIP = 500
_LONGEST_HANG_S = 60.0
_SETTLES_US, _DAY_US = 28_800_000_000, 86_400_000_000

Row = tuple[int, str, str, str, str, str]
T = TypeVar("T")


def candle(symbol: str, open_us: int, bar_us: int, *, finished: bool = True) -> Row:
    """What one candle of a market is: open time in ms, open, high, low, close, volume, as texts.

    symbol   without separators, as BTCUSDT
    """
    number = open_us // bar_us
    base = 100 + sum(symbol.encode()) % 97 + (number * 7_919 % 1_000) / 100
    close = base + (number % 7 - 3) / 10 if finished else base + 77
    prices = (base, max(base, close) + 0.5, min(base, close) - 0.5, close, 1 + number % 50)
    opened, high, low, closed, volume = (f"{value:.2f}" for value in prices)
    return open_us // 1_000, opened, high, low, closed, volume


def mark(symbol: str, open_us: int, bar_us: int) -> Row:
    """A candle of the mark price of a perpetual: a thousandth above its trades."""
    at, *prices, _ = candle(symbol, open_us, bar_us)
    opened, high, low, closed = (f"{float(price) * 1.001:.4f}" for price in prices)
    return at, opened, high, low, closed, "0"


def interest(symbol: str, at_us: int) -> tuple[str, str]:
    """Open interest of a perpetual at an instant: amount and value, as texts."""
    amount = 1_000 + (sum(symbol.encode()) + at_us // 300_000_000 * 13) % 997
    return f"{amount:.3f}", f"{amount * 100:.2f}"


def rate(symbol: str, at_us: int) -> str:
    """The funding rate of a perpetual that settles then, as a text."""
    return f"{(sum(symbol.encode()) + at_us // _SETTLES_US * 7) % 41 / 1e5 - 0.0001:.8f}"


def fear_greed(day_us: int) -> int:
    """The index of a day, 0 to 100."""
    return day_us // _DAY_US * 37 % 101


class StandIn(ThreadingHTTPServer):
    """Serves until closed.

    symbols     markets by base and quote
    now_us      the time in the market: candles exist until then, the last of them unfinished
    first_us    when trading began
    holes       open times, µs, of candles that do not exist
    fault       called with the number of the request (from 1) and what is asked; a name of FAULTS or CONTEXT_FAULTS, or ""
    ahead_us    by how much its clock is ahead of the market's
    limit       weight in a window of `window_s`, by exchange; beyond it 429, as a venue does
    """

    daemon_threads = True

    def __init__(
        self, *, symbols: tuple[tuple[str, str], ...] = (("BTC", "USDT"), ("ETH", "USDT")), now_us: int,
        first_us: int = 0, holes: frozenset[int] = frozenset(), fault: Callable[[int, str], str] = lambda *_: "",
        ahead_us: int = 0, limit: float = 1e9, window_s: float = 1.0, retry_after: str = "1",
    ) -> None:  # fmt: skip
        self.symbols, self.now_us, self.first_us, self.holes = symbols, now_us, first_us, holes
        self.fault, self.ahead_us, self.retry_after = fault, ahead_us, retry_after
        self.limit, self.window_s = limit, window_s
        self.asked: list[str] = []
        self.struck: Counter[str] = Counter()
        self.most_weight = self.n_over = 0.0
        self.closing = threading.Event()
        self._lock, self._window, self._weight = threading.Lock(), deque[tuple[float, float]](), 0.0
        super().__init__(("127.0.0.1", 0), _Request)
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def weighed(self, what: str) -> tuple[int, float, bool]:
        """Count a request: its number, the weight of the window with it, whether that is too much."""
        with self._lock:
            now = time.monotonic()
            while self._window and self._window[0][0] <= now - self.window_s:
                self._weight -= self._window.popleft()[1]
            weight = _WEIGHTS[what]
            self._window.append((now, weight))
            self._weight += weight
            self.most_weight = max(self.most_weight, self._weight)
            over = self._weight > self.limit
            self.n_over += over
            self.asked.append(what)
            return len(self.asked), self._weight, over

    def handle_error(self, _request: object, _client: object) -> None:
        """A client that hung up is no news here."""

    def close(self) -> None:
        """Serve no more; drips end too."""
        self.closing.set()
        self.shutdown()
        self.server_close()
        self._thread.join(5.0)


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Route by the last part of the path: hosts and versions come before it."""
        url = urlsplit(self.path)
        what = url.path.rstrip("/").rpartition("/")[2]
        if what not in _WEIGHTS:
            self._said(404, b"not here")
            return
        self.linear = "/fapi/" in url.path
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        here = cast("StandIn", self.server)
        number, weight, over = here.weighed(what)
        if over:
            self._said(429, b"{}", {"Retry-After": here.retry_after})
            return
        fault = here.fault(number, what)
        here.struck[fault] += bool(fault)
        if not self._faulty(fault):
            answer = getattr(self, "_" + what.replace("-", "_").lower())(query, fault)
            headers = {"X-MBX-USED-WEIGHT-1M": str(int(weight))}
            self._said(200, json.dumps(answer).encode(), headers)

    def _faulty(self, fault: str) -> bool:
        here = cast("StandIn", self.server)
        if fault in ("429", "418"):
            self._said(
                int(fault), b'{"code":-1003,"msg":"Too many requests."}', {"Retry-After": here.retry_after}
            )
        elif fault == "500":
            self._said(500, b"<html><b>Internal error</b></html>")
        elif fault == "garbage":
            self._said(200, b"<html>\xff\xfe we are moving \x00</html>")
        elif fault == "redirect":
            self._said(302, b"", {"Location": f"{here.endpoint}/elsewhere/time"})
        elif fault == "drip":
            self._drip(here)
        elif fault == "hang":
            here.closing.wait(_LONGEST_HANG_S)
            self.close_connection = True
        elif fault == "shape":
            self._said(200, b"{}")
        else:
            return False
        return True

    def _drip(self, here: StandIn) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        for _ in range(_LONGEST_DRIP):
            if here.closing.wait(_DRIP_S):
                break
            self.wfile.write(b" ")
            self.wfile.flush()
        self.close_connection = True

    def _said(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Of its own clock: venues without a route for it tell the time by this header alone."""
        here = cast("StandIn", self.server)
        return super().date_time_string(
            (here.now_us + here.ahead_us) / 1e6 if timestamp is None else timestamp
        )

    def log_message(self, *_args: object) -> None:
        """Nobody reads it."""

    # -------------------------------------------------------------- Binance

    def _time(self, _query: dict[str, str], _fault: str) -> Any:
        here = cast("StandIn", self.server)
        return {"serverTime": (here.now_us + here.ahead_us) // 1_000}

    def _exchangeinfo(self, _query: dict[str, str], _fault: str) -> Any:
        here = cast("StandIn", self.server)
        listed = _binance_perpetual if self.linear else _binance_market
        return {"timezone": "UTC", "symbols": [listed(*pair) for pair in here.symbols]}

    def _klines(self, query: dict[str, str], fault: str) -> Any:
        bar_us = timeframe_us(query["interval"])
        limit = min(int(query.get("limit", "500")), _PAGES["klines"])
        rows = self._rows(query["symbol"], bar_us, int(query["startTime"]) * 1_000, None, fault)[:limit]
        return [
            [*row, row[0] + bar_us // 1_000 - 1, "0", 1, "0", "0", "0"] for row in self._torn(rows, fault)
        ]

    def _fundingrate(self, query: dict[str, str], fault: str) -> Any:
        here, symbol = cast("StandIn", self.server), query["symbol"]
        begin = -(int(query.get("startTime", "0")) * -1_000 // _SETTLES_US) * _SETTLES_US
        stamps = range(begin, here.now_us + 1, _SETTLES_US)[: int(query.get("limit", "100"))]
        return [
            {
                "symbol": "ETHUSDT" if fault == "wrong" else symbol, "fundingTime": us // 1_000,
                "fundingRate": "NaN" if fault == "nan" else rate(symbol, us),
            }
            for us in stamps
        ]  # fmt: skip

    def _markpriceklines(self, query: dict[str, str], fault: str) -> Any:
        bar_us = timeframe_us(query["interval"])
        limit = min(int(query.get("limit", "500")), _PAGES["klines"])
        rows = self._rows(query["symbol"], bar_us, int(query["startTime"]) * 1_000, None, fault)[:limit]
        marks = [mark(query["symbol"], row[0] * 1_000, bar_us) for row in self._torn(rows, fault)]
        return [[*row, row[0] + bar_us // 1_000 - 1, "0", 60, "0", "0", "0"] for row in marks]

    def _openinteresthist(self, query: dict[str, str], fault: str) -> Any:
        here, symbol = cast("StandIn", self.server), query["symbol"]
        bar_us, start_us = timeframe_us(query["period"]), int(query["startTime"]) * 1_000
        if start_us < here.now_us - 30 * _DAY_US or fault == "empty":
            return []
        until = min(here.now_us, int(query["endTime"]) * 1_000)
        stamps = [
            us for us in range(-(-start_us // bar_us) * bar_us, until + 1, bar_us) if us not in here.holes
        ]
        rows = [(us, *interest(symbol, us)) for us in stamps[: int(query.get("limit", "30"))]]
        return [
            {"symbol": "DOGEUSDT" if fault == "wrong" else symbol, "sumOpenInterest": "NaN" if fault == "nan" else amount,
             "sumOpenInterestValue": value, "timestamp": us // 1_000}
            for us, amount, value in self._torn(rows, fault)
        ]  # fmt: skip

    # -------------------------------------------------------------- fear and greed

    def _fng(self, query: dict[str, str], fault: str) -> Any:
        here = cast("StandIn", self.server)
        today = here.now_us // _DAY_US
        days = range(today, today - (int(query.get("limit", "1")) or 30), -1)
        odd = {"nan": "NaN", "wrong": "140"}.get(fault)
        rows = [
            {"value": odd or str(fear_greed(day * _DAY_US)), "timestamp": str(day * 86_400)} for day in days
        ]
        return {"name": "Fear and Greed Index", "data": rows, "metadata": {"error": None}}

    # -------------------------------------------------------------- Crypto.com

    def _get_instruments(self, _query: dict[str, str], _fault: str) -> Any:
        here = cast("StandIn", self.server)
        return _cryptocom(
            "public/get-instruments", {"data": [_cryptocom_market(*pair) for pair in here.symbols]}
        )

    def _get_candlestick(self, query: dict[str, str], fault: str) -> Any:
        name = query["instrument_name"]
        bar_us = timeframe_us(_DAY_FRAMES.get(query["timeframe"], query["timeframe"]))
        count = min(int(query.get("count", "25")), _PAGES["get-candlestick"])
        start_us, end_us = int(query["start_ts"]) * 1_000, int(query["end_ts"]) * 1_000
        rows = self._rows(name.replace("_", ""), bar_us, start_us, end_us, fault)[-count:]
        data = [dict(zip("tohlcv", row, strict=True)) for row in self._torn(rows, fault)]
        named = "DOGE_USDT" if fault == "wrong" else name
        result = {"interval": query["timeframe"], "data": data, "instrument_name": named}
        return _cryptocom("public/get-candlestick", result)

    # -------------------------------------------------------------- both

    def _rows(self, symbol: str, bar_us: int, start_us: int, end_us: int | None, fault: str) -> list[Row]:
        here = cast("StandIn", self.server)
        if fault == "empty":
            return []
        begin = -(-max(start_us, here.first_us) // bar_us) * bar_us
        last = here.now_us if end_us is None else min(end_us, here.now_us)
        last = min(last, begin + bar_us * 2 * _PAGES["klines"])
        return [
            candle(symbol, us, bar_us, finished=us + bar_us <= here.now_us)
            for us in range(begin, last, bar_us)
            if us not in here.holes
        ]

    @staticmethod
    def _torn(rows: list[T], fault: str) -> list[T]:
        if fault == "short":
            return rows[: len(rows) // 3] + rows[len(rows) // 2 : len(rows) * 2 // 3]
        if fault == "overlap":
            return rows[: len(rows) // 2] + rows[len(rows) // 4 :]
        return rows


def _cryptocom(method: str, result: Any) -> Any:
    return {"id": -1, "method": method, "code": 0, "result": result}


def _cryptocom_market(base: str, quote: str) -> Any:
    return {
        "symbol": f"{base}_{quote}", "inst_type": "CCY_PAIR", "display_name": f"{base}/{quote}", "base_ccy": base,
        "quote_ccy": quote, "quote_decimals": 2, "quantity_decimals": 5, "price_tick_size": "0.01",
        "qty_tick_size": "0.00001", "max_leverage": "50", "tradable": True, "expiry_timestamp_ms": 0,
    }  # fmt: skip


def _binance_market(base: str, quote: str) -> Any:
    return {
        "symbol": f"{base}{quote}", "status": "TRADING", "baseAsset": base, "quoteAsset": quote,
        "baseAssetPrecision": 8, "quotePrecision": 8, "quoteAssetPrecision": 8, "orderTypes": ["LIMIT", "MARKET"],
        "isSpotTradingAllowed": True, "isMarginTradingAllowed": False, "permissions": ["SPOT"],
        "permissionSets": [["SPOT"]],
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.01", "minPrice": "0.01", "maxPrice": "1000000"},
            {"filterType": "LOT_SIZE", "stepSize": "0.00001", "minQty": "0.00001", "maxQty": "9000"},
            {"filterType": "NOTIONAL", "minNotional": "5"},
        ],
    }  # fmt: skip


def _binance_perpetual(base: str, quote: str) -> Any:
    market = _binance_market(base, quote)
    return market | {
        "pair": f"{base}{quote}", "contractType": "PERPETUAL", "deliveryDate": 4_133_404_800_000,
        "marginAsset": quote, "contractSize": 1, "underlyingType": "COIN",
    }  # fmt: skip
