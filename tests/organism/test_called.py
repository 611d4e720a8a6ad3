"""Values of context have names for people wherever people read, and their own for programs."""

from dashboard.pages.asked import asked
from dashboard.pages.registry import answered
from dashboard.window import Window
from organism.called import CONTEXT, called
from organism.lake.context.lags import LAGS
from organism.status import render, status
from organism.top.parts import Paper, Sight, feeds
from tests.dashboard.living import FakeBody

FEEDS = [
    {"name": "fear_greed", "state": "fresh", "silent_s": 60.0, "value": 24.0, "known_at": 1, "detail": "24"},
    {"name": "funding BTC/USDT:USDT", "state": "stale", "silent_s": 60.0, "value": 0.1, "known_at": 1, "detail": "late"},
]  # fmt: skip
WORDS = ("Fear and greed", "Funding of BTC/USDT:USDT")


def test_every_series_of_context_has_a_name_and_nothing_else_is_renamed():
    assert set(LAGS) - set(CONTEXT) == {"candles", "trades"}
    for name in ("replay", "binance BTC/USDT", "", " ", "Fear_greed", "fear_greed_sensitivity"):
        assert called(name) == name


def test_page_top_and_status_say_the_names_for_people_and_json_those_for_programs(tmp_path):
    body = FakeBody(tmp_path)
    body.begin(bars=3)
    body.put("context", {"feeds": FEEDS})
    body.close()
    found = status(tmp_path)
    assert [feed["name"] for feed in found["feeds"] if "bars" not in feed] == [one["name"] for one in FEEDS]
    shown = answered("market", asked({}), Window(tmp_path, guarded=False).sight())["market-context"]["items"]
    assert [one["name"] for one in shown] == list(WORDS)
    top = "\n".join(line.plain for line in feeds(Sight(found), Paper(120)).lines)
    for text in (render(found), top):
        assert all(word in text for word in WORDS), text
        assert "fear_greed" not in text
