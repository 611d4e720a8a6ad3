"""The view: what is written as it happens equals what is rebuilt from the journal."""

import sqlite3
import threading
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.core import Now
from organism.effects import Notify, Publish, Schedule
from organism.errors import BadInput
from organism.journal.port import MemoryJournal
from organism.market import Bar
from organism.messages import (
    BarClosed,
    BarsArrived,
    Contribution,
    DenialReason,
    Envelope,
    ExposureTargeted,
    FeedRecovered,
    FeedReported,
    FeedStalled,
    Filled,
    HealthPart,
    InstantSettled,
    MessageSetAside,
    OrderApproved,
    OrderDenied,
    OrderUpdated,
    OrganRestarted,
    PortfolioMarked,
    Priority,
    Reconciled,
    Severity,
    StrategyFunded,
    StrategyRetired,
    Target,
    TradeClosed,
    TradingStateChanged,
    VitalsTaken,
)
from organism.portfolio import MarkedPosition
from organism.trading import (
    ApprovedOrder,
    Fill,
    Order,
    OrderKind,
    OrderStatus,
    Purpose,
    Side,
    Standing,
    TradingState,
)
from organism.view import NeverStarted, ViewReader, ViewUnreadable, batch, schema
from organism.view.live import BodyLive, FeedLive, LiveSample, OrganLive
from organism.view.writer import PATIENCE, ViewWriter

X, Y = "X/USDT", "Y/USDT"


class Life:
    """A journal with an observer, as the spine has it."""

    def __init__(self, observe=None, namespace="n"):
        self.journal = MemoryJournal(namespace)
        self.observe = observe or (lambda *_: None)
        self.incarnations = {}
        self.now = 0

    def step(self, organ, message=None, *effects, external=True):
        incarnation = self.incarnations.get(organ)
        if incarnation is None:
            incarnation = self.incarnations[organ] = self.journal.begin_incarnation(organ)
        self.now += 1
        identity = f"out:{self.now}" if external else f"{self.now}.0"
        sent = message or InstantSettled(at_ns=self.now, session=1, bars=())
        envelope = Envelope(identity, "x", 0, self.now, "", sent)
        now = Now(self.now, self.now, self.now * 10, self.now)
        seq = self.journal.record(organ, incarnation, self.now, envelope, effects, now)
        self.observe(seq, organ, envelope, effects, now)
        return seq

    def say(self, organ, *messages):
        effects = tuple(Publish(to=("x",), message=m) for m in messages)
        return self.step(organ, None, *effects, external=False)


def order(i, **changes):
    values = {
        "id": str(i), "symbol": X, "side": Side.BUY, "quantity": Decimal(2), "kind": OrderKind.MARKET,
        "purpose": Purpose.TARGET, "reference_price": Decimal("10.5"), "created_ns": 5,
    }  # fmt: skip
    return Order(**{**values, **changes})


def fill(i, order_id="1"):
    return Fill(
        venue="paper", symbol=X, trade_id=str(i), order_id=order_id, client_order_id=f"c{order_id}",
        side=Side.BUY, quantity=Decimal(1), price=Decimal(10), fee=Decimal("0.01"), fee_currency="USDT", maker=False, at_ns=i,
    )  # fmt: skip


def marked(at_ns, equity=100.0, symbols=(), **changes):
    held = tuple(
        MarkedPosition(
            symbol=s, quantity=Decimal("0.00000001"), average_price=Decimal(10), mark=11.0, unrealised=Decimal(1),
            exposure=0.1, opened_ns=1, stop_price=Decimal("9.4"),
        )
        for s in symbols
    )  # fmt: skip
    values = {
        "at_ns": at_ns, "session": 1, "cash": Decimal(90), "equity": equity, "peak": 100.0, "drawdown": 0.0,
        "day_start": 100.0, "gross_exposure": 0.1, "net_exposure": 0.1, "realised": Decimal(1),
        "unrealised": Decimal(0), "fees": Decimal(1), "consecutive_losses": 0, "positions": held,
    }  # fmt: skip
    return PortfolioMarked(**{**values, **changes})


def trade(symbol=X):
    return TradeClosed(
        symbol=symbol, side=Side.BUY, quantity=Decimal(1), entry_price=Decimal(10), exit_price=Decimal(11), pnl=Decimal("0.98"),
        fees=Decimal("0.02"), opened_ns=1, closed_ns=2, genome_ids=("g1", "g2"), purpose="target",
    )  # fmt: skip


