"""What can be asked, and that nothing changes without signing in."""

import json
import re
import sqlite3
import time

import pytest

from organism.alerts import LAST_WORDS, acknowledge, acknowledged
from organism.commands import CommandsDb
from organs.voice.sender.alert import Alert
from organs.voice.sender.courier import Result
from organs.voice.sender.record import Deliveries
from tests.dashboard.asking import ORIGIN, Browser

HALT = {"command": "halt", "note": "because"}
SEEN = {"alert_id": "a2"}


def waiting(home):
    return [
        (c.command, c.operator, c.note, c.hours) for c in CommandsDb(home.state / "commands.db").waiting()
    ]


def contents(state):
    """Everything in the folder but the fake body's own view."""
    return {p.name: p.read_bytes() for p in sorted(state.iterdir()) if not p.name.startswith("view.db")}


# ---------------------------------------------------------------- looking


@pytest.mark.requirement("S0-4.1.2")
def test_vitals_tell_health_organs_feeds_and_risk(home):
    found = home.browser.get("/api/vitals").json
    assert found["condition"] == "living"
    assert found["sentence"].startswith("Awake.")
    assert 0 <= found["health"] <= 100
    assert {organ["name"] for organ in found["organs"]} >= {"brain", "immune", "motor"}
    assert found["unexplained_quantity"] == []
    assert found["portfolio"]["drawdown"] >= 0


@pytest.mark.requirement("S0-4.1.3")
def test_performance_tells_curve_days_and_win_rate_and_no_sharpe_of_a_single_day(home):
    found = home.browser.get("/api/performance").json
    assert len(found["curve"]) == 80
    assert found["n_trades"] == 9
    assert 0 < found["win_rate"] < 1
    assert found["daily"]
    assert found["sharpe"] is None
    assert "20 daily returns" in found["note"]


@pytest.mark.requirement("S0-4.1.4")
def test_positions_are_listed(home):
    assert {row["symbol"] for row in home.browser.get("/api/positions").json["positions"]} == {
        "BTC/USDT",
        "SOL/USDT",
    }
    found = home.browser.get("/api/positions").json["positions"][0]
    assert (found["unprotected_s"], found["unprotected_since_ns"]) == (None, None), (
        "unknown is not none at all"
    )


@pytest.mark.requirement("S0-4.1.5")
def test_trades_are_limited_newest_first(home):
    for nth in range(9, 140):
        home.body._trade(nth)
    assert len(home.browser.get("/api/trades").json["trades"]) == 100
    found = home.browser.get("/api/trades?limit=3").json["trades"]
    assert [row["seq"] for row in found] == [139, 138, 137]
    for odd in ("nan", "-1", "x", "1e99"):
        assert home.browser.get(f"/api/trades?limit={odd}").status == 200


@pytest.mark.requirement("S3-1.1.3")
def test_health_of_the_process_is_told_with_the_bodys_age(home):
    found = home.browser.get("/healthz").json
    assert found["ok"] is True
    assert 0 <= found["body_age_s"] < 60


def test_a_folder_without_a_body_is_told_and_breaks_nothing(tmp_path):
    from dashboard.access import Access
    from dashboard.app import build
    from dashboard.window import Window

    browser = Browser(build(Window(tmp_path, guarded=False), Access(tmp_path / "dashboard.secret")))
    assert browser.get("/healthz").json == {"ok": False, "body_age_s": None, "condition": "never"}
    assert browser.get("/api/performance").json["n_trades"] == 0
    assert browser.get("/api/trades").json == {"trades": []}
    assert browser.get("/api/page/vitals").json["pieces"]["vitals-sentence"][1]["lead"] == "Not started yet."


def test_a_view_that_is_no_database_is_told_and_breaks_nothing(home):
    home.body.close()
    for path in home.state.glob("view.db*"):
        path.unlink()
    (home.state / "view.db").write_bytes(b"not a database at all" * 100)
    lead = home.browser.get("/api/page/vitals").json["pieces"]["vitals-sentence"][1]["lead"]
    assert lead == "Vitals cannot be read."


