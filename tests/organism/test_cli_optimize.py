"""`organism optimize` as a person types it: what it finds, what it writes, and how it refuses."""

import json

import pytest

from organism.cli import run
from tests.organism import swinging

KEYS = {
    "strategy", "held", "parameters", "points", "symbols", "bars", "bar_s", "start", "end", "capital", "costs", "metric",
    "maximised", "fewest_trades", "method", "seed", "trials", "valid", "found", "ended", "best", "default", "top",
    "neighbourhood", "luck_sharpe", "looked", "warnings", "source", "proxies", "elapsed_s", "trials_new", "trials_total",
}  # fmt: skip


@pytest.fixture(scope="module")
def hours(tmp_path_factory):
    """Sixty days of hours that swing, as CSV."""
    return swinging.hours(tmp_path_factory.mktemp("bars") / "XYZ.csv", 60)


@pytest.fixture
def said(capsys, tmp_path):
    """Run a command; give its status, output and complaint."""

    def perform(*words):
        status = run(["optimize", *map(str, words), "--state", str(tmp_path)])
        seen = capsys.readouterr()
        return status, seen.out, seen.err

    return perform


@pytest.mark.requirement("S0-1.3.10")
def test_a_search_by_a_metric_within_bounds_is_one_document(said, hours):
    words = ("ema_crossover", "--data", hours, "--bound", "fast=2:20", "slow=10:60", "--trials", "60")
    status, out, _ = said(*words, "--metric", "sharpe", "--json")
    found = json.loads(out)
    assert status == 0
    assert found.keys() == KEYS
    assert found["trials"] == 60
    assert [(p["name"], p["low"], p["high"]) for p in found["parameters"]] == [
        ("fast", 2, 20),
        ("slow", 10, 60),
    ]
    assert found["best"]["value"] == found["best"]["sharpe"] == max(row["value"] for row in found["top"])
    assert found["best"]["value"] > found["default"]["value"]
    assert found["default"]["params"] == {"fast": 9, "slow": 21}
    again = json.loads(said(*words, "--json")[1])
    assert found | {"elapsed_s": 0, "trials_new": 0} == again | {"elapsed_s": 0}


def test_the_best_is_written_as_a_genome_that_can_be_backtested(said, hours, tmp_path, capsys):
    out, page = tmp_path / "best.json", tmp_path / "r.html"
    status, text, _ = said(
        "ema_crossover",
        "--data",
        hours,
        "--trials",
        "50",
        "--metric",
        "calmar",
        "--out",
        out,
        "--report",
        page,
    )
    assert status == 0
    assert max(map(len, text.splitlines())) <= 140
    for words in (
        "Calmar",
        "as given",
        "50 sets of parameters were looked at",
        "assumed",
        str(out),
        str(page),
    ):
        assert words in text
    assert run(["backtest", str(out), "--data", str(hours), "--json", "--state", str(tmp_path)]) == 0
    tested = json.loads(capsys.readouterr().out)
    found = json.loads(
        said("ema_crossover", "--data", hours, "--trials", "50", "--metric", "calmar", "--json")[1]
    )
    assert tested["genome_id"] == found["best"]["genome_id"]
    assert tested["n_trades"] == found["best"]["n_trades"]
    html = page.read_text()
    assert html.count("<figure") >= 4
    assert "http" not in html.replace("http-equiv", "")
    assert "50 sets of parameters were looked at" in html


def test_every_look_is_counted_once_and_told_with_those_before(said, hours, tmp_path):
    words = ("ema_crossover", "--data", hours, "--trials", "30", "--json")
    first, again = (json.loads(said(*words)[1]) for _ in range(2))
    assert (first["trials_new"], first["trials_total"]) == (30, 30)
    assert (again["trials_new"], again["trials_total"]) == (0, 30)
    other = json.loads(said("rsi_filter", "--data", hours, "--trials", "20", "--json")[1])
    assert (other["trials_new"], other["trials_total"]) == (20, 50)
    _, text, _ = said("ema_crossover", "--data", hours, "--trials", "30")
    assert "50 were made on these bars" in " ".join(text.split())


