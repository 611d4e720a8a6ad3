"""The health score, the machine's measures, and what is done when health is low."""

import subprocess
import sys
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.market import NS_PER_S
from organism.vitals import FeedSign, Machine, MachineSampler, OrganSign, VitalInputs, band, health, unknown
from organism.vitals.heal import COOL_DOWN_S, REMEDIES, Action, Healing, step, tend
from organism.vitals.machine import SPAN_S, WINDOW_S, slope
from organism.vitals.score import MEASURES, PARTS

NAN = float("nan")
FINE_MACHINE = Machine(
    cpu=0.1, memory_mb=200.0, memory_slope_mb_min=0.0, threads=20, descriptors=30, descriptor_share=0.03,
    disk_free_mb=50_000.0, load=0.2, clock_jump_s=0.0,
)  # fmt: skip
FINE = VitalInputs(
    organs=(OrganSign(name="brain", beat_age_s=0.1), OrganSign(name="motor", beat_age_s=0.2)),
    feeds=(FeedSign(name="replay", silent_s=0.5, stall_s=10.0),),
    n_restarts=0, drawdown_share=0.0, losses_share=0.0, n_unexplained=0, n_unknown=0, n_broken=0,
    reconciled_age_s=10.0, venue_silent_s=0.0, journal_lag_s=0.0, machine=FINE_MACHINE,
)  # fmt: skip
BODY = [f.name for f in fields(VitalInputs) if f.name not in {"organs", "feeds", "machine"}]
SCORED = [
    "cpu",
    "memory_mb",
    "memory_slope_mb_min",
    "threads",
    "descriptor_share",
    "disk_free_mb",
    "clock_jump_s",
]


def score(inputs):
    return health(inputs).health


def with_machine(**changes):
    return replace(FINE, machine=replace(FINE_MACHINE, **changes))


@pytest.mark.requirement("S0-0.7")
def test_a_body_without_a_defect_scores_100():
    taken = health(FINE)
    assert taken.health == 100.0
    assert [p.name for p in taken.parts] == list(PARTS) == ["organs", "feeds", "risk", "truth", "machine"]
    assert all(p.points == p.weight and p.detail == "" for p in taken.parts)


def test_a_body_nobody_knows_anything_about_scores_0():
    nothing = VitalInputs(organs=(), feeds=())
    assert score(nothing) == 0.0
    assert len(unknown(nothing)) == len(MEASURES)
    assert unknown(FINE) == ()


DEFECTS = {
    "dead organ": (replace(FINE, organs=(OrganSign(name="brain", beat_age_s=9.0),)), "recovery"),
    "dead feed": (replace(FINE, feeds=(FeedSign(name="f", silent_s=30.0, stall_s=10.0),)), "recovery"),
    "unexplained quantity": (replace(FINE, n_unexplained=1), "recovery"),
    "broken invariant": (replace(FINE, n_broken=1), "recovery"),
    "dumb venue": (replace(FINE, venue_silent_s=20.0), "recovery"),
    "journal not durable": (replace(FINE, journal_lag_s=9.0), "recovery"),
    "memory": (with_machine(memory_mb=1500.0), "recovery"),
    "full disk": (with_machine(disk_free_mb=50.0), "recovery"),
    "crash loop": (replace(FINE, n_restarts=6), "alert"),
    "drawdown at the halt": (replace(FINE, drawdown_share=1.0), "alert"),
    "slept": (with_machine(clock_jump_s=300.0), "alert"),
    "first minute": (with_machine(memory_slope_mb_min=None), "green"),
    "shrinking memory": (with_machine(memory_slope_mb_min=-5.0), "green"),
    "two at once": (replace(FINE, n_unexplained=1, venue_silent_s=20.0), "hibernation"),
}


@pytest.mark.requirement("S3-0.2.2")
@pytest.mark.parametrize(("inputs", "expected"), DEFECTS.values(), ids=DEFECTS.keys())
def test_one_defect_puts_the_body_into_its_band(inputs, expected):
    assert band(score(inputs)) == expected


