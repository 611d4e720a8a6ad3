"""A source that is an exchange asked through ccxt, unmodified: one instance, one lane.

Three places of the library are used to keep hold of it, each made for that: `throttle`, which it calls before every
request with that request's cost (here the shared budget decides), `on_rest_response`, which it calls with every status
and its headers (its exceptions carry neither Retry-After nor the used weight), and its session, which follows no
redirect. A call has a deadline outside the library; an instance whose call was left to itself is thrown away.
"""

import contextlib
import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from organism.errors import BadInput
from organism.lake.fetching import venues
from organism.lake.fetching.backoff import Patience
from organism.lake.fetching.calls import Call, Overdue, within
from organism.lake.fetching.endpoints import redirected
from organism.lake.fetching.faults import Failed, Fault, date_us, failed
from organism.lake.fetching.instrument import Instrument
from organism.lake.fetching.shared import Clock, SharedBudget
from organism.lake.names import Kind

T = TypeVar("T")
_PAGE = 1_000  # candles asked for; a venue with shorter pages is asked for its own
_SHORT_PAGE = 300
_NAMES_OF_MARKET = ("instrument_name", "symbol", "product_id", "instId")


class Exchange:
    """A `Source`. Nothing is imported or asked before the first question."""

    def __init__(
        self, name: str, *, folder: Path, clock: Clock, share: Callable[[], float], patience: Patience,
        endpoint: str = "", known: venues.Venue | None = None,
    ) -> None:  # fmt: skip
        """`folder` holds the budgets of all processes; `share` says which part of an allowance is ours now."""
        self.name = name
        self._venue = known or venues.venue(name)
        self._folder, self._clock, self._share = folder, clock, share
        self._patience, self._endpoint = patience, endpoint
        self._instance: Any = None
        self._budget: SharedBudget | None = None
        self._ahead_us: int | None = None
        self._status, self._headers, self._dated_us = 0, dict[str, str](), 0
        self._names: list[str] = []

    def listed(self, instrument: Instrument, timeframe: str, *, mark: bool = False) -> int:
        """As `Source`: base, quote, settlement and type must all be the same."""
        exchange = self._exchange()
        market = self._market(exchange, instrument)
        if mark and not (exchange.has.get("fetchMarkOHLCV") and instrument.settle):
            raise Failed(Fault.LASTING, f"it has no candles of a mark price of {instrument.symbol}")
        if timeframe not in (exchange.timeframes or {}):
            raise Failed(Fault.LASTING, f"it has no candles of {timeframe}")
        limit = exchange.feature_value(market["symbol"], "fetchOHLCV", "limit", _SHORT_PAGE)
        return min(limit, _PAGE) if isinstance(limit, int) and limit > 0 else _SHORT_PAGE

    def page(
        self, instrument: Instrument, timeframe: str, since_us: int, limit: int, *, mark: bool = False
    ) -> Sequence[object]:
        """As `Source`."""
        exchange = self._exchange()
        market = self._market(exchange, instrument)
        symbol, since_ms = market["symbol"], since_us // 1_000
        rows = self._asked(
            lambda it: (it.fetch_mark_ohlcv if mark else it.fetch_ohlcv)(symbol, timeframe, since_ms, limit)
        )
        _same_market(exchange.last_json_response, str(market["id"]))
        if not isinstance(rows, list):
            raise Failed(Fault.PASSING, f"its answer is no list of candles but {type(rows).__name__}")
        return rows

    def tells(self, instrument: Instrument, kind: Kind, timeframe: str) -> int:
        """As `Source`. An amount of contracts is not one of the instrument's base."""
        exchange = self._exchange()
        market = self._market(exchange, instrument)
        if not instrument.settle:
            raise Failed(Fault.LASTING, f"{instrument.symbol} is no perpetual")
        if kind is Kind.FUNDING:
            if not exchange.has.get("fetchFundingRateHistory"):
                raise Failed(Fault.LASTING, "it tells no funding rates of the past")
            return 0
        if not exchange.has.get("fetchOpenInterestHistory"):
            raise Failed(Fault.LASTING, "it tells no open interest of the past")
        if timeframe not in (exchange.timeframes or {}) or timeframe == "1m":
            raise Failed(Fault.LASTING, f"it does not tell open interest each {timeframe}")
        if not market.get("linear") or market.get("contractSize") != 1:
            raise Failed(
                Fault.LASTING, "it tells open interest in contracts, which are not one unit of the base each"
            )
        return self._venue.interest_us

    def interest(self, instrument: Instrument, timeframe: str, since_us: int, limit: int) -> Sequence[object]:
        """As `Source`."""
        exchange = self._exchange()
        market = self._market(exchange, instrument)
        symbol, since_ms = market["symbol"], since_us // 1_000
        rows = self._asked(lambda it: it.fetch_open_interest_history(symbol, timeframe, since_ms, limit))
        return _listed(rows, exchange.last_json_response, str(market["id"]), "open interest")

    def funding(self, instrument: Instrument, since_us: int, limit: int) -> Sequence[object]:
        """Rates of a perpetual that settled from `since_us` on, as ccxt gives them, unchecked. Raises `Failed`."""
        exchange = self._exchange()
        market = self._market(exchange, instrument)
        if not exchange.has.get("fetchFundingRateHistory"):
            raise Failed(Fault.LASTING, "it tells no funding rates of the past")
        symbol, since_ms = market["symbol"], since_us // 1_000
        rows = self._asked(lambda it: it.fetch_funding_rate_history(symbol, since_ms, limit))
        return _listed(rows, exchange.last_json_response, str(market["id"]), "rates")

    def ahead_us(self) -> int:
        """As `Source`: what the venue says is the time, or the date of its latest answer where it does not say."""
        if self._ahead_us is None:
            self._ahead_us = self._measured()
        return self._ahead_us

    def _measured(self) -> int:
        exchange = self._exchange()
        if exchange.has.get("fetchTime"):
            before = self._clock.wall_us()
            with contextlib.suppress(Failed):
                said = self._asked(lambda it: it.fetch_time())
                if isinstance(said, int) and said > 0:
                    return said * 1_000 - (before + self._clock.wall_us()) // 2
        said_us = date_us(self._headers.get("date", ""))
        # The date is of a whole second.
        return 0 if said_us is None else said_us + 500_000 - self._dated_us

    def _market(self, exchange: Any, instrument: Instrument) -> Mapping[str, Any]:
        if self._venue.exchange in venues.SPOT_ONLY and instrument.settle:
            raise Failed(Fault.LASTING, f"{instrument.symbol} is a perpetual: ask the venue {self.name}-usdm")
        if not exchange.markets:
            self._asked(lambda it: it.load_markets())
        market = (exchange.markets or {}).get(instrument.symbol)
        if not isinstance(market, dict):
            raise Failed(Fault.LASTING, f"it does not list {instrument.symbol}")
        found = Instrument(market.get("base") or "", market.get("quote") or "", market.get("settle") or "")
        if found != instrument or market.get("type") != instrument.type:
            raise Failed(
                Fault.LASTING, f"its {instrument.symbol} is another instrument ({market.get('type')})"
            )
        return market

    def _asked(self, question: Callable[[Any], T]) -> T:
        """One call with a deadline. Whatever goes wrong becomes `Failed`."""
        exchange, budget = self._exchange(), self._budget
        if budget is None:
            raise AssertionError("an exchange without a budget")
        self._status, self._headers = 0, {}

        def work(call: Call) -> T:
            names: list[str] = []

            def throttle(cost: float | None = None) -> None:
                call.go_on()
                weight = (1.0 if cost is None else float(cost)) * self._venue.per_cost
                names.append(budget.take(weight, call))

            exchange.throttle = throttle
            try:
                return question(exchange)
            finally:
                self._settle(budget, names)

        try:
            return within(self._patience.call_s, work, f"fetch {self.name}")
        except Overdue:
            self._instance = None
            raise Failed(
                Fault.PASSING, f"no whole answer within {self._patience.call_s:g} s; the connection was left"
            ) from None
        except (Failed, BadInput):
            raise
        except Exception as error:  # noqa: BLE001 - a library that reads a stranger's answers may raise anything
            window_s = budget.allowance.window_us / 1e6
            found = failed(error, self._status, self._headers, self._clock.wall_us(), window_s)
            if found.fault is Fault.LIMITED:
                budget.block(found.wait_s)
            raise found from None

    def _settle(self, budget: SharedBudget, names: list[str]) -> None:
        told = self._headers.get(self._venue.header) if self._venue.header else None
        for number, name in enumerate(names, start=1):
            last = number == len(names)
            budget.settle(name, float(told) if last and told and told.isdecimal() else None)

    def _heard(self, exchange: Any, status: int, headers: Mapping[str, str]) -> None:
        if exchange is self._instance:  # not one that was left to itself
            self._status = status
            self._headers = {str(key).lower(): str(value) for key, value in headers.items()}
            self._dated_us = self._clock.wall_us()

    def _exchange(self) -> Any:
        if self._instance is None:
            self._instance = self._made()
        return self._instance

    def _made(self) -> Any:
        ccxt: Any = importlib.import_module("ccxt")  # half a second, and nobody else needs it
        if self._venue.exchange not in ccxt.exchanges:
            near = [one for one in ccxt.exchanges if one.startswith(self._venue.exchange[:4])][:5]
            hint = f" Near it: {', '.join(near)}." if near else ""
            raise BadInput(f"{self.name!r} is no venue that ccxt knows; name one as in binance.{hint}")
        options: dict[str, Any] = {}
        if self._venue.types:
            options["fetchMarkets"] = {"types": list(self._venue.types)}
        exchange = getattr(ccxt, self._venue.exchange)(
            {
                "enableRateLimit": True,  # asks `throttle` before each request
                "timeout": int(self._patience.call_s * 1_000),
                "enableLastJsonResponse": True,
                "options": options,
            }
        )
        exchange.session.max_redirects = 0
        if self._endpoint:
            redirected(exchange, self._endpoint)
        allowed = venues.allowance(self._venue, float(exchange.rateLimit), 2 * self._patience.call_s)
        self._budget = SharedBudget(
            self._folder, self.name, allowed, self._clock, share=self._share,
            longest_block_s=self._patience.block_s,
        )  # fmt: skip

        def heard(code: int, _r: str, _u: str, _m: str, headers: Any, body: str, _h: Any, _b: Any) -> str:
            self._heard(exchange, code, headers)
            return body.strip()

        exchange.on_rest_response = heard
        return exchange


def _listed(rows: Any, document: Any, market: str, what: str) -> Sequence[object]:
    """An answer that is a list, and about this market. Raises `Failed`."""
    _same_market(document, market)
    # Of an answer in another shape the library makes an empty list, which would read as "nothing new".
    if not isinstance(rows, list) or not (rows or document == [] or _nested(document)):
        raise Failed(Fault.PASSING, f"its answer is no list of {what} but {str(document)[:60]}")
    return rows


def _same_market(document: Any, market: str) -> None:
    """Where an answer says which instrument it is about, it must be the one that was asked for."""
    inner = document.get("result", document.get("data")) if isinstance(document, dict) else None
    for part in (*document, inner) if isinstance(document, list) else (document, inner):
        for name in _NAMES_OF_MARKET:
            said = part.get(name) if isinstance(part, dict) else None
            if isinstance(said, str) and said != market:
                raise Failed(
                    Fault.PASSING, f"its answer is about {said[:40]!r}, and {market!r} was asked for"
                )


def _nested(document: Any) -> bool:
    """An object with something in it: some venues wrap their lists."""
    return isinstance(document, dict) and any(isinstance(value, dict | list) for value in document.values())
