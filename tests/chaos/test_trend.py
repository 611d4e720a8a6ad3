"""Whether something grows, and how sure that is."""

import numpy as np
import pytest

from organism.chaos.trend import fit
from organism.errors import BadInput


def test_a_line_is_found_through_noise_and_its_error_is_that_of_the_textbook():
    chance = np.random.default_rng(3)
    x = np.arange(200.0)
    y = 5.0 + 0.25 * x + chance.normal(0.0, 2.0, x.size)
    line = fit(list(zip(x.tolist(), y.tolist(), strict=True)))
    # The reference solves the same by the normal equations.
    (slope, level), covariance = np.polyfit(x, y, 1, cov="unscaled")
    rest = y - level - slope * x
    error = float(np.sqrt(covariance[0, 0] * (rest @ rest) / (x.size - 2)))
    assert line.slope == pytest.approx(slope, rel=1e-9)
    assert line.level == pytest.approx(level, rel=1e-9)
    assert line.error == pytest.approx(error, rel=1e-9)
    assert abs(line.slope - 0.25) < 4.0 * line.error


def test_noise_alone_is_no_growth_and_growth_in_noise_is():
    chance = np.random.default_rng(4)
    noise = chance.normal(0.0, 1.0, 300)
    still = fit([(float(t), float(v)) for t, v in enumerate(noise)])
    grows = fit([(float(t), float(v) + 0.02 * t) for t, v in enumerate(noise)])
    assert not still.grows(0.0)
    assert grows.grows(0.0)
    assert not grows.grows(0.05)


@pytest.mark.parametrize("points", [[], [(0.0, 1.0), (1.0, 2.0)], [(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]])
def test_too_little_to_draw_a_line_through_is_refused(points):
    with pytest.raises(BadInput, match="a trend needs"):
        fit(points)