def test_a_second_look_gets_only_what_changed(home):
    first = home.browser.get("/api/page/vitals").json
    have = ",".join(f"{name}:{mark}" for name, (mark, _) in first["pieces"].items())
    same = home.browser.get(f"/api/page/vitals?have={have}").json
    assert same["pieces"].keys() <= {"frame"}


@pytest.mark.parametrize(
    "query",
    [
        "have=x",
        "have=::,:",
        "range=-1",
        "range=9999999999999999999",
        "symbols=" + "A/B," * 400,
        "symbols=%3Cscript%3E&about=%27%3BDROP%20TABLE%20fills",
        "about=" + "9" * 400,
        "have=" + "a:b," * 500,
    ],
)
def test_a_strange_question_is_answered(home, query):
    assert home.browser.get(f"/api/page/trading?{query}").status == 200
    assert home.browser.get(f"/api/page/why?{query}").status == 200


@pytest.mark.requirement("S1-7.4")
def test_the_page_and_everything_it_loads_is_served_here(home):
    page = home.browser.get("/").text
    urls = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(urls) > 8
    for url in urls:
        assert url.startswith("/"), "nothing may come from elsewhere"
        assert home.browser.get(url).status == 200, url


# ---------------------------------------------------------------- changing


def test_without_signing_in_no_route_and_no_method_changes_anything(home):
    """A crawler: every route there is, with every method, as a page of this very origin would call it."""
    routes = {getattr(route, "path", "") for route in home.app._app.routes} | {
        "/api/commands",
        "/api/alerts/seen",
        "/_dash-update-component",
    }
    paths = {re.sub(r"\{[^}]*\}", "x", path) for path in routes if path}
    assert len(paths) > 15
    before = contents(home.state)
    bodies = (HALT, SEEN, {"token": "x" * 43, "password": "correct horse battery"}, {"password": ""}, {})
    for nth, path in enumerate(sorted(paths)):
        browser = Browser(home.app, client=f"10.0.0.{nth}")
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
            for body in bodies if method == "POST" else (None,):
                answer = (
                    browser.post(path, body)
                    if method == "POST"
                    else browser.ask(method, path, {"origin": ORIGIN})
                )
                assert method in {"GET", "HEAD"} or answer.status >= 400, (method, path, answer.status)
    assert contents(home.state) == before


def test_no_callback_of_the_page_runs_in_the_server(home):
    dependencies = home.browser.get("/_dash-dependencies").json
    assert dependencies
    assert all(found["clientside_function"] for found in dependencies)


def test_a_command_needs_session_token_and_origin_all_three(home):
    home.browser.enter(home.access.setup_token)
    cookie, csrf = home.browser.cookie, home.browser.csrf
    assert home.browser.post("/api/commands", HALT, x_csrf_token="").status == 403
    assert home.browser.post("/api/commands", HALT, x_csrf_token=csrf + "x").status == 403
    assert home.browser.post("/api/commands", HALT, origin="http://evil.example").status == 403
    assert (
        home.browser.ask("POST", "/api/commands", {"origin": ORIGIN}, b"{}", host="evil.example").status
        == 421
    )
    home.browser.cookie = ""
    assert home.browser.post("/api/commands", HALT).status == 401
    assert waiting(home) == []
    home.browser.cookie = cookie
    answer = home.browser.post("/api/commands", HALT)
    assert answer.status == 202
    assert answer.json["command"] == "halt"
    assert waiting(home) == [("halt", "dashboard", "because", None)]


@pytest.mark.requirement("S2-12.5")
@pytest.mark.parametrize("command", ["halt", "reduce", "resume", "flatten", "hibernate"])
def test_every_command_reaches_the_table(home, command):
    home.browser.enter(home.access.setup_token)
    more = {"hibernate": {"hours": 2.5}, "resume": {"password": "correct horse battery"}}
    body = {"command": command, "note": "a\nb\x00c "} | more.get(command, {})
    assert home.browser.post("/api/commands", body).status == 202
    assert waiting(home) == [(command, "dashboard", "a b c", body.get("hours"))]


