"""The genome store and the names in it."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genome.genome import Genome
from genome.grammar import parse_condition
from genome.identity import canonical, content_hash, genome_id
from genome.store import GenomeRecord, GenomeStore
from organism.errors import BadInput
from tests.genome.random_trees import genomes


@pytest.fixture
def store(tmp_path):
    made = GenomeStore(tmp_path / "genome.db")
    yield made
    made.close()


FOUNDER = GenomeRecord.of("ema_trend", 0, (("slow", 480.0), ("fast", 120.0)))

genes = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=5), st.floats(-1e6, 1e6), min_size=1, max_size=5
)


@pytest.mark.requirement("S4-12.4")
@given(content=genes, seed=st.randoms())
def test_a_name_depends_on_the_genes_and_not_on_their_order(content, seed):
    pairs = list(content.items())
    named = genome_id("x", 3, tuple(pairs))
    seed.shuffle(pairs)

    assert genome_id("x", 3, tuple(pairs)) == named
    family, generation, digits = named.rsplit("_", 2)
    assert (family, generation, len(digits)) == ("x", "3", 8)
    changed = {**content, next(iter(content)): content[next(iter(content))] + 1.0}
    assert content_hash("x", tuple(changed.items())) != content_hash("x", tuple(pairs))


def test_an_integer_gene_has_the_name_of_the_equal_float():
    assert genome_id("x", 0, (("n", 5),)) == genome_id("x", 0, (("n", 5.0),))


@pytest.mark.parametrize("broken", [(("a", 1.0), ("a", 2.0)), (("a", float("inf")),)])
def test_genes_without_one_meaning_are_refused(broken):
    with pytest.raises(BadInput):
        canonical(broken)


def test_a_record_is_kept_and_found(store, tmp_path):
    assert store.put(FOUNDER)
    assert store.get(FOUNDER.genome_id) == FOUNDER
    assert store.get("nobody_0_00000000") is None
    reader = GenomeStore(tmp_path / "genome.db", writable=False)
    assert list(reader.records()) == [FOUNDER]
    reader.close()


def test_writing_the_same_again_changes_nothing(store):
    assert store.put(FOUNDER)
    assert not store.put(FOUNDER)
    assert list(store.records()) == [FOUNDER]


def test_other_content_under_a_known_name_is_refused(store):
    store.put(FOUNDER)
    other = GenomeRecord.of("ema_trend", 0, FOUNDER.genes, origin="import")

    with pytest.raises(BadInput, match="written once"):
        store.put(other)
    assert store.get(FOUNDER.genome_id).origin == "founder"


def test_a_name_that_is_not_that_of_the_content_is_refused(store):
    chosen = GenomeRecord(
        genome_id="ema_trend_0_deadbeef", family="ema_trend", generation=0, genes=FOUNDER.genes
    )

    with pytest.raises(BadInput, match="never chosen"):
        store.put(chosen)
    assert list(store.records()) == []


def test_lineage_is_a_genome_and_all_its_ancestors_once(store):
    mother, father = FOUNDER, GenomeRecord.of("ema_trend", 0, (("fast", 60.0), ("slow", 240.0)))
    child = GenomeRecord.of(
        "ema_trend", 1, (("fast", 60.0), ("slow", 480.0)), (mother.genome_id, father.genome_id), "crossover"
    )
    grandchild = GenomeRecord.of(
        "ema_trend", 2, (("fast", 61.0), ("slow", 480.0)), (child.genome_id, mother.genome_id), "mutation"
    )
    for record in (mother, father, child, grandchild):
        store.put(record)

    assert store.lineage(grandchild.genome_id) == (grandchild, child, mother, father)
    assert store.lineage(mother.genome_id) == (mother,)
    assert [r.generation for r in store.records("ema_trend")] == [0, 0, 1, 2]
    assert list(store.records("nothing")) == []


def test_a_child_of_nobody_is_refused(store):
    orphan = GenomeRecord.of("ema_trend", 1, FOUNDER.genes, ("ema_trend_0_00000000",), "mutation")

    with pytest.raises(BadInput, match="not stored"):
        store.put(orphan)


def test_an_unknown_genome_and_a_missing_store_are_named(store, tmp_path):
    with pytest.raises(BadInput, match="no genome"):
        store.lineage("nobody_0_00000000")
    with pytest.raises(BadInput, match="does not exist"):
        GenomeStore(tmp_path / "none.db", writable=False)


def test_the_store_writes_ahead(store):
    assert store._database.journal_mode == "wal"


BRED = Genome(
    family="ema_crossover",
    generation=1,
    entry_long=parse_condition("ema(fast) crosses_above ema(slow) and rsi(14) < 70"),
    entry_short=parse_condition("ema(fast) crosses_below ema(slow)"),
    genes=(("fast", 12.0), ("slow", 26.0), ("stop", 0.05)),
)


@pytest.mark.requirement("S4-13.1")
@given(genomes(timeframes=True))
def test_a_record_gives_back_its_genome(genome):
    record = GenomeRecord.from_genome(genome, origin="mutation")

    assert record.genome() == genome
    assert record.genome_id == genome.genome_id


@pytest.mark.requirement("S4-4.8")
@pytest.mark.requirement("S4-13.12")
def test_conditions_are_kept_with_parents_and_origin(store, tmp_path):
    store.put(FOUNDER)
    record = GenomeRecord.from_genome(BRED, (FOUNDER.genome_id,), "mutation")

    assert store.put(record)
    assert not store.put(record)
    assert store.get(BRED.genome_id) == record
    assert store.get(BRED.genome_id).genome() == BRED
    assert store.lineage(BRED.genome_id) == (record, FOUNDER)
    reader = GenomeStore(tmp_path / "genome.db", writable=False)
    assert [r.genome_id for r in reader.records()] == [FOUNDER.genome_id, BRED.genome_id]
    reader.close()


@pytest.mark.requirement("S4-27.8")
@pytest.mark.parametrize(
    ("record", "says"),
    [
        (GenomeRecord.of("x", 0, (), trees='{"entry_long":{"is":"exec"}}'), "no genome"),
        (
            GenomeRecord.of("x", 0, (), trees='{"entry_long": {"is": "truth", "value": true}}'),
            "canonical form",
        ),
        (
            GenomeRecord.from_genome(Genome(family="x", entry_long=parse_condition("ema(0) > 1"))),
            "from 1 to 2000",
        ),
        (GenomeRecord.from_genome(Genome(family="x", exit_long=parse_condition("true"))), "no entry"),
        (GenomeRecord.of("x", 0, (("g" * 500_000, 1.0),)), "more than 400,000 characters"),
    ],
)
def test_what_no_engine_could_run_is_not_stored(store, record, says):
    with pytest.raises(BadInput, match=says):
        store.put(record)
    assert list(store.records()) == []


def old_store(path):
    """A store as it was before genomes had conditions."""
    made = sqlite3.connect(path)
    made.execute(
        "CREATE TABLE genomes (genome_id TEXT PRIMARY KEY, content_hash TEXT NOT NULL, family TEXT NOT NULL, generation "
        "INTEGER NOT NULL, genes TEXT NOT NULL, parents TEXT NOT NULL, origin TEXT NOT NULL) STRICT"
    )
    row = (
        FOUNDER.genome_id,
        content_hash("ema_trend", FOUNDER.genes),
        "ema_trend",
        0,
        '{"fast":120.0,"slow":480.0}',
        "[]",
        "founder",
    )
    made.execute("INSERT INTO genomes VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    made.commit()
    made.close()


def test_a_store_from_before_conditions_is_read_as_it_is_and_grows_when_written(tmp_path):
    path = tmp_path / "genome.db"
    old_store(path)
    reader = GenomeStore(path, writable=False)
    assert list(reader.records()) == [FOUNDER]
    reader.close()

    for _ in range(2):
        writer = GenomeStore(path)
        assert not writer.put(FOUNDER)
        writer.put(GenomeRecord.from_genome(BRED))
        assert [r.genome_id for r in writer.records()] == [FOUNDER.genome_id, BRED.genome_id]
        assert writer.get(BRED.genome_id).genome() == BRED
        writer.close()


# ---------------------------------------------------------------- rows that are not what was written

TAMPERINGS = {
    "trees": ("trees", "replace(trees, '70', '71')", "its content is that of"),
    "genes": ("genes", "replace(genes, '0.05', '0.5')", "its content is that of"),
    "generation": ("generation", "2", "its content is that of"),
    "family": ("family", "'ema_other'", "its content is that of"),
    "hash": ("content_hash", "replace(content_hash, substr(content_hash, 60, 1), 'x')", "its content is that of"),
    "parents": ("parents", "'[]'", "parents or its origin were changed"),
    "origin": ("origin", "'import'", "parents or its origin were changed"),
    "digest": ("digest", "''", "parents or its origin were changed"),
    "no JSON": ("trees", "substr(trees, 2)", "cannot be read"),
    "no object": ("genes", "'[1]'", "cannot be read"),
    "no numbers": ("genes", """'{"fast":"x"}'""", "cannot be read"),
    "no finite number": ("genes", """'{"fast":NaN}'""", "cannot be read"),
    "no text": ("trees", "CAST(x'ff00fe' AS TEXT)", "cannot be read"),
}  # fmt: skip


@pytest.fixture
def bred(tmp_path):
    """A store with a founder and its child."""
    made = GenomeStore(tmp_path / "genome.db")
    made.put(FOUNDER)
    made.put(GenomeRecord.from_genome(BRED, (FOUNDER.genome_id,), "mutation"))
    made.close()
    return tmp_path / "genome.db"


def tamper(path, column, expression):
    with sqlite3.connect(path) as database:
        database.execute(f"UPDATE genomes SET {column} = {expression} WHERE family = 'ema_crossover'")  # noqa: S608
    database.close()


def rows_of(path, table):
    database = sqlite3.connect(path)
    database.text_factory = bytes
    found = database.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
    database.close()
    return found


@pytest.mark.parametrize(("column", "expression", "says"), TAMPERINGS.values(), ids=TAMPERINGS)
def test_a_tampered_row_is_quarantined_and_told_in_one_sentence(bred, column, expression, says):
    tamper(bred, column, expression)
    (kept,) = (row for row in rows_of(bred, "genomes") if row[0] == BRED.genome_id.encode())
    told = []
    store = GenomeStore(bred, tell=told.append)

    assert store.get(BRED.genome_id) is None
    assert store.get(BRED.genome_id) is None
    assert list(store.records()) == [FOUNDER]
    with pytest.raises(BadInput, match="no genome"):
        store.lineage(BRED.genome_id)
    store.close()
    (sentence,) = told
    assert BRED.genome_id in sentence
    assert says in sentence
    assert "quarantine" in sentence
    assert (sentence.count("."), sentence[-1]) == (sentence[:-1].count(".") + 1, ".")
    assert "\n" not in sentence
    ((*row, reason),) = rows_of(bred, "quarantine")
    assert tuple(row) == kept
    assert says in reason.decode()


def test_a_byte_flipped_on_disk_is_found(bred):
    sound = bred.read_bytes()
    at = sound.index(b"crosses_above") + 3
    bred.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
    told = []
    store = GenomeStore(bred, tell=told.append)

    assert list(store.records()) == [FOUNDER]
    store.close()
    assert len(told) == 1


def test_a_reader_passes_over_what_it_may_not_move(bred, caplog):
    tamper(bred, *TAMPERINGS["trees"][:2])
    reader = GenomeStore(bred, writable=False)

    assert reader.get(BRED.genome_id) is None
    assert list(reader.records()) == [FOUNDER]
    reader.close()
    assert len(rows_of(bred, "genomes")) == 2
    assert {r.message.rsplit("; ", 1)[1] for r in caplog.records} == {"it is passed over."}


def test_a_quarantined_genome_can_be_written_anew_and_is_no_parent_until_then(bred):
    tamper(bred, *TAMPERINGS["genes"][:2])
    store = GenomeStore(bred, tell=lambda _: None)
    child = GenomeRecord.of("ema_crossover", 2, BRED.genes, (BRED.genome_id,), "mutation", BRED.trees)

    with pytest.raises(BadInput, match="not stored"):
        store.put(child)
    assert store.put(GenomeRecord.from_genome(BRED, (FOUNDER.genome_id,), "mutation"))
    assert store.put(child)
    assert store.get(BRED.genome_id).genome() == BRED
    store.close()
    assert len(rows_of(bred, "quarantine")) == 1


def test_rows_of_a_store_from_before_digests_are_sealed_when_it_is_opened(tmp_path):
    path = tmp_path / "genome.db"
    old_store(path)
    GenomeStore(path).close()
    tamper_origin = "UPDATE genomes SET origin = 'import'"
    with sqlite3.connect(path) as database:
        database.execute(tamper_origin)
    database.close()
    told = []
    store = GenomeStore(path, tell=told.append)

    assert list(store.records()) == []
    store.close()
    assert len(told) == 1
