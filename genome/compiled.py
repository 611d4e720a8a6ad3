"""A genome as a strategy of the brain: compiled, one bar at a time, behind the founders' protocol.

The strategy keeps an account of its own, which trades on the bars it sees as SEMANTICS.md says: decisions fill at the
next open, stops and targets inside bars, holds and cool-downs count. Its forecast after a bar is the side that account
will hold after the next open, times the share of equity that its size rule gives; so what the brain is told is what the
simulator did with the same genome on the same bars. Funding is not in that account: a bar does not carry it.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from genome.checking import check, effective
from genome.costs import Costs
from genome.families import learned
from genome.genome import Genome
from genome.identity import Genes
from genome.limits import MOST_MEMORY
from genome.market import F64, I64
from genome.memory import recalled, remembered
from genome.programs.columns import in_order
from genome.programs.compiling import compile_genome
from genome.programs.streaming import Plan, lookback, plan
from genome.simulator import layout as at
from genome.simulator.living import N_OWN, SEEN, live
from genome.simulator.traits import fresh_account, traits
from genome.strategy import NAN, CompiledState
from genome.vocabulary import COLUMN_INDEX, COLUMNS, WORDS
from organism.errors import BadInput
from organism.market import AssetClass, Bar

_NS = 1_000_000_000
_DAY_S = 86_400
_VOLUME, _TYPICAL = COLUMN_INDEX["volume"], COLUMN_INDEX["typical"]
_HOUR, _WEEKDAY = COLUMN_INDEX["hour"], COLUMN_INDEX["weekday"]
_UNSEEN = frozenset({"funding", "fear_greed", "book_imbalance"})


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """A strategy without its state; see `compiled`."""

    genome: Genome
    plan: Plan
    bar_s: int
    warmup_bars: int
    sizes: I64
    traits: F64
    costs: F64

    @property
    def family(self) -> str:
        """Family of the genome."""
        return self.genome.family

    @property
    def parameters(self) -> Genes:
        """Its genes."""
        return self.genome.genes

    @property
    def n_bytes(self) -> int:
        """What it keeps for one asset from bar to bar."""
        return 8 * self._floats

    @property
    def _floats(self) -> int:
        return N_OWN + at.N_ACCOUNT + int(self.sizes[1]) + self.plan.memory_size

    def initial(self) -> CompiledState:
        """Before the first bar."""
        memory = np.zeros(self._floats)
        memory[N_OWN : N_OWN + at.N_ACCOUNT] = fresh_account(1.0)
        memory[N_OWN + at.N_ACCOUNT : N_OWN + at.N_ACCOUNT + int(self.sizes[1])] = 1.0  # unknown
        return remembered(memory)

    def step(self, state: CompiledState, bar: Bar) -> tuple[CompiledState, float]:
        """Take a bar in. The forecast is for the next open, in [−1, 1]; NaN while warming up."""
        memory = recalled(state, self._floats, self.initial)
        program = self.plan.program
        opened = bar.open_ns // _NS
        forecast = live(
            self.plan.columns, self.plan.parameters, self.plan.code, program.value, program.outputs, self.sizes, memory,
            self.traits, self.costs, one_bar(bar, opened + self.bar_s), np.array([opened]),
        )  # fmt: skip
        return remembered(memory), forecast if memory[SEEN] >= self.warmup_bars else NAN


def one_bar(bar: Bar, closed_s: int) -> F64:
    """A market of one bar, float64 (len(COLUMNS), 1); all NaN where the bar is void."""
    market = np.full((len(COLUMNS), 1), np.nan)
    total = bar.open + bar.high + bar.low + bar.close
    if total == total:  # noqa: PLR0124 - NaN
        row = market[:, 0]
        row[:_VOLUME] = bar.open, bar.high, bar.low, bar.close
        row[_VOLUME] = bar.volume
        row[_TYPICAL] = (bar.high + bar.low + bar.close) / 3.0
        row[_HOUR] = closed_s // 3_600 % 24
        row[_WEEKDAY] = (closed_s // _DAY_S + 3) % 7
    return market


def lived_costs(costs: Costs, bar_s: int, asset_class: AssetClass) -> F64:
    """Costs of the account of a strategy: those that depend on the bar's own price alone, float64 (N_COSTS,).

    A book's depth, the volume and the volatility of a market are not in a bar: slippage that depends on them is left out.
    """
    vector = np.zeros(at.N_COSTS)
    vector[at.TAKER], vector[at.MAKER], vector[at.MAINTENANCE] = costs.taker, costs.maker, costs.maintenance
    vector[at.FLAT] = min(
        1.0, costs.half_spread + (0.0 if costs.book_offsets is not None else costs.slippage)
    )
    vector[at.BARS_A_YEAR] = asset_class.bars_per_year(bar_s)
    return vector


@lru_cache(maxsize=4_096)
def compiled(
    genome: Genome,
    bar_s: int = 300,
    costs: Costs = Costs(),  # noqa: B008 - frozen
    asset_class: AssetClass = AssetClass.CRYPTO_SPOT,
) -> Compiled:
    """Compile a genome for bars of `bar_s` seconds. Raises `BadInput` for one that a single bar cannot feed.

    A genome that learns needs a fit and has to pass `genome.learned.gate`; it is refused here.
    """
    check(genome)
    if genome.family in learned():
        raise BadInput(
            f"{genome.family} learns, and was given neither a stored fit nor a verdict; `genome.learned.gate.entrusted` has "
            "both, or names the seed to live by instead."
        )
    ready = effective(genome)
    program, genes = compile_genome(ready), traits(ready)
    extra = tuple(key for key in (genes.atr, genes.sigma) if key)
    made = plan(program, bar_s, extra)
    keys = in_order((*program.columns, *extra))
    for key in keys:
        if key[0] == "raw" and key[1] in _UNSEEN:
            raise BadInput(
                f"{genome.family} reads {key[1]}, which bars do not carry; it can be backtested, not yet lived by."
            )
        if key[0] in WORDS and WORDS[str(key[0])].panel:
            raise BadInput(
                f"{genome.family} uses {key[0]}, which compares assets; a strategy of one asset cannot."
            )
    columns = [made.row[key] if key else -1 for key in (genes.atr, genes.sigma)]
    sizes = (made.memory_size, program.n_memory, program.n_numbers, program.n_conditions, bar_s, *columns)
    vector = lived_costs(costs, bar_s, asset_class)
    warmup = max((lookback(key, bar_s) for key in keys), default=0) + 1 + (program.n_memory > 0)
    found = Compiled(genome, made, bar_s, warmup, np.array(sizes, np.int64), genes.vector, vector)
    if found.n_bytes > MOST_MEMORY:
        raise BadInput(
            f"{genome.family} would keep {found.n_bytes:,} bytes for each asset, {MOST_MEMORY:,} are the most; take fewer "
            "indicators, or shorter windows."
        )
    return found
