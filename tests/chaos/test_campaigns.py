"""A campaign that sees a loss, a false kill, or a fault that never happened says so; one that sees none says nothing."""

import random
import signal
from decimal import Decimal
from functools import partial

import msgspec
import pytest

from organism.chaos import kills, stops
from organism.chaos.campaign import Campaign, Tally, conduct, conduct_all
from organism.chaos.habitat import NotBack
from organism.chaos.outcome import Losses
from organism.chaos.verdict import judged, losses
from organism.cli.benches.chaos import held, report
from organism.errors import BadInput, OrganismError
from organism.verify.promises import Promise
from organism.verify.report import Finding, VerifyReport
from tests.chaos.inhabited import Home, inhabited

GOOD = VerifyReport(
    ok=True, events=10, orders=2, open_orders=0, fills=2, marks=3, duplicates=0, phantoms=0, lost=0, in_flight=0,
    unbooked=0, unexplained={}, cash_difference=Decimal(0), chain="ok", first_bad_seq=None, tip_seq=10, compared=True,
    n_findings=0, findings=(), notes=(),
)  # fmt: skip
change = msgspec.structs.replace


def strike(_home, _chance, tally):
    tally.seen += 1
    tally.back(0.1, 0.2)


def conducted(act=strike, times=3, *, armed="", audit=GOOD, alter=lambda _: None, told=lambda _: None):
    """What a campaign says that strikes like this, and whose books are judged like that."""
    campaign = Campaign("A10", "a test", act, times, armed=armed)
    return conduct(
        campaign, 7, told, homes=partial(inhabited, change=alter), judge=lambda _: (losses(audit), audit)
    )


def fails(outcome):
    """Whether the published table fails because of this row."""
    return not held(report([outcome], {}))


def test_a_campaign_in_which_all_is_well_says_so():
    told = []
    found = conducted(told=told.append)
    assert found.losses.none
    assert (found.tried, found.seen, found.seeds) == (3, 3, (7,))
    assert not fails(found)
    assert "seen 3 of 3, lost/duplicate/phantom/untracked 0/0/0/0, 0 breaches" in told[-1]


@pytest.mark.parametrize(
    ("audit", "expected"),
    [
        (change(GOOD, ok=False, lost=2), Losses(lost=2)),
        (change(GOOD, ok=False, duplicates=1), Losses(duplicate=1)),
        (change(GOOD, ok=False, phantoms=3), Losses(phantom=3)),
        (change(GOOD, ok=False, unbooked=1), Losses(untracked=1)),
        (change(GOOD, ok=False, findings=(Finding("venue", "held there, not here", None),)), Losses(untracked=1)),
        (change(GOOD, ok=False, findings=(Finding("quantity", "1 more", None),)), Losses(untracked=1)),
        (change(GOOD, ok=False, findings=(Finding("cash", "0.01 less", None),)), Losses(untracked=1)),
        (change(GOOD, ok=False, findings=(Finding("chain", "row 3", 3),)), Losses(breaches=1)),
        (change(GOOD, ok=False, findings=(Finding("order", "twice", 3),)), Losses(breaches=1)),
        (change(GOOD, ok=False, invariants=(Promise("I2", "once", False, 9, 4),)), Losses(breaches=4)),
        (change(GOOD, compared=False), Losses(breaches=1)),
        (change(GOOD, ok=False), Losses(breaches=1)),
    ],
    ids=["lost", "duplicate", "phantom", "unbooked", "venue", "quantity", "cash", "chain", "order", "I2", "no book", "not ok"],
)  # fmt: skip
def test_whatever_the_judge_finds_is_counted_and_fails_the_whole(audit, expected):
    found = conducted(audit=audit)
    assert found.losses == expected
    assert fails(found)
    for finding in audit.findings:
        assert finding.text in found.note
    for promise in audit.invariants:
        assert f"{promise.invariant} is broken" in found.note


