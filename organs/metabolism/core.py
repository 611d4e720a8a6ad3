"""Capital: book every fill once, value what is held, turn targets into orders. Decides how much, never whether.

Per market instant: fills are booked as they come; `InstantSettled` marks the portfolio, tells risk control and
the brain, and brings orders and protective stops into line with the books; `ExposureTargeted` is sized.
"""

from decimal import Decimal

import msgspec

from organism.core import Now, OrganCore
from organism.effects import Effect, Effects, Publish
from organism.errors import ConfigError
from organism.market import NS_PER_S, Instrument
from organism.messages import (
    ClosePositions,
    ExposureTargeted,
    Fact,
    Filled,
    InstantSettled,
    Message,
    OrderApproved,
    OrderDenied,
    OrderUpdated,
    TradeClosed,
    TradingStateChanged,
)
from organism.settings import RiskSettings, SizingSettings
from organism.trading import Fill, Purpose, TradingState
from organs.metabolism import ledger as books
from organs.metabolism.marking import NS_PER_DAY, mark
from organs.metabolism.orders import aim, close_out, protect, sweep
from organs.metabolism.sizing import Rules
from organs.metabolism.state import MetabolismState, Working
from organs.metabolism.turn import PATIENCE_BARS, Turn

_Result = tuple[MetabolismState, Effects]
_replace = msgspec.structs.replace
_PURPOSES = {p.value: p for p in Purpose}


def metabolism_core(
    settings: SizingSettings,
    risk: RiskSettings,
    instruments: tuple[Instrument, ...],
    starting_cash: Decimal,
    bar_s: int,
    quote: str = "USDT",
) -> OrganCore[MetabolismState]:
    """Build the organ. starting_cash in `quote`; bar_s: length of a bar, seconds of market time."""
    for instrument in instruments:
        if instrument.quote != quote:
            raise ConfigError(
                f"{instrument.symbol} is quoted in {instrument.quote}, but the account is kept in {quote}. "
                f"Watch only instruments quoted in {quote}."
            )
    rules = Rules(settings, risk, {i.symbol: i for i in instruments}, bar_s * NS_PER_S, bar_s)
    cash = float(starting_cash)
    initial = MetabolismState(ledger=books.opened(starting_cash), equity=cash, peak=cash, day_start=cash)

    def step(state: MetabolismState, message: Message, now: Now) -> _Result:
        return _step(state, message, now, rules)

    return OrganCore("metabolism", MetabolismState, initial, step)


def _step(state: MetabolismState, message: Fact, now: Now, rules: Rules) -> _Result:
    kind = type(message)
    if kind is InstantSettled:
        return _settled(state, message, now, rules)  # type: ignore[arg-type]
    match message:
        case ExposureTargeted():
            return _targeted(state, message, now, rules)
        case Filled(fill=fill):
            return _filled(state, fill, rules)
        case OrderApproved() | OrderDenied() | OrderUpdated():
            return _followed(state, message, now, rules)
        case ClosePositions():
            return _closed(state, message, now, rules)
        case TradingStateChanged():
            return _restricted(state, message, now, rules)
        case _:
            return state, ()


def _settled(state: MetabolismState, message: InstantSettled, now: Now, rules: Rules) -> _Result:
    at_ns = message.at_ns
    if at_ns < state.at_ns:
        return state, ()
    # A new session's prices have no history: what was priced before the seam is forgotten.
    closes = dict(state.closes) if message.session == state.session else {}
    for bar in message.bars:
        closes[bar.symbol] = bar.close
    marked = mark(state, at_ns, message.session, closes, closing=message.closing, rules=rules)
    state = _replace(
        state,
        at_ns=at_ns,
        session=message.session,
        closing=message.closing or message.final,
        closes=closes,
        equity=marked.equity,
        peak=marked.peak,
        day=at_ns // NS_PER_DAY,
        day_start=marked.day_start,
    )
    said: tuple[Effect, ...] = (Publish(to=("immune", "brain"), message=marked),)
    if not (state.ledger.holdings or state.working or state.wants or state.exits):
        return state, said
    turn = Turn(state, now, rules)
    if message.final:
        turn.wants.clear()  # the venue has settled what was left: nothing crosses the seam
    else:
        sweep(turn)
    state, more = turn.done()
    return state, said + more


def _targeted(state: MetabolismState, message: ExposureTargeted, now: Now, rules: Rules) -> _Result:
    if state.at_ns - message.at_ns > PATIENCE_BARS * rules.bar_ns:
        return state, ()  # decided before an outage, on prices that are gone
    turn = Turn(state, now, rules)
    for target in message.targets:
        aim(turn, target, message.at_ns)
    return turn.done()


