"""`organism genome`: what a person sees of the store, and what it takes."""

import json

import pytest

from genome.checking import check
from genome.documents import genome_text, parse_genome
from genome.families import seeds
from genome.founders import founders
from genome.genome import Genome
from genome.store import GenomeRecord, GenomeStore
from organism.cli import run
from organism.guardian.lock import BodyLock, held

TEXT = """\
family: mine
generation: 0
entry long: ema(fast) crosses_above ema(slow) and rsi(14) < 70
exit long: ema(fast) crosses_below ema(slow)
genes: fast=12 risk=0.01 sizing=risk slow=26 stop=0.05
"""
MINE = parse_genome(TEXT)


@pytest.fixture
def say(tmp_path, capsys):
    """Run `organism genome …` on a state folder of its own; exit status, output, complaints."""

    def said(action, *words):
        status = run(["genome", action, *map(str, words), "--state", str(tmp_path / "state")])
        out, err = capsys.readouterr()
        return status, out, err

    return said


def stored(tmp_path, *records):
    store = GenomeStore(tmp_path / "state" / "genome.db")
    for record in records:
        store.put(record)
    store.close()


def written(tmp_path, text=TEXT):
    path = tmp_path / "mine.txt"
    path.write_text(text)
    return path


def test_a_fresh_checkout_lists_the_genomes_of_the_code(say, tmp_path):
    status, out, err = say("list")

    assert status == 0
    assert all(name in out for name, _ in founders())
    assert "genomes of the code" in err
    assert not (tmp_path / "state").exists()
    assert len(json.loads(say("list", "--json", "--family", "ema_trend")[1])) == 1


def test_a_list_has_a_line_for_each_stored_genome(say, tmp_path):
    mother = GenomeRecord.from_genome(MINE, origin="import")
    child = parse_genome(TEXT.replace("generation: 0", "generation: 1").replace("70", "65"))
    stored(tmp_path, mother, GenomeRecord.from_genome(child, (mother.genome_id,), "mutation"))

    status, out, err = say("list")

    assert (status, err) == (0, "")
    head, *lines = out.splitlines()
    assert head.split() == ["id", "family", "generation", "origin", "genome"]
    assert [line.split()[0] for line in lines] == [MINE.genome_id, child.genome_id]
    assert "long: ema(fast) crosses_above ema(slow) and rsi(14) < 70" in lines[0]
    listed = json.loads(say("list", "--json")[1])
    assert [g["parents"] for g in listed] == [[], [MINE.genome_id]]


def test_a_genome_is_shown_whole_with_units_bounds_and_parents(say, tmp_path):
    stored(tmp_path, GenomeRecord.from_genome(MINE, origin="import"))

    status, out, _ = say("show", MINE.genome_id)

    assert status == 0
    assert out.startswith(TEXT)
    stop = next(line for line in out.splitlines() if line.startswith("stop "))
    assert stop.split()[1:6] == ["0.05", "fraction", "0.01", "to", "0.15"]
    assert "parents: none" in out
    shown = json.loads(say("show", MINE.genome_id, "--json")[1])
    assert parse_genome(shown["text"]) == MINE
    assert {g["name"]: g["text"] for g in shown["genes"]}["sizing"] == "risk"


def test_a_founder_is_shown_by_its_family_before_anything_is_stored(say):
    status, out, _ = say("show", "ema_trend")

    assert status == 0
    assert "fast=120 gain=1.5 slow=480" in out


@pytest.mark.requirement("S4-13.1")
def test_every_seed_is_listed_shown_with_bounds_and_accepted_back(say, tmp_path):
    listed = {g["genome_id"]: g for g in json.loads(say("list", "--json")[1])}
    for name, genome in seeds().items():
        check(genome)
        assert genome.genome_id in listed
        shown = json.loads(say("show", name, "--json")[1])
        assert shown["genome_id"] == genome.genome_id
        assert parse_genome(shown["text"]) == genome
        assert all(g["low"] <= g["value"] <= g["high"] and g["meaning"] for g in shown["genes"])
    assert "anchor" in say("show", "vwap_reversion")[1]
    assert say("import", written(tmp_path, genome_text(seeds()["ema_crossover"])))[0] == 0
    assert json.loads(say("list", "--json")[1])[0]["origin"] == "founder"


