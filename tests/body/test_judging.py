"""A living body is judged each second; a broken promise halts it, is told once, and stays told over a restart."""

from pathlib import Path

import pytest

from organism.body.judging import Judging, canaries
from organism.commands import CommandsDb
from organism.core import Now
from organism.effects import VenueSubmit
from organism.invariants import Probe, Rules
from organism.journal.reader import newest, read_rows
from organism.journal.rows import decode_envelope
from organism.journal.writer import SqliteJournal
from organism.messages import Envelope, FeedReported, InvariantBroken
from organism.settings import Channel
from organism.spine import Origin
from organism.status import render, status
from organism.trading import ApprovedOrder
from tests.body.alive import living
from tests.body.waiting import until
from tests.organism.invariants.tape import Tape

SECRET = "api_key=Zm9vYmFyYmF6MTIz"


def told_in(state: Path) -> list[tuple[str, InvariantBroken]]:
    found = []
    for row in read_rows(state):
        if row.input_id.startswith("invariant:"):
            message = decode_envelope(row.input).message
            assert isinstance(message, InvariantBroken)
            found.append((row.organ, message))
    return found


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_breach_halts_a_living_body_is_told_once_and_shown_and_a_person_lifts_it(tmp_path: Path):
    state = tmp_path / "state"
    desk = CommandsDb

    def invariants(alive):
        return alive.view.status().get("invariants", {})

    with living(state) as alive:
        alive.trades()
        until(lambda: invariants(alive).get("judged", {}).get("I4", 0) > 20, "marks that were judged")
        assert invariants(alive)["broken"] == {}
        assert invariants(alive)["trouble"] == ""
        word = FeedReported(feed="drill", condition="drill", detail=SECRET)
        alive.body.directory.deliver("nervous", Envelope("drill:1", "drill", 0, 0, "", word))
        until(lambda: alive.body.goods["immune"].state.standing.state.value == "halted", "a halt")
        until(lambda: invariants(alive).get("broken"), "the breach in the view")
        assert invariants(alive)["broken"] == {"I10": 1}
        until(
            lambda: any(
                "I10" in row["title"] and row["severity"] == "critical"
                for row in alive.view.table("alerts", 20)
            ),
            "a critical alert",
        )
        reason = alive.body.goods["immune"].state.standing.reason
        assert "I10" in reason
        assert SECRET not in reason
        before = alive.view.status()["body"]["seq"]
        until(lambda: alive.view.status()["body"]["seq"] > before + 200, "more life")
        until(
            lambda: alive.view.status().get("health", {}).get("health", 100) < 60, "a vital sign that says so"
        )
    found, tip = status(state), newest(state)
    assert found["invariants"]["broken"] == {"I10": 1}
    assert "BROKEN: I10" in render(found)
    assert sorted(organ for organ, _ in told_in(state)) == ["immune", "voice"]

    with living(state) as alive:
        until(
            lambda: invariants(alive).get("judged_seq", 0) > tip,
            "history judged",
        )
        assert len(told_in(state)) == 2, "what was told before the restart is not told again"
        assert alive.body.goods["immune"].state.standing.state.value == "halted"
        desk(state / "commands.db").give("resume", "drill", f"looked at it: {SECRET}")
        until(lambda: invariants(alive).get("broken") == {}, "a person has answered")
        until(lambda: alive.body.goods["immune"].state.standing.state.value == "active", "trading")
        seen = invariants(alive)["judged_seq"]
        until(lambda: invariants(alive)["judged_seq"] > seen + 100, "the resumption judged")
        assert invariants(alive)["broken"] == {}, "what a person types is cleaned before it is recorded"


# ---------------------------------------------------------------- the follower alone


class Desk:
    def __init__(self, folder):
        self.folder = folder
        self.journal = SqliteJournal(folder, durability="off", threaded=False)
        self.numbers = {organ: self.journal.begin_incarnation(organ) for organ in ("nervous", "motor")}
        self.n = 0
        self.told = []

    def record(self, detail="quiet", organ="nervous", effects=(), envelope=None):
        self.n += 1
        envelope = envelope or Envelope(
            f"feed:{self.n}", "feed", 0, 0, "", FeedReported(feed="f", condition="gap", detail=detail)
        )
        now = Now(self.n, self.n, self.n, self.n)
        seq = self.journal.record(organ, self.numbers[organ], self.n, envelope, effects, now)
        self.journal.flush()
        return seq

    def judging(self, **how):
        def tell(organ, envelope):
            self.told.append((organ, envelope))

        return Judging(self.folder, self.journal, lambda _: Rules(), tell, **how)


