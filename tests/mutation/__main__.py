"""`python -m tests.mutation [MODULE …]`: do the tests of money notice when its code is wrong?

Runs the tests of ledger, orders and risk control once under branch coverage, then once more for each small
fault put into those modules, in parallel processes and only with the tests that run the faulty line. Fails
when a branch is never taken, when fewer than nine faults of ten are noticed in a module, or when one that is
not noticed is not explained in `equivalent.toml` beside this file.
"""

import argparse
import importlib
import json
import multiprocessing
import os
import sys
import tomllib
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings

from tests.mutation.covering import cover
from tests.mutation.mutants import HEALTHY, Mutant, mutants_of
from tests.mutation.running import KILLED, SURVIVED, TIMEOUT, UNCOVERED, verdicts

MODULES = (
    "organs/metabolism/ledger.py",
    "organs/metabolism/marking.py",
    "organs/metabolism/orders.py",
    "organs/metabolism/sizing.py",
    "organs/motor/booking.py",
    "organs/motor/orders.py",
    "organs/motor/reconcile.py",
    "organs/immune/checks.py",
    "organs/immune/core.py",
    "organs/immune/watch.py",
)
TESTS = ("tests/organs/metabolism", "tests/organs/motor", "tests/organs/immune")
QUIET = (
    "-q",
    "-x",
    "--no-header",
    "--no-summary",
    "--assert=plain",
    "-p",
    "no:cacheprovider",
    "--timeout=0",
    "--hypothesis-profile=mutation",
)
LEFT_OUT = ("--ignore=tests/organs/motor/paper", "--deselect=tests/organs/immune/test_architecture.py")
EXPLAINED = Path(__file__).parent / "equivalent.toml"
HEALTHY_TESTS = 10  # all of them have passed before; here only the way to them is tried
LEAST_SCORE = 0.9
# What every child would import anyway. Nothing that imports an organ: the children must meet those anew.
WARM = (
    "pytest",
    "numpy",
    "msgspec",
    "pykka",
    "coverage",
    "hypothesis.stateful",
    "organism.lockstep",
    "organism.settings",
)


