"""Where in time is learned and where is tested: windows that roll, or that grow from the first bar.

Source: R. Pardo (2008), "The Evaluation and Optimization of Trading Strategies", 2nd edition, ch. 11. The gap between
learning and testing is the purge and embargo of M. López de Prado (2018), "Advances in Financial Machine Learning", ch. 7.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genome.market import I64, Market
from organism.errors import BadInput

_FEWEST_TEST_DAYS = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """How time is cut.

    train, test    days of each; the next window begins `test` days later, so that tests follow each other without gap
    trading_days   days on which the market has a bar are counted, instead of days of the calendar
    anchored       learning begins at the first bar always, and grows
    gap            bars left out between learning and testing; None: as many as the longest lookback, at most a tenth of
                   the learning
    """

    train: int = 365
    test: int = 90
    trading_days: bool = False
    anchored: bool = False
    gap: int | None = None

    def __post_init__(self) -> None:
        """Refuse lengths that make no window. Raises `BadInput`."""
        for name, days, least in (("train", self.train, 1), ("test", self.test, _FEWEST_TEST_DAYS)):
            if days < least:
                raise BadInput(f"--{name} is at least {least} day{'s'[: least > 1]}; was {days}.")
        if self.gap is not None and self.gap < 0:
            raise BadInput(f"--purge is 0 bars or more; was {self.gap}.")

    @property
    def days_name(self) -> str:
        """What is counted."""
        return "trading days" if self.trading_days else "days"


PRESETS: Mapping[str, Plan] = {
    "365/90": Plan(365, 90),
    "252/63": Plan(252, 63, trading_days=True),
}
"""A year and a quarter: of the calendar, and of an exchange that closes at weekends."""


@dataclass(frozen=True, slots=True)
class Window:
    """Indices of bars, half open: learned on train_from … train_to − 1, tested on test_from … test_to − 1."""

    train_from: int
    train_to: int
    test_from: int
    test_to: int


def windows(market: Market, plan: Plan, lookback: int = 0) -> tuple[Window, ...]:
    """All whole windows of a market, oldest first; tests neither overlap nor leave bars out between them.

    Every test begins and ends at midnight UTC. Bars after the last whole test are not used. Raises `BadInput` where not
    one window fits.
    """
    starts = _day_starts(market, trading_days=plan.trading_days)
    days = starts.size - 1
    gap = _gap(starts, plan, lookback)
    first = next((day for day in range(days) if starts[day] >= gap), days)
    found = []
    for begin in range(first + plan.train, days - plan.test + 1, plan.test):
        train_to, test_from, test_to = (
            int(starts[begin]) - gap,
            int(starts[begin]),
            int(starts[begin + plan.test]),
        )
        train_from = 0 if plan.anchored else int(starts[begin - plan.train]) - gap
        if test_from == test_to or train_from >= train_to:
            raise BadInput(
                f"{market.symbol} has no bar in a window of {plan.train} and {plan.test} {plan.days_name}; take longer "
                "windows, or bars without such a hole."
            )
        found.append(Window(train_from, train_to, test_from, test_to))
    if not found:
        need = first + plan.train + plan.test
        raise BadInput(
            f"a window of {plan.train} and {plan.test} {plan.days_name} needs {need:,} with what is left out between them, "
            f"but {market.symbol} has {days:,}; take longer data, or shorter windows with --train and --test."
        )
    return tuple(found)


def _day_starts(market: Market, *, trading_days: bool) -> I64:
    """The first bar of each day, and the number of bars at the end."""
    day = market.day
    if trading_days:
        return np.append(np.flatnonzero(np.diff(day, prepend=day[0] - 1)), market.size)
    return np.searchsorted(day, np.arange(int(day[0]), int(day[-1]) + 2)).astype(np.int64)


def _gap(starts: I64, plan: Plan, lookback: int) -> int:
    if plan.gap is not None:
        return plan.gap
    bars_a_day = max(1, round(float(starts[-1]) / max(starts.size - 1, 1)))
    return min(lookback, plan.train * bars_a_day // 10)
