"""What the brain remembers: the funded strategies, and per instrument what they and the market last did."""

import msgspec

from genome.founders import StrategyState
from organism.trading import Standing


class Funded(msgspec.Struct, frozen=True, gc=False):
    """A strategy that may trade. weight in (0, 1]; text: the whole genome, "" where family and parameters say it."""

    genome_id: str
    family: str
    weight: float
    parameters: tuple[tuple[str, float], ...]
    text: str = ""


class Climate(msgspec.Struct, frozen=True, gc=False):
    """Exponentially weighted moments of an instrument's log returns per bar, causal, NaN-free.

    n          returns seen
    close      newest close, quote currency
    variance   over `volatility_bars`
    brisk      variance over an eighth of that: what volatility is right now
    drift      mean return over `trend_bars`
    """

    n: int
    close: float
    variance: float = 0.0
    brisk: float = 0.0
    drift: float = 0.0


class Acted(msgspec.Struct, frozen=True, gc=False):
    """The forecast that was last acted on, for the no-trade band.

    forecast    0 when flat; NaN when forgotten, so that the next decision acts
    at_ns       market time of acting
    silent_until_ns   after a denial: no new proposal before this market time
    """

    forecast: float = 0.0
    at_ns: int = 0
    silent_until_ns: int = 0


class Market(msgspec.Struct, frozen=True, gc=False):
    """One instrument in this session.

    at_ns       close of its newest bar
    doubtful    whether that bar was flagged as an outlier
    states      of the funded strategies, in their order
    forecasts   theirs after the newest bar, NaN while warming up
    """

    at_ns: int
    doubtful: bool
    climate: Climate
    states: tuple[StrategyState, ...]
    forecasts: tuple[float, ...]


class BrainState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The brain's memory.

    funded       strategies that may trade
    markets      by symbol, this session only
    acted        by symbol; only instruments that were ever acted on
    at_ns        newest instant heard of
    decided_ns   newest instant decided
    missing      symbols whose bar the newest instant lacked
    warmup, closing   of the newest instant
    closed       symbols already told to close in this session's end
    standing     what may be traded
    paused       genome ids that a person silenced: they step, and their forecast counts for nothing
    barred       symbols in which a person lets nothing be opened
    """

    funded: tuple[Funded, ...] = ()
    markets: dict[str, Market] = msgspec.field(default_factory=dict)
    acted: dict[str, Acted] = msgspec.field(default_factory=dict)
    at_ns: int = 0
    decided_ns: int = 0
    missing: tuple[str, ...] = ()
    warmup: bool = True
    closing: bool = False
    closed: tuple[str, ...] = ()
    standing: Standing = Standing()
    paused: tuple[str, ...] = ()
    barred: tuple[str, ...] = ()
