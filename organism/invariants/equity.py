"""I4, equity identity: cash and positions at mark = start + realised + unrealised − fees, to the last digit.

The books are kept here a second time, from the fills that metabolism read and nothing else: average cost, the share
of a cost that leaves rounded to 10⁻¹² of the quote currency (the only division there is), sums and products exact.
Cash, realised profit and fees are compared digit for digit. Valuation is compared within 10⁻¹² for each position,
because a mark multiplies with 28 digits.
"""

import math
from dataclasses import dataclass, field
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow, localcontext

from organism.effects import Publish
from organism.invariants.breach import NONE, Breach, Breaches, Lasting, Newest
from organism.invariants.event import Event
from organism.invariants.rules import DUST, EXACT, ZERO, Rules
from organism.messages import AlertRaised, Filled, PortfolioMarked
from organism.trading import Fill

ID = "I4"
HEARS: frozenset[type] = frozenset({Filled})
SAID: frozenset[type] = frozenset({PortfolioMarked, AlertRaised})

_QUANTUM = Decimal("1e-12")
_FLOAT = 1e-12  # relative: equity leaves as a float
_ROUNDED = Context(prec=200, traps=[InvalidOperation, DivisionByZero, Overflow])


@dataclass(slots=True)
class State:
    """The second books. holdings: [quantity, cost] by symbol, both signed; cash relative to the start."""

    rules: Rules = field(default_factory=Rules)
    start: Decimal | None = None
    cash: Decimal = ZERO
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    written_off: Decimal = ZERO
    holdings: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    read: Newest = field(default_factory=Newest)
    lasting: Lasting[object] = field(default_factory=Lasting)
    partial: bool = False
    n: int = 0


def step(state: State, event: Event) -> tuple[State, Breaches]:
    """Judge one event. The state given is used up: go on with the one returned."""
    if event.organ != "metabolism":
        return state, NONE
    found: list[Breach] = []
    if type(event.read) is Filled and event.read.fill.key not in state.read:
        state.read.add(event.read.fill.key)
        _book(state, event.read.fill)
    for effect in event.did:
        if type(effect) is not Publish:
            continue
        message = effect.message
        if type(message) is PortfolioMarked:
            state.n += 1
            if state.partial:
                _implied(state, message, event, found)
            else:
                _marked(state, message, event, found)
        elif type(message) is AlertRaised and message.dedup_key.startswith(DUST):
            _, cost = state.holdings.pop(message.dedup_key.removeprefix(DUST), (ZERO, ZERO))
            state.written_off += cost
    return state, tuple(found) if found else NONE


def _book(state: State, fill: Fill) -> None:
    """Post one fill. A fee in the base currency leaves the position at the fill's price, and its value is a fee."""
    base, quote = state.rules.currencies(fill.symbol)
    with localcontext(EXACT):
        unit = fill.price * state.rules.multiplier(fill.symbol)
        signed = fill.quantity * fill.side.sign
        in_quote = fill.fee if fill.fee_currency == quote else ZERO
        in_base = fill.fee if fill.fee_currency == base and not in_quote else ZERO
        _trade(state, fill.symbol, signed, unit)
        if in_base:
            _trade(state, fill.symbol, -in_base, unit)
        state.cash -= signed * unit + in_quote
        state.fees += in_quote + in_base * unit


def _trade(state: State, symbol: str, signed: Decimal, unit: Decimal) -> None:
    quantity, cost = state.holdings.get(symbol, (ZERO, ZERO))
    if not quantity or (signed > 0) == (quantity > 0):
        after = quantity + signed, cost + signed * unit
    elif abs(signed) < abs(quantity):
        out = _share(cost, -signed, quantity)
        state.realised += -signed * unit - out
        after = quantity + signed, cost - out
    else:
        state.realised += quantity * unit - cost
        after = quantity + signed, (quantity + signed) * unit
    if after[0]:
        state.holdings[symbol] = after
    else:
        state.holdings.pop(symbol, None)


