"""Backups: taken under load and at rest, restored elsewhere, and lived on from."""

import json
import shutil
import sqlite3
from pathlib import Path

import msgspec
import numpy as np
import pytest

from genome.background.rounds import begun
from genome.evolution import checkpoint
from organism import backup
from organism.backup import back_up
from organism.body.past import Past
from organism.config import Loaded, load
from organism.effects import Publish, VenueSubmit
from organism.errors import BadInput, OrganismError
from organism.journal.audit import audit
from organism.journal.reader import read_rows
from organism.journal.recovery import recover
from organism.journal.rows import decode_effects
from organism.journal.snapshots import SnapshotStore
from organism.journal.tip import read_tip, write_tip
from organism.journal.writer import SqliteJournal
from organism.kept import keep, kept
from organism.lake.candles import Events
from organism.lake.context import context_series, vintages
from organism.lake.store import Lake
from organism.messages import Filled
from tests.body.house import BUSY, House, judged, organism, told_once
from tests.body.test_breeding import BREEDING, bred
from tests.body.waiting import until
from tests.lake.made import BTC, START_US, walk
from tests.organism.journal.conftest import Steps

RATES = context_series("funding", venue="binance-usdm", symbol="BTC/USDT:USDT")
chaos = [pytest.mark.slow, pytest.mark.chaos, pytest.mark.timeout(240)]


def folded(state: Path, until_seq: int) -> dict[str, bytes]:
    """State of every organ after a row, folded from the beginning of the journal in a folder."""
    place = state.with_name(f"{state.name}-folded")
    shutil.rmtree(place, ignore_errors=True)
    back_up(state, place)
    shutil.rmtree(place / "snapshots", ignore_errors=True)
    with sqlite3.connect(place / "journal.db") as db:
        db.execute("DELETE FROM rows WHERE seq > ?", (until_seq,))
        (digest,) = db.execute("SELECT digest FROM rows WHERE seq = ?", (until_seq,)).fetchone()
    db.close()
    tip = read_tip(place)
    assert tip is not None
    write_tip(place, msgspec.structs.replace(tip, seq=until_seq, digest=digest.hex()), sync=False)
    journal = SqliteJournal(place, durability="off", threaded=False)
    cores = Past(place).cores(
        max((run for run in journal.runs().values() if run.settings_hash), key=lambda run: run.run)
    )
    assert cores is not None
    found = recover(journal, SnapshotStore(place / "snapshots"), cores.values(), cores_of=Past(place).cores)
    journal.close()
    return {name: msgspec.msgpack.encode(organ.state) for name, organ in found.organs.items()}


@pytest.fixture
def house(tmp_path: Path):
    house = House(tmp_path / "state", *BUSY)
    yield house
    house.end()


@pytest.fixture
def other(tmp_path: Path):
    house = House(tmp_path / "elsewhere" / "restored", *BUSY)
    yield house
    house.end()