def bar(symbol, at_ns, close=10.0, flags=()):
    return Bar(symbol, at_ns - 1, at_ns, close, close, close, close, 1.0, flags)


def arrived(life, at_ns, *bars, kept=None):
    message = BarsArrived(feed="replay", session=1, at_ns=at_ns, bars=bars)
    closed = BarClosed(at_ns=at_ns, session=1, bars=bars if kept is None else kept)
    return life.step("nervous", message, Publish(to=("brain",), message=closed))


def alert(i, count=1):
    return Notify(
        alert_id=f"a{i}", severity=Severity.WARNING, priority=Priority.HIGH, title="t", body="b",
        tags=("all",), count=count,
    )  # fmt: skip


def vitals(health=90.0):
    return VitalsTaken(health=health, parts=(HealthPart(name="organs", points=1.0, weight=2.0),))


def live(**changes):
    return LiveSample(body=BodyLive(pid=7, started_wall_ns=1, updated_wall_ns=2), **changes)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "view.db"


@pytest.fixture
def life(path):
    """An organism whose every step is observed; `life.commit()` makes the view current."""
    writer = ViewWriter(path)
    lived = Life(writer.observe)
    writer.catch_up(lived.journal)
    lived.writer = writer

    def commit(sample=None):
        lived.journal.flush()
        assert writer.commit(lived.journal.durable_seq, sample)

    lived.commit = commit
    yield lived
    writer.close()


def contents(path):
    db = sqlite3.connect(path)
    try:
        tables = [*schema.KEYS, "meta"]
        return {t: db.execute(f"SELECT * FROM {t} ORDER BY 1, 2").fetchall() for t in tables}  # noqa: S608
    finally:
        db.close()


# ---------------------------------------------------------------- what is shown


@pytest.mark.requirement("S1-2.11")
def test_a_mark_shows_the_portfolio_its_positions_and_a_point_of_equity(life, path):
    life.say("metabolism", marked(5, symbols=(X, Y)))
    life.say("metabolism", marked(6, equity=101.0, symbols=(Y,)))
    life.commit()
    seen = ViewReader(path).status()
    assert seen["portfolio"]["equity"] == 101.0
    assert seen["portfolio"]["cash"] == "90"
    assert seen["portfolio"]["starting_cash"] == 101.0
    assert [p["symbol"] for p in seen["positions"]] == [Y]
    assert seen["positions"][0]["quantity"] == "0.00000001", "exact, and never in scientific notation"
    assert [p["equity"] for p in ViewReader(path).equity()] == [100.0, 101.0]


def test_an_order_is_followed_from_approval_to_its_end(life, path):
    life.say("immune", OrderApproved(approved=ApprovedOrder(order=order(1), approved_ns=5)))
    update = OrderUpdated(
        order_id="1",
        client_order_id="c1",
        symbol=X,
        status=OrderStatus.PARTIAL,
        filled=Decimal(1),
        reason="r",
    )
    life.say("motor", update, Filled(fill=fill(1)))
    life.say("motor", Filled(fill=fill(1)))
    life.commit()
    (seen,) = ViewReader(path).table("orders")
    assert (seen["status"], seen["filled"], seen["quantity"], seen["price"]) == ("partial", "1", "2", "10.5")
    assert seen["client_order_id"] == "c1"
    assert [f["key"] for f in ViewReader(path).table("fills")] == [f"paper|{X}|1"], "a fill told twice is one"


@pytest.mark.requirement("S1-2.12")
def test_trades_alerts_denials_and_the_standing_are_shown(life, path):
    life.say("metabolism", trade(X), trade(Y))
    life.step("voice", None, alert(1), alert(2), alert(1, count=3), external=False)
    denied = OrderDenied(order_id="1", symbol=X, reason=DenialReason.HALTED, limit=0.0, observed=float("nan"))
    life.say("immune", denied, denied)
    halted = Standing(state=TradingState.HALTED, reason="drawdown", since_ns=3)
    life.say("immune", TradingStateChanged(before=Standing(), after=halted, cause="drawdown"))
    life.commit()
    reader = ViewReader(path)
    assert {t["symbol"] for t in reader.table("trades")} == {X, Y}, "two trades of one step are two trades"
    assert reader.table("trades")[0]["genome_ids"] == ["g1", "g2"]
    assert {a["alert_id"]: a["count"] for a in reader.table("alerts")} == {"a1": 3, "a2": 1}
    assert reader.status()["denials"] == [{"reason": "halted", "n": 2, "last_ns": life.now - 1}]
    assert reader.status()["standing"]["state"] == "halted"


