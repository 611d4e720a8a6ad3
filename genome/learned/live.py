"""A stored fit, one bar at a time: what was learned is what trades. Nothing here can learn.

Features, predictions and the account come from the same kernels as for whole histories, called with one bar. So the
forecast after a bar is the side that `backtest` with this fit's signals (`replayed`) holds after the next open, times the
share of equity that the size rule gives it: stops, targets, holds, cool-downs and sizes included. Two things no bar can tell
before they are: that the next bar is void or comes after a hole, and what a reversal's first leg will have earned, which
the Kelly rule counts.
"""

from dataclasses import dataclass

import numpy as np

from genome.checking import check
from genome.compiled import lived_costs, one_bar
from genome.costs import Costs
from genome.genome import Genome
from genome.identity import Genes
from genome.learned.fits import Fit, Model, PtqFit, model, said
from genome.learned.genes import Settings, settings
from genome.learned.kernels import levels
from genome.learned.matrix import FEATURES, LOOKBACK, OPTIONAL
from genome.learned.program import CIRCLES, Written, laid_out, program
from genome.learned.stepping import step_learned
from genome.learned.walking import Signals, unpacked
from genome.market import F64, I64
from genome.memory import recalled, remembered
from genome.programs.streaming import Plan, lookback
from genome.simulator import layout as at
from genome.simulator.living import N_OWN, SEEN
from genome.simulator.traits import fresh_account, traits
from genome.strategy import NAN, CompiledState
from organism.errors import BadInput
from organism.market import AssetClass, Bar

_NS = 1_000_000_000
_UNUSED = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class LearnedStrategy:
    """A learned genome with its stored fit, as `genome.strategy.Strategy`; see `lived_by`."""

    genome: Genome
    fit: Fit
    settings: Settings
    written: Written
    plan: Plan
    model: Model
    sizes: I64
    traits: F64
    costs: F64
    warmup_bars: int

    @property
    def family(self) -> str:
        """Family of the genome."""
        return self.genome.family

    @property
    def parameters(self) -> Genes:
        """Its genes."""
        return self.genome.genes

    @property
    def _floats(self) -> int:
        return N_OWN + at.N_ACCOUNT + self.plan.memory_size

    def initial(self) -> CompiledState:
        """Before the first bar."""
        memory = np.zeros(self._floats)
        memory[N_OWN : N_OWN + at.N_ACCOUNT] = fresh_account(1.0)
        return remembered(memory)

    def step(self, state: CompiledState, bar: Bar) -> tuple[CompiledState, float]:
        """Take a bar in. The forecast is for the next open, in [−1, 1]; NaN while warming up."""
        after, forecast, _ = self.seen(state, bar)
        return after, forecast

    def seen(self, state: CompiledState, bar: Bar) -> tuple[CompiledState, float, F64]:
        """As `step`, and the features that the model saw, float64 (len(FEATURES),)."""
        memory = recalled(state, self._floats, self.initial)
        features = np.empty((1, len(FEATURES)))
        made, opened = self.written, bar.open_ns // _NS
        forecast = step_learned(
            self.plan.columns, self.plan.parameters, made.code, made.value, made.outputs, made.optional, CIRCLES, *self.model,
            self.sizes, self.settings.band, self.traits, self.costs, memory,
            one_bar(bar, opened + int(self.sizes[0])), np.array([opened]), features,
        )  # fmt: skip
        forecast = forecast if memory[SEEN] >= self.warmup_bars else NAN
        return remembered(memory), forecast, features[0]


def lived_by(
    genome: Genome,
    fit: Fit,
    bar_s: int = 300,
    costs: Costs = Costs(),  # noqa: B008 - frozen
    asset_class: AssetClass = AssetClass.CRYPTO_SPOT,
) -> LearnedStrategy:
    """A learned genome and its fit, for bars of `bar_s` seconds.

    Raises `BadInput` where the fit belongs to another family or other features, or needs what bars do not carry.
    """
    check(genome)
    chosen = settings(genome)
    _check_belongs(chosen, fit)
    genes = traits(genome)
    extra = tuple(key for key in (genes.atr, genes.sigma) if key)
    plan = laid_out(bar_s, extra)
    columns = [plan.row[key] if key else -1 for key in (genes.atr, genes.sigma)]
    warmup = max((LOOKBACK, *(lookback(key, bar_s) for key in extra))) + 1
    return LearnedStrategy(
        genome, fit, chosen, program(extra), plan, model(fit), np.array([bar_s, *columns], np.int64), genes.vector,
        lived_costs(costs, bar_s, asset_class), warmup,
    )  # fmt: skip


def replayed(fit: Fit, chosen: Settings, rows: F64) -> Signals:
    """Decisions of one stored fit for rows of features (n, len(FEATURES)); bool (n,) each. No walk: one fit for all.

    Over bars that the fit has learned from, this is not a backtest.
    """
    return unpacked(levels(said(fit, rows), chosen.band))


def _check_belongs(chosen: Settings, fit: Fit) -> None:
    family = "pca_tree_quantile" if isinstance(fit, PtqFit) else "linear_svc"
    if family != chosen.family or fit.horizon != chosen.horizon:
        raise BadInput(
            f"a fit of {family} with horizon {fit.horizon} does not belong to a genome of {chosen.family} with horizon "
            f"{chosen.horizon}; make one with `latest`."
        )
    if fit.names != FEATURES:
        raise BadInput(
            "the fit was made of other features than this version computes; make one with `latest`."
        )
    blocks = [fit.weights, fit.components] if isinstance(fit, PtqFit) else [fit.weights]
    for name in OPTIONAL:
        at = FEATURES.index(name)
        if any(
            float(np.abs(np.frombuffer(b, "<f8").reshape(-1, len(FEATURES))[:, at]).max()) > _UNUSED
            for b in blocks
        ):
            raise BadInput(
                f"the fit learned from {name!r}, which bars do not carry; make one with `latest` of a market without it."
            )