def test_the_table_says_what_each_measure_costs_alone():
    """Every remedy is reachable: its measure alone starts recovery."""
    for measure in MEASURES:
        assert measure.cost <= 50, "no single measure hibernates the body"
        if measure.name in REMEDIES and measure.name != "orders":
            assert 100 - measure.cost < 60


def test_a_defect_is_named_with_its_value():
    (organs, *_, machine) = health(replace(FINE, n_restarts=6, machine=replace(FINE_MACHINE, cpu=NAN))).parts
    assert organs.detail == "restarts: 6 restarts in 10 min (−32)"
    assert machine.detail == "cpu: not known (−10)"


# ---------------------------------------------------------------- properties


numbers = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.floats(0, 1000))
organs = st.lists(
    st.builds(OrganSign, name=st.just("o"), beat_age_s=numbers, oldest_s=numbers), max_size=4
).map(tuple)
feeds = st.lists(
    st.builds(FeedSign, name=st.just("f"), silent_s=numbers, stall_s=st.floats(0.1, 100)), max_size=3
).map(tuple)
machines = st.builds(Machine, **dict.fromkeys(SCORED, numbers))
inputs = st.builds(
    VitalInputs, organs=organs, feeds=feeds, machine=machines, **dict.fromkeys(BODY, numbers)
)  # fmt: skip


@given(inputs)
def test_the_score_is_always_a_number_from_0_to_100(given_inputs):
    taken = health(given_inputs)
    assert 0.0 <= taken.health <= 100.0
    for part in taken.parts:
        assert -1e-9 <= part.points <= part.weight


@st.composite
def nearly_fine(draw):
    """A body with at most a few defects: with many, the score is 0 and nothing could lower it."""
    found = draw(inputs)
    body = draw(st.lists(st.sampled_from(BODY), max_size=2))
    kept = replace(FINE, **{name: getattr(found, name) for name in body})
    if draw(st.booleans()):
        name = draw(st.sampled_from(SCORED))
        kept = replace(kept, machine=replace(FINE_MACHINE, **{name: getattr(found.machine, name)}))
    return replace(kept, organs=found.organs) if draw(st.integers(0, 3)) == 0 else kept


NONSENSE = (None, NAN, float("inf"), -1.0)


@given(nearly_fine(), st.data())
def test_a_defect_more_never_raises_the_score(before, data):
    """Any one value made worse, forgotten, or turned into nonsense; any sick organ or feed added."""
    kind = data.draw(st.sampled_from(["body", "machine", "organ", "feed", "nobody"]))
    more = data.draw(st.floats(0, 100))
    if kind == "body":
        name = data.draw(st.sampled_from(BODY))
        worse = _worse(getattr(before, name), more)
        after = replace(before, **{name: data.draw(st.sampled_from([*NONSENSE, worse]))})
    elif kind == "machine":
        name = data.draw(st.sampled_from(SCORED))
        worse = _worse(getattr(before.machine, name), -more if name == "disk_free_mb" else more)
        # Memory that shrinks is no defect, so a negative slope is not a way to make things worse.
        nonsense = NONSENSE[:3] if name == "memory_slope_mb_min" else NONSENSE
        after = replace(
            before, machine=replace(before.machine, **{name: data.draw(st.sampled_from([*nonsense, worse]))})
        )
    elif kind == "organ":
        sick = data.draw(st.builds(OrganSign, name=st.just("s"), beat_age_s=numbers, oldest_s=numbers))
        # The first organ known is news, not a defect: no organ at all is the worst there is.
        after = replace(before, organs=(*before.organs, sick)) if before.organs else before
    elif kind == "feed":
        sick = data.draw(
            st.builds(FeedSign, name=st.just("s"), silent_s=numbers, stall_s=st.floats(0.1, 100))
        )
        after = replace(before, feeds=(*before.feeds, sick))
    else:
        after = replace(before, **{data.draw(st.sampled_from(["organs", "feeds"])): ()})
    assert score(after) <= score(before)


