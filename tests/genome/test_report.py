"""The report: what it says, that it needs nothing else, and that thinning loses no extreme."""

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genome.costs import Costs
from genome.reporting import Told, assumptions, document, page, summary, warnings, write
from genome.reporting.scales import HEIGHT, scale_of, thinned, time_ticks
from genome.reporting.terminal import figure_lines, write_trades
from genome.reporting.words import held_return, sharpe_interval
from organism.errors import BadInput
from tests.genome.results import NEW_YEAR, bars, result, trade


def told(n=24 * 150, trades=None, bar_s=3_600, **other):
    rng = np.random.default_rng(7)
    market = bars(100 * np.exp(np.cumsum(rng.normal(0, 0.005, n))), bar_s=bar_s)
    equity = 10_000 * np.exp(np.cumsum(rng.normal(0, 0.002, n)))
    made = [
        trade(rng.normal(0, 50), side=1 - 2 * (i // 40 % 2), entry=i, leave=i + 5)
        for i in range(0, n - 6, 40)
    ]
    found = result(market, equity, made if trades is None else trades)
    return Told(
        strategy="ema <crossover>", params=(("fast", "12"),), conditions=(("entry_long", "ema(12) > ema(26)"),),
        market=market, result=found, costs=Costs(), capital=10_000.0, source="a & b.csv",
        warnings=("Careful.",), **other,
    )  # fmt: skip


class Seen(HTMLParser):
    """Tags left open, addresses asked for, text and ids."""

    VOID = frozenset({"meta", "link", "input"})

    def __init__(self, text):
        super().__init__()
        self.open, self.addresses, self.ids, self.words = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.addresses += [attributes[k] for k in ("src", "href") if k in attributes]
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in {"style", "script"}:
            self.words.append(data)


@pytest.mark.requirement("S3-3.1.3", "S0-1.3.5")
def test_the_page_has_every_part_and_asks_for_nothing():
    text = page(told())
    seen = Seen(text)

    assert seen.open == []
    assert set(seen.addresses) == {"data:,"}
    assert not re.search(r"https?://|@import|url\(", text)
    parts = {
        "equity", "drawdown", "price", "months", "distribution", "clock", "regimes", "sides", "reasons", "drawdowns",
        "rolling", "trades", "assumed",
    }  # fmt: skip
    assert parts <= set(seen.ids)
    assert len(seen.ids) == len(set(seen.ids))
    words = " ".join(seen.words)
    assert "One backtest is one trial" in words
    assert "ema <crossover> on BTC/USDT turned 10,000 into" in words
    assert "a & b.csv" in words
    assert "Careful." in words
    assert "nan" not in words.lower().split()


def test_the_trade_list_is_cut_and_says_so():
    many = [trade(1.0, entry=i, leave=i + 1) for i in range(700)]
    text = page(told(trades=many))
    assert "The first 500 of 700" in text
    assert len(re.findall("<tr>", text[text.index('id="trades"') :])) == 501


@pytest.mark.parametrize(
    ("n", "bar_s"), [(1, 3_600), (2, 3_600), (30, 3_600), (400, 86_400), (9, 604_800)], ids=str
)
def test_short_and_long_bars_still_make_a_page(n, bar_s):
    Seen(page(told(n=n, bar_s=bar_s, trades=[])))


def test_ruin_void_bars_and_a_constant_price_still_make_a_page():
    close = np.full(24 * 40, 100.0)
    close[5:9] = np.nan
    market = bars(close)
    equity = np.where(np.arange(close.size) < 500, 10_000.0, 0.0)
    ruined = result(market, equity, [trade(-9_000.0, "liquidation")], flags=("ruined", "liquidated"))
    text = page(replace(told(n=48), market=market, result=ruined))
    assert "lost everything" in text
    assert "NaN" not in text


def test_a_large_market_stays_a_small_file():
    assert len(page(told(n=200_000, trades=[]))) < 600_000


def test_a_file_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(BadInput, match="cannot be written"):
        write(tmp_path / "absent" / "a.html", told(n=48))
    write(tmp_path / "a.html", told(n=48))
    assert (tmp_path / "a.html").read_text().startswith("<!doctype html>")


@given(
    st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(float("nan"))), min_size=1, max_size=400),
    st.integers(1, 40),
)
def test_thinning_keeps_ends_order_and_extremes_of_every_stretch(values, columns):
    values = np.array(values)
    rows = thinned(values, columns)
    known = np.flatnonzero(np.isfinite(values))
    assert (np.diff(rows) > 0).all()
    assert rows.size <= 4 * columns or rows.size == known.size <= 4 * columns
    assert set(rows) <= set(known)
    if known.size:
        assert (rows[0], rows[-1]) == (known[0], known[-1])
        assert values[rows].max() == values[known].max()
        assert values[rows].min() == values[known].min()
        for part in np.split(known, np.linspace(0, known.size, columns + 1).astype(int)[1:-1]):
            if part.size:
                drawn = values[np.intersect1d(part, rows)]
                assert (drawn.min(), drawn.max()) == (values[part].min(), values[part].max())