def test_feeds_are_counted_bar_by_bar(life, path):
    arrived(life, 1, bar(X, 1), bar(Y, 1))
    bad = bar(Y, 2, -1.0)
    arrived(life, 2, bar(X, 2), bad, kept=(bar(X, 2, 11.0, ("gap", "outlier")),))
    life.say("nervous", FeedStalled(feed="replay", reason="silent", silent_s=12.0))
    life.commit()
    (feed,) = ViewReader(path).status()["feeds"]
    assert (feed["state"], feed["bars"], feed["refused"], feed["doubtful"], feed["gaps"]) == (
        "stalled", 3, 1, 1, 1,
    )  # fmt: skip
    assert feed["silent_s"] == 12.0
    life.say("nervous", FeedRecovered(feed="replay"))
    life.commit(live(feeds=(FeedLive(name="replay", silent_s=0.5),)))
    (feed,) = ViewReader(path).status()["feeds"]
    assert (feed["state"], feed["silent_s"], feed["bars"]) == ("live", 0.5, 3)
    assert [m["close"] for m in ViewReader(path).marks(X)] == [10.0, 11.0]


def test_what_strategies_say_is_kept_by_symbol(life, path):
    life.say("reproduction", StrategyFunded(genome_id="g", family="ema", weight=0.5, parameters=()))

    def targets(symbol, forecast):
        said = Contribution(genome_id="g", forecast=forecast, weight=1.0)
        target = Target(
            symbol=symbol, forecast=forecast, volatility=0.1, regime="calm", contributions=(said,)
        )
        return ExposureTargeted(at_ns=1, targets=(target,))

    life.say("brain", targets(X, 0.25))
    life.say("brain", targets(Y, -1.0))
    life.commit()
    (seen,) = ViewReader(path).status()["strategies"]
    assert seen["forecasts"] == {X: 0.25, Y: -1.0}
    life.say("brain", targets(X, float("nan")))
    life.say("reproduction", StrategyRetired(genome_id="g", reason="old"))
    life.commit()
    (seen,) = ViewReader(path).status()["strategies"]
    assert (seen["forecasts"], seen["state"], seen["family"]) == ({Y: -1.0}, "retired", "ema")


def test_what_a_strategy_is_made_of_is_kept_as_it_was_funded(life, path):
    genes = (("fast", 12.0), ("stop", float("nan")))
    life.say(
        "reproduction",
        StrategyFunded(genome_id="g", family="x", weight=0.5, parameters=genes, text="family: x"),
    )
    life.say("reproduction", StrategyFunded(genome_id="f", family="y", weight=0.25, parameters=()))
    life.commit()
    bred, founder = ViewReader(path).status()["strategies"]
    assert (bred["text"], bred["parameters"]) == ("family: x", {"fast": 12.0, "stop": None})
    assert (founder["text"], founder["parameters"]) == ("", {})


def test_a_restart_heard_by_two_organs_is_one_restart(life, path):
    message = OrganRestarted(organ="brain", incarnation=2, why="raised", attempt=1, limit=3)
    aside = MessageSetAside(
        organ="brain", envelope_id="5.0", message="BarClosed", why="Traceback …\nValueError: x"
    )
    for organ in ("immune", "voice"):
        life.step(organ, message)
        life.step(organ, aside)
    life.commit()
    assert len(ViewReader(path).table("restarts")) == 1
    (letter,) = ViewReader(path).table("dead_letters")
    assert (letter["why"], letter["traceback"]) == ("ValueError: x", "Traceback …\nValueError: x")


def test_the_traceback_of_a_message_set_aside_joins_its_row_or_stands_alone(life, path):
    life.writer.dead_letter(7, "brain", "BarClosed", "ValueError: x", "Traceback …")
    life.commit()
    aside = MessageSetAside(organ="brain", envelope_id="5.0", message="BarClosed", why="ValueError: x")
    life.step("immune", aside)
    life.commit()
    life.step("voice", aside)
    life.commit()
    (letter,) = ViewReader(path).table("dead_letters")
    assert (letter["why"], letter["traceback"]) == ("ValueError: x", "Traceback …")
    life.writer.dead_letter(8, "motor", "BarClosed", "KeyError: y", "Traceback 2")
    for _ in range(PATIENCE):
        life.commit()
    assert [row["traceback"] for row in ViewReader(path).table("dead_letters")] == [
        "Traceback 2",
        "Traceback …",
    ]


