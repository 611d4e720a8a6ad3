"""Which alerts a person has seen: said on the command line or on the page, known to both."""

import json
from pathlib import Path

import pytest

from organism.alerts import acknowledge, acknowledged, deliveries
from organism.commands import CommandsDb
from tests.body.house import organism
from tests.dashboard.living import FakeBody


@pytest.fixture
def state(tmp_path: Path):
    body = FakeBody(tmp_path)
    body.begin(bars=5)
    body.close()
    return tmp_path


def test_looking_makes_no_file_and_knows_nothing(tmp_path: Path):
    assert acknowledged(tmp_path, ["a1"]) == set()
    assert deliveries(tmp_path, ["a1"]) == {}
    assert list(tmp_path.iterdir()) == []
    CommandsDb(tmp_path / "commands.db").give("halt", "drill", "")  # a file, but no word about alerts in it
    assert acknowledged(tmp_path, ["a1"]) == set()


def test_what_was_said_in_one_place_is_known_in_the_other(state: Path):
    acknowledge(state, "a1")
    acknowledge(state, "a1")
    said = organism("alerts", "ack", "a3", state=state)
    assert (said.returncode, said.stdout) == (0, "Acknowledged a3.\n")
    assert acknowledged(state, ["a1", "a2", "a3"]) == {"a1", "a3"}
    listed = json.loads(organism("alerts", "list", "--json", state=state).stdout)
    assert {row["alert_id"]: row["acknowledged"] for row in listed} == {"a1": True, "a2": False, "a3": True}
    assert all(row["deliveries"] == {} for row in listed)
    assert CommandsDb(state / "commands.db").waiting() == []


def test_an_alert_that_nobody_raised_is_refused(state: Path):
    said = organism("alerts", "ack", "nobody", state=state)
    assert said.returncode == 2
    assert "nobody" in said.stderr
    assert acknowledged(state, ["nobody"]) == set()
