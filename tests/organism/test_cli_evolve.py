"""`organism evolve` as a person types it: what it finds, what it leaves behind, and how it refuses."""

import json
import os
import signal
import subprocess
import sys

import pytest

from organism.cli import run
from tests.body.waiting import until
from tests.organism import swinging

KEYS = {
    "seed", "generations", "population", "islands", "outcome", "run", "poor_data", "proxies", "evaluated", "distinct", "cache_hits", "seconds",
    "simulator_seconds", "evaluations_per_s", "front", "history", "trials_new", "trials_total", "trials_distinct_behaviour",
    "source", "warnings", "universe",
}  # fmt: skip
SMALL = ("--population", "20", "--generations", "2", "--islands", "2", "--min-trades", "3")


@pytest.fixture(scope="module")
def hours(tmp_path_factory):
    """Forty days of hours that swing, as CSV."""
    return swinging.hours(tmp_path_factory.mktemp("bars") / "XYZ.csv", 40)


@pytest.fixture
def said(capsys, tmp_path, hours):
    """Run the command; give its status, output and complaint."""

    def perform(*words):
        status = run(["evolve", "--data", str(hours), *map(str, words), "--state", str(tmp_path)])
        seen = capsys.readouterr()
        return status, seen.out, seen.err

    return perform


def test_a_run_is_one_document_and_the_same_with_one_worker_and_with_two(said, tmp_path, capsys):
    status, out, _ = said(*SMALL, "--workers", "1", "--json")
    found = json.loads(out)
    assert status == 0
    assert found.keys() == KEYS
    assert (found["seed"], found["generations"], found["outcome"]) == (1, 2, "done")
    assert found["trials_total"] == found["trials_new"] == found["distinct"] > 20
    assert found["evaluated"] == found["distinct"] + found["cache_hits"] == 60
    assert len(found["history"]) == 3
    best = found["front"][0]
    assert best.keys() == {"id", "text", "genes", "objectives", "trades"}
    assert best["trades"] >= 3
    assert run(["genome", "lineage", best["id"], "--state", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["genome_id"] == best["id"]
    again = json.loads(said(*SMALL, "--workers", "2", "--json")[1])
    assert again["front"] == found["front"]
    assert (again["trials_new"], again["trials_total"]) == (0, found["trials_total"])


def test_a_person_is_told_what_was_bred_how_often_somebody_looked_and_that_nothing_is_funded(said):
    status, out, _ = said(*SMALL)
    assert status == 0
    assert "evolve on XYZ: population 20 on 2 islands, seed 1" in out
    assert "entry_" in out
    assert "done: generation 2 of 2" in out
    assert "looks good by luck alone: nothing here is funded" in " ".join(out.split())
    assert "% of it outside the simulator" in out


def test_a_report_is_one_page_that_needs_nothing_else_and_tells_the_whole_run_when_asked_again(
    said, tmp_path
):
    page = tmp_path / "evolution.html"
    status, out, _ = said(*SMALL, "--report", page)
    assert status == 0
    assert f"{'report':<12}{page}" in out
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "2 generations of 20 genomes" in text
    assert "https://" not in text
    assert "http://" not in text
    best = json.loads(said(*SMALL, "--json")[1])["front"][0]["id"]
    assert f"organism genome lineage {best}" in text
    assert said(*SMALL, "--resume", "--report", page)[0] == 0  # nothing is left to breed
    assert page.read_text(encoding="utf-8").count("Generation 0: ") == text.count("Generation 0: ") > 0


def test_ctrl_c_ends_the_run_with_its_results_and_resume_goes_on(said, hours, tmp_path):
    words = [
        "--population",
        "20",
        "--generations",
        "100000",
        "--islands",
        "2",
        "--min-trades",
        "3",
        "--workers",
        "1",
    ]
    command = [
        sys.executable,
        "-m",
        "organism",
        "evolve",
        "--data",
        str(hours),
        *words,
        "--state",
        str(tmp_path),
        "--json",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    folder = tmp_path / "evolution"
    until(lambda: list(folder.glob("*.npz")), "a checkpoint", 100.0)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err.strip().splitlines()[1:]) == (130, [])
    found = json.loads(out)
    assert found["outcome"] == "stopped"
    status, _, err = said(*words[:2], "--generations", found["generations"] + 1, *words[4:])
    assert status == 2
    assert f"stopped after generation {found['generations']} of 100000; go on with --resume" in err
    status, out, _ = said(*words[:2], "--generations", found["generations"] + 1, *words[4:], "--resume")
    assert status == 0
    assert f"done: generation {found['generations'] + 1} of {found['generations'] + 1}" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--population", "0"], "population of evolution was 0"),
        (["--generations", "-1"], "generations of evolution was -1"),
        (["--islands", "7", "--population", "8"], "islands"),
        (["--seed", "-1"], "seed"),
        (["--workers", "-3"], "workers were -3"),
        (["--capital", "nan"], "--capital was nan"),
        (["--min-trades", "-1"], "the fewest trades were -1"),
        (["--resume", *SMALL], "there is no checkpoint"),
        (["--report", "/nowhere/at/all.html"], "cannot be written"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(said, words, told):
    status, out, err = said(*words)
    assert (status, out) == (2, "")
    assert told in err
    assert len(err.strip().splitlines()) == 1
