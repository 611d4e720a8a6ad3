"""F8: a seed and its data decide every bit, whatever process, hash seed, thread count, locale or time zone it runs in."""

import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
USUAL = {"PYTHONHASHSEED": "0", "ORGANISM_TEST_THREADS": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
OTHERWISE = {
    "the same again": {},
    "another hash seed": {"PYTHONHASHSEED": "4242"},
    "hashes at random": {"PYTHONHASHSEED": "random"},
    "two threads": {"ORGANISM_TEST_THREADS": "2", "OMP_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2"},
    "a time zone of quarters of an hour": {"TZ": "Asia/Kathmandu"},
    "a time zone with summer time": {"TZ": "America/St_Johns"},
    "ASCII alone": {"LC_ALL": "C", "PYTHONUTF8": "0", "LANG": "C"},
    "without assertions": {"PYTHONOPTIMIZE": "1"},
}
pytestmark = [pytest.mark.slow, pytest.mark.chaos]


@lru_cache
def told(seed, **environment):
    """Digests by what they are of, from a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos.bits", str(seed)], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, **USUAL, **environment}, timeout=110,
    )  # fmt: skip
    return dict(line.split() for line in done.stdout.splitlines())


@pytest.mark.parametrize("how", OTHERWISE)
def test_the_same_seed_gives_the_same_bits(how):
    usual = told(7)
    assert set(usual) == {"lineage", "figures", "life", "reading"}
    environment = OTHERWISE[how]
    again = told(7, **environment) if environment else told.__wrapped__(7)
    assert again == usual


def test_another_seed_gives_others():
    usual, other = told(7), told(8)
    assert {name for name in usual if usual[name] != other[name]} == {"lineage", "figures", "life"}
