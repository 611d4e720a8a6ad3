"""Who may give commands: one password, one-time set-up, sessions that end, guesses that cost time.

There is no default password. Until one is set, the dashboard prints a link that works once. The password's
scrypt hash lies in a file that only its owner may read; anything looser is refused, not repaired.
"""

import hashlib
import hmac
import json
import os
import secrets
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SHORTEST = 10  # characters of a password
LONGEST = 256
IDLE_S = 15 * 60.0  # a session nobody uses ends
LIFE_S = 12 * 3600.0  # and so does one that is used all day
FREE_GUESSES = 3
SLOWEST_S = 300.0  # longest wait after wrong passwords
_N, _R, _P = 2**14, 8, 1
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
        self._path = secret
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._wrong = 0
        self._until_s = 0.0
        self._token = None if self._path.exists() or self._path.is_symlink() else secrets.token_urlsafe(32)

    @property
    def setup_token(self) -> str | None:
        """The one-time token, while no password is set."""
        return self._token

    def trouble(self) -> str:
        """Why nobody can sign in, "" when that works."""
        try:
            self._stored()
        except Denied as denied:
            return str(denied)
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
            if not SHORTEST <= len(password) <= LONGEST:
                raise Denied(
                    400, f"the password had {len(password)} characters; it needs {SHORTEST} to {LONGEST}"
                )
            self._write(password)
            self._token = None
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
            session = self._sessions.get(_fingerprint(cookie)) if cookie else None
            if session is None or self._clock() - session.used_s > IDLE_S:
                return None
            return session

    def reads(self, cookie: str | None) -> bool:
        """Whether this browser may look: a page on the second screen does not go dark for want of a click."""
        with self._lock:
            session = self._sessions.get(_fingerprint(cookie)) if cookie else None
            return session is not None and self._clock() - session.began_s <= LIFE_S

    def sign_out(self, cookie: str | None) -> None:
        """End the session."""
        with self._lock:
            self._sessions.pop(_fingerprint(cookie or ""), None)

    def _verify(self, password: str) -> None:
        self._check_pace()
        scheme, salt, expected = self._stored()
        right = 0 < len(password) <= LONGEST and hmac.compare_digest(_hash(password, salt, *scheme), expected)
        if not right:
            self._guessed_wrong()
            raise Denied(401, "the password was not right")
        self._wrong = 0

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

    def _stored(self) -> tuple[tuple[int, int, int], bytes, bytes]:
        """Cost, salt and hash from a file that is regular, ours and private; otherwise refuse."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise Denied(
                403, "no password is set yet: open the set-up link that the dashboard printed"
            ) from None
        except OSError as error:
            raise Denied(403, f"{self._path.name} could not be opened: {error.strerror}") from None
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(file.fileno())
            mode = stat.S_IMODE(found.st_mode)
            if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or mode & 0o077:
                raise Denied(
                    403, f"{self._path.name} had mode {mode:03o}; it must be yours alone: chmod 600 it"
                )
            try:
                kept = json.loads(file.read(4096))
                cost = (int(kept["n"]), int(kept["r"]), int(kept["p"]))
                salt, expected = bytes.fromhex(kept["salt"]), bytes.fromhex(kept["hash"])
            except (ValueError, KeyError, TypeError):
                raise Denied(
                    403, f"{self._path.name} was damaged: delete it and restart for a set-up link"
                ) from None
        if cost != (_N, _R, _P) or len(salt) < 16 or len(expected) < 32:  # noqa: PLR2004 - bytes
            raise Denied(403, f"{self._path.name} was damaged: delete it and restart for a set-up link")
        return cost, salt, expected

    def _write(self, password: str) -> None:
        salt = secrets.token_bytes(16)
        kept = {"scheme": "scrypt", "n": _N, "r": _R, "p": _P, "salt": salt.hex()}
        kept["hash"] = _hash(password, salt, _N, _R, _P).hex()
        # O_EXCL: whoever came first keeps it.
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            raise Denied(403, "a password was set meanwhile: sign in with it") from None
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump(kept, file)
            file.flush()
            os.fsync(file.fileno())


def _hash(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=n, r=r, p=p, dklen=32)


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())


def _fingerprint(cookie: str) -> str:
    """Sessions are kept under a hash, so that memory holds no cookie."""
    return hashlib.sha256(cookie.encode()).hexdigest()
