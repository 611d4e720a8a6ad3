"""The loop of evolution, one generation at a time: `step(state, …) → (state, report)`, a pure function.

A generation breeds on every island, asks the evaluator once for all newborn whose scores are not remembered, lets each
island choose who stays, lets a few migrate, and adds to the hall of fame. Random numbers come from the plan's seed, by
purpose, generation and island; so a state that was saved and loaded goes on as if nothing had been, and how the evaluator
shares its work changes nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from genome.breeding.flat import Flock, flock_of, joined
from genome.breeding.lexicon import Lexicon
from genome.breeding.selection import front, lonelier
from genome.evolution.distinct import I16, apart, behaviours
from genome.evolution.island import Selection, migrated, survivors
from genome.evolution.keys import U64, fresh, places
from genome.evolution.members import Members, Worth, empty_flock, gathered, no_worth, nobody, united
from genome.evolution.offspring import Ancestry, Newborn, bred, settled
from genome.evolution.plan import Plan
from genome.evolution.ports import Evaluator, Scores
from genome.evolution.report import Births, Report, reported
from genome.market import I64
from genome.seeds import enabled_seeds
from genome.simulator.population import CORES
from genome.simulator.stretches import each, parts
from organism.errors import BadInput


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """A run between two generations.

    data          what genomes are judged by: `Evaluator.data`
    generation    the newest that is over; founders are 0
    days          int64 (D,): days that everybody is judged on
    islands       members of each, the best first
    hall          the hall of fame: sound, not dominated by anybody in it, and unlike each other, of everybody ever born;
                  bounded, so the most crowded go when there are too many
    archive       int16 (a, D): behaviours that once were novel
    known_keys, known   contents and worth of the genomes judged last, the oldest first
    evaluated     genomes judged in this run
    """

    plan: Plan
    data: str
    generation: int
    days: I64
    islands: tuple[Members, ...]
    hall: Members
    archive: I16
    known_keys: U64
    known: Worth
    evaluated: int

    @property
    def finished(self) -> bool:
        """Whether all generations of the plan are over."""
        return self.generation >= self.plan.generations


def founders(columns: Iterable[str]) -> Flock:
    """The seeds that evolution starts from and that need no other columns than these; those that learn are not bred."""
    known = set(columns)
    genomes = [s.genome({}) for s in enabled_seeds().values() if set(s.columns) <= known]
    return flock_of(genome for genome in genomes if genome.conditions)


def begin(
    plan: Plan, evaluator: Evaluator, words: Lexicon, seeds: Flock | None = None
) -> tuple[State, Report]:
    """Generation 0: seeds, shared out among the islands, and ramped half-and-half. Raises `BadInput`."""
    newborn = [
        settled(plan, i, words, empty_flock() if seeds is None else seeds) for i in range(plan.islands)
    ]
    state = State(
        plan=plan, data=evaluator.data, generation=-1, days=np.zeros(0, np.int64), islands=(), hall=nobody(0),
        archive=np.zeros((0, 0), np.int16), known_keys=np.zeros((0, 2), np.uint64), known=no_worth(0), evaluated=0,
    )  # fmt: skip
    return _over(state, newborn, evaluator)


def step(state: State, evaluator: Evaluator, words: Lexicon) -> tuple[State, Report]:
    """The next generation. Raises `BadInput` where the evaluator judges by other data than the run began with."""
    if evaluator.data != state.data:
        raise BadInput(
            f"the run began on data {state.data}, but the evaluator judges by {evaluator.data}; give it the same markets, "
            "costs and slice, or begin anew."
        )
    generation = state.generation + 1

    def bred_on(i: int) -> Newborn:
        return bred(state.islands[i], state.plan, generation, i, words)

    newborn = each(bred_on, len(state.islands), CORES)
    return _over(state, newborn, evaluator)


def _over(state: State, newborn: list[Newborn], evaluator: Evaluator) -> tuple[State, Report]:
    """Judge the newborn, choose who stays, and sum up."""
    plan, generation = state.plan, state.generation + 1
    flock = joined([born.flock for born in newborn])
    keys = np.concatenate([born.keys for born in newborn])
    judged = fresh(keys, state.known_keys)
    scores = evaluator(flock.take(judged))
    state = _on_days(state, scores, len(judged))
    worth, known_keys, known = _remembered(state, keys, judged, scores)
    here = Members(
        flock,
        keys,
        worth,
        np.full(len(keys), generation, np.int64),
        np.concatenate([b.lineage for b in newborn]),
    )
    edges = np.cumsum([0, *(len(born) for born in newborn)])

    def chosen_on(i: int) -> Selection:
        born = here.take(np.arange(edges[i], edges[i + 1]))
        return survivors(state.islands[i], born, plan, generation, i, state.archive)

    def honoured(_: int) -> Members:
        return _honoured(state.hall, here, plan)

    # Islands know nothing of each other, nor does the hall of fame of them, and most of it is done by kernels.
    tasks: list[Callable[[int], Selection | Members]] = [*[chosen_on] * plan.islands, honoured]
    done = each(lambda i: tasks[i](i), len(tasks), CORES)
    chosen = [one for one in done if isinstance(one, Selection)]
    hall = next(one for one in done if isinstance(one, Members))
    islands, arrived = tuple(selection.members for selection in chosen), 0
    if plan.islands > 1 and plan.migration and generation and generation % plan.migration == 0:
        islands, arrived = migrated(islands, plan)
    births = _births(state.islands, newborn, chosen, here, judged, scores)
    counts = {
        "evaluated": len(judged),
        "cache_hits": len(keys) - len(judged),
        "duplicates": sum(born.duplicates for born in newborn),
        "alike": sum(selection.alike for selection in chosen),
        "aged": sum(selection.aged for selection in chosen),
        "migrated": arrived,
    }
    archive = np.concatenate([state.archive, *(selection.novel for selection in chosen)])[-plan.archive :]
    after = replace(
        state, generation=generation, islands=islands, hall=hall, archive=archive, known_keys=known_keys, known=known,
        evaluated=state.evaluated + len(judged),
    )  # fmt: skip
    return after, reported(generation, plan, births, islands, hall, counts)


def _on_days(state: State, scores: Scores, n: int) -> State:
    """The state, which learns at its beginning on which days everybody is judged."""
    if len(scores) != n or scores.returns.shape != (n, len(scores.days)):
        raise BadInput(
            f"the evaluator was given {n} genomes and scored {len(scores)} on {scores.returns.shape} returns; it has to score "
            "each of them on every day."
        )
    if state.generation >= 0:
        if not np.array_equal(state.days, scores.days):
            raise BadInput(
                f"the evaluator judged on {len(scores.days)} days, earlier generations on {len(state.days)} days or others; "
                "one run is judged on the same days throughout."
            )
        return state
    days = len(scores.days)
    return replace(
        state, days=scores.days, islands=(nobody(days),) * state.plan.islands, hall=nobody(days),
        archive=np.zeros((0, days), np.int16), known=no_worth(days),
    )  # fmt: skip


def _remembered(state: State, keys: U64, judged: I64, scores: Scores) -> tuple[Worth, U64, Worth]:
    """Worth of everybody with these keys, and what is remembered from now on: the newest."""
    rows = parts(len(scores), CORES)
    shapes = each(lambda i: behaviours(scores.returns[rows[i]]), len(rows), CORES)
    new = Worth(scores.values, scores.violations, scores.trades, np.concatenate(shapes))
    every, worth = np.concatenate([state.known_keys, keys[judged]]), united([state.known, new])
    of = places(keys, every)
    newest = max(0, len(every) - state.plan.remembered)
    kept = (every, worth) if newest == 0 else (every[newest:], worth.take(np.arange(newest, len(every))))
    return worth.take(of), *kept


def _honoured(hall: Members, born: Members, plan: Plan) -> Members:
    """The hall of fame after a generation: sound, not dominated, unlike each other, the most crowded left out."""
    sound = (born.worth.violations == 0.0) & np.isfinite(born.worth.values).all(axis=1)
    every = gathered([hall, born.take(np.flatnonzero(sound))])
    every = every.take(fresh(every.keys, every.keys[:0]))
    best = every.take(front(every.worth.values))
    order = lonelier(best.worth.values)
    return best.take(order[apart(best.worth.shapes[order], plan.correlation, plan.hall)])


def _births(
    before: tuple[Members, ...], newborn: list[Newborn], chosen: list[Selection], here: Members, judged: I64, scores: Scores
) -> Births:  # fmt: skip
    """Who was born, with names of their parents."""
    survived = []
    for born, selection in zip(newborn, chosen, strict=True):
        stays = np.zeros(len(born), np.bool_)
        stays[selection.origins[selection.origins >= 0]] = True
        survived.append(stays)
    parents = [_named(born.ancestry, members) for born, members in zip(newborn, before, strict=True)]
    return Births(
        here.flock,
        here.keys,
        np.concatenate([mothers for mothers, _ in parents]),
        np.concatenate([fathers for _, fathers in parents]),
        np.concatenate([born.ancestry.operator for born in newborn]),
        np.repeat(np.arange(len(newborn)), [len(born) for born in newborn]),
        np.concatenate(survived),
        judged,
        scores,
    )


def _named(ancestry: Ancestry, members: Members) -> tuple[U64, U64]:
    """Contents of mothers and fathers; zeros where there was none."""
    known = np.concatenate([members.keys, np.zeros((1, 2), np.uint64)])  # −1 is the last
    return known[ancestry.mother], known[ancestry.father]
