"""Tokens for programs, and what a visitor may do with one."""

import os
import stat

import pytest

from dashboard.access import IDLE_S, LIFE_S, Access
from dashboard.app import build
from dashboard.policy import Policy
from dashboard.tokens import FILE, MOST, SCOPES, Tokens
from dashboard.window import Window
from organism.commands import CommandsDb
from organism.errors import BadInput
from tests.dashboard.asking import Browser
from tests.dashboard.living import FakeBody


@pytest.fixture
def now():
    return [1_000_000.0]


@pytest.fixture
def tokens(tmp_path, now):
    return Tokens(tmp_path / FILE, wall_s=lambda: now[0])


def test_a_token_is_told_once_and_kept_as_a_hash_for_its_owner_alone(tokens, tmp_path):
    plain = tokens.make("grafana", ["metrics"])
    kept = (tmp_path / FILE).read_text()
    assert plain not in kept
    assert plain.removeprefix("organism_") not in kept
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert tokens.find(plain).name == "grafana"
    assert tokens.find(plain).scopes == ("metrics",)


@pytest.mark.parametrize(
    "given", ["", "organism_", "organism_x", "Ünïcode", "x" * 10_000, "organism_" + "é" * 43]
)
def test_what_is_no_token_is_nobody(tokens, given):
    tokens.make("a", ["read"])
    assert tokens.find(given) is None


def test_a_token_ends_when_it_was_to_end(tokens, now):
    plain = tokens.make("a", ["read"], days=1.0)
    now[0] += 86_399.0
    assert tokens.find(plain)
    now[0] += 1.0
    assert tokens.find(plain) is None


def test_a_revoked_token_opens_nothing_at_once_also_in_another_process(tokens, tmp_path):
    plain = tokens.make("a", ["read"])
    other = Tokens(tmp_path / FILE)
    assert other.find(plain)
    tokens.revoke("a")
    assert tokens.find(plain) is None
    assert other.find(plain) is None
    with pytest.raises(BadInput, match="no token 'a'"):
        tokens.revoke("a")


