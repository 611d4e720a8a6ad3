"""A crawler without a login: whatever the application serves, asked in every way there is, changes nothing that is kept."""

import asyncio
import contextlib
import itertools
import json
import re
import sqlite3
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.routing import WebSocketRoute

from dashboard.access import Access
from dashboard.api.document import document
from dashboard.app import build
from dashboard.pace import Pace
from dashboard.pages.names import NAMED
from dashboard.tokens import FILE, SCOPES, Tokens
from dashboard.window import Window
from organism.alerts import acknowledge, acknowledged
from organism.commands import OF_INSTRUMENTS, OF_STRATEGIES, CommandsDb
from tests.dashboard.asking import ORIGIN, Answer, Browser
from tests.dashboard.living import FakeBody
from tests.dashboard.test_api import Wire

GONE = 'organism_session=""'
PASSWORD = "correct horse battery"
READING = ("GET", "HEAD")
METHODS = (
    *READING,
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "post",
    "get",
)
COMMANDS = ("halt", "reduce", "resume", "flatten", "hibernate")
# Ways to say in a question that another method is meant, or to do by asking what only saying may do.
QUERIES = ("", "?_method=POST&command=halt&note=x", "?command=flatten&password=guess&token=guess")
OVERRIDES = {"x-http-method-override": "POST", "x-method-override": "DELETE", "x-http-method": "PUT"}


@dataclass
class Crawled:
    """A dashboard with something to lose: a password, tokens, a command that waits, an alert that was seen."""

    state: Any
    app: Any
    access: Access
    now: list[float]
    plain: dict[str, str]

    def kept(self) -> dict[str, Any]:
        """All that may not change: files but for the fake body's own view, databases by their rows, and what is read of them."""
        files = {
            str(path.relative_to(self.state)): rows_of(path) if path.suffix == ".db" else path.read_bytes()
            for path in sorted(self.state.rglob("*"))
            if path.is_file()
            and not path.name.startswith("view.db")
            and not path.name.endswith(("-wal", "-shm"))
        }
        commands = self.state / "commands.db"
        return {
            "files": files,
            "waiting": CommandsDb(commands).waiting(),
            "seen": acknowledged(self.state, ["a1", "a2", "a3"]),
            "tokens": Tokens(self.state / FILE).all(),
            "link": self.access.setup_token,
            "sessions": frozenset(self.access._sessions),
        }


def rows_of(path):
    """Everything in a database, whichever of its files it lies in."""
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        return tuple(db.iterdump())


@pytest.fixture(params=["a password is set", "nobody has set one"])
def crawled(request, tmp_path):
    body = FakeBody(tmp_path)
    body.begin(bars=30)
    now = [1_000.0]
    if request.param == "a password is set":
        first = Access(tmp_path / "dashboard.secret")
        first.set_up(first.setup_token or "", PASSWORD)
    access = Access(tmp_path / "dashboard.secret", clock=lambda: now[0])
    if access.setup_token is None:
        access.sign_in(PASSWORD)  # a person, somewhere else
    app = build(Window(tmp_path, guarded=False), access)
    app._pace = Pace(reading=(1e9, 1e9), writing=(1e9, 1e9))  # no refusal may hide another
    CommandsDb(tmp_path / "commands.db").give("reduce", "cli", "a person's own")
    acknowledge(tmp_path, "a1")
    tokens = Tokens(tmp_path / FILE)
    plain = {name: tokens.make(name, [name]) for name in SCOPES if name in {"read", "metrics"}}
    yield Crawled(tmp_path, app, access, now, plain)
    body.close()


def routes(app):
    """Every route of the application behind the guard, those of mounted ones too."""
    found = []
    for route in app.routes:
        found.append(route)
        found.extend(routes(route.app) if getattr(route, "routes", None) else ())
    return found


def addresses(crawled):
    """Every address there is: of the routes with each name that fits, of the document, and of what a page loads and links."""
    browser = Browser(crawled.app)
    names = {"name": {page.name for page in NAMED}, "piece": set()}
    loaded = set()
    for page in NAMED:
        pieces = browser.get(f"/api/page/{page.name}").json["pieces"]
        names["piece"] |= pieces.keys()
        html = browser.get(page.path).text
        loaded |= {url.partition("?")[0] for url in re.findall(r'(?:src|href)="(/[^"]*)"', html)}
    found = {page.path for page in NAMED} | loaded | set(document()["paths"])
    for route in routes(crawled.app._app):
        wanted = next(iter(re.findall(r"\{(\w+)", route.path)), "")
        values = names.get(wanted, set()) if wanted else {""}
        found |= {re.sub(r"\{[^}]*\}", value, route.path) for value in values}
    return sorted(path for path in found if path.startswith("/"))


def bodies(link):
    """What the five doors for writing would take, and what is near it."""
    yield from ({"command": name, "note": "crawled", "password": "guess"} for name in COMMANDS)
    yield from ({"command": name, "target": "BTC/USDT"} for name in OF_INSTRUMENTS)
    yield from ({"command": name, "target": "ema_0_00000000"} for name in OF_STRATEGIES)
    yield {"alert_id": "a2"}
    yield {"token": link[:-1] + ("x" if link[-1:] != "x" else "y"), "password": PASSWORD}
    yield {"token": "", "password": PASSWORD}
    yield {"password": "guess"}
    yield {}


