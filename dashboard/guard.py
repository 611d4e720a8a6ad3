"""The one door: everything that comes in over http or websocket passes here, and nothing is served without it.

Pure ASGI, so that no framework's router can be reached around it. Deny by default: unknown paths, methods,
hosts and origins are refused before anything behind reads a byte.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from dashboard.pace import Pace
from dashboard.pages.names import PATHS
from dashboard.visitor import NOBODY, Recognise, Visitor, needed, opens

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOG = logging.getLogger("dashboard")
BODY_LIMIT = 256 * 1024  # bytes
BODY_WAIT_S = 10.0  # longest wait for a request's body
LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})

_OPEN = PATHS | {"/healthz", "/metrics", "/login", "/setup", "/_favicon.ico", "/favicon.ico"}
_PREFIXES = ("/assets/", "/api/", "/_dash-")
_CLOSED = ("/_dash-ws-callback",)
_STREAM = "/api/stream"
_SUITES = "/_dash-component-suites/"
_READING = frozenset({"GET", "HEAD"})
# The page has no callback that runs here, so dash's own "/_dash-update-component" stays shut.
_WRITING = frozenset({"/api/commands", "/api/alerts/seen", "/api/login", "/api/logout", "/api/setup"})
_ERRORS = {
    400: "the request was malformed", 401: "sign in first, or send a token: Authorization: Bearer …",
    403: "the request came from another site, or the token does not open this", 404: "there is no such page",
    405: "this cannot be done here", 408: "the request did not arrive in time",
    413: f"the request was larger than {BODY_LIMIT} bytes", 421: "this host name is not served here",
    429: "too many requests: wait a moment", 500: "the dashboard failed; its log says why",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Refused(Exception):
    """The request goes no further."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Guard:
    """Host, origin, path, method, size and rate; security headers on every answer.

    script_hashes   "'sha256-…'" of the inline scripts that the page itself contains
    names           host names served; any port, since a tunnel may change it
    recognise       tells who asks, by the headers
    read_login      whether looking needs to be known; writing always does, where the request arrives
    encrypted       whether the server itself speaks TLS: browsers are then told to ask in no other way
    """

    def __init__(
        self,
        app: App,
        *,
        script_hashes: Iterable[str] = (),
        names: Iterable[str] = LOCAL_NAMES,
        pace: Pace | None = None,
        recognise: Recognise = lambda _: NOBODY,
        read_login: bool = False,
        encrypted: bool = False,
    ) -> None:
        self._app = app
        self._names = frozenset(names)
        self._pace = pace or Pace()
        self._recognise, self._read_login = recognise, read_login
        self._headers = _security_headers(tuple(script_hashes), encrypted=encrypted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, or refuse it."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def answer(event: Event) -> None:
            nonlocal started
            if event["type"] == "http.response.start":
                started = True
                if event["status"] == 500 and scope["path"].startswith(_SUITES):  # noqa: PLR2004 - HTTP
                    event["status"] = 404  # dash raises for a package that it does not know
                event["headers"] = self._dressed(scope["path"], event.get("headers") or [])
            await send(event)

        try:
            headers = _single(scope["headers"])
            self._check(scope, headers)
            if scope["method"] not in _READING:
                receive = await _whole(receive, headers)
            await self._app(scope, receive, answer)
        except Refused as refused:
            if not started:
                await _refuse(answer, refused)
        except Exception:
            if not scope["path"].startswith(_SUITES):  # whoever asks for what dash does not know fills no log
                LOG.exception("a request to %s failed", scope["path"])
            if not started:
                await _refuse(answer, Refused(status=500))

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check_stream(scope)
        except Refused:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope, headers: dict[str, str]) -> None:
        host = headers.get("host", "")
        if _name(host) not in self._names:
            raise Refused(status=421)
        path, method = scope["path"], scope["method"]
        if ".." in path or path in _CLOSED or not (path in _OPEN or path.startswith(_PREFIXES)):
            raise Refused(status=404)
        visitor = scope["visitor"] = self._recognise(headers)
        client = visitor.name if visitor.kind == "token" else (scope.get("client") or ("", 0))[0]
        if not self._pace.admits(client, writing=method not in _READING):
            raise Refused(status=429, headers=((b"retry-after", b"1"),))
        if method not in _READING and (method != "POST" or path not in _WRITING):
            raise Refused(status=405, headers=((b"allow", b"GET, HEAD"),))
        if method == "POST":
            self._check_site(scope, headers, visitor)
        self._check_rights(path, method, visitor, headers)

    def _check_stream(self, scope: Scope) -> None:
        if scope["path"] != _STREAM:
            raise Refused(status=404)
        headers = _single(scope["headers"])
        asked = {**scope, "method": "GET", "scheme": _web(scope.get("scheme", "ws"))}
        self._check(asked, headers)
        self._check_site(asked, headers, asked["visitor"])
        scope["visitor"] = asked["visitor"]

    def _check_site(self, scope: Scope, headers: dict[str, str], visitor: Visitor) -> None:
        """No other site's page writes here. A token is no cookie: no browser sends it by itself, so a program needs no origin."""
        origin = headers.get("origin")
        of_a_program = origin is None and visitor.kind == "token"
        if not of_a_program and origin not in self._origins(
            scope.get("scheme", "http"), headers.get("host", "")
        ):
            raise Refused(status=403)
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise Refused(status=403)

    def _check_rights(self, path: str, method: str, visitor: Visitor, headers: dict[str, str]) -> None:
        """Who is known by a token has what it opens and no more; who is not known may look where that needs no login."""
        scope = needed(path, method, read_login=self._read_login)
        if "authorization" in headers:
            if visitor is NOBODY:
                raise Refused(status=401, headers=((b"www-authenticate", b"Bearer"),))
            if scope is not None and not opens(visitor, scope):
                raise Refused(status=403)
            return
        if scope is None or method not in _READING or opens(visitor, scope):
            return  # what writes asks for a session and its token where it arrives, with a sentence of its own
        if headers.get("accept", "").startswith("text/html"):
            raise Refused(status=303, headers=((b"location", b"/login"),))
        raise Refused(status=401, headers=((b"www-authenticate", b"Bearer"),))

    def _origins(self, scheme: str, host: str) -> tuple[str, ...]:
        """What a page of ours says where it is from; under a name of one's own also by what ends TLS before us."""
        own = f"{scheme}://{host}"
        return (own,) if _name(host) in LOCAL_NAMES else (own, f"https://{host}")

    def _dressed(self, path: str, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        kept = [(name, value) for name, value in headers if name.lower() != b"server"]
        present = {name.lower() for name, _ in kept}
        if path.startswith("/assets/"):
            kept.append((b"cache-control", b"no-cache"))  # asked again with its etag
        elif b"cache-control" not in present:
            kept.append((b"cache-control", b"no-store"))
        return [*kept, *self._headers]


def _security_headers(script_hashes: tuple[str, ...], *, encrypted: bool) -> list[tuple[bytes, bytes]]:
    scripts = " ".join(("'self'", *script_hashes))
    policy = "; ".join((
        "default-src 'none'", f"script-src {scripts}", "style-src 'self' 'unsafe-inline'", "img-src 'self' data: blob:",
        "connect-src 'self'", "font-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
    ))  # fmt: skip
    strict = [(b"strict-transport-security", b"max-age=31536000")] if encrypted else []
    return [
        *strict,
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=()"),
    ]


def _single(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by name; a repeated host, origin, length or encoding is a trick and is refused."""
    found: dict[str, str] = {}
    for name, value in raw:
        key = name.decode("latin-1").lower()
        if key in found and key in {"host", "origin", "content-length", "transfer-encoding", "x-csrf-token"}:
            raise Refused(status=400)
        found[key] = value.decode("latin-1")
    return found


def _web(scheme: str) -> str:
    """The scheme of the page that opens such a websocket."""
    return {"ws": "http", "wss": "https"}.get(scheme, scheme)


def _name(host: str) -> str:
    """The host's name without its port, "" when it makes no sense."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return ""
    return (parts.hostname or "") if parts.netloc == host and "@" not in host else ""


async def _whole(receive: Receive, headers: dict[str, str]) -> Receive:
    """Read the body, at most `BODY_LIMIT` bytes, and hand it on in one piece."""
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise Refused(status=400)
    if int(length) > BODY_LIMIT:
        raise Refused(status=413)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_WAIT_S):
            while True:
                event = await receive()
                if event["type"] == "http.disconnect":
                    raise Refused(status=400)
                chunks.append(event.get("body", b""))
                size += len(chunks[-1])
                if size > BODY_LIMIT:
                    raise Refused(status=413)
                if not event.get("more_body"):
                    break
    except TimeoutError:
        raise Refused(status=408) from None
    events = [{"type": "http.request", "body": b"".join(chunks), "more_body": False}]

    async def replay() -> Event:
        return events.pop() if events else await receive()

    return replay


async def _refuse(send: Send, refused: Refused) -> None:
    body = json.dumps({"error": _ERRORS.get(refused.status, "refused")}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *refused.headers,
    ]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
