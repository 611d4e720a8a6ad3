"""The whole loop of evolution measured: distinct genomes a second, beside DEAP's and Operon's, and what the simulator takes.

A population of 1,000 for ten generations on 20,000 hourly bars of a random walk, every genome simulated in full: orders,
fees, stops, sizes, daily accounts. Ours and the peers' runs take turns; given are medians, lowest and highest. Rates are of
the clock on the wall, which is what a person waits for, and a second of processor, which others on the machine move less.

Three worlds: averages alone, the nearest to what DEAP's trees read, and trees as long as DEAP's; the whole vocabulary with
the settings of `organism evolve`; and the same with its count, its family tree and its checkpoint on disk.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from genome import bench_crowds as crowds
from genome import bench_gp_peers as peers
from genome.breeding.flat import Flock
from genome.breeding.lexicon import Lexicon, lexicon
from genome.breeding.variation import Limits
from genome.evolution.judge import Local
from genome.evolution.members import empty_flock
from genome.evolution.plan import Plan
from genome.evolve import Evolved, evolve, words_of
from genome.trials.count import counting
from genome.trials.datasets import dataset_of

TIMES_DEAP: Final = {"at_least": 3.0, "stretch": 6.0}
SHARE_OUTSIDE: Final = {"at_most": 0.4, "stretch": 0.2}
_HOUR_S: Final = 3_600
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class World:
    """What is bred, and whether it is written down."""

    name: str
    plan: Plan
    words: Lexicon
    seeds: Flock
    counted: bool = False


class Timed(NamedTuple):
    """A run of ours, and the seconds of processor it took on all cores."""

    evolved: Evolved
    processor_s: float


def run(*, quick: bool = False, tell: Tell = lambda _: None) -> dict[str, Any]:
    """Measure; `tell` hears what is being measured. A minute or two, seconds when `quick`."""
    bars, population, generations, repeats = (4_000, 100, 3, 2) if quick else (20_000, 1_000, 10, 3)
    judge = Local([crowds.walk_market(bars, bar_s=_HOUR_S)])
    plan = Plan(population=population, generations=generations)
    worlds = _worlds(judge, plan)
    for world in worlds:
        _bred(replace(world, plan=replace(plan, population=64, generations=1)), judge)  # compiles
    runs: dict[str, list[Timed]] = {world.name: [] for world in worlds}
    theirs: dict[str, list[peers.Loop]] = {"DEAP": [], "Operon": []}
    for repeat in range(repeats):
        for world in worlds:
            tell(f"{world.name}, {repeat + 1} of {repeats}")
            began = time.process_time()
            evolved = _bred(world, judge, seed=repeat)
            runs[world.name].append(Timed(evolved, time.process_time() - began))
            if peers.deap_installed() and not world.counted:  # beside each of ours, one of theirs
                theirs["DEAP"].append(peers.deap(judge.cut[0], population, generations, repeat))
        if peers.operon_installed():
            theirs["Operon"].append(
                peers.operon(judge.cut[0], population, generations, repeat, os.cpu_count() or 1)
            )
    return {
        "population": population, "generations": generations, "bars": bars, "repeats": repeats,
        "DEAP": _peer(peers.deap_installed(), theirs["DEAP"]),
        "Operon": _peer(peers.operon_installed(), theirs["Operon"]),
        **{world.name: _ours(runs[world.name], theirs["DEAP"]) for world in worlds},
        "targets": {"times_DEAP": TIMES_DEAP, "share_outside_the_simulator": SHARE_OUTSIDE},
    }  # fmt: skip


def _worlds(judge: Local, plan: Plan) -> tuple[World, ...]:
    words, seeds = words_of(judge.cut)
    averages = lexicon(("open", "high", "low", "close"), words=("ema",), longest=233)
    short = replace(plan, limits=Limits(grown=3))
    return (
        World("averages", short, averages, empty_flock()),
        World("vocabulary", plan, words, seeds),
        World("vocabulary, written down", plan, words, seeds, counted=True),
    )


def _bred(world: World, judge: Local, seed: int = 1) -> Evolved:
    plan = replace(world.plan, seed=seed)
    if not world.counted:
        return evolve(plan, judge, world.words, world.seeds)
    with tempfile.TemporaryDirectory() as folder, counting(Path(folder) / "genomes.sqlite3") as trials:
        dataset = dataset_of(judge.cut, judge.data)
        return evolve(
            plan, judge, world.words, world.seeds, trials=trials, dataset=dataset, saved=Path(folder) / "saved.npz"
        )  # fmt: skip


def _ours(timed: Sequence[Timed], deap: Sequence[peers.Loop]) -> dict[str, Any]:
    runs = [one.evolved for one in timed]
    rates = [sum(r.evaluated for r in one.reports) / one.seconds for one in runs]
    by_processor = [sum(r.evaluated for r in one.evolved.reports) / one.processor_s for one in timed]
    found: dict[str, Any] = {
        "distinct_per_s": spread(rates),
        "distinct_per_processor_s": spread(by_processor),
        "share_outside_the_simulator": spread([1.0 - one.judged_s / one.seconds for one in runs]),
        "ms_outside_a_generation": spread(
            [1e3 * (one.seconds - one.judged_s) / len(one.reports) for one in runs]
        ),
        "mean_nodes": statistics.fmean(r.mean_nodes for one in runs for r in one.reports),
        "cache_hits": sum(r.cache_hits for one in runs for r in one.reports),
    }
    if deap:
        evaluated = statistics.median(one.evaluated / one.seconds for one in deap)
        found["times_DEAP"] = statistics.median(rates) / evaluated
        found["times_DEAP_distinct"] = statistics.median(rates) / statistics.median(
            one.distinct / one.seconds for one in deap
        )
        found["times_DEAP_distinct_by_processor"] = statistics.median(by_processor) / statistics.median(
            one.distinct / one.processor_s for one in deap
        )
    return found


def _peer(version: str | None, runs: Sequence[peers.Loop]) -> Any:
    if version is None:
        return "not installed: skipped"
    return {
        "version": version,
        "evaluated_per_s": spread([one.evaluated / one.seconds for one in runs]),
        "distinct_per_s": spread([one.distinct / one.seconds for one in runs]),
        "distinct_per_processor_s": spread([one.distinct / one.processor_s for one in runs]),
        "mean_nodes": statistics.fmean(one.nodes for one in runs),
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, lowest and highest."""
    return {"median": statistics.median(values), "lowest": min(values), "highest": max(values)}
