"""The one door."""

import asyncio

import pytest

from dashboard.guard import BODY_LIMIT, Guard
from dashboard.pace import Pace
from tests.dashboard.asking import ORIGIN, Browser


class Behind:
    """What the guard protects; it counts what reaches it."""

    def __init__(self) -> None:
        self.reached = []

    async def __call__(self, scope, receive, send):
        event = await receive() if scope["method"] == "POST" else {"body": b""}
        self.reached.append((scope["method"], scope["path"], len(event["body"])))
        if scope["path"] == "/api/broken":
            raise RuntimeError("a secret detail")
        await send({"type": "http.response.start", "status": 200, "headers": [(b"server", b"x")]})
        await send({"type": "http.response.body", "body": b"in"})


@pytest.fixture
def behind():
    return Behind()


@pytest.fixture
def browser(behind):
    return Browser(Guard(behind, script_hashes=("'sha256-abc='",)))


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8320",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "",
        "127.0.0.1:x",
        "192.168.0.4",
    ],
)
def test_other_host_names_are_misdirected(browser, behind, host):
    assert browser.ask("GET", "/", {}, host=host).status == 421
    assert not behind.reached


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:9000", "localhost:8320", "[::1]:8320"])
def test_loopback_is_served_under_each_of_its_names_and_any_port(browser, host):
    assert browser.ask("GET", "/", {}, host=host).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/docs",
        "/redoc",
        "/openapi.json",
        "/_mcp",
        "/.env",
        "/assets/../../secret",
        "/_dash-ws-callback",
        "/x",
    ],
)
def test_what_is_not_listed_is_not_there(browser, behind, path):
    assert browser.get(path).status == 404
    assert not behind.reached


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://127.0.0.1:8320", "http://127.0.0.1:8321", "null", None]
)
def test_another_site_cannot_post(browser, behind, origin):
    assert browser.post("/api/commands", {}, origin=origin).status == 403
    assert not behind.reached


def test_a_browser_that_says_cross_site_is_believed(browser, behind):
    assert browser.post("/api/commands", {}, sec_fetch_site="cross-site").status == 403
    assert not behind.reached


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POST"])
def test_only_the_listed_paths_are_written_to(browser, behind, method):
    assert browser.ask(method, "/api/vitals", {"origin": ORIGIN}).status == 405
    assert not behind.reached


def test_a_large_body_is_refused_whether_it_says_so_or_not(browser, behind):
    assert browser.post("/api/commands", b"x" * (BODY_LIMIT + 1)).status == 413
    assert browser.post("/api/commands", b"x" * (BODY_LIMIT + 1), content_length="10").status == 413
    assert browser.post("/api/commands", b"x" * BODY_LIMIT).status == 200
    assert behind.reached == [("POST", "/api/commands", BODY_LIMIT)]


def test_a_burst_is_slowed_down_and_recovers(behind):
    now = [0.0]
    browser = Browser(Guard(behind, pace=Pace(reading=(5.0, 1.0), writing=(2.0, 0.1), clock=lambda: now[0])))
    assert [browser.get("/").status for _ in range(7)] == [200] * 5 + [429] * 2
    assert [browser.post("/api/login", {}).status for _ in range(3)] == [200, 200, 429]
    now[0] = 1.0
    assert browser.get("/").status == 200
    assert browser.post("/api/login", {}).status == 429


def test_one_address_cannot_use_up_another_ones_share(behind):
    guard = Guard(behind, pace=Pace(reading=(1.0, 0.0)))
    assert [Browser(guard, client).get("/").status for client in ("a", "a", "b")] == [200, 429, 200]


def test_every_answer_carries_the_security_headers(browser):
    for path in ("/", "/api/vitals", "/docs", "/assets/x.css", "/api/broken"):
        headers = browser.get(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "'sha256-abc='" in headers["content-security-policy"]
        assert "unsafe-eval" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers
    assert browser.get("/api/vitals").headers["cache-control"] == "no-store"


def test_a_failure_tells_nothing_of_its_inside(browser, caplog):
    answer = browser.get("/api/broken")
    assert answer.status == 500
    assert "secret detail" not in answer.text
    assert "secret detail" in caplog.text


def test_a_repeated_host_header_is_refused(behind):
    scope = {
        "type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"127.0.0.1"), (b"host", b"evil")], "client": ("a", 1),
    }  # fmt: skip
    sent = []

    async def send(event):
        sent.append(event)

    asyncio.run(Guard(behind)(scope, None, send))
    assert sent[0]["status"] == 400
    assert not behind.reached


def test_no_websocket_opens(behind):
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(event):
        sent.append(event)

    asyncio.run(
        Guard(behind)({"type": "websocket", "path": "/_dash-ws-callback", "headers": []}, receive, send)
    )
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert not behind.reached
