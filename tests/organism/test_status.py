"""`organism status` answers from the view, whatever the body does."""

import json
import os
import subprocess
import sys
import time
from decimal import Decimal

import pytest

from genome.documents import canonical_text, parse_genome
from organism.cli import run
from organism.core import Now
from organism.effects import Notify, Publish
from organism.journal.port import MemoryJournal
from organism.market import Bar
from organism.messages import (
    BarClosed,
    BarsArrived,
    Envelope,
    HealthPart,
    InstantSettled,
    PortfolioMarked,
    Priority,
    Reconciled,
    Severity,
    StrategyFunded,
    TradingStateChanged,
    VitalsTaken,
)
from organism.portfolio import MarkedPosition
from organism.status import render, status
from organism.trading import Standing, TradingState
from organism.view.live import BodyLive, LiveSample, OrganLive
from organism.view.writer import ViewWriter

AT_NS = 1_700_000_000_000_000_000
WALL_NS = 1_800_000_000_000_000_000
REQUIRED = (
    "mode", "reason", "health", "equity", "cash", "drawdown", "positions", "organs", "feeds", "strategies",
    "unexplained_quantity", "last_bar_at", "running",
)  # fmt: skip


def portfolio():
    held = MarkedPosition(
        symbol="BTC/USDT", quantity=Decimal("0.01"), average_price=Decimal(40000), mark=41000.0,
        unrealised=Decimal(10), exposure=0.04, opened_ns=AT_NS, stop_price=Decimal(37600),
    )  # fmt: skip
    return PortfolioMarked(
        at_ns=AT_NS, session=1, cash=Decimal(9600), equity=10010.0, peak=10010.0, drawdown=0.0,
        day_start=10000.0, gross_exposure=0.04, net_exposure=0.04, realised=Decimal(0), unrealised=Decimal(10),
        fees=Decimal(0), consecutive_losses=0, positions=(held,),
    )  # fmt: skip


@pytest.fixture
def body(tmp_path):
    """A body's view, and a guardian that is this very process."""
    journal = MemoryJournal()
    incarnation = journal.begin_incarnation("organ")
    writer = ViewWriter(tmp_path / "view.db")
    writer.catch_up(journal)
    steps = iter(range(1, 1000))

    def say(*messages, heard=None, notify=()):
        step = next(steps)
        message = heard or InstantSettled(at_ns=AT_NS, session=1, bars=())
        envelope = Envelope(f"x:{step}" if heard else f"{step}.0", "x", 0, AT_NS, "", message)
        effects = (*(Publish(to=("x",), message=m) for m in messages), *notify)
        now = Now(AT_NS, 0, WALL_NS, step)
        seq = journal.record("organ", incarnation, step, envelope, effects, now)
        writer.observe(seq, "organ", envelope, effects, now)

    def live(age_s=1.0, *, pid=None, body_pid=1, health=95.0, market_ns=AT_NS):
        (tmp_path / "guardian.json").write_text(json.dumps({"pid": pid or os.getpid()}))
        sample = LiveSample(
            body=BodyLive(
                pid=body_pid, started_wall_ns=1, updated_wall_ns=WALL_NS - int(age_s * 1e9), market_ns=market_ns
            ),
            organs=(OrganLive(name="brain", state="running", incarnation=2, restarts=1, beat_age_s=0.05),),
            vitals=VitalsTaken(
                health=health, parts=(HealthPart(name="feeds", points=5.0, weight=45.0, detail="silent"),)
            ),
        )  # fmt: skip
        journal.flush()
        assert writer.commit(journal.durable_seq, sample)

    bar = Bar("BTC/USDT", 0, AT_NS, 1.0, 1.0, 1.0, 1.0, 1.0)
    say(
        BarClosed(at_ns=AT_NS, session=1, bars=(bar,)),
        heard=BarsArrived(feed="replay", session=1, at_ns=AT_NS, bars=(bar,)),
    )
    say(portfolio(), StrategyFunded(genome_id="ema_0_1", family="ema", weight=0.25, parameters=()))
    say(Reconciled(clean=True, unexplained=(), foreign=(), unknown=(), first=True))
    yield type("Body", (), {"say": staticmethod(say), "live": staticmethod(live)})
    writer.close()


def look(folder):
    return status(folder, now_ns=lambda: WALL_NS)


