"""What the pages may ask, on the journal of a whole organism."""

import collections
import itertools
import sqlite3
from contextlib import closing
from decimal import Decimal

import pytest

from dashboard.reading import EVER, Range, parse_range
from organism.effects import Publish
from organism.errors import BadInput
from organism.journal.reader import Reader
from organism.journal.upcast import Payloads
from organism.messages import Filled, PortfolioMarked, TradeClosed
from tests.dashboard.reading.lives import read, view_at


@pytest.fixture(scope="module")
def said(life):
    """Every message that was published, with its row."""
    payloads = Payloads()
    rows = Reader(life.folder).rows()
    steps = ((row, effect) for row in rows for effect in payloads.effects(row.effects, 2))
    return [(row, effect.message) for row, effect in steps if type(effect) is Publish]


def of(said, kind):
    return [message for _, message in said if type(message) is kind]


def test_the_journal_lies_in_segments_and_an_archive_and_all_of_it_is_known(life):
    progress = life.reading.progress()
    assert progress.state == "ready"
    assert (progress.events_done, progress.events_total, progress.behind_s) == (life.rows, life.rows, 0.0)
    assert list((life.folder / "archive").glob("journal-*.db"))


def test_every_fill_is_there_once_and_exact(life, said):
    told = {m.fill.key: m.fill for m in of(said, Filled)}
    found = life.reading.fills(limit=5_000)
    assert len(found) == len(told) > 20
    for row in found:
        fill = told[row["key"]]
        assert (Decimal(row["quantity"]), Decimal(row["price"]), Decimal(row["fee"])) == (
            fill.quantity,
            fill.price,
            fill.fee,
        )


