"""The books against a reference of one screen: average cost in exact fractions, from fills told in any order."""

import math
from fractions import Fraction

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from organism.core import Now
from organism.effects import Publish
from organism.market import AssetClass, Bar, FeeSchedule, Instrument
from organism.messages import Filled, InstantSettled, PortfolioMarked, TradeClosed
from organism.settings import RiskSettings, SizingSettings
from organism.trading import Fill, Side
from organs.metabolism.core import metabolism_core
from organs.metabolism.ledger import imbalance, write_off
from organs.metabolism.state import MetabolismState
from tests.organs.motor.making import BAR_NS, START, D

CASH = 10_000
MULTIPLIERS = {"X/USDT": "1", "Z/USDT": "0.01"}
ROUNDING = Fraction(1, 10**12)  # of one share of a cost
DAY_NS = 86_400 * 10**9


def instrument(symbol, multiplier):
    """Nothing is too small to be traded here, so that only fills and write-offs move the books."""
    return Instrument(
        symbol=symbol, base=symbol.split("/")[0], quote="USDT", venue="paper", tick=D("0.01"), lot=D("0.001"),
        min_notional=D(0), fees=FeeSchedule(maker=D(0), taker=D(0)), multiplier=D(multiplier),
        asset_class=AssetClass.CRYPTO_PERPETUAL, can_short=True,
    )  # fmt: skip


INSTRUMENTS = tuple(instrument(s, m) for s, m in MULTIPLIERS.items())


class Position:
    """Average cost: a trade that grows a position moves its average, one that shrinks it realises profit."""

    def __init__(self):
        self.quantity = self.cost = self.entry_fees = self.result = Fraction(0)

    def traded(self, signed, unit, fee=Fraction(0)):
        """(profit, profit after fees of what was closed, or None) of `signed` units worth `unit` each."""
        if self.quantity * signed >= 0:
            self.quantity, self.cost = self.quantity + signed, self.cost + signed * unit
            self.entry_fees += fee
            return Fraction(0), None
        closed = min(abs(signed), abs(self.quantity)) * (1 if self.quantity > 0 else -1)
        part = closed / self.quantity
        profit, fees = closed * unit - part * self.cost, part * self.entry_fees + fee * abs(closed / signed)
        self.cost, self.entry_fees = self.cost * (1 - part), self.entry_fees * (1 - part)
        opened = signed + closed
        self.quantity, self.cost = self.quantity + signed, self.cost + opened * unit
        self.entry_fees += fee * abs(opened / signed)
        return profit, profit - fees


class Reference:
    """Cash, positions and results from fills, in fractions."""

    def __init__(self):
        self.cash, self.realised, self.fees, self.foreign = (
            Fraction(CASH),
            Fraction(0),
            Fraction(0),
            Fraction(0),
        )
        self.written_off, self.dust = Fraction(0), Fraction(0)
        self.held, self.total = {}, dict.fromkeys(MULTIPLIERS, Fraction(0))
        self.n_shares = 0

    def filled(self, fill):
        """Profit after fees of the part that the fill closed; None when it closed nothing."""
        position = self.held.setdefault(fill.symbol, Position())
        unit = Fraction(fill.price) * Fraction(MULTIPLIERS[fill.symbol])
        signed, fee = Fraction(fill.quantity) * fill.side.sign, Fraction(fill.fee)
        is_quote, is_base = fill.fee_currency == "USDT", fill.fee_currency == fill.symbol[0]
        value = fee if is_quote else fee * unit if is_base else Fraction(0)
        profit, net = position.traded(signed, unit, value)
        self.cash -= signed * unit + (fee if is_quote else 0)
        self.fees, self.realised = self.fees + value, self.realised + profit
        self.foreign += 0 if is_quote or is_base else fee
        self.total[fill.symbol] += signed
        if is_base and fee:  # that quantity leaves the position; the entry fees of what remains stay whole
            kept = position.entry_fees if position.quantity else Fraction(0)
            self.realised += position.traded(-fee, unit)[0]
            self.total[fill.symbol] -= fee
            position.entry_fees = kept
        self.n_shares += 4
        if not position.quantity:
            del self.held[fill.symbol]
        return net

    def given_up(self, symbol):
        position = self.held.pop(symbol)
        self.written_off, self.dust = self.written_off + position.cost, self.dust + position.quantity

    def equity(self, closes):
        worth = (p.quantity * closes[s] * Fraction(MULTIPLIERS[s]) for s, p in self.held.items())
        return self.cash + sum(worth, Fraction(0))


fills = st.builds(
    Fill,
    venue=st.just("paper"),
    symbol=st.sampled_from(sorted(MULTIPLIERS)),
    trade_id=st.integers(1, 10**6).map("paper-{}".format),
    order_id=st.just(""),
    client_order_id=st.just("c"),
    side=st.sampled_from(Side),
    quantity=st.sampled_from([D("0.001"), D("0.003"), D("0.5"), D(1), D(2), D(7)]),
    price=st.decimals("0.01", 200, places=2),
    fee=st.sampled_from([D(0), D("0.0001"), D("0.01"), D("-0.003")]),
    fee_currency=st.sampled_from(["USDT", "USDT", "X", "Z", "BNB"]),
    maker=st.booleans(),
    at_ns=st.just(START),
)
prices = st.integers(1, 400).map(lambda n: n / 4)


