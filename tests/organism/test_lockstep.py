"""The driver itself, with toy organs."""

import msgspec
import pytest

from organism.core import OrganCore
from organism.effects import Publish, Schedule, VenueQuery
from organism.errors import EffectFailed
from organism.journal.port import MemoryJournal
from organism.journal.recovery import recover
from organism.lockstep import Faults, Lockstep
from organism.market import Bar
from organism.messages import BarClosed, BarsArrived, InstantSettled, QueryAnswered, Recovered, TimerFired
from organism.spine import POINTS


class Count(msgspec.Struct, frozen=True):
    n: int = 0
    total: float = 0.0
    fired: int = 0
    recovered: int = 0


def nervous(state, message, now):
    if isinstance(message, BarsArrived):
        closed = BarClosed(at_ns=message.at_ns, session=1, bars=message.bars)
        return msgspec.structs.replace(state, n=state.n + 1), (Publish(to=("brain",), message=closed),)
    if isinstance(message, Recovered):
        return msgspec.structs.replace(state, recovered=state.recovered + 1), ()
    return state, ()


def brain(state, message, now):
    if isinstance(message, BarClosed):
        total = state.total + message.bars[0].close
        effects = (
            Schedule(key="later", due_ns=now.mono_ns + 1_500_000_000),
            VenueQuery(client_order_id="c", symbol="X"),
            Publish(
                to=("ledger",), message=InstantSettled(at_ns=message.at_ns, session=1, bars=message.bars)
            ),
        )
        return msgspec.structs.replace(state, n=state.n + 1, total=total), effects
    if isinstance(message, TimerFired):
        return msgspec.structs.replace(state, fired=state.fired + 1), ()
    if isinstance(message, QueryAnswered):
        return msgspec.structs.replace(state, total=state.total + 0.5), ()
    return state, ()


def ledger(state, message, now):
    if isinstance(message, InstantSettled):
        return msgspec.structs.replace(state, n=state.n + 1), ()
    return state, ()


CORES = [OrganCore(f.__name__, Count, Count(), f) for f in (nervous, brain, ledger)]


def instants(n):
    for i in range(1, n + 1):
        bar = Bar("X", i - 1, i, 1.0, 1.0, 1.0, float(i), 1.0)
        yield BarsArrived(feed="test", session=1, at_ns=i, bars=(bar,))


def live(seed=1, faults=None, n=200):
    journal = MemoryJournal()
    driver = None

    def port(effect, origin):
        driver.answer(
            QueryAnswered(client_order_id="c", asked_mono_ns=0, answered=True), origin, origin.organ
        )

    driver = Lockstep(CORES, journal, ports={VenueQuery: port}, seed=seed, faults=faults)
    driver.run(instants(n))
    return driver, journal


def test_every_bar_reaches_every_organ_once_without_faults():
    driver, _ = live()
    assert driver.organs["brain"].state.n == driver.organs["ledger"].state.n == 200
    assert driver.organs["brain"].state.total == sum(range(1, 201)) + 100


def test_monotonic_timers_fire_on_virtual_time():
    driver, _ = live()
    # Each bar re-arms the timer for 1.5 s later and bars are 1 s apart: it is always replaced in time.
    assert driver.organs["brain"].state.fired == 0
    driver.advance_mono(2_000_000_000)
    assert driver.organs["brain"].state.fired == 1


@pytest.mark.parametrize("seed", range(5))
def test_the_same_seed_gives_the_same_journal_hash_for_hash(seed):
    faults = Faults(
        drop=0.05, delay=0.1, duplicate=0.1, raise_=0.05, hang=0.05, lose_reply=0.1, delay_reply=0.1
    )
    assert live(seed, faults)[1].tip == live(seed, faults)[1].tip


def test_another_seed_gives_another_journal():
    faults = Faults(drop=0.05, raise_=0.05)
    assert live(1, faults)[1].tip != live(2, faults)[1].tip


def test_duplicates_crashes_and_hangs_change_no_total():
    faults = Faults(duplicate=0.3, raise_=0.1, hang=0.1)
    driver, _ = live(3, faults)
    assert driver.organs["brain"].state.n == 200
    assert driver.organs["brain"].state.total == sum(range(1, 201)) + 100
    assert {"duplicate", "raise_", "hang"} <= set(driver.struck), "a fault that never struck proves nothing"
    assert driver.organs["brain"].incarnation > 1


def test_a_dropped_bar_is_a_bar_nobody_sees():
    driver, _ = live(4, Faults(drop=0.2))
    assert driver.struck["drop"] > 10
    assert driver.organs["brain"].state.n == 200 - driver.struck["drop"]


# ---------------------------------------------------------------- dying, and going on


class Stop(BaseException):
    pass


def stopping_at(point, n):
    left = [n]

    def strike(name):
        if name == point:
            left[0] -= 1
            if not left[0]:
                raise Stop

    return strike


@pytest.mark.parametrize("point", POINTS)
def test_a_body_that_dies_at_a_point_goes_on_where_its_journal_ends(point):
    """Nothing is lost: what was said and not read is read by the next body, from the journal alone."""
    journal = MemoryJournal()
    first = Lockstep(CORES, journal, buggify=stopping_at(point, 40))
    source = list(instants(30))
    with pytest.raises((Stop, EffectFailed)):
        first.run(source)
    recovery = recover(journal, None, CORES, check=True)
    assert recovery.difference is None
    second = Lockstep(CORES, journal, resume=recovery, mono_ns=first.mono_ns + 5)
    heard = recovery.organs["nervous"].state.n
    second.run(source[heard:])
    brain, ledger_ = second.organs["brain"].state, second.organs["ledger"].state
    assert 0 < heard < 30
    assert (brain.n, ledger_.n) == (30, 30)
    assert brain.total == sum(range(1, 31))


def test_a_body_that_goes_on_waits_out_what_its_timers_had_left_on_another_clock():
    journal = MemoryJournal()
    first = Lockstep(CORES, journal)
    first.run(instants(1))  # the brain's timer is due 1.5 s after the bar, which came at 1 s
    recovery = recover(journal, None, CORES)
    second = Lockstep(CORES, journal, resume=recovery, mono_ns=10**15)
    second.advance_mono(1_400_000_000)
    assert second.organs["brain"].state.fired == 0
    second.advance_mono(200_000_000)
    assert second.organs["brain"].state.fired == 1


def test_the_wall_clock_is_a_label_and_may_jump_either_way():
    journal = MemoryJournal()
    driver = Lockstep(CORES, journal)
    for ahead_h, instant in zip((0, 24, -24), instants(3), strict=True):
        driver.wall_ahead_ns = ahead_h * 3_600 * 10**9
        driver.tick(instant)
    rows = list(journal.rows())
    assert {(row.wall_ns - row.mono_ns) // (3_600 * 10**9) for row in rows} == {0, 24, -24}
    assert [row.seq for row in rows] == sorted(row.seq for row in rows)
    assert driver.organs["brain"].state.n == 3


def test_what_is_put_off_happens_in_the_order_of_its_time():
    driver = Lockstep(CORES, MemoryJournal())
    done = []
    driver.later(3_000, lambda: done.append((3_000, driver.mono_ns)))
    driver.later(1_000, lambda: done.append((1_000, driver.mono_ns)))
    driver.advance_mono(2_000)
    assert done == [(1_000, 1_000)]
    driver.advance_mono(2_000)
    assert done == [(1_000, 1_000), (3_000, 3_000)]
