"""Marks, funding rates, open interest and trades from files as they are found: taken as what they mean, or refused."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from organism.cli import run
from organism.errors import BadInput
from organism.lake.importing import Told, bring, document, files_of, found_in
from organism.lake.names import Kind
from organism.lake.store import Lake
from organism.lake.trades import made_of_trades

BEGIN_MS = 1_704_067_200_000  # 2024-01-01
EIGHT_H_MS = 28_800_000
DATA = Path("../shared/data")


def one(path, **told):
    (found,) = found_in(path, Told(**told), events=True)
    return found


def made(tmp_path, name, text):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake", now_us=lambda: 1_800_000_000_000_000)


# ---------------------------------------------------------------------------------------------- funding

RATES = (0.0001, -0.00002, 0.00015)


def stamps(i):
    return BEGIN_MS + i * EIGHT_H_MS


FUNDING = {
    "vision/BTCUSDT-fundingRate-2024-01.csv": "calc_time,funding_interval_hours,last_funding_rate\n"
    + "".join(f"{stamps(i)},8,{rate:.8f}\n" for i, rate in enumerate(RATES)),
    "binance/BTCUSDT.json": json.dumps(
        [
            {"symbol": "BTCUSDT", "fundingTime": stamps(i), "fundingRate": f"{rate:.8f}", "markPrice": "42000.1"}
            for i, rate in enumerate(RATES)
        ]
    ),
    "binance-usdm/ccxt.json": json.dumps(
        [
            {"info": {"x": 1}, "symbol": "BTC/USDT:USDT", "fundingRate": rate, "timestamp": stamps(i), "datetime": "no"}
            for i, rate in enumerate(RATES)
        ]
    ),
    "binance/BTC-USDT-percent.csv": "timestamp;symbol;funding_rate\n"
    + "".join(f"{stamps(i)};BTCUSDT;{rate * 100:.4f}%\n" for i, rate in enumerate(RATES)),
    "binance/BTC_USDT_USDT-8h-funding_rate.csv": "date,open,high,low,close,volume\n"
    + "".join(f"{stamps(i)},{rate:.8f},0.0,0.0,0.0,0.0\n" for i, rate in enumerate(RATES)),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNDING)
def test_funding_rates_are_known_in_every_form(tmp_path, lake, name):
    path = made(tmp_path, name, FUNDING[name])
    (found,) = bring(
        lake, [path], Told(venue="binance-usdm" if "vision" in name else ""), now_us=lambda: 7
    ).series
    assert (found.series.text, found.rows) == ("binance-usdm BTC/USDT:USDT funding", 3)
    stored = lake.read_events(found.series).events
    assert stored.at_us.tolist() == [stamps(i) * 1_000 for i in range(3)]
    np.testing.assert_allclose(stored.values["rate"], RATES, rtol=1e-12)


def test_a_rate_that_cannot_be_is_refused_alone_and_a_second_one_of_its_time_is_told(tmp_path):
    text = f"timestamp,funding_rate\n{stamps(0)},0.0001\n{stamps(1)},0.7\n{stamps(0)},0.0001\n{stamps(0)},0.0002\n{stamps(2)},\n7,0\n"
    found = one(made(tmp_path, "BTC-USDT.csv", text), venue="bybit")
    assert found.series.text == "bybit BTC/USDT:USDT funding"
    assert found.events.values["rate"].tolist() == [0.0001]
    assert [row.text for row in found.sifted.told] == [
        "row 2: a rate is a fraction from -0.5 to 0.5; was '0.7'",
        "row 5: a rate is a fraction from -0.5 to 0.5; was ''",
        "row 6: the time is between 1990 and 2100; was '7'",
    ]
    assert (found.sifted.repeated, found.sifted.differing) == (1, 1)
    assert found.sifted.conflicts == (stamps(0) * 1_000,)


def test_rates_that_may_be_percent_are_refused_with_both_readings(tmp_path):
    text = "timestamp,funding_rate\n" + "".join(
        f"{stamps(i)},{rate * 100:.6f}\n" for i, rate in enumerate(RATES)
    )
    path = made(tmp_path, "binance/BTC-USDT.csv", text)
    with pytest.raises(
        BadInput,
        match=r"a funding rate of 0.01, as is usual there, may be 0.01 % or, as a fraction, 1 %.*--unit",
    ):
        one(path)
    np.testing.assert_allclose(one(path, unit="percent").events.values["rate"], RATES, rtol=1e-12)
    np.testing.assert_allclose(one(path, unit="fraction").events.values["rate"], np.array(RATES) * 100)


def test_a_perpetual_in_dollars_may_settle_in_either(tmp_path):
    path = made(tmp_path, "bitmex/XBTUSD.csv", f"timestamp,symbol,fundingRate\n{stamps(0)},XBTUSD,0.0001\n")
    with pytest.raises(BadInput, match=r"settles in BTC \(BTC/USD:BTC\) or in dollars \(BTC/USD:USD\)"):
        one(path)
    assert one(path, symbol="BTC/USD:BTC").series.symbol == "BTC/USD:BTC"


def test_rates_beside_open_interest_are_refused_with_both_readings(tmp_path):
    text = f"timestamp,fundingRate,sumOpenInterest\n{stamps(0)},0.0001,500\n"
    path = made(tmp_path, "bybit/BTC-USDT.csv", text)
    with pytest.raises(BadInput, match="say --kind funding or --kind open_interest"):
        one(path)
    assert one(path, kind="funding").series.kind is Kind.FUNDING
    assert one(path, kind="open_interest").events.values["amount"].tolist() == [500.0]


def test_means_of_a_day_are_no_settlements(tmp_path):
    text = f"timestamp,funding_mean,funding_abs\n{stamps(0)},0.0001,0.0001\n"
    with pytest.raises(
        BadInput, match="has no column for open, high, low, close; its columns are: timestamp, funding_mean"
    ):
        one(made(tmp_path, "binance-usdm/BTC-USDT/daily_mean.csv", text))


# ---------------------------------------------------------------------------------------------- open interest


def test_binance_metrics_are_open_interest_in_utc(tmp_path, lake):
    text = (
        "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio\n"
        "2024-01-01 00:05:00,BTCUSDT,80000.5,3400000000,1.1\n2024-01-01 00:10:00,BTCUSDT,80001.5,3400000001,1.1\n"
    )
    (found,) = bring(
        lake,
        [made(tmp_path, "BTCUSDT-metrics-2024-01-01.csv", text)],
        Told(venue="binance-usdm"),
        now_us=lambda: 7,
    ).series
    assert found.series.text == "binance-usdm BTC/USDT:USDT open_interest"
    stored = lake.read_events(found.series).events
    assert stored.at_us.tolist() == [(BEGIN_MS + m * 60_000) * 1_000 for m in (5, 10)]
    assert stored.values["amount"].tolist() == [80000.5, 80001.5]
    assert stored.values["value"].tolist() == [3.4e9, 3.4e9 + 1]


def test_open_interest_that_may_be_coins_or_money_is_refused_with_both_readings(tmp_path, lake):
    path = made(
        tmp_path, "okx/BTC-USDT.csv", f"timestamp,open_interest\n{stamps(0)},80000\n{stamps(1)},90000\n"
    )
    with pytest.raises(
        BadInput, match=r"open_interest 80000 may be an amount in BTC, or a value in USDT.*--unit base"
    ):
        one(path)
    (found,) = bring(lake, [path], Told(unit="base"), now_us=lambda: 7).series
    assert found.new == 2
    assert np.isnan(lake.read_events(found.series).events.values["value"]).all()
    only = made(tmp_path, "okx/b/BTC-USDT.csv", f"timestamp,open_interest_value\n{stamps(0)},80000\n")
    with pytest.raises(BadInput, match="not its amount in base units"):
        one(only)


# ---------------------------------------------------------------------------------------------- marks


def candles(volume, step_ms=3_600_000):
    head = "timestamp,open,high,low,close" + ("" if volume is None else ",volume") + "\n"
    tail = "" if volume is None else f",{volume}"
    return head + "".join(f"{BEGIN_MS + i * step_ms},100,102,99,101{tail}\n" for i in range(5))


@pytest.mark.parametrize("volume", [None, 0])
def test_prices_of_a_perpetual_without_volume_are_marks_where_a_name_says_so_and_else_refused(
    tmp_path, volume
):
    said = one(made(tmp_path, "markPriceKlines/BTCUSDT-1h.csv", candles(volume)), venue="binance-usdm")
    assert said.series.text == "binance-usdm BTC/USDT:USDT 1h mark"
    path = made(tmp_path, "x/binance-usdm/BTC-USDT/1h.csv", candles(volume))
    with pytest.raises(
        BadInput, match=r"may be marks of BTC/USDT:USDT, or candles .*--kind mark or --kind candles"
    ):
        one(path)
    assert one(path, kind="mark").series.kind is Kind.MARK
    assert np.isnan(one(path, kind="mark").candles.volume).all()
    assert one(path, kind="candles").series.kind is Kind.CANDLES
    assert one(made(tmp_path, "y/bitstamp/BTC-EUR/1h.csv", candles(volume))).series.kind is Kind.CANDLES


def test_prices_of_an_index_are_not_taken_for_anything_else(tmp_path):
    with pytest.raises(BadInput, match="indexpriceklines; prices of an index"):
        one(made(tmp_path, "binance-usdm/indexPriceKlines/BTCUSDT-1h.csv", candles(0)))


# ---------------------------------------------------------------------------------------------- trades

TRADES = [
    (70, 100.0, 1.5, 1_000, True),
    (71, 102.5, 0.5, 10_000, False),
    (72, 99.0, 1.0, 59_999, True),
    (73, 101.0, 2.0, 60_000, True),
]


def dumped(form, unit=1):
    rows = []
    for i, price, size, after, maker in TRADES:
        ms = (BEGIN_MS + after) * unit
        flag, best = ("true", "true") if maker else ("false", "true")
        rows.append(
            {
                "spot trades": f"{3_000_000_000 + i},{price},{size},{price * size},{ms},{flag.title()},{best.title()}",
                "perpetual trades": f"{3_000_000_000 + i},{price},{size},{price * size},{ms},{flag}",
                "spot aggTrades": f"{3_000_000_000 + i},{price},{size},{i},{i + 1},{ms},{flag},{best}",
                "perpetual aggTrades": f"{3_000_000_000 + i},{price},{size},{i},{i + 1},{ms},{flag}",
            }[form]
        )
    return "\n".join(rows) + "\n"


HEADERS = {
    "perpetual trades": "id,price,qty,quote_qty,time,is_buyer_maker\n",
    "perpetual aggTrades": "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n",
}


def assert_trades(found, venue, *, aggregated):
    settle = ":USDT" if venue == "binance-usdm" else ""
    assert found.series.text == f"{venue} BTC/USDT{settle} trades"
    assert found.form == ("aggregated trades" if aggregated else "trades dump")
    assert found.events.at_us.tolist() == [(BEGIN_MS + row[3]) * 1_000 for row in TRADES]
    for place, name in ((1, "price"), (2, "quantity"), (4, "buyer_maker")):
        assert found.events.values[name].tolist() == [float(row[place]) for row in TRADES]
    assert found.events.values["trade_id"].tolist() == [3_000_000_000.0 + row[0] for row in TRADES]
    assert found.sifted.refused == {}


@pytest.mark.parametrize("unit", [1, 1_000])
@pytest.mark.parametrize("form", ["spot trades", "spot aggTrades", "perpetual trades", "perpetual aggTrades"])
@pytest.mark.parametrize("packed", [False, True])
def test_dumps_of_trades_without_a_header_are_told_by_their_columns(tmp_path, form, packed, unit):
    name, text = "BTCUSDT-2024-01-01", dumped(form, unit)
    if packed:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(f"{name}.csv", text)
        path = made(tmp_path, f"{name}.zip", archive.getvalue())
    else:
        path = made(tmp_path, f"{name}.csv", text)
    venue = "binance" if form.startswith("spot") else "binance-usdm"
    assert_trades(one(path), venue, aggregated=form.endswith("aggTrades"))


@pytest.mark.parametrize("form", HEADERS)
def test_dumps_of_trades_with_a_header(tmp_path, form):
    found = one(made(tmp_path, "futures/um/BTCUSDT.csv", HEADERS[form] + dumped(form)), venue="binance-usdm")
    assert_trades(found, "binance-usdm", aggregated=form.endswith("aggTrades"))


def test_freqtrade_writes_trades_as_lists(tmp_path):
    rows = [
        [BEGIN_MS + after, str(i), None, "sell" if maker else "buy", price, size, price * size]
        for i, price, size, after, maker in TRADES
    ]
    found = one(made(tmp_path, "binance/BTC_USDT-trades.json", json.dumps(rows)))
    assert found.series.text == "binance BTC/USDT trades"
    assert found.events.values["trade_id"].tolist() == [float(row[0]) for row in TRADES]
    assert found.events.values["buyer_maker"].tolist() == [1.0, 0.0, 1.0, 1.0]
    assert "the side of a trade was taken as that of who took" in found.notes


def test_trades_are_kept_once_and_never_changed(tmp_path, lake):
    path = made(tmp_path, "BTCUSDT-2024-01-01.csv", dumped("spot trades"))
    (found,) = bring(lake, [path], Told(), now_us=lambda: 7).series
    assert (found.new, found.rows, found.quality) == (4, 4, None)
    (again,) = bring(lake, [path], Told(), now_us=lambda: 8).series
    assert (again.new, again.same, again.revised) == (0, 4, 0)
    before = [file.read_bytes() for file in lake.files(found.series)]
    other = made(tmp_path, "b/BTCUSDT-2024-01-01.csv", dumped("spot trades").replace("102.5", "103.5"))
    with pytest.raises(BadInput, match=r"trade 3000000071 of 2024-01 .* never changes"):
        bring(lake, [other], Told(), now_us=lambda: 9)
    assert [file.read_bytes() for file in lake.files(found.series)] == before
    row = document(found, str)
    assert (row["kind"], row["rows"], row["score"], row["gaps"]) == ("trades", 4, None, None)
    assert (row["first"], row["last"]) == (str((BEGIN_MS + 1_000) * 1_000), str((BEGIN_MS + 60_000) * 1_000))


def test_aggregated_trades_never_join_single_ones(tmp_path, lake):
    single = made(tmp_path, "a/BTCUSDT.csv", dumped("spot trades"))
    together = made(tmp_path, "b/BTCUSDT.csv", dumped("spot aggTrades"))
    bring(lake, [single], Told(), now_us=lambda: 7)
    with pytest.raises(
        BadInput, match=r"holds aggregated trades, and binance BTC/USDT trades holds single trades"
    ):
        bring(lake, [together], Told(), now_us=lambda: 8)
    outcome = bring(lake, [together, single], Told(), now_us=lambda: 8)
    assert [name for name, _ in outcome.failed] == ["BTCUSDT.csv"]
    assert outcome.series[0].same == 4


def test_trades_that_cannot_be_believed_are_refused_alone(tmp_path):
    text = (
        f"timestamp,trade_id,price,qty,is_buyer_maker\n{BEGIN_MS},1,100,1,true\n{BEGIN_MS},2,-5,1,true\n{BEGIN_MS},3,100,0,true\n"
        f"{BEGIN_MS},4.5,100,1,true\n{BEGIN_MS},5,100,1,perhaps\n{BEGIN_MS},99999999999999999,100,1,true\n{BEGIN_MS},1,100,1,true\n"
    )
    found = one(made(tmp_path, "kraken/BTC-USD.csv", text))
    assert found.events.values["trade_id"].tolist() == [1.0]
    assert [(row.row, row.value) for row in found.sifted.told] == [
        (2, "-5"), (3, "0"), (4, "4.5"), (5, "perhaps"), (6, "99999999999999999"),
    ]  # fmt: skip
    assert found.sifted.repeated == 1


def test_trades_without_an_id_or_a_side_become_candles_and_it_is_said(tmp_path):
    kraken = one(made(tmp_path, "XBTUSD.csv", "1609459200.1234,100.0,1.5\n1609459210,102.5,0.5\n"))
    assert kraken.series.text == "kraken BTC/USD 1m"
    assert kraken.notes == (
        "trades were joined to 1m candles, since they have no id and side to be kept by; the first and the last may be parts of one",
    )
    with pytest.raises(BadInput, match="have no id and side that the lake can tell them apart by"):
        one(tmp_path / "XBTUSD.csv", kind="trades")
    text = "timestamp,symbol,side,size,price,trdMatchID\n" + "".join(
        f"{(BEGIN_MS + row[3]) / 1000},BTCUSDT,Buy,{row[2]},{row[1]},ab{row[0]}-cd\n" for row in TRADES
    )
    worded = one(made(tmp_path, "bybit/BTCUSDT2024-01-01.csv", text))
    assert worded.series.text == "bybit BTC/USDT 1m"
    assert "no id to be kept by" in worded.notes[0]


def test_a_person_may_ask_for_candles_of_trades_at_once(tmp_path):
    path = made(tmp_path, "BTCUSDT-2024-01-01.csv", dumped("spot trades"))
    for told in ({"timeframe": "1m"}, {"kind": "candles"}):
        found = one(path, **told)
        assert found.series.text == "binance BTC/USDT 1m"
        assert [column.tolist() for column in found.candles.values()] == [
            [100.0, 101.0], [102.5, 101.0], [99.0, 101.0], [99.0, 101.0], [3.0, 2.0],
        ]  # fmt: skip
    assert len(next(found_in(path, Told())).candles) == 2  # whoever measures candles gets some
    with pytest.raises(BadInput, match="trades, which have no timeframe"):
        one(path, kind="trades", timeframe="1m")


def test_an_order_book_is_no_trades(tmp_path):
    text = (
        f"timestamp,event_ms,last_update_id,side,price,qty\n{BEGIN_MS},1,2,1,100,1\n{BEGIN_MS},1,2,-1,101,1\n"
    )
    with pytest.raises(BadInput, match="holds an order book"):
        one(made(tmp_path, "binance/BTC-USDT/snapshot.csv", text))


def test_candles_of_trades_of_the_lake_are_whole_ones(tmp_path, lake):
    """Two files of minutes, an hour apart: the first and last minute of each may be parts of one."""

    def file(name, begin_ms, n):
        rows = [
            f"{begin_ms // 1_000 + i},{100 + i % 7},1,100,{begin_ms + i * 20_000},true,true" for i in range(n)
        ]
        return made(tmp_path, f"in/BTCUSDT-{name}.csv", "\n".join(rows) + "\n")

    files = [
        file("a", BEGIN_MS + 10_000, 15),
        file("b", BEGIN_MS + 3_610_000, 15),
        file("c", BEGIN_MS + 3_910_000, 15),
    ]
    (trades,) = bring(lake, files, Told(), now_us=lambda: 7).series
    wanted, done = made_of_trades(lake, trades.series, "1m")
    minutes = (lake.read(wanted).candles.open_us // 1_000 - BEGIN_MS) // 60_000
    # a: minutes 0 to 4, b and c without a hole between them: 60 to 69.
    assert minutes.tolist() == [1, 2, 3, *range(61, 69)]
    assert (wanted.text, done.new) == ("binance BTC/USDT 1m", 11)
    assert lake.read(wanted).candles.volume.tolist() == [3.0] * 11
    assert made_of_trades(lake, trades.series, "1m")[1] == (0, 11, 0)
    with pytest.raises(BadInput, match="holds no trades"):
        made_of_trades(lake, wanted, "1m")


def test_candles_of_trades_do_not_end_where_a_month_does(tmp_path, lake):
    begin_ms = BEGIN_MS + 31 * 86_400_000 - 3_600_000  # an hour before February
    rows = [f"{i + 1},{100 + i % 7},1,100,{begin_ms + i * 60_000},true,true" for i in range(121)]
    path = made(tmp_path, "BTCUSDT.csv", "\n".join(rows) + "\n")
    (trades,) = bring(lake, [path], Told(), now_us=lambda: 7).series
    wanted, done = made_of_trades(lake, trades.series, "15m")
    assert done.new == 8
    found = lake.read(wanted).candles
    assert found.volume.tolist() == [15.0] * 8
    assert found.open_us.tolist() == [(begin_ms + i * 900_000) * 1_000 for i in range(8)]


# ---------------------------------------------------------------------------------------------- as a person does it


def test_a_person_sees_what_became_of_each_kind(tmp_path, capsys):
    made(tmp_path, "in/binance-usdm/BTC-USDT/funding.csv", FUNDING["vision/BTCUSDT-fundingRate-2024-01.csv"])
    made(tmp_path, "in/binance/BTCUSDT-2024-01-01.csv", dumped("spot trades"))
    state = ["--state", str(tmp_path)]
    assert run(["data", "import", str(tmp_path / "in"), *state]) == 0
    said = capsys.readouterr().out
    assert (
        "binance-usdm BTC/USDT:USDT funding: 3 rows, 2024-01-01T00:00:00Z to 2024-01-01T16:00:00Z\n" in said
    )
    assert "binance BTC/USDT trades: 4 rows, " in said
    assert run(["data", "candles", "binance BTC/USDT trades", *state, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["new"], row["made_of"]) == (0, "binance BTC/USDT trades")
    assert run(["data", "candles", "binance ETH/USDT trades", *state]) == 2
    assert "is no series of trades" in capsys.readouterr().err
    assert run(["data", "list", *state, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(row["kind"], row["rows"], row["missing"]) for row in listed] == [
        ("funding", 3, None),
        ("trades", 4, None),
    ]
    assert run(["data", "list", *state]) == 0
    assert "funding 2024-01-01T00:00:00Z to" in capsys.readouterr().out
    for words, why in ((["--kind", "bars"], "--kind was 'bars'"), (["--unit", "bps"], "--unit was 'bps'")):
        assert run(["data", "import", str(tmp_path / "in"), *state, *words]) == 2
        assert why in capsys.readouterr().err


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is absent")
def test_the_recorded_files_are_read_whole(tmp_path, lake):
    del tmp_path
    files = files_of([DATA / "funding", DATA / "mark", DATA / "trades/binance", DATA / "trades/binance-usdm"])
    outcome = bring(lake, files, Told(), now_us=lambda: 7)
    rows = {one.series.text: one.new for one in outcome.series}
    assert rows["binance-usdm BTC/USDT:USDT funding"] == 2_320
    assert rows["binance-usdm ORCA/USDT:USDT funding"] == 1_687
    assert rows["binance-usdm ETH/USDT:USDT 1h mark"] == 6_576
    assert rows["binance BTC/USDT trades"] == 2_001 + 9_757
    assert rows["binance-usdm BTC/USDT:USDT trades"] == 21_313
    assert [name for name, _ in outcome.failed] == ["daily_mean.parquet"]
    assert not any(one.refused_rows for one in outcome.series)


def test_a_check_tells_the_holes_of_rates_and_no_score(tmp_path, capsys):
    settled = [stamps(i) for i in range(12) if i not in (5, 6)]
    text = "timestamp,funding_rate\n" + "".join(f"{ms},0.0001\n" for ms in settled)
    path = made(tmp_path, "in/binance-usdm/BTC-USDT/rates.csv", text)
    bars = "".join(
        f"{BEGIN_MS + i * 3_600_000},{100 + i % 7},{110 + i % 5},90,{101 + i % 6},{3 + i % 4}\n"
        for i in range(50)
    )
    made(tmp_path, "in/binance/BTC-EUR/1h.csv", "timestamp,open,high,low,close,volume\n" + bars)
    state = ["--state", str(tmp_path)]
    assert run(["data", "import", str(tmp_path / "in"), *state]) == 0
    capsys.readouterr()
    assert run(["data", "check", *state, "--json"]) == 0
    bars, rates = json.loads(capsys.readouterr().out)
    assert (bars["kind"], bars["score"]) == ("candles", 100.0)
    assert (rates["kind"], rates["rows"], rates["gaps"], rates["missing"], rates["score"]) == (
        "funding",
        10,
        1,
        2,
        None,
    )
    assert run(["data", "check", "binance-usdm BTC/USDT:USDT funding", *state]) == 0
    said = capsys.readouterr().out
    assert "about 2 missing" in said
    assert "BTC/EUR" not in said
    # Files: what holds no candles is no failure beside others, and is told where it was meant alone.
    assert run(["data", "check", "--data", str(tmp_path / "in"), *state, "--json"]) == 0
    assert [one["kind"] for one in json.loads(capsys.readouterr().out)] == ["candles"]
    assert run(["data", "check", "--data", str(path), *state]) == 2
    assert "holds funding, which comes when it comes" in capsys.readouterr().err