class Books(RuleBasedStateMachine):
    """Metabolism and its reference hear the same fills, doubled and reordered, with restarts in between."""

    @initialize(early=st.lists(fills, max_size=3))
    def begins(self, early):
        self.core = metabolism_core(SizingSettings(), RiskSettings(), INSTRUMENTS, D(CASH), 300)
        self.state, self.history, self.steps = self.core.initial, [], 0
        self.reference, self.told = Reference(), {}
        self.at_ns, self.peak, self.day_start = START, float(CASH), float(CASH)
        for fill in early:
            self.fill_told(fill)

    def hear(self, message):
        self.steps += 1
        at = Now(self.at_ns, self.at_ns, 0, self.steps)
        self.history.append((message, at))
        self.state, effects = self.core.step(self.state, message, at)
        return [e.message for e in effects if type(e) is Publish]

    @rule(fill=fills)
    def fill_told(self, fill):
        said = self.hear(Filled(fill=fill))
        if fill.key in self.told:
            assert said == [], "told twice, booked once"
            return
        self.told[fill.key] = fill
        net = self.reference.filled(fill)
        closed = [m for m in said if type(m) is TradeClosed]
        assert (net is not None) == bool(closed)
        if closed and fill.fee_currency != fill.symbol[0]:
            assert abs(Fraction(closed[0].pnl) - net) <= self.slack
            assert closed[0].exit_price == fill.price
            assert closed[0].side is fill.side.opposite

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def an_old_fill_is_told_again(self, data):
        self.fill_told(self.told[data.draw(st.sampled_from(sorted(self.told)))])

    @precondition(lambda self: self.reference.held)
    @rule(data=st.data())
    def dust_is_given_up(self, data):
        symbol = data.draw(st.sampled_from(sorted(self.reference.held)))
        self.history.append((symbol, None))
        self.state = self.given_up(self.state, symbol)
        self.reference.given_up(symbol)

    @rule(x=prices, z=prices, n_bars=st.integers(1, 300))
    def instant_settles(self, x, z, n_bars):
        self.at_ns += n_bars * BAR_NS
        closes = {"X/USDT": x, "Z/USDT": z}
        bars = tuple(Bar(s, self.at_ns - BAR_NS, self.at_ns, p, p, p, p, 1.0) for s, p in closes.items())
        message = InstantSettled(at_ns=self.at_ns, session=0, bars=bars, closing=False, final=False)
        new_day = self.at_ns // DAY_NS != self.state.day
        (mark,) = [m for m in self.hear(message) if type(m) is PortfolioMarked]
        equity = float(self.reference.equity({s: Fraction(p) for s, p in closes.items()}))
        assert mark.equity == equity
        self.peak = max(self.peak, equity)
        self.day_start = equity if new_day else self.day_start
        assert (mark.peak, mark.day_start) == (self.peak, self.day_start)
        assert mark.drawdown == 1.0 - equity / self.peak
        open_profit = Fraction(mark.cash) + Fraction(mark.unrealised) + self.cost
        assert (
            abs(open_profit - self.reference.equity({s: Fraction(p) for s, p in closes.items()}))
            <= self.slack
        )
        assert {p.symbol: Fraction(p.quantity) for p in mark.positions} == {
            s: p.quantity for s, p in self.reference.held.items()
        }
        if equity > 0:
            assert math.isclose(mark.net_exposure, sum(p.exposure for p in mark.positions), abs_tol=1e-12)
            assert math.isclose(
                mark.gross_exposure, sum(abs(p.exposure) for p in mark.positions), abs_tol=1e-12
            )

    @rule()
    def restarts(self):
        """Its state is the fold of what was heard, and what a snapshot gives back."""
        folded = self.core.initial
        for message, at in self.history:
            folded = self.given_up(folded, message) if at is None else self.core.step(folded, message, at)[0]
        written = msgspec.msgpack.encode(self.state)
        assert msgspec.msgpack.encode(folded) == written
        self.state = msgspec.msgpack.decode(written, type=MetabolismState)

    @staticmethod
    def given_up(state, symbol):
        ledger, postings = write_off(state.ledger, symbol)
        assert sum(p.amount for p in postings) == 0
        return msgspec.structs.replace(state, ledger=ledger)

    @property
    def slack(self):
        """Each share of a cost or fee was rounded once; the errors add up."""
        return ROUNDING * (self.reference.n_shares + 1)

    @property
    def cost(self):
        return sum((Fraction(h.cost) for h in self.state.ledger.holdings.values()), Fraction(0))

    @invariant()
    def what_is_not_divided_is_exact(self):
        ledger, reference = self.state.ledger, self.reference
        assert Fraction(ledger.cash) == reference.cash
        assert Fraction(ledger.fees) == reference.fees
        assert Fraction(sum(ledger.foreign_fees.values())) == reference.foreign
        assert {s: Fraction(h.quantity) for s, h in ledger.holdings.items()} == {
            s: p.quantity for s, p in reference.held.items()
        }
        assert sum(map(Fraction, ledger.dust.values())) == reference.dust
        for symbol, total in reference.total.items():
            assert Fraction(ledger.quantity(symbol) + ledger.dust.get(symbol, D(0))) == total

    @invariant()
    def what_is_divided_is_off_by_no_more_than_its_roundings(self):
        ledger, reference = self.state.ledger, self.reference
        assert abs(Fraction(ledger.realised) - reference.realised) <= self.slack
        assert abs(Fraction(ledger.written_off) - reference.written_off) <= self.slack
        for symbol, position in reference.held.items():
            assert abs(Fraction(ledger.holdings[symbol].cost) - position.cost) <= self.slack

    @invariant()
    def the_books_balance_to_the_last_digit(self):
        assert imbalance(self.state.ledger) == 0


TestBooks = Books.TestCase
