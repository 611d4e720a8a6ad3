"""Double-entry ledger: every fill is a set of postings that sum to zero, exactly.

Accounts: cash, cost of each position, realised profit, fees, write-offs, starting capital. A debit (what we
hold, or have spent) is positive, a credit negative. Positions are carried at average cost; shorts have a
negative quantity and a negative cost. Always, to the last digit:

    cash + Σ cost = start + realised − fees − written off

Sums and products are computed with `Inexact` trapped, so a lost digit raises instead of hiding. The only
division, a share of a cost, is rounded to 10⁻¹² of the quote currency *before* it is posted on both sides.
"""

from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, localcontext

import msgspec

from organism.market import Instrument
from organism.trading import Fill

ZERO = Decimal(0)
_SHARE = Decimal("1e-12")
_EXACT = Context(prec=200, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
_ROUNDED = Context(prec=200, traps=[InvalidOperation, DivisionByZero, Overflow])

CASH, REALISED, FEES, WRITTEN_OFF = "cash", "realised", "fees", "written_off"


class Posting(msgspec.Struct, frozen=True):
    """One line of an entry. Amount in quote currency, debit positive."""

    account: str
    amount: Decimal


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """An open position as it is carried in the books.

    quantity   base units, signed
    cost       what it cost, quote currency, sign of the quantity, fees excluded
    average    entry price, volume-weighted, quote currency, 12 decimal places; derived from the two above
    fees       entry fees not yet attributed to a closed part, quote currency
    result     net profit of the parts closed since it was last flat, quote currency
    """

    quantity: Decimal
    cost: Decimal
    fees: Decimal
    opened_ns: int
    average: Decimal = ZERO
    genome_ids: tuple[str, ...] = ()
    result: Decimal = ZERO


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """Balances.

    realised      gross of fees, quote currency
    fees          paid, positive, quote currency; base-currency fees at the price of their fill
    written_off   cost of dust given up, quote currency
    foreign_fees  paid in currencies that are neither quote nor base: counted, not valued, and not taken
                  from cash, because the venue did not take them from cash either
    dust          quantities given up, by symbol: sum of fills = quantity held + dust
    """

    start: Decimal
    cash: Decimal
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    written_off: Decimal = ZERO
    holdings: dict[str, Holding] = {}
    foreign_fees: dict[str, Decimal] = {}
    dust: dict[str, Decimal] = {}

    def quantity(self, symbol: str) -> Decimal:
        """Base units held, signed."""
        holding = self.holdings.get(symbol)
        return ZERO if holding is None else holding.quantity


class Closure(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a position that a fill closed.

    pnl     after its share of entry and exit fees, quote currency
    ended   whether the position went flat (or through flat)
    result  of the whole trade from flat to flat, when it ended
    """

    holding: Holding
    quantity: Decimal
    entry_price: Decimal
    pnl: Decimal
    fees: Decimal
    ended: bool
    result: Decimal


class Booking(msgspec.Struct, frozen=True):
    """What a fill did."""

    ledger: Ledger
    postings: tuple[Posting, ...]
    closure: Closure | None


class _Trade(msgspec.Struct, frozen=True):
    """A holding after a trade, and what left it."""

    holding: Holding | None
    closed: Decimal
    cost_out: Decimal
    fees_out: Decimal


def opened(start: Decimal) -> Ledger:
    """Books with nothing but cash in them."""
    return Ledger(start=start, cash=start)


def imbalance(ledger: Ledger) -> Decimal:
    """Zero while the identity holds."""
    with localcontext(_EXACT):
        carried = sum((h.cost for h in ledger.holdings.values()), ledger.cash)
        return carried - (ledger.start + ledger.realised - ledger.fees - ledger.written_off)


def book(ledger: Ledger, fill: Fill, instrument: Instrument, genome_ids: tuple[str, ...] = ()) -> Booking:
    """Post one fill. The caller makes sure that it was not posted before.

    A fee in the base currency is booked as what it is: that quantity leaves the position at the fill's price,
    and its value is a fee.
    """
    _refuse_nonsense(fill)
    with localcontext(_EXACT):
        signed = fill.quantity * fill.side.sign
        unit = fill.price * instrument.multiplier
        in_quote, in_base = _fee_parts(fill, instrument)
        fee = in_quote + in_base * unit
        before = ledger.holdings.get(fill.symbol)
        trade = _traded(before, signed, unit, fee, fill.at_ns, genome_ids)
        proceeds = trade.closed * unit - trade.cost_out
        rest = trade.holding
        if in_base:
            paid = _traded(rest, -in_base, unit, ZERO, fill.at_ns, genome_ids)
            proceeds += paid.closed * unit - paid.cost_out
            rest = _keeping_fees(paid, trade)
        cost_change = (rest.cost if rest else ZERO) - (before.cost if before else ZERO)
        postings = (
            Posting(CASH, -signed * unit - in_quote),
            Posting(fill.symbol, cost_change),
            Posting(REALISED, -proceeds),
            Posting(FEES, fee),
        )
        closure = None
        if before is not None and trade.closed:
            closure = _closure(before, rest, trade, fill, fee, unit)
        if closure is not None and not closure.ended and rest is not None:
            rest = msgspec.structs.replace(rest, result=rest.result + closure.pnl)
        if rest is not None:
            average = _share(rest.cost, Decimal(1), rest.quantity * instrument.multiplier)
            rest = msgspec.structs.replace(rest, average=average)
    return Booking(_posted(ledger, fill, instrument, postings, rest), postings, closure)


def write_off(ledger: Ledger, symbol: str) -> tuple[Ledger, tuple[Posting, ...]]:
    """Give up what is held of `symbol`: its cost becomes a write-off, its quantity is remembered as dust."""
    holding = ledger.holdings[symbol]
    postings = (Posting(symbol, -holding.cost), Posting(WRITTEN_OFF, holding.cost))
    with localcontext(_EXACT):
        after = msgspec.structs.replace(
            ledger,
            written_off=ledger.written_off + holding.cost,
            holdings={s: h for s, h in ledger.holdings.items() if s != symbol},
            dust={**ledger.dust, symbol: ledger.dust.get(symbol, ZERO) + holding.quantity},
        )
    return after, postings


def _refuse_nonsense(fill: Fill) -> None:
    numbers = (fill.quantity, fill.price, fill.fee)
    if not (all(n.is_finite() for n in numbers) and fill.quantity > 0 and fill.price > 0):
        raise ValueError(
            f"fill {fill.key} cannot be booked: quantity and price must be positive and the fee finite; "
            f"they were {fill.quantity}, {fill.price} and {fill.fee}. Compare it with the venue's own record."
        )


def _fee_parts(fill: Fill, instrument: Instrument) -> tuple[Decimal, Decimal]:
    if fill.fee_currency == instrument.quote:
        return fill.fee, ZERO
    if fill.fee_currency == instrument.base:
        return ZERO, fill.fee
    return ZERO, ZERO


def _share(whole: Decimal, part: Decimal, total: Decimal) -> Decimal:
    """Whole × part / total, rounded to 10⁻¹²; exactly `whole` when part equals total."""
    if part == total:
        return whole
    with localcontext(_ROUNDED):
        return (whole * part / total).quantize(_SHARE)


def _traded(
    before: Holding | None,
    signed: Decimal,
    unit: Decimal,
    fee: Decimal,
    at_ns: int,
    genome_ids: tuple[str, ...],
) -> _Trade:
    """Change a holding by `signed` units worth `unit` each. `closed` carries the sign of the old position."""
    if before is None:
        fresh = Holding(quantity=signed, cost=signed * unit, fees=fee, opened_ns=at_ns, genome_ids=genome_ids)
        return _Trade(fresh, ZERO, ZERO, ZERO)
    quantity = before.quantity + signed
    if (signed > 0) == (before.quantity > 0):
        more = msgspec.structs.replace(
            before,
            quantity=quantity,
            cost=before.cost + signed * unit,
            fees=before.fees + fee,
            genome_ids=tuple(dict.fromkeys((*before.genome_ids, *genome_ids))),
        )
        return _Trade(more, ZERO, ZERO, ZERO)
    if abs(signed) < abs(before.quantity):
        cost_out = _share(before.cost, -signed, before.quantity)
        fees_out = _share(before.fees, -signed, before.quantity)
        less = msgspec.structs.replace(
            before, quantity=quantity, cost=before.cost - cost_out, fees=before.fees - fees_out
        )
        return _Trade(less, -signed, cost_out, fees_out)
    rest = None
    if quantity:
        fees = _share(fee, quantity, signed)
        rest = Holding(
            quantity=quantity, cost=quantity * unit, fees=fees, opened_ns=at_ns, genome_ids=genome_ids
        )
    return _Trade(rest, before.quantity, before.cost, before.fees)


def _keeping_fees(paid: _Trade, trade: _Trade) -> Holding | None:
    """A fee paid in base units leaves the entry fees of the position where they were."""
    if paid.holding is None or trade.holding is None:
        return paid.holding
    return msgspec.structs.replace(paid.holding, fees=trade.holding.fees)


def _closure(
    before: Holding, rest: Holding | None, trade: _Trade, fill: Fill, fee: Decimal, unit: Decimal
) -> Closure:
    fees = trade.fees_out + _share(fee, abs(trade.closed), fill.quantity)
    pnl = trade.closed * unit - trade.cost_out - fees
    ended = rest is None or (rest.quantity > 0) != (before.quantity > 0)
    return Closure(
        holding=before,
        quantity=abs(trade.closed),
        entry_price=before.average,
        pnl=pnl,
        fees=fees,
        ended=ended,
        result=before.result + pnl,
    )


def _posted(
    ledger: Ledger, fill: Fill, instrument: Instrument, postings: tuple[Posting, ...], rest: Holding | None
) -> Ledger:
    cash, _, realised, fees = (p.amount for p in postings)
    holdings = {s: h for s, h in ledger.holdings.items() if s != fill.symbol}
    if rest is not None:
        holdings[fill.symbol] = rest
    foreign = ledger.foreign_fees
    with localcontext(_EXACT):
        if fill.fee and fill.fee_currency not in {instrument.quote, instrument.base}:
            foreign = {**foreign, fill.fee_currency: foreign.get(fill.fee_currency, ZERO) + fill.fee}
        return msgspec.structs.replace(
            ledger,
            cash=ledger.cash + cash,
            realised=ledger.realised - realised,
            fees=ledger.fees + fees,
            holdings=holdings,
            foreign_fees=foreign,
        )
