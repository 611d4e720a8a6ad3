"""A run of evolution that lasts: the pure loop, with its count, its genealogy and its checkpoint on disk.

After each generation, in this order: its trials are counted, its births and front are written, its state is saved. A crash
between any two of them costs the generation under way; the run that is resumed makes the same generation again, and what
was written of it already stays as it is. What was counted before, by whomever, changes nothing that evolution does.
"""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from genome.breeding.flat import Flock
from genome.breeding.lexicon import Lexicon, lexicon
from genome.evolution import checkpoint
from genome.evolution.keys import texts
from genome.evolution.loop import State, begin, founders, step
from genome.evolution.plan import Plan
from genome.evolution.ports import Evaluator, Scores
from genome.evolution.report import Report
from genome.genome import Genome
from genome.insisted import NOTHING, Insisted
from genome.market import Market
from genome.trials.count import Tally, Trials
from genome.trials.datasets import Dataset
from genome.trials.evolved import generation_of, plan_of
from genome.trials.packing import packed, unpacked
from genome.trials.runs import Runs
from genome.vocabulary import COLUMNS
from organism.errors import BadInput

ORIGIN: Final = "evolve"
FAMILY: Final = "bred"
FOLDER: Final = "evolution"
DONE, STOPPED = "done", "stopped"
_GIVEN: Final = ("funding", "fear_greed", "book_imbalance")
"""Columns that not every market has."""
Watch = Callable[[State, Report], None]


@dataclass(frozen=True, slots=True)
class Bred:
    """Somebody in the hall of fame. objectives in the order of `genome.breeding.objectives.NAMES`."""

    genome: Genome
    objectives: tuple[float, ...]
    trades: float


@dataclass(frozen=True, slots=True, eq=False)
class Evolved:
    """What came of a run.

    state      after the last generation that was over
    reports    of the generations made this time, in order
    outcome    DONE or STOPPED
    run        its number in the store; None where none was kept
    new_trials looks at genomes nobody had looked at on these data, this time; tally: all of the family of data
    seconds    wall clock, and how much of it the evaluator took
    insisted   on what a person insisted though it is refused otherwise
    """

    state: State
    reports: tuple[Report, ...]
    outcome: str
    run: int | None
    new_trials: int
    tally: Tally | None
    seconds: float
    judged_s: float
    insisted: Insisted = NOTHING

    @property
    def front(self) -> list[Bred]:
        """The hall of fame, the highest first objective first."""
        hall = self.state.hall
        order = np.argsort(-hall.worth.values[:, 0], kind="stable")
        return [
            Bred(
                unpacked(packed(hall.flock, i), FAMILY, int(hall.born[i])),
                tuple(hall.worth.values[i].tolist()), float(hall.worth.trades[i]),
            )
            for i in order.tolist()
        ]  # fmt: skip


@dataclass(slots=True)
class Timed:
    """An evaluator that is timed."""

    inner: Evaluator
    seconds: float = 0.0

    @property
    def data(self) -> str:
        """As that of the inner."""
        return self.inner.data

    def __call__(self, flock: Flock) -> Scores:
        """As the inner."""
        began = time.perf_counter()
        try:
            return self.inner(flock)
        finally:
            self.seconds += time.perf_counter() - began


def words_of(markets: Sequence[Market]) -> tuple[Lexicon, Flock]:
    """What may be bred of on these markets: columns that all of them have; and the founders that need no others."""
    known = [
        name for name in COLUMNS
        if name not in _GIVEN or all(bool(np.isfinite(market.column(name)).any()) for market in markets)
    ]  # fmt: skip
    return lexicon(known), founders(known)


def checkpoint_of(state: Path, plan: Plan, data: str) -> Path:
    """Where a run is saved: one file for each plan and data; how many generations are wanted is not part of it."""
    told = json.dumps(plan_of(replace(plan, generations=1)), sort_keys=True)
    return state / FOLDER / f"{hashlib.sha256(f'{told} {data}'.encode()).hexdigest()[:16]}.npz"


