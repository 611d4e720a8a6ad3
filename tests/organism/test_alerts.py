"""Which alerts a person has seen: said on the command line or on the page, known to both."""

import json
from pathlib import Path

import pytest

from organism.alerts import LAST_WORDS, acknowledge, acknowledged, deliveries, guardians, with_guardians
from organism.commands import CommandsDb
from organism.guardian import watch
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


def leave(state: Path, *words: object) -> None:
    with (state / LAST_WORDS).open("a") as file:
        file.writelines(one if isinstance(one, str) else json.dumps(one) + "\n" for one in words)


def word(wall_ns: int, title: str = "The body was restarted", severity: str = "warning") -> dict[str, object]:
    return {"wall_ns": wall_ns, "severity": severity, "title": title, "body": "It ended with signal SIGKILL."}


def test_the_guardians_own_are_listed_and_can_be_seen(state: Path):
    assert watch.LAST_WORDS == LAST_WORDS
    newest = 2**62
    leave(state, word(newest), word(1, "An old one"))
    listed = json.loads(organism("alerts", "list", "--json", state=state).stdout)
    assert [row["title"] for row in (listed[0], listed[-1])] == ["The body was restarted", "An old one"]
    assert listed[0].keys() == listed[1].keys()
    assert (listed[0]["severity"], listed[0]["priority"], listed[0]["acknowledged"]) == (
        "warning",
        "high",
        False,
    )
    said = organism("alerts", "ack", listed[0]["alert_id"], state=state)
    assert (said.returncode, acknowledged(state, [listed[0]["alert_id"]])) == (0, {listed[0]["alert_id"]})
    assert "guardian:" in listed[0]["alert_id"]


def test_only_what_a_guardian_would_write_is_believed(tmp_path: Path):
    assert guardians(tmp_path, 10) == []
    half = json.dumps(word(9))
    leave(
        tmp_path, "no json\n", "[1, 2]\n", word(-1), word(2**70), word(5, severity="fatal"), word(3), word(4, "a\x1b[2J"),
        {**word(7), "title": 5}, half,
    )  # fmt: skip
    assert [(one["wall_ns"], one["title"]) for one in guardians(tmp_path, 10)] == [
        (4, "a [2J"),
        (3, "The body was restarted"),
    ]
    assert [one["wall_ns"] for one in with_guardians([{"wall_ns": None}, {"wall_ns": 8}], tmp_path, 2)] == [
        8,
        4,
    ]


def test_of_a_long_file_the_newest_are_told(tmp_path: Path):
    leave(tmp_path, *(word(nth) for nth in range(1, 4_000)))
    told = guardians(tmp_path, 3_999)
    assert [one["wall_ns"] for one in told[:2]] == [3_999, 3_998]
    assert 1_000 < len(told) < 3_999
