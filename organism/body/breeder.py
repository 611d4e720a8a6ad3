"""`python -m organism.body.breeder`: breeding in the background, a child of the guardian that may be killed at any moment.

It reads the journal and writes the genome store and its own folder. It opens no connection, is given no variable of the
environment that could hold a key (`organism.guardian.child.HARMLESS`), runs when nobody else wants the processor, and
funds nothing. Heavy libraries are imported when the body has long been awake.

Exit status: 0 told to end, 2 where only a person can help, 75 grown too large.
"""

import argparse
import logging
import os
import resource
import sys
import threading
from contextlib import suppress
from pathlib import Path

import psutil

from organism.body.aside import Life
from organism.errors import OrganismError
from organism.guardian.policy import FULL
from organism.heartbeat import Heart, leave_tracebacks
from organism.kept import started_with
from organism.logs import setup
from organism.settings import Settings

HANG_S = 900.0  # so long without getting on is a hang, whatever the machine is busy with
_ONE_THREAD = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
log = logging.getLogger("breeder")


def main(arguments: list[str]) -> int:
    """Breed until the guardian closes its pipe, or is gone."""
    parser = argparse.ArgumentParser(prog="organism.body.breeder")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--settings", required=True, help="hash of kept settings")
    options = parser.parse_args(arguments)
    heart, life = Heart(), Life(HANG_S)
    heart.beat()
    heart.watch_parent(life.end_soon)
    threading.Thread(target=life.beat, args=(heart,), name="beat", daemon=True).start()
    step_back()  # after the threads that beat and listen, which keep their place
    try:
        settings = started_with(options.state, options.settings).settings
        setup("breeder", options.state)
        leave_tracebacks(options.state, "breeder")
        return breed(options.state, settings, life)
    except OrganismError as error:
        print(f"organism: breeder: {error}", file=sys.stderr)
        return error.exit_code
    finally:
        life.ended.set()


def step_back() -> None:
    """Everybody else first: this thread, and those it starts, run when the processor would otherwise rest."""
    for name in _ONE_THREAD:
        os.environ[name] = "1"
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, 19)
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with suppress(OSError, psutil.Error):
        psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)


def breed(state: Path, settings: Settings, life: Life) -> int:
    """Breed within the limits of the settings. Exit status."""
    wanted = settings.evolution
    with suppress(ValueError, OSError):
        limit = 2 * wanted.memory_mb << 20  # beyond what is looked at between generations, no more is given
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    if life.stopping.wait(wanted.after_s):
        return 0
    life.moved()
    from genome.background.breeder import Breeder, Place, costs_of
    from genome.background.duty import Duty, Stopped
    from organs.nervous.bundled import watched_instruments

    place = Place(
        state, wanted, watched_instruments(settings.market.symbols, settings.paper), costs_of(settings.paper),
        settings.paper.starting_cash, settings.seed, life.moved,
    )  # fmt: skip
    duty = Duty(wanted.cpu_share, life.stopping.wait)
    try:
        duty.rest()  # the imports were work, too
        Breeder(place, duty, life.stopping.wait, lambda: _memory_mb() <= wanted.memory_mb).live()
    except Stopped:
        if life.stopping.is_set():
            return 0
    log.info("grown beyond %d MB; another goes on", wanted.memory_mb)
    return FULL


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    status = main(sys.argv[1:])
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
