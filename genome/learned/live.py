"""A stored fit, one bar at a time: what was learned is what trades. Nothing here can learn.

Features come from the same kernels as for whole histories, called with one bar; predictions from the same folded
numbers. So each decision is, to the bit, the one of `decided` over the whole history with this fit.
"""

import math

import msgspec
import numpy as np

from genome.genome import Genome
from genome.identity import Genes
from genome.indicators import kernel, state_size
from genome.learned.fits import Fit, PtqFit, mean_of, ptq_quantiles, svc_predict
from genome.learned.genes import Settings, settings
from genome.learned.matrix import FEATURES, LOOKBACK, OPTIONAL, assembled, numbers, written
from genome.learned.walking import Signals, Walk, decided
from genome.market import F64, Market, market
from genome.trees import Binary, Column, Indicator, Series, Unary
from organism.errors import BadInput
from organism.market import Bar

_NS = 1_000_000_000
_UNUSED = 1e-9


class LearnedState(msgspec.Struct, frozen=True, gc=False, tag="learned"):
    """memory: float64, of all indicators; n: bars seen; held: −1, 0 or 1."""

    memory: bytes
    n: int = 0
    held: float = 0.0


class LearnedStrategy:
    """A learned genome with its stored fit, as `genome.strategy.Strategy`.

    The forecast is the position that its decisions lead to (SEMANTICS.md, 3), −1, 0 or 1; NaN while warming up. Stops,
    holds and sizes are the simulator's genes and are applied by whoever trades it.
    """

    def __init__(self, genome: Genome, fit: Fit) -> None:
        """Raises `BadInput` where the fit belongs to another family, other features, or needs what bars do not carry."""
        self._settings = settings(genome)
        self.family = genome.family
        self.parameters: Genes = genome.genes
        self.warmup_bars = LOOKBACK + 1
        self._fit = fit
        _check_belongs(self._settings, fit)
        self._nodes = _in_order()
        self._sizes = [state_size(node.name, numbers(node), node.timeframe) for node in self._nodes]

    def initial(self) -> LearnedState:
        """State before the first bar."""
        return LearnedState(bytes(8 * sum(self._sizes)))

    def step(self, state: LearnedState, bar: Bar) -> tuple[LearnedState, float]:
        """Next state, and the forecast after this bar."""
        memory = np.frombuffer(state.memory, dtype=np.float64).copy()
        row = self._features(memory, bar)
        levels = tuple(bool(side[0]) for side in replayed(self._fit, self._settings, row))
        held = _held(state.held, *levels)
        n = state.n + 1
        return LearnedState(memory.tobytes(), n, held), held if n >= self.warmup_bars else math.nan

    def _features(self, memory: F64, bar: Bar) -> F64:
        now = _one(bar)
        values: dict[Column | Indicator, F64] = {}

        def leaf(node: Column | Indicator) -> F64:
            return now.column(node.name) if isinstance(node, Column) else values[node]

        at = 0
        for node, size in zip(self._nodes, self._sizes, strict=True):
            out = np.empty(1)
            source = leaf(Column("close") if node.source is None else node.source)
            kernel(node.name)(
                np.array(numbers(node)),
                memory[at : at + size],
                np.ascontiguousarray(source),
                now.columns,
                now.open_s,
                0,
                out,
            )
            values[node] = out
            at += size
        return assembled(leaf, now)


def replayed(fit: Fit, chosen: Settings, rows: F64) -> Signals:
    """Decisions of one stored fit for rows of features (n, len(FEATURES)); bool (n,) each. No walk: one fit for all.

    Over bars that the fit has learned from, this is not a backtest.
    """
    quantiles = np.full((rows.shape[0], 3), np.nan)
    if isinstance(fit, PtqFit):
        quantiles = ptq_quantiles(fit, rows)
        predictions = mean_of(quantiles, fit.quantiles)
    else:
        predictions = svc_predict(fit, rows)
    return decided(Walk(chosen, predictions, quantiles, np.full(rows.shape[0], np.nan), (), ()))


def _held(held: float, entry_long: bool, exit_long: bool, entry_short: bool, exit_short: bool) -> float:  # noqa: FBT001
    """Section 3 of SEMANTICS.md, without the simulator's genes: exit before entry, both sides at once is none."""
    long, short = entry_long and not exit_long, entry_short and not exit_short
    if long and short:
        long = short = False
    if held > 0.0:
        return -1.0 if short else 0.0 if exit_long else held
    if held < 0.0:
        return 1.0 if long else 0.0 if exit_short else held
    return 1.0 if long else -1.0 if short else 0.0


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


def _in_order() -> tuple[Indicator, ...]:
    """Every indicator that features read, each once, sources first."""
    found: dict[Indicator, None] = {}

    def visit(node: Series) -> None:
        match node:
            case Indicator(source=source):
                if source is not None:
                    visit(source)
                found.setdefault(node)
            case Unary(operand=operand):
                visit(operand)
            case Binary(left=left, right=right):
                visit(left)
                visit(right)
            case _:
                pass

    for series in written().values():
        visit(series)
    return tuple(found)


def _one(bar: Bar) -> Market:
    prices = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    ohlcv = tuple(np.array([float(x)]) for x in prices)
    at = np.array([bar.open_ns // _NS], dtype=np.int64)
    return market(bar.symbol, at, (bar.close_ns - bar.open_ns) // _NS, ohlcv)  # type: ignore[arg-type]