def main(arguments):
    """Measure, and say how it went; 0 when nothing is missing."""
    given = _parsed(arguments)
    os.nice(given.nice)
    # The same examples for every mutant, and none of an earlier run: a verdict must not depend on luck.
    settings.register_profile(
        "mutation", derandomize=True, database=None, deadline=None, max_examples=given.examples,
        phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    modules = tuple(given.modules) or MODULES
    sources = {m: Path(m).read_text(encoding="utf-8") for m in modules}
    covered = _covered(modules)
    sound = _say_coverage(covered["missing"])
    if given.coverage:
        return int(not sound)
    for name in WARM:
        importlib.import_module(name)
    found = {m: mutants_of(m, source) for m, source in sources.items()}
    _check_healthy(sources, covered)
    results = _known(given.again, found)
    work = [
        (m, *_trial(m, covered)) for some in found.values() for m in some if m.key not in results[m.module]
    ]
    for n, (mutant, verdict) in enumerate(verdicts(work, sources, given.jobs), start=1):
        results[mutant.module][mutant.key] = verdict
        if verdict in {SURVIVED, UNCOVERED}:
            say(f"  {verdict}: {mutant.module}, line {mutant.lines.start}: {mutant.key}")
        if n % 100 == 0:
            say(f"  {n} of {len(work)} …")
        if given.json and (n % 20 == 0 or n == len(work)):
            Path(given.json).write_text(json.dumps(results, indent=1, ensure_ascii=False), encoding="utf-8")
    return int(not (_say_scores(found, results) and sound))


def say(line):
    """Print at once: a run takes minutes."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parsed(arguments):
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument(
        "modules", nargs="*", metavar="MODULE", help="paths like organs/motor/orders.py; all of them if none"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    parser.add_argument("--nice", type=int, default=15, help="how far to stand back from other work")
    parser.add_argument("--examples", type=int, default=40, help="examples of each property")
    parser.add_argument("--coverage", action="store_true", help="only the branch coverage, no mutants")
    parser.add_argument("--json", metavar="FILE", help="write every verdict to a file")
    parser.add_argument(
        "--again", metavar="FILE", help="judge again only what this file does not call noticed"
    )
    return parser.parse_args(arguments)


def _known(path, found):
    """Verdicts of an earlier run that more tests cannot change: what was noticed."""
    earlier = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    return {
        module: {m.key: v for m in some if (v := earlier.get(module, {}).get(m.key)) in {KILLED, TIMEOUT}}
        for module, some in found.items()
    }


def _covered(modules):
    """Measured in a child, so that this process never imports what it is going to mutate."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        covered = pool.apply(cover, ([Path(m) for m in modules], [*TESTS, *LEFT_OUT, *QUIET]))
    if covered["code"] != 0:
        raise SystemExit("mutation: the tests fail without any mutant; mend them first.")
    return covered


def _trial(mutant, covered):
    """The tests that run the line, fastest first, and how long they may take."""
    lines = covered["lines"][mutant.module]
    chosen = lines.values() if not mutant.inside else (lines.get(n, ()) for n in mutant.lines)
    tests = sorted({t for some in chosen for t in some}, key=covered["seconds"].get)
    if not tests:
        return None, 0.0
    patience_s = 10.0 + 5.0 * sum(covered["seconds"][t] for t in tests)
    return [*tests, *QUIET], patience_s


def _check_healthy(sources, covered):
    """Unharmed modules, taken through the very same steps, must pass; else every verdict is worthless."""
    work = []
    for module in sources:
        healthy = Mutant(module, "healthy", HEALTHY, "none", range(0), inside=False)
        arguments, patience_s = _trial(healthy, covered)
        work.append((healthy, [*arguments[:HEALTHY_TESTS], *QUIET], patience_s))
    ill = [f"{m.module} ({v})" for m, v in verdicts(work, sources, os.cpu_count() or 1) if v != SURVIVED]
    if ill:
        raise SystemExit(f"mutation: unharmed modules do not pass their tests here: {', '.join(ill)}.")


def _say_coverage(missing):
    say(f"{'branch coverage':34}{'to take':>9}{'missing':>9}{'taken':>9}")
    for module, (n, n_missing, where) in missing.items():
        say(f"{module:34}{n:9}{n_missing:9}{(n - n_missing) / n:9.1%}  {where}")
    return not any(n_missing for _, n_missing, _ in missing.values())


def _say_scores(found, results):
    explained = tomllib.loads(EXPLAINED.read_text(encoding="utf-8"))
    good = True
    say(f"\n{'mutants':34}{'made':>6}{'noticed':>9}{'score':>8}{'explained':>11}{'open':>6}")
    totals = Counter()
    for module, verdict_of in results.items():
        alive = [m for m in found[module] if verdict_of[m.key] in {SURVIVED, UNCOVERED}]
        reasons = explained.get(module, {})
        unexplained = [m for m in alive if m.key not in reasons]
        made, noticed = len(verdict_of), len(verdict_of) - len(alive)
        row = (made, noticed, len(alive) - len(unexplained), len(unexplained))
        totals.update(dict(enumerate(row)))
        good &= noticed >= LEAST_SCORE * made and not unexplained
        _say_row(module, *row)
        for mutant in unexplained:
            say(f"    {verdict_of[mutant.key]}, line {mutant.lines.start}: {mutant.key}")
        for key in reasons.keys() - {m.key for m in alive}:
            good = False
            say(f"    explained, but noticed or gone: {key}")
    _say_row("all", *(totals[i] for i in range(4)))
    return good


def _say_row(title, made, noticed, explained, unexplained):
    say(f"{title:34}{made:6}{noticed:9}{noticed / made:8.1%}{explained:11}{unexplained:6}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