@pytest.mark.parametrize(
    "body",
    [{}, {"command": "arm"}, {"command": "halt", "note": "x" * 301}, {"command": "halt", "hours": 3}, {"command": 1},
     {"command": "hibernate", "hours": -1}, {"command": "hibernate", "hours": 1e300}, {"command": "halt", "extra": 1}, [], b"{", b'{"command": "halt", "hours": NaN}'],
    ids=str,
)  # fmt: skip
def test_a_malformed_command_is_refused_in_one_sentence(home, body):
    home.browser.enter(home.access.setup_token)
    answer = home.browser.post("/api/commands", body)
    assert answer.status == 400
    assert answer.json["error"]
    assert waiting(home) == []


def alerts_on_the_page(home):
    return {
        item["id"]: item
        for _, item in home.browser.get("/api/page/alerts").json["pieces"]["alerts"][1]["rows"]
    }


def test_marking_an_alert_as_seen_needs_session_token_and_origin_all_three(home):
    home.browser.enter(home.access.setup_token)
    cookie, csrf = home.browser.cookie, home.browser.csrf
    assert home.browser.post("/api/alerts/seen", SEEN, x_csrf_token=csrf + "x").status == 403
    assert home.browser.post("/api/alerts/seen", SEEN, origin="http://evil.example").status == 403
    home.browser.cookie = ""
    assert home.browser.post("/api/alerts/seen", SEEN).status == 401
    assert acknowledged(home.state, ["a2"]) == set()
    home.browser.cookie = cookie
    for _ in range(2):
        answer = home.browser.post("/api/alerts/seen", SEEN)
        assert (answer.status, answer.json) == (200, {"alert_id": "a2", "seen": True})
    assert acknowledged(home.state, ["a1", "a2", "a3"]) == {"a2"}
    assert waiting(home) == []


def test_an_alert_that_was_seen_is_shown_as_such(home):
    assert [item["seen"] for item in alerts_on_the_page(home).values()] == [False, False, False]
    acknowledge(home.state, "a3")
    assert {name: item["seen"] for name, item in alerts_on_the_page(home).items()} == {
        "a3": True,
        "a2": False,
        "a1": False,
    }
    told = {row["alert_id"]: row for row in home.browser.get("/api/alerts").json["alerts"]}
    assert told["a3"]["seen"]
    assert not told["a1"]["seen"]


@pytest.mark.parametrize("body", [{}, {"alert_id": "nobody"}, {"alert_id": 3}, {"alert_id": "a1", "more": 1}])
def test_marking_what_is_no_alert_is_refused_in_one_sentence(home, body):
    home.browser.enter(home.access.setup_token)
    answer = home.browser.post("/api/alerts/seen", body)
    assert answer.status == 400
    assert answer.json["error"]
    assert not (home.state / "commands.db").exists()


def test_what_the_guardian_said_while_no_body_could_stands_in_the_inbox_and_can_be_seen(home):
    before = len(alerts_on_the_page(home))
    words = {
        "wall_ns": time.time_ns(),
        "severity": "critical",
        "title": "The organism was put into safe mode",
    }
    (home.state / LAST_WORDS).write_text(json.dumps(words) + "\n")
    told = alerts_on_the_page(home)
    (name,) = (name for name in told if name.startswith("guardian:"))
    assert len(told) == before + 1
    assert next(iter(told)) == name, "newest first"
    page = {piece: shown for piece, (_, shown) in home.browser.get("/api/page/alerts").json["pieces"].items()}
    assert page["alerts-sentence"]["text"].startswith("The newest: The organism was put into safe mode.")
    assert any(cells[0]["tag"] == "Critical" for _, cells in page["alerts-counts"]["rows"])
    home.browser.enter(home.access.setup_token)
    assert home.browser.post("/api/alerts/seen", {"alert_id": name}).status == 200
    assert alerts_on_the_page(home)[name]["seen"]
    (row,) = (row for row in home.browser.get("/api/alerts").json["alerts"] if row["alert_id"] == name)
    assert (row["seen"], row["severity"]) == (True, "critical")
    assert home.browser.post("/api/alerts/seen", {"alert_id": "guardian:1:00000000"}).status == 400