def _worse(value, more):
    """A value below zero is nonsense and the worst already; adding to it could make it credible."""
    return value if value is None or value < 0 else value + more


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize("name", BODY)
def test_nonsense_counts_as_the_worst(name, nonsense):
    assert score(replace(FINE, **{name: nonsense})) == score(replace(FINE, **{name: 10.0**9})) < 100.0


@pytest.mark.parametrize("sick", [OrganSign(name="s", beat_age_s=None), OrganSign(name="s", beat_age_s=-1.0)])
def test_one_organ_nobody_knows_about_counts_like_a_dead_one(sick):
    assert score(replace(FINE, organs=(*FINE.organs, sick))) == score(DEFECTS["dead organ"][0])


def test_worse_means_worse_for_the_disk_too():
    assert score(with_machine(disk_free_mb=400.0)) < score(with_machine(disk_free_mb=900.0)) < 100.0


# ---------------------------------------------------------------- the machine


class FakeProcess:
    def __init__(self):
        self.rss_mb = 100.0

    def oneshot(self):
        import contextlib

        return contextlib.nullcontext()

    def cpu_percent(self, _):
        return 25.0

    def memory_info(self):
        import types

        return types.SimpleNamespace(rss=self.rss_mb * 1024 * 1024)

    def num_threads(self):
        return 12

    def num_fds(self):
        import psutil

        raise psutil.AccessDenied


@pytest.fixture
def clocks():
    return {"mono": 1000.0, "wall": 5000.0}


@pytest.fixture
def sampler(tmp_path, clocks):
    process = FakeProcess()
    made = MachineSampler(
        tmp_path, process=process, mono_s=lambda: clocks["mono"], wall_s=lambda: clocks["wall"]
    )
    made.fake = process
    return made


def pass_time(clocks, span_s):
    clocks["mono"] += span_s
    clocks["wall"] += span_s


def test_the_slope_of_memory_is_known_after_a_minute_and_follows_a_window(sampler, clocks):
    slopes = []
    for _ in range(int(WINDOW_S / 10)):
        slopes.append(sampler.sample().memory_slope_mb_min)
        sampler.fake.rss_mb += 1.0
        pass_time(clocks, 10.0)
    assert slopes[: int(SPAN_S / 10)] == [None] * int(SPAN_S / 10)
    assert slopes[-1] == pytest.approx(6.0)
    for _ in range(int(WINDOW_S / 10) + 1):
        flat = sampler.sample().memory_slope_mb_min
        pass_time(clocks, 10.0)
    assert flat == pytest.approx(0.0, abs=1e-9), "the growth has left the window"


def test_a_clock_that_jumps_is_measured_once(sampler, clocks):
    assert sampler.sample().clock_jump_s == 0.0
    clocks["wall"] += 3600.0
    assert sampler.sample().clock_jump_s == pytest.approx(3600.0)
    assert sampler.sample().clock_jump_s == 0.0


def test_what_the_machine_will_not_tell_is_unknown_and_costs(sampler):
    seen = sampler.sample()
    assert seen.descriptors is None
    assert seen.descriptor_share is None
    assert (seen.cpu, seen.memory_mb, seen.threads) == (0.25, 100.0, 12)
    assert "handles" in unknown(replace(FINE, machine=seen))


def test_this_machine_can_be_measured(tmp_path):
    sampler = MachineSampler(tmp_path)
    sampler.sample()
    seen = sampler.sample()
    assert seen.memory_mb > 5
    assert seen.disk_free_mb > 0
    assert seen.threads >= 1
    assert 0 < seen.descriptor_share < 1


def test_importing_the_vitals_does_not_import_psutil():
    code = "import sys, organism.vitals; sys.exit('psutil' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


@given(st.floats(-5, 5), st.floats(-100, 100), st.lists(st.integers(0, 500), min_size=2, unique=True))
def test_the_slope_of_a_line_is_its_slope(gradient, start, xs):
    assert slope([(float(x), start + gradient * x) for x in xs]) == pytest.approx(gradient, abs=1e-6)


# ---------------------------------------------------------------- healing


def after(seconds):
    return int(seconds * NS_PER_S)