def test_a_live_sample_shows_the_body_and_only_the_organs_it_names(life, path):
    both = (
        OrganLive(name="brain", state="running", incarnation=1),
        OrganLive(name="old", state="x", incarnation=1),
    )
    life.commit(live(organs=both, limits={"halt_at_drawdown": 0.15}))
    life.commit(live(organs=both[:1], machine={"cpu": float("nan")}, vitals=vitals()))
    seen = ViewReader(path).status()
    assert [o["name"] for o in seen["organs"]] == ["brain"]
    assert seen["body"]["pid"] == 7
    assert seen["limits"] == {"halt_at_drawdown": 0.15}, "an empty sample leaves what is there"
    assert seen["machine"] == {"cpu": None}
    assert seen["health"]["health"] == 90.0


def test_a_price_that_is_not_known_is_shown_as_not_known(life, path):
    life.say("metabolism", marked(5, equity=float("nan"), unrealised=Decimal("NaN"), drawdown=float("nan")))
    life.commit()
    seen = ViewReader(path).status()["portfolio"]
    assert (seen["equity"], seen["unrealised"], seen["starting_cash"]) == (None, None, None)
    assert ViewReader(path).equity()[-1]["equity"] is None


def test_nothing_is_shown_before_it_is_durable(life, path):
    life.say("metabolism", marked(5))
    life.writer.commit(0)
    assert ViewReader(path).table("equity") == []
    life.commit()
    assert len(ViewReader(path).table("equity")) == 1


# ---------------------------------------------------------------- rebuilt = written as it happened


events = st.one_of(
    st.tuples(st.just("mark"), st.sampled_from([(), (X,), (X, Y)])),
    st.tuples(st.just("bars"), st.booleans()),
    st.tuples(st.just("order"), st.integers(1, 4)),
    st.tuples(st.just("update"), st.integers(1, 4), st.sampled_from(list(OrderStatus))),
    st.tuples(st.just("fill"), st.integers(1, 9)),
    st.tuples(st.just("trade")),
    st.tuples(st.just("alert"), st.integers(1, 3)),
    st.tuples(st.just("denied")),
    st.tuples(st.just("restart"), st.integers(2, 4)),
    st.tuples(st.just("vitals"), st.floats(0, 100)),
    st.tuples(st.just("stalled")),
    st.tuples(st.just("reported")),
    st.tuples(st.just("reconciled")),
    st.tuples(st.just("funded"), st.floats(0.1, 1.0)),
    st.tuples(st.just("targets"), st.sampled_from([0.5, -0.5, float("nan")])),
    st.tuples(st.just("boring")),
    st.tuples(st.just("commit")),
    st.tuples(st.just("flush")),
)


def happen(life, kind, *given):
    now = life.now + 1
    match kind:
        case "mark":
            life.say("metabolism", marked(now, symbols=given[0]))
        case "bars":
            kept = (bar(X, now, flags=("gap",)),) if given[0] else None
            arrived(life, now, bar(X, now), bar(Y, now), kept=kept)
        case "order":
            life.say("immune", OrderApproved(approved=ApprovedOrder(order=order(given[0]), approved_ns=now)))
        case "update":
            update = OrderUpdated(
                order_id=str(given[0]), client_order_id="c", symbol=X, status=given[1], filled=Decimal(0)
            )
            life.say("motor", update)
        case "fill":
            life.say("motor", Filled(fill=fill(given[0])))
        case "trade":
            life.say("metabolism", trade())
        case "alert":
            life.step("voice", None, alert(given[0]), external=False)
        case "denied":
            life.say(
                "immune",
                OrderDenied(order_id="1", symbol=X, reason=DenialReason.DRAWDOWN, limit=0.1, observed=0.2),
            )
        case "restart":
            life.step(
                "immune", OrganRestarted(organ="brain", incarnation=given[0], why="w", attempt=1, limit=3)
            )
        case "vitals":
            life.step("voice", vitals(given[0]))
        case "stalled":
            life.say("nervous", FeedStalled(feed="replay", reason="silent", silent_s=3.0))
        case "reported":
            life.step("nervous", FeedReported(feed="replay", condition="failed", detail="d"))
        case "reconciled":
            life.say(
                "motor",
                Reconciled(clean=False, unexplained=((X, Decimal("0.1")),), foreign=(), unknown=("1",)),
            )
        case "funded":
            life.say(
                "reproduction", StrategyFunded(genome_id="g", family="f", weight=given[0], parameters=())
            )
        case "targets":
            said = Contribution(genome_id="g", forecast=given[0], weight=1.0)
            target = Target(symbol=X, forecast=0.0, volatility=0.1, regime="r", contributions=(said,))
            life.say("brain", ExposureTargeted(at_ns=now, targets=(target,)))
        case "boring":
            life.step("brain", None, Schedule(key="k", due_ns=1), external=False)


