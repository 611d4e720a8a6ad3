"""`organism bench chaos`: the fault catalogue tried for real, as a table; and `organism bench soak`."""

import importlib
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, NamedTuple

from organism.chaos.catalogue import BY_ID, CATALOGUE
from organism.chaos.outcome import Losses, Outcome, percentile
from organism.errors import BadInput

Tell = Callable[[str], None]
SEED: Final = 20
TIMES: Final = ("detection_s", "serving_s", "recovery_s")
LIVES_PER_PROCESS_RUN: Final = (
    50  # lives on a bad line, for `--seeds`: one for so many seeds, at least as many
)


class Counts(NamedTuple):
    """How much is tried: SIGKILLs, power cuts, seeds of the simulation. 0 leaves a campaign out."""

    kills: int = 100
    cuts: int = 100
    seeds: int = 100


def bench(counts: Counts, tell: Tell) -> dict[str, Any]:
    """Run every campaign that is here; rows, totals, and what was left out and why."""
    if min(counts) < 0:
        raise BadInput(f"--kills, --cuts and --seeds are counts from 0 up; was {tuple(counts)}.")
    rows: list[Outcome] = []
    skipped: dict[str, str] = {}
    for name, campaign in _CAMPAIGNS.items():
        tell(name)
        try:
            rows += campaign(counts, tell)
        except _Skipped as why:
            skipped[name] = str(why)
    return report(rows, skipped)


def report(rows: list[Outcome], skipped: Mapping[str, str]) -> dict[str, Any]:
    """What `--json` prints: rows, the sum of what was lost, ids that nobody tried, ids that were tried and never seen."""
    tried = {row.fault for row in rows if row.tried}  # a seed may draw no such fault: that is not covered
    seen = {row.fault for row in rows if not row.vacuous}
    return {
        "faults": [_row(row) for row in rows],
        "total": asdict(sum((row.losses for row in rows), Losses())),
        "skipped": dict(skipped),
        "never_seen": sorted(tried - seen, key=_place),
        "not_covered": [f"{fault.id} {fault.what}" for fault in CATALOGUE if fault.id not in tried],
    }


def held(found: Mapping[str, Any]) -> bool:
    """Whether nothing was lost, doubled, invented or broken, and every fault that was tried was seen."""
    return not any(found["total"].values()) and not found["never_seen"]


def lines(found: Mapping[str, Any]) -> Iterable[str]:
    """The table for people."""
    yield f"{'fault':6}{'way':11}{'tried':>8}{'seen':>8}  {'noticed p50/p99 s':>18}{'serving p50/p99 s':>18}{'trading p50/p99 s':>18}  lost/dup/phantom/untracked"
    for row in found["faults"]:
        noticed, serving, trading = (_pair(row[name]) for name in TIMES)
        loss = row["losses"]
        counts = "/".join(str(loss[name]) for name in ("lost", "duplicate", "phantom", "untracked"))
        broken = f", {loss['breaches']} breaches" if loss["breaches"] else ""
        yield (
            f"{row['fault']:6}{row['way']:11}{row['tried']:8,}{row['seen']:8,}  {noticed:>18}{serving:>18}{trading:>18}  {counts}{broken}"
            f"  {row['note'] or BY_ID[row['fault']].what}"
        )
    for name, why in found["skipped"].items():
        yield f"skipped: {name}: {why}"
    if found["never_seen"]:
        yield f"tried and never seen, which proves nothing: {', '.join(found['never_seen'])}"
    yield f"not covered by this command ({len(found['not_covered'])}):"
    yield from (f"  {fault}" for fault in found["not_covered"])


def _row(row: Outcome) -> dict[str, Any]:
    times = {name: _times(getattr(row, name)) for name in TIMES}
    return {**asdict(row), **times, "what": BY_ID[row.fault].what}


def _times(values: tuple[float, ...]) -> dict[str, float | int] | None:
    if not values:
        return None
    return {
        "n": len(values), "p50": round(percentile(values, 0.5), 3), "p99": round(percentile(values, 0.99), 3),
        "max": round(max(values), 3),
    }  # fmt: skip


def _pair(times: Mapping[str, float] | None) -> str:
    return "-" if times is None else f"{times['p50']:.2f} / {times['p99']:.2f}"


def _place(fault: str) -> tuple[str, int]:
    return fault[0], int(fault[1:])


# ---------------------------------------------------------------- campaigns


class _Skipped(Exception):
    """Why a campaign was left out."""


def _processes(counts: Counts, tell: Tell) -> list[Outcome]:
    if not counts.kills:
        raise _Skipped("--kills was 0")
    from organism.chaos.processes import run

    return run(counts.kills, tell, stops=2, long=counts.kills >= 1_000, seed=SEED)  # noqa: PLR2004 - a whole run


def _simulation(counts: Counts, tell: Tell) -> list[Outcome]:
    if not counts.seeds:
        raise _Skipped("--seeds was 0")
    simulation = _there("organism.chaos.simulation")
    found: list[Outcome] = simulation.run(range(1, counts.seeds + 1), tell)
    return found


def _wires(counts: Counts, tell: Tell) -> list[Outcome]:
    if not counts.seeds:
        raise _Skipped("--seeds was 0")
    wires = _there("organism.chaos.wires")
    found: list[Outcome] = wires.run(max(1, counts.seeds // LIVES_PER_PROCESS_RUN), tell)
    return found


def _power(counts: Counts, _tell: Tell) -> list[Outcome]:
    if not counts.cuts:
        raise _Skipped("--cuts was 0")
    power = _there("tests.chaos.power.campaign")
    with tempfile.TemporaryDirectory() as folder:
        tally = power.Campaign(Path(folder)).run(SEED, counts.cuts)
    broken = len(tally.broken)
    note = f"{tally.n_torn} with something in the air, {tally.n_again} while recovering"
    losses = Losses(lost=tally.n_losing(), breaches=broken)
    return [Outcome("B1", "power", tally.n_cuts, tally.n_cuts, losses, seeds=(SEED,), note=note)]


_CAMPAIGNS: Final[dict[str, Callable[[Counts, Tell], list[Outcome]]]] = {
    "processes": _processes,
    "simulation by seed": _simulation,
    "bad lines": _wires,
    "power cuts": _power,
}


def _there(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise _Skipped(
            f"{error.name or name} is not here; it comes with a checkout and the extra `organism[test]`"
        ) from error


def say(text: str) -> None:
    """Progress, on standard error."""
    print(f"bench:   {text}", file=sys.stderr, flush=True)