def test_what_cannot_be_counted_is_said_and_breaks_nothing(said, hours, tmp_path):
    (tmp_path / "genome.db").write_text("this is no store " * 400)
    found = json.loads(said("ema_crossover", "--data", hours, "--trials", "30", "--json")[1])
    assert found["trials"] == 30
    assert found["trials_total"] is None
    assert any("Trials were not counted" in one for one in found["warnings"])


def test_a_grid_by_steps_visits_what_was_asked(said, hours):
    _, out, _ = said(
        "ema_crossover", "--data", hours, "--method", "grid", "--bound", "fast=5:15", "slow=20:60", "--step", "fast=5",
        "slow=20", "--json",
    )  # fmt: skip
    found = json.loads(out)
    assert (found["trials"], found["points"], found["ended"]) == (9, 9, "exhausted")
    assert found["default"] is None


def test_a_parameter_that_is_given_is_held(said, hours):
    found = json.loads(
        said("ema_crossover", "--data", hours, "--param", "fast=7", "--trials", "20", "--json")[1]
    )
    assert found["held"] == {"fast": 7}
    assert [p["name"] for p in found["parameters"]] == ["slow"]


def test_an_interrupt_prints_the_best_so_far_and_says_so(said, hours, monkeypatch):
    from genome.tuning import judging

    real, seen = judging.evaluate_within, []

    def impatient(genomes, *rest, **more):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(len(genomes))
        return real(genomes, *rest, **more)

    monkeypatch.setattr(judging, "evaluate_within", impatient)
    status, out, _ = said("ema_crossover", "--data", hours, "--trials", "200")
    assert status == 130
    assert f"{sum(seen)} sets of parameters were looked at" in out
    assert "interrupted" in out


def test_a_family_that_never_trades_here_is_said_to_have_found_nothing(said, hours, tmp_path):
    page = tmp_path / "r.html"
    status, out, _ = said("funding_carry", "--data", hours, "--trials", "20", "--report", page)
    assert status == 0
    assert "needs funding, which XYZ lacks" in out
    assert "nothing was found" in " ".join(out.split())
    assert "trade often enough to be judged" in page.read_text()
    found = json.loads(said("funding_carry", "--data", hours, "--trials", "20", "--json")[1])
    assert (found["found"], found["valid"]) == (False, 0)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nothing_such",), "there is no strategy 'nothing_such'"),
        (("linear_svc",), "learns its own parameters"),
        (("ema_crossover", "--metric", "sharp"), "there is no metric 'sharp'. Did you mean 'sharpe'?"),
        (("ema_crossover", "--bound", "fast=50:5"), "rise from low to high; was 50:5"),
        (("ema_crossover", "--bound", "fats=5:50"), "Did you mean 'fast'"),
        (("ema_crossover", "--trials", "0"), "trials are from 1"),
        (("ema_crossover", "--min-trades", "-1"), "least number of trades is 0 or more"),
        (("ema_crossover", "--capital", "0"), "--capital was 0"),
        (("ema_crossover", "--report", "/nonexistent/x.html"), "make it first"),
        (("ema_crossover", "--method", "grid", "--step", "fast=1", "slow=1"), "has 19,404 points, but 500"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence_and_status_2(said, hours, words, says):
    status, out, complaint = said(*words, "--data", hours)
    assert (status, out) == (2, "")
    assert says in complaint
    assert len(complaint.strip().splitlines()) == 1


def test_several_assets_are_refused(said, hours, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for name in ("A.csv", "B.csv"):
        (folder / name).write_text(hours.read_text())
    status, _, complaint = said("ema_crossover", "--data", folder)
    assert status == 2
    assert "on one asset; name one file with --data" in complaint
