"""G7: a word that is a piece of SQL, a way out of a folder or a formula is a word, wherever it comes in or goes out."""

import csv
import dataclasses
import re
import sqlite3
from pathlib import Path

import pytest

from genome.genome import Genome
from genome.grammar import parse_condition
from genome.reporting.terminal import inert, write_trades
from genome.store import GenomeRecord, GenomeStore
from organism.alerts import acknowledged
from organism.cli.stores import opened
from organism.commands import CommandsDb
from organism.errors import BadInput
from organism.view.reader import ViewReader
from tests.body.house import organism
from tests.dashboard.asking import ORIGIN, Browser
from tests.dashboard.conftest import home  # noqa: F401 - a fixture
from tests.genome.results import bars, trade

SQL = (
    "' OR '1'='1", "'; DROP TABLE genomes; --", '" OR 1=1 --', "x' UNION SELECT sql FROM sqlite_master --", "%", "_", "\\",
    "a1'); DELETE FROM alerts; --", "\x00", "' || (SELECT hex(randomblob(9))) || '",
)  # fmt: skip
OUT = (
    "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "..%252f..%252fetc/passwd", "%2e%2e/%2e%2e/etc/passwd", "....//....//etc/passwd",
    "..\\..\\etc\\passwd", "/etc/passwd", "//etc/passwd", "..%c0%af..%c0%afetc/passwd", "%00/etc/passwd", "dashboard.secret",
    "../dashboard.secret", "../dashboard/server.py", "../view.db",
)  # fmt: skip
FORMULAS = (
    '=HYPERLINK("http://evil","x")', "=cmd|' /C calc'!A0", "+1+1", "-2+3+cmd|' /C calc'!A0", "@SUM(A1:A9)", "\t=1+1", "\r=1+1",
    "\n=1+1", " =1+1", "\u00a0=1+1", "\ufeff=1+1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff201",
)  # fmt: skip


# ---------------------------------------------------------------- SQL


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "genome.db"
    made = GenomeStore(path)
    for n in (9, 20):
        genome = Genome(family="bred", generation=1, entry_long=parse_condition(f"close > sma({n})"))
        made.put(GenomeRecord.from_genome(genome))
    yield made
    made.close()


@pytest.mark.parametrize("evil", SQL)
def test_the_genome_store_takes_a_name_for_a_name(store, evil):
    before = list(store.records())
    assert store.get(evil) is None
    assert list(store.records(evil)) == []
    with pytest.raises(BadInput):
        store.lineage(evil)
    assert list(store.records()) == before
    assert len(before) == 2


@pytest.mark.parametrize("evil", SQL)
def test_commands_keep_words_as_they_are(tmp_path, evil):
    db = CommandsDb(tmp_path / "commands.db")
    db.give("halt", evil, evil)
    assert [(c.command, c.operator, c.note) for c in db.waiting()] == [("halt", evil, evil)]
    with pytest.raises(BadInput):
        db.give(evil, "console", "")
    db.note_seen(evil)
    assert acknowledged(tmp_path, ["a1", evil]) == {evil}


@pytest.mark.parametrize("evil", SQL)
def test_the_page_asks_its_view_by_parameters(home, evil):  # noqa: F811 - the fixture
    browser: Browser = home.browser
    n_before = len(browser.get("/api/alerts").json["alerts"])
    browser.enter(home.access.setup_token)
    assert browser.post("/api/alerts/seen", {"alert_id": evil}).status == 400
    assert browser.post("/api/commands", {"command": evil, "note": ""}).status == 400
    quoted = "".join(f"%{byte:02x}" for byte in evil.encode())
    for path in (
        f"/api/trades?limit={quoted}",
        f"/api/alerts?limit={quoted}",
        f"/api/performance?since={quoted}",
        f"/api/page/trading?about={quoted}&symbols={quoted}&range={quoted}",
        f"/api/page/why?about={quoted}",
        f"/api/page/evolution?about={quoted}",
    ):
        assert browser.get(path).status in {200, 400}, path
    assert len(browser.get("/api/alerts").json["alerts"]) == n_before == 3
    reader = ViewReader(home.state / "view.db")
    assert reader.marks(evil) == []
    with pytest.raises(BadInput, match="no table"):
        reader.table(f"alerts {evil}")


def test_the_view_is_opened_to_be_read_alone(home):  # noqa: F811 - the fixture
    with (
        ViewReader(home.state / "view.db")._reading() as db,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        db.execute("DELETE FROM alerts")


# ---------------------------------------------------------------- paths


@pytest.mark.parametrize("evil", OUT)
def test_no_address_of_the_page_leads_out_of_its_folder(home, evil):  # noqa: F811 - the fixture
    (home.state / "dashboard.secret").write_text("root: what nobody may read")
    for prefix in ("/assets/", "/", "/_dash-component-suites/dash/", "/_dash-component-suites/", "/api/"):
        found = home.browser.get(prefix + evil)
        ours = found.status == 307 and found.headers["location"].startswith(f"{ORIGIN}/")
        assert found.status in {400, 404, 405, 500} or ours, (prefix, found.status)
        assert b"root:" not in found.body
        assert b"def main" not in found.body


@pytest.mark.parametrize("evil", [*OUT[:3], *SQL[:4], "=1+1"])
def test_a_genome_is_named_and_not_addressed(tmp_path, evil):
    (tmp_path / "state").mkdir()
    for words in (("genome", "show", evil), ("genome", "export", evil)):
        done = organism(*words, state=tmp_path / "state")
        assert done.returncode == 2
        assert done.stderr.startswith("organism: there is no genome"), done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert "root:" not in done.stdout + done.stderr
    assert list((tmp_path / "state").iterdir()) == []


# ---------------------------------------------------------------- formulas


def cells(path: Path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("evil", FORMULAS)
def test_no_cell_of_the_trades_begins_as_a_formula(tmp_path, evil):
    found = dataclasses.replace(bars([100.0, 101.0, 102.0]), symbol=evil)
    path = tmp_path / "trades.csv"
    write_trades(path, [(found, [trade(-5.0, reason=evil)])], symbols=True)
    _, row = cells(path)
    assert row[-1] == row[-2] == "'" + re.sub(r"[\t\r\n]", " ", evil)
    assert float(row[7]) == -5.0, "a number remains one"
    for cell in row:
        assert cell.lstrip()[:1] not in tuple("=+-@") or float(cell)


@pytest.mark.parametrize("text", ["BTC/USDT", "signal", "", "a=b", "1-2", "stop"])
def test_what_is_no_formula_is_written_as_it_is(text):
    assert inert(text) == text


def test_a_store_that_is_not_there_is_said_to_be(tmp_path):
    with pytest.raises(BadInput, match="does not exist"), opened(tmp_path / "'; DROP TABLE genomes; --"):
        pass
