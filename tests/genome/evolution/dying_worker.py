"""A worker with a weakness: told by the environment, it dies or hangs over genomes with a certain number of tokens."""

import os
import signal
import sys

import numpy as np

from genome.evolution.workers.worker import main

WEAKNESS = "TEST_WEAKNESS"
"""`KIND N`: kind is `die` or `hang`; N the tokens of the genome."""


def weak(judge):
    """A judge that does not bear such genomes."""
    kind, n = os.environ[WEAKNESS].split()

    def judged(flock):
        if (np.diff(flock.offsets[::4]) == int(n)).any():
            if kind == "hang":
                signal.pause()
            os.kill(os.getpid(), signal.SIGKILL)
        return judge(flock)

    return judged


if __name__ == "__main__":
    sys.exit(main(wrapped=weak))
