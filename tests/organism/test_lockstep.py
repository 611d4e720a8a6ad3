"""The driver itself, with toy organs."""

import msgspec
import pytest

from organism.core import OrganCore
from organism.effects import Publish, Schedule, VenueQuery
from organism.journal.port import MemoryJournal
from organism.lockstep import Faults, Lockstep
from organism.market import Bar
from organism.messages import BarClosed, BarsArrived, InstantSettled, QueryAnswered, Recovered, TimerFired


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
