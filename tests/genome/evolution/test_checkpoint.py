"""A run that was saved goes on as if nothing had been; of another run nothing is taken; a full disk costs nothing."""

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genome.breeding.lexicon import lexicon
from genome.breeding.variation import Limits
from genome.evolution import checkpoint
from genome.evolution.judge import Local
from genome.evolution.loop import begin, step
from organism.errors import BadInput
from tests.genome.evolution.worlds import SMALL, WORDS, Pretended, noise, run, same_state


@pytest.fixture(scope="module")
def states():
    return run()[0]


@pytest.mark.parametrize("generation", range(5))
def test_a_run_resumed_anywhere_ends_as_one_that_was_never_interrupted(states, generation, tmp_path):
    path = tmp_path / "run.checkpoint"
    checkpoint.save(path, states[generation], WORDS)
    state = checkpoint.load(path, SMALL, "pretended", WORDS)
    assert same_state(state, states[generation])
    for expected in states[generation + 1 :]:
        checkpoint.save(path, state, WORDS)
        state, _ = step(checkpoint.load(path, SMALL, "pretended", WORDS), Pretended(), WORDS)
        assert same_state(state, expected)


def test_a_run_on_a_market_goes_on_with_the_same_reports(tmp_path):
    judge = Local([noise(800)], fewest_trades=3)
    state, _ = begin(SMALL, judge, WORDS)
    reports = []
    resumed = state
    for _ in range(3):
        state, report = step(state, judge, WORDS)
        checkpoint.save(tmp_path / "c", resumed, WORDS)
        fresh = Local([noise(800)], fewest_trades=3, threads=1)
        resumed, other = step(checkpoint.load(tmp_path / "c", SMALL, fresh.data, WORDS), fresh, WORDS)
        reports.append((report.document(), other.document()))
    assert all(a == b for a, b in reports)
    assert same_state(state, resumed)


def test_a_checkpoint_says_what_it_is(states, tmp_path):
    checkpoint.save(tmp_path / "c", states[3], WORDS)
    told = checkpoint.peek(tmp_path / "c")
    assert (told["generation"], told["data"], told["plan"]["seed"]) == (3, "pretended", 1)
    json.dumps(told)


@pytest.mark.parametrize(
    ("plan", "data", "words", "sentence"),
    [
        (
            replace(SMALL, seed=9),
            "pretended",
            WORDS,
            "the seed of the checkpoint .* was 1, but this run has 9",
        ),
        (
            replace(SMALL, population=50),
            "pretended",
            WORDS,
            "population of the plan .* was 40, but this run has 50",
        ),
        (replace(SMALL, limits=Limits(nodes=20)), "pretended", WORDS, "limits of the plan .*nodes=20"),
        (SMALL, "other", WORDS, "the data of the checkpoint .* was pretended, but this run has other"),
        (
            SMALL,
            "pretended",
            lexicon(longest=50),
            "the lexicon of the checkpoint .* was .*, but this run has",
        ),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_with_both_named(
    states, tmp_path, plan, data, words, sentence
):
    checkpoint.save(tmp_path / "c", states[2], WORDS)
    with pytest.raises(BadInput, match=sentence):
        checkpoint.load(tmp_path / "c", plan, data, words)


def test_a_checkpoint_of_other_rules_is_refused_with_both_named(states, tmp_path, monkeypatch):
    checkpoint.save(tmp_path / "c", states[2], WORDS)
    ours = checkpoint.version()
    monkeypatch.setattr(checkpoint, "version", lambda: "0123456789abcdef")
    with pytest.raises(
        BadInput, match=f"the rules of the checkpoint .* was {ours}, but this run has 0123456789abcdef"
    ):
        checkpoint.load(tmp_path / "c", SMALL, "pretended", WORDS)


def test_more_generations_may_be_asked_of_a_run_that_is_over(states, tmp_path):
    checkpoint.save(tmp_path / "c", states[-1], WORDS)
    longer = replace(SMALL, generations=SMALL.generations + 2)
    state = checkpoint.load(tmp_path / "c", longer, "pretended", WORDS)
    assert not state.finished
    state, _ = step(state, Pretended(), WORDS)
    expected = run(longer, generations=SMALL.generations + 1)[0][-1]
    assert same_state(state, expected)


def test_a_damaged_checkpoint_is_refused_wherever_the_damage_is(states, tmp_path):
    path = tmp_path / "c"
    checkpoint.save(path, states[1], WORDS)
    whole = path.read_bytes()
    rng = np.random.default_rng(1)
    for at in [0, len(whole) - 1, *rng.integers(0, len(whole), 60).tolist()]:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        try:
            state = checkpoint.load(path, SMALL, "pretended", WORDS)
        except BadInput:
            continue
        assert same_state(state, states[1])  # a byte of the zip's own that says nothing, such as a date
    for end in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(BadInput, match=r"is damaged|could not be read|digest"):
            checkpoint.load(path, SMALL, "pretended", WORDS)
    with pytest.raises(BadInput, match="could not be read: No such file"):
        checkpoint.load(tmp_path / "nowhere", SMALL, "pretended", WORDS)


def test_a_file_with_objects_in_it_is_never_opened(tmp_path):
    np.savez(tmp_path / "c.npz", meta=np.array([{"a": 1}], object))
    with pytest.raises(BadInput, match="is damaged"):
        checkpoint.load(tmp_path / "c.npz", SMALL, "pretended", WORDS)


@pytest.mark.parametrize("call", ["fsync", "replace", "savez"])
def test_a_full_disk_leaves_the_checkpoint_before_it_whole(states, tmp_path, monkeypatch, call):
    path = tmp_path / "c"
    checkpoint.save(path, states[1], WORDS)
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as broken:
        where = {"fsync": os, "replace": type(path), "savez": np}[call]
        broken.setattr(where, call, full)
        with pytest.raises(
            BadInput, match=r"could not be written .No space left on device.; the one before it"
        ):
            checkpoint.save(path, states[2], WORDS)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c"]
    assert same_state(checkpoint.load(path, SMALL, "pretended", WORDS), states[1])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_device_that_is_full_is_told_in_one_sentence(states, tmp_path, monkeypatch):
    path = tmp_path / "c"
    part = tmp_path / f".c.{os.getpid()}.part"
    part.symlink_to("/dev/full")
    with pytest.raises(BadInput, match="could not be written"):
        checkpoint.save(path, states[2], WORDS)
    assert not path.exists()
