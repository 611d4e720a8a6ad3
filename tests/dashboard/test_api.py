"""What programs ask: figures, metrics, the document, the stream."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import dashboard
from dashboard.api.document import ENDPOINTS
from dashboard.api.metrics import told
from dashboard.api.stream import MOST_VIEWERS, News, Stream
from dashboard.condition import Condition, Judged
from dashboard.glimpse import Glimpse
from dashboard.tokens import FILE, SCOPES, Tokens
from tests.dashboard.asking import HOST, ORIGIN

LIVING = Judged(condition=Condition.LIVING, age_s=0.4)


def samples(text):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.requirement("S2-7.2")
@pytest.mark.requirement("S3-1.1.9")
@pytest.mark.requirement("S3-4.2.1")
def test_the_metrics_are_what_the_vitals_say(home):
    found = samples(home.browser.get("/metrics").text)
    vitals = home.browser.get("/api/vitals").json
    assert found[("organism_health_points",)] == vitals["health"]
    assert found[("organism_equity",)] == pytest.approx(vitals["portfolio"]["equity"])
    assert found[("organism_trading_state", "active")] == 1.0
    assert found[("organism_trading_state", "halted")] == 0.0
    for organ in vitals["organs"]:
        assert found[("organism_organ_restarts_total", organ["name"])] == organ["restarts"]
        assert found[("organism_mailbox_depth", organ["name"])] == organ["mailbox_depth"]
    assert found[("organism_denials_total", "price_band")] == 2.0
    assert found[("organism_unexplained_instruments",)] == 0.0


def test_a_body_that_is_down_is_said_to_be(home):
    assert samples(told(Glimpse(), Judged(condition=Condition.DOWN, age_s=60.0)).decode()) == {
        ("organism_up",): 0.0, ("organism_body_age_seconds",): 60.0,
    }  # fmt: skip


def test_what_is_not_known_is_not_told_and_hostile_names_are_data():
    name = 'BTC"} 1\n# HELP evil\\'
    glimpse = Glimpse(
        exists=True,
        state={"health": {"health": None}, "portfolio": {"equity": float("nan"), "drawdown": "x"}},
        tables={"positions": [{"symbol": name, "exposure": 0.5}, {"symbol": "ETH", "exposure": None}]},
    )
    found = samples(told(glimpse, LIVING).decode())
    assert found[("organism_position_exposure_ratio", name)] == 0.5
    assert not {("organism_health_points",), ("organism_equity",), ("organism_drawdown_ratio",)} & set(found)
    assert ("organism_position_exposure_ratio", "ETH") not in found


@pytest.mark.requirement("S0-4.1.6")
@pytest.mark.requirement("S2-11.5")
def test_portfolio_signals_orders_and_evolution_are_told(home):
    portfolio = home.browser.get("/api/portfolio").json
    assert portfolio["portfolio"]["cash"] == "5662.26"
    assert {row["symbol"] for row in portfolio["positions"]} == {"SOL/USDT", "BTC/USDT"}
    signals = home.browser.get("/api/signals").json["signals"]
    assert all(-1.0 <= value <= 1.0 for one in signals for value in one["forecasts"].values())
    assert signals[0]["strategy"] == "ema_crossover_7_4093d392"
    orders = home.browser.get("/api/orders?limit=1").json["orders"]
    assert len(orders) == 1
    only = home.browser.get("/api/orders?symbol=BTC/USDT").json["orders"]
    assert {row["symbol"] for row in only} == {"BTC/USDT"}
    assert home.browser.get("/api/orders?symbol=%27%3B--").json == {"orders": []}
    assert home.browser.get("/api/evolution").json["trials_total"] == 14210


# ---------------------------------------------------------------- the document


@pytest.mark.requirement("S2-11.1")
@pytest.mark.requirement("S4-11.2")
@pytest.mark.requirement("S2-11.8")
def test_the_document_tells_of_everything_that_answers_and_of_nothing_else(home):
    paths = home.browser.get("/api/openapi.json").json["paths"]
    token = Tokens(home.state / FILE).make("all", list(SCOPES))
    for one in ENDPOINTS:
        (method,) = paths[one.path]
        headers = {"authorization": f"Bearer {token}"}
        if method == "get":
            answer = home.browser.get(one.path, **headers)
            assert answer.status == 200, one.path
            assert answer.headers["content-type"].startswith(one.media)
        else:
            answer = home.browser.post(one.path, {"strange": 1}, origin=None, **headers)
            assert answer.status == 400, one.path
    served = {
        route.path for route in home.app._app.routes if getattr(route, "methods", None) and route.path.startswith("/api/")
    }  # fmt: skip
    of_the_page = {
        "/api/csv/{piece}",
        "/api/session",
        "/api/login",
        "/api/logout",
        "/api/setup",
        "/api/page/{name}",
    }
    assert served - of_the_page == {one.path for one in ENDPOINTS if one.path.startswith("/api/")}


def test_each_scope_of_the_document_opens_what_it_says(home):
    tokens = Tokens(home.state / FILE)
    for one in ENDPOINTS:
        if one.scope and not one.body:
            token = tokens.make(f"t{len(tokens.all())}", [one.scope])
            assert home.browser.get(one.path, authorization=f"Bearer {token}").status == 200


# ---------------------------------------------------------------- the stream


def test_news_is_what_was_not_told_before():
    news = News()
    fills = [{"key": "b"}, {"key": "a"}]
    first = [json.loads(text) for text in news.of({"health": 9.0, "body_age_s": 0.1}, {"fills": fills})]
    assert first == [{"type": "vitals", "health": 9.0}]
    assert news.of({"health": 9.0, "body_age_s": 0.4}, {"fills": fills}) == []
    later = [
        json.loads(text) for text in news.of({"health": 8.0}, {"fills": [{"key": "d"}, {"key": "c"}, *fills]})
    ]
    assert [one.get("row", {}).get("key") for one in later] == [None, "c", "d"]
    assert news.of(None, {"fills": [{"key": "d"}, {"key": "c"}]}) == []


class Wire:
    """A websocket asked directly. `hear` answers the next thing said to us."""

    def __init__(self, app, path="/api/stream", **headers):
        given = {"host": HOST, **headers}
        self.scope = {
            "type": "websocket", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "ws", "path": path,
            "raw_path": path.encode(), "query_string": b"", "root_path": "", "subprotocols": [], "state": {},
            "headers": [(n.encode(), v.encode()) for n, v in given.items() if v is not None],
            "client": ("127.0.0.1", 50_000), "server": ("127.0.0.1", 8320),
        }  # fmt: skip
        self.app = app
        self.said, self.heard = asyncio.Queue(), asyncio.Queue()
        self.said.put_nowait({"type": "websocket.connect"})

    async def __aenter__(self):
        self.task = asyncio.create_task(self.app(self.scope, self.said.get, self.heard.put))
        return self

    async def __aexit__(self, *_):
        self.said.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(self.task, 10)

    async def hear(self):
        return await asyncio.wait_for(self.heard.get(), 10)


@pytest.mark.requirement("S2-11.2")
def test_the_stream_tells_the_vitals_and_then_each_event(home):
    async def listen():
        async with Wire(home.app, origin=ORIGIN) as wire:
            assert (await wire.hear())["type"] == "websocket.accept"
            first = json.loads((await wire.hear())["text"])
            assert first["type"] == "vitals"
            home.body.row("alerts", alert_id="a9", wall_ns=2**62, title="A strange thing")
            while True:
                told = json.loads((await wire.hear())["text"])
                if told["type"] == "event":
                    return told

    told = asyncio.run(listen())
    assert (told["table"], told["row"]["title"]) == ("alerts", "A strange thing")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", None, "https://127.0.0.1:8320"])
def test_no_other_sites_page_listens(home, origin):
    async def knock():
        async with Wire(home.app, origin=origin) as wire:
            return await wire.hear()

    assert asyncio.run(knock()) == {"type": "websocket.close", "code": 1008}


def test_a_program_listens_with_its_token(home):
    token = Tokens(home.state / FILE).make("ear", ["read"])

    async def knock(given):
        async with Wire(home.app, authorization=f"Bearer {given}") as wire:
            return (await wire.hear())["type"]

    assert asyncio.run(knock(token)) == "websocket.accept"
    assert asyncio.run(knock("organism_wrong")) == "websocket.close"


def test_no_other_path_is_a_websocket(home):
    async def knock():
        async with Wire(home.app, "/_dash-ws-callback", origin=ORIGIN) as wire:
            return await wire.hear()

    assert asyncio.run(knock())["type"] == "websocket.close"


def test_a_crowd_is_turned_away_and_a_place_is_free_again_when_somebody_leaves(home):
    async def crowd():
        wires = [Wire(home.app, origin=ORIGIN) for _ in range(MOST_VIEWERS + 1)]
        for wire in wires:
            await wire.__aenter__()
            assert (await wire.hear())["type"] == "websocket.accept"
        turned = await _until_closed(wires[-1])
        for wire in wires:
            await wire.__aexit__()
        async with Wire(home.app, origin=ORIGIN) as late:
            await late.hear()
            return turned, (await late.hear())["type"]

    turned, later = asyncio.run(crowd())
    assert turned["code"] == 1013
    assert later == "websocket.send"


async def _until_closed(wire):
    while True:
        heard = await wire.hear()
        if heard["type"] == "websocket.close":
            return heard


def test_who_reads_too_slowly_is_let_go(monkeypatch):
    monkeypatch.setattr("dashboard.api.stream.PATIENCE_S", 0.05)
    closed = []

    class Slow:
        async def accept(self):
            return None

        async def send_text(self, _):
            await asyncio.Event().wait()

        async def receive(self):
            await asyncio.Event().wait()

        async def close(self, code):
            closed.append(code)

    stream = Stream(lambda: {"health": 1.0}, lambda _: [])
    asyncio.run(asyncio.wait_for(stream.serve(Slow()), 10))
    assert closed == [1008]
    assert stream._viewers == 0


@pytest.mark.requirement("S2-7.3")
@pytest.mark.requirement("S3-4.2.2")
def test_the_board_asks_only_for_what_is_told(home):
    board = json.loads((Path(dashboard.__file__).parent / "board" / "grafana.json").read_text())
    asked = {name for text in _expressions(board) for name in re.findall(r"organism_\w+", text)}
    told_names = {name for name, *_ in samples(home.browser.get("/metrics").text)}
    assert len(asked) > 12
    assert asked <= told_names


def _expressions(board):
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]
