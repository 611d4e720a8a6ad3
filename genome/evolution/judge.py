"""An evaluator in this process: the simulator over one market, or over many as an equal-weight portfolio of them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from genome.breeding.flat import Flock
from genome.breeding.objectives import NAMES, VOLATILITY, objectives
from genome.breeding.packing import packed
from genome.costs import Costs
from genome.evolution.adding import add
from genome.evolution.ports import Scores
from genome.market import F64, I64, Market
from genome.simulator.cache import Cache, market_digest
from genome.simulator.figures import FIGURES
from genome.simulator.packing import Packed
from genome.simulator.population import CORES, outcomes
from genome.simulator.stretches import each, parts
from genome.simulator.traits import checked_capital
from genome.simulator.windowed import cut as window_of
from organism.errors import BadInput

RULE = f"{', '.join(NAMES)} at {VOLATILITY:g} a year, 1"
"""The rule of objectives and its version, which is part of what data are called."""
_HARMLESS = (BadInput, ArithmeticError, ValueError, LookupError)
"""What one genome may raise without taking others along; memory and bugs of another kind are not one genome's."""


@dataclass(frozen=True, slots=True, eq=False)
class Local:
    """Judges flocks by simulating them here. A pure function of the flock.

    markets        one, or several with bars of one class of assets: each genome then trades each of them by itself, and
                   is judged by the mean of their daily returns on each day, over the markets that have bars on that day.
                   Not the joint pass (`genome.simulator.joint`): that shares one capital and one limit of positions
    costs, capital the same for every market
    slice          seconds since the epoch, from and until: bars that open in between; None is all
    fewest_trades  closed trades, of all markets together; fewer violate the constraint
    threads        of the simulator; all cores when None

    data           names all of the above but the threads
    days           int64 (D,): days since the epoch that genomes are judged on
    cut            the markets, sliced

    Columns of slow indicators that are asked for again are kept between calls, the newest 256 MiB, where the markets have so
    few bars that a generation finds them again (together 335,000); what is kept changes no score.

    A genome that raises is worth −∞, breaks the constraint beyond measure, and leaves the others alone. Raises `BadInput`
    for markets that cannot be judged together.
    """

    markets: Sequence[Market]
    costs: Costs = field(default_factory=Costs)
    capital: float = 10_000.0
    slice: tuple[int, int] | None = None
    fewest_trades: int = 30
    threads: int | None = None
    data: str = field(init=False)
    days: I64 = field(init=False)
    cut: tuple[Market, ...] = field(init=False)
    _places: tuple[I64, ...] = field(init=False)
    _columns: Cache | None = field(init=False)

    def __post_init__(self) -> None:
        """Cut the markets, and name what is judged by."""
        checked_capital(self.capital)
        if not self.markets:
            raise BadInput("no market was given to judge by; give one at least.")
        if self.fewest_trades < 0:
            raise BadInput(f"the fewest trades were {self.fewest_trades}; give 0 or more.")
        years = sorted({market.asset_class.days_per_year for market in self.markets})
        if len(years) > 1:
            raise BadInput(
                f"the markets have years of {' and '.join(map(str, years))} trading days; judge by those of one kind."
            )
        cut = tuple(self.markets if self.slice is None else (_between(m, *self.slice) for m in self.markets))
        calendars = [np.unique(market.day) for market in cut]
        days = np.unique(np.concatenate(calendars))
        if len(days) < _FEWEST_DAYS:
            raise BadInput(f"the bars span {len(days)} days; at least {_FEWEST_DAYS} are needed to judge by.")
        digest = hashlib.blake2b(digest_size=16)
        told = (self.costs, self.capital, self.slice, self.fewest_trades, RULE)
        digest.update(repr(told).encode())
        for market in cut:
            digest.update(market_digest(market))
        set_ = object.__setattr__
        set_(self, "data", digest.hexdigest())
        set_(self, "days", days)
        set_(self, "cut", cut)
        set_(self, "_places", tuple(np.searchsorted(days, calendar) for calendar in calendars))
        set_(self, "_columns", _cache(sum(market.size for market in cut)))

    def __call__(self, flock: Flock) -> Scores:
        """Scores of every genome of a flock, in its order."""
        if len(flock) == 0:
            return self.unjudged(0)
        try:
            return self._judged(packed(flock))
        except _HARMLESS:
            if len(flock) == 1:
                return self.unjudged(1)
        half = len(flock) // 2
        return _after_another(
            self(flock.take(np.arange(half))), self(flock.take(np.arange(half, len(flock))))
        )

    def unjudged(self, n: int) -> Scores:
        """What n genomes that cannot be judged are worth."""
        return Scores(
            np.full((n, len(NAMES)), -np.inf),
            np.full(n, np.inf),
            np.zeros((n, len(self.days))),
            self.days,
            np.zeros(n),
        )

    def _judged(self, crowd: Packed) -> Scores:
        n, n_days = len(crowd), len(self.days)
        returns, closed, present = np.zeros((n, n_days)), np.zeros((n, n_days)), np.zeros(n_days)
        wins, trades, turnover, weight = np.zeros(n), np.zeros(n), np.zeros(n), 0.0
        for market, places in zip(self.cut, self._places, strict=True):
            figures, daily = outcomes(crowd, market, self.costs, self.capital, self.threads, self._columns)
            n_trades, win_rate = figures[:, _N_TRADES], figures[:, _WIN_RATE]
            self._added(daily, places, returns, closed)
            present[places] += 1.0
            wins += np.where(n_trades > 0.0, win_rate * n_trades, 0.0)
            trades += n_trades
            turnover += len(places) * figures[:, _TURNOVER]
            weight += len(places)
        if len(self.cut) > 1:
            returns /= present
        rate = np.divide(wins, trades, out=np.full(n, np.nan), where=trades > 0.0)
        year = float(self.cut[0].asset_class.days_per_year)
        values, violations = np.empty((n, len(NAMES))), np.empty(n)
        turnover /= weight

        def weigh(i: int) -> None:
            some = rows[i]
            made = objectives(
                returns[some], closed[some], self.days, rate[some], turnover[some], year, self.fewest_trades
            )
            values[some], violations[some] = made.values, made.violations

        threads = self.threads or CORES
        rows = parts(n, threads)
        each(weigh, len(rows), threads)
        return Scores(values, violations, returns, self.days, trades)

    def _added(self, daily: F64, places: I64, returns: F64, closed: F64) -> None:
        """See `add`."""
        threads = self.threads or CORES
        rows = parts(len(daily), threads)

        def take(i: int) -> None:
            some = rows[i]
            add(daily[some], places, returns[some], closed[some])

        each(take, len(rows), threads)


