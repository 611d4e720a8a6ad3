"""The file between poller and body: written whole, believed only where it makes sense."""

import msgspec
import pytest

from organism.errors import BadInput
from organism.lake.polling.schedule import Standing
from organism.lake.polling.told import FILE, Told, heard, perpetuals, tell, wanted
from organism.settings import ContextSettings, MarketSettings, Settings

STANDING = Standing(
    at_us=1,
    known_us=2,
    value=0.5,
    period_us=3,
    asked_us=4,
    answered_us=5,
    next_us=6,
    failures=7,
    error="none",
)


def asking(**context):
    market = MarketSettings(symbols=("BTC/USDT", "BTC/USDT:USDT", "ETH/USDT"))
    return Settings(context=ContextSettings(**context), market=market)


def test_what_is_told_is_heard(tmp_path):
    assert heard(tmp_path) is None
    told = Told({"fear_greed": STANDING, "funding BTC/USDT:USDT": Standing()})
    tell(tmp_path, told)
    tell(tmp_path, told)
    assert heard(tmp_path) == told
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b"\xff\xfe", b'{"feeds": {"a": 1}}', b"[" * 100_000, b'{"feeds":{"x":{"value":1e999}}}',
        b'{"feeds":{"x":{"next_us":-1}}}', b'{"feeds":{"x":{"at_us":99999999999999999}}}', b" " * (5 << 20),
        b'{"feeds":{"<b>":{}}}', b'{"feeds":{"x":{"failures":-1}}}', b'{"feeds":{"x":{"value":"1"}}}',
    ],
)  # fmt: skip
def test_nonsense_is_one_sentence_and_nothing_of_it_is_heard(tmp_path, data):
    (tmp_path / FILE).write_bytes(data)
    with pytest.raises(BadInput, match=r"poller\.json says what the poller never writes.*It may be deleted"):
        heard(tmp_path)


def test_too_many_feeds_are_nonsense(tmp_path):
    tell(tmp_path, Told({f"funding {n}": Standing() for n in range(2_001)}))
    with pytest.raises(BadInput):
        heard(tmp_path)


def test_a_folder_in_its_place_is_one_sentence(tmp_path):
    (tmp_path / FILE).mkdir()
    with pytest.raises(BadInput, match="cannot be read"):
        heard(tmp_path)


def test_a_value_that_is_no_number_is_not_told(tmp_path):
    tell(tmp_path, Told({"fear_greed": msgspec.structs.replace(STANDING, value=float("nan"))}))
    found = heard(tmp_path)
    assert found is not None
    assert found.feeds["fear_greed"].value is None


def test_what_a_service_said_cannot_move_a_cursor(tmp_path):
    tell(tmp_path, Told({"fear_greed": Standing(error="a\x1b[2Jb\n" + "x" * 500)}))
    found = heard(tmp_path)
    assert found is not None
    error = found.feeds["fear_greed"].error
    assert "\x1b" not in error
    assert "\n" not in error
    assert len(error) == 200


def test_whoever_dies_while_telling_leaves_what_was_told_before(tmp_path, monkeypatch):
    tell(tmp_path, Told({"fear_greed": STANDING}))

    def dies(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", dies)
    with pytest.raises(OSError, match="No space"):
        tell(tmp_path, Told({}))
    assert heard(tmp_path) == Told({"fear_greed": STANDING})


def test_nothing_is_asked_for_unless_somebody_wants_it():
    assert wanted(Settings()) == ()
    assert wanted(asking()) == ()
    assert perpetuals(asking(fear_greed=True)) == ()


def test_funding_is_asked_for_each_perpetual_once():
    names = ("funding BTC/USDT:USDT", "funding ETH/USDT:USDT")
    assert wanted(asking(funding=True)) == names
    assert wanted(asking(funding=True, fear_greed=True)) == ("fear_greed", *names)