def test_a_folder_that_cannot_be_judged_is_a_breach():
    def judge(_state):
        raise OrganismError("the journal is gone")

    found = conduct(Campaign("A10", "a test", strike, 1), 1, lambda _: None, homes=inhabited, judge=judge)
    assert found.losses == Losses(breaches=1)
    assert "could not be judged: the journal is gone" in found.note


def test_a_folder_in_which_nobody_lived_is_no_proof_of_anything(tmp_path):
    found, audit = judged(tmp_path / "nowhere")
    assert not found.none
    assert not audit.compared


def test_a_promise_that_a_strike_saw_broken_is_a_breach_beside_those_of_the_books():
    def act(_home, _chance, tally):
        tally.seen += 1
        tally.wrong.append("the body fell with the venue")

    found = conducted(act, times=2, audit=change(GOOD, ok=False, lost=1))
    assert found.losses == Losses(lost=1, breaches=2)
    assert "the body fell with the venue" in found.note
    assert fails(found)


def test_an_organism_that_does_not_come_back_ends_the_campaign_and_is_a_breach():
    def act(_home, _chance, tally):
        if tally.tried == 2:
            raise NotBack("3 more orders did not come true within 30 s")
        tally.seen += 1

    found = conducted(act, times=5)
    assert (found.tried, found.seen, found.losses) == (2, 1, Losses(breaches=1))
    assert "did not come true" in found.note
    assert fails(found)


def test_a_fault_that_was_tried_and_never_seen_fails_the_whole():
    found = conducted(lambda *_: None)
    assert found.losses.none
    assert found.vacuous
    assert fails(found)


def test_a_last_stop_that_is_no_orderly_one_is_a_breach():
    def dies(home):
        home.stop_code = -9

    found = conducted(alter=dies)
    assert found.losses == Losses(breaches=1)
    assert "the last orderly stop ended with status -9" in found.note


def test_what_was_armed_is_put_down_before_the_last_life_and_that_one_is_judged():
    homes = []
    conducted(armed="after_send:15", alter=homes.append)
    assert homes[0].did[0] == "start after_send:15"
    assert homes[0].did[-3:] == ["kill all", "trades", "stop"]


def test_seeds_count_up_so_that_one_campaign_can_be_repeated_alone(monkeypatch):
    monkeypatch.setattr("organism.chaos.campaign.conduct", lambda _campaign, seed, _tell: seed)
    assert conduct_all([None, None, None], 20, print) == [20, 21, 22]


# ---------------------------------------------------------------- the ways to strike


@pytest.fixture
def home(tmp_path):
    found = Home(tmp_path / "state")
    found.start()
    yield found
    found.end()


def struck(home, act, tried=1):
    tally = Tally(tried=tried)
    act(home, random.Random(3), tally)
    return tally


KILLS = [
    kills.kill_body, kills.kill_everybody, kills.kill_venue, kills.kill_services, kills.kill_twice, kills.kill_guardian,
]  # fmt: skip


@pytest.mark.parametrize("act", KILLS, ids=lambda act: act.__name__)
def test_a_kill_that_is_survived_is_seen_timed_and_no_breach(home, act):
    tally = struck(home, act)
    assert tally.seen == 1
    assert tally.wrong == []
    assert tally.detection_s or tally.recovery_s


@pytest.mark.parametrize(
    "act",
    [kills.kill_body, kills.kill_venue, kills.kill_services, kills.kill_twice],
    ids=lambda act: act.__name__,
)
def test_a_kill_after_which_nobody_comes_is_told(home, act):
    home.replaces = False
    with pytest.raises(NotBack):
        struck(home, act)


@pytest.mark.parametrize(
    ("act", "who", "tried"),
    [
        (kills.kill_venue, "venue", 1),
        (kills.kill_services, "sender", 2),
        (kills.kill_services, "dashboard", 1),
    ],
)
def test_a_body_that_falls_with_another_process_is_told(home, act, who, tried):
    home.on_trades = [lambda: None] if act is kills.kill_venue else []
    home.on_trades.append(lambda: home.another_one("body"))
    tally = struck(home, act, tried)
    assert tally.wrong == [f"the body fell with the {who}"]