def _filled(state: MetabolismState, fill: Fill, rules: Rules) -> _Result:
    if fill in state.booked:
        return state, ()
    instrument = rules.instruments.get(fill.symbol)
    if instrument is None:
        raise ValueError(
            f"fill {fill.key} is for {fill.symbol}, which is not among the instruments of this organism: "
            f"{', '.join(rules.instruments)}. Its multiplier and currencies are unknown, so it was not booked."
        )
    ordered = state.working.get(fill.order_id)
    booking = books.book(state.ledger, fill, instrument, ordered.order.genome_ids if ordered else ())
    working = state.working
    if ordered is not None:
        ordered = _replace(ordered, booked=ordered.booked + fill.quantity)
        working = {k: w for k, w in working.items() if k != fill.order_id}
        if ordered.ended is None or ordered.booked < ordered.ended:
            working[fill.order_id] = ordered
    closure = booking.closure
    losses, stops = state.losses, state.stops
    said: Effects = ()
    if closure is not None:
        if closure.ended:
            losses = losses + 1 if closure.result < 0 else 0
            # The next position in this symbol owes nothing to where this one's stop was.
            stops = {s: level for s, level in stops.items() if s != fill.symbol}
        said = (
            Publish(to=("immune", "brain", "voice"), message=_trade(fill, closure, _purpose(fill, ordered))),
        )
    state = _replace(
        state,
        ledger=booking.ledger,
        booked=state.booked.adding(fill),
        working=working,
        losses=losses,
        stops=stops,
    )
    return state, said


def _followed(
    state: MetabolismState, message: OrderApproved | OrderDenied | OrderUpdated, now: Now, rules: Rules
) -> _Result:
    """Keep the set of working orders true."""
    if isinstance(message, OrderApproved):
        return _approved(state, message, now, rules)
    working = state.working.get(message.order_id)
    if working is None:
        return state, ()
    if isinstance(message, OrderDenied):
        turn = Turn(state, now, rules)
        del turn.working[message.order_id]
        if not working.order.reduce_only:
            turn.wants.pop(working.order.symbol, None)
        return turn.done()
    if not message.status.is_terminal:
        return state, ()
    turn = Turn(state, now, rules)
    if working.booked < message.filled:
        # Terminal, but not all of its fills have been told yet: it counts until they are.
        turn.working[message.order_id] = _replace(working, ended=message.filled)
        return turn.done()
    del turn.working[message.order_id]
    # Only what we had given up ourselves is followed up at once: a venue that refuses everything must meet
    # us once a bar, not in a loop.
    if working.unwanted:
        symbol = working.order.symbol
        if symbol in turn.exits:
            close_out(turn, symbol)
        if working.order.purpose is Purpose.PROTECT:
            protect(turn, symbol)
    return turn.done()


def _approved(state: MetabolismState, message: OrderApproved, now: Now, rules: Rules) -> _Result:
    order = message.approved.order
    known = state.working.get(order.id)
    working = Working(order=order, approved=True)
    if known is not None:
        working = _replace(known, order=order, approved=True)
    turn = Turn(state, now, rules)
    turn.working[order.id] = working
    if working.unwanted:
        turn.cancel(working, working.unwanted)
    return turn.done()


def _closed(state: MetabolismState, message: ClosePositions, now: Now, rules: Rules) -> _Result:
    turn = Turn(state, now, rules)
    entering = {w.order.symbol for w in state.working.values() if not w.order.reduce_only}
    symbols = message.symbols or tuple(sorted(entering.union(state.ledger.holdings, state.wants)))
    purpose = _PURPOSES.get(message.purpose, Purpose.FLATTEN)
    for symbol in symbols:
        turn.wants.pop(symbol, None)
        turn.leave(symbol, purpose, message.reason, forced=True)
        close_out(turn, symbol)
    return turn.done()


def _restricted(state: MetabolismState, message: TradingStateChanged, now: Now, rules: Rules) -> _Result:
    state = _replace(state, standing=message.after)
    if message.after.state is TradingState.ACTIVE or not (state.working or state.wants):
        return state, ()
    turn = Turn(state, now, rules)
    for working in tuple(turn.working.values()):
        if not working.order.reduce_only:
            turn.cancel(working, f"trading is {message.after.state.value}")
    for symbol, want in tuple(turn.wants.items()):
        if want.target.forecast * float(turn.ledger.quantity(symbol)) >= 0.0:
            del turn.wants[symbol]
    return turn.done()


def _purpose(fill: Fill, ordered: Working | None) -> str:
    if ordered is not None:
        return ordered.order.purpose.value
    return Purpose.FLATTEN.value if fill.client_order_id.startswith("settle:") else "foreign"


def _trade(fill: Fill, closure: books.Closure, purpose: str) -> TradeClosed:
    return TradeClosed(
        symbol=fill.symbol,
        side=fill.side.opposite,  # of the entry: BUY for a long that was sold
        quantity=closure.quantity,
        entry_price=closure.entry_price,
        exit_price=fill.price,
        pnl=closure.pnl,
        fees=closure.fees,
        opened_ns=closure.holding.opened_ns,
        closed_ns=fill.at_ns,
        genome_ids=closure.holding.genome_ids,
        purpose=purpose,
    )
