"""`organism bench NAME`: measure on this machine, now."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from organism.cli.benches import machine
from organism.cli.context import emit
from organism.cli.parser import Options

SOAK_MINUTES = 30.0


def perform(options: Options) -> int:
    """Measure and print; progress goes to standard error. Told to end, it takes with it what it had started."""
    from organism.chaos.orderly import ended_in_order

    with ended_in_order():
        return _measured(options)


def _measured(options: Options) -> int:
    if options.name == "chaos":
        return _chaos(options)
    if options.name == "soak":
        return _soak(options)
    results: dict[str, Any] = {"machine": machine()}
    if options.name == "evolve":
        results |= {"evolve": _evolve(options)}
    for title, measure in _plan(options.name, options.minutes):
        print(f"bench: {title} …", file=sys.stderr, flush=True)
        results |= {title: measure(options.quick)}
    if options.json:
        emit(results)
    else:
        _print(results)
    return 0


def _chaos(options: Options) -> int:
    """0 when nothing was lost, doubled, invented or broken."""
    from organism.cli.benches import chaos

    found = {
        "machine": machine(),
        **chaos.bench(chaos.Counts(options.kills, options.cuts, options.seeds), chaos.say),
    }
    if options.json:
        emit(found)
    else:
        print("  ".join(f"{name} {value}" for name, value in found["machine"].items()))
        print("\n".join(chaos.lines(found)))
    return 0 if chaos.held(found) else 1


def _soak(options: Options) -> int:
    """0 when nothing grew beyond what is tolerated, and nothing was lost."""
    from organism.chaos.soak import soak
    from organism.cli.benches import chaos

    found = soak(
        SOAK_MINUTES if options.minutes is None else options.minutes, options.speed_factor, chaos.say
    )
    results = {"machine": machine(), "soak": found}
    emit(results) if options.json else _print(results)
    return 1 if found["grows"] or any(found["losses"].values()) else 0


def _plan(name: str, minutes: float | None) -> list[tuple[str, Callable[[bool], Any]]]:
    lockstep = ("lockstep", _lockstep)
    journal = ("journal", _journal)
    if name == "lockstep":
        return [lockstep]
    if name == "journal":
        return [journal]
    if name == "population":
        return [("population", _population), ("learned", _learned)]
    if name == "indicators":
        return [("indicators", _indicators)]
    if name == "gp":
        return [("gp", _gp)]
    if name == "lake":
        return [("lake", _lake), ("fetch", _fetch)]
    if name == "face":
        from organism.cli.benches import face_pages

        face_pages.check(minutes)  # before anything else is measured
        return [("history", _history), ("pages", lambda quick: _pages(minutes, quick=quick))]
    if name == "evolve":
        return []
    from organism.cli.benches import processes

    return [
        ("start", lambda quick: processes.first_signs(quick=quick)),
        lockstep,
        ("drills", _drills),
        ("breeding", _breeding),
        ("restart", lambda quick: processes.back_again(quick=quick)),
        journal,
        ("cost", lambda quick: processes.cost(quick=quick)),
    ]


def _lockstep(quick: bool) -> Any:  # noqa: FBT001 - one of a table of measures
    from organism.cli.benches import lockstep

    return lockstep.bench(quick=quick)


def _drills(quick: bool) -> Any:  # noqa: FBT001
    from organism.cli.benches import drills

    return drills.bench(quick=quick)


def _breeding(quick: bool) -> Any:  # noqa: FBT001
    from organism.cli.benches import breeding

    return breeding.bench(quick=quick)


def _population(quick: bool) -> Any:  # noqa: FBT001
    from genome import bench_population

    return bench_population.run(quick=quick, tell=_told)


def _history(quick: bool) -> Any:  # noqa: FBT001
    from organism.cli.benches import face

    return face.bench(quick=quick, tell=_told)


def _pages(minutes: float | None, *, quick: bool) -> Any:
    from organism.cli.benches import face_pages

    return face_pages.bench(quick=quick, minutes=minutes, tell=_told)


def _gp(quick: bool) -> Any:  # noqa: FBT001
    from genome import bench_gp

    return bench_gp.run(quick=quick, tell=_told)


def _lake(quick: bool) -> Any:  # noqa: FBT001
    from organism.lake import bench

    return bench.run(quick=quick, tell=_told)


def _fetch(quick: bool) -> Any:  # noqa: FBT001
    from organism.lake.fetching import bench

    return bench.measure(quick=quick)


def _evolve(options: Options) -> Any:
    """On the folder that was named, and on the recording that ships with the organism."""
    from genome import bench_evolve
    from organism.cli.bars import bundled
    from organism.errors import BadInput

    if options.data is not None and not options.data.is_dir():
        raise BadInput(f"--data was {options.data}; name a folder with files 1h_*.parquet below it.")
    return bench_evolve.run(bundled(timeframe="1h"), options.data, quick=options.quick, tell=_told)


def _told(what: str) -> None:
    print(f"bench:   {what} …", file=sys.stderr, flush=True)


def _learned(quick: bool) -> Any:  # noqa: FBT001
    from genome import bench_learned

    return bench_learned.run(quick=quick)


def _indicators(quick: bool) -> Any:  # noqa: FBT001
    from genome import bench_indicators

    return bench_indicators.run(quick=quick)


def _journal(quick: bool) -> Any:  # noqa: FBT001
    from organism.journal.bench import bench_journal

    with tempfile.TemporaryDirectory() as folder:
        return bench_journal(Path(folder), 1.0 if quick else 5.0)


def _print(results: dict[str, Any], indent: str = "") -> None:
    for key, value in results.items():
        if isinstance(value, dict) and any(isinstance(v, dict) for v in value.values()):
            print(f"{indent}{key}")
            _print(value, indent + "  ")
        elif isinstance(value, dict):
            print(f"{indent}{key}: " + "  ".join(f"{k} {v}" for k, v in value.items()))
        elif isinstance(value, list):
            print(f"{indent}{key}")
            for row in value:
                print(
                    f"{indent}  "
                    + ("  ".join(f"{k} {v}" for k, v in row.items()) if isinstance(row, dict) else str(row))
                )
        else:
            print(f"{indent}{key}: {value}")