def evolve(
    plan: Plan,
    evaluator: Evaluator,
    words: Lexicon,
    seeds: Flock,
    *,
    trials: Trials | None = None,
    dataset: Dataset | None = None,
    saved: Path | None = None,
    resume: bool = False,
    watch: Watch = lambda _state, _report: None,
    stop: Callable[[], bool] = lambda: False,
    now_s: Callable[[], float] = time.time,
    insisted: Insisted = NOTHING,
) -> Evolved:
    """Breed until the plan is done, or `stop` says so between two generations. Raises `BadInput`.

    trials, dataset  the count that looks are added to, and what is looked at; both or none
    saved            the checkpoint; none is written where it is None
    resume           go on from it; without, one of a run that is not finished is not overwritten
    insisted         on what a person insisted; the record of the run keeps it, and so does the result
    watch            called after each generation, when all of it is on disk
    """
    if (trials is None) != (dataset is None):
        raise BadInput("a count needs a data set to count for, and a data set a count; give both or none.")
    began = time.perf_counter()
    judge = Timed(evaluator)
    state = _resumed(saved, plan, judge.data, words, resume=resume)
    runs = None if trials is None else Runs(trials)
    run = (
        None
        if runs is None or dataset is None
        else _number(runs, plan, dataset, int(now_s()), insisted, resumed=state is not None)
    )
    count = (
        None
        if trials is None or dataset is None or run is None
        else trials.counter(dataset, run=run, now_s=now_s)
    )
    reports: list[Report] = []
    new_trials, outcome = 0, DONE
    while state is None or not state.finished:
        if stop():
            outcome = STOPPED
            break
        before, judged_s, since = state, judge.seconds, time.perf_counter()
        state, report = begin(plan, judge, words, seeds) if state is None else step(state, judge, words)
        births = report.births
        if count is not None:
            new_trials += count.add(judge.data, texts(births.keys[births.judged]), births.scores, ORIGIN)
        if runs is not None and run is not None:
            made = generation_of(before, state, report, seeds)
            took = {
                "seconds": round(time.perf_counter() - since, 3),
                "judged_s": round(judge.seconds - judged_s, 3),
            }
            runs.generation(run, replace(made, report={**(made.report or {}), **took}), at_s=int(now_s()))
        if saved is not None:
            checkpoint.save(saved, state, words)
        reports.append(report)
        watch(state, report)
    if state is None:
        raise BadInput("the run was stopped before its founders were judged; nothing came of it.")
    if runs is not None and run is not None:
        runs.end(run, at_s=int(now_s()), outcome=outcome)
    tally = None if trials is None or dataset is None else trials.tally(dataset)
    return Evolved(
        state, tuple(reports), outcome, run, new_trials, tally, time.perf_counter() - began, judge.seconds, insisted,
    )  # fmt: skip


def _resumed(saved: Path | None, plan: Plan, data: str, words: Lexicon, *, resume: bool) -> State | None:
    if saved is None:
        return None
    saved.parent.mkdir(parents=True, exist_ok=True)
    if resume:
        if not saved.exists():
            raise BadInput(
                f"there is no checkpoint {saved}: no run with this plan, seed and data was begun; leave --resume out."
            )
        return checkpoint.load(saved, plan, data, words)
    if saved.exists():
        told = checkpoint.peek(saved)
        done, wanted = int(told["generation"]), int(told["plan"]["generations"])
        if done < wanted:
            raise BadInput(
                f"a run with this plan, seed and data stopped after generation {done} of {wanted}; go on with --resume, or "
                f"remove {saved} to begin anew."
            )
    return None


def _number(runs: Runs, plan: Plan, dataset: Dataset, at_s: int, insisted: Insisted, *, resumed: bool) -> int:
    """The run's number: that of the newest with this plan that began on these data, where it goes on."""
    told = plan_of(plan) | insisted.record()
    found = runs.again(ORIGIN, told, dataset) if resumed else None
    if found is not None:
        return found
    return runs.begin(ORIGIN, plan.seed, told, dataset, code=checkpoint.version(), at_s=at_s, family=FAMILY)
