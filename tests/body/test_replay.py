"""The journal of a killed and restarted body, through the same organs again."""

import json
import random
import sqlite3
import tomllib
from pathlib import Path

import pytest

from tests.body.house import BUSY, House, organism

pytestmark = [pytest.mark.slow, pytest.mark.chaos, pytest.mark.timeout(120)]


def written(state: Path, settings: tuple[str, ...]) -> None:
    """Put settings where every command on this folder finds them."""
    sections: dict[str, list[str]] = {}
    for text in settings:
        key, _, value = text.partition("=")
        section, _, name = key.partition(".")
        sections.setdefault(section, []).append(f"{name} = {value}")
    text = "\n".join(f"[{section}]\n" + "\n".join(lines) for section, lines in sections.items())
    tomllib.loads(text)
    state.mkdir(parents=True)
    (state / "organism.toml").write_text(text)


@pytest.fixture
def house(tmp_path: Path):
    state = tmp_path / "state"
    written(state, (*BUSY, "guardian.restarts=1000", "market.speed=60000.0"))
    house = House(state)
    yield house
    house.end()


def lived(house: House) -> None:
    """A life with three kills of the body and one of everybody."""
    chance = random.Random(4)
    house.start()
    for _ in range(3):
        run = house.run
        house.wait_trading(chance.randint(5, 40))
        house.kill_body()
        house.wait_trading(1, after_run=run)
    house.kill_all()
    house.start()
    house.wait_trading(10)
    assert house.stop()[0] == 0, house.said[-800:]


def replayed(house: House, code: int) -> dict[str, object]:
    done = organism("replay", "--json", state=house.state)
    assert done.returncode == code, done.stdout + done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_every_decision_of_a_life_with_kills_is_made_again(house: House):
    lived(house)
    found = replayed(house, 0)
    assert found["ok"] is True
    assert found["first_difference"] is None
    assert found["steps"] == len(house.rows())
    assert house.run >= 5


def test_each_run_is_replayed_with_the_settings_it_was_lived_with(house: House):
    house.start()
    house.wait_trading(10)
    house.kill_all()
    house.start("--set", "sizing.max_exposure=0.1", "--set", "brain.no_trade_band=0.1")
    house.wait_trading(5)
    assert house.stop()[0] == 0, house.said[-800:]
    assert replayed(house, 0)["steps"] == len(house.rows())


def test_changed_content_of_one_row_is_found_by_verify_and_named(house: House):
    house.start()
    house.wait_trading(20)
    assert house.stop()[0] == 0
    assert house.verify()["ok"]
    journal = house.state / "journal.db"
    with sqlite3.connect(journal) as db:
        (seq,) = db.execute(
            "SELECT seq FROM rows WHERE organ = 'metabolism' AND length(effects) > 50 LIMIT 1 OFFSET 40"
        ).fetchone()
        db.execute("UPDATE rows SET wall_ns = wall_ns + 1 WHERE seq = ?", (seq,))
    db.close()
    found = house.verify()
    assert not found["ok"]
    assert found["chain"] == "damaged"
    assert found["first_bad_seq"] == seq
    done = organism("replay", state=house.state)
    assert done.returncode == 1
    assert f"row {seq}" in done.stderr
    assert "Traceback" not in done.stderr
