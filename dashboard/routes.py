"""What may be asked over http beside the page itself. Only signed-in browsers change anything, and only here."""

import re
import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from dashboard import doors, performance, pulse
from dashboard.access import IDLE_S, Access, Denied, Session
from dashboard.answers import Answers
from dashboard.api import answers
from dashboard.api.replies import Handler, reply, told
from dashboard.condition import Condition
from dashboard.pages.asked import asked
from dashboard.pages.exported import as_csv
from dashboard.pages.held import bare_of
from dashboard.pages.registry import PAGES, table_of
from dashboard.sentence import say
from dashboard.tokens import RESUME
from dashboard.visitor import COOKIE, NOBODY, SIGNED_IN, Visitor
from dashboard.window import Window
from organism.alerts import acknowledged, deliveries, with_guardians
from organism.commands import COMMANDS, TARGETED
from organism.errors import OrganismError

CSRF = "x-csrf-token"
ADDING = ("resume", "allow", "wake")  # commands after which more may be traded than before
_NOTE = 300  # characters
_HOURS = 24.0 * 30
_WHOLE_NS = re.compile(r"[0-9]{1,18}|[1-8][0-9]{18}")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]+")


class _Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what a browser may send."""


class _SetUp(_Form, frozen=True, kw_only=True):
    token: str
    password: str


class _SignIn(_Form, frozen=True, kw_only=True):
    password: str


class _Command(_Form, frozen=True, kw_only=True):
    command: str
    note: str = ""
    hours: float | None = None
    target: str = ""
    password: str = ""


class _Seen(_Form, frozen=True, kw_only=True):
    alert_id: str


_Given = TypeVar("_Given", bound=_Form)


def add_routes(server: FastAPI, window: Window, access: Access) -> None:
    """Put everything under /api, /healthz and the two doors on the server."""
    reading: dict[str, Callable[[Request], Any]] = {
        "/healthz": lambda _: healthz(window),
        "/api/vitals": lambda _: vitals(window),
        "/api/performance": lambda _: performance_of(window),
        "/api/positions": lambda _: {"positions": positions(window)},
        "/api/trades": lambda request: {"trades": answers.rows(window, "trades", request.query_params)},
        "/api/alerts": lambda request: {"alerts": alerts_of(window, request)},
        "/api/session": lambda request: session_of(access, request),
    }
    for path, answer in reading.items():
        server.add_api_route(path, told(answer), methods=["GET", "HEAD"], include_in_schema=False)
    server.add_api_route(
        "/api/page/{name}",
        _page_of(Answers(window), access),
        methods=["GET", "HEAD"],
        include_in_schema=False,
    )
    server.add_api_route(
        "/api/csv/{piece}", _csv_of(window), methods=["GET", "HEAD"], include_in_schema=False
    )
    writing: dict[str, Handler] = {
        "/api/setup": _set_up(access),
        "/api/login": _sign_in(access),
        "/api/logout": _sign_out(access),
        "/api/commands": _command(window, access),
        "/api/alerts/seen": _seen(window, access),
    }
    for path, handler in writing.items():
        server.add_api_route(path, handler, methods=["POST"], include_in_schema=False)
    for path, page in (("/login", doors.LOGIN), ("/setup", doors.SETUP)):
        server.add_api_route(path, _page(page), methods=["GET", "HEAD"], include_in_schema=False)


# ---------------------------------------------------------------- reading


def healthz(window: Window) -> dict[str, Any]:
    """Whether this process serves and how old the body's last word is. `ok` says that the body lives."""
    judged = window.see().judged
    ok = judged.condition in {Condition.LIVING, Condition.STARTING}
    return {"ok": ok, "body_age_s": judged.age_s, "condition": judged.condition.value}


