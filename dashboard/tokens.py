"""Tokens for programs: each has a name, a few rights, and an end if wanted. Kept as hashes in a file of its owner's.

A token is 256 random bits, so one round of SHA-256 keeps it: there is nothing to guess. `organism dashboard token` writes
the file; the dashboard only reads it, and sees a change at the next request.
"""

import hashlib
import hmac
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec

from dashboard import private
from organism.errors import BadInput

FILE: Final = "dashboard.tokens.json"
READ, METRICS, COMMAND, RESUME = "read", "metrics", "command", "resume"
SCOPES: Final = {
    READ: "every page and figure",
    METRICS: "/metrics alone",
    COMMAND: "every command that takes risk away, and marking alerts as seen",
    RESUME: "resume, allow and wake as well, after which more may be traded than before",
}
MOST: Final = 64
_PREFIX: Final = "organism_"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_MOST_BYTES: Final = 64 * 1024
_DAY_S: Final = 86_400.0


class Token(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept of a token.

    scopes    what it opens, of `SCOPES`
    sha256    of the whole token, hex
    made_s    wall time; until_s: when it ends, None for never
    """

    name: str
    scopes: tuple[str, ...]
    sha256: str
    made_s: float
    until_s: float | None = None


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: int
    tokens: tuple[Token, ...]


class Tokens:
    """The tokens of one state folder. Safe to use from several threads."""

    def __init__(self, path: Path, wall_s: Callable[[], float] = time.time) -> None:
        self._path, self._wall_s = path, wall_s
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._kept: tuple[Token, ...] = ()

    def all(self) -> tuple[Token, ...]:
        """Every token, expired ones too. Raises `BadInput` for a file that is damaged or open to others."""
        try:
            found = self._path.lstat()
        except FileNotFoundError:
            return ()
        mark = (found.st_ino, found.st_mtime_ns, found.st_mode)
        with self._lock:
            if mark != self._seen:
                self._kept = self._read()
                self._seen = mark
            return self._kept

    def find(self, given: str) -> Token | None:
        """The token that this text is; None where it is none, has ended, or the file cannot be trusted."""
        if not given.startswith(_PREFIX) or len(given) > 100 or not given.isascii():  # noqa: PLR2004 - longer than any
            return None
        wanted = _digest(given)
        try:
            kept = self.all()
        except BadInput:
            return None
        found = None
        for one in kept:  # all of them, so that the time taken tells nothing
            if hmac.compare_digest(one.sha256, wanted):
                found = one
        ended = found is not None and found.until_s is not None and not self._wall_s() < found.until_s
        return None if ended else found

    def make(self, name: str, scopes: Iterable[str], days: float | None = None) -> str:
        """Keep a new token; answers it, for the only time. Raises `BadInput`."""
        wanted = tuple(dict.fromkeys(scopes))
        if not _NAME.fullmatch(name):
            raise BadInput(
                f"a token's name is at most 40 of a-z, 0-9, - and _, beginning with a letter or digit; was {name[:60]!r}."
            )
        if not wanted or not set(wanted) <= set(SCOPES):
            raise BadInput(
                f"a token's scopes are some of {', '.join(SCOPES)}; was {', '.join(wanted)[:60] or 'none'}."
            )
        if days is not None and not 0.0 < days <= 3650.0:  # noqa: PLR2004 - ten years
            raise BadInput(f"a token lives above 0 and at most 3650 days; was {days:g}.")
        kept = self.all()
        if any(one.name == name for one in kept):
            raise BadInput(f"there is a token {name!r} already; revoke it first, or choose another name.")
        if len(kept) >= MOST:
            raise BadInput(f"there are {MOST} tokens already, which is the most; revoke one first.")
        plain = _PREFIX + secrets.token_urlsafe(32)
        now_s = self._wall_s()
        until_s = None if days is None else now_s + days * _DAY_S
        self._write(
            (*kept, Token(name=name, scopes=wanted, sha256=_digest(plain), made_s=now_s, until_s=until_s))
        )
        return plain

    def revoke(self, name: str) -> None:
        """Forget one. Raises `BadInput` where there is none of that name."""
        kept = self.all()
        left = tuple(one for one in kept if one.name != name)
        if len(left) == len(kept):
            known = ", ".join(one.name for one in kept) or "none"
            raise BadInput(f"there is no token {name[:60]!r}; there is {known}.")
        self._write(left)

    def _read(self) -> tuple[Token, ...]:
        try:
            content = private.read(self._path, _MOST_BYTES + 1)
        except private.NotPrivate as error:
            raise BadInput(f"{error}.") from None
        try:
            file = msgspec.json.decode(content or b"", type=_File)
        except msgspec.DecodeError:
            raise BadInput(f"{FILE} was damaged: delete it and make the tokens anew.") from None
        if file.version != 1:
            raise BadInput(f"{FILE} is of version {file.version}; this organism knows version 1: update it.")
        return file.tokens

    def _write(self, tokens: tuple[Token, ...]) -> None:
        private.write(self._path, msgspec.json.encode(_File(version=1, tokens=tokens)))


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()