_FEWEST_DAYS = 2
_N_TRADES, _WIN_RATE, _TURNOVER = (FIGURES.index(name) for name in ("n_trades", "win_rate", "turnover"))
_MOST_BYTES, _DEAR_NS, _WORTH_KEEPING = 256 << 20, 6.0, 100
"""Memory for columns that may come again, nanoseconds a bar from which a word is slow enough to be kept, and of so many
columns at least there has to be room, or the next generation finds none of them."""


def _cache(bars: int) -> Cache | None:
    """For columns of slow words: from the second generation on, three in four were there in one before."""
    return Cache(_MOST_BYTES, dear=_DEAR_NS, twice=True) if 8 * bars * _WORTH_KEEPING <= _MOST_BYTES else None


def _between(market: Market, since_s: int, until_s: int) -> Market:
    """The bars that open from `since_s` on and before `until_s`."""
    begin, end = np.searchsorted(market.open_s, (since_s, until_s)).tolist()
    if end <= begin:
        raise BadInput(
            f"{market.symbol} has no bars between {since_s} s and {until_s} s; its bars open from {int(market.open_s[0])} s "
            f"to {int(market.open_s[-1])} s."
        )
    return window_of(market, begin, end)


def _after_another(one: Scores, other: Scores) -> Scores:
    return Scores(
        np.concatenate([one.values, other.values]),
        np.concatenate([one.violations, other.violations]),
        np.concatenate([one.returns, other.returns]),
        one.days,
        np.concatenate([one.trades, other.trades]),
    )
