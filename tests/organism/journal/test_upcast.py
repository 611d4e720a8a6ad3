"""Rows that an older organism wrote are still understood."""

import msgspec
import pytest

from organism.core import Now, OrganCore
from organism.effects import Publish, StoreGenome
from organism.errors import BadInput
from organism.journal import writer
from organism.journal.replay import replay
from organism.journal.rows import PAYLOAD_VERSION, encode_effects, encode_envelope
from organism.journal.upcast import UPCASTERS, Payloads
from organism.messages import BarClosed, BarsArrived, Envelope, Recovered, StrategyFunded
from organs.reproduction.core import reproduction_core

ARRIVED = Envelope("bar:1", "feed", 0, 7, "", BarsArrived(feed="replay", session=1, at_ns=7, bars=()))


def in_version_0(value):
    """Version 0 counted milliseconds in `at_ms`, and its envelopes knew no cause."""
    if isinstance(value, dict):
        old = {k: in_version_0(v) for k, v in value.items() if k != "cause"}
        if "at_ns" in old:
            old["at_ms"] = old.pop("at_ns") // 1_000_000
        return old
    return [in_version_0(v) for v in value] if isinstance(value, list) else value


def from_version_0(kind, value):
    def lift(value):
        if isinstance(value, dict):
            new = {k: lift(v) for k, v in value.items()}
            if "at_ms" in new:
                new["at_ns"] = new.pop("at_ms") * 1_000_000
            return new
        return [lift(v) for v in value] if isinstance(value, list) else value

    new = lift(value)
    return new | {"cause": ""} if kind == "input" else new


def old_bytes(data):
    return msgspec.msgpack.encode(in_version_0(msgspec.msgpack.decode(data)))


PAYLOADS = Payloads({0: from_version_0, **UPCASTERS})


def at(ns):
    return BarClosed(at_ns=ns, session=1, bars=())


def test_effects_of_an_older_version_read_as_what_they_meant():
    effects = (Publish(to=("brain",), message=at(3_000_000)),)
    old = old_bytes(encode_effects(effects))
    assert old != encode_effects(effects)
    assert PAYLOADS.effects(old, 0) == effects
    assert PAYLOADS.effects(encode_effects(effects), PAYLOAD_VERSION) == effects


def test_an_input_of_an_older_version_reads_as_what_it_meant():
    envelope = msgspec.structs.replace(
        ARRIVED, message=msgspec.structs.replace(ARRIVED.message, at_ns=5_000_000)
    )
    old = old_bytes(encode_envelope(envelope))
    assert PAYLOADS.envelope(old, 0) == envelope


def test_upcasters_follow_each_other():
    payloads = Payloads({0: lambda _, v: [*v, "one"], 1: lambda _, v: v[:-1]}, current=2)
    assert payloads.effects(msgspec.msgpack.encode([]), 0) == ()


def test_a_newer_payload_is_refused():
    with pytest.raises(
        BadInput, match=f"version {PAYLOAD_VERSION + 1}; this code knows up to {PAYLOAD_VERSION}"
    ):
        PAYLOADS.effects(encode_effects(()), PAYLOAD_VERSION + 1)


def test_a_payload_that_nothing_reads_is_refused():
    with pytest.raises(BadInput, match="nothing here reads version 0"):
        Payloads().effects(encode_effects(()), 0)


def test_a_journal_that_an_older_organism_wrote_is_replayed(tmp_path, opened, monkeypatch):
    class Count(msgspec.Struct, frozen=True):
        n: int = 0

    def step(state, message, _now):
        return Count(state.n + 1), (Publish(to=("brain",), message=at(message.at_ns)),)

    core = OrganCore("nervous", Count, Count(), step)
    with monkeypatch.context() as patch:
        patch.setattr(writer, "PAYLOAD_VERSION", 0)
        patch.setattr(writer, "encode_effects", lambda e: old_bytes(encode_effects(e)))
        patch.setattr(writer, "encode_envelope", lambda e: old_bytes(encode_envelope(e)))
        journal = opened(tmp_path, code_version="0.0.1")
        number = journal.begin_incarnation("nervous")
        for n in range(1, 6):
            message = BarsArrived(feed="f", session=1, at_ns=n * 1_000_000, bars=())
            envelope = Envelope(f"bar:{n}", "feed", 0, 0, "", message)
            _, effects = step(Count(), message, None)
            journal.record("nervous", number, n, envelope, effects, Now(n, n, n, n))
        journal.close()

    again = opened(tmp_path)
    with pytest.raises(BadInput, match="nothing here reads version 0"):
        replay(again, lambda: [core])
    report = replay(again, lambda: [core], payloads=PAYLOADS)
    assert (report.ok, report.n_steps, report.code_versions) == (True, 5, ("0.0.1",))


def in_version_1(effects):
    """Version 1 knew no text of a genome."""

    def without(value):
        if isinstance(value, dict):
            return {k: without(v) for k, v in value.items() if k != "text"}
        return [without(v) for v in value] if isinstance(value, list) else value

    return msgspec.msgpack.encode(without(msgspec.msgpack.decode(encode_effects(effects))))


def test_a_strategy_funded_before_genomes_travelled_as_text_is_the_one_it_was():
    genes = (("fast", 120.0), ("slow", 480.0))
    effects = (
        Publish(to=("brain",), message=StrategyFunded(genome_id="g", family="ema_trend", weight=0.5, parameters=genes)),
        StoreGenome(genome_id="g", family="ema_trend", generation=0, genes=genes, parents=("p",), origin="import"),
    )  # fmt: skip
    old = in_version_1(effects)
    assert b"text" not in old
    assert Payloads().effects(old, 1) == effects
    assert Payloads().effects(old, 1)[0].message.text == ""


def test_a_journal_from_before_genomes_travelled_as_text_is_replayed_without_a_difference(
    tmp_path, opened, monkeypatch
):
    core = reproduction_core()
    envelope = Envelope(
        "supervisor:1", "supervisor", 0, 0, "", Recovered(organ=core.name, incarnation=1, process=True)
    )
    with monkeypatch.context() as patch:
        patch.setattr(writer, "PAYLOAD_VERSION", 1)
        patch.setattr(writer, "encode_effects", in_version_1)
        journal = opened(tmp_path, code_version="0.0.1")
        number = journal.begin_incarnation(core.name)
        now = Now(0, 0, 0, 1)
        _, effects = core.step(core.initial, envelope.message, now)
        journal.record(core.name, number, 1, envelope, effects, now)
        journal.close()

    report = replay(opened(tmp_path), lambda: [reproduction_core()])
    assert len(effects) > 1
    assert (report.ok, report.n_steps, report.code_versions) == (True, 1, ("0.0.1",))