def vitals(window: Window) -> dict[str, Any]:
    """S0-4.1.2: the organism's state, health, organs, feeds, risk and machine."""
    seen = window.see()
    glimpse = seen.glimpse
    health = glimpse.part("health")
    sentence = say(glimpse, seen.judged, guarded=window.guarded)
    reconciled = glimpse.part("reconciled")
    return {
        "condition": seen.judged.condition.value,
        "sentence": sentence.whole,
        "tone": sentence.tone,
        "body_age_s": seen.judged.age_s,
        "mode": glimpse.part("body").get("mode"),
        "state": glimpse.part("standing").get("state") or ("active" if glimpse.part("body") else None),
        "reason": glimpse.part("standing").get("reason"),
        "health": health.get("health"),
        "health_parts": health.get("parts") or [],
        "body": glimpse.part("body"),
        "standing": glimpse.part("standing"),
        "portfolio": glimpse.part("portfolio"),
        "unexplained_quantity": reconciled.get("unexplained") if reconciled else None,
        "organs": glimpse.rows("organs"),
        "feeds": [*glimpse.rows("feeds"), *(glimpse.part("context").get("feeds") or [])],
        "strategies": glimpse.rows("strategies"),
        "machine": glimpse.part("machine"),
        "limits": glimpse.part("limits"),
        "invariants": glimpse.part("invariants"),
        "rates": glimpse.part("rates"),
    }


def positions(window: Window) -> list[dict[str, Any]]:
    """What is held, and how long each stood without a whole stop: null where that is not known."""
    sight = window.sight()
    return [
        row
        | {
            "unprotected_s": None if (bare := bare_of(row, sight)) is None else bare.total_s,
            "unprotected_since_ns": None if bare is None else bare.since_ns,
        }
        for row in sight.glimpse.rows("positions")
    ]


def performance_of(window: Window) -> dict[str, Any]:
    """S0-4.1.3: equity curve (thinned), daily profit and loss, win rate, Sharpe ratio."""
    portfolio = window.see().glimpse.part("portfolio")
    curve = performance.curve(window.view)
    return {
        "equity": portfolio.get("equity"),
        "starting_cash": portfolio.get("starting_cash"),
        "drawdown": portfolio.get("drawdown"),
        "fees": portfolio.get("fees"),
        **performance.summary(window.view),
        "curve": [
            {"at_ns": at_ns, "equity": equity, "drawdown": drawdown} for at_ns, equity, drawdown in curve
        ],
    }