def strangers(crawled):
    """Who asks: nobody, somebody with made-up papers, and programs that may only look."""
    yield "nobody", {}
    yield "a made-up session", {"cookie": "organism_session=" + "A" * 43, "x-csrf-token": "A" * 43}
    yield "a made-up token", {"authorization": "Bearer organism_" + "A" * 43}
    for name, plain in crawled.plain.items():
        yield f"the token {name}", {"authorization": f"Bearer {plain}"}


def everything(crawled):
    """Each way in which each stranger may ask for each address, and what was answered."""
    link = crawled.access.setup_token or "x" * 43
    clients = itertools.count()
    for path in addresses(crawled):
        for who, papers in strangers(crawled):
            for method in METHODS:
                client = f"10.{(nth := next(clients)) >> 16}.{nth >> 8 & 255}.{nth & 255}"
                browser = Browser(crawled.app, client)
                given = {"origin": ORIGIN, "content-type": "application/json", **OVERRIDES, **papers}
                crawled.now[0] += 600.0  # guesses are slowed down, which is tried elsewhere
                if method in READING:
                    for query in QUERIES:
                        yield who, method, path + query, browser.ask(method, path + query, given)
                    continue
                sent = bodies(link) if path.startswith("/api/") and method == "POST" else ({},)
                for body in sent:
                    answer = browser.ask(method, path, given, json.dumps(body).encode())
                    yield who, method, path, answer


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_without_a_login_nothing_that_is_kept_changes(crawled):
    before = crawled.kept()
    n, opened = 0, 0
    for who, method, path, answer in everything(crawled):
        n += 1
        opened += answer.status == 200
        where = (who, method, path, answer.status)
        assert answer.status != 500, where
        assert answer.headers.get("set-cookie", GONE).startswith(GONE), where
        # A program may say that it leaves: that ends the session of its own cookie, and it has none.
        leaves = who.startswith("the token") and (method, path) == ("POST", "/api/logout")
        assert method in READING or answer.status >= 400 or leaves, where
    after = crawled.kept()
    changed = [name for name, was in before.items() if after[name] != was]
    assert changed == []
    assert n > 3_000, "the crawler went about"
    assert opened > 300, "and looking was open to it"


def test_every_address_that_is_documented_or_routed_is_crawled(crawled):
    found = set(addresses(crawled))
    assert {
        "/api/page/vitals",
        "/api/page/settings",
        "/api/csv/strategies",
        "/metrics",
        "/api/openapi.json",
    } <= found
    assert {"/api/commands", "/api/alerts/seen", "/api/setup", "/api/login", "/api/logout"} <= found
    assert "/_dash-update-component" in found
    assert any(path.endswith(".js") for path in found)
    assert set(document()["paths"]) <= found
    for route in routes(crawled.app._app):
        pattern = re.sub(r"\{\w+:path\}", ".+", re.sub(r"\{\w+\}", "[^/]+", route.path))
        assert any(re.fullmatch(pattern, path) or path.startswith(f"{route.path}/") for path in found), route


def test_what_is_said_over_a_websocket_changes_nothing(crawled):
    before = crawled.kept()

    async def speak(path: str) -> str:
        async with Wire(crawled.app, path, origin=ORIGIN) as wire:
            kind = (await wire.hear())["type"]
            if kind == "websocket.accept":
                said = json.dumps({"command": "halt", "alert_id": "a2", "password": PASSWORD})
                wire.said.put_nowait({"type": "websocket.receive", "text": said})
                await wire.hear()
            return kind

    paths = {route.path for route in routes(crawled.app._app) if isinstance(route, WebSocketRoute)}
    told = {path: asyncio.run(speak(path)) for path in (*paths, "/api/commands", "/")}
    assert told.pop("/api/stream") == "websocket.accept"
    assert set(told.values()) == {"websocket.close"}
    assert crawled.kept() == before


def test_the_crawler_would_see_a_change(crawled):
    """The same questions by somebody who signed in: each kind of thing that is kept does change."""
    browser, before = Browser(crawled.app), crawled.kept()
    link = crawled.access.setup_token
    answer: Answer = (
        browser.post("/api/setup", {"token": link, "password": PASSWORD})
        if link
        else browser.post("/api/login", {"password": PASSWORD})
    )
    assert answer.status == 200
    browser.csrf = answer.json["csrf"]
    assert crawled.kept()["sessions"] > before["sessions"]
    assert (crawled.kept()["files"] != before["files"]) == bool(link), (
        "a first password is kept, a login is not"
    )
    assert browser.post("/api/commands", {"command": "halt", "note": "crawled"}).status == 202
    assert browser.post("/api/alerts/seen", {"alert_id": "a2"}).status == 200
    after = crawled.kept()
    assert len(after["waiting"]) == len(before["waiting"]) + 1
    assert after["seen"] == before["seen"] | {"a2"}
    assert after["files"]["commands.db"] != before["files"]["commands.db"]
