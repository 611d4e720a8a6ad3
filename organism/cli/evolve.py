"""`organism evolve`: breed strategies on recorded bars, outside the living body."""

import textwrap
import time
from dataclasses import dataclass
from typing import Any, Final

from genome.breeding.objectives import NAMES
from genome.costs import Costs
from genome.evolution.judge import Local
from genome.evolution.loop import State
from genome.evolution.plan import Plan
from genome.evolution.report import Report
from genome.evolution.workers.pool import Pool
from genome.evolve import STOPPED, Evolved, checkpoint_of, evolve, words_of
from genome.insisted import Insisted
from genome.market import Market
from genome.printing import to_text
from genome.reporting.numbers import bar_name, instant
from genome.reporting.words import assumptions, warnings_of_bars
from genome.trials.count import counting
from genome.trials.datasets import dataset_of
from organism.cli.bars import markets_of, writable
from organism.cli.context import emit, state_folder
from organism.cli.counted import FILE
from organism.cli.gate import gate
from organism.cli.interrupted import interruptible
from organism.cli.parser import Options
from organism.cli.progress import Compiling, Progress
from organism.cli.reported import bred, keep
from organism.cli.universe import Universe
from organism.errors import BadInput

INTERRUPTED: Final = 130
_WIDE: Final = 100
_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """What is bred, on what, and by whom."""

    plan: Plan
    markets: list[Market]
    source: str
    costs: Costs
    capital: float
    warnings: tuple[str, ...]
    insisted: Insisted
    universe: Universe | None


def perform(options: Options) -> int:
    """Breed, print, and write what was asked for; 130 where it was interrupted."""
    asked = _asked(options)
    judge = Local(asked.markets, asked.costs, asked.capital, None, options.min_trades)
    found = _bred(asked, judge, options)
    if options.report is not None:
        _write(asked, found, options)
    told = document(found)
    state = state_folder(options)
    more = {"source": asked.source, "warnings": asked.warnings, "costs": asked.costs}
    keep(state, "evolve", lambda: bred(found, told | more, judge, state / FILE))
    if options.json:
        chosen = None if asked.universe is None else asked.universe.document()
        emit(told | {"source": asked.source, "warnings": list(asked.warnings), "universe": chosen})
    else:
        _print(asked, found, options)
    return INTERRUPTED if found.outcome == STOPPED else 0


def _write(asked: Asked, found: Evolved, options: Options) -> None:
    from genome.evolution_report import Setting, story_of, write

    setting = Setting(
        asked.markets, asked.costs, asked.capital, asked.source, asked.warnings, options.min_trades
    )
    write(options.report, story_of(found, state_folder(options) / FILE), setting)


def _asked(options: Options) -> Asked:
    writable(options.report)
    plan = Plan(
        population=options.population,
        generations=options.generations,
        islands=options.islands,
        seed=options.seed,
    )
    costs = Costs(taker=options.fee, maker=options.fee, slippage=options.slippage)
    if not 0.0 < options.capital < float("inf"):
        raise BadInput(f"--capital was {options.capital:g}; it is a positive amount.")
    read = markets_of(options)
    said = tuple(dict.fromkeys(sentence for market in read.markets for sentence in warnings_of_bars(market)))
    insisted = Insisted(gate(read, allowed=options.allow_poor_data), read.proxies)
    chosen = () if read.universe is None else read.universe.sentences()
    warnings = (*insisted.sentences(), *chosen, *said)
    return Asked(plan, read.markets, read.source, costs, options.capital, warnings, insisted, read.universe)


def _bred(asked: Asked, judge: Local, options: Options) -> Evolved:
    state = state_folder(options)
    state.mkdir(parents=True, exist_ok=True)
    words, seeds = words_of(asked.markets)
    dataset = dataset_of(asked.markets, judge.data)
    workers = options.workers or 1  # with a thread a core: they share columns, which processes do not
    with (
        Compiling(),
        Progress("breeding") as bar,
        Pool(judge, workers, nice=options.nice, tell=bar.line) as pool,
        counting(state / FILE) as trials,
        interruptible() as stop,
    ):
        return evolve(
            asked.plan, pool, words, seeds, trials=trials, dataset=dataset,
            saved=checkpoint_of(state, asked.plan, judge.data), resume=options.resume, watch=_Told(asked.plan, bar), stop=stop, insisted=asked.insisted,
        )  # fmt: skip


class _Told:
    """The bar: generation, rate, front, and the time that is left."""

    def __init__(self, plan: Plan, bar: Progress) -> None:
        self._plan, self._bar, self._rate = plan, bar, _Rate()

    def __call__(self, state: State, report: Report) -> None:
        best = report.best[0]
        left_s = self._rate.left_s(self._plan.generations - state.generation)
        self._bar(
            state.generation, self._plan.generations,
            f"{self._rate.told(report.evaluated):,.0f}/s, front {report.front}, best Sharpe {best:.2f}, {_span(left_s)} left",
        )  # fmt: skip


