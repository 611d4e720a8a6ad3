"""A worker: reads flocks, writes scores, ends when nobody writes to it any more. `python -m genome.evolution.workers.worker`."""

import argparse
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from genome.breeding.flat import Flock
from genome.evolution.judge import Local
from genome.evolution.ports import Scores
from genome.evolution.workers.shelf import taken
from genome.evolution.workers.wire import receive, send

FULL = 75
"""Exit status of a worker that has grown too large: it did its work, and another takes its place."""


def main(
    arguments: Sequence[str] | None = None,
    wrapped: Callable[[Local], Callable[[Flock], Scores]] = lambda judge: judge,
) -> int:
    """Serve until the pipe ends. Ctrl-C concerns the parent, which then closes the pipe.

    wrapped   what judges, made of the judge of this process; tests have it die and hang
    """
    parser = argparse.ArgumentParser(prog="python -m genome.evolution.workers.worker")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--memory-mb", type=float, required=True)
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if options.nice:
        os.nice(options.nice)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever prints must not print into the answers
    contents, markets = taken(options.folder)
    judge = wrapped(
        Local(markets, contents.costs, contents.capital, None, contents.fewest_trades, options.threads)
    )
    requests = sys.stdin.buffer
    send(answers, ())  # ready
    while (arrays := receive(requests)) is not None:
        tokens, values, offsets, genes = arrays
        scores = judge(Flock(tokens, values, offsets, genes))
        try:
            send(answers, (scores.values, scores.violations, scores.returns, scores.days, scores.trades))
        except BrokenPipeError:
            return 0
        if _peak_mb() > options.memory_mb:
            return FULL
    return 0


def _peak_mb() -> float:
    """Most memory that this process had in use, MB. `ru_maxrss` would count what the one that started it had, too."""
    try:
        with open("/proc/self/status") as file:  # noqa: PTH123
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):  # no Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
