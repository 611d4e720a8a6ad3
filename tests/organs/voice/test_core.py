"""Voice says what is worth saying, once, and never holds a critical alert back."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.core import Now
from organism.effects import Notify, Schedule
from organism.journal.port import MemoryJournal
from organism.lockstep import Lockstep
from organism.market import NS_PER_S
from organism.messages import (
    AlertRaised,
    Escalated,
    FeedRecovered,
    FeedStalled,
    HealthPart,
    InvariantBroken,
    MessageSetAside,
    OrganRestarted,
    Priority,
    Reconciled,
    Recovered,
    Severity,
    StrategyRetired,
    TimerFired,
    TradeClosed,
    TradingStateChanged,
    VitalsTaken,
)
from organism.settings import VoiceSettings
from organism.trading import Side, Standing, TradingState
from organs.voice.core import voice_core
from organs.voice.grouping import DAY_NS, VoiceState

T0 = 1_704_067_200 * NS_PER_S  # 2024-01-01 00:00 UTC


class Life:
    """A voice with two clocks, and what it said."""

    def __init__(self, **settings):
        self.core = voice_core(VoiceSettings(**settings))
        self.state = self.core.initial
        self.mono_ns = 5 * NS_PER_S
        self.market_ns = 0
        self.steps = 0
        self.said: list[Notify] = []
        self.timers: dict[str, Schedule] = {}

    def hear(self, message, after_s=0.0):
        self.mono_ns += int(after_s * NS_PER_S)
        self.steps += 1
        now = Now(self.market_ns, self.mono_ns, 0, self.steps)
        self.state, effects = self.core.step(self.state, message, now)
        told = [e for e in effects if type(e) is Notify]
        self.said += told
        self.timers |= {e.key: e for e in effects if type(e) is Schedule}
        assert self.state == msgspec.msgpack.decode(msgspec.msgpack.encode(self.state), type=VoiceState)
        return told

    def fire(self, key):
        timer = self.timers.pop(key)
        if timer.clock == "mono":
            self.mono_ns = max(self.mono_ns, timer.due_ns)
        else:
            self.market_ns = max(self.market_ns, timer.due_ns)
        return self.hear(TimerFired(key=key, due_ns=timer.due_ns))


def alert(key="k", priority=Priority.LOW, severity=Severity.WARNING, title="Title", body="body"):
    return AlertRaised(severity=severity, priority=priority, title=title, body=body, dedup_key=key)


def vitals(health, parts=()):
    return VitalsTaken(health=health, parts=parts)


def trade(pnl, *, entry=100, quantity=1, at_ns=T0):
    return TradeClosed(
        symbol="BTC/USDT", side=Side.BUY, quantity=Decimal(quantity), entry_price=Decimal(entry),
        exit_price=Decimal(entry), pnl=Decimal(pnl), fees=Decimal("0.5"), opened_ns=at_ns, closed_ns=at_ns,
        genome_ids=(), purpose="target",
    )  # fmt: skip


def changed(before=None, **after):
    return TradingStateChanged(
        before=before or Standing(),
        after=Standing(reason="drawdown 16 % reached 15 %", **after),
        cause="limit",
    )


HALT = changed(state=TradingState.HALTED)


@pytest.mark.requirement("S0-4.2.6")
@pytest.mark.requirement("S3-4.2.7")
def test_low_health_is_said_once_an_excursion_and_names_the_worst_part():
    life = Life()
    parts = (
        HealthPart(name="feeds", points=2, weight=20, detail="silent"),
        HealthPart(name="organs", points=30, weight=30),
    )

    (said,) = life.hear(vitals(69.9, parts))
    assert (said.severity, said.priority, said.tags) == (Severity.WARNING, Priority.HIGH, ("high",))
    assert "feeds 2 of 20 (silent)" in said.body
    assert "organs" not in said.body
    for health in (60.0, 71.0, 69.0, 74.9):  # within the hysteresis: the same excursion
        assert life.hear(vitals(health), 100) == []
    (good,) = life.hear(vitals(75.0), 100)
    assert good.severity is Severity.SUCCESS
    (again,) = life.hear(vitals(10.0), 100)
    assert again.title == said.title


@pytest.mark.parametrize("health", [float("nan"), float("-inf")])
def test_health_that_is_no_number_is_low(health):
    assert Life().hear(vitals(health))[0].title == "Health is low"


@pytest.mark.requirement("S0-4.2.5")
def test_the_lines_come_from_the_settings():
    assert Life(health_below=50.0).hear(vitals(60.0)) == []
    assert Life(health_below=50.0).hear(vitals(49.0)) != []
    assert Life(profit_above=0.5).hear(trade(40)) == []
    assert Life(profit_above=0.3).hear(trade(40)) != []


@pytest.mark.requirement("S0-4.2.7")
@pytest.mark.requirement("S0-4.2.13")
def test_an_alert_carries_severity_priority_and_the_tag_of_its_channels():
    for priority in Priority:
        for severity in Severity:
            (said,) = Life().hear(alert(priority=priority, severity=severity))
            assert (said.severity, said.priority, said.tags) == (severity, priority, (priority.value,))
    assert {s.value for s in Severity} >= {"warning", "critical", "success", "milestone"}
    assert {p.value for p in Priority} == {"low", "high", "critical"}


@pytest.mark.requirement("S0-4.2.10")
@pytest.mark.requirement("S3-4.2.6")
def test_a_halt_is_critical_and_says_why_and_how_to_resume():
    (said,) = Life().hear(HALT)

    assert said.priority is Priority.CRITICAL
    assert said.body.startswith("Halted: drawdown 16 % reached 15 %.")
    assert "organism resume" in said.body


def test_every_halt_is_said_even_twice_in_a_second():
    life = Life()
    resumed = changed(before=HALT.after)
    titles = [s.title for m in (HALT, resumed, HALT, resumed) for s in life.hear(m)]
    assert titles == ["Trading HALTED", "Trading resumed", "Trading HALTED", "Trading resumed"]


def test_each_narrowing_of_trading_is_said_in_its_own_words():
    hibernating = changed(hibernating_until_ns=T0)
    assert Life().hear(hibernating)[0].body.startswith("No entries until 2024-01-01 00:00 UTC (market time)")
    assert Life().hear(changed(no_entries_until_ns=T0))[0].title == "No entries"
    assert Life().hear(changed(metabolic_rate=0.5))[0].title == "Smaller sizes"
    assert Life().hear(changed(state=TradingState.REDUCING))[0].priority is Priority.HIGH
    assert Life().hear(changed(before=hibernating.after))[0].title == "Hibernation is over"
    two = Life().hear(changed(state=TradingState.REDUCING, no_entries_until_ns=T0))
    assert [s.title for s in two] == ["Trading is REDUCING", "No entries"]
    assert len({s.alert_id for s in two}) == 2


def test_a_start_is_said_and_a_halt_is_never_a_detail_of_it():
    start = Recovered(organ="voice", incarnation=1, process=True)
    life = Life()
    assert life.hear(start)[0].title == "Started"
    assert life.hear(msgspec.structs.replace(start, process=False)) == []
    assert "safe mode" in life.hear(msgspec.structs.replace(start, safe=True))[0].title
    life.hear(HALT)
    (said,) = life.hear(start)
    assert said.title == "Started, and trading is HALTED"
    assert "organism resume" in said.body


def test_restarts_dead_letters_and_escalations_are_said():
    life = Life()
    restart = OrganRestarted(organ="brain", incarnation=2, why="ValueError", attempt=1, limit=3)
    letter = MessageSetAside(organ="brain", envelope_id="7.0", message="BarClosed", why="ValueError")
    assert life.hear(restart)[0].body == "Restart 1 of at most 3: ValueError."
    assert "7.0" in life.hear(letter)[0].body
    assert life.hear(Escalated(organ="motor", why="a fill failed"))[0].priority is Priority.CRITICAL
    (told,) = life.hear(InvariantBroken(invariant="I3", breach_id="I3:7:X", text="The books hold 2."))
    assert (told.priority, "I3" in told.title, "organism verify" in told.body) == (
        Priority.CRITICAL,
        True,
        True,
    )
    assert life.hear(StrategyRetired(genome_id="ema_1_ab", reason="drawdown"))[0].priority is Priority.LOW


def test_a_stall_that_lasts_is_said_once_and_its_end_once():
    life = Life()
    stall = FeedStalled(feed="replay", reason="silent", silent_s=12.0)
    assert len(life.hear(stall)) == 1
    assert life.hear(stall, 500) == []
    assert len(life.hear(FeedRecovered(feed="replay"))) == 1
    assert life.hear(FeedRecovered(feed="replay")) == []
    assert len(life.hear(stall, 500)) == 1


def test_unexplained_quantity_is_critical_and_clean_again_is_good():
    def reconciled(**parts):
        clean = not any(parts.values())
        return Reconciled(**({"unexplained": (), "foreign": (), "unknown": ()} | parts), clean=clean)

    life = Life()
    assert life.hear(reconciled()) == []
    assert life.hear(reconciled(unknown=("7-0",)))[0].priority is Priority.HIGH
    (said,) = life.hear(reconciled(unexplained=(("BTC/USDT", Decimal("0.5")),)))
    assert said.priority is Priority.CRITICAL
    assert "BTC/USDT +0.5" in said.body
    assert life.hear(reconciled(foreign=("x",))) == []
    assert life.hear(reconciled())[0].severity is Severity.SUCCESS


@pytest.mark.requirement("S0-4.2.8")
def test_a_trade_with_a_good_profit_is_said_with_low_priority():
    life = Life(profit_above=0.10)
    assert life.hear(trade(10)) == []
    (said,) = life.hear(trade("10.01"))
    assert (said.priority, said.severity) == (Priority.LOW, Severity.SUCCESS)
    assert "10.0%" in said.title


@pytest.mark.requirement("S0-4.2.9")
def test_the_milestone_is_said_once_and_remembered_over_restarts():
    life = Life(milestone=1_000.0, profit_above=100.0)
    assert life.hear(trade(600)) == []
    (said,) = life.hear(trade(401))
    assert said.severity is Severity.MILESTONE
    assert life.hear(trade(-900)) == []
    life.hear(Recovered(organ="voice", incarnation=2, process=True))
    assert life.hear(trade(5_000)) == []


@pytest.mark.parametrize("pnl", ["NaN", "Infinity", "sNaN"])
def test_a_profit_that_is_no_number_enters_no_sum(pnl):
    life = Life()
    life.hear(trade(pnl))
    assert life.state.total_profit == 0
    assert life.said[-1].severity is Severity.WARNING


@pytest.mark.requirement("S0-4.2.12")
@pytest.mark.requirement("S3-4.2.5")
def test_one_summary_a_market_day():
    life = Life(profit_above=100.0)
    life.market_ns = T0 + 3_600 * NS_PER_S
    life.hear(trade(7))
    life.hear(trade("-2.5"))
    assert life.timers["daily"] == Schedule(key="daily", due_ns=T0 + DAY_NS, clock="market")

    (said,) = life.fire("daily")
    assert said.title == "Market day 2024-01-01: +4.50 from 2 closed trades"
    assert "1 of them won; +4.50 after fees of 1.00" in said.body
    assert life.timers["daily"].due_ns == T0 + 2 * DAY_NS

    life.market_ns = T0 + 9 * DAY_NS  # a new session, dates shifted forward
    (said,) = life.fire("daily")
    assert "0 closed trades" in said.title
    assert life.timers["daily"].due_ns == T0 + 10 * DAY_NS


def test_a_summary_of_one_trade_speaks_of_one_trade():
    life = Life(profit_above=100.0)
    life.market_ns = T0 + 3_600 * NS_PER_S
    life.hear(trade("-2.5"))
    (said,) = life.fire("daily")
    assert said.title == "Market day 2024-01-01: -2.50 from 1 closed trade"
    assert said.body.startswith("1 trade closed, 0 of them won")


def test_no_summary_where_the_settings_want_none():
    life = Life(daily_summary=False)
    life.market_ns = T0
    life.hear(trade(7))
    assert "daily" not in life.timers


def test_repeats_are_counted_and_said_once_more_with_their_number():
    life = Life(group_s=60.0)
    assert len(life.hear(alert())) == 1
    for _ in range(4):
        assert life.hear(alert(), 1) == []
    (said,) = life.fire("group:k")
    assert (said.title, said.count) == ("Title (4 more times)", 4)
    assert life.hear(alert(), 1) == []  # the storm goes on: counted again
    assert len(life.fire("group:k")) == 1
    assert len(life.hear(alert(), 61)) == 1


def test_another_key_is_another_alert_and_a_worse_one_breaks_through():
    life = Life()
    assert len(life.hear(alert("a"))) == 1
    assert len(life.hear(alert("b"))) == 1
    assert len(life.hear(alert("a", Priority.CRITICAL))) == 1
    assert life.hear(alert("a", Priority.CRITICAL)) == []


def test_the_budget_holds_back_all_but_critical_alerts_and_sums_up_what_it_held():
    life = Life(per_minute=3)
    said = [life.hear(alert(f"k{n}", title=f"T{n}")) for n in range(10)]
    assert [len(s) for s in said] == [1, 1, 1] + [0] * 7
    assert len(life.hear(alert("c", Priority.CRITICAL))) == 1
    assert len(life.hear(HALT)) == 1
    (summary,) = life.fire("held")
    assert summary.title == "7 alerts were held back"
    assert summary.body == "T3; T4; T5; T6; T7 and 2 more."
    assert len(life.hear(alert("later"))) == 1


def test_after_a_process_restart_monotonic_stamps_are_void():
    life = Life(per_minute=2)
    for n in range(4):
        life.hear(alert(title="again"), 0.1)
        life.hear(alert(f"k{n}"))
    life.mono_ns = 1  # another boot
    titles = [s.title for s in life.hear(Recovered(organ="voice", incarnation=2, process=True))]
    assert "again (3 more times)" in titles
    assert any("held back" in t for t in titles)
    assert titles[-1].startswith("Started")
    assert len(life.hear(alert())) == 1
    assert life.hear(TimerFired(key="group:gone", due_ns=0)) == []


def test_what_looks_like_a_secret_is_not_said():
    life = Life()
    (said,) = life.hear(
        alert(body="login https://me:pass77@host failed, api_key=K12345\x1b[2J\nX" + "y" * 9_000)
    )
    assert "pass77" not in said.body
    assert "K12345" not in said.body
    assert "\n" not in said.body
    assert len(said.body) <= 1_500


keys = st.sampled_from(["a", "b", "c", ""])
alerts = st.builds(alert, keys, st.sampled_from(Priority), st.sampled_from(Severity))


@given(st.lists(st.tuples(alerts, st.sampled_from([0.0, 0.5, 7.0, 45.0])), max_size=60), st.integers(1, 5))
def test_nothing_is_lost_nothing_critical_waits_and_the_budget_holds(story, per_minute):
    """Every alert is said, counted in a follow-up, or counted in a summary; each id is said once."""
    life = Life(per_minute=per_minute, group_s=30.0)
    start_ns = life.mono_ns
    n_heard = 0
    for message, after_s in story:
        for key, timer in sorted(life.timers.items(), key=lambda kt: kt[1].due_ns):
            if timer.due_ns <= life.mono_ns + after_s * NS_PER_S:
                life.fire(key)
        told = life.hear(message, after_s)
        n_heard += 1
        if message.priority is Priority.CRITICAL and message.dedup_key == "":
            assert len(told) == 1
    while life.timers:
        life.fire(min(life.timers, key=lambda k: life.timers[k].due_ns))
    n_ordinary = sum(
        s.priority is not Priority.CRITICAL and s.severity is not Severity.CRITICAL for s in life.said
    )
    summaries = sum("held back" in s.title for s in life.said)
    minutes = (life.mono_ns - start_ns) / (60 * NS_PER_S)
    assert n_ordinary - summaries <= per_minute * (1 + minutes) + 1
    assert sum(s.count for s in life.said) == n_heard
    assert len({s.alert_id for s in life.said}) == len(life.said)


def test_in_the_whole_organism_a_storm_becomes_two_rows_of_the_outbox():
    sent = []
    life = Lockstep(
        [voice_core(VoiceSettings(group_s=10.0))],
        MemoryJournal(),
        ports={Notify: lambda effect, _: sent.append(effect)},
    )
    for _ in range(50):
        life.inject("voice", alert(), sender="supervisor")
        life.drain()
    life.advance_mono(11 * NS_PER_S)
    life.drain()
    assert [s.title for s in sent] == ["Started", "Title", "Title (49 more times)"]
