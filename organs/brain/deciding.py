"""From many forecasts to at most one target an instrument, and whether acting on it is worth its cost."""

from dataclasses import dataclass
from math import isnan, sqrt

from genome.founders import TREND_FAMILIES
from organism.market import NS_PER_S, Instrument
from organism.messages import Contribution, Target
from organism.settings import BrainSettings
from organism.trading import Standing, TradingState
from organs.brain.regime import Gate, Spans, gate, volatility
from organs.brain.state import Acted, BrainState, Market

# Several opinions that differ have a smaller mean than one alone; this restores the size.
# Source: R. Carver, "Systematic Trading" (2015), chapter 8, the forecast diversification multiplier.
DIVERSIFICATION = 1.5
# After a denial nothing new is proposed for the instrument for so many bars.
BACK_OFF_BARS = 12
# Acted, but nothing is held (a stop, an order that died), or the other way round: forgotten after so many bars.
PATIENCE_BARS = 24
# An opinion that was acted on counts until it is this part of `min_forecast`: leaving and coming back costs fees.
LEAVE_PART = 1.0 / 3.0

_FLAT = Acted()


@dataclass(frozen=True)
class Policy:
    """Settings as deciding wants them.

    round_trip   what buying and selling again costs, by symbol, fraction of notional
    """

    settings: BrainSettings
    spans: Spans
    round_trip: dict[str, float]
    can_short: frozenset[str]
    bar_ns: int
    horizon: float

    @classmethod
    def of(
        cls,
        settings: BrainSettings,
        instruments: tuple[Instrument, ...],
        bar_s: int,
        spread_bps: float,
        slippage_bps: float,
    ) -> "Policy":
        """Work out the costs: both fees, one full spread, slippage both ways."""
        market = (spread_bps + 2.0 * slippage_bps) / 10_000.0
        return cls(
            settings,
            Spans.of(settings),
            {i.symbol: 2.0 * float(i.fees.taker) + market for i in instruments},
            frozenset(i.symbol for i in instruments if i.can_short),
            bar_s * NS_PER_S,
            sqrt(settings.horizon_bars),
        )


def follows_trend(family: str) -> bool:
    """Whether a trend suits the family."""
    return family in TREND_FAMILIES


def blend(state: BrainState, market: Market, judged: Gate) -> float:
    """Weighted mean of the warm forecasts after the regime gate, in [−1, 1]; NaN when none is warm.

    Opposite opinions on one instrument cancel here, before they could become two orders. A strategy that the gate
    or a person quietens leaves silence, not room for the others: the divisor is the full weight.
    """
    total = spoken = 0.0
    for funded, forecast in zip(state.funded, market.forecasts, strict=True):
        if forecast == forecast:  # noqa: PLR0124 - not NaN: it is warm
            total += funded.weight
            if forecast and funded.genome_id not in state.paused:
                kept = judged.followers if funded.family in TREND_FAMILIES else judged.others
                spoken += forecast * funded.weight * kept
    if not total > 0.0:
        return float("nan")
    mean = DIVERSIFICATION * spoken / total
    return 1.0 if mean > 1.0 else max(mean, -1.0)


def decide(
    state: BrainState, symbol: str, market: Market, policy: Policy, *, held: bool
) -> tuple[Target, Acted] | None:
    """Target for one instrument and what to remember of it; None when nothing should change."""
    judged = gate(market.climate, policy.spans)
    opinion = blend(state, market, judged)
    acted = _remembered(state.acted.get(symbol, _FLAT), state.at_ns, policy, held=held)
    before = acted.forecast
    forecast, why = _wanted(opinion, before, symbol, policy)
    if forecast == before:
        return None
    if forecast != 0.0:
        forecast = _worth(forecast, before, market, symbol, policy)
        if forecast == before or not _permitted(forecast, acted, market, state):
            return None
    reasons = ("blend", f"regime:{judged.regime}", why) if why else ("blend", f"regime:{judged.regime}")
    return aimed(state, symbol, market, forecast, judged, reasons)