def _page_of(answers: Answers, access: Access) -> Handler:
    """What changed on a page since the browser's last look."""

    async def handler(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in PAGES:
            return reply({"error": f"there is no such page; there are {', '.join(PAGES)}"}, status=404)
        return reply(await run_in_threadpool(page_of, answers, access, name, request))

    return handler


def page_of(answers: Answers, access: Access, name: str, request: Request) -> dict[str, Any]:
    """The pieces of a page that the browser does not have yet, by name: [digest, piece]."""
    wanted = asked(request.query_params)
    now_ms, pieces = answers.page(name, wanted)
    return {
        "pieces": pulse.changed(pieces, wanted.have),
        "signed_in": access.peek(request.cookies.get(COOKIE)) is not None,
        "now_ms": now_ms,
    }


def _csv_of(window: Window) -> Handler:
    """A table of a page, as the time and the instruments chosen have it."""

    async def handler(request: Request) -> Response:
        piece = request.path_params["piece"]
        wanted = asked(request.query_params)
        found = await run_in_threadpool(lambda: table_of(piece, wanted, window.sight(wanted.at_ns)))
        if found is None:
            return reply({"error": "there is no such table"}, status=404)
        named = {"content-disposition": f'attachment; filename="{piece}.csv"'}
        return Response(as_csv(found), media_type="text/csv; charset=utf-8", headers=named)

    return handler


def session_of(access: Access, request: Request) -> dict[str, Any]:
    """Whether this browser is signed in, and its token if so."""
    session = access.peek(request.cookies.get(COOKIE))
    return {
        "signed_in": session is not None,
        "csrf": session.csrf if session else None,
        "idle_s": IDLE_S,
        "trouble": access.trouble(),
    }


def alerts_of(window: Window, request: Request) -> list[dict[str, Any]]:
    """Alerts, newest first: their words, whether a person has seen them, and which channels they reached."""
    rows = answers.rows(window, "alerts", request.query_params)
    if "symbol" not in request.query_params:
        rows = with_guardians(rows, window.state, answers.limit_of(request.query_params))
    ids = [str(row["alert_id"]) for row in rows]
    seen, sent = acknowledged(window.state, ids), deliveries(window.state, ids)
    return [
        row
        | {
            "seen": row["alert_id"] in seen,
            "deliveries": [delivery._asdict() for delivery in sent.get(row["alert_id"], ())],
        }
        for row in rows
    ]


# ---------------------------------------------------------------- writing


def _set_up(access: Access) -> Handler:
    async def handler(request: Request) -> Response:
        try:
            form = await _form(request, _SetUp)
            cookie, session = await run_in_threadpool(access.set_up, form.token, form.password)
        except Denied as denied:
            return _denied(denied)
        return _signed_in(cookie, session)

    return handler


def _sign_in(access: Access) -> Handler:
    async def handler(request: Request) -> Response:
        try:
            form = await _form(request, _SignIn)
            cookie, session = await run_in_threadpool(access.sign_in, form.password)
        except Denied as denied:
            return _denied(denied)
        access.sign_out(request.cookies.get(COOKIE))
        return _signed_in(cookie, session)

    return handler


def _sign_out(access: Access) -> Handler:
    async def handler(request: Request) -> Response:
        try:
            _writer(access, request)
        except Denied as denied:
            return _denied(denied)
        access.sign_out(request.cookies.get(COOKIE))
        response = reply({"signed_in": False})
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return response

    return handler


def _command(window: Window, access: Access) -> Handler:
    async def handler(request: Request) -> Response:
        try:
            visitor = _writer(access, request)
            form = _checked(await _form(request, _Command))
            await run_in_threadpool(_check_again, access, visitor, form)
        except Denied as denied:
            return _denied(denied)
        try:
            given = await run_in_threadpool(
                window.give, form.command, visitor.name, _said(form.note), form.hours, form.target
            )
        except OrganismError as error:
            return reply({"error": str(error)}, status=400 if error.exit_code == 2 else 503)  # noqa: PLR2004 - exit code
        return reply({"id": given, "command": form.command, "waiting": True}, status=202)

    return handler


def _seen(window: Window, access: Access) -> Handler:
    async def handler(request: Request) -> Response:
        try:
            _writer(access, request)
            form = await _form(request, _Seen)
        except Denied as denied:
            return _denied(denied)
        try:
            await run_in_threadpool(window.acknowledge, form.alert_id)
        except OrganismError as error:
            return reply({"error": str(error)}, status=400)
        except (sqlite3.Error, OSError):
            return reply({"error": "the alerts cannot be read now; try again"}, status=503)
        return reply({"alert_id": form.alert_id, "seen": True})

    return handler


def _writer(access: Access, request: Request) -> Visitor:
    """Who writes: a program whose token the guard looked at, or a browser that was used lately and sends its page's token."""
    visitor: Visitor = request.scope.get("visitor", NOBODY)
    if visitor.kind == "token":
        return visitor
    session = access.session(request.cookies.get(COOKIE))
    if session is None:
        raise Denied(401, "sign in first")
    given = request.headers.get(CSRF, "")
    if not doors.same(given, session.csrf):
        raise Denied(403, "the page was out of date: reload it and try again")
    return SIGNED_IN


def _check_again(access: Access, visitor: Visitor, form: _Command) -> None:
    """Resuming adds risk, so it asks once more; stopping never does."""
    if form.command not in ADDING:
        return
    if visitor.kind == "token":
        if not visitor.may(RESUME):
            raise Denied(
                403, "this token may stop trading but not start it again; that needs the scope resume"
            )
    else:
        access.confirm(form.password)


def _checked(form: _Command) -> _Command:
    if form.command not in (known := (*COMMANDS, *TARGETED)):
        raise Denied(400, f"the command was {form.command[:40]!r}; it must be one of {', '.join(known)}")
    if len(form.note) > _NOTE:
        raise Denied(400, f"the note had {len(form.note)} characters; at most {_NOTE} fit")
    if form.hours is not None and (form.command != "hibernate" or not 0.0 < form.hours <= _HOURS):
        raise Denied(400, f"hours belong to hibernate and lie above 0 and at most at {_HOURS:.0f}")
    return form


def _said(note: str) -> str:
    return _UNSEEN.sub(" ", note).strip()


async def _form(request: Request, kind: type[_Given]) -> _Given:
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        raise Denied(415, "the request must be JSON")
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Denied(400, "the request was malformed") from None


def _signed_in(cookie: str, session: Session) -> Response:
    response = reply({"signed_in": True, "csrf": session.csrf})
    response.set_cookie(COOKIE, cookie, path="/", httponly=True, samesite="strict")
    return response


def _denied(denied: Denied) -> Response:
    response = reply({"error": str(denied)}, status=denied.status)
    if denied.wait_s:
        response.headers["retry-after"] = f"{denied.wait_s:.0f}"
    return response


def _page(html: str) -> Handler:
    async def handler(_: Request) -> Response:
        return Response(html, media_type="text/html")

    return handler
