"""A paper venue in a process of its own, for tests."""

import subprocess
import time
from contextlib import contextmanager

from organs.motor.paper.server import server_command
from organs.motor.paper.wire import Setup, connect
from tests.organs.motor.making import INSTRUMENTS, paper

READY_S = 30.0


@contextmanager
def serving(state, **settings):
    """Run a venue on a state folder until the block ends; yields its process once it answers."""
    setup = Setup(settings=paper(**settings), instruments=INSTRUMENTS)
    process = subprocess.Popen(server_command(state, setup), stdin=subprocess.PIPE)
    try:
        until = time.monotonic() + READY_S
        while True:
            try:
                connect(state, 1.0).close()
                break
            except OSError:
                assert process.poll() is None, "the venue ended at its start"
                assert time.monotonic() < until, "the venue did not answer in time"
                time.sleep(0.02)
        yield process
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
