"""Forecasts: strategies step with every bar; once an instant, on the complete set, targets are decided.

`BarClosed` moves the strategies. `PortfolioMarked` of the same instant, which comes once its fills are booked,
triggers the one decision. Nothing is decided during warm-up; a new session forgets every price before it.
"""

import msgspec

from genome.founders import StrategyState
from genome.lived import lived
from genome.strategy import Strategy
from organism.core import Now, OrganCore
from organism.effects import Effects, Publish
from organism.market import Bar, Instrument
from organism.messages import (
    BarClosed,
    EntriesBarred,
    ExposureTargeted,
    Message,
    OrderDenied,
    PortfolioMarked,
    Recovered,
    StrategyFunded,
    StrategyPaused,
    StrategyRetired,
    Target,
    TradingStateChanged,
)
from organism.settings import BrainSettings
from organs.brain.deciding import BACK_OFF_BARS, Policy, aimed, decide
from organs.brain.funding import fund, reconsider, silenced, without
from organs.brain.regime import gate, moved
from organs.brain.state import Acted, BrainState, Climate, Funded, Market

_Result = tuple[BrainState, Effects]
_replace = msgspec.structs.replace
_NAN = float("nan")


class _Ensemble:
    """The funded strategies, built. A memo of a pure function: it changes nothing that a step returns."""

    __slots__ = ("bar_s", "built", "funded")

    def __init__(self, bar_s: int) -> None:
        self.bar_s = bar_s
        self.funded: tuple[Funded, ...] = ()
        self.built: tuple[Strategy, ...] = ()

    def of(self, funded: tuple[Funded, ...]) -> tuple[Strategy, ...]:
        if funded is not self.funded:
            self.built = tuple(lived(f.genome_id, f.family, f.parameters, f.text, self.bar_s) for f in funded)
            self.funded = funded
        return self.built


def brain_core(
    settings: BrainSettings,
    instruments: tuple[Instrument, ...],
    *,
    bar_s: int = 300,
    spread_bps: float = 2.0,
    slippage_bps: float = 1.0,
) -> OrganCore[BrainState]:
    """Build the organ. bar_s: length of a bar; spread and slippage: what the cost check expects to pay."""
    policy = Policy.of(settings, instruments, bar_s, spread_bps, slippage_bps)
    ensemble = _Ensemble(bar_s)

    def step(state: BrainState, message: Message, now: Now) -> _Result:  # noqa: ARG001 - market time is in the messages
        kind = type(message)
        if kind is BarClosed:
            return _heard(state, message, ensemble.of(state.funded), policy), ()  # type: ignore[arg-type]
        if kind is PortfolioMarked:
            return _marked(state, message, policy)  # type: ignore[arg-type]
        if kind is StrategyFunded:
            return fund(state, message, bar_s)  # type: ignore[arg-type]
        if kind is Recovered:
            return reconsider(state, bar_s)
        return _other(state, message, policy), ()

    return OrganCore("brain", BrainState, BrainState(), step)


def _heard(
    state: BrainState, message: BarClosed, strategies: tuple[Strategy, ...], policy: Policy
) -> BrainState:
    if message.at_ns <= state.at_ns:
        return state  # heard before: work is delivered at least once
    markets = {} if message.seam else state.markets.copy()
    for bar in message.bars:
        markets[bar.symbol] = _stepped(markets.get(bar.symbol), bar, strategies, policy)
    if message.seam:
        state = _replace(state, acted={}, closed=())
    return _replace(
        state,
        markets=markets,
        at_ns=message.at_ns,
        missing=message.missing,
        warmup=message.warmup,
        closing=message.closing,
    )


def _stepped(market: Market | None, bar: Bar, strategies: tuple[Strategy, ...], policy: Policy) -> Market:
    if market is None:
        climate = Climate(0, bar.close)
        states: tuple[StrategyState, ...] = tuple(s.initial() for s in strategies)
    else:
        climate = moved(market.climate, bar.close, policy.spans)
        states = market.states
    after: list[StrategyState] = []
    forecasts: list[float] = []
    for strategy, state in zip(strategies, states, strict=True):
        moved_on, forecast = strategy.step(state, bar)
        after.append(moved_on)
        # Beyond the bounds is no opinion at all.
        forecasts.append(forecast if -1.0 <= forecast <= 1.0 else _NAN)
    doubtful = bool(bar.flags) and "outlier" in bar.flags
    return Market(bar.close_ns, doubtful, climate, tuple(after), tuple(forecasts))


def _marked(state: BrainState, message: PortfolioMarked, policy: Policy) -> _Result:
    at_ns = message.at_ns
    if at_ns != state.at_ns or at_ns <= state.decided_ns or state.warmup:
        return state, ()
    held = {p.symbol for p in message.positions if p.quantity}
    if state.closing or message.closing:
        return _closed(state, held, policy)
    targets: list[Target] = []
    acted = state.acted
    for symbol, market in state.markets.items():
        if market.at_ns != at_ns:
            continue  # its bar is missing: decide on those that are there
        if symbol in state.barred and symbol not in held:
            continue  # a person wants nothing opened here
        decided = decide(state, symbol, market, policy, held=symbol in held)
        if decided is not None:
            targets.append(decided[0])
            acted = {**acted, symbol: decided[1]}
    if not targets:
        return _replace(state, decided_ns=at_ns), ()
    return _replace(state, decided_ns=at_ns, acted=acted), (_targeted(at_ns, targets),)


def _closed(state: BrainState, held: set[str], policy: Policy) -> _Result:
    """End of a session: zero for everything held or asked for, once each."""
    wanted = held | {s for s, a in state.acted.items() if a.forecast != 0.0}
    targets: list[Target] = []
    acted, closed = state.acted, state.closed
    for symbol in sorted(wanted - set(closed)):
        market = state.markets.get(symbol)
        if market is None:
            continue
        judged = gate(market.climate, policy.spans)
        target, memory = aimed(state, symbol, market, 0.0, judged, ("session closing",))
        targets.append(target)
        acted, closed = {**acted, symbol: memory}, (*closed, symbol)
    state = _replace(state, decided_ns=state.at_ns, acted=acted, closed=closed)
    return state, (_targeted(state.at_ns, targets),) if targets else ()


def _targeted(at_ns: int, targets: list[Target]) -> Publish:
    return Publish(to=("metabolism",), message=ExposureTargeted(at_ns=at_ns, targets=tuple(targets)))


def _other(state: BrainState, message: Message, policy: Policy) -> BrainState:
    match message:
        case StrategyRetired(genome_id=genome_id):
            return without(state, genome_id)
        case OrderDenied(symbol=symbol) if symbol in state.acted:
            silent_until_ns = state.at_ns + BACK_OFF_BARS * policy.bar_ns
            forgotten = Acted(_NAN, state.at_ns, silent_until_ns)
            return _replace(state, acted={**state.acted, symbol: forgotten})
        case TradingStateChanged(after=after):
            return _replace(state, standing=after)
        case EntriesBarred(symbols=symbols):
            return _replace(state, barred=symbols)
        case StrategyPaused():
            return silenced(state, message)
        case _:
            return state