def test_rows_are_judged_as_they_become_durable_and_each_breach_is_told_to_both(tmp_path):
    desk = Desk(tmp_path)
    judging = desk.judging()
    desk.record()
    judging.turn(Probe())
    assert (judging.n_broken, desk.told) == (0, [])
    seq = desk.record(SECRET)
    judging.turn(Probe())
    judging.turn(Probe())
    assert [organ for organ, _ in desk.told] == ["immune", "voice"]
    assert desk.told[0][1].message.breach_id == f"I10:{seq}:nervous"
    assert judging.summary()["broken"] == {"I10": 1}


def test_what_broke_and_was_never_told_before_a_crash_is_told_after_it(tmp_path):
    desk = Desk(tmp_path)
    desk.record(SECRET)
    judging = desk.judging()
    judging.turn(Probe())
    assert [e.message.invariant for _, e in desk.told] == ["I10", "I10"]


def test_what_the_journal_says_was_told_is_not_told_again(tmp_path):
    desk = Desk(tmp_path)
    seq = desk.record(SECRET)
    message = InvariantBroken(invariant="I10", breach_id=f"I10:{seq}:nervous", text="t")
    desk.record(envelope=Envelope(f"invariant:{message.breach_id}", "watch", 0, 0, "", message))
    judging = desk.judging()
    judging.turn(Probe())
    assert desk.told == []
    assert judging.n_broken == 1, "told, but nobody has answered yet"


def test_a_history_too_long_is_left_to_verify_and_judging_begins_at_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr("organism.body.judging.MOST_HISTORY", 5)
    desk = Desk(tmp_path)
    desk.record(SECRET)
    for _ in range(10):
        desk.record()
    judging = desk.judging()
    desk.record()
    judging.turn(Probe())
    assert (desk.told, judging.summary()["since_seq"], judging.summary()["judged_seq"]) == ([], 12, 12)
    desk.record(SECRET)
    judging.turn(Probe())
    assert len(desk.told) == 2


def test_a_request_that_leaves_before_its_row_is_durable_is_i1(tmp_path):
    desk = Desk(tmp_path)
    judging = desk.judging()
    performed = []
    port = judging.watched(lambda effect, origin: performed.append(effect))
    submit = VenueSubmit(
        client_order_id="c", approved=ApprovedOrder(order=Tape().make("9"), approved_ns=1), valid_for_s=0.5
    )
    seq = desk.record()
    port(submit, Origin("motor", 1, seq, 0, "", 0))
    judging.turn(Probe())
    assert desk.told == []
    port(submit, Origin("motor", 1, seq + 1, 0, "", 0))
    judging.turn(Probe())
    assert len(performed) == 2
    assert [e.message.invariant for _, e in desk.told] == ["I1", "I1"]


def test_damage_on_disk_is_i5_and_told_once(tmp_path):
    import sqlite3

    desk = Desk(tmp_path)
    judging = desk.judging()
    for _ in range(5):
        desk.record()
    with sqlite3.connect(tmp_path / "journal.db") as db:
        db.execute("UPDATE rows SET market_ns = 99 WHERE seq = 3")
    db.close()
    for _ in range(3):
        judging.turn(Probe())
    assert [e.message.invariant for _, e in desk.told] == ["I5", "I5"]
    assert "3" in desk.told[0][1].message.text


def test_a_measure_that_stays_too_high_is_i12(tmp_path):
    desk = Desk(tmp_path)
    judging = desk.judging()
    for _ in range(12):
        judging.turn(Probe(threads=10_000))
    assert [e.message.invariant for _, e in desk.told] == ["I12", "I12"]


def test_a_judge_that_fails_counts_as_unknown_and_the_body_lives_on(tmp_path):
    desk = Desk(tmp_path)

    def no_rules(_):
        raise RuntimeError("no")

    judging = Judging(tmp_path, desk.journal, no_rules, lambda *_: None)
    desk.record()
    judging.turn(Probe())
    assert judging.n_broken is None
    assert "RuntimeError" in judging.summary()["trouble"]


def test_words_of_an_address_that_are_ordinary_are_no_canaries():
    redact = canaries(
        [Channel(url="jsons://user:Zm9vYmFyYmF6MTIz@example.org/organism/alerts"), Channel(url="env:URL")]
    )
    assert (
        redact("resume with `organism resume`; see alerts of user")
        == "resume with `organism resume`; see alerts of user"
    )
    assert "Zm9vYmFyYmF6MTIz" not in redact("sent with Zm9vYmFyYmF6MTIz to them")