def test_a_death_at_a_point_is_counted_once_for_each_that_was_said(home):
    home.said = "drill: killed at after_send\ndrill: killed at after_sending\ndrill: killed at after_send\n"
    tally, act = Tally(), kills.strike_at("after_send")
    act(home, random.Random(1), tally)
    act(home, random.Random(1), tally)
    assert tally.seen == 2


def test_a_death_that_was_never_said_is_not_seen(home, monkeypatch):
    def once(claim, what, limit_s=0.0):
        if not claim():
            raise NotBack(f"{what} did not come true")

    monkeypatch.setattr(kills, "until", once)
    home.said = "drill: killed at on_fill\n"
    tally = Tally()
    with pytest.raises(NotBack, match="after_send"):
        kills.strike_at("after_send")(home, random.Random(1), tally)
    assert tally.seen == 0


# ---------------------------------------------------------------- frozen, ended, twice


def test_a_freeze_that_is_survived_is_seen_and_no_breach(home):
    tally = struck(home, stops.Frozen("venue", 0.02))
    assert (tally.seen, tally.wrong) == (1, [])


@pytest.mark.parametrize(
    ("falls", "says"), [("body", "the body was replaced because venue"), ("venue", "a false kill: venue")]
)
def test_a_freeze_for_which_somebody_falls_is_told(home, falls, says):
    home.on_trades = [lambda: None, lambda: home.another_one(falls)]
    tally = struck(home, stops.Frozen("venue", 0.02))
    assert len(tally.wrong) == 1
    assert tally.wrong[0].startswith(says)


def test_a_freeze_of_a_process_that_is_dead_is_not_seen(home):
    home.on_trades = [home.processes["venue"].end]
    assert struck(home, stops.Frozen("venue", 0.02)).seen == 0


def test_a_suspend_is_seen_when_everybody_stood_still(home):
    tally = struck(home, stops.Suspended(0.02))
    assert (tally.seen, tally.wrong) == (1, [])
    home.on_trades = [home.processes["sender"].end]
    assert struck(home, stops.Suspended(0.02)).seen == 0


def test_a_false_kill_after_a_suspend_is_told(home):
    home.on_trades = [lambda: None, lambda: home.another_one("sender")]
    assert struck(home, stops.Suspended(0.02)).wrong == [
        "a false kill: somebody was replaced after a suspend"
    ]


TERM = stops.Ended(signal.SIGTERM)


def test_a_stop_in_order_is_no_breach(home):
    assert struck(home, TERM).wrong == []


@pytest.mark.parametrize(
    ("field", "value", "act", "says"),
    [
        ("stop_code", 70, TERM, "ended with status 70"),
        ("stop_s", 10.5, TERM, "a stop took 10.5 s"),
        ("stop_s", 10.5, stops.Ended(signal.SIGTERM, signal.SIGTERM), "a stop took 10.5 s"),
        ("leaves", True, TERM, "left behind by a stop: guardian, body, venue, sender, dashboard"),
    ],
)
def test_a_stop_that_is_none_is_told(home, field, value, act, says):
    setattr(home, field, value)
    (wrong,) = struck(home, act).wrong
    assert says in wrong


def test_a_second_organism_that_is_refused_is_seen_and_no_breach(home):
    tally = struck(home, stops.start_another)
    assert (tally.seen, tally.wrong) == (1, [])


@pytest.mark.parametrize(("code", "runs", "seen"), [(0, 0, 0), (1, 0, 0), (BadInput.exit_code, 1, 1)])
def test_a_second_organism_that_is_not_refused_is_told(home, code, runs, seen):
    home.second_code, home.second_runs = code, runs
    tally = struck(home, stops.start_another)
    assert tally.seen == seen
    assert tally.wrong == [f"another organism ended with status {code} and began {runs} runs"]


def test_a_first_organism_that_is_disturbed_by_a_second_is_told(home):
    home.on_trades = [lambda: home.another_one("venue")]
    assert struck(home, stops.start_another).wrong == ["the first organism was disturbed by a second start"]
