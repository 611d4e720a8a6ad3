"""The portfolio valued at closing prices."""

import math
from decimal import Decimal

from organism.messages import PortfolioMarked
from organism.portfolio import MarkedPosition
from organism.trading import Purpose
from organs.metabolism.ledger import ZERO
from organs.metabolism.sizing import Rules
from organs.metabolism.state import MetabolismState

NS_PER_DAY = 86_400 * 1_000_000_000
_NAN = Decimal("NaN")


def mark(
    state: MetabolismState, at_ns: int, session: int, closes: dict[str, float], *, closing: bool, rules: Rules
) -> PortfolioMarked:
    """Value cash and positions at `closes`; a position without a believable price makes equity NaN.

    Nobody may trade on an equity that is not known: risk control halts on NaN.
    """
    ledger = state.ledger
    cash = ledger.cash
    realised = ledger.realised - ledger.written_off if ledger.written_off else ledger.realised
    unrealised = ZERO
    equity = float(cash)
    positions: tuple[MarkedPosition, ...] = ()
    gross = net = 0.0
    if ledger.holdings:
        equity, unrealised, rows = _valued(state, closes, rules)
        positions = tuple(_marked(state, s, closes.get(s, math.nan), equity, v) for s, v in rows)
        for position in positions:
            gross += abs(position.exposure)
            net += position.exposure
    peak = max(state.peak, equity)  # in this order a NaN leaves the peak as it was
    day_start = equity if at_ns // NS_PER_DAY != state.day else state.day_start
    return PortfolioMarked(
        at_ns=at_ns,
        session=session,
        cash=cash,
        equity=equity,
        peak=peak,
        drawdown=1.0 - equity / peak if peak > 0.0 else math.nan,
        day_start=day_start,
        gross_exposure=gross,
        net_exposure=net,
        realised=realised,
        unrealised=unrealised,
        fees=ledger.fees,
        consecutive_losses=state.losses,
        positions=positions,
        closing=closing,
        closes=tuple(closes.items()),
    )


def _valued(
    state: MetabolismState, closes: dict[str, float], rules: Rules
) -> tuple[float, Decimal, list[tuple[str, Decimal]]]:
    """Equity, unrealised profit, and the value of each position."""
    total = state.ledger.cash
    unrealised = ZERO
    rows = []
    for symbol, holding in state.ledger.holdings.items():
        close = closes.get(symbol, math.nan)
        price = Decimal(repr(close)) if 0.0 < close < math.inf else _NAN
        value = holding.quantity * price * rules.instruments[symbol].multiplier
        total += value
        unrealised += value - holding.cost
        rows.append((symbol, value))
    return float(total), unrealised, rows


def _marked(
    state: MetabolismState, symbol: str, close: float, equity: float, value: Decimal
) -> MarkedPosition:
    holding = state.ledger.holdings[symbol]
    stop = None
    for working in state.working.values():
        order = working.order
        if order.symbol == symbol and order.purpose is Purpose.PROTECT and working.approved:
            stop = order.stop_price
    return MarkedPosition(
        symbol=symbol,
        quantity=holding.quantity,
        average_price=holding.average,
        mark=close,
        unrealised=value - holding.cost,
        exposure=float(value) / equity if equity > 0.0 else math.nan,
        opened_ns=holding.opened_ns,
        stop_price=stop,
    )