class TestLiving:
    """With real processes."""

    pytestmark = chaos

    @pytest.mark.requirement("S3-4.1.8")
    def test_a_backup_under_load_is_the_life_as_it_was_at_a_row_and_is_lived_on_from(
        self, house: House, other: House
    ):
        house.start()
        house.wait_trading(10)
        done = organism("backup", str(other.state), "--json", state=house.state)
        assert done.returncode == 0, done.stderr
        house.wait_trading(5)  # whoever was copied does not mind
        assert house.stop()[0] == 0

        copied = list(read_rows(other.state))
        lived = list(read_rows(house.state))
        assert 0 < len(copied) < len(lived)
        assert [row.digest for row in copied] == [row.digest for row in lived[: len(copied)]]
        assert folded(other.state, copied[-1].seq) == folded(house.state, copied[-1].seq)

        run = other.run
        other.start()
        other.wait_trading(5, after_run=run)
        assert other.stop()[0] == 0
        told_once(other.rows())
        judged(other.rows(), other.truth())
        assert other.verify()["ok"]
        assert house.verify()["ok"]

    def test_a_folder_that_was_copied_as_it_lay_goes_on_too(self, house: House, other: House):
        """Stopped, then copied with whatever copies files."""
        house.start()
        house.wait_trading(5)
        assert house.stop()[0] == 0
        shutil.copytree(house.state, other.state)
        assert other.verify()["ok"]
        run = other.run
        other.start()
        other.wait_trading(3, after_run=run)
        assert other.stop()[0] == 0
        told_once(other.rows())
        judged(other.rows(), other.truth())
        assert other.verify()["ok"]

    def test_yesterdays_backup_beside_a_venue_of_today_is_found_out_and_takes_no_new_risk(
        self, house: House, other: House
    ):
        """A venue does not go back with our files: it knows orders and fills of which the restored journal knows nothing."""
        house.start()
        house.wait_trading(5)
        assert organism("backup", str(other.state), state=house.state).returncode == 0
        ours = {o.client_order_id for o in other.truth().orders}
        house.wait_trading(40)
        assert house.stop()[0] == 0
        for name in ("paper_venue.db", "paper_venue.db-wal", "paper_venue.db-shm"):
            (other.state / name).unlink(missing_ok=True)
            if (house.state / name).exists():
                shutil.copy(house.state / name, other.state / name)
        before, copied = other.truth(), audit(other.state).tip_seq
        assert {o.client_order_id for o in before.orders} > ours

        run = other.run
        other.start()
        until(lambda: other.run > run, lambda: other.said[-800:])
        until(lambda: other.status()["running"], lambda: other.said[-800:])
        until(lambda: other.status()["mode"] == "HALTED", lambda: str(other.status()), 60.0)
        other.stop()

        said = [e for row in other.rows() if row.seq > copied for e in decode_effects(row.effects)]
        sent = [effect.approved.order for effect in said if isinstance(effect, VenueSubmit)]
        assert all(order.reduce_only for order in sent), "it took new risk on a past that is not the venue's"
        heard = [e.message for e in said if isinstance(e, Publish) and isinstance(e.message, Filled)]
        assert len({m.fill.key for m in heard}) == len(heard), "an execution was booked twice"
        after = other.truth()
        assert len({fill.key for fill in after.fills}) == len(after.fills)
        assert set(before.fills) <= set(after.fills)
        assert not other.verify()["ok"], "and the audit says so"

    def test_a_breeder_goes_on_in_the_copy_where_it_was_and_counts_on(self, tmp_path: Path):
        bred_on = House(tmp_path / "state", *BREEDING, speed="6000")
        copied = House(tmp_path / "restored", *BREEDING, speed="6000")
        try:
            bred_on.start()
            until(lambda: bred(bred_on, 2), lambda: f"a generation: {bred_on.said[-800:]}", 120.0)
            back_up(bred_on.state, copied.state)
            bred_on.end()
            (saved,) = (copied.state / "evolution").glob("*.npz")
            reached, round_ = checkpoint.peek(saved)["generation"], begun(copied.state / "evolution")
            assert round_ is not None
            assert not round_.done
            copied.start()
            after = until(lambda: bred(copied, reached + 1), lambda: copied.said[-800:], 120.0)
            assert begun(copied.state / "evolution") == round_, "the same round"
            assert after["evaluated"] <= 200 * (after["generation"] - reached), "nothing is bred twice"
            assert copied.stop()[0] == 0
            assert copied.verify()["ok"]
        finally:
            bred_on.end()
            copied.end()


# ---------------------------------------------------------------- without a body


def journalled(state: Path, n: int = 50) -> SqliteJournal:
    state.mkdir(exist_ok=True)
    journal = SqliteJournal(state, durability="off", threaded=False)
    Steps(journal)(n)
    journal.flush()
    return journal


def test_a_copy_holds_what_was_durable_and_nothing_half(tmp_path):
    journal = journalled(tmp_path / "s")
    Steps(journal)(7)  # recorded, not durable yet
    done = back_up(tmp_path / "s", tmp_path / "b")
    assert (done.last_seq, done.folder) == (50, tmp_path / "b")
    assert audit(tmp_path / "b").ok
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o700
    assert all(p.stat().st_mode & 0o077 == 0 for p in (tmp_path / "b").rglob("*"))
    journal.close()
    assert back_up(tmp_path / "s", tmp_path / "c").last_seq == 57
    again = SqliteJournal(tmp_path / "c", durability="off", threaded=False)
    assert again.tip == journal.tip
    again.close()


