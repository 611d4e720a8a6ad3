"""Each command that tries strategies leaves one report in the state folder."""

import json

import pytest

from organism import reports
from organism.cli import run as perform


def run(capsys, state, *words):
    assert perform([*words, "--state", str(state), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def only(state):
    (name,) = reports.names(state)
    return reports.read(state, name)


def test_a_backtest_leaves_its_figures_and_daily_returns(tmp_path, capsys):
    told = run(capsys, tmp_path, "backtest", "ema_crossover")
    found = only(tmp_path)
    assert (found.kind, found.title) == ("backtest", "ema_crossover on BTC/USDT")
    assert found.figures["sharpe"] == told["sharpe"]
    assert found.asked["params"] == told["params"]
    grown = 1.0
    for value in found.returns:
        grown *= 1.0 + value
    assert grown - 1.0 == pytest.approx(told["total_return"])


@pytest.mark.slow
def test_evolution_leaves_its_course_its_front_and_its_best(tmp_path, capsys):
    told = run(capsys, tmp_path, "evolve", "--population", "20", "--generations", "3", "--islands", "2")
    found = only(tmp_path)
    assert [one.generation for one in found.generations] == [0, 1, 2, 3]
    assert found.genomes[0].id == told["front"][0]["id"]
    assert found.genomes[0].objectives["sharpe"] == told["front"][0]["objectives"]["sharpe"]
    assert found.fronts[-1].generation == 3
    assert found.returns
    assert found.asked["seed"] == told["seed"]


@pytest.mark.slow
def test_a_search_leaves_the_returns_of_its_best(tmp_path, capsys):
    told = run(capsys, tmp_path, "optimize", "ema_crossover", "--bound", "fast=5:20", "--trials", "6")
    found = only(tmp_path)
    assert found.figures["sharpe"] == told["best"]["sharpe"]
    assert found.figures["trials"] == told["trials"]
    assert found.returns
