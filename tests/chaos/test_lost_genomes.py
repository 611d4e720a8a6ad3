"""F7, whole: the genome store is lost while an organism trades, and is damaged when it starts. Nobody minds."""

from pathlib import Path

import pytest

from genome.founders import founders
from tests.body.house import BUSY, House, organism
from tests.body.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.slow]
GARBAGE = b"\xa5" * 8_192
FOUNDERS = {identity for identity, _ in founders()}


@pytest.fixture
def house(tmp_path: Path):
    found = House(tmp_path / "state", *BUSY)
    yield found
    found.end()


def listed(house: House) -> str:
    done = organism("genome", "list", state=house.state)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sentences(house: House) -> list[str]:
    return [line for line in house.said.splitlines() if "genome store" in line]


def test_a_store_lost_while_living_and_damaged_at_start_costs_a_sentence_and_nothing_else(house: House):
    store = house.state / "genome.db"
    house.start()
    house.wait_trading(3)
    until(lambda: set(listed(house).split()) >= FOUNDERS, "the founders")
    body = house.body_pid
    for file in house.state.glob("genome.db*"):
        file.unlink()
    house.wait_trading(5)
    assert house.body_pid == body
    assert set(listed(house).split()) >= FOUNDERS, "those of the code"
    assert house.stop()[0] == 0

    for file in house.state.glob("genome.db*"):
        file.unlink()
    store.write_bytes(GARBAGE)
    refused = organism("genome", "list", state=house.state)
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1, refused.stderr
    tested = organism("backtest", "bred_7_00000000", state=house.state)
    assert tested.returncode == 2
    assert len(tested.stderr.splitlines()) == 1, tested.stderr
    run = house.run
    house.start()
    house.wait_trading(5, after_run=run)
    until(lambda: sentences(house), "a sentence")
    until(lambda: set(listed(house).split()) >= FOUNDERS, "the founders again")
    assert house.stop()[0] == 0
    assert len(sentences(house)) == 1, sentences(house)
    assert "moved to genome.db.damaged-1" in sentences(house)[0]
    assert (house.state / "genome.db.damaged-1").read_bytes() == GARBAGE
    assert "Traceback" not in house.said
    assert house.verify()["ok"]