CAUSES = {
    "venue": (replace(FINE, venue_silent_s=20.0), Action.RECONNECT_VENUE),
    "stale": (DEFECTS["dead feed"][0], Action.RESTART_FEED),
    "memory": (with_machine(memory_mb=1500.0), Action.COLLECT_GARBAGE),
    "journal": (replace(FINE, journal_lag_s=9.0), Action.CHECK_JOURNAL),
    "quantity": (replace(FINE, n_unexplained=2), Action.RECONCILE),
}


@pytest.mark.requirement("S0-4.3.2")
@pytest.mark.requirement("S0-4.3.3")
@pytest.mark.requirement("S0-4.3.4")
@pytest.mark.requirement("S0-4.3.5")
@pytest.mark.requirement("S0-4.3.6")
@pytest.mark.parametrize(("inputs", "expected"), CAUSES.values(), ids=CAUSES.keys())
def test_low_health_starts_the_remedy_of_what_is_wrong_and_tells_a_person(inputs, expected):
    assert score(inputs) < 60
    _, actions = step(Healing(), inputs, score(inputs), 0)
    assert actions == (expected, Action.ALERT)


def test_nothing_is_done_while_health_is_60_or_more():
    sick = replace(FINE, drawdown_share=1.0)
    assert 60 <= score(sick) < 70
    assert step(Healing(), sick, score(sick), 0) == (Healing(), ())


def test_a_score_that_is_no_number_starts_recovery():
    state, actions = step(Healing(), FINE, NAN, 0)
    assert state.recovering
    assert actions == (Action.ALERT,)


def test_recovery_ends_at_70_not_at_60():
    state, _ = step(Healing(), FINE, 59.9, 0)
    state, _ = step(state, FINE, 69.9, 1)
    assert state.recovering
    state, actions = step(state, FINE, 70.0, 2)
    assert not state.recovering
    assert actions == ()


def test_a_flapping_defect_does_not_repeat_its_remedy_within_the_cool_down():
    sick = CAUSES["stale"][0]
    state, done = Healing(), []
    for second in range(300):
        now = FINE if second % 2 else sick
        state, actions = step(state, now, score(now), after(second))
        done += [second for a in actions if a is Action.RESTART_FEED]
    assert done == [0, 60, 120, 180, 240]


@given(st.lists(st.tuples(st.integers(0, 400), inputs), max_size=20))
def test_no_action_is_ever_done_twice_within_its_cool_down(looks):
    state, last, now = Healing(), {}, 0
    for wait_s, seen in looks:
        now += after(wait_s)
        state, actions = step(state, seen, score(seen), now)
        for action in actions:
            if action in last:
                assert now - last[action] >= COOL_DOWN_S[action] * NS_PER_S
            last[action] = now


def test_a_new_process_with_an_earlier_clock_is_not_kept_from_healing():
    state, _ = step(Healing(), CAUSES["stale"][0], 50.0, after(1_000_000))
    _, actions = step(state, CAUSES["stale"][0], 50.0, after(5))
    assert Action.RESTART_FEED in actions


@pytest.mark.requirement("S0-4.3.1")
@pytest.mark.requirement("S0-4.3.7")
def test_the_loop_survives_its_own_errors_and_alerts():
    told = []

    def perform(action, why):
        if action is not Action.ALERT:
            raise RuntimeError("no such venue")
        told.append(why)

    def blind():
        raise OSError("no vital signs")

    state = tend(Healing(), lambda: CAUSES["venue"][0], perform, 0)
    assert state.recovering
    assert told == [
        "reconnect_venue failed: no such venue; health 59: venue: 20 s without the venue's answer (−41)"
    ]
    state = tend(state, blind, perform, after(2000))
    assert told[1:] == ["vital signs could not be read: no vital signs"]
    assert tend(state, blind, perform, after(2001)) == state
    assert len(told) == 2, "the cool-down holds for blindness too"


def test_an_alert_that_fails_does_not_end_the_loop():
    def perform(action, why):
        raise RuntimeError("everything is broken")

    assert tend(Healing(), lambda: CAUSES["stale"][0], perform, 0).recovering
