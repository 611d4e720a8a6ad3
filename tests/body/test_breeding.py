"""A real organism breeds beside its trading, loses its breeder, and funds founders only."""

import os
import signal
from pathlib import Path

import pytest

from genome.background.rounds import begun
from genome.background.told import FOLDER
from genome.evolution import checkpoint
from genome.founders import founders
from organism.effects import Publish
from organism.guardian.lock import read_note
from organism.journal.rows import decode_effects
from organism.messages import StrategyFunded
from tests.body.house import House
from tests.body.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.chaos, pytest.mark.timeout(300)]
POPULATION = 200
BREEDING = (
    "evolution.enabled=true", "evolution.after_s=0", "evolution.cpu_share=1", "evolution.min_bars=700",
    f"evolution.population={POPULATION}", "evolution.generations=1000", "evolution.islands=2", "market.warmup_bars=650",
)  # fmt: skip


@pytest.fixture
def house(tmp_path):
    found = House(tmp_path / "state", *BREEDING, speed="6000")
    yield found
    found.end()


def breeder_pid(house):
    return read_note(house.state).get("children", {}).get("breeder")


def bred(house, generation, number=1):
    """The word of a generation of a round, in the view; None before it."""
    found = house.status()["evolution"]
    reached = (found["round"] or 0, found["generation"] or 0) >= (number, generation)
    return found if reached else None


def test_it_breeds_survives_the_loss_of_its_breeder_and_funds_nothing_bred(house):
    house.start()
    before = until(lambda: bred(house, 1), lambda: f"a generation: {house.said[-800:]}", 120.0)
    assert before["phase"] == "breeding"
    first = begun(house.state / FOLDER)
    killed = until(lambda: breeder_pid(house), "a breeder to kill")
    assert os.sched_getscheduler(killed) == os.SCHED_IDLE
    (saved,) = (house.state / FOLDER).glob("*.npz")
    os.kill(killed, signal.SIGKILL)
    successor = until(
        lambda: breeder_pid(house) not in {None, killed} and breeder_pid(house), "another breeder"
    )
    reached = checkpoint.peek(saved)["generation"]
    after = until(lambda: bred(house, reached + 2), lambda: f"it goes on: {house.said[-800:]}", 120.0)
    assert begun(house.state / FOLDER) == first, "it went on with the same round"
    assert after["round"] == first.number
    assert after["bars"] == before["bars"]
    assert 0 < after["evaluated"] <= POPULATION * (after["generation"] - reached), (
        "what was done is not done again"
    )
    assert after["trials_total"] > before["trials_total"]
    assert breeder_pid(house) == successor
    code, _ = house.stop()
    assert code == 0
    assert_founders_alone_are_funded(house)
    report = house.verify()
    assert report["ok"], report


def assert_founders_alone_are_funded(house):
    """Whatever was bred, the journal funds founders and nobody else."""
    funded = {
        effect.message.genome_id
        for row in house.rows()
        for effect in decode_effects(row.effects)
        if isinstance(effect, Publish) and isinstance(effect.message, StrategyFunded)
    }
    assert funded == {genome_id for genome_id, _ in founders()}


def test_without_evolution_nothing_is_bred_and_the_status_says_so(tmp_path):
    house = House(tmp_path / "state", speed="6000")
    try:
        house.start()
        until(
            lambda: house.status()["evolution"]["phase"] == "off", lambda: f"off: {house.said[-800:]}", 60.0
        )
        assert breeder_pid(house) is None
        assert house.stop()[0] == 0
        assert not (house.state / FOLDER).exists()
    finally:
        house.end()


def test_the_breeder_is_given_no_key_and_no_connection(tmp_path, monkeypatch):
    monkeypatch.setenv("EXCHANGE_API_KEY", "canary-in-the-environment")
    monkeypatch.setenv("ORGANISM_VOICE__DAILY_SUMMARY", "false")
    house = House(tmp_path / "state", *BREEDING, speed="6000")
    try:
        house.start()
        until(lambda: bred(house, 0), lambda: f"a generation: {house.said[-800:]}", 120.0)
        pid = breeder_pid(house)
        proc = Path(f"/proc/{pid}")
        given = (proc / "environ").read_bytes()
        of_body = Path(f"/proc/{house.body_pid}/environ").read_bytes()
        assert b"canary" in of_body, "the body is given it, so that the difference is the breeder's"
        assert b"canary" not in given
        assert b"ORGANISM_VOICE" not in given
        assert not any(str(one.readlink()).startswith("socket:") for one in (proc / "fd").iterdir())
    finally:
        house.end()