def _share(whole: Decimal, part: Decimal, total: Decimal) -> Decimal:
    if part == total:
        return whole
    with localcontext(_ROUNDED):
        return (whole * part / total).quantize(_QUANTUM)


def _marked(state: State, mark: PortfolioMarked, event: Event, found: list[Breach]) -> None:
    with localcontext(_ROUNDED):
        if state.start is None:
            state.start = state.rules.starting_cash
            if state.start is None:
                state.start = mark.cash - state.cash
        _same(state, event, found, "cash", mark.cash, state.start + state.cash, ZERO)
        # Dust given up is taken from what is realised with 28 digits.
        slack = _QUANTUM if state.written_off else ZERO
        _same(state, event, found, "realised", mark.realised, state.realised - state.written_off, slack)
        _same(state, event, found, "fees", mark.fees, state.fees, ZERO)
        value = _value(state, mark)
        if value is None:
            _unpriced(state, mark, event, found)
            return
        cost = sum((c for _, c in state.holdings.values()), ZERO)
        slack = _QUANTUM * len(state.holdings)
        _same(state, event, found, "unrealised", mark.unrealised, value - cost, slack)
        total = state.start + state.cash + value
        # The identity itself, from the numbers of the mark alone.
        made = state.start + mark.realised + mark.unrealised - mark.fees
        _same(state, event, found, "identity", mark.cash + value, made, slack + _QUANTUM)
        exact = float(total)
        if math.isfinite(mark.equity) and abs(mark.equity - exact) <= _FLOAT * max(1.0, abs(exact)):
            state.lasting.over("equity")
        elif state.lasting.is_new("equity", mark.equity - exact):
            _say(found, event, "equity", f"equity must be {exact!r}; was {mark.equity!r}.")


def _value(state: State, mark: PortfolioMarked) -> Decimal | None:
    """What is held by these books at the mark's prices; None when a price is missing or not believable."""
    prices = {p.symbol: p.mark for p in mark.positions}
    total = ZERO
    for symbol, (quantity, _) in state.holdings.items():
        price = prices.get(symbol, math.nan)
        if not 0.0 < price < math.inf:
            return None
        total += quantity * Decimal(repr(price)) * state.rules.multiplier(symbol)
    return total


def _unpriced(state: State, mark: PortfolioMarked, event: Event, found: list[Breach]) -> None:
    held = {p.symbol for p in mark.positions}
    if mark.equity == mark.equity and held == state.holdings.keys():
        text = f"a holding has no believable price, so equity must not be known; was {mark.equity!r}."
        if state.lasting.is_new("unpriced", mark.at_ns):
            _say(found, event, "equity", text)


def _implied(state: State, mark: PortfolioMarked, event: Event, found: list[Breach]) -> None:
    """Without the beginning: every mark must imply the same start."""
    if not mark.unrealised.is_finite():
        return
    with localcontext(_ROUNDED):
        value = ZERO
        for position in mark.positions:
            price = Decimal(repr(position.mark))
            value += position.quantity * price * state.rules.multiplier(position.symbol)
        start = mark.cash + value - mark.realised - mark.unrealised + mark.fees
        if state.start is None:
            state.start = start
        _same(state, event, found, "start implied", start, state.start, _QUANTUM * (len(mark.positions) + 1))
        state.start = start  # rounding of single marks must not add up


def _same(
    state: State, event: Event, found: list[Breach], what: str, seen: Decimal, made: Decimal, slack: Decimal
) -> None:
    difference = seen - made
    if abs(difference) <= slack:
        state.lasting.over(what)
    elif state.lasting.is_new(what, difference):
        _say(found, event, what, f"{what} must be {made:f}, as the fills make it; was {seen:f}.")


def _say(found: list[Breach], event: Event, subject: str, text: str) -> None:
    found.append(Breach(invariant=ID, text=text, seq=event.seq, subject=subject))
