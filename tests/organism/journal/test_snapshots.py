"""A snapshot is whole or it is nothing; losing all of them costs only time."""

import stat

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.journal.snapshots import Snapshot, SnapshotStore, read_snapshot, state_version
from organism.timers import Timer


class Inner(msgspec.Struct, frozen=True):
    x: int = 0


class State(msgspec.Struct, frozen=True):
    inner: tuple[Inner, ...] = ()
    name: str = ""


def snapshot(seq, organ="brain", version=None):
    return Snapshot(
        organ=organ,
        step=seq,
        seq=seq,
        horizon_seq=seq - 1,
        state=msgspec.msgpack.encode(State(name=f"{seq}")),
        state_version=version or state_version(State),
        timers=(Timer(organ, "k", 5, "mono", seq),),
        seen=("bar:1", "1.0"),
    )


@pytest.fixture
def store(tmp_path):
    return SnapshotStore(tmp_path / "snapshots", sync=True)


def test_the_newest_snapshot_comes_back_as_it_was_saved(store):
    for seq in (3, 20, 100):
        store.save(snapshot(seq))
    store.save(snapshot(5, organ="motor"))
    assert store.load("brain", State) == snapshot(100)
    assert store.load("motor") == snapshot(5, organ="motor")
    assert store.load("immune") is None


def test_two_snapshots_of_each_organ_are_kept_and_private(store, tmp_path):
    for seq in range(1, 6):
        path = store.save(snapshot(seq))
    assert sorted(p.name for p in (tmp_path / "snapshots").iterdir()) == [
        "brain-000000000000004.snap",
        "brain-000000000000005.snap",
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@given(st.data())
def test_a_snapshot_changed_or_cut_anywhere_is_passed_over_for_the_older_one(tmp_path_factory, data):
    store = SnapshotStore(tmp_path_factory.mktemp("s"))
    store.save(snapshot(1))
    path = store.save(snapshot(2))
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[at] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del content[at:]
    path.write_bytes(content)
    assert read_snapshot(path) is None
    assert store.load("brain", State) == snapshot(1)


def test_a_snapshot_of_rows_the_journal_does_not_have_is_passed_over(store):
    store.save(snapshot(10))
    store.save(snapshot(20))
    assert store.load("brain", State, until_seq=15) == snapshot(10)
    assert store.load("brain", State, until_seq=5) is None


def test_a_state_of_another_form_is_passed_over(store):
    store.save(snapshot(1, version="something else"))
    assert store.load("brain", State) is None


def test_the_version_of_a_state_follows_its_fields_nested_ones_too():
    def version(inner_type, name="name"):
        inner = msgspec.defstruct("Inner", [("x", inner_type)], frozen=True)
        return state_version(
            msgspec.defstruct("State", [("inner", tuple[inner, ...]), (name, str)], frozen=True)
        )

    assert version(int) == version(int)
    assert len({version(int), version(float), version(int, "title"), version(int | None)}) == 4


def test_a_state_type_that_contains_itself_has_a_version():
    assert len(state_version(Node)) == 16


class Node(msgspec.Struct, frozen=True):
    children: "tuple[Node, ...]" = ()
