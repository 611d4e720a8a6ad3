"""What is known of a venue beyond ccxt: its class there, what it allows, and how it says what was used."""

from typing import NamedTuple

from organism.lake.fetching.budget import Allowance

_MINUTE_US = 60_000_000
_SECOND_US = 1_000_000
_DAY_US = 86_400_000_000


class Venue(NamedTuple):
    """How a venue of the lake is asked.

    exchange     ccxt's name of it
    limit        weight a window; 0: what ccxt's own pause between requests (`rateLimit`) amounts to in a second
    window_us    length of the window
    per_cost     weight of ccxt's unit of cost
    header       header of an answer that says the weight used so far in the window; empty: it says nothing
    types        types of markets to list, where the class knows several and each costs a request
    interest_us  how far back it tells of open interest; 0: nobody said
    """

    exchange: str
    limit: float = 0.0
    window_us: int = _SECOND_US
    per_cost: float = 1.0
    header: str = ""
    types: tuple[str, ...] = ()
    interest_us: int = 0


# Limits as the venues document them. ccxt's costs of Binance's spot market are fifths of its weights.
_KNOWN = {
    "binance": Venue("binance", 6_000, _MINUTE_US, 5.0, "x-mbx-used-weight-1m", ("spot",)),
    "binance-usdm": Venue(
        "binanceusdm", 2_400, _MINUTE_US, 1.0, "x-mbx-used-weight-1m", ("linear",), 30 * _DAY_US
    ),
    "binance-coinm": Venue(
        "binancecoinm", 2_400, _MINUTE_US, 1.0, "x-mbx-used-weight-1m", ("inverse",), 30 * _DAY_US
    ),
}
SPOT_ONLY = ("binance",)


def venue(name: str) -> Venue:
    """A venue of this name; one that nothing is known of is ccxt's exchange of the same name.

    >>> venue("kraken").exchange, venue("binance-usdm").exchange
    ('kraken', 'binanceusdm')
    """
    return _KNOWN.get(name, Venue(name))


def allowance(one: Venue, rate_limit_ms: float, flight_s: float) -> Allowance:
    """What it gives in a window; `rate_limit_ms` is ccxt's `rateLimit`."""
    flight_us = int(flight_s * 1e6)
    if one.limit:
        return Allowance(one.limit, one.window_us, flight_us)
    return Allowance(one.window_us / 1_000 / max(rate_limit_ms, 1.0), one.window_us, flight_us)
