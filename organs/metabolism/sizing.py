"""From a forecast to a quantity: arithmetic only, no state.

fixed_fraction   exposure = forecast × fraction
volatility       exposure = forecast × volatility_target / annualised volatility

Either is capped at `max_exposure`, then scaled by the metabolic rate, so that half the rate is always half
the size, at the cap too.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from organism.market import Instrument, notional, to_quantity
from organism.settings import RiskSettings, SizingSettings

# What a market order may cost beyond the last close, before the fee: keeps a purchase payable.
_SLIP = Decimal("0.005")


@dataclass(frozen=True)
class Rules:
    """What capital is governed by, fixed for a run. bar_ns: length of a bar in market time."""

    sizing: SizingSettings
    risk: RiskSettings
    instruments: Mapping[str, Instrument]
    bar_ns: int
    bar_s: int


def bars_per_year(instrument: Instrument, bar_s: int) -> float:
    """Bars in a trading year of the asset class.

    >>> from organism.market import AssetClass, FeeSchedule, Instrument
    >>> i = Instrument(symbol="X/Y", base="X", quote="Y", venue="paper", tick=Decimal(1), lot=Decimal(1),
    ...     min_notional=Decimal(5), fees=FeeSchedule(maker=Decimal(0), taker=Decimal(0)))
    >>> bars_per_year(i, 300)
    105120.0
    """
    return instrument.asset_class.bars_per_year(bar_s)


def wanted_exposure(
    forecast: float, volatility: float, rate: float, instrument: Instrument, rules: Rules
) -> float | None:
    """Signed exposure, a multiple of equity; None when an input is no number one may act on.

    forecast in [−1, 1]; volatility per bar, fraction; rate in [0, 1].
    """
    if forecast == 0.0:
        return 0.0
    if not -1.0 <= forecast <= 1.0 or not 0.0 <= rate <= 1.0:
        return None
    if forecast < 0.0 and not instrument.can_short:
        return 0.0
    sizing = rules.sizing
    if sizing.method == "fixed_fraction":
        exposure = forecast * sizing.fraction
    else:
        annual = volatility * math.sqrt(bars_per_year(instrument, rules.bar_s))
        if not 0.0 < annual < math.inf:
            return None
        exposure = forecast * sizing.volatility_target / annual
    if math.isnan(exposure):
        return None
    return max(-sizing.max_exposure, min(sizing.max_exposure, exposure)) * rate


def quantity_for(exposure: float, equity: float, close: float, instrument: Instrument) -> Decimal:
    """Signed quantity, lots rounded towards zero; zero where the venue would refuse it as too small."""
    if not (equity > 0.0 and close > 0.0):
        return Decimal(0)
    quantity = to_quantity(exposure * equity / (close * float(instrument.multiplier)), instrument)
    return Decimal(0) if is_dust(quantity, close, instrument) else quantity


def is_dust(quantity: Decimal, close: float, instrument: Instrument) -> bool:
    """Whether a quantity is worth less than the venue's smallest order."""
    return not notional(quantity, Decimal(repr(close)), instrument) >= instrument.min_notional


def unit_cost(price: Decimal, instrument: Instrument) -> Decimal:
    """What one base unit may cost at market, fee and some slippage included, quote currency."""
    return price * instrument.multiplier * (1 + _SLIP + instrument.fees.taker)


def affordable(cash: Decimal, close: float, instrument: Instrument) -> Decimal:
    """Largest quantity that `cash` pays for at market, fee and some slippage included, in lots."""
    if not cash > 0:
        return Decimal(0)
    return to_quantity(cash / unit_cost(Decimal(repr(close)), instrument), instrument)
