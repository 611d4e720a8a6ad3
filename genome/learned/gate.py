"""Whether a learned seed may be lived by (S4-25.14): only where it has earned enough on bars that its models had not seen.

```
examined(genome, market) -> Verdict          walk forward, simulate with costs, judge
entrusted(genome, fit, verdict) -> Entrusted the learned strategy where it passed; else one of the seeds 1–10, and why
```
"""

import math
from dataclasses import dataclass

import numpy as np

from genome.compiled import compiled
from genome.costs import Costs
from genome.genome import Genome
from genome.learned.fits import Fit
from genome.learned.genes import LEARNED
from genome.learned.live import lived_by
from genome.learned.training import Known, Trainer
from genome.learned.walking import decided, walk
from genome.market import F64, Market
from genome.seeds import SEEDS, seed
from genome.simulator import backtest
from genome.simulator.figures import risk_adjusted
from genome.strategy import Strategy
from organism.errors import BadInput
from organism.market import AssetClass

MORE_THAN = 1.0
"""Annualised Sharpe ratio, after costs, out of sample."""
LEAST_WINDOWS = 5
LEAST_DAYS = 30
"""A month of daily returns: fewer say nothing about a ratio of a year."""
FALLBACKS = tuple(name for name in tuple(SEEDS)[:10] if not SEEDS[name].columns)
"""Seeds 1–10 of the library, in its order, but for those that read what bars do not carry: nobody can live by them."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the examination of a learned genome found.

    genome_id   whose it is
    passed      whether it may be lived by
    reason      one sentence with the figures
    sharpe      annualised, after costs, over the bars that models spoke for; NaN where it is none
    windows     models that spoke, refused: windows without one
    days        daily returns judged
    trades      closed trades among them
    fallback    the seed of 1–10 with the highest Sharpe ratio over the same days, the first where none has one
    """

    genome_id: str
    passed: bool
    reason: str
    sharpe: float
    windows: int
    refused: int
    days: int
    trades: int
    fallback: str


@dataclass(frozen=True, slots=True)
class Entrusted:
    """The strategy to live by, and why it is this one."""

    strategy: Strategy
    reason: str


def judged(
    genome: Genome,
    sharpe: float,
    *,
    windows: int,
    refused: int,
    days: int,
    trades: int,
    fallback: str = FALLBACKS[0],
    more_than: float = MORE_THAN,
) -> Verdict:
    """Pass or not, from the figures alone. A ratio that is NaN, too few windows or days, or no trade never pass.

    Half of the windows without a model do not pass either: what is silent most of the time was hardly examined.
    """
    if fallback not in FALLBACKS:
        raise BadInput(f"fallback was {fallback!r}; one of {', '.join(FALLBACKS)} is meant.")
    if not math.isfinite(more_than):
        raise BadInput(f"the ratio to exceed was {more_than}; give a number.")
    whose = f"{genome.family} of {windows} windows, {days} days and {trades} trades out of sample"
    if windows < LEAST_WINDOWS:
        failed = f"has fewer than {LEAST_WINDOWS} windows that a model spoke for"
    elif refused > windows:
        failed = f"has no model in {refused} windows more, which is most of them"
    elif days < LEAST_DAYS:
        failed = f"has fewer than {LEAST_DAYS} days to judge"
    elif trades < 1:
        failed = "has not traded"
    elif not math.isfinite(sharpe):
        failed = "has no Sharpe ratio that is a number"
    elif not sharpe > more_than:
        failed = f"has a Sharpe ratio of {sharpe:.2f} after costs, and more than {more_than:g} is needed"
    else:
        failed = ""
    reason = (
        f"{whose} {failed}; {fallback} is lived by instead."
        if failed
        else f"{whose} has a Sharpe ratio of {sharpe:.2f} after costs, which is more than {more_than:g}."
    )
    return Verdict(genome.genome_id, not failed, reason, sharpe, windows, refused, days, trades, fallback)


def examined(
    genome: Genome,
    market: Market,
    costs: Costs = Costs(),  # noqa: B008 - frozen
    *,
    known: F64 | Known | None = None,
    trainer: Trainer | None = None,
    more_than: float = MORE_THAN,
) -> Verdict:
    """Walk a learned genome forward over a market, trade its predictions with costs, and judge the days they cover.

    Days before the first model spoke are not counted: they would be without risk, and without return.
    """
    walked = walk(genome, market, known=known, trainer=trainer)
    result = backtest(market, genome, costs, signals=decided(walked))
    spoke = [step.fold.test_from for step in walked.steps if not step.refused]
    begin = min(spoke, default=market.size - 1)
    first = int(market.day[begin])
    judged_days = result.days >= first if spoke else np.zeros(result.days.shape, np.bool_)

    def ratio(daily: F64) -> float:
        return sharpe_of(daily[judged_days], market.asset_class.days_per_year)

    rivals = {name: ratio(backtest(market, seed(name), costs).daily) for name in FALLBACKS}
    numbers = {name: value for name, value in rivals.items() if math.isfinite(value)}
    return judged(
        genome,
        ratio(result.daily),
        windows=len(spoke),
        refused=walked.refused,
        days=int(judged_days.sum()),
        trades=int(result.figures["n_trades"]),
        fallback=max(numbers, key=lambda name: numbers[name]) if numbers else FALLBACKS[0],
        more_than=more_than,
    )


def sharpe_of(daily: F64, days_per_year: int) -> float:
    """Annualised Sharpe ratio of daily returns, as in SEMANTICS.md, 7; NaN for fewer than two."""
    if daily.size < 2:  # noqa: PLR2004 - a deviation needs two
        return math.nan
    return float(risk_adjusted(daily[None], days_per_year)[0][0])


def entrusted(
    genome: Genome,
    fit: Fit | None = None,
    verdict: Verdict | None = None,
    bar_s: int = 300,
    costs: Costs = Costs(),  # noqa: B008 - frozen
    asset_class: AssetClass = AssetClass.CRYPTO_SPOT,
) -> Entrusted:
    """The learned strategy where this genome's verdict passed and there is a fit; else the seed to fall back to.

    Raises `BadInput` where the verdict is another genome's, or the fit does not belong to it.
    """
    if genome.family not in LEARNED:
        raise BadInput(f"family {genome.family!r} does not learn; {' and '.join(LEARNED)} do.")
    if verdict is not None and verdict.genome_id != genome.genome_id:
        raise BadInput(
            f"the verdict is of genome {verdict.genome_id}, not of {genome.genome_id}; examine this one."
        )
    if verdict is not None and verdict.passed and fit is not None:
        return Entrusted(lived_by(genome, fit, bar_s, costs, asset_class), verdict.reason)
    name = FALLBACKS[0] if verdict is None else verdict.fallback
    if verdict is None:
        reason = f"{genome.family} was not examined; {name} is lived by instead."
    elif verdict.passed:
        reason = f"{genome.family} passed and has no stored fit; {name} is lived by instead."
    else:
        reason = verdict.reason
    return Entrusted(compiled(seed(name), bar_s, costs, asset_class), reason)
