"""The operator's password, kept as an argon2id hash in a file that only its owner may read.

A file kept by scrypt, as earlier versions wrote it, still opens; whoever verifies rewrites it.
"""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Final

import argon2

from dashboard import private

SHORTEST: Final = 10  # characters of a password
LONGEST: Final = 256
_HASHER: Final = argon2.PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)
"""argon2id of RFC 9106; 32 MiB, so that a sign-in does not crowd out the page it opens."""
_SCRYPT: Final = (2**14, 8, 1)
_MOST_BYTES: Final = 4096


class Unusable(Exception):
    """There is no password that could be right; says why and what to do."""


class PasswordFile:
    """One file. Not for several threads at once: who shares it locks."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def mark(self) -> tuple[int, int] | None:
        """Another value for another content; None where there is no file."""
        try:
            found = self.path.lstat()
        except OSError:
            return None
        return (found.st_ino, found.st_mtime_ns)

    def check(self) -> None:
        """Raise `Unusable` where nobody could sign in."""
        self._kept()

    def holds(self, password: str) -> bool:
        """Whether this is the password. Raises `Unusable`."""
        kept = self._kept()
        if not 0 < len(password) <= LONGEST:
            return False
        plain = password.encode("utf-8", "surrogatepass")
        if kept["scheme"] == "scrypt":
            right = _holds_scrypt(kept, plain)
            if right:
                self._keep(password)
            return right
        try:
            _HASHER.verify(kept["hash"], plain)
        except argon2.exceptions.VerifyMismatchError:
            return False
        except argon2.exceptions.Argon2Error:
            raise self._damaged() from None
        if _HASHER.check_needs_rehash(kept["hash"]):
            self._keep(password)
        return True

    def begin(self, password: str) -> None:
        """Keep the first password. Raises `FileExistsError` where somebody was quicker, ValueError for a weak one."""
        private.write(self.path, _told(password), fresh=True)

    def change(self, password: str) -> None:
        """Keep this one from now on; whoever may write the file may do so. Raises ValueError for a weak one."""
        private.write(self.path, _told(password))

    def _keep(self, password: str) -> None:
        """The same password, kept as it is kept today; where it cannot be written, as it was."""
        try:
            private.write(self.path, _told(password, checked=False))
        except OSError:
            return

    def _kept(self) -> dict[str, str]:
        try:
            content = private.read(self.path, _MOST_BYTES)
        except private.NotPrivate as error:
            raise Unusable(str(error)) from None
        if content is None:
            raise Unusable("no password is set yet: open the set-up link that the dashboard printed, or run "
                           "`organism dashboard password`")  # fmt: skip
        try:
            kept = json.loads(content)
            known = kept["scheme"] == "argon2id" and _is_dear(str(kept["hash"]))
            if kept["scheme"] == "scrypt":
                known = _is_whole_scrypt(kept)
        except (ValueError, KeyError, TypeError):
            raise self._damaged() from None
        if not known:
            raise self._damaged()
        return dict(kept)

    def _damaged(self) -> Unusable:
        return Unusable(f"{self.path.name} was damaged: delete it and restart for a set-up link")


def why_weak(password: str) -> str:
    """What is wrong with a new password, "" when nothing is."""
    if SHORTEST <= len(password) <= LONGEST:
        return ""
    return f"the password had {len(password)} characters; it needs {SHORTEST} to {LONGEST}"


def _told(password: str, *, checked: bool = True) -> bytes:
    if checked and (why := why_weak(password)):
        raise ValueError(why)
    digest = _HASHER.hash(password.encode("utf-8", "surrogatepass"))
    return json.dumps({"scheme": "argon2id", "hash": digest}).encode()


def _is_dear(digest: str) -> bool:
    """Whether a guess costs what it is to cost: a cheaper hash put in its place is no hash of ours."""
    try:
        found = argon2.extract_parameters(digest)
    except argon2.exceptions.InvalidHashError:
        return False
    return (
        found.type is argon2.Type.ID
        and found.memory_cost >= _HASHER.memory_cost
        and found.time_cost >= _HASHER.time_cost
        and found.memory_cost * found.time_cost <= 64 * _HASHER.memory_cost * _HASHER.time_cost
    )


def _is_whole_scrypt(kept: dict[str, object]) -> bool:
    cost = (kept["n"], kept["r"], kept["p"])
    salt, digest = bytes.fromhex(str(kept["salt"])), bytes.fromhex(str(kept["hash"]))
    return cost == _SCRYPT and len(salt) >= 16 and len(digest) == 32  # noqa: PLR2004 - bytes


def _holds_scrypt(kept: dict[str, str], plain: bytes) -> bool:
    n, r, p = _SCRYPT
    found = hashlib.scrypt(plain, salt=bytes.fromhex(kept["salt"]), n=n, r=r, p=p, dklen=32)
    return hmac.compare_digest(found, bytes.fromhex(kept["hash"]))
