"""Who asks, and what they may: a browser that signed in, a program with a token, or nobody known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Final

from dashboard.access import Access
from dashboard.tokens import COMMAND, METRICS, READ, RESUME, Tokens

COOKIE: Final = "organism_session"
OPEN: Final = frozenset({
    "/healthz", "/login", "/setup", "/api/session", "/api/login", "/api/setup", "/favicon.ico", "/_favicon.ico",
    "/assets/door.js", "/assets/10-ground.css", "/assets/20-parts.css", "/assets/mark.svg",
})  # fmt: skip
"""What must work before anybody is known: whether this lives, and the two doors with what they are drawn with."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody at the door.

    kind     "session", "token" or "nobody"
    name     for the journal: operator of a command
    scopes   what a token opens; a session may do everything, though resume asks for the password again
    """

    kind: str = "nobody"
    name: str = ""
    scopes: frozenset[str] = frozenset()

    def may(self, scope: str) -> bool:
        """Whether this is theirs to do."""
        return self.kind == "session" or scope in self.scopes


NOBODY: Final = Visitor()
SIGNED_IN: Final = Visitor("session", "dashboard")
Recognise = Callable[[Mapping[str, str]], Visitor]


def recogniser(access: Access, tokens: Tokens) -> Recognise:
    """Tells a visitor by the headers of a request. A wrong token is nobody, even beside a good cookie."""

    def recognise(headers: Mapping[str, str]) -> Visitor:
        given = headers.get("authorization")
        if given is not None:
            kind, _, plain = given.partition(" ")
            found = tokens.find(plain.strip()) if kind.lower() == "bearer" else None
            return (
                NOBODY if found is None else Visitor("token", f"token:{found.name}", frozenset(found.scopes))
            )
        return SIGNED_IN if access.reads(_session_of(headers.get("cookie", ""))) else NOBODY

    return recognise


def needed(path: str, method: str, *, read_login: bool) -> str | None:
    """The scope that a request needs; None where everybody may. Writing checks more, in its own place."""
    if path in OPEN:
        return None
    if method == "POST":
        return None if path == "/api/logout" else COMMAND
    if not read_login:
        return None
    return METRICS if path == "/metrics" else READ


def opens(visitor: Visitor, scope: str) -> bool:
    """Whether a visitor has what a request needs; who may read everything may read the metrics, who may resume may command."""
    wider = {METRICS: READ, COMMAND: RESUME}
    return visitor.may(scope) or (scope in wider and visitor.may(wider[scope]))


def _session_of(cookies: str) -> str | None:
    try:
        found = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return None
    return None if found is None else found.value
