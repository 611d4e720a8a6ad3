"""From what the loop of evolution reports to what is kept of it."""

import dataclasses
import json
from typing import Any

import numpy as np

from genome.breeding.flat import Flock
from genome.breeding.selection import standing
from genome.breeding.variation import Operator
from genome.evolution.keys import U64, as_bytes, fresh, keys, texts
from genome.evolution.loop import State
from genome.evolution.members import gathered
from genome.evolution.plan import Plan
from genome.evolution.report import Report
from genome.trials.runs import Birth, Generation

_NOBODY = bytes(16)
_CHANGED = {
    Operator.NONE: "gene mutation",
    Operator.CROSSOVER: "crossover",
    Operator.SUBTREE: "subtree mutation",
    Operator.POINT: "point mutation",
    Operator.CONSTANT: "constant mutation",
}


def generation_of(
    before: State | None, after: State, report: Report, seeds: Flock | None = None
) -> Generation:
    """What is kept of a generation: survivors and the hall of fame, the best front, who died, and the figures.

    before   the state that the generation began with; None for the founders
    seeds    what the run began with: they are told apart from those grown at random
    """
    births = report.births
    famous = set(as_bytes(after.hall.keys))
    kept = births.survived | np.array([key in famous for key in as_bytes(births.keys)], np.bool_)
    places = np.flatnonzero(kept)
    places = places[fresh(births.keys[places], births.keys[:0])]
    known = set() if seeds is None or not len(seeds) else set(as_bytes(keys(seeds).whole))
    born = [
        _birth(name, mother, father, Operator(int(operator)), int(island), report.generation, known)
        for name, mother, father, operator, island in zip(
            texts(births.keys[places]), as_bytes(births.mothers[places]), as_bytes(births.fathers[places]),
            births.operators[places], births.islands[places], strict=True,
        )
    ]  # fmt: skip
    living = gathered(after.islands)
    living = living.take(fresh(living.keys, living.keys[:0]))
    front = living.take(standing(living.worth.values, living.worth.violations).front)
    return Generation(
        number=report.generation,
        born=born,
        flock=births.flock.take(places),
        front=texts(front.keys),
        objectives=front.worth.values,
        fame=texts(after.hall.keys),
        fame_objectives=after.hall.worth.values,
        died={} if before is None else _died(before, living.keys, report.generation),
        living=living.flock,
        report=report.document(),
    )


def plan_of(plan: Plan) -> dict[str, Any]:
    """A plan as JSON."""
    found: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(plan)))
    return found


def _birth(
    name: str, mother: bytes, father: bytes, operator: Operator, island: int, generation: int, seeds: set[bytes]
) -> Birth:  # fmt: skip
    cause = f"island {island + 1}"
    if mother == _NOBODY:
        how = "seed" if bytes.fromhex(name) in seeds else "random" if generation == 0 else "newcomer"
        return Birth(name, how, (), cause)
    parents = (mother.hex(),) if father in {_NOBODY, mother} else (mother.hex(), father.hex())
    return Birth(name, _CHANGED[operator], parents, cause)


def _died(before: State, living: U64, generation: int) -> dict[str, str]:
    """Who is gone from all islands, and of what: of age, or because others were better or alike."""
    here = set(as_bytes(living))
    members = gathered(before.islands)
    old = generation - members.born > before.plan.oldest
    return {
        key.hex(): "of age" if aged else "outdone"
        for key, aged in zip(as_bytes(members.keys), old.tolist(), strict=True)
        if key not in here
    }
