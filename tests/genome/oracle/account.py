"""One genome on one market, bar by bar: sections 1 and 3 to 6 of SEMANTICS.md, a function a rule."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from genome.costs import Costs
from genome.genome import Genome
from genome.market import Market
from tests.genome.oracle.evaluate import Among, signal
from tests.genome.oracle.figures import Trade, daily_returns, figures
from tests.genome.oracle.funding import at_the_open, funding_is_missing, inside, pay_funding
from tests.genome.oracle.prices import (
    LONG,
    SHORT,
    average_true_range,
    of_steps,
    rate_of_change,
    slippage,
    spread,
    taker_price,
    traded_notional,
    voids,
    volatility,
)
from tests.genome.oracle.sizes import share_of_equity, stop_distance

NAN = math.nan
NEVER = -(10**9)


class OracleResult(NamedTuple):
    """What a genome made of a market. `refused` counts entries that a venue would not take."""

    trades: list[Trade]
    equity: list[float]
    daily: list[float]
    figures: dict[str, float]
    flags: frozenset[str]
    refused: int


@dataclass
class Position:
    """`extreme` is the best price since the entry, for the trailing level; `atr` that of the decision."""

    side: int
    quantity: float
    entry_bar: int
    entry_price: float
    entry_fee: float
    extreme: float
    atr: float
    funding: float = 0.0


@dataclass
class Wallet:
    """The account: shared where many assets trade on one equity."""

    cash: float
    equity: float
    peak: float
    stopped: bool = False
    ruined: bool = False


@dataclass
class Desk:
    """One asset: its bars, what was decided on them, and the position."""

    market: Market
    genes: dict[str, float]
    costs: Costs
    signals: tuple[list[bool], ...]
    position: Position | None = None
    last_exit: int = NEVER
    close: float = NAN
    trades: list[Trade] = field(default_factory=list)
    refused: int = 0

    def __post_init__(self):
        market = self.market
        self.void = voids(market)
        self.bars = {name: market.column(name).tolist() for name in ("open", "high", "low", "close")}
        self.sigma = volatility(market, 20)
        self.liquidity = traded_notional(market)
        self.spread = spread(market)
        self.rates = {n: rate_of_change(market, n) for n in (5, 10, 20)}
        self.atr = average_true_range(market, int(self.genes.get("atr_period", 14)))
        self.own_volatility = volatility(market, int(self.genes.get("volatility_window", 20)))

    def mark(self, which: str, t: int, otherwise: float) -> float:
        """The mark price, or what stands in for it."""
        row = getattr(self.market, which)
        return otherwise if row is None or math.isnan(row[t]) else float(row[t])


def desk(
    market: Market,
    genome: Genome,
    costs: Costs,
    signals: tuple[list[bool], ...] | None = None,
    among: Among = (),
) -> Desk:
    """Evaluate the four conditions, or take the levels as given; a void bar says nothing either way."""
    conditions = (genome.entry_long, genome.exit_long, genome.entry_short, genome.exit_short)
    if signals is None:
        signals = tuple(signal(condition, market, among) for condition in conditions)
    void = voids(market)
    spoken = tuple([level and not void[t] for t, level in enumerate(row)] for row in signals)
    return Desk(market, dict(genome.genes), costs, spoken)


def run(
    market: Market,
    genome: Genome,
    costs: Costs = Costs(),  # noqa: B008 (frozen)
    capital: float = 10_000.0,
    signals: tuple[list[bool], ...] | None = None,
) -> OracleResult:
    """Simulate; `signals` gives the levels of EL, XL, ES, XS without trees."""
    d, w = desk(market, genome, costs, signals), Wallet(capital, capital, capital)
    equity, held = [], []
    for t in range(market.size):
        pay_funding(d, w, t, at_the_open(d, t))
        if fills(d, t):
            closed = close_at_the_open(d, w, t)
            side = entry_side(d, w, t, closed)
            if side:
                enter(d, w, t, side, outlay(d, w, t, side))
        pay_funding(d, w, t, inside(d, t))
        if not d.void[t]:
            close_inside(d, w, t, w.cash)
            move_extreme(d, t)
            d.close = d.bars["close"][t]
        close_before_a_hole(d, w, t)
        w.equity = w.cash + (d.position.side * d.position.quantity * d.close if d.position else 0.0)
        judge(w, [d], t)
        equity.append(w.equity)
        held.append(d.position is not None)
    mark_at_the_end(d)
    return result([d], w, equity, held, market.day.tolist(), capital)


def result(
    desks: list[Desk], w: Wallet, equity: list[float], held: list[bool], days: list[int], capital: float
) -> OracleResult:
    market, trades = desks[0].market, [trade for d in desks for trade in d.trades]
    numbers = figures(
        trades, equity, held, days, capital, market.asset_class.days_per_year, desks[0].costs.taker
    )
    refused = sum(d.refused for d in desks)
    flags = {
        "ruined": w.ruined,
        "liquidated": any(trade.reason == "liquidation" for trade in trades),
        "drawdown_stop": w.stopped,
        "shorted": any(trade.side == SHORT for trade in trades),
        "funding_missing": any(funding_is_missing(d) for d in desks),
        "open_at_end": any(trade.reason == "end" for trade in trades),
    }
    said = frozenset(name for name, is_so in flags.items() if is_so)
    return OracleResult(trades, equity, daily_returns(equity, days, capital), numbers, said, refused)


# Section 1: time


def hole_after(market: Market, t: int) -> bool:
    """More than 24 bars are missing between t and t + 1."""
    return t + 1 < market.size and market.open_s[t + 1] - market.open_s[t] > 25 * market.bar_s


def fills(d: Desk, t: int) -> bool:
    """Whether what was decided at the close of t − 1 fills at the open of t."""
    return t > 0 and not d.void[t] and not hole_after(d.market, t - 1)


def close_before_a_hole(d: Desk, w: Wallet, t: int) -> None:
    if d.position and hole_after(d.market, t):
        close_as_taker(d, w, t, d.close, "gap")


# Section 3: decisions at an open


def wanted_sides(d: Desk, t: int) -> list[int]:
    """What is wanted at the open of t; long and short together is none."""
    entry_long, exit_long, entry_short, exit_short = (row[t - 1] for row in d.signals)
    want_long, want_short = entry_long and not exit_long, entry_short and not exit_short
    if want_long and want_short:
        return []
    return [LONG] if want_long else [SHORT] if want_short else []


def closing_reason(d: Desk, w: Wallet, t: int) -> str | None:
    """Why the position ends at this open, the first reason that holds."""
    p = d.position
    if w.stopped:
        return "drawdown"
    if "maximum_hold" in d.genes and t - p.entry_bar >= d.genes["maximum_hold"]:
        return "hold"
    if d.signals[1 if p.side == LONG else 3][t - 1]:
        return "signal"
    if -p.side in wanted_sides(d, t):
        return "reversal"
    return None


def close_at_the_open(d: Desk, w: Wallet, t: int) -> Trade | None:
    reason = closing_reason(d, w, t) if d.position else None
    if reason is None:
        return None
    close_as_taker(d, w, t, d.bars["open"][t], reason)
    return d.trades[-1]


def entry_side(d: Desk, w: Wallet, t: int, closed: Trade | None) -> int:
    """The side to enter at this open, 0 for none."""
    if d.position or w.stopped or w.ruined or cooling_down(d, t):
        return 0
    for side in wanted_sides(d, t):
        if closed is None or (closed.side == -side and closed.reason != "drawdown"):
            return side
    return 0


def cooling_down(d: Desk, t: int) -> bool:
    wait = d.genes.get("cool_down", 0)
    return wait >= 1 and t < d.last_exit + wait + 1


# Section 4: inside a bar


def close_inside(d: Desk, w: Wallet, t: int, cash: float) -> None:
    """Liquidation before stop before target; the first that is touched closes. `cash` is what margin sees."""
    p = d.position
    if p is None:
        return
    opened = d.bars["open"][t]
    worse, better = (min, max) if p.side == LONG else (max, min)
    if liquidated(d, t, cash):
        close_as_taker(d, w, t, worse(opened, liquidation_price(d, cash)), "liquidation")
        return
    level, reason = stop_level(d)
    if level > 0 and reaches(d, t, level, -p.side):
        close_as_taker(d, w, t, worse(opened, level), reason)
        return
    level = target_level(d)
    if level > 0 and reaches(d, t, level, p.side):
        close_as_maker(d, w, t, better(opened, level))


def reaches(d: Desk, t: int, level: float, direction: int) -> bool:
    """Whether the bar trades at the level, upwards or downwards."""
    return d.bars["high"][t] >= level if direction == LONG else d.bars["low"][t] <= level


def liquidation_price(d: Desk, cash: float) -> float:
    """Where cash + position = maintenance · |position|."""
    m, q = d.costs.maintenance, d.position.quantity
    return -cash / (q * (1 - m)) if d.position.side == LONG else cash / (q * (1 + m))


def liquidated(d: Desk, t: int, cash: float) -> bool:
    price = liquidation_price(d, cash)
    if d.position.side == LONG:
        return cash < 0 and d.mark("mark_low", t, d.bars["low"][t]) <= price
    return d.mark("mark_high", t, d.bars["high"][t]) >= price


def stop_level(d: Desk) -> tuple[float, str]:
    """The tightest of stop, stop by ATR and trailing that is positive, rounded to the tick; 0 where there is none."""
    p, g = d.position, d.genes
    tighter = max if p.side == LONG else min
    levels = []
    if "stop" in g:
        levels.append((p.entry_price * (1 - p.side * g["stop"]), "stop"))
    if "stop_atr" in g:
        levels.append((p.entry_price - p.side * g["stop_atr"] * p.atr, "stop"))
    if "trailing" in g:
        levels.append((p.extreme * (1 - p.side * g["trailing"]), "trailing"))
    levels = [(level, reason) for level, reason in levels if level > 0]
    if not levels:
        return 0.0, ""
    level, reason = tighter(levels, key=lambda one: one[0])  # of equal ones the first, so a stop
    return of_steps(level, d.market.tick, math.floor if p.side == LONG else math.ceil), reason


def target_level(d: Desk) -> float:
    p, g = d.position, d.genes
    if "target" not in g:
        return 0.0
    level = p.entry_price * (1 + g["target"]) if p.side == LONG else p.entry_price * (1 - g["target"])
    return of_steps(level, d.market.tick, math.ceil if p.side == LONG else math.floor)


def move_extreme(d: Desk, t: int) -> None:
    """After the bar: its high or low counts for the trailing level of the next."""
    if d.position:
        p = d.position
        p.extreme = max(p.extreme, d.bars["high"][t]) if p.side == LONG else min(p.extreme, d.bars["low"][t])


# Section 5: fills, ruin


def outlay(d: Desk, w: Wallet, t: int, side: int) -> float:
    """What the entry may take, fee included: a share of the equity, and never more than the cash at hand."""
    return min(share_of_equity(d, t) * w.equity, w.cash)


def enter(d: Desk, w: Wallet, t: int, side: int, wanted: float) -> None:
    """Buy, or sell short. What the venue would refuse is counted."""
    if not wanted > 0 or math.isnan(stop_distance(d, t, otherwise=0.0)):
        return
    slip = slippage(d.costs, d.sigma[:t], d.liquidity[:t], t, wanted)
    price = taker_price(d.bars["open"][t], slip, side, d.market.tick)
    if price <= 0:
        d.refused += 1
        return
    quantity = of_steps(wanted / (price * (1 + d.costs.taker)), d.market.lot, math.floor)
    if quantity == 0 or quantity * price < d.market.min_notional:
        d.refused += 1
        return
    fee = d.costs.taker * quantity * price
    w.cash -= side * quantity * price + fee
    d.position = Position(side, quantity, t, price, fee, price, d.atr[t - 1])


def close_as_taker(d: Desk, w: Wallet, t: int, price: float, reason: str) -> None:
    p = d.position
    slip = slippage(d.costs, d.sigma[:t], d.liquidity[:t], t, p.quantity * price)
    fill = taker_price(price, slip, -p.side, d.market.tick)
    book_trade(d, w, t, fill, d.costs.taker * p.quantity * fill, reason)


def close_as_maker(d: Desk, w: Wallet, t: int, price: float) -> None:
    book_trade(d, w, t, price, d.costs.maker * d.position.quantity * price, "target")


def book_trade(d: Desk, w: Wallet, t: int, price: float, fee: float, reason: str) -> None:
    p = d.position
    fees = p.entry_fee + fee
    pnl = p.side * p.quantity * (price - p.entry_price) - fees - p.funding
    d.trades.append(Trade(p.side, p.entry_bar, p.entry_price, t, price, p.quantity, fees, pnl, reason))
    if reason != "end":
        w.cash += p.side * p.quantity * price - fee
    d.position, d.last_exit = None, t


def judge(w: Wallet, desks: list[Desk], t: int) -> None:
    """At a close: ruin, then the drawdown stop."""
    if w.equity <= 0 or w.ruined:
        for d in desks:
            if d.position:
                book_trade(d, w, t, d.close, 0.0, "ruin")
        w.cash = w.equity = 0.0
        w.ruined = True
        return
    w.peak = max(w.peak, w.equity)
    limit = desks[0].genes.get("drawdown_stop")
    if limit is not None and w.equity <= (1 - limit) * w.peak:
        w.stopped = True


# Section 6: the end


def mark_at_the_end(d: Desk) -> None:
    """List what is still open, as the last close sees it; nothing is paid, nothing is filled."""
    if d.position:
        book_trade(d, Wallet(0.0, 0.0, 0.0), d.market.size - 1, d.close, 0.0, "end")
