"""Names of series, and the places they lie at: safe for any text, and the same name comes back."""

from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.errors import BadInput
from organism.lake.names import (
    Kind,
    Series,
    origin_us,
    path_of,
    series,
    series_of,
    timeframe_text,
    timeframe_us,
)

TRICKS = (
    "..", ".", "../../etc/passwd", "/etc/passwd", "BTC/USDT", "BTC/USDT:USDT", "btc/usdt", "a\x00b", "%2E", "%", "~",
    "con", "CON", "nul.txt", "a\nb", "C:\\x", ".hidden", "x" * 70, "é", "e\u0301", "₿/USDT", " ", "-rf", "*", "?", "$HOME",
)  # fmt: skip
TEXT = st.one_of(st.sampled_from(TRICKS), st.text(min_size=1, max_size=20))


def found(text, *, kind=Kind.CANDLES):
    """Where a symbol lies, or nothing for one that is too long or half a character."""
    try:
        return path_of(Series("binance", text, "1m" if kind.has_timeframe else "", kind))
    except BadInput:
        return None


@given(venue=TEXT, symbol=TEXT, kind=st.sampled_from(Kind))
def test_a_name_comes_back_from_its_path_and_never_leaves_the_lake(venue, symbol, kind):
    name = Series(venue, symbol, "5m" if kind.has_timeframe else "", kind)
    path = path_of(name)
    assert series_of(path) == name
    assert len(path.parts) == 4
    assert not path.is_absolute()
    assert all(
        part.isascii() and part.isprintable() and not set(part) & set('./\\:*?"<>| ') for part in path.parts
    )
    assert (Path("/lake") / path).resolve().is_relative_to("/lake")


@given(one=TEXT, other=TEXT)
def test_two_names_never_meet_where_case_is_ignored(one, other):
    paths = {str(path).casefold() for text in {one, other} if (path := found(text)) is not None}
    assert len(paths) == len([text for text in {one, other} if found(text) is not None])
    venues = {
        str(path_of(Series(text, "X", "1m"))).casefold() for text in {one, other} if found(text) is not None
    }
    assert len(venues) == len([text for text in {one, other} if found(text) is not None])


@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_of_paths_is_one_folder_or_refused(tmp_path, trick):
    path = found(trick)
    assert path is not None
    (tmp_path / path).mkdir(parents=True)
    inside = [p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_dir()]
    assert sorted(map(str, inside)) == sorted(str(p) for p in (path, *path.parents) if str(p) != ".")
    assert series_of(PurePath(*inside[inside.index(Path(path))].parts)).symbol == trick


def test_the_usual_names_stay_readable():
    assert (
        str(path_of(series("binance-usdm", "BTC/USDT:USDT", "1h")))
        == "candles/binance-usdm/BTC%2FUSDT%3AUSDT/1h"
    )
    assert (
        str(path_of(series("binance", "BTC/USDT", "", Kind.FUNDING))) == "funding/binance/BTC%2FUSDT/events"
    )


@pytest.mark.parametrize(
    ("venue", "symbol", "timeframe", "said"),
    [
        ("", "BTC/USDT", "1m", "A venue is 1 to 64 printable characters"),
        ("binance", " BTC", "1m", "A symbol is 1 to 64 printable characters"),
        ("binance", "B\x00TC", "1m", "A symbol is 1 to 64"),
        ("binance", "B" * 65, "1m", "A symbol is 1 to 64"),
        ("binance", "BTC", "1M", "A timeframe is a number and a unit"),
        ("binance", "BTC", "0m", "A timeframe is a number and a unit"),
        ("binance", "BTC", "", "A timeframe is a number and a unit"),
    ],
)
def test_a_name_that_nobody_could_mean_is_refused(venue, symbol, timeframe, said):
    with pytest.raises(BadInput, match=said):
        series(venue, symbol, timeframe)


def test_events_have_no_timeframe():
    with pytest.raises(BadInput, match="open interest has no timeframe; was '1h'"):
        series("binance", "BTC/USDT", "1h", Kind.OPEN_INTEREST)


@pytest.mark.parametrize(
    "path", ["candles/binance/BTC/1m/x", "candles/binance/btc/1m", "candles/binance/%2/1m", "junk/binance/BTC/1m",
             "candles/binance/%FF/1m", "candles/binance/BTC/60x", "candles/binance/%42TC/1m", "trades/binance/BTC/1m"],
)  # fmt: skip
def test_a_folder_that_no_name_leads_to_is_no_series(path):
    with pytest.raises(BadInput):
        series_of(PurePath(path))


@given(st.integers(1, 9_999), st.sampled_from("smhdw"))
def test_a_timeframe_has_one_writing(count, unit):
    us = timeframe_us(f"{count}{unit}")
    assert timeframe_us(timeframe_text(us)) == us
    assert series("v", "S", f"{count}{unit}").timeframe == timeframe_text(us)


def test_weeks_begin_on_mondays():
    monday_us = 1_704_067_200_000_000  # 2024-01-01
    assert (monday_us - origin_us(timeframe_us("1w"))) % timeframe_us("1w") == 0
    assert origin_us(timeframe_us("1d")) == 0
