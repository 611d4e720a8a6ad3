"""Simulation by seed: lives in lockstep under every fault that needs no real process; a failing one is made small.

Each seed is a plan (`simulated.plan`), each plan one life (`simulated.life`). After every recorded step the invariants
are judged, at the end the venue's book is the judge. The same seed gives the same journal, hash for hash.

    python -m organism.chaos.simulation --seeds 1000           # 1,000 lives, on every core
    python -m organism.chaos.simulation --seed 7               # one, told in full; shrunk when it fails
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context

from organism.chaos.outcome import Losses, Outcome, merged, percentile
from organism.chaos.simulated.life import Life, Lived
from organism.chaos.simulated.plan import KINDS, Plan, drawn, planned
from organism.chaos.simulated.speed import measure
from organism.errors import OrganismError

Tell = Callable[[str], None]
N_INSTANTS = 150
MOST_ATTEMPTS = 100  # lives tried to make one small
MOST_SHRUNK = 3  # failing lives that are made small in one run


@dataclass
class Summary:
    """Many lives added up. seconds: of the clock on the wall, all processes together."""

    n_lives: int = 0
    n_instants: int = 0
    n_bars: int = 0
    n_rows: int = 0
    n_intents: int = 0
    n_deaths: int = 0
    seconds: float = 0.0
    losses: Losses = field(default_factory=Losses)
    tried: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    by_kind: dict[str, Losses] = field(default_factory=dict)
    by_point: Counter[str] = field(default_factory=Counter)
    silences_s: list[float] = field(default_factory=list)
    doubts_s: list[float] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    failed: list[Lived] = field(default_factory=list)

    def add(self, lived: Lived) -> None:
        """Count one more life."""
        self.n_lives += 1
        self.n_instants += lived.n_instants
        self.n_bars += lived.n_bars
        self.n_rows += lived.tip[0]
        self.n_intents += lived.n_intents
        self.n_deaths += lived.n_deaths
        self.losses += lived.losses
        self.tried.update(lived.tried)
        self.seen.update(lived.seen)
        self.by_point.update(lived.by_point)
        self.silences_s += lived.silences_s
        self.doubts_s += lived.doubts_s
        self.seeds.append(lived.plan.seed)
        if lived.failed:
            self.failed.append(lived)
        for kind in lived.plan.kinds:
            self.by_kind[kind] = self.by_kind.get(kind, Losses()) + lived.losses

    @property
    def vacuous(self) -> tuple[str, ...]:
        """Kinds of fault that no life saw happen."""
        return tuple(kind for kind in KINDS if not self.seen[kind])

    def outcomes(self) -> list[Outcome]:
        """One row for each fault of the catalogue."""
        rows = []
        for kind, what in KINDS.items():
            if not what.fault:
                continue
            seen = self.seen[kind]
            rows.append(
                Outcome(
                    what.fault, "simulation", max(self.tried[kind], seen), seen, self.by_kind.get(kind, Losses()),
                    detection_s=tuple(self.silences_s) if kind == "silence" else (),
                    recovery_s=tuple(self.doubts_s) if kind == "lost_reply" else (), seeds=_ends(self.seeds),
                )
            )  # fmt: skip
        return list(merged(rows))

    def lines(self) -> Iterator[str]:
        """For people."""
        rate = self.n_intents / self.seconds if self.seconds else 0.0
        yield (
            f"{self.n_lives:,} lives (seeds {_span(self.seeds)}), {self.n_intents:,} intents, {self.n_rows:,} rows, "
            f"{self.n_deaths:,} deaths of the body in {self.seconds:.1f} s: {rate:,.0f} intents/s, "
            f"{self.n_bars / self.seconds if self.seconds else 0.0:,.0f} bars/s"
        )
        yield (
            f"lost {self.losses.lost}, duplicate {self.losses.duplicate}, phantom {self.losses.phantom}, "
            f"untracked {self.losses.untracked}, invariants broken {self.losses.breaches}"
        )
        for kind, what in KINDS.items():
            yield f"  {what.fault or '-':>3}  {kind:<18} tried {self.tried[kind]:>8,}  seen {self.seen[kind]:>8,}"
        points = ", ".join(f"{point} {n}" for point, n in sorted(self.by_point.items()))
        yield f"  killed at: {points or 'no point'}"
        for event, seconds in (
            ("a silence was noticed", self.silences_s),
            ("an order's fate was known", self.doubts_s),
        ):
            p50, p99 = percentile(seconds, 0.5), percentile(seconds, 0.99)
            yield f"  {event} after {p50:.2f} s (p50), {p99:.2f} s (p99) of monotonic time; {len(seconds):,} times"


def live(plan: Plan) -> Lived:
    """One life."""
    return Life(plan).live()


def run(seeds: Sequence[int], tell: Tell, *, processes: int = 1) -> list[Outcome]:
    """Live these seeds; one row for each fault that the plans know. What fails is told, with its smallest form."""
    return simulate(seeds, tell, processes=processes).outcomes()


def simulate(
    seeds: Sequence[int],
    tell: Tell,
    *,
    processes: int = 1,
    n_instants: int = N_INSTANTS,
    enough: Callable[[Summary], bool] = lambda _: False,
) -> Summary:
    """Live these seeds, or until it is enough. Failing ones are shrunk and told with the command that replays them."""
    summary = Summary()
    began = time.perf_counter()
    for lived in _lives([drawn(seed, n_instants=n_instants) for seed in seeds], processes):
        summary.add(lived)
        summary.seconds = time.perf_counter() - began
        if lived.failed and len(summary.failed) <= MOST_SHRUNK:
            for line in told_of(lived):
                tell(line)
            small = shrunk(lived)
            tell(f"  smallest: {small.plan.command}")
            for line in small.failed[:3]:
                tell(f"    {line}")
        elif summary.n_lives % 100 == 0:
            tell(next(summary.lines()))
        if enough(summary):
            break
    return summary


def told_of(lived: Lived) -> Iterator[str]:
    """A failing life in lines: what failed, and how to live it again."""
    yield f"seed {lived.plan.seed} failed after {lived.n_instants} instants: {lived.losses}"
    yield f"  again: {lived.plan.command}"
    for line in lived.failed[:5]:
        yield f"    {line}"


def shrunk(lived: Lived, attempt: Callable[[Plan], Lived] = live, most: int = MOST_ATTEMPTS) -> Lived:
    """The smallest life that still fails: fewer instants first, then one kind of fault less after another.

    most   lives tried; what was found by then is returned
    """
    smallest, left = lived, most

    def fails(plan: Plan) -> bool:
        nonlocal smallest, left
        if left <= 0 or plan == smallest.plan:
            return False
        left -= 1
        tried = attempt(plan)
        if tried.failed:
            smallest = tried
        return bool(tried.failed)

    while left > 0:
        before = smallest.plan
        for part in (0.5, 0.75, 0.9):
            while fails(_shorter(smallest.plan, part)):
                pass
        for kind in before.kinds:
            fails(_without(smallest.plan, kind))
        if smallest.plan == before:
            break
    return smallest


def _shorter(plan: Plan, part: float) -> Plan:
    return planned(plan.seed, max(1, int(plan.n_instants * part)), plan.trader, plan.kinds)


def _without(plan: Plan, kind: str) -> Plan:
    return planned(plan.seed, plan.n_instants, plan.trader, tuple(k for k in plan.kinds if k != kind))


def _lives(plans: Sequence[Plan], processes: int) -> Iterable[Lived]:
    if processes < 2:  # noqa: PLR2004 - one is this one
        yield from map(live, plans)
        return
    # Not forked: threads of whoever runs us must not be copied half way through something.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        try:
            yield from pool.map(live, plans, chunksize=4)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _ends(seeds: Sequence[int]) -> tuple[int, ...]:
    """First and last of many seeds; all of a few."""
    return tuple(seeds) if len(seeds) <= 20 else (min(seeds), max(seeds))  # noqa: PLR2004 - a line of a table


def _span(seeds: Sequence[int]) -> str:
    return f"{min(seeds)} to {max(seeds)}" if seeds else "none"


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line: 0 when nothing was lost and every fault was seen, 1 otherwise."""
    parser = argparse.ArgumentParser(
        prog="python -m organism.chaos.simulation", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--seed", type=int, help="live this one seed")
    parser.add_argument("--seeds", type=int, default=200, help="live so many seeds")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--intents", type=int, default=0, help="stop after so many intents")
    parser.add_argument("--minutes", type=float, default=0.0, help="stop after so long")
    parser.add_argument("--instants", type=int, default=N_INSTANTS, help="length of each life")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", help="kinds of fault, by name and comma; 'none' for none")
    parser.add_argument("--trader", default="", help="restless, or brain for the real one")
    parser.add_argument("--speed", action="store_true", help="measure, beside plain lockstep")
    options = parser.parse_args(arguments)
    tell = partial(print, flush=True)
    try:
        if options.speed:
            return _speed(tell)
        return _one(options, tell) if options.seed is not None else _many(options, tell)
    except OrganismError as error:
        tell(str(error))
        return error.exit_code


def _one(options: argparse.Namespace, tell: Tell) -> int:
    plan = drawn(options.seed, n_instants=options.instants)
    kinds = () if options.only == "none" else tuple(filter(None, options.only.split(","))) or plan.kinds
    plan = planned(options.seed, options.instants, options.trader or plan.trader, kinds)
    summary = Summary()
    began = time.perf_counter()
    lived = live(plan)
    summary.add(lived)
    summary.seconds = time.perf_counter() - began
    for line in summary.lines():
        tell(line)
    tell(f"journal: {lived.tip[0]} rows, {lived.tip[1].hex()}")
    if not lived.failed:
        return 0
    for line in told_of(lived):
        tell(line)
    tell(f"  smallest: {shrunk(lived).plan.command}")
    return 1


def _speed(tell: Tell) -> int:
    speed = measure()
    tell(
        f"plain {speed.plain:,.0f} bars/s, judged and struck {speed.judged:,.0f} bars/s "
        f"({speed.n_seen:,} faults, {speed.n_deaths:,} deaths of the body), one symbol, processor time"
    )
    for line in speed.failed:
        tell(line)
    return 1 if speed.failed else 0


def _many(options: argparse.Namespace, tell: Tell) -> int:
    seeds = range(options.first, options.first + options.seeds)

    def enough(summary: Summary) -> bool:
        return bool(
            (options.intents and summary.n_intents >= options.intents)
            or (options.minutes and summary.seconds >= 60.0 * options.minutes)
        )

    summary = simulate(seeds, tell, processes=options.processes, n_instants=options.instants, enough=enough)
    for line in summary.lines():
        tell(line)
    if summary.vacuous:
        tell(f"never seen to happen, so nothing is proven about: {', '.join(summary.vacuous)}")
    return 1 if summary.failed or summary.vacuous else 0


if __name__ == "__main__":
    sys.exit(main())
