"""The settings file is edited while an organism lives: nothing changes until a person starts it again, and it is said."""

import os
import signal
from pathlib import Path

import pytest

from organism.config import load
from organism.errors import BadInput
from organism.journal.reader import Reader
from organism.kept import FOLDER, changed_since, keep, kept, started_with
from tests.body.house import BUSY, House, judged, organism
from tests.body.waiting import until

chaos = [pytest.mark.slow, pytest.mark.chaos, pytest.mark.timeout(180)]
SAID = "the settings were changed since this organism was started"


def loaded(tmp_path: Path, text: str = ""):
    (tmp_path / "organism.toml").write_text(text)
    return load(tmp_path / "organism.toml", {})


@pytest.fixture
def house(tmp_path: Path):
    house = House(tmp_path / "state", *BUSY)
    yield house
    house.end()


def last_hash(house: House) -> str:
    runs = Reader(house.state).runs()
    return runs[max(runs)].settings_hash


def edit(house: House, text: str) -> None:
    (house.state / "organism.toml").write_text(text)


class TestLiving:
    """With real processes."""

    pytestmark = chaos

    def test_an_edited_limit_holds_from_the_next_start_and_not_from_the_next_crash(self, house: House):
        house.state.mkdir()
        edit(house, "[risk]\nmax_asset_exposure = 0.2\n")
        house.start()
        house.wait_trading(3)
        before, run = last_hash(house), house.run
        assert kept(house.state, before).risk.max_asset_exposure == 0.2

        edit(house, "[risk]\nmax_asset_exposure = 0.9\n")
        house.kill_body()
        house.wait_trading(3, after_run=run)
        assert last_hash(house) == before, "a crash must not loosen a limit"
        until(lambda: SAID in house.said, lambda: house.said[-800:])
        done = organism("config", "explain", state=house.state)
        assert "was started with other settings than these" in done.stderr

        assert house.stop()[0] == 0
        assert "other settings" not in organism("config", "explain", state=house.state).stderr
        run = house.run
        house.start()
        house.wait_trading(1, after_run=run)
        assert kept(house.state, last_hash(house)).risk.max_asset_exposure == 0.9
        assert house.stop()[0] == 0
        assert house.verify()["ok"]

    @pytest.mark.parametrize("broken", ["[risk\n", "[risk]\nmax_positions = lots\n", "[wings]\nn = 2\n", ""])
    def test_a_file_that_is_broken_or_gone_by_the_next_crash_hurts_nobody(self, house: House, broken: str):
        """Half an edit was saved; positions are open; the body dies."""
        house.state.mkdir()
        edit(house, "[risk]\nmax_positions = 5\n")
        house.start()
        house.wait_trading(3)
        before, run = last_hash(house), house.run
        if broken:
            edit(house, broken)
        else:
            (house.state / "organism.toml").unlink()
        house.kill_body()
        house.wait_trading(3, after_run=run)
        assert last_hash(house) == before
        told = "cannot be used as they stand now" if broken else SAID
        until(lambda: told in house.said, lambda: house.said[-800:])
        assert "Traceback" not in house.said
        assert house.stop()[0] == 0
        refused = organism("start", "--no-dashboard", "--for", "1s", state=house.state)
        assert refused.returncode == (2 if broken else 0)
        if broken:
            assert len(refused.stderr.strip().splitlines()) == 1
        judged(house.rows(), house.truth())
        assert house.verify()["ok"]

    def test_kept_settings_that_were_tampered_with_are_not_lived_by(self, house: House):
        """Somebody writes a looser limit where the next body looks: it ends in a sentence, and the next start mends it."""
        house.start()
        house.wait_trading(3)
        path = house.state / FOLDER / f"{last_hash(house)}.json"
        path.write_text(path.read_text().replace('"max_asset_exposure":0.35', '"max_asset_exposure":0.95'))
        pid = house.body_pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert house.guardian is not None
        assert house.guardian.wait(30.0) == 2
        assert f"{path}, was changed" in house.said
        run = house.run
        house.start()
        house.wait_trading(1, after_run=run)
        assert '"max_asset_exposure":0.35' in path.read_text()
        assert house.stop()[0] == 0


def test_what_was_kept_is_what_a_person_started_with(tmp_path):
    """Also with channels, whose addresses are not kept."""
    text = '[voice]\nchannels = [{ url = "json://user:secret@127.0.0.1/x", tags = ["all"] }]\n[risk]\nmax_positions = 3\n'
    found = loaded(tmp_path, text)
    keep(tmp_path, found.settings, found.hash)
    again = started_with(tmp_path, found.hash)
    assert again.hash == found.hash
    assert again.settings.risk == found.settings.risk
    assert again.settings.market == found.settings.market
    assert len(again.settings.voice.channels) == 1
    assert "secret" not in (tmp_path / FOLDER / f"{found.hash}.json").read_text()


@pytest.mark.parametrize("spoilt", [None, b"", b"{", b'{"risk": {"max_positions": 99}}'])
def test_kept_settings_that_are_gone_or_spoilt_are_refused_and_kept_anew_by_the_next_start(tmp_path, spoilt):
    found = loaded(tmp_path)
    keep(tmp_path, found.settings, found.hash)
    path = tmp_path / FOLDER / f"{found.hash}.json"
    path.unlink() if spoilt is None else path.write_bytes(spoilt)
    with pytest.raises(BadInput, match="start it again with `organism start`"):
        started_with(tmp_path, found.hash)
    keep(tmp_path, found.settings, found.hash)
    assert started_with(tmp_path, found.hash).settings == found.settings


def test_a_change_is_told_and_an_unusable_one_with_its_reason(tmp_path):
    found = loaded(tmp_path, "[risk]\nmax_positions = 3\n")
    assert changed_since(found.hash, lambda: loaded(tmp_path, "[risk]\nmax_positions = 3  # three\n")) == ""
    assert SAID in changed_since(found.hash, lambda: loaded(tmp_path, "[risk]\nmax_positions = 4\n"))
    said = changed_since(found.hash, lambda: loaded(tmp_path, "[risk]\nmax_position = 4\n"))
    assert "cannot be used as they stand now" in said
    assert "max_positions" in said