@given(st.lists(events, max_size=60), st.booleans())
def test_a_rebuilt_view_equals_the_one_written_as_it_happened(tmp_path_factory, story, small):
    folder = tmp_path_factory.mktemp("view")
    with pytest.MonkeyPatch.context() as patch:
        if small:  # so that thinning and pruning happen within a short story
            patch.setattr(batch, "EQUITY_POINTS", 4)
            patch.setattr(batch, "MARKS_PER_SYMBOL", 3)
            patch.setattr(batch, "CAPS", dict.fromkeys(schema.CAPS, 2))
        writer = ViewWriter(folder / "lived.db")
        life = Life(writer.observe)
        writer.catch_up(life.journal)
        for event in story:
            if event[0] == "commit":
                assert writer.commit(life.journal.durable_seq)
            elif event[0] == "flush":
                life.journal.flush()
            else:
                happen(life, *event)
        life.journal.flush()
        assert writer.commit(life.journal.durable_seq)
        writer.close()
        again = ViewWriter(folder / "rebuilt.db")
        again.catch_up(life.journal)
        again.close()
    lived, rebuilt = contents(folder / "lived.db"), contents(folder / "rebuilt.db")
    for table in ("restarts", "dead_letters"):  # row ids count attempts, which pruning may change
        lived[table] = [row[1:] for row in lived[table]]
        rebuilt[table] = [row[1:] for row in rebuilt[table]]
    assert lived == rebuilt


def test_threads_that_observe_out_of_order_lose_nothing(path):
    writer = ViewWriter(path)
    observed = []
    life = Life(lambda *row: observed.append(row))
    writer.catch_up(life.journal)
    for i in range(1, 7):
        life.say("metabolism", marked(i))
    life.journal.flush()
    for row in observed[3:]:
        writer.observe(*row)
    writer.commit(life.journal.durable_seq)
    assert writer.seq == 0, "row 1 is still on its way"
    for row in reversed(observed[:3]):
        writer.observe(*row)
    writer.commit(life.journal.durable_seq)
    assert writer.seq == 6
    assert [p["at_ns"] for p in ViewReader(path).equity()] == [1, 2, 3, 4, 5, 6]
    writer.close()


def test_rows_that_nobody_observed_are_read_from_the_journal(path):
    writer = ViewWriter(path)
    life = Life()
    writer.catch_up(life.journal)
    life.say("metabolism", marked(1))
    life.observe = writer.observe
    life.say("metabolism", marked(2))
    life.journal.flush()
    for _ in range(PATIENCE + 1):
        writer.commit(life.journal.durable_seq)
    assert [p["at_ns"] for p in ViewReader(path).equity()] == [1, 2]
    writer.close()


def test_a_flood_of_rows_is_bounded_in_memory_and_still_shown(life, path, monkeypatch):
    monkeypatch.setattr("organism.view.writer.MOST_SEEN", 5)
    for i in range(1, 21):
        life.say("metabolism", marked(i))
    assert len(life.writer._seen) == 5
    life.commit()
    assert len(ViewReader(path).equity()) == 20


def test_the_curve_stays_bounded_and_its_last_point_is_the_newest(life, path, monkeypatch):
    monkeypatch.setattr(batch, "EQUITY_POINTS", 50)
    for i in range(1, 1000):
        life.say("metabolism", marked(i, equity=float(i)))
        if i % 7 == 0:
            life.commit()
    life.commit()
    points = ViewReader(path).equity(10_000)
    assert len(points) <= 51
    assert points[0]["at_ns"] == 1
    assert points[-1]["at_ns"] == 999
    assert len(ViewReader(path).equity(10)) <= 12


# ---------------------------------------------------------------- disposable


def lived(journal_namespace="n", n=3):
    life = Life(namespace=journal_namespace)
    for i in range(1, n + 1):
        life.say("metabolism", marked(i))
    life.journal.flush()
    return life


def damage_nothing(path):
    path.unlink()


def damage_all(path):
    path.write_bytes(b"not a database at all" * 100)


def damage_a_page(path):
    data = bytearray(path.read_bytes())
    data[4096 : 4096 * 8] = b"\xa5" * (4096 * 7)
    path.write_bytes(bytes(data))