def test_what_became_of_an_alert_on_its_way_is_shown_by_channel(home):
    record = Deliveries(home.state)
    alerts = {
        name: Alert(id=name, severity="info", priority="low", title="", body="", tags=(), wall_ns=1, seq=nth)
        for nth, name in enumerate(("a2", "a3"), 1)
    }
    record.accept([(alerts["a2"], ("mail", "phone")), (alerts["a3"], ("mail",))], "journal", 2, b"")
    record.note(Result(alerts["a2"], "mail", "delivered", 1, ""))
    record.note(Result(alerts["a2"], "phone", "failed", 3, "no answer within 15 s"))
    record.close()
    shown = {name: item["sent"] for name, item in alerts_on_the_page(home).items()}
    assert shown == {
        "a1": [],
        "a2": [
            {"tag": "mail: delivered", "tone": "good", "title": ""},
            {"tag": "phone: failed", "tone": "act", "title": "no answer within 15 s"},
        ],
        "a3": [{"tag": "mail: waiting", "tone": "watch", "title": ""}],
    }
    (told,) = [row for row in home.browser.get("/api/alerts").json["alerts"] if row["alert_id"] == "a3"]
    assert told["deliveries"] == [{"channel": "mail", "state": "pending", "error": ""}]


@pytest.mark.parametrize("name", ["commands.db", "deliveries.db"])
def test_a_file_that_is_no_database_only_means_that_nothing_is_known(home, name):
    (home.state / name).write_bytes(b"not a database at all" * 100)
    assert [item["seen"] for item in alerts_on_the_page(home).values()] == [False, False, False]


def test_a_form_of_another_site_cannot_pass_for_json(home):
    home.browser.enter(home.access.setup_token)
    assert home.browser.post("/api/commands", HALT, content_type="text/plain").status == 415


def test_a_waiting_command_is_shown(home):
    CommandsDb(home.state / "commands.db").give("flatten", "cli", "", None)
    assert home.browser.get("/api/page/vitals").json["pieces"]["controls"][1]["waiting"] == [
        "flatten is waiting for the body"
    ]


def test_the_cookie_is_for_this_site_and_no_script(home):
    answer = home.browser.post(
        "/api/setup", {"token": home.access.setup_token, "password": "correct horse battery"}
    )
    kept = answer.headers["set-cookie"].lower()
    assert "httponly" in kept
    assert "samesite=strict" in kept


def test_signing_out_needs_the_token_and_ends_the_session(home):
    home.browser.enter(home.access.setup_token)
    assert home.browser.post("/api/logout", {}, x_csrf_token="").status == 403
    assert home.browser.post("/api/logout", {}).status == 200
    assert home.browser.post("/api/commands", HALT).status == 401


def test_guesses_are_slowed_down_over_http_too(home):
    home.access.set_up(home.access.setup_token, "correct horse battery")
    statuses = [
        Browser(home.app, f"10.1.0.{n}").post("/api/login", {"password": "guess"}).status for n in range(6)
    ]
    assert statuses[:3] == [401, 401, 401]
    assert statuses[-1] == 429


def test_the_view_is_opened_for_reading_only(home):
    from dashboard.glimpse import opened

    with (
        opened(home.state / "view.db") as connection,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        connection.execute("DELETE FROM alerts")


@pytest.mark.parametrize("path", ["x/x", "dash/../../etc", "dash/nothing.js", "dash%00/x.js"])
def test_a_package_that_dash_does_not_know_is_not_there(home, path, caplog):
    assert home.browser.get(f"/_dash-component-suites/{path}").status == 404
    assert not caplog.records