def test_a_journal_of_many_segments_is_copied_whole(tmp_path):
    state = tmp_path / "s"
    journal = SqliteJournal(state, durability="off", threaded=False, segment_mb=0.05, keep_segments=2)
    record = Steps(journal)
    while len(list(state.glob("journal-*.db"))) < 2 or not (state / "archive").exists():
        record(50)
        journal.flush()
    done = back_up(state, tmp_path / "b")
    assert done.last_seq == journal.tip[0]
    assert len(list(read_rows(tmp_path / "b"))) == len(list(read_rows(state)))
    journal.close()


def test_a_copy_of_a_damaged_journal_is_no_backup_and_says_so(tmp_path):
    journalled(tmp_path / "s").close()
    with sqlite3.connect(tmp_path / "s" / "journal.db") as db:
        db.execute("UPDATE rows SET effects = x'00' WHERE seq = 20")
    db.close()
    with pytest.raises(OrganismError, match=r"is not sound.*row 20"):
        back_up(tmp_path / "s", tmp_path / "b")


def test_where_a_backup_must_not_go_it_does_not_go(tmp_path):
    journalled(tmp_path / "s").close()
    with pytest.raises(BadInput, match="lies inside the state folder"):
        back_up(tmp_path / "s", tmp_path / "s" / "backup")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").write_text("dear")
    with pytest.raises(BadInput, match="is not an empty folder"):
        back_up(tmp_path / "s", tmp_path / "full")
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["letter"]
    with pytest.raises(BadInput, match="holds no journal"):
        back_up(tmp_path / "nowhere", tmp_path / "b")
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="is no backup"):
        back_up(tmp_path / "s", tmp_path / "file" / "b")


def test_settings_go_with_it(tmp_path):
    state = tmp_path / "s"
    journalled(state).close()
    found: Loaded = load(None, {}, {"risk.max_positions": "3"})
    keep(state, found.settings, found.hash)
    (state / "organism.toml").write_text("[risk]\nmax_positions = 3\n")
    back_up(state, tmp_path / "b")
    assert kept(tmp_path / "b", found.hash) == found.settings
    assert (tmp_path / "b" / "organism.toml").read_text() == "[risk]\nmax_positions = 3\n"


# ---------------------------------------------------------------- what lies beside the journal


def filled(lake: Lake) -> None:
    """Candles, a mark and what was polled, the latter with a correction; and what a writer left behind."""
    lake.append(BTC, walk(300), source="x", received_us=START_US)
    at = np.array([START_US], np.int64)
    for rate in (0.0001, 0.0002):
        lake.append_events(RATES, Events(at, {"rate": np.array([rate])}), source="x", received_us=START_US)
    (lake.root / "instruments.toml").write_text("# ours\n")
    (lake.root / "columns").mkdir()
    (lake.root / "columns" / "derived").write_bytes(b"0" * 1_000)
    (lake.files(RATES)[0].parent / ".2024-01.parquet.7.tmp").write_bytes(b"half")


def test_what_evolution_cannot_make_again_goes_with_it(tmp_path):
    state = tmp_path / "s"
    journalled(state).close()
    folder = state / "evolution"
    folder.mkdir()
    for name in ("0123456789abcdef.npz", "round.json", "status.json", ".0123456789abcdef.npz.9.part"):
        (folder / name).write_text(name)
    with sqlite3.connect(state / "genome.db") as db:
        db.execute("CREATE TABLE trials (n)")
    db.close()
    back_up(state, tmp_path / "b")
    copied = tmp_path / "b" / "evolution"
    assert {p.name: p.read_text() for p in copied.iterdir()} == {
        name: name for name in ("0123456789abcdef.npz", "round.json")
    }
    assert (copied.stat().st_mode & 0o777, (tmp_path / "b" / "genome.db").exists()) == (0o700, True)


