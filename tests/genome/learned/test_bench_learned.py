"""The figures that the learned seeds have to keep, on whatever machine runs this."""

import pytest

from genome.bench_learned import run


@pytest.mark.requirement("S4-25.4", "S4-25.8")
def test_fits_and_predictions_are_as_fast_and_as_small_as_asked():
    found = run(quick=True)
    goals = found["goals"]
    for name in ("svc_fit_s", "svc_predict_us", "ptq_fit_s", "ptq_predict_us"):
        assert found[name]["lowest"] <= found[name]["median"] <= found[name]["highest"]
        assert found[name]["median"] < goals[name]
    for name in ("svc_bytes", "ptq_bytes"):
        assert found[name] < goals[name]
    for name in ("svc_population", "ptq_population"):
        assert found[name]["fits"] == 10
        assert found[name]["largest_bytes"] < goals["svc_bytes"]
    for family in ("linear_svc", "pca_tree_quantile"):
        training = found["training"][family]
        assert training["fits"] >= 2
        assert training["from_cache_s"] < training["made_s"] / 4
        assert 0.0 < training["bar_us"] < 1_000.0


@pytest.mark.slow
@pytest.mark.requirement("S4-25.4", "S4-25.8", "S4-25.10")
def test_a_population_of_a_hundred_is_fitted_in_time():
    found = run(quick=False)
    for name, goal in (
        ("svc_population", "svc_population_of_100_s"),
        ("ptq_population", "ptq_population_of_100_s"),
    ):
        assert found[name]["fits"] == 100
        assert found[name]["seconds"] < found["goals"][goal]
        assert found[name]["refused"] < 50