def damage_schema(path):
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 999")
    db.close()


@pytest.mark.parametrize("damage", [damage_nothing, damage_all, damage_a_page, damage_schema])
def test_a_missing_damaged_or_strange_view_is_built_anew(path, damage):
    life = lived()
    first = ViewWriter(path)
    first.catch_up(life.journal)
    first.close()
    damage(path)
    second = ViewWriter(path)
    assert second.catch_up(life.journal) == 3
    second.close()
    assert len(ViewReader(path).equity()) == 3


def test_a_view_of_another_journal_or_of_a_longer_one_is_built_anew(path):
    for life, n in ((lived("a", 5), 5), (lived("b", 6), 6), (lived("b", 2), 2)):
        writer = ViewWriter(path)
        assert writer.catch_up(life.journal) == n
        writer.close()
        assert len(ViewReader(path).equity()) == n


def test_a_whole_view_only_catches_up(path):
    life = lived(n=3)
    writer = ViewWriter(path)
    writer.catch_up(life.journal)
    writer.close()
    life.say("metabolism", marked(9))
    life.journal.flush()
    again = ViewWriter(path)
    assert again.catch_up(life.journal) == 1
    again.close()


def test_a_view_that_is_told_to_stop_while_catching_up_goes_on_from_there_the_next_time(path, monkeypatch):
    monkeypatch.setattr("organism.view.writer.CHUNK", 2)
    life = lived(n=7)
    stopping = ViewWriter(path, has_to_stop=lambda: True)
    assert stopping.catch_up(life.journal) == 2
    assert stopping.is_behind
    stopping.close()
    again = ViewWriter(path)
    assert again.catch_up(life.journal) == 5
    assert not again.is_behind
    again.close()
    assert len(ViewReader(path).equity()) == 7


def test_a_view_deleted_while_the_body_runs_comes_back(life, path):
    life.say("metabolism", marked(1))
    life.commit()
    path.unlink()
    life.say("metabolism", marked(2))
    life.commit()
    assert len(ViewReader(path).equity()) == 2


def test_a_view_that_cannot_be_written_does_not_raise_and_recovers(life, path):
    life.say("metabolism", marked(1))
    life.journal.flush()
    life.writer._db.close()
    assert not life.writer.commit(life.journal.durable_seq)
    assert life.writer.commit(life.journal.durable_seq)
    assert len(ViewReader(path).equity()) == 1


# ---------------------------------------------------------------- reading


def test_reading_before_the_first_start_says_so(tmp_path):
    with pytest.raises(NeverStarted, match=r"Start one with `organism start`\."):
        ViewReader(tmp_path / "view.db").status()


def test_an_unknown_table_is_refused_with_the_known_ones(life, path):
    with pytest.raises(BadInput, match=r"no table 'secrets'. It has: alerts"):
        ViewReader(path).table("secrets")


def test_garbage_is_unreadable_and_not_a_traceback_of_sqlite(path):
    path.write_bytes(b"garbage" * 1000)
    with pytest.raises(ViewUnreadable, match="disposable"):
        ViewReader(path).status()


def test_a_reader_changes_nothing(life, path):
    with ViewReader(path)._reading() as db, pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.execute("DELETE FROM state")


def test_a_view_whose_writer_was_killed_can_be_read(life, path, tmp_path):
    life.say("metabolism", marked(1))
    life.commit()
    left = tmp_path / "left"
    left.mkdir()
    for name in ("view.db", "view.db-wal"):  # what lies on disk while the writer is alive
        (left / name).write_bytes((tmp_path / name).read_bytes())
    assert len(ViewReader(left / "view.db").equity()) == 1


def test_reads_stay_short_while_the_view_is_being_written(life, path):
    for i in range(1, 3000):
        life.say("metabolism", marked(i, symbols=(X, Y)))
        arrived(life, life.now + 1, bar(X, i), bar(Y, i))
    life.commit(live())
    stop, reader, spans = threading.Event(), ViewReader(path), []

    def write():
        while not stop.is_set():
            life.say("metabolism", marked(life.now + 1, symbols=(X, Y)))
            life.commit(live())

    thread = threading.Thread(target=write)
    thread.start()
    for _ in range(40):
        for read in (reader.status, lambda: reader.table("fills"), lambda: reader.equity(600)):
            began = time.perf_counter()
            read()
            spans.append(time.perf_counter() - began)
    stop.set()
    thread.join(10)
    assert sorted(spans)[len(spans) // 2] < 0.05, "the median read: a slow machine may stutter once"