def test_fills_of_a_range_and_of_some_symbols(life):
    every = life.reading.fills(limit=5_000)
    middle = every[len(every) // 2]["at_ns"]
    assert life.reading.fills(Range(0, middle), limit=5_000) == [f for f in every if f["at_ns"] <= middle]
    only = life.reading.fills(symbols=("ETH/USDT",), limit=5_000)
    assert only == [f for f in every if f["symbol"] == "ETH/USDT"]
    assert only
    assert life.reading.fills(symbols=("'; DROP TABLE fills; --",)) == []


def test_a_chain_goes_from_the_bar_to_the_fill_with_the_genomes_in_words(life):
    chosen = next(f for f in life.reading.fills(limit=5_000) if _purpose(life, f) == "target")
    steps = life.reading.chain(chosen["key"])
    kinds = [step["what"] for step in steps]
    assert kinds[0] == "bar"
    assert [k for k, _ in itertools.groupby(kinds)][:5] == [
        "bar",
        "forecast",
        "target",
        "proposal",
        "verdict",
    ]
    assert "fill" in kinds
    assert all(step["text"] and step["id"] for step in steps)
    forecasts = [step for step in steps if step["what"] == "forecast"]
    assert forecasts
    assert all(step["fields"]["genome"] and step["fields"]["genome"][0][0] != "refused" for step in forecasts)
    assert life.reading.chain(chosen["order_id"]) == steps
    assert life.reading.chain(chosen["client_order_id"]) == steps
    assert life.reading.chain(chosen["id"]) == steps


def test_every_fill_has_a_chain_that_begins_with_a_reason(life):
    begins = collections.Counter(
        life.reading.chain(f["key"])[0]["what"] for f in life.reading.fills(limit=5_000)
    )
    assert set(begins) <= {"bar", "position", "command", "proposal"}
    assert begins["bar"]


def _purpose(life, fill):
    found = life.reading.order(fill["order_id"])
    return found["purpose"] if found else ""


def test_an_order_tells_its_life(life):
    done = next(o for o in life.reading.orders(limit=5_000) if o["status"] == "filled")
    found = life.reading.order(done["order_id"])
    steps = [(s["what"], s["status"]) for s in found["steps"]]
    assert steps[:2] == [("proposed", "proposed"), ("approved", "approved")]
    assert ("updated", "filled") in steps
    assert sum(Decimal(f["quantity"]) for f in found["fills"]) == Decimal(found["quantity"])
    assert life.reading.order("nobody knows") is None


def test_the_equity_curve_keeps_its_extremes_however_few_points(life, said):
    marks = of(said, PortfolioMarked)
    for points in (20, 100, 4_000):
        curve = life.reading.equity(points=points)
        assert len(curve) <= points + 1
        assert [p["at_ns"] for p in curve] == sorted({p["at_ns"] for p in curve})
        values = [p["equity"] for p in curve]
        assert min(values) == min(m.equity for m in marks)
        assert max(values) == max(m.equity for m in marks)
        assert curve[-1]["at_ns"] == marks[-1].at_ns


def test_prices_are_candles_whose_extremes_are_kept(life):
    fine = life.reading.prices("BTC/USDT", points=4_000)
    coarse = life.reading.prices("BTC/USDT", points=30)
    assert len(coarse) <= 30 < len(fine)
    assert max(c["high"] for c in fine) == max(c["high"] for c in coarse)
    assert min(c["low"] for c in fine) == min(c["low"] for c in coarse)
    assert sum(c["n"] for c in coarse) == sum(c["n"] for c in fine) == len(fine)
    assert sum(c["volume"] for c in coarse) == pytest.approx(sum(c["volume"] for c in fine))
    assert life.reading.prices("no such symbol") == []


def test_sums_say_the_same_as_single_bars(life, monkeypatch):
    fine = life.reading.prices("ETH/USDT", points=4_000)
    monkeypatch.setattr("dashboard.reading.curves.MOST_ROWS", 200)
    summed = life.reading.prices("ETH/USDT", points=4_000)
    assert len(summed) < len(fine)
    assert max(c["high"] for c in summed) == max(c["high"] for c in fine)
    assert summed[0]["open"] == fine[0]["open"]
    assert summed[-1]["close"] == fine[-1]["close"]
    curve = life.reading.equity()
    assert len(curve) < 1_000
    assert curve[-1]["at_ns"] == life.reading.equity("1h")[-1]["at_ns"]


def test_attribution_adds_up_whichever_way_it_is_cut(life, said):
    total = float(sum(t.pnl for t in of(said, TradeClosed)))
    for by in ("strategy", "symbol", "regime", "purpose"):
        rows = life.reading.attribution(by=by)
        assert sum(row["pnl"] for row in rows) == pytest.approx(total)
        assert sum(row["trades"] for row in rows) == pytest.approx(len(of(said, TradeClosed)), abs=1e-2)
    assert all(row["name"] for row in life.reading.attribution(by="regime"))
    with pytest.raises(BadInput, match="strategy, symbol, regime, purpose"):
        life.reading.attribution(by="mood; DROP TABLE trades")


def test_flow_counts_each_message_once_where_it_was_dealt_with(life):
    handled = collections.Counter(row.organ for row in Reader(life.folder).rows())
    flow = life.reading.flow()
    received = collections.Counter()
    for edge in flow:
        received[edge["receiver"]] += edge["n"]
    assert {organ: received[organ] for organ in handled} == handled
    assert not [edge for edge in flow if edge["sender"] == "unknown"]
    edges = {(e["sender"], e["receiver"], e["kind"]) for e in flow}
    assert {("nervous", "brain", "BarClosed"), ("brain", "metabolism", "ExposureTargeted"), ("motor", "venue", "VenueSubmit"),
            ("venue", "motor", "SubmitAnswered"), ("voice", "sender", "Notify")} <= edges  # fmt: skip


def test_flow_of_the_last_hours_is_counted_by_the_minute(life):
    hour = life.reading.flow("1h")
    assert hour[0]["to_ns"] - hour[0]["from_ns"] <= 62 * 60 * 10**9
    assert 10 <= next(e["n"] for e in hour if e["kind"] == "BarClosed" and e["receiver"] == "brain") <= 13


def test_gates_name_where_every_decision_stopped(life):
    seen = collections.Counter()
    for d in life.reading.decisions(limit=2_000):
        found = life.reading.gate(d["symbol"], d["at_ns"])
        seen[found["stopped"]] += 1
        assert found["sentence"].endswith(".")
        if found["stopped"] == "":
            assert {"bar", "forecast", "size", "risk", "venue"} <= set(found["passed"])
    assert seen[""]
    assert set(seen) <= {"", "sized_to_zero", "below_threshold", "denied", "not_sent", "waiting", "closing"}
    first = life.reading.prices("BTC/USDT", points=4_000)[0]["at_ns"]
    assert life.reading.gate("BTC/USDT", first)["stopped"] == "warm_up"
    assert life.reading.gate("BTC/USDT", 5)["stopped"] == "unknown"
    assert life.reading.gate("DOGE/USDT", life.reading.newest_ns())["stopped"] == "no_bar"


def test_any_past_moment_is_what_the_live_view_was_then(life, tmp_path):
    rows = list(Reader(life.folder).rows())
    for nth, place in enumerate((0.1, 0.37, 0.5, 0.83, 1.0)):
        at_ns = rows[int(place * (len(rows) - 1))].market_ns
        seq = max(row.seq for row in rows if row.market_ns <= at_ns)
        moment = life.reading.as_of(market_ns=at_ns)
        then = view_at(life.folder, seq, tmp_path / f"view{nth}.db")
        assert moment.seq == seq
        for key in ("portfolio", "standing", "reconciled"):
            assert moment.glimpse.state.get(key) == then.state.get(key), key
        for table in ("positions", "orders", "fills", "trades", "strategies", "denials", "feeds"):
            assert moment.glimpse.rows(table) == then.rows(table), table
        assert [a["alert_id"] for a in moment.glimpse.rows("alerts")] == [
            a["alert_id"] for a in then.rows("alerts")
        ]
        assert moment.glimpse.part("body")["seq"] == seq


def test_a_moment_by_the_wall_clock_and_moments_that_never_were(life):
    row = next(iter(Reader(life.folder).rows(life.rows // 2)))
    moment = life.reading.as_of(wall_ns=row.wall_ns)
    assert moment.wall_ns <= row.wall_ns
    assert moment.seq >= row.seq
    assert life.reading.as_of(market_ns=2**80).seq == life.rows
    assert life.reading.as_of(wall_ns=-5).seq <= 20
    with pytest.raises(BadInput, match="one of them"):
        life.reading.as_of()


def test_events_are_paged_without_a_gap_or_a_double(life):
    whole = life.reading.events(limit=1_000)
    paged, before = [], None
    for _ in range(1_000):
        page = life.reading.events(limit=7, before=before)
        paged += page.rows
        before = page.before
        if before is None or len(paged) >= len(whole.rows):
            break
    assert [e["pos"] for e in paged[: len(whole.rows)]] == [e["pos"] for e in whole.rows]


def test_routine_events_come_from_the_journal_in_the_same_form(life):
    page = life.reading.events(level="debug", limit=50)
    assert len(page.rows) == 50
    assert {"BarClosed", "PortfolioMarked", "VenueAdvanced"} <= {e["kind"] for e in page.rows}
    more = life.reading.events(level="debug", limit=50, before=page.before)
    assert more.rows[0]["pos"] < page.rows[-1]["pos"]
    marks = life.reading.events(kind="PortfolioMarked", organ="metabolism", limit=5)
    assert [e["kind"] for e in marks.rows] == ["PortfolioMarked"] * 5


def test_events_by_organ_kind_level_and_range(life):
    newest = life.reading.newest_ns()
    fills = life.reading.events(kind="Filled", limit=1_000).rows
    assert len(fills) == len(life.reading.fills(limit=5_000))
    assert {e["organ"] for e in life.reading.events(organ="brain", limit=500).rows} == {"brain"}
    assert {e["level"] for e in life.reading.events(level="warning", limit=500).rows} <= {"warning", "error"}
    day = life.reading.events("1d", limit=1_000).rows
    assert all(newest - 86_400 * 10**9 <= e["at_ns"] for e in day)
    with pytest.raises(BadInput, match="debug, info, warning, error"):
        life.reading.events(level="loud")


def test_everything_that_stems_from_one_bar_is_found_from_any_of_it(life):
    fill = life.reading.fills(limit=1)[0]
    related = life.reading.events(level="debug", correlation=fill["id"], limit=500).rows
    kinds = {e["kind"] for e in related}
    assert {"BarsArrived", "BarClosed", "VenueAdvanced", "Filled"} <= kinds
    assert {e["root"] for e in related} == {fill["root"]}
    known = life.reading.events(correlation=fill["id"], limit=500).rows
    assert {e["pos"] for e in known} <= {e["pos"] for e in related}
    assert life.reading.events(correlation="no such thing").rows == []
    assert life.reading.events(correlation="999999999.1", level="debug").rows == []


def test_ranges_are_read_and_strange_ones_refused(life):
    newest = life.reading.newest_ns()
    assert life.reading.range("6h") == Range(newest - 6 * 3_600 * 10**9, newest)
    assert parse_range("all", None) == parse_range("6h", None) == EVER
    assert life.reading.range("5..9") == (5, 9)
    assert life.reading.range((-5, 2**90)) == (0, 2**63 - 1)
    for strange in ("6x", "0h", "9..5", "' OR 1=1", "1..99999999999999999999", "-6h"):
        with pytest.raises(BadInput):
            parse_range(strange, newest)


def test_flow_falls_back_to_hours_where_minutes_do_not_reach(copy):
    reading = read(copy.folder)
    newest = reading.newest_ns()
    exact = reading.flow("6h")
    with closing(sqlite3.connect(reading.keeper.path, isolation_level=None)) as db:
        minute = 60 * 10**9
        db.execute(
            "DELETE FROM flow WHERE width = ? AND bucket < ?", (minute, (newest - 3_600 * 10**9) // minute)
        )
    hours = reading.flow("6h")
    assert hours[0]["to_ns"] - hours[0]["from_ns"] >= exact[0]["to_ns"] - exact[0]["from_ns"]
    assert sum(e["n"] for e in hours) >= sum(e["n"] for e in exact)
    reading.close()
