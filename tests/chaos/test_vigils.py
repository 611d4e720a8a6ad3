"""A vigil that saw somebody put down, and a soak that saw something grow, say so."""

from types import SimpleNamespace

import pytest

from organism.chaos import soak, vigil
from organism.chaos.habitat import NotBack
from organism.chaos.outcome import Losses
from organism.chaos.trend import fit
from tests.chaos.inhabited import Home

KEPT = {"false_kills": 0, "losses": dict.fromkeys(Losses.__dataclass_fields__, 0), "last_stop": 0}


class Watched:
    """A home of which each look finds something else, and the guardian ends after the last look."""

    said = "the last words"
    state = None

    def __init__(self, *looks):
        self.looks = list(looks)
        self.guardian = SimpleNamespace(poll=lambda: None if self.looks else 3, returncode=3)

    def pids(self):
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0] if self.looks else {}


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(vigil, "LOOK_EVERY_S", 0.001)
    organs = [{"name": "brain", "restarts": 0}]
    monkeypatch.setattr(vigil, "status", lambda _: {"organs": organs})
    return organs


def watched(*looks, for_s=0.1):
    seen, told = vigil.Vigil(), []
    vigil._watch(Watched(*looks), for_s, seen, told.append)
    return seen, told


CALM = {"body": 1, "venue": 2}


def test_a_quiet_vigil_is_one(quick):
    seen, told = watched(CALM, CALM)
    assert seen.false_kills == 0
    assert seen.load
    assert not any("replaced" in text for text in told)


def test_a_process_that_was_replaced_is_counted_and_told(quick):
    seen, told = watched(
        CALM, CALM, {"body": 3, "venue": 2}, {"body": 3, "venue": 4}, {"body": 5, "venue": 4}
    )
    assert seen.replaced == {"body": 2, "venue": 1}
    assert seen.false_kills == 3
    assert any("body was replaced; last was said: 'the last words'" in text for text in told)


def test_a_process_that_was_away_for_a_look_was_replaced_all_the_same(quick):
    assert watched(CALM, {"venue": 2}, {"body": 9, "venue": 2})[0].replaced == {"body": 1}


def test_an_organ_that_was_restarted_is_counted(quick):
    quick[0]["restarts"] = 2
    assert watched(CALM)[0].false_kills == 2


def test_a_guardian_that_ended_ends_the_vigil(quick):
    home = Watched(CALM)
    home.guardian.poll = lambda: 3
    with pytest.raises(NotBack, match="status 3"):
        vigil._watch(home, 5.0, vigil.Vigil(), lambda _: None)


def test_a_suspend_in_which_somebody_did_not_stand_still_is_not_counted(quick, monkeypatch, tmp_path):
    monkeypatch.setattr(vigil, "SUSPEND_EVERY_S", 0.02)
    monkeypatch.setattr(vigil, "SUSPENDED_S", 0.01)
    home, seen = Home(tmp_path / "state"), vigil.Vigil()
    home.start()
    try:
        vigil._watch(home, 0.1, seen, lambda _: None)
        assert seen.suspends >= 1
        home.processes["sender"].end()
        none = vigil.Vigil()
        vigil._watch(home, 0.1, none, lambda _: None)
        assert none.suspends == 0
    finally:
        home.end()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, 0),
        ({"false_kills": 1}, 1),
        ({"last_stop": 75}, 1),
        *(({"losses": KEPT["losses"] | {name: 1}}, 1) for name in KEPT["losses"]),
    ],
    ids=["kept", "false kill", "last stop", *KEPT["losses"]],
)
def test_the_status_of_a_vigil_says_whether_it_was_kept(monkeypatch, change, code):
    monkeypatch.setattr(vigil, "keep", lambda *_, **__: KEPT | change)
    assert vigil.main([]) == code


# ---------------------------------------------------------------- soak


def line(growth_in_ten_minutes, noise=0.0):
    slope = growth_in_ten_minutes / soak.TEN_MINUTES_S
    return fit([(float(s), 50.0 + slope * s + noise * (-1) ** s) for s in range(120)])


@pytest.mark.parametrize("quantity", soak.WANTED)
def test_growth_beyond_what_is_wanted_is_growth_and_less_is_none(quantity):
    wanted = soak.WANTED[quantity]
    assert soak._grows(f"body {quantity}", line(1.1 * wanted))
    assert not soak._grows(f"body {quantity}", line(0.9 * wanted))
    assert not soak._grows(f"body {quantity}", line(-5.0 * wanted))


def test_noise_alone_is_no_growth_and_does_not_hide_one():
    assert not soak._grows("body memory_mb", line(1.5, noise=50.0))
    assert soak._grows("body memory_mb", line(500.0, noise=5.0))


def test_warming_up_is_left_out_of_the_line_and_a_short_life_has_none():
    measured = soak.Measured()
    for s in range(100):
        measured.add("body memory_mb", float(s), min(s, 60) * 10.0)
    assert soak._grows("body memory_mb", measured.lines(0.0)["body memory_mb"])
    assert not soak._grows("body memory_mb", measured.lines(60.0)["body memory_mb"])
    assert measured.lines(98.0) == {}
