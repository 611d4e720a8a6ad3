"""Who may give commands: one password, one-time set-up, sessions that end, guesses that cost time.

There is no default password. Until one is set, the dashboard prints a link that works once. A password that was changed
ends every session.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dashboard.password import PasswordFile, Unusable, why_weak

IDLE_S = 15 * 60.0  # a session nobody uses ends
LIFE_S = 12 * 3600.0  # and so does one that is used all day
FREE_GUESSES = 3
SLOWEST_S = 300.0  # longest wait after wrong passwords
_MAX_SESSIONS = 32


class Denied(Exception):
    """Said to the person; `status` is the HTTP status, `wait_s` when to try again."""

    def __init__(self, status: int, why: str, wait_s: float = 0.0) -> None:
        super().__init__(why)
        self.status = status
        self.wait_s = wait_s


@dataclass
class Session:
    """One signed-in browser. `csrf` must come back with each command."""

    csrf: str
    began_s: float
    used_s: float


class Access:
    """The password file, the set-up token and the sessions. Safe to use from several threads."""

    def __init__(self, secret: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = PasswordFile(secret)
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._wrong = 0
        self._until_s = 0.0
        self._mark = self._file.mark()
        self._token = secrets.token_urlsafe(32) if self._mark is None else None

    @property
    def setup_token(self) -> str | None:
        """The one-time token, while no password is set."""
        return self._token

    def trouble(self) -> str:
        """Why nobody can sign in, "" when that works."""
        try:
            self._file.check()
        except Unusable as error:
            return str(error)
        return ""

    def set_up(self, token: str, password: str) -> tuple[str, Session]:
        """Set the first password with the one-time token, and sign in."""
        with self._lock:
            self._check_pace()
            if self._token is None or not _same(token, self._token):
                self._guessed_wrong()
                raise Denied(
                    403, "this link was used before or has expired; restart the organism for a new one"
                )
            if why := why_weak(password):
                raise Denied(400, why)
            try:
                self._file.begin(password)
            except FileExistsError:
                raise Denied(403, "a password was set meanwhile: sign in with it") from None
            self._token, self._mark = None, self._file.mark()
            return self._open()

    def sign_in(self, password: str) -> tuple[str, Session]:
        """Answer a new session's cookie value, or raise."""
        with self._lock:
            self._verify(password)
            return self._open()

    def confirm(self, password: str) -> None:
        """Raise unless this is the password: for what a session alone does not allow."""
        with self._lock:
            self._verify(password)

    def session(self, cookie: str | None) -> Session | None:
        """The session of this cookie, kept alive by being asked for; None when it has ended."""
        if not cookie:
            return None
        with self._lock:
            self._settle()
            now_s, key = self._clock(), _fingerprint(cookie)
            session = self._sessions.get(key)
            if session is None:
                return None
            if now_s - session.began_s > LIFE_S:
                del self._sessions[key]
                return None
            if now_s - session.used_s > IDLE_S:
                return None
            session.used_s = now_s
            return session

    def peek(self, cookie: str | None) -> Session | None:
        """As `session`, but looking does not keep it alive."""
        with self._lock:
            self._settle()
            session = self._sessions.get(_fingerprint(cookie)) if cookie else None
            if session is None or self._clock() - session.used_s > IDLE_S:
                return None
            return session

    def reads(self, cookie: str | None) -> bool:
        """Whether this browser may look: a page on the second screen does not go dark for want of a click."""
        with self._lock:
            self._settle()
            session = self._sessions.get(_fingerprint(cookie)) if cookie else None
            return session is not None and self._clock() - session.began_s <= LIFE_S

    def sign_out(self, cookie: str | None) -> None:
        """End the session."""
        with self._lock:
            self._sessions.pop(_fingerprint(cookie or ""), None)

    def _verify(self, password: str) -> None:
        self._check_pace()
        self._settle()
        try:
            right = self._file.holds(password)
        except Unusable as error:
            raise Denied(403, str(error)) from None
        if not right:
            self._guessed_wrong()
            raise Denied(401, "the password was not right")
        self._wrong = 0
        self._mark = self._file.mark()  # kept in another way perhaps, but the same password

    def _settle(self) -> None:
        """Another password: whoever came in with the old one is out, and so is an unused link."""
        mark = self._file.mark()
        if mark != self._mark:
            self._mark = mark
            self._sessions.clear()
            if mark is not None:
                self._token = None

    def _open(self) -> tuple[str, Session]:
        now_s, cookie = self._clock(), secrets.token_urlsafe(32)
        while len(self._sessions) >= _MAX_SESSIONS:
            oldest = min(self._sessions, key=lambda key: self._sessions[key].used_s)
            del self._sessions[oldest]
        session = Session(csrf=secrets.token_urlsafe(32), began_s=now_s, used_s=now_s)
        self._sessions[_fingerprint(cookie)] = session
        return cookie, session

    def _check_pace(self) -> None:
        wait_s = self._until_s - self._clock()
        if wait_s > 0:
            raise Denied(429, f"too many wrong tries: wait {wait_s:.0f} s", wait_s)

    def _guessed_wrong(self) -> None:
        self._wrong += 1
        if self._wrong > FREE_GUESSES:
            self._until_s = self._clock() + min(SLOWEST_S, 2.0 ** (self._wrong - FREE_GUESSES))


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())


def _fingerprint(cookie: str) -> str:
    """Sessions are kept under a hash, so that memory holds no cookie."""
    return hashlib.sha256(cookie.encode()).hexdigest()