def aimed(
    state: BrainState, symbol: str, market: Market, forecast: float, judged: Gate, reasons: tuple[str, ...]
) -> tuple[Target, Acted]:
    """Put a forecast into words: who said what, why, and what to remember."""
    target = Target(
        symbol=symbol,
        forecast=forecast,
        volatility=volatility(market.climate),
        regime=judged.regime,
        contributions=_contributions(state, market, judged),
        reasons=(*reasons, *(f"missing:{s}" for s in state.missing)),
    )
    silent = state.acted[symbol].silent_until_ns if symbol in state.acted else 0
    return target, Acted(forecast, state.at_ns, silent)


def _wanted(opinion: float, before: float, symbol: str, policy: Policy) -> tuple[float, str]:
    """Forecast that may be acted on, and why it is not the opinion itself."""
    if isnan(opinion):
        return 0.0, "nobody is warm"
    least = policy.settings.min_forecast
    if opinion * before > 0.0:
        least *= LEAVE_PART
    if abs(opinion) < least:
        return 0.0, "weak"
    if opinion < 0.0 and symbol not in policy.can_short:
        return 0.0, "long only"
    return opinion, ""


def _remembered(acted: Acted, at_ns: int, policy: Policy, *, held: bool) -> Acted:
    """Forget what was acted on when the position has contradicted it for too long."""
    forecast = acted.forecast
    if (forecast != 0.0) == held or at_ns - acted.at_ns < PATIENCE_BARS * policy.bar_ns:
        return acted
    if isnan(forecast):
        return acted
    return Acted(float("nan") if held else 0.0, at_ns, acted.silent_until_ns)


def _worth(forecast: float, before: float, market: Market, symbol: str, policy: Policy) -> float:
    """Return the forecast if the change is large enough to pay for itself, else what was acted on before.

    Crossing zero is never held back, but where the other side would not pay it ends at zero.
    """
    change = abs(forecast - before) if not isnan(before) else abs(forecast)
    settings = policy.settings
    expected = change * volatility(market.climate) * policy.horizon
    pays = expected > settings.cost_multiple * policy.round_trip.get(symbol, float("inf"))
    if forecast * before < 0.0:
        return forecast if pays else 0.0
    if pays and (isnan(before) or not change < settings.no_trade_band):
        return forecast
    # What was forgotten and does not pay to be renewed is left alone as well.
    return before if not isnan(before) else float("nan")


def _permitted(forecast: float, acted: Acted, market: Market, state: BrainState) -> bool:
    """Whether a change that ends at `forecast` may be proposed now. Going to zero always may."""
    if forecast == 0.0:
        return True
    if isnan(forecast) or market.doubtful or state.at_ns < acted.silent_until_ns:
        return False
    widens = not abs(forecast) <= abs(acted.forecast) or forecast * acted.forecast < 0.0
    return not widens or entries_allowed(state.standing, state.at_ns)


def entries_allowed(standing: Standing, at_ns: int) -> bool:
    """Whether risk control would let a position grow; asking in vain would only be denied."""
    return (
        standing.state is TradingState.ACTIVE
        and (standing.no_entries_until_ns is None or at_ns >= standing.no_entries_until_ns)
        and (standing.hibernating_until_ns is None or at_ns >= standing.hibernating_until_ns)
    )


def _contributions(state: BrainState, market: Market, judged: Gate) -> tuple[Contribution, ...]:
    return tuple(
        Contribution(
            genome_id=funded.genome_id,
            forecast=forecast,
            weight=funded.weight * (judged.followers if follows_trend(funded.family) else judged.others),
        )
        for funded, forecast in zip(state.funded, market.forecasts, strict=True)
        if not isnan(forecast) and funded.genome_id not in state.paused
    )
