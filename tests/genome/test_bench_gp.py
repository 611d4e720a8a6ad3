"""The benches of evolution measure what they say, and pass over by name who is not installed."""

import json

import numpy as np
import pytest

from genome import bench_crowds as crowds
from genome import bench_evolve, bench_gp, bench_gp_peers, bench_planted


def test_the_whole_loop_is_told_beside_its_targets_and_peers_that_are_missing_are_named(monkeypatch):
    monkeypatch.setattr(bench_gp_peers, "deap_installed", lambda: None)
    monkeypatch.setattr(bench_gp_peers, "operon_installed", lambda: None)
    told = []
    found = bench_gp.run(quick=True, tell=told.append)
    json.dumps(found, allow_nan=False)
    assert found["DEAP"] == found["Operon"] == "not installed: skipped"
    assert found["targets"]["times_DEAP"]["at_least"] == 3.0
    for name in ("averages", "vocabulary", "vocabulary, written down"):
        world = found[name]
        assert any(name in line for line in told)
        assert 0.0 < world["distinct_per_s"]["lowest"] <= world["distinct_per_s"]["median"]
        assert world["distinct_per_processor_s"]["lowest"] > 0.0
        assert 0.0 < world["share_outside_the_simulator"]["median"] < 1.0
        assert "times_DEAP" not in world
    assert found["vocabulary"]["mean_nodes"] == found["vocabulary, written down"]["mean_nodes"]


def test_the_peer_is_paid_for_what_it_held_a_bar_before_less_the_cost_of_each_change():
    returns = np.array([0.0, 0.10, 0.10, 0.10])
    earned = np.array([0.0, -0.001, 0.10, 0.10 - 0.001])
    expected = earned.mean() / earned.std() * np.sqrt(100.0)
    assert bench_gp_peers.worth([0, 1, 1, 0], returns, 100.0) == pytest.approx(expected, rel=1e-12)
    assert bench_gp_peers.worth(False, returns, 100.0) == 0.0


def test_the_peers_columns_have_unit_deviation_and_no_holes():
    columns = bench_gp_peers.columns(crowds.walk_market(2_000, bar_s=3_600))
    assert columns.shape == (12, 2_000)
    assert np.isfinite(columns).all()
    assert columns.std(axis=1) == pytest.approx(1.0)


def test_a_walk_of_hours_moves_as_much_as_one_of_sixty_minutes():
    minutes, hours = (crowds.walk_market(4_000, bar_s=bar_s) for bar_s in (60, 3_600))
    moved = [np.diff(np.log(one.column("close"))).std() for one in (minutes, hours)]
    assert moved[1] / moved[0] == pytest.approx(60**0.5, rel=1e-6)
    assert set(np.diff(hours.open_s).tolist()) == {3_600}


def test_a_folder_without_hourly_files_is_passed_over_by_name(tmp_path):
    found = bench_evolve.generation(tmp_path, 10)
    assert str(tmp_path) in found["skipped"]


def test_a_planted_rule_is_found_by_most_seeds():
    found = bench_planted.planted(3)
    assert found["planted_sharpe"] > 5.0
    assert found["counts_as_found_above"] == bench_planted.FOUND * found["planted_sharpe"]
    assert int(str(found["found"]).split()[0]) >= 2
    assert found["found_sharpe"]["highest"] > found["counts_as_found_above"]
