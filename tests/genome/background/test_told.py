"""What the breeder tells is believed only as far as it makes sense."""

import json
import logging

import msgspec
import pytest

from genome.background.told import FILE, FOLDER, MOST_BYTES, Told, heard, tell
from organism.body.breeding import BreedingEar
from organism.errors import BadInput
from organism.messages import GenerationBred
from organism.settings import EvolutionSettings
from organism.trading import BestBred

BEST = BestBred(
    genome_id="bred_3_0123abcd", family="bred", parameters=(("stop", 0.05),), text="family: bred\n", sharpe=1.25,
    consistency=0.5, max_drawdown=0.08, turnover=30.0, trades=41.0,
)  # fmt: skip
BRED = GenerationBred(
    round=2, generation=3, generations=10, bars=1_050, until_ns=10**18, evaluations_per_s=85.5, evaluated=400, front=9,
    trials=1_250, best=BEST,
)  # fmt: skip
TOLD = Told(phase="breeding", bred=BRED)


def raw(**changed):
    return json.dumps(json.loads(msgspec.json.encode(TOLD)) | changed).encode()


def bred(**changed):
    return raw(bred=json.loads(msgspec.json.encode(BRED)) | changed)


def best(**changed):
    return bred(best=json.loads(msgspec.json.encode(BEST)) | changed)


HOSTILE = {
    "truncated": raw()[:-40],
    "empty": b"",
    "huge": b'{"phase":"breeding","detail":"' + b"x" * MOST_BYTES + b'"}',
    "nan": best(sharpe=1.0).replace(b"1.0", b"NaN"),
    "infinite": best(sharpe=1.0).replace(b"1.0", b"1e999"),
    "negative count": bred(generation=-1),
    "enormous count": bred(trials=2**60),
    "time beyond time": bred(until_ns=2**70),
    "wrong type": bred(front="nine"),
    "no phase": raw(phase="funding"),
    "strange name": best(genome_id="../../etc/passwd"),
    "strange gene": best(parameters=[["<b>", 1.0]]),
    "long text": best(text="a" * 30_000),
    "long detail": raw(detail="a" * 1_000),
    "not text": b"\xff\xfe\x00",
    "deep": b"[" * 50_000,
    "another message": raw(bred={"type": "StrategyFunded", "genome_id": "x", "family": "bred", "weight": 1.0, "parameters": []}),
}  # fmt: skip


class Ear:
    """A body's ear whose clock is ours."""

    def __init__(self, state, **settings):
        self.heard = []
        self.now_ns = 10**9
        self.ear = BreedingEar(state, EvolutionSettings(**settings), self.heard.append)

    def after(self, seconds):
        self.now_ns += int(seconds * 1e9)
        self.ear.turn(self.now_ns)
        return self.ear.live(self.now_ns)


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / FOLDER
    found.mkdir()
    return found


def test_what_was_told_is_heard(folder):
    tell(folder, TOLD)
    assert heard(folder) == TOLD


def test_nothing_told_is_nothing_heard(folder):
    assert heard(folder) is None


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_content_is_refused_in_one_sentence(folder, content):
    (folder / FILE).write_bytes(content)
    with pytest.raises(BadInput) as refused:
        heard(folder)
    text = str(refused.value)
    assert text.startswith(f"{FILE} of the breeder")
    assert "\n" not in text
    assert len(text) < 300


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_the_body_says_so_once_goes_on_and_keeps_what_it_knew(tmp_path, folder, content, caplog):
    ear = Ear(tmp_path)
    tell(folder, TOLD)
    ear.after(1)
    with caplog.at_level(logging.WARNING):
        for n in range(5):
            (folder / FILE).write_bytes(content)
            (folder / f"{n}").write_bytes(content)
            (folder / f"{n}").replace(folder / FILE)
            assert ear.after(1)["phase"] == "breeding"
    assert ear.heard == [BRED]
    assert len(caplog.records) == 1


def test_a_generation_is_handed_on_once_and_the_last_of_a_round_at_once(tmp_path, folder):
    ear = Ear(tmp_path)
    generations = [msgspec.structs.replace(BRED, generation=n) for n in (3, 4, 5, 10)]
    for one in generations:
        tell(folder, Told(phase="breeding", bred=one))
        ear.after(1)
    ear.after(60)
    assert [one.generation for one in ear.heard] == [3, 10]


def test_a_newer_generation_is_told_when_the_last_one_is_some_seconds_old(tmp_path, folder):
    ear = Ear(tmp_path)
    tell(folder, TOLD)
    ear.after(1)
    tell(folder, Told(phase="breeding", bred=msgspec.structs.replace(BRED, generation=4)))
    assert [one.generation for one in ear.heard] == [3]
    ear.after(2)
    ear.after(6)
    assert [one.generation for one in ear.heard] == [3, 4]


def test_off_is_off_whatever_lies_there(tmp_path, folder):
    tell(folder, TOLD)
    ear = Ear(tmp_path, enabled=False)
    assert ear.after(1) == {"phase": "off"}
    assert ear.heard == []


def test_before_the_first_word_it_is_settling_and_silence_is_measured(tmp_path, folder):
    ear = Ear(tmp_path)
    ear.after(1)
    assert ear.after(30)["phase"] == "settling"
    tell(folder, TOLD)
    assert ear.after(1)["silent_s"] == 0.0
    assert ear.after(200)["silent_s"] == 200.0
