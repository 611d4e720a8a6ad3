"""From intentions to orders: entries, exits, reversals, dust and protective stops.

At most one order at a time works on a position; a reversal is two, the closing one first. Beside it rests one
protective stop. A stop that no longer fits is cancelled *first* and its successor proposed the moment the
cancellation is proven: two live stops could together sell twice what is held at a venue that knows no
reduce-only, so the short unprotected gap is the lesser evil (the old stop protects until then).
"""

import math
from decimal import Decimal

import msgspec

from organism.market import Instrument, to_price, to_quantity
from organism.messages import Target
from organism.trading import Purpose, Side
from organs.metabolism.ledger import Holding
from organs.metabolism.sizing import affordable, is_dust, quantity_for, unit_cost, wanted_exposure
from organs.metabolism.state import Exit, StopLevel, Want
from organs.metabolism.turn import PATIENCE_BARS, Turn


def sweep(turn: Turn) -> None:
    """Do whatever is due at an instant, when all its fills are booked."""
    _forget_unanswered(turn)
    for symbol, holding in turn.ledger.holdings.items():
        if symbol not in turn.exits and symbol not in turn.wants and _is_rest(turn, symbol, holding):
            turn.leave(symbol, Purpose.DUST, "too small to be traded")
    for symbol, leaving in tuple(turn.exits.items()):
        if leaving.forced or not leaving.dust_tried or symbol not in turn.wants:
            close_out(turn, symbol)  # a rest that was offered in vain may still be wanted: see `pursue`
    for symbol in tuple(turn.wants):
        pursue(turn, symbol)
    guarded = {w.order.symbol for w in turn.working.values() if w.order.purpose is Purpose.PROTECT}
    for symbol in sorted(guarded.union(turn.ledger.holdings)):
        protect(turn, symbol)


def aim(turn: Turn, target: Target, at_ns: int) -> None:
    """Take over a new target: it replaces what was wanted before, but not what risk control is closing."""
    symbol = target.symbol
    leaving = turn.exits.get(symbol)
    if symbol not in turn.rules.instruments or (leaving is not None and leaving.forced):
        return
    turn.wants[symbol] = Want(target=target, at_ns=at_ns)
    pursue(turn, symbol)


def pursue(turn: Turn, symbol: str) -> None:
    """Turn a wanted exposure into an order, now or when nothing is in the way."""
    want = turn.wants[symbol]
    instrument = turn.rules.instruments[symbol]
    close = turn.close(symbol)
    target = want.target
    exposure = wanted_exposure(
        target.forecast, target.volatility, turn.state.standing.metabolic_rate, instrument, turn.rules
    )
    stale = turn.now.market_ns - want.at_ns > PATIENCE_BARS * turn.rules.bar_ns
    if exposure is None or close is None or stale:
        del turn.wants[symbol]
        return
    if exposure == 0.0:
        del turn.wants[symbol]
        turn.leave(symbol, Purpose.TARGET, "target is flat")
        close_out(turn, symbol)
        return
    leaving = turn.exits.get(symbol)
    if leaving is not None and not leaving.dust_tried:
        # That a rest was offered in vain is forgotten only with the order that enlarges it.
        del turn.exits[symbol]
    held = turn.ledger.quantity(symbol)
    wanted = quantity_for(exposure, turn.state.equity, close, instrument)
    orders = turn.trading(symbol)
    if orders:
        for working in orders:
            if working.order.side.sign * (wanted - held) <= 0:
                turn.cancel(working, "the target has turned")
        return
    if held and (held > 0) != (exposure > 0) and _sell_all(turn, symbol, Purpose.TARGET, close):
        return  # the other half follows once flat
    del turn.wants[symbol]
    _rebalance(turn, target, exposure, wanted, close)


def close_out(turn: Turn, symbol: str) -> None:
    """Bring a position to flat: orders in the way first, then the whole, then the dust."""
    leaving = turn.exits[symbol]
    orders = turn.trading(symbol)
    for working in orders:
        if not working.order.reduce_only:
            turn.cancel(working, leaving.reason)
    if orders:
        return
    close = turn.close(symbol)
    if symbol not in turn.ledger.holdings:
        del turn.exits[symbol]
    elif close is not None and not _sell_all(turn, symbol, leaving.purpose, close):
        _clear_dust(turn, symbol, leaving)


def protect(turn: Turn, symbol: str) -> None:
    """See to it that exactly one stop rests beside a position, and none without."""
    instrument = turn.rules.instruments[symbol]
    guards = turn.guards(symbol)
    holding = turn.ledger.holdings.get(symbol)
    close = turn.close(symbol)
    if holding is None:
        for guard in guards:
            turn.cancel(guard, "position is flat")
        return
    if close is None:
        return
    quantity = abs(to_quantity(holding.quantity, instrument))
    level = _stop_level(turn, symbol, holding, instrument)
    if is_dust(quantity, close, instrument):
        quantity = Decimal(0)  # no venue takes a stop for it
    fitting = [
        g for g in guards if not g.unwanted and g.remaining == quantity and g.order.stop_price == level
    ]
    for guard in guards:
        if guard not in fitting[:1]:
            turn.cancel(guard, "position or stop level changed")
    if quantity and not guards:
        turn.propose(
            symbol,
            _closing(holding),
            quantity,
            Purpose.PROTECT,
            reduce_only=True,
            stop_price=level,
            genome_ids=holding.genome_ids,
        )