class _Rate:
    """Seconds a generation, of the last few."""

    def __init__(self) -> None:
        self._began = [time.monotonic()]

    def told(self, evaluated: int) -> float:
        now = time.monotonic()
        rate = evaluated / max(now - self._began[-1], 1e-9)
        self._began = [*self._began[-5:], now]
        return rate

    def left_s(self, generations: int) -> float:
        now = time.monotonic()
        return (now - self._began[0]) / len(self._began) * generations


def _span(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"  # noqa: PLR2004


def document(found: Evolved) -> dict[str, Any]:
    """What `--json` prints. Counts and times are those of this command; of a run that went on, `generations` of all of it."""
    distinct = sum(report.evaluated for report in found.reports)
    hits = sum(report.cache_hits for report in found.reports)
    plan = found.state.plan
    return {
        "seed": plan.seed,
        "generations": found.state.generation,
        "population": plan.population,
        "islands": plan.islands,
        "outcome": found.outcome,
        "run": found.run,
        **found.insisted.document(),
        "evaluated": distinct + hits,
        "distinct": distinct,
        "cache_hits": hits,
        "seconds": round(found.seconds, 3),
        "simulator_seconds": round(found.judged_s, 3),
        "evaluations_per_s": round(distinct / max(found.seconds, 1e-9), 1),
        "front": [
            {
                "id": one.genome.genome_id,
                "text": {name: to_text(tree) for name, tree in one.genome.conditions.items()},
                "genes": dict(one.genome.genes),
                "objectives": dict(zip(NAMES, one.objectives, strict=True)),
                "trades": int(one.trades),
            }
            for one in found.front
        ],
        "history": [report.document() for report in found.reports],
        "trials_new": found.new_trials,
        "trials_total": None if found.tally is None else found.tally.trials,
        "trials_distinct_behaviour": None if found.tally is None else found.tally.clusters,
    }


def _print(asked: Asked, found: Evolved, options: Options) -> None:
    first, plan, last = asked.markets[0], asked.plan, found.reports[-1] if found.reports else None
    name = first.symbol if len(asked.markets) == 1 else f"{len(asked.markets)} assets"
    start = min(int(one.open_s[0]) for one in asked.markets)
    end = max(int(one.open_s[-1]) + one.bar_s for one in asked.markets)
    bars = sum(one.size for one in asked.markets)
    print(f"evolve on {name}: population {plan.population} on {plan.islands} islands, seed {plan.seed}")
    print(f"{instant(start)} to {instant(end)} UTC, {bars:,} {bar_name(first.bar_s)} bars, {asked.source}\n")
    for one in found.front[:_SHOWN]:
        sharpe, consistency, drawdown, turnover = one.objectives
        print(
            f"{one.genome.genome_id:<28} Sharpe {sharpe:6.2f}  consistency {consistency:4.2f}  drawdown {-drawdown:6.1%}  "
            f"turnover {-turnover:6.1f}  {one.trades:.0f} trades"
        )
        for side, tree in one.genome.conditions.items():
            _say(f"  {side}".ljust(14), to_text(tree))
    if len(found.front) > _SHOWN:
        print(f"… and {len(found.front) - _SHOWN} more in the hall of fame (--json has them all)")
    if not found.front:
        print("nothing traded often enough to be judged; give more bars, or lower --min-trades.")
    print()
    evaluated = sum(report.evaluated for report in found.reports)
    ended = "stopped after" if found.outcome == STOPPED else "done:"
    print(f"{'run':<12}{ended} generation {found.state.generation} of {plan.generations}")
    if last is not None:
        print(
            f"{'diversity':<12}{last.diversity:.2f}, hypervolume of the hall of fame {last.hypervolume:.4g}"
        )
    _say("assumed", f"{'; '.join(assumptions(asked.costs, asked.capital, first))}.")
    for sentence in asked.warnings:
        _say("beware", sentence)
    if found.tally is not None:
        _say(
            "trials",
            f"{found.new_trials:,} new; {found.tally.trials:,} were made on these bars and bars that overlap them, "
            f"{found.tally.clusters:,} of them behave differently. The best of so many looks good by luck alone: "
            "nothing here is funded.",
        )
    print(
        f"{'took':<12}{found.seconds:.1f} s, {evaluated / max(found.seconds, 1e-9):,.0f} evaluations a second, "
        f"{100 * (1 - found.judged_s / max(found.seconds, 1e-9)):.0f} % of it outside the simulator"
    )
    if found.outcome == STOPPED:
        print(f"{'go on':<12}with the same command and --resume")
    if options.report is not None:
        print(f"{'report':<12}{options.report}")


def _say(what: str, sentence: str) -> None:
    print("\n".join(textwrap.wrap(f"{what:<12}{sentence}", _WIDE, subsequent_indent=" " * 12)))