def changed(state, reason="a reason", **more):
    after = Standing(state=state, reason=reason, since_ns=AT_NS, **more)
    return TradingStateChanged(before=Standing(), after=after, cause="x")


def dead_pid():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait(60)
    return child.pid


def test_a_folder_nobody_lived_in_says_how_to_start(tmp_path):
    found = look(tmp_path)
    assert found["mode"] == "NEVER_STARTED"
    assert found["running"] is False
    assert set(REQUIRED) <= found.keys()
    assert "`organism start`" in render(found).splitlines()[0]


def test_a_living_body_shows_everything_a_script_may_ask(body, tmp_path):
    body.live()
    found = look(tmp_path)
    assert set(REQUIRED) <= found.keys()
    assert (found["mode"], found["running"], found["equity"], found["cash"]) == (
        "ACTIVE",
        True,
        10010.0,
        "9600",
    )
    assert (found["health"], found["drawdown"], found["unexplained_quantity"]) == (95.0, 0.0, 0)
    assert found["last_bar_at"] == "2023-11-14T22:13:20Z"
    assert {"name", "state", "incarnation", "restarts", "mailbox_depth", "beat_age_s"} <= found["organs"][
        0
    ].keys()
    assert found["positions"][0]["symbol"] == "BTC/USDT"
    assert found["strategies"][0]["genome_id"] == "ema_0_1"
    json.dumps(found, allow_nan=False)


def test_the_text_begins_with_the_state_and_shows_the_figures(body, tmp_path):
    alert = Notify(
        alert_id="1", severity=Severity.INFO, priority=Priority.LOW, title="Started", body="b", tags=()
    )
    body.say(notify=(alert,))
    body.live()
    text = render(look(tmp_path))
    assert text.splitlines()[0] == "ACTIVE: started. Nothing needs you."
    for piece in (
        "10,010.00",
        "+0.10% since",
        "BTC/USDT",
        "stop 37600",
        "incarnation 2",
        "ema_0_1",
        "Started",
    ):
        assert piece in text