def test_a_checkpoint_in_a_copy_is_never_ahead_of_the_count_of_its_trials_nor_of_its_bars(
    tmp_path, monkeypatch
):
    """Whoever writes counts first and saves then; whoever copies does it the other way round."""
    state = tmp_path / "s"
    journalled(state).close()
    (state / "evolution").mkdir()
    (state / "evolution" / "a.npz").write_text("0")
    with sqlite3.connect(state / "genome.db") as db:
        db.execute("CREATE TABLE trials (n)")
    db.close()
    order = []
    for name in ("_copy_file", "_copy_database"):
        honest = getattr(backup, name)
        monkeypatch.setattr(
            backup, name, lambda old, new, honest=honest: (order.append(new.name), honest(old, new))
        )
    back_up(state, tmp_path / "b")
    assert order.index("a.npz") < order.index("journal.db") < order.index("genome.db")


@pytest.mark.parametrize("whole", [False, True])
def test_what_was_polled_goes_with_it_and_candles_where_they_are_wanted(tmp_path, whole):
    state = tmp_path / "s"
    journalled(state).close()
    lake = Lake(state / "lake", now_us=lambda: START_US)
    filled(lake)
    done = back_up(state, tmp_path / "b", with_lake=whole)
    copied = Lake(tmp_path / "b" / "lake", now_us=lambda: START_US)
    assert copied.all() == ((BTC, RATES) if whole else (RATES,))
    assert done.left_bytes == (0 if whole else lake.files(BTC)[0].stat().st_size)
    assert copied.corrections(RATES) == 1, "what was believed before it was put right is there, too"
    assert vintages(copied, RATES).values.tolist() == vintages(lake, RATES).values.tolist()
    assert copied.read(BTC).candles.close.tolist() == (lake.read(BTC).candles.close.tolist() if whole else [])
    assert (copied.root / "instruments.toml").read_text() == "# ours\n"
    assert not (copied.root / "columns").exists()
    assert not [p for p in copied.root.rglob("*") if p.name.startswith(".")]
    assert all(p.stat().st_mode & 0o077 == 0 for p in (tmp_path / "b").rglob("*"))


def test_a_state_folder_without_a_lake_or_evolution_has_none_in_its_copy(tmp_path):
    journalled(tmp_path / "s").close()
    assert back_up(tmp_path / "s", tmp_path / "b").left_bytes == 0
    assert not (tmp_path / "b" / "lake").exists()
    assert not (tmp_path / "b" / "evolution").exists()


def test_a_damaged_lake_is_told_by_name(tmp_path):
    state = tmp_path / "s"
    journalled(state).close()
    lake = Lake(state / "lake", now_us=lambda: START_US)
    filled(lake)
    (part,) = lake.files(RATES)
    part.write_bytes(part.read_bytes()[:-40])
    with pytest.raises(OrganismError, match=r"copy of the lake is not sound.*2024-01\.parquet.*data check"):
        back_up(state, tmp_path / "b")


def test_a_part_that_is_replaced_during_the_copy_is_copied_whole_old_or_new(tmp_path, monkeypatch):
    state = tmp_path / "s"
    journalled(state).close()
    lake = Lake(state / "lake", now_us=lambda: START_US)
    filled(lake)
    honest = backup.shutil.copyfileobj

    def meanwhile(old, new):
        if old.name.endswith(".parquet"):
            at = np.array([START_US + 1_000_000], np.int64)
            lake.append_events(RATES, Events(at, {"rate": np.array([0.3])}), source="x", received_us=START_US)
        honest(old, new)

    monkeypatch.setattr(backup.shutil, "copyfileobj", meanwhile)
    back_up(state, tmp_path / "b")
    copied = Lake(tmp_path / "b" / "lake", now_us=lambda: START_US)
    assert copied.span(RATES).rows == 1
    assert lake.span(RATES).rows == 2


def test_the_command_says_what_it_left_out_and_how_to_take_it_along(tmp_path):
    state = tmp_path / "s"
    journalled(state).close()
    filled(Lake(state / "lake", now_us=lambda: START_US))
    short = organism("backup", str(tmp_path / "b"), state=state)
    assert short.returncode == 0, short.stderr
    assert "MB of candles, marks and trades in its lake" in short.stdout
    assert "--with-lake takes them along" in short.stdout
    whole = organism("backup", str(tmp_path / "c"), "--with-lake", "--json", state=state)
    assert json.loads(whole.stdout)["left_bytes"] == 0
    assert list((tmp_path / "c" / "lake" / "candles").rglob("*.parquet"))
