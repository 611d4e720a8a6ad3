"""Whatever moment a body dies at, the journal gives back its states, its open messages and its timers."""

import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.core import Now, OrganCore
from organism.effects import CancelTimer, Notify, Publish, Schedule
from organism.errors import EffectFailed, JournalDamaged
from organism.journal.pending import Horizon
from organism.journal.port import MemoryJournal
from organism.journal.recovery import rebase, recover
from organism.journal.replay import replay
from organism.journal.snapshots import Snapshot, SnapshotStore, state_version
from organism.journal.writer import SqliteJournal
from organism.lockstep import Faults, Lockstep
from organism.messages import (
    BarClosed,
    BarsArrived,
    CancelRequested,
    Envelope,
    MessageSetAside,
    Priority,
    Recovered,
    Severity,
    TimerFired,
    VitalsTaken,
)
from organism.timers import Timer

NS = 1_000_000_000


class Tally(msgspec.Struct, frozen=True):
    """Everything an organ ever heard, as one number."""

    n: int = 0
    heard: int = 0


def tallied(state, message, now):
    text = msgspec.msgpack.encode((message, now.market_ns, now.mono_ns, now.step))
    return Tally(state.n + 1, zlib.crc32(text, state.heard))


def nervous(state, message, now):
    state = tallied(state, message, now)
    if type(message) is BarsArrived:
        effects = [Publish(to=("brain", "motor"), message=BarClosed(at_ns=message.at_ns, session=1, bars=()))]
        if state.n % 3 == 0:
            effects.append(Schedule(key=f"t{state.n % 2}", due_ns=now.mono_ns + state.heard % (4 * NS)))
        if state.n % 7 == 0:
            effects.append(CancelTimer(key="t0"))
        return state, tuple(effects)
    if type(message) is Recovered:
        return state, (Schedule(key=f"long{state.n}", due_ns=now.mono_ns + 9 * NS),)
    if type(message) is TimerFired:
        return state, (
            Publish(to=("motor",), message=CancelRequested(order_id=f"{state.n}", reason="timer")),
        )
    return state, ()


def brain(state, message, now):
    state = tallied(state, message, now)
    if type(message) is BarClosed:
        said = Publish(to=("motor", "nervous"), message=CancelRequested(order_id=f"{state.heard}", reason=""))
        alert = Notify(
            alert_id="a", severity=Severity.INFO, priority=Priority.LOW, title="", body="", tags=()
        )
        timer = Schedule(key="market", due_ns=message.at_ns + 2, clock="market")
        return state, (alert, said, timer) if state.n % 4 == 0 else (said,)
    return state, ()