def test_what_is_exported_can_be_imported_elsewhere(say, tmp_path):
    stored(tmp_path, GenomeRecord.from_genome(MINE, origin="import"))
    file = tmp_path / "out.json"

    assert say("export", MINE.genome_id, "--out", file)[0] == 0
    assert Genome.from_json(file.read_text()) == MINE
    assert say("export", MINE.genome_id)[1] == file.read_text()

    (tmp_path / "state" / "genome.db").unlink()
    for left in ("genome.db-wal", "genome.db-shm"):
        (tmp_path / "state" / left).unlink(missing_ok=True)
    status, out, _ = say("import", file, "--json")
    assert (status, json.loads(out)) == (0, {"genome_id": MINE.genome_id, "new": True})


def test_text_is_imported_once(say, tmp_path):
    file = written(tmp_path)

    assert say("import", file) == (0, f"Imported {MINE.genome_id}.\n", "")
    status, out, _ = say("import", file)
    assert status == 0
    assert "stored already" in out
    reader = GenomeStore(tmp_path / "state" / "genome.db", writable=False)
    assert [(r.genome(), r.origin) for r in reader.records()] == [(MINE, "import")]
    reader.close()


def test_an_imported_founder_is_the_record_that_the_organism_would_write(say, tmp_path):
    name, strategy = founders()[0]
    file = written(tmp_path, genome_text(Genome(family=strategy.family, genes=strategy.parameters)))

    assert say("import", file)[0] == 0
    store = GenomeStore(tmp_path / "state" / "genome.db")
    assert not store.put(GenomeRecord.of(strategy.family, 0, strategy.parameters))
    assert store.get(name).origin == "founder"
    store.close()


def test_nothing_is_imported_while_an_organism_or_its_body_lives_there(say, tmp_path):
    file = written(tmp_path)
    state = tmp_path / "state"
    state.mkdir()
    with held(state):
        status, _, err = say("import", file)
    assert status == 2
    assert "organism stop" in err
    body = BodyLock(state)
    body.hold()
    assert say("import", file)[0] == 2
    body.let_go()
    assert not (state / "genome.db").exists()
    assert say("import", file)[0] == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"family: mine\nentry long: ema(0) > 1\n", "entry long: 'n' of ema is from 1 to 2000; was 0"),
        (b'{"family": "x"', "the JSON is no genome"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b"", "says no family"),
        (b"x" * 10_000_000, "at most 90,000 are read"),
    ],
)
def test_a_bad_file_is_one_sentence_and_status_2(say, tmp_path, content, says):
    file = tmp_path / "bad"
    file.write_bytes(content)

    status, out, err = say("import", file)

    assert (status, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1
    assert not (tmp_path / "state" / "genome.db").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("show",), "show needs a genome's id"),
        (("import",), "import needs a file"),
        (("list", "something"), "list takes no name"),
        (("show", "ema_trnd"), "Did you mean 'ema_trend'"),
        (("import", "no/such/file"), "it cannot be read: No such file"),
        (("export", "ema_trend", "--out", "no/such/folder/x"), "cannot be written: No such file"),
    ],
)
def test_a_wrong_word_is_one_sentence_and_status_2(say, words, says):
    status, out, err = say(*words)

    assert (status, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


def test_a_damaged_store_is_named(say, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "genome.db").write_bytes(b"no database" * 1_000)

    for words in (("list",), ("show", "x"), ("import", written(tmp_path))):
        status, _, err = say(*words)
        assert status == 2
        assert "cannot be used as a genome store" in err


def test_help_shows_an_example(capsys):
    with pytest.raises(SystemExit) as ended:
        run(["genome", "--help"])
    assert ended.value.code == 0
    assert "Example: organism genome list" in capsys.readouterr().out
