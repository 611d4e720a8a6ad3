"""The bench of the lake measures what it says it does."""

import json

import numpy as np
import pytest

from organism.cli import run
from organism.lake.bench import walk
from organism.lake.candles import wrong
from tests.lake.made import same


def test_the_benchs_history_is_the_same_in_every_run_and_can_be_believed():
    month = walk(1, 3)
    assert same(month, walk(1, 3))
    assert not same(month, walk(1, 4))
    assert wrong(month) is None
    assert len(month) == 28 * 1_440
    assert int(walk(0, 3).open_us[-1]) + 60_000_000 == int(month.open_us[0])
    assert np.array_equal(np.round(month.close, 2), month.close)


@pytest.mark.slow
def test_a_quick_bench_opens_shares_and_joins_every_row(capsys):
    assert run(["bench", "lake", "--quick", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["lake"]
    assert found["open"]["rows"] == 3 * (31 + 28) * 1_440
    assert found["append"]["rows_of_a_month"] == 3 * 28 * 1_440
    assert found["hourly"]["hours"] == -(-1_000_000 // 60)
    data_mb = found["open"]["rows"] * 48 / 1e6
    assert found["shared"]["data_mb"] == pytest.approx(data_mb, abs=0.2)
    assert 0.9 < found["shared"]["times_data"] < 1.2
    assert all(found[part][figure] > 0 for part, figure in (("append", "month_s"), ("hourly", "arrays_s")))
