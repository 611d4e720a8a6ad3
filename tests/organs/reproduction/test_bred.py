"""What evolution says of a genome that it has bred, and that the store keeps exactly that genome."""

import logging
import sqlite3

import msgspec
import pytest
from hypothesis import given

from genome.documents import identified, parse_genome
from genome.founders import FAMILIES, build
from genome.genome import Genome
from genome.grammar import parse_condition
from genome.limits import MOST_GENOME_TEXT
from genome.store import GenomeRecord, GenomeStore
from organism.effects import Effects, is_gated
from organism.errors import BadInput
from organism.journal.rows import decode_effects, encode_effects
from organism.messages import StrategyFunded, StrategyRetired
from organism.spine import Origin
from organs.reproduction.bred import funded, retired, stored
from organs.reproduction.store_port import GenomeStorePort
from tests.genome.random_trees import genomes

ORIGIN = Origin("reproduction", 1, 1, 0, "", 0)
BRED = parse_genome(
    "family: ema_crossover\ngeneration: 3\nentry long: ema(fast) crosses_above ema(26) and rsi(14) < 70\ngenes: fast=12 stop=0.05"
)
FOUNDER = Genome(family="ema_trend", genes=build("ema_trend").parameters)


def written(path, *effects, background=False):
    """The store after a port has performed these effects; and the port's last error."""
    port = GenomeStorePort(path, background=background)
    for effect in effects:
        port(effect, ORIGIN)
    port.close(60.0)
    return port.last_error


def read(path):
    store = GenomeStore(path, writable=False)
    found = list(store.records())
    store.close()
    return found


@given(genomes(timeframes=True))
def test_any_bred_genome_survives_the_journal_word_for_word(genome):
    effects: Effects = (
        stored(genome, ("a", "b"), "crossover"),
        funded(genome, 0.25),
        retired(genome.genome_id, "old"),
    )
    record, published, gone = decode_effects(encode_effects(effects))

    assert (record, published, gone) == effects
    assert identified(record.genome_id, record.text) == genome
    assert identified(published.message.genome_id, published.message.text) == genome
    assert len(record.text) <= MOST_GENOME_TEXT
    assert type(published.message) is StrategyFunded
    assert type(gone.message) is StrategyRetired
    assert (published.to, gone.to) == (("brain",), ("brain",))
    assert is_gated(record)


@given(genomes(timeframes=True))
def test_what_the_port_writes_is_the_record_of_that_genome(tmp_path_factory, genome):
    path = tmp_path_factory.mktemp("store") / "genome.db"

    assert written(path, stored(genome, (), "crossover")) is None
    (record,) = read(path)
    assert record == GenomeRecord.from_genome(genome, (), "crossover")
    assert record.genome() == genome
    assert record.genome().genome_id == genome.genome_id


@pytest.mark.parametrize("background", [True, False])
def test_a_child_is_kept_with_its_parents_and_written_once(tmp_path, background):
    path = tmp_path / "genome.db"
    effects = (stored(FOUNDER, (), "founder"), stored(BRED, (FOUNDER.genome_id,)))

    for _ in range(2):
        assert written(path, *effects, background=background) is None
    assert [(r.genome_id, r.parents, r.origin) for r in read(path)] == [
        (FOUNDER.genome_id, (), "founder"),
        (BRED.genome_id, (FOUNDER.genome_id,), "mutation"),
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"text": stored(BRED).text.replace("70", "71")}, "never chosen"),
        ({"text": "family: ema_crossover\nentry long: close >"}, "entry long"),
        ({"genes": (("fast", 13.0), ("stop", 0.05))}, "other genes"),
        ({"family": "ema_other"}, "another family"),
        ({"genome_id": "ema_crossover_3_00000000"}, "never chosen"),
    ],
)
def test_a_text_that_is_not_the_genome_it_names_is_not_stored(tmp_path, change, says):
    path = tmp_path / "genome.db"
    error = written(
        path, stored(FOUNDER, (), "founder"), msgspec.structs.replace(stored(BRED), **change), background=True
    )

    assert says in str(error)
    assert [r.genome_id for r in read(path)] == [FOUNDER.genome_id]


def test_a_tampered_genome_is_quarantined_told_and_written_anew(tmp_path, caplog):
    path = tmp_path / "genome.db"
    assert written(path, stored(BRED)) is None
    with sqlite3.connect(path) as database:
        database.execute("UPDATE genomes SET trees = replace(trees, '26', '27')")
    database.close()
    caplog.set_level(logging.WARNING, "organism.genome")

    assert written(path, stored(BRED)) is None
    (record,) = read(path)
    assert record.genome() == BRED
    (told,) = caplog.records
    assert BRED.genome_id in told.message
    assert "quarantine" in told.message


@pytest.mark.parametrize("weight", [0.0, -0.5, 1.5, float("nan"), float("inf")])
def test_a_weight_outside_of_its_bounds_is_refused(weight):
    with pytest.raises(BadInput, match="above 0 and is at most 1"):
        funded(BRED, weight)


def test_a_genome_that_no_engine_could_run_is_neither_stored_nor_funded():
    broken = Genome(family="x", exit_long=parse_condition("true"))
    for say in (lambda: stored(broken), lambda: funded(broken, 1.0)):
        with pytest.raises(BadInput, match="no entry"):
            say()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_founders_child_without_conditions_travels_as_text_too(family):
    child = Genome(family=family, generation=1, genes=build(family).parameters)

    assert identified(child.genome_id, funded(child, 0.5).message.text) == child
