"""A real dashboard process, and the address it printed."""

import os
import select
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


class Served:
    def __init__(self, process, lines, parent):
        self.process = process
        self.lines = lines
        self.parent = parent

    @property
    def url(self):
        return self.lines[0].removeprefix("dashboard: ")

    def get(self, path, *, trust=None, token=None):
        # Straight to loopback, whatever proxy the environment names.
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
        )
        asked = urllib.request.Request(  # noqa: S310 - our own address
            self.url + path, headers={"Authorization": f"Bearer {token}"} if token else {}
        )
        with opener.open(asked, timeout=10) as answer:
            return answer.read().decode()


@contextmanager
def serving(state, port=0, *, guarded=True, environment=None, deadline_s=30.0, words=()):
    """Run `python -m dashboard` until the block ends; it holds the reading end of a pipe of ours."""
    reading, writing = os.pipe()
    known = {**os.environ, **(environment or {}), "PYTHONUNBUFFERED": "1"}
    if guarded:
        known["ORGANISM_PARENT_FD"] = str(reading)
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard", "--state", str(state), "--port", str(port), *words],
        stdout=subprocess.PIPE, text=True, cwd=ROOT, env=known, pass_fds=(reading,),
    )  # fmt: skip
    os.close(reading)
    try:
        yield Served(process, first_lines(process, deadline_s), writing)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        with suppress(OSError):  # the test may have closed it
            os.close(writing)


def first_lines(process, deadline_s):
    """The lines it says at first: its address, then how to set a password, if none is set."""
    until = time.monotonic() + deadline_s
    text = ""
    while "\n" not in text:
        left = until - time.monotonic()
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, left))
        assert ready, "the dashboard said nothing in time"
        chunk = os.read(process.stdout.fileno(), 4096).decode()
        assert chunk, f"the dashboard ended with status {process.wait()}"
        text += chunk
    return text.splitlines()