def _rebalance(turn: Turn, target: Target, exposure: float, wanted: Decimal, close: float) -> None:
    symbol = target.symbol
    instrument = turn.rules.instruments[symbol]
    held = turn.ledger.quantity(symbol)
    equity = turn.state.equity
    if math.isnan(equity):
        return  # something held has no price: how much is wanted is not known, least of all that it is nothing
    held_exposure = float(held) * close * float(instrument.multiplier) / equity if equity > 0.0 else 0.0
    growing = abs(wanted) >= abs(held)
    if not abs(exposure - held_exposure) >= turn.rules.sizing.rebalance_band:
        return
    if wanted == 0:
        if held:
            turn.leave(symbol, Purpose.TARGET, "target is too small to hold")
            close_out(turn, symbol)
        return
    if growing and not turn.may_enter:
        return
    quantity = abs(to_quantity(wanted - held, instrument))
    side = Side.BUY if wanted > held else Side.SELL
    if growing and side is Side.BUY and not instrument.can_short:
        quantity = min(quantity, affordable(_free_cash(turn), close, instrument))
    if not is_dust(quantity, close, instrument):
        turn.exits.pop(symbol, None)
        turn.propose(
            symbol, side, quantity, Purpose.TARGET, reduce_only=not growing, genome_ids=_wanted_by(target)
        )


def _sell_all(turn: Turn, symbol: str, purpose: Purpose, close: float) -> bool:
    """Propose to close the whole position; False when there is nothing a venue would take."""
    holding = turn.ledger.holdings[symbol]
    instrument = turn.rules.instruments[symbol]
    quantity = abs(to_quantity(holding.quantity, instrument))
    if is_dust(quantity, close, instrument):
        return False
    turn.propose(
        symbol, _closing(holding), quantity, purpose, reduce_only=True, genome_ids=holding.genome_ids
    )
    return True


def _closing(holding: Holding) -> Side:
    """The side that brings a position to flat."""
    return Side.SELL if holding.quantity > 0 else Side.BUY


def _clear_dust(turn: Turn, symbol: str, leaving: Exit) -> None:
    holding = turn.ledger.holdings[symbol]
    quantity = abs(to_quantity(holding.quantity, turn.rules.instruments[symbol]))
    if quantity == 0 or leaving.dust_tried:
        turn.give_up_dust(symbol)
        return
    turn.propose(
        symbol, _closing(holding), quantity, Purpose.DUST, reduce_only=True, genome_ids=holding.genome_ids
    )
    turn.exits[symbol] = msgspec.structs.replace(leaving, dust_tried=True)


def _is_rest(turn: Turn, symbol: str, holding: Holding) -> bool:
    close = turn.close(symbol)
    if close is None or turn.trading(symbol):
        return False
    return is_dust(
        to_quantity(holding.quantity, turn.rules.instruments[symbol]), close, turn.rules.instruments[symbol]
    )


def _stop_level(turn: Turn, symbol: str, holding: Holding, instrument: Instrument) -> Decimal:
    """Fixed distance from average entry. Moves away from the market only when the position was enlarged."""
    old = turn.stops.get(symbol)
    if old is not None and old.quantity == holding.quantity and old.entry == holding.average:
        return old.level
    long = holding.quantity > 0
    distance = Decimal(repr(turn.rules.risk.protective_stop))
    entry = holding.average
    level = max(
        to_price(entry * (1 - distance if long else 1 + distance), instrument),
        instrument.tick,
    )
    if old is not None and (old.quantity > 0) == long and abs(holding.quantity) <= abs(old.quantity):
        level = max(old.level, level) if long else min(old.level, level)
    turn.stops[symbol] = StopLevel(level=level, quantity=holding.quantity, entry=entry)
    return level


def _free_cash(turn: Turn) -> Decimal:
    """Cash that no working purchase is going to need, its fee and some slippage included."""
    cash = turn.ledger.cash
    for working in turn.working.values():
        order = working.order
        if order.side is Side.BUY and not order.reduce_only:
            cash -= working.remaining * unit_cost(order.reference_price, turn.rules.instruments[order.symbol])
    return cash


def _forget_unanswered(turn: Turn) -> None:
    """A proposal that the gate never answered must not block its symbol for ever."""
    for key, working in tuple(turn.working.items()):
        expires = working.order.expires_ns
        if not working.approved and expires is not None and expires < turn.now.market_ns:
            del turn.working[key]


def _wanted_by(target: Target) -> tuple[str, ...]:
    """Genomes that pulled the way the target went; all of them when none did."""
    agreeing = tuple(
        c.genome_id for c in target.contributions if c.weight > 0.0 and c.forecast * target.forecast > 0.0
    )
    return agreeing or tuple(c.genome_id for c in target.contributions)
