"""Shared by all tests: how much is tried, and which tests need CI=true."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

IN_CI = os.environ.get("CI", "").lower() == "true"
SHARED_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"

settings.register_profile(
    "quick", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", parent=settings.get_profile("quick"), max_examples=100, derandomize=True)
settings.load_profile("ci" if IN_CI else "quick")


LATER = {
    "browser": "browser: runs with CI=true, and needs chromium (Debian: `apt install chromium`)",
    "chaos": "chaos: runs with CI=true",
    "slow": "slow: runs with CI=true",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if IN_CI:
        return
    for item in items:
        for mark, reason in LATER.items():
            if item.get_closest_marker(mark):
                item.add_marker(pytest.mark.skip(reason=reason))
                break


def pytest_configure() -> None:
    """A shell starts what it puts into the background deaf to Ctrl-C, and children inherit that: many here are sent one."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def zombie() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has ended and whose parent has not asked for its status."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    yield process
    process.wait()