@pytest.mark.parametrize(
    ("name", "scopes", "days", "said"),
    [
        ("", ["read"], None, "name"),
        ("-x", ["read"], None, "name"),
        ("A B", ["read"], None, "name"),
        ("x" * 41, ["read"], None, "name"),
        ("a", [], None, "scopes"),
        ("a", ["read", "root"], None, "scopes"),
        ("a", ["read"], 0.0, "days"),
        ("a", ["read"], float("nan"), "days"),
        ("a", ["read"], 1e9, "days"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(tokens, tmp_path, name, scopes, days, said):
    with pytest.raises(BadInput, match=said):
        tokens.make(name, scopes, days)
    assert not (tmp_path / FILE).exists()


def test_no_two_of_one_name_and_not_too_many(tokens):
    tokens.make("a", ["read"])
    with pytest.raises(BadInput, match="already"):
        tokens.make("a", ["read"])
    for number in range(MOST - 1):
        tokens.make(f"t{number}", ["read"])
    with pytest.raises(BadInput, match="the most"):
        tokens.make("b", ["read"])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_text("{"),
        lambda path: path.write_text('{"version":2,"tokens":[]}'),
        lambda path: path.chmod(0o640),
        lambda path: (path.rename(f"{path}.real"), path.symlink_to(f"{path}.real")),
        lambda path: (path.unlink(), os.mkfifo(path, 0o600)),
    ],
    ids=["torn", "newer", "open to others", "a link", "a pipe"],
)
def test_a_file_that_cannot_be_trusted_opens_nothing(tokens, tmp_path, spoil):
    plain = tokens.make("a", ["read"])
    spoil(tmp_path / FILE)
    fresh = Tokens(tmp_path / FILE)
    assert fresh.find(plain) is None
    with pytest.raises(BadInput, match=FILE):
        fresh.all()


# ---------------------------------------------------------------- at the door


class Served:
    """A dashboard of a state folder in which a fake body lives."""

    def __init__(self, state, **policy):
        self.state, self.clock = state, [1000.0]
        self.access = Access(state / "dashboard.secret", clock=lambda: self.clock[0])
        self.tokens = Tokens(state / FILE)
        self.app = build(Window(state, guarded=False), self.access, Policy(**policy))

    def browser(self):
        return Browser(self.app)

    def program(self, *scopes):
        name = f"p{len(self.tokens.all())}"
        return Program(self.app, self.tokens.make(name, scopes))


class Program(Browser):
    """Sends its token and neither cookie nor origin."""

    def __init__(self, app, token):
        super().__init__(app)
        self.token = token

    def ask(self, method, path, headers, body=b"", **more):
        given = {"authorization": f"Bearer {self.token}", **headers}
        return super().ask(method, path, {k: v for k, v in given.items() if k != "origin" or v}, body, **more)

    def command(self, command, **more):
        return self.post("/api/commands", {"command": command, "note": "by program", **more}, origin=None)


@pytest.fixture
def served(tmp_path):
    body = FakeBody(tmp_path)
    body.begin(bars=20)
    yield Served(tmp_path, read_login=True)
    body.close()


@pytest.fixture
def easy(tmp_path):
    body = FakeBody(tmp_path)
    body.begin(bars=20)
    yield Served(tmp_path)
    body.close()


READABLE = (
    "/",
    "/api/vitals",
    "/api/performance",
    "/api/positions",
    "/api/trades",
    "/api/alerts",
    "/api/page/vitals",
    "/_dash-layout",
)


@pytest.mark.requirement("S2-11.3")
@pytest.mark.parametrize("path", READABLE)
def test_where_looking_needs_a_login_nobody_looks_without(served, path):
    assert served.browser().get(path).status == 401
    known = served.browser()
    known.enter(served.access.setup_token)
    assert known.get(path).status == 200
    assert served.program("read").get(path).status == 200
    assert served.program("metrics", "command").get(path).status == 403


def test_a_browser_that_is_not_signed_in_is_led_to_the_door_and_finds_all_of_it(served):
    stranger = served.browser()
    answer = stranger.get("/", accept="text/html,application/xhtml+xml")
    assert (answer.status, answer.headers["location"]) == (303, "/login")
    for path in (
        "/login",
        "/setup",
        "/assets/door.js",
        "/assets/10-ground.css",
        "/assets/20-parts.css",
        "/assets/mark.svg",
    ):
        assert stranger.get(path).status == 200, path
    assert stranger.get("/assets/39-pulse.js").status == 401
    assert stranger.get("/healthz").status == 200
    assert stranger.get("/api/session").json["signed_in"] is False


def test_looking_goes_on_when_commands_need_a_fresh_sign_in_and_ends_with_the_day(served):
    browser = served.browser()
    browser.enter(served.access.setup_token)
    served.clock[0] += IDLE_S + 1.0
    assert browser.get("/api/vitals").status == 200
    assert browser.post("/api/commands", {"command": "halt"}).status == 401
    served.clock[0] += LIFE_S
    assert browser.get("/api/vitals").status == 401


def test_on_loopback_looking_needs_nothing_and_a_wrong_token_is_told_so(easy):
    assert easy.browser().get("/api/vitals").status == 200
    assert easy.browser().get("/api/vitals", authorization="Bearer organism_wrong").status == 401
    assert easy.browser().get("/api/vitals", authorization="Basic YTpi").status == 401
    assert easy.program("metrics").get("/api/vitals").status == 200


@pytest.mark.requirement("S2-11.6")
@pytest.mark.parametrize("command", ["halt", "reduce", "flatten", "hibernate"])
def test_a_program_gives_commands_in_its_own_name(easy, command):
    program = easy.program("command")
    assert program.command(command).status == 202
    (given,) = CommandsDb(easy.state / "commands.db").waiting()
    assert (given.command, given.operator) == (command, "token:p0")


def test_a_program_resumes_only_with_that_right(easy):
    assert easy.program("command").command("resume").status == 403
    assert easy.program("read").command("halt").status == 403
    assert easy.program("resume").command("resume").status == 202
    assert easy.program("resume").command("halt").status == 202


def test_a_token_is_no_way_around_the_origin(easy):
    program = easy.program(*SCOPES)
    for origin in ("http://evil.example", "null", "http://127.0.0.1:9"):
        assert program.post("/api/commands", {"command": "halt"}, origin=origin).status == 403
    assert not CommandsDb(easy.state / "commands.db").waiting()


def test_a_wrong_token_beside_a_good_cookie_is_nobody(easy):
    browser = easy.browser()
    browser.enter(easy.access.setup_token)
    answer = browser.post("/api/commands", {"command": "halt"}, authorization="Bearer organism_wrong")
    assert answer.status == 401


def test_resuming_asks_a_person_for_the_password_again_and_stopping_never(easy):
    browser = easy.browser()
    browser.enter(easy.access.setup_token)
    for command in ("halt", "reduce", "flatten"):
        assert browser.post("/api/commands", {"command": command}).status == 202
    assert browser.post("/api/commands", {"command": "resume"}).status == 401
    assert browser.post("/api/commands", {"command": "resume", "password": "guessed wrong"}).status == 401
    good = browser.post("/api/commands", {"command": "resume", "password": "correct horse battery"})
    assert good.status == 202
    assert [one.command for one in CommandsDb(easy.state / "commands.db").waiting()] == [
        "halt",
        "reduce",
        "flatten",
        "resume",
    ]


def test_guessing_the_password_by_resuming_costs_time_too(easy):
    browser = easy.browser()
    browser.enter(easy.access.setup_token)
    found = [
        browser.post("/api/commands", {"command": "resume", "password": "guess"}).status for _ in range(6)
    ]
    assert found[-1] == 429


@pytest.mark.requirement("S2-11.4")
def test_each_token_has_its_own_pace(easy):
    one, other = easy.program("read"), easy.program("read")
    # It may ask for more while this asks: a slow machine needs more questions than the 400 at once.
    assert any(one.get("/healthz").status == 429 for _ in range(4_000))
    assert other.get("/healthz").status == 200


def test_a_name_of_ones_own_is_served_when_it_is_set_and_only_then(tmp_path):
    mine = Served(tmp_path, names=frozenset({"body.example"}), read_login=True)
    assert mine.browser().ask("GET", "/healthz", {}, host="body.example").status == 200
    assert mine.browser().ask("GET", "/healthz", {}, host="other.example").status == 421
    browser = mine.browser()
    token = mine.access.setup_token
    body = b'{"token":"%s","password":"correct horse battery"}' % token.encode()
    headers = {"origin": "https://body.example", "content-type": "application/json"}
    assert browser.ask("POST", "/api/setup", headers, body, host="body.example").status == 200


def test_an_encrypted_page_says_so_for_ever(tmp_path):
    assert "strict-transport-security" in Served(tmp_path, encrypted=True).browser().get("/healthz").headers
    assert "strict-transport-security" not in Served(tmp_path).browser().get("/healthz").headers


def test_a_view_that_cannot_be_read_keeps_nobody_from_closing_a_position(tmp_path):
    (tmp_path / "view.db").write_bytes(b"no database" * 100)
    sick = Served(tmp_path)
    assert sick.program("command").command("close", target="BTC/USDT").status == 202
    assert CommandsDb(tmp_path / "commands.db").waiting()[0].target == "BTC/USDT"


def test_a_name_that_the_view_does_not_know_is_refused_in_a_sentence(easy):
    answer = easy.program("command").command("close", target="NOWHERE/USDT")
    assert answer.status == 400
    assert "does not know" in answer.json["error"]
