"""One life, lived and read once; tests that change something make a copy."""

import shutil
from types import SimpleNamespace

import pytest

from tests.dashboard.reading.lives import live, read

BARS = 1_400


@pytest.fixture(scope="session")
def life(tmp_path_factory):
    """A journal of a whole organism in several segments, one of them archived, and its reading."""
    folder = tmp_path_factory.mktemp("life")
    rows = live(folder, BARS, segment_mb=1.0, keep_segments=2)
    reading = read(folder)
    yield SimpleNamespace(folder=folder, rows=rows, reading=reading)
    reading.close()


@pytest.fixture
def copy(life, tmp_path):
    """The same journal, unread, to be spoilt."""
    folder = tmp_path / "state"
    shutil.copytree(life.folder, folder, ignore=shutil.ignore_patterns("dashboard"))
    return SimpleNamespace(folder=folder, rows=life.rows)
