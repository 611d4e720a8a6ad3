"""The paper venue keeps the contract of venues in each of its forms."""

import subprocess

import pytest

from organs.motor.paper import book, record
from organs.motor.paper.client import Remote
from organs.motor.paper.matching import PaperExchange
from organs.motor.paper.port import Local
from organs.motor.paper.server import server_command
from organs.motor.paper.venue import PaperVenue
from organs.motor.paper.wire import Setup
from tests.contracts.venue_contract import VenueContract
from tests.organs.motor.making import INSTRUMENTS, paper
from tests.organs.motor.serving import serving


class _InMemory(PaperVenue):
    def close(self):
        pass


class TestInMemory(VenueContract):
    @pytest.fixture
    def venue(self):
        return _InMemory(PaperExchange(paper(), INSTRUMENTS))


class TestWithItsBook(VenueContract):
    @pytest.fixture
    def venue(self, tmp_path):
        venue = Local(paper(), INSTRUMENTS, tmp_path / "paper_venue.db", 1)
        yield venue
        venue.close()


class TestWithItsBookAndNoMemoryOfWhatEnded(VenueContract):
    @pytest.fixture
    def venue(self, tmp_path, monkeypatch):
        for module in (record, book):
            monkeypatch.setattr(module, "N_KEPT", 0)
        venue = Local(paper(), INSTRUMENTS, tmp_path / "paper_venue.db", 1)
        yield venue
        venue.close()


class Reopened:
    """Closed and opened again around every request: all it knows must be in its book."""

    def __init__(self, path):
        self._path = path

    def handle(self, effect, sent_ns):
        venue = Local(paper(), INSTRUMENTS, self._path, 1)
        try:
            return venue.handle(effect, sent_ns)
        finally:
            venue.close()


class TestReopenedForEveryRequest(VenueContract):
    @pytest.fixture
    def venue(self, tmp_path):
        return Reopened(tmp_path / "paper_venue.db")


@pytest.mark.slow
class TestInAProcessOfItsOwn(VenueContract):
    @pytest.fixture
    def venue(self, tmp_path):
        with serving(tmp_path):
            remote = Remote(tmp_path, deadline_s=20.0)
            yield remote
            remote.close()


def test_the_command_of_the_server_can_be_used_as_it_is(tmp_path):
    command = server_command(tmp_path, Setup(settings=paper(), instruments=INSTRUMENTS))
    refused = subprocess.run(
        [*command[:-2], "nonsense", command[-1]], capture_output=True, text=True, check=False, timeout=60
    )
    assert refused.returncode == 2
    assert refused.stderr.startswith("The setup of the paper venue cannot be used")
    assert "Traceback" not in refused.stderr
