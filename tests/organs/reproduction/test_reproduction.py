"""The founders are recorded and funded once."""

import msgspec
import pytest

from genome.founders import build, founders
from genome.store import GenomeStore
from organism.core import Now
from organism.effects import CancelTimer, Publish, StoreGenome
from organism.messages import Recovered, TimerFired
from organism.spine import Origin
from organs.reproduction.core import ReproductionState, reproduction_core
from organs.reproduction.store_port import GenomeStorePort

NOW = Now(0, 0, 0, 1)
CORE = reproduction_core()
ORIGIN = Origin("reproduction", 1, 1, 0, "", 0)


def recovered(incarnation=1, *, process=True):
    return Recovered(organ="reproduction", incarnation=incarnation, process=process)


def of(effects, kind):
    return [e for e in effects if isinstance(e, kind)]


def test_the_first_start_funds_every_founder_in_equal_parts_and_records_it():
    _, effects = CORE.step(CORE.initial, recovered(), NOW)
    published = of(effects, Publish)
    messages = [e.message for e in published]

    assert [m.genome_id for m in messages] == [identity for identity, _ in founders()]
    assert {e.to for e in published} == {("brain",)}
    assert sum(m.weight for m in messages) == 1.0
    assert len({m.weight for m in messages}) == 1
    assert [e.genome_id for e in of(effects, StoreGenome)] == [m.genome_id for m in messages]
    for m in messages:
        assert build(m.family, m.parameters).parameters == m.parameters


def test_later_starts_fund_nobody_twice_but_make_sure_of_the_records():
    state, _ = CORE.step(CORE.initial, recovered(), NOW)
    state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=ReproductionState)
    _, again = CORE.step(state, recovered(2), NOW)
    _, organ_only = CORE.step(state, recovered(3, process=False), NOW)

    assert of(again, Publish) == []
    assert len(of(again, StoreGenome)) == len(founders())
    assert organ_only == ()
    assert CORE.step(state, TimerFired(key="x", due_ns=0), NOW) == (state, ())


@pytest.mark.parametrize("background", [True, False])
def test_the_port_writes_the_founders_once(tmp_path, background):
    path = tmp_path / "genome.db"
    _, effects = CORE.step(CORE.initial, recovered(), NOW)
    for _ in range(2):
        port = GenomeStorePort(path, background=background)
        for effect in of(effects, StoreGenome):
            port(effect, ORIGIN)
        port.close()
        assert port.last_error is None
    store = GenomeStore(path, writable=False)
    stored = list(store.records())
    store.close()

    assert sorted(r.genome_id for r in stored) == sorted(identity for identity, _ in founders())
    assert {r.origin for r in stored} == {"founder"}


def test_a_record_that_cannot_be_written_is_reported_and_the_rest_goes_on(tmp_path):
    _, effects = CORE.step(CORE.initial, recovered(), NOW)
    good = of(effects, StoreGenome)[0]
    port = GenomeStorePort(tmp_path / "genome.db")
    port(msgspec.structs.replace(good, genome_id="ema_trend_0_00000000"), ORIGIN)
    port(good, ORIGIN)
    port.close()

    assert "never chosen" in str(port.last_error)
    store = GenomeStore(tmp_path / "genome.db", writable=False)
    assert [r.genome_id for r in store.records()] == [good.genome_id]
    store.close()


def test_the_port_does_nothing_else():
    port = GenomeStorePort("unused", background=False)

    with pytest.raises(TypeError, match="StoreGenome"):
        port(CancelTimer(key="x"), ORIGIN)
    port.close()
