"""The page of faults says of every fault of the catalogue where it is tried, and of none what is not so."""

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from organism.chaos import catalogue, kills, stops, wires
from organism.chaos.simulated.plan import KINDS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "organism/chaos/FAULTS.md"
LINE = (
    "{tried} of {all} are tried automatically, {in part} only in part, {live} wait for a live venue, "
    "{waits} for admission."
)
REAL_LINES = {
    "B13",
    "D1",
    "D2",
    "D3",
    "G1",
    "G2",
}  # real processes behind a bad line: `wires.run` tells of them


class Row(NamedTuple):
    """A fault by the page: its id, what goes wrong, where it is tried."""

    id: str
    what: str
    where: str

    @property
    def kind(self):
        """How far it is tried."""
        return next((kind for kind in ("live", "waits", "in part") if self.where.startswith(kind)), "tried")

    @property
    def ways(self):
        """The campaigns named, without the files."""
        return {
            way
            for way in ("simulation", "processes", "bad lines")
            if re.search(rf"(^|, ){way}(,|$)", self.where)
        }


def rows():
    text = PAGE.read_text(encoding="utf-8")
    return [Row(*row) for row in re.findall(r"^\| ([A-G]\d+) \| (.+?) \| (.+?) \|$", text, re.MULTILINE)]


def faults_of(way):
    """Ids that a campaign tries, by the campaign itself."""
    if way == "simulation":
        return {kind.fault for kind in KINDS.values() if kind.fault}
    if way == "bad lines":
        return {name for name, _ in wires.scripted(wires.SEED)} | REAL_LINES
    return {one.fault for one in (*kills.campaigns(100), *stops.campaigns(2, long=True))}


def test_every_fault_of_the_catalogue_has_one_row_in_its_words_and_order():
    assert [(row.id, row.what) for row in rows()] == [(fault.id, fault.what) for fault in catalogue.CATALOGUE]


@pytest.mark.parametrize("way", ["simulation", "bad lines", "processes"])
def test_a_campaign_is_named_by_the_faults_that_it_tries_and_by_no_other(way):
    assert {row.id for row in rows() if way in row.ways} == faults_of(way)


def test_whatever_is_called_tried_names_a_campaign_or_a_test_that_there_is():
    for row in rows():
        files = re.findall(r"`(tests/[^`]+)`", row.where)
        assert [name for name in files if not (ROOT / name).exists()] == [], row.id
        assert row.kind != "tried" or files or row.ways, row.id


def test_the_line_below_the_table_counts_its_rows():
    counts = {"live": 0, "waits": 0, "in part": 0, "tried": 0} | Counter(row.kind for row in rows())
    line = LINE.format_map({**counts, "all": len(catalogue.CATALOGUE)})
    assert line in PAGE.read_text(encoding="utf-8").splitlines()
