"""A secret, and where it may come from. It shows itself to whoever asks by name, and to nobody else."""

import hmac
import os
import re
import stat
from collections.abc import Mapping
from typing import NoReturn

from organism.errors import ConfigError
from organism.redaction import MASK

LONGEST = 65_536  # bytes of a secret file
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Secret:
    """A value that `repr`, `str`, f-strings, copies, encoders and pickle never give away.

    >>> print(Secret("hunter2"), f"{Secret('hunter2'):>5}", [Secret("hunter2")])
    ***   *** [Secret(***)]
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself. Every place that calls this is a place to audit."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, _: object) -> "Secret":
        return self

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError("A secret is never pickled: hand the name of its source over instead.")


def read(source: str, environ: Mapping[str, str], *, what: str, plain: bool = False) -> Secret:
    """Fetch a secret from "env:NAME" or "file:PATH"; `plain` allows the value itself to be written there.

    `what` names the setting in errors. Errors name the source, never the value.
    """
    kind, _, rest = source.partition(":")
    if kind == "env":
        value = _from_environment(rest, environ, what)
    elif kind == "file":
        value = _from_file(rest, what)
    elif plain:
        value = source
    else:
        raise ConfigError(
            f"{what} must be written as env:NAME or file:PATH; was a plain value (not shown here)."
        )
    if not value.strip():
        raise ConfigError(f"{what} must not be empty; {kind}:{rest} was. Write the secret there.")
    return Secret(value.strip())


def _from_environment(name: str, environ: Mapping[str, str], what: str) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{what} must name an environment variable after 'env:'; was {name!r}.")
    if name not in environ:
        raise ConfigError(
            f"{what} is read from the environment variable {name}, which was not set. Export it first."
        )
    return environ[name]


def _from_file(path: str, what: str) -> str:
    try:
        # O_NOFOLLOW: a link could lead elsewhere. O_NONBLOCK: a pipe must not hang the start.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a path"
        raise ConfigError(
            f"{what} is read from the file {path!r}, which was not readable as a regular file ({why})."
        ) from None
    try:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise ConfigError(f"{what} must be read from a regular file; {path!r} was not one.")
        if info.st_uid != os.geteuid():
            raise ConfigError(
                f"{what} must be read from a file of the user who runs this (uid {os.geteuid()}); the owner of {path!r} was uid {info.st_uid}."
            )
        if info.st_mode & 0o077:
            raise ConfigError(
                f"{what} must be read from a file that only its owner can open (mode 0600); {path!r} was {stat.S_IMODE(info.st_mode):04o}. Run: chmod 600 {path}"
            )
        if info.st_size > LONGEST:
            raise ConfigError(
                f"{what} must be shorter than {LONGEST} bytes; {path!r} was {info.st_size} bytes."
            )
        return os.read(descriptor, LONGEST).decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{what} must be UTF-8 text; {path!r} was not.") from None
    finally:
        os.close(descriptor)