@given(st.floats(-1e9, 1e9), st.floats(0, 1e9))
@example(0.0, 5e-324)
def test_a_scale_holds_what_it_was_made_for_and_its_ticks_lie_on_it(low, spread):
    scale = scale_of(low, low + spread)
    places = scale.place(np.array([low, low + spread]))
    assert (places >= -1e-6 * HEIGHT).all()
    assert (places <= HEIGHT * (1 + 1e-6)).all()
    ticks = scale.ticks()
    assert 0 < len(ticks) <= 12
    assert all(-1e-9 <= place <= 1 + 1e-9 for _, place in ticks)


@given(st.floats(1e-3, 1e6), st.floats(1.01, 1e6))
def test_a_log_scale_has_ticks_too(low, factor):
    assert scale_of(low, low * factor, log=True).ticks()


@pytest.mark.parametrize("days", [0.1, 1, 9, 60, 249, 2_000, 9_000])
def test_times_are_marked_at_round_places(days):
    ticks = time_ticks(NEW_YEAR + 100, NEW_YEAR + 100 + days * 86_400)
    assert 1 <= len(ticks) <= 10
    assert all(0 <= place <= 1 and label for place, label in ticks)


def test_the_summary_speaks_plainly():
    market = bars(np.linspace(100, 110, 48))
    gained = result(market, np.linspace(10_000, 11_000, 48), [trade(500.0), trade(-100.0)])
    assert summary("x", market, gained, 10_000.0).replace("\u202f", " ") == (
        "From 1 January 2024 to 2 January 2024, x on BTC/USDT turned 10,000 into 11,000 (+10.0 %) after costs; 2 trades "
        "were closed, 50 % of them with a gain, and it was never below its peak. Buying and holding would have made +10.0 %."
    )
    idle = result(market, np.full(48, 500.0), capital=500.0)
    assert "never traded, so 500 stayed 500" in summary("x", market, idle, 500.0)
    assert held_return(market) == pytest.approx(0.1)


def test_warnings_name_what_a_person_must_know():
    market = bars(np.linspace(100, 110, 48))
    short = result(market, np.full(48, 1e4), [trade(5.0, side=-1)], flags=("open_at_end",))
    said = " ".join(warnings([market], SimpleNamespace(**short._asdict(), refused=3)))
    assert "no borrow cost is modelled" in said
    assert "still open at the end" in said
    assert "3 entries were refused" in said
    assert "1 closed trade is too few" in said
    assert warnings([market], result(market, np.full(48, 1e4))) == ()


def test_assumptions_carry_units():
    said = "; ".join(assumptions(Costs(half_spread=0.0002, impact=1.0), 500.0, bars(np.ones(3)))).replace(
        "\u202f", " "
    )
    assert (
        "Capital 500.00; fee 0.100 % taker, 0.100 % maker; slippage 0.050 % a fill; half spread 0.020 %"
        in said
    )
    assert "square-root impact × 1" in said
    assert "365 days a year" in said


def test_the_interval_of_a_sharpe_ratio_narrows_with_the_root_of_time():
    low, high = sharpe_interval(np.zeros(365), 1.0, 365)
    assert (low + high) / 2 == pytest.approx(1.0)
    assert high - low == pytest.approx(2 * 1.959964, rel=1e-2)  # one year: about two each way
    assert np.isnan(sharpe_interval(np.zeros(1), 1.0, 365)).all()


@pytest.mark.requirement("S0-1.3.6", "S1-4.2")
def test_the_document_has_the_figures_and_says_null_for_what_is_not_a_number():
    made = told(trades=[])
    found = document("x", {"fast": 12}, [made.market], made.result, capital=10_000.0, costs=Costs(), said=())
    text = json.dumps(found, allow_nan=False)
    keys = (
        "strategy", "params", "bars", "start", "end", "total_return", "cagr", "sharpe", "sortino", "calmar",
        "max_drawdown", "n_trades", "win_rate", "profit_factor", "turnover", "exposure", "fees",
    )  # fmt: skip
    assert set(keys) <= found.keys()
    assert found["win_rate"] is None
    assert found["start"] == "2024-01-01T00:00:00Z"
    assert found["end"] == "2024-05-30T00:00:00Z"
    assert json.loads(text)["trials"] == 1


def test_the_table_has_units_and_stays_within_eighty_columns():
    lines = figure_lines(told().result.figures, 3_600, (-1.0, 2.0))
    assert all(len(line) <= 80 for line in lines)
    assert "total return" in lines[0]
    assert "%" in lines[0]


def test_trades_are_written_whole_and_in_order(tmp_path):
    market = bars(np.full(48, 100.0))
    ledger = [trade(5.25, entry=3, leave=9), trade(-1.0, "stop", side=-1, entry=10, leave=10)]
    write_trades(tmp_path / "t.csv", [(market, ledger)])
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines[0] == "side,entry_at,entry_price,exit_at,exit_price,quantity,fees,pnl,reason"
    first, second = csv.DictReader(lines)
    assert (first["side"], first["entry_at"], first["exit_at"]) == (
        "long", "2024-01-01T03:00:00Z", "2024-01-01T09:00:00Z",
    )  # fmt: skip
    assert (float(first["pnl"]), second["side"], second["reason"]) == (5.25, "short", "stop")
