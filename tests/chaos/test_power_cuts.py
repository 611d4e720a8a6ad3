"""A hundred power cuts: what was acknowledged is there, nothing is corrupt, and a weaker promise is found out."""

import random

import pytest

pytest.importorskip("apsw", reason="power cuts need apsw, which is among the test extras")

from tests.chaos.power.__main__ import main
from tests.chaos.power.campaign import Campaign, normal
from tests.chaos.power.disk import (
    Acknowledged,
    Disk,
    FileSynced,
    FolderSynced,
    Named,
    Resized,
    Weather,
    Written,
    acknowledged,
)
from tests.chaos.power.watch import Watcher

SEED = 1
PROMISES = {"rows", "incarnation", "command", "answer", "genome", "order", "alert", "delivered"}

pytestmark = pytest.mark.chaos


@pytest.mark.slow
@pytest.mark.requirement("S4-4.1")
def test_a_hundred_power_cuts_lose_nothing_acknowledged_and_corrupt_nothing(tmp_path):
    tally = Campaign(tmp_path).run(SEED, 100)
    print(f"\nseeds {SEED} to {SEED + 4}: {tally}")  # noqa: T201
    assert not tally.broken, {f"python -m tests.chaos.power --replay {k}": v for k, v in tally.broken.items()}
    assert tally.n_cuts >= 100
    assert tally.n_again > 10, "recovering is cut, too"
    assert tally.n_torn > tally.n_cuts / 2, "a cut with nothing in the air proves nothing"
    assert set(tally.tested) == PROMISES
    assert min(tally.tested.values()) > 50


@pytest.mark.slow
def test_the_same_cuts_lose_what_was_acknowledged_when_commits_are_not_synced(tmp_path):
    """Or the test above would prove nothing."""
    tally = Campaign(tmp_path, rewrite=normal).run(SEED, 40)
    assert tally.n_losing() > 10
    assert tally.kinds().keys() >= {"journal", "genomes", "venue's book", "deliveries"}
    # Commands survive even so: whoever gives one closes the file again, and closing syncs.
    assert "start" not in tally.kinds(), "what is left is a shorter history, never a damaged one"


@pytest.mark.slow
def test_the_same_cuts_lose_whole_files_when_folders_are_not_synced(tmp_path):
    tally = Campaign(tmp_path, blind_to_folders=True).run(SEED, 40)
    assert tally.n_losing() > 5
    assert "journal" in tally.kinds()


@pytest.mark.slow
def test_a_seed_lives_and_loses_the_same_again(tmp_path, capsys):
    first = Campaign(tmp_path / "a", rewrite=normal)
    second = Campaign(tmp_path / "b", rewrite=normal)
    one, other = first.life(SEED, 12), second.life(SEED, 12)
    assert [shape(o) for o in one] == [shape(o) for o in other]
    assert first.tally.broken == second.tally.broken
    name = next(iter(first.tally.broken))

    assert main(["--normal", "--replay", name]) == 1
    assert all(said in capsys.readouterr().out for said in [f"--replay {name}"])


@pytest.mark.parametrize("name", ["20015:6", "40012:8"])
def test_cuts_that_once_broke_a_promise_break_none(name):
    """The log of a closed journal came back after a cut and was taken for another file's: emptying it was not synced."""
    assert main(["--replay", name]) == 0


def shape(operation):
    """What is done to what; bytes may differ, as SQLite salts its logs at random."""
    if isinstance(operation, Written):
        return ("Written", operation.inode, operation.offset, len(operation.data))
    if isinstance(operation, Acknowledged):
        return ("Acknowledged", operation.what)
    return operation


# ---------------------------------------------------------------- the disk itself


def cuts(*operations, n=200):
    """Everything that many cuts may leave."""
    return [Disk(operations).cut(random.Random(seed)) for seed in range(n)]


def test_what_was_synced_survives_every_cut_and_what_was_not_survives_some():
    synced = (Named("f", 1), Written(1, 0, b"a" * 6000), FileSynced(1), FolderSynced(""))
    assert all(left["f"] == b"a" * 6000 for left in cuts(*synced))

    left = {found["f"] for found in cuts(*synced, Written(1, 0, b"b" * 6000))}
    assert {b"a" * 6000, b"b" * 6000} < left, "kept whole, lost whole"
    assert any(len(set(content)) == 2 for content in left), "and torn"
    for content in left:
        assert all(len(set(content[at : at + 512])) == 1 for at in range(0, 5632, 512)), "but no sector is"


def test_a_name_that_was_not_synced_may_be_missing_and_a_rename_is_one_thing():
    made = (Named("a", 1), Written(1, 0, b"x"), FileSynced(1))
    assert {("a" in left) for left in cuts(*made)} == {True, False}

    renamed = (*made, FolderSynced(""), Named("b", 1, "a"))
    assert {tuple(left) for left in cuts(*renamed)} == {("a",), ("b",)}
    assert {tuple(left) for left in cuts(*renamed, FolderSynced(""))} == {("b",)}


def test_sizes_and_removals_are_lost_like_bytes():
    made = (Named("f", 1), Written(1, 0, b"a" * 1024), FileSynced(1), FolderSynced(""))
    assert {len(left["f"]) for left in cuts(*made, Resized(1, 0))} == {0, 1024}
    assert {tuple(left) for left in cuts(*made, Named(None, 0, "f"))} == {(), ("f",)}
    grown = {left["f"] for left in cuts(*made, Written(1, 4096, b"b" * 512))}
    assert len(grown) > 2, "what was stretched and not written shows zeros, or what lay there before"


def test_what_lay_in_a_lost_folder_is_lost():
    assert {tuple(left) for left in cuts(Named("d", 0), Named("d/f", 1), FolderSynced("d"))} == {
        (),
        ("d", "d/f"),
    }


def test_every_weather_happens():
    seen = [Weather.of(random.Random(seed)) for seed in range(1000)]
    assert len(set(seen)) == 2 * 5 * 2 * 2 * 2


def test_acknowledgements_are_collected_by_what_they_are_about():
    told = [Acknowledged("rows", 1), Written(1, 0, b""), Acknowledged("rows", 2), Acknowledged("genome", "g")]
    assert acknowledged(told) == {"rows": [1, 2], "genome": ["g"]}


def test_a_write_past_the_watcher_is_found(tmp_path):
    watcher = Watcher(tmp_path)
    with watcher.watching():
        (tmp_path / "seen").touch()
    watcher.complete()
    (tmp_path / "unseen").write_bytes(b"x")
    with pytest.raises(AssertionError, match="unseen"):
        watcher.complete()