def test_what_each_strategy_does_is_told_under_it(body, tmp_path, capsys):
    genome = parse_genome(
        "family: ema_crossover\ngeneration: 3\nentry long: ema(fast) crosses_above ema(26) and rsi(14) < 70 and "
        "volume_ratio(20) > 1.2 and close > highest(high, 20) * 0.98 and hour > 6\ngenes: fast=12 stop=0.05"
    )
    text = canonical_text(genome)
    fast, slow = ("fast", 120.0), ("slow", 480.0)
    for name, family, genes, said in (
        (genome.genome_id, genome.family, genome.genes, text),
        ("tampered_0_1", genome.family, genome.genes, text),
        ("ema_trend_0_1", "ema_trend", (slow, fast), ""),
    ):
        body.say(StrategyFunded(genome_id=name, family=family, weight=0.25, parameters=genes, text=said))
    body.live()
    assert run(["status", "--json", "--state", str(tmp_path)]) == 0
    rules = {s["genome_id"]: s["rules"] for s in json.loads(capsys.readouterr().out)["strategies"]}
    assert [label for label, _ in rules[genome.genome_id]] == ["entry long", "genes"]
    assert rules["ema_trend_0_1"] == [["genes", "fast=120 slow=480"]]
    ((label, why),) = rules["tampered_0_1"]
    assert (label, "never chosen" in why) == ("refused", True)

    assert run(["status", "--state", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = next(n for n, line in enumerate(lines) if genome.genome_id in line)
    assert lines[at + 1].startswith("    entry long: ema(12) crosses_above ema(26) and rsi(14) < 70")
    assert lines[at + 2].startswith("        ")
    assert lines[at + 3] == "    genes: stop=0.05"
    assert max(map(len, lines)) <= 110


def test_a_halt_says_why_and_how_to_resume_first(body, tmp_path):
    body.say(changed(TradingState.HALTED, "drawdown 15.2 % reached the halt limit"))
    body.live()
    found = look(tmp_path)
    assert (found["mode"], found["reason"]) == ("HALTED", "drawdown 15.2 % reached the halt limit")
    first = render(found).splitlines()[0]
    assert "drawdown 15.2 %" in first
    assert "organism resume" in first


def test_a_halt_outweighs_a_hibernation_and_reducing_is_named(body, tmp_path):
    body.say(changed(TradingState.REDUCING, hibernating_until_ns=AT_NS + 1))
    body.live()
    assert look(tmp_path)["mode"] == "HIBERNATING"
    assert "wakes by itself" in render(look(tmp_path)).splitlines()[0]
    body.live(market_ns=AT_NS + 1)
    assert look(tmp_path)["mode"] == "REDUCING"
    body.say(changed(TradingState.HALTED, hibernating_until_ns=AT_NS + 1))
    body.live()
    assert look(tmp_path)["mode"] == "HALTED"


def test_low_health_and_unexplained_quantity_are_in_the_first_sentence(body, tmp_path):
    body.live(health=55.0)
    assert "health is 55" in render(look(tmp_path)).splitlines()[0]
    body.say(Reconciled(clean=False, unexplained=(("BTC/USDT", Decimal("-0.5")),), foreign=(), unknown=()))
    body.live()
    found = look(tmp_path)
    assert found["unexplained_quantity"] == 0.5
    assert "`organism verify`" in render(found).splitlines()[0]


def test_a_body_whose_guardian_is_gone_is_down_and_a_halt_is_not_forgotten(body, tmp_path):
    body.say(changed(TradingState.HALTED, "by hand"))
    body.live(pid=dead_pid())
    found = look(tmp_path)
    assert (found["mode"], found["running"], found["equity"]) == ("DOWN", False, 10010.0)
    first = render(found).splitlines()[0]
    assert "`organism start`" in first
    assert "HALTED (by hand)" in first


def test_a_guardian_that_has_ended_starts_nothing_though_its_number_is_still_taken(body, tmp_path, zombie):
    body.live(pid=zombie.pid)
    assert look(tmp_path)["mode"] == "DOWN"
    assert "`organism start`" in render(look(tmp_path)).splitlines()[0]


def test_a_body_that_ended_is_down_for_now_before_it_has_been_silent_for_long(body, tmp_path, zombie):
    for pid in (zombie.pid, dead_pid()):
        body.live(age_s=0.1, body_pid=pid)
        found = look(tmp_path)
        assert (found["mode"], found["running"]) == ("DOWN", False)
        assert "restarted by itself" in render(found).splitlines()[0]


def test_a_silent_body_under_a_living_guardian_is_down_for_now(body, tmp_path):
    body.live(age_s=30.0)
    found = look(tmp_path)
    assert (found["mode"], found["running"]) == ("DOWN", False)
    assert "restarted by itself" in render(found).splitlines()[0]


@pytest.mark.parametrize(
    "text", ["", "not json", "[]", '{"pid": "1"}', '{"pid": -1}', '{"pid": 1e99}', '{"pid": true}']
)
def test_a_spoilt_guardian_file_means_that_nothing_runs(body, tmp_path, text):
    body.live()
    (tmp_path / "guardian.json").write_text(text)
    assert look(tmp_path)["mode"] == "DOWN"


def test_an_unreadable_view_is_an_answer_not_an_error(tmp_path):
    (tmp_path / "view.db").write_bytes(b"garbage" * 1000)
    found = look(tmp_path)
    assert found["mode"] == "DOWN"
    assert "disposable" in found["trouble"]
    assert set(REQUIRED) <= found.keys()
    render(found)


def test_a_deleted_view_beside_a_journal_is_not_never_started(tmp_path):
    (tmp_path / "journal.db").write_bytes(b"")
    assert look(tmp_path)["mode"] == "DOWN"


def test_an_empty_view_of_a_body_that_is_starting_renders(body, tmp_path):
    body.live()
    found = look(tmp_path)
    found.update(
        equity=None, health=None, health_parts=[], positions=[], organs=[], unexplained_quantity=None
    )
    assert "not known" in render(found)


def test_status_imports_nothing_heavy(tmp_path):
    heavy = ("numpy", "pandas", "dash", "pykka", "psutil", "msgspec", "sqlite_utils")
    code = f"import sys, organism.status; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_reading_the_vitals_is_short(body, tmp_path):
    body.live()
    spans = []
    for _ in range(10):
        began = time.perf_counter()
        look(tmp_path)
        spans.append(time.perf_counter() - began)
    assert min(spans) < 0.05