def motor(state, message, now):
    state = tallied(state, message, now)
    if type(message) is CancelRequested and state.n % 5 == 0:
        return state, (Schedule(key="again", due_ns=now.mono_ns + NS // 2),)
    return state, ()


STEPS = {"nervous": nervous, "brain": brain, "motor": motor}


class PowerCut(BaseException):
    """The process is gone."""


class Life:
    """A small organism that dies at its n-th step, before or after it is recorded."""

    def __init__(
        self, journal, *, seed, dies_at=0, recorded=False, store=None, every=5, recovery=None, faults=None
    ):
        self.journal, self.store, self.every = journal, store, every
        self.horizon = Horizon(journal.tip[0])
        self.dies_at, self.recorded, self.n = dies_at, recorded, 0
        self.in_hand = None
        self.last = None
        self.seqs = {}
        self.driver, self.started = None, False
        states = {}
        if recovery is not None:
            states = {name: (o.state, o.step) for name, o in recovery.organs.items()}
            for name, organ in recovery.organs.items():
                self.horizon.adopt(name, organ.pending, rebase(organ.timers, recovery.mono_ns, 0))
                self.seqs[name] = organ.seq
        self.recovery = recovery
        self.driver = Lockstep(
            [OrganCore(name, Tally, Tally(), self._wrap(name)) for name in STEPS],
            journal,
            observers=(self._observe,),
            seed=seed,
            faults=faults,
            states=states,
            before_start=self._before_start,
        )

    def _before_start(self, driver):
        self.driver = driver
        if self.recovery is None:
            return
        driver.spine.market_ns = self.recovery.market_ns
        for name, organ in self.recovery.organs.items():
            # The driver counts its own messages from 1 in every life; all other ids are unique for ever.
            driver.organs[name].seen.update({i: None for i in organ.seen if not i.startswith("supervisor:")})
            for timer in rebase(organ.timers, self.recovery.mono_ns, driver.mono_ns):
                driver.spine.timers.schedule(timer)
            for envelope in organ.pending:
                driver._file(name, envelope)

    def _wrap(self, name):
        def step(state, message, now):
            self.n += 1
            self.in_hand = (name, message)
            if self._is_time() and not self.recorded:
                raise PowerCut
            if self.store is not None and self.n % self.every == 0:
                self._snapshot(name)
            return STEPS[name](state, message, now)

        return step

    def _observe(self, seq, organ, envelope, effects, now):
        self.in_hand = None
        self.seqs[organ] = seq
        self.horizon.observe(seq, organ, envelope, effects, now)
        self.last = (seq, effects)
        if self._is_time() and self.recorded:
            raise PowerCut

    def _is_time(self):
        return self.started and 0 < self.dies_at <= self.n

    def _snapshot(self, name):
        living = self.driver.organs[name]
        if not living.step:
            return
        self.journal.flush()
        self.store.save(
            Snapshot(
                organ=name,
                step=living.step,
                seq=self.seqs[name],
                horizon_seq=min(self.horizon.of(name), self.seqs[name]),
                state=msgspec.msgpack.encode(living.state),
                state_version=state_version(Tally),
                run=self.journal.run.run,
                timers=self.horizon.timers(name),
                seen=tuple(living.seen),
            )
        )

    def live(self, n, first=1):
        self.started = True
        for at in range(first, first + n):
            self.driver.tick(BarsArrived(feed="f", session=1, at_ns=at, bars=()))

    def open_messages(self):
        """Messages of the journal that lie in mailboxes, on the way, behind the disk, or in hand."""
        found = {name: set() for name in STEPS}
        for name, living in self.driver.organs.items():
            envelopes = [*living.lanes.control, *living.lanes.work, *living.lanes.latest.values()]
            found[name] |= {e.id for e in envelopes if e.id not in living.seen}
        for name, envelope in self.driver.postponed():
            if envelope.id not in self.driver.organs[name].seen:
                found[name].add(envelope.id)
        for held in self.driver.spine._held.values():
            for _, effect, origin in held:
                if type(effect) is Publish:
                    for name in effect.to:
                        found[name].add(origin.id)
        return {name: {i for i in ids if i[0].isdigit()} for name, ids in found.items()}


def plain_cores():
    return [OrganCore(name, Tally, Tally(), step) for name, step in STEPS.items()]


def gone(journal):
    """The process died after its last group was committed."""
    journal._write_inline()
    journal._disk._connection.close()


def by_row(identity):
    seq, _, index = identity.partition(".")
    return int(seq), int(index)


FAULTS = Faults(drop=0.05, delay=0.1, duplicate=0.1, raise_=0.05, hang=0.05)


@given(
    seed=st.integers(0, 10_000),
    dies_at=st.integers(4, 160),
    recorded=st.booleans(),
    faulty=st.booleans(),
    every=st.integers(1, 9),
)
def test_recovery_gives_back_the_living_organism(tmp_path_factory, seed, dies_at, recorded, faulty, every):
    folder = tmp_path_factory.mktemp("state")
    store = SnapshotStore(folder / "snapshots")
    journal = SqliteJournal(folder, durability="off", threaded=False)
    life = Life(
        journal, seed=seed, dies_at=dies_at, recorded=recorded, store=store, every=every,
        faults=FAULTS if faulty else None,
    )  # fmt: skip
    with pytest.raises((PowerCut, EffectFailed)):
        life.live(200)
    living = {name: (o.state, o.step) for name, o in life.driver.organs.items()}
    open_ = life.open_messages()
    in_hand = life.in_hand
    last = life.last
    gone(journal)

    journal = SqliteJournal(folder, durability="off", threaded=False)
    recovery = recover(journal, store, plain_cores(), check=True)
    slowly = recover(journal, None, plain_cores(), check=True)

    assert recovery.difference is None
    assert slowly.difference is None
    for name, organ in recovery.organs.items():
        long_way = slowly.organs[name]
        assert (organ.state, organ.step, organ.seq) == (long_way.state, long_way.step, long_way.seq)
        assert set(organ.timers) == set(long_way.timers)
        assert [e.id for e in organ.pending] == [e.id for e in long_way.pending]
        assert organ.pending == long_way.pending
        assert organ.seen == long_way.seen[-len(organ.seen) :]
        if not recorded:
            assert (organ.state, organ.step) == living[name]
        ids = [e.id for e in organ.pending]
        assert sorted(ids, key=by_row) == ids, "in the order they were said"
        expected = set(open_[name])
        if recorded:  # the last step is in the journal, and nothing it said has left
            expected |= {
                f"{last[0]}.{i}" for i, e in enumerate(last[1]) if type(e) is Publish and name in e.to
            }
            consumed = next(row for row in journal.rows(last[0] - 1))
            expected -= {consumed.input_id} if consumed.organ == name else set()
        else:  # what it worked on comes again
            extra = set(ids) - expected
            assert len(extra) <= 1
            if extra:
                assert in_hand[0] == name
                assert [e.message for e in organ.pending if e.id in extra] == [in_hand[1]]
            expected |= extra
        assert set(ids) == expected
    journal.close()


@pytest.mark.requirement("S3-4.3.6")
@given(seed=st.integers(0, 10_000), deaths=st.lists(st.integers(4, 60), min_size=1, max_size=4))
def test_an_organism_that_dies_again_and_again_hears_everything_once(tmp_path_factory, seed, deaths):
    folder = tmp_path_factory.mktemp("state")
    store = SnapshotStore(folder / "snapshots")
    recovery = None
    for index, dies_at in enumerate([*deaths, 0]):
        journal = SqliteJournal(folder, durability="off", threaded=False, code_version=f"v{index}")
        if index:
            recovery = recover(journal, store, plain_cores())
            slowly = recover(journal, None, plain_cores())
            for name, organ in recovery.organs.items():
                assert set(organ.timers) == set(slowly.organs[name].timers)
        try:
            life = Life(
                journal, seed=seed + index, dies_at=dies_at, recorded=bool(dies_at % 2), store=store,
                recovery=recovery, faults=Faults(duplicate=0.1),
            )  # fmt: skip
            life.live(30, first=1 + 1_000 * index)
        except (PowerCut, EffectFailed):
            pass
        gone(journal)

    journal = SqliteJournal(folder, durability="off", threaded=False)
    end = recover(journal, store, plain_cores())
    assert all(organ.pending == () for organ in end.organs.values())
    said, heard = set(), []
    for row in journal.rows():
        heard.append((row.organ, row.input_id))
        for index, effect in enumerate(life_effects(row)):
            if type(effect) is Publish:
                said |= {(name, f"{row.seq}.{index}") for name in effect.to}
    inside = [h for h in heard if h[1][0].isdigit()]
    assert sorted(inside) == sorted(said), "each message once, by each of its receivers"
    report = replay(journal, plain_cores)
    assert report.ok
    assert report.n_steps == len(heard)
    journal.close()


def life_effects(row):
    from organism.journal.rows import decode_effects

    return decode_effects(row.effects)


def lived_once(journal=None):
    journal = journal or MemoryJournal()
    life = Life(journal, seed=1)
    life.live(40)
    journal.flush()
    return journal, life


def test_a_replay_finds_nothing_in_what_the_same_cores_did():
    journal, _ = lived_once()
    report = replay(journal, plain_cores)
    assert (report.ok, report.n_steps, report.skipped) == (True, journal.tip[0], ())


@pytest.mark.requirement("S2-4.3")
def test_a_replay_names_the_first_decision_that_differs():
    journal, _ = lived_once()

    def other_brain(state, message, now):
        state, effects = brain(state, message, now)
        return state, effects[:1] if state.n > 10 else effects

    cores = [
        c if c.name != "brain" else OrganCore("brain", Tally, Tally(), other_brain) for c in plain_cores()
    ]
    found = replay(journal, lambda: cores).first_difference
    assert found.organ == "brain"
    assert found.step == 12
    assert len(found.expected) == 3
    assert found.actual == found.expected[:1]
    row = next(journal.rows(found.seq - 1))
    assert (row.organ, row.step) == ("brain", 12)


def test_a_replay_stops_at_a_market_time_and_says_which_organs_it_skipped():
    journal, _ = lived_once()
    report = replay(journal, lambda: plain_cores()[:1], until_ns=20)
    assert report.ok
    assert set(report.skipped) == {"brain", "motor"}
    assert 0 < report.n_steps < sum(row.organ == "nervous" for row in journal.rows())


def test_of_a_conflated_kind_only_the_newest_is_delivered_again():
    journal = MemoryJournal()
    number = journal.begin_incarnation("nervous")
    for n in range(1, 4):
        said = Publish(to=("brain",), message=VitalsTaken(health=float(n), parts=()))
        journal.record("nervous", number, n, external(n), (said,), Now(n, n, n, n))
    pending = recover(journal, None, plain_cores()).organs["brain"].pending
    assert [e.message.health for e in pending] == [3.0]


def test_a_message_that_was_set_aside_is_not_delivered_again():
    journal = MemoryJournal()
    number, other = journal.begin_incarnation("nervous"), journal.begin_incarnation("motor")
    said = Publish(to=("brain",), message=CancelRequested(order_id="1", reason=""))
    journal.record("nervous", number, 1, external(1), (said, said), Now(1, 1, 1, 1))
    aside = MessageSetAside(organ="brain", envelope_id="1.0", message="CancelRequested", why="poison")
    journal.record(
        "motor", other, 1, Envelope("supervisor:1", "supervisor", 0, 0, "", aside), (), Now(1, 1, 1, 1)
    )
    assert [e.id for e in recover(journal, None, plain_cores()).organs["brain"].pending] == ["1.1"]


def test_timers_are_armed_again_unless_they_fired_or_were_cancelled_or_replaced():
    journal = MemoryJournal()
    number = journal.begin_incarnation("nervous")
    effects = tuple(Schedule(key=key, due_ns=10) for key in "abcd")
    journal.record("nervous", number, 1, external(1), effects, Now(1, 1, 1, 1))
    fired = Envelope("timer:nervous:b:1", "timer", 0, 0, "1", TimerFired(key="b", due_ns=10))
    journal.record("nervous", number, 2, fired, (CancelTimer(key="a"),), Now(1, 1, 1, 2))
    journal.record("nervous", number, 3, external(2), (Schedule(key="c", due_ns=99),), Now(1, 1, 1, 3))
    stale = Envelope("timer:nervous:c:1", "timer", 0, 0, "1", TimerFired(key="c", due_ns=10))
    journal.record("nervous", number, 4, stale, (), Now(1, 1, 1, 4))
    timers = recover(journal, None, plain_cores()).organs["nervous"].timers
    assert {(t.key, t.due_ns, t.seq) for t in timers} == {("d", 10, 1), ("c", 99, 3)}


def test_what_a_timer_had_left_to_wait_is_waited_on_the_new_clock():
    timers = [
        Timer("o", "a", 150, "mono", 1),
        Timer("o", "b", 50, "mono", 1),
        Timer("o", "c", 7, "market", 1),
    ]
    assert [t.due_ns for t in rebase(timers, 100, 5_000)] == [5_050, 5_000, 7]


@pytest.mark.parametrize("with_snapshot", [False, True])
def test_a_timer_of_the_process_before_last_is_on_the_last_ones_clock(tmp_path, opened, with_snapshot):
    store = SnapshotStore(tmp_path / "snapshots")
    journal = opened(tmp_path)
    number = journal.begin_incarnation("nervous")
    effects = (Schedule(key="k", due_ns=150),)
    journal.record("nervous", number, 1, external(1), effects, Now(1, 100, 1, 1))
    journal.close()
    if with_snapshot:
        store.save(
            Snapshot(
                organ="nervous", step=1, seq=1, horizon_seq=1, run=1,
                state=msgspec.msgpack.encode(Tally()), state_version=state_version(Tally),
                timers=(Timer("nervous", "k", 150, "mono", 1),),
            )
        )  # fmt: skip
    journal = opened(tmp_path)
    number = journal.begin_incarnation("nervous")
    journal.record("nervous", number, 2, external(2), (), Now(1, 5, 1, 2))
    recovery = recover(journal, store, plain_cores()[:1])
    assert (recovery.mono_ns, [t.due_ns for t in recovery.organs["nervous"].timers]) == (5, [55])


def test_market_time_and_steps_go_on_where_they_were():
    journal, life = lived_once()
    recovery = recover(journal, None, plain_cores())
    assert recovery.market_ns == life.driver.spine.market_ns == 40
    assert recovery.seq == journal.tip[0]
    assert recovery.organs["motor"].step == life.driver.organs["motor"].step


def test_an_empty_journal_recovers_to_the_beginning(tmp_path, opened):
    recovery = recover(opened(tmp_path), SnapshotStore(tmp_path / "snapshots"), plain_cores())
    assert (recovery.seq, recovery.market_ns) == (0, 0)
    assert {(o.state, o.step, o.pending, o.timers) for o in recovery.organs.values()} == {
        (Tally(), 0, (), ())
    }


def test_only_rows_after_the_snapshots_are_folded(tmp_path, opened):
    journal = opened(tmp_path)
    store = SnapshotStore(tmp_path / "snapshots")
    Life(journal, seed=3, store=store, every=1).live(40)
    recovery = recover(journal, store, plain_cores())
    assert all(organ.n_folded <= 2 for organ in recovery.organs.values())
    assert all(organ.saved[0] == organ.step - organ.n_folded for organ in recovery.organs.values())
    assert all(organ.step > 30 for organ in recovery.organs.values())


def test_an_input_that_nobody_emitted_is_named():
    journal = MemoryJournal()
    number = journal.begin_incarnation("brain")
    message = BarClosed(at_ns=1, session=1, bars=())
    journal.record("brain", number, 1, Envelope("7.0", "nervous", 1, 0, "", message), (), Now(1, 1, 1, 1))
    with pytest.raises(JournalDamaged, match=r"row 1 of brain consumed message 7\.0"):
        recover(journal, None, plain_cores())


def test_a_horizon_never_lies_beyond_a_row_that_was_not_observed_yet():
    horizon = Horizon(10)
    said = (Publish(to=("brain",), message=CancelRequested(order_id="1", reason="")),)
    horizon.observe(12, "motor", external(1), (), Now(1, 1, 1, 1))
    assert horizon.of("brain") == 10
    horizon.observe(11, "nervous", external(2), said, Now(1, 1, 1, 1))
    assert horizon.of("brain") == 10
    assert horizon.of("motor") == 12
    consumed = Envelope("11.0", "nervous", 1, 0, "", said[0].message)
    horizon.observe(13, "brain", consumed, (), Now(1, 1, 1, 1))
    assert horizon.of("brain") == 13


def external(n):
    return Envelope(
        f"supervisor:{n}", "supervisor", 0, 0, "", Recovered(organ="nervous", incarnation=1, process=True)
    )
