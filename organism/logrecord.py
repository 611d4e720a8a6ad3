"""What a line of the log says: one JSON object for the file, a few words for the terminal. Without structlog.

Redaction is the last step but for the writing itself, because a filter on a logger misses child loggers and tracebacks.
"""

import contextlib
import datetime as dt
import logging
import re
from collections.abc import MutableMapping
from typing import Any, Final

import msgspec

from organism.handling import moment
from organism.redaction import MASK, Redactor, one_line

CORRELATION = ("organ", "incarnation", "cause", "correlation", "envelope", "seq", "channel", "alert_id")
_FIRST: Final = ("organ", "incarnation", "correlation", "envelope")
_OURS: Final = frozenset(("timestamp", "level", "process", "pid", "thread", "logger", "event", "exception"))

EVENT_CHARS = 8_000  # a line is read by people, and ten of them must not fill the disk
TRACE_CHARS = 32_000
_WORDS_CHARS = 2_000  # of any other value
_N_FIELDS = 32
_LOOKED_AT = 8  # times as much is looked at for secrets as is shown …
_END_CHARS = 4_000  # … and of what was cut before that, the end goes, as it may hold half a secret
_SECRET_NAME = re.compile(r"(?i)key|secret|token|passw|passphrase|signature|authorization|cookie|credential")

_encode = msgspec.json.Encoder(enc_hook=str).encode


def arranged(
    process: str, redact: Redactor, record: logging.LogRecord, said: MutableMapping[str, Any]
) -> dict[str, object]:
    """A line in its order, from what was said with a record: `event`, `exception` and whatever else there is. Takes `said` apart."""
    cause = said.pop("cause", None)
    if cause:
        said["correlation"] = cause
    for name, value in moment().items():
        said.setdefault(name, value)
    event, trace = str(said.pop("event", "")), said.pop("exception", None)
    line: dict[str, object] = {
        "timestamp": _utc(record.created),
        "level": record.levelname.lower(),
        "process": process,
    }
    line |= {name: _value(name, said.pop(name), redact) for name in _FIRST if said.get(name) is not None}
    line["logger"] = redact(record.name)
    line["event"] = _bounded(event, EVENT_CHARS, redact)
    for name in list(said)[:_N_FIELDS]:
        if name not in _OURS and said[name] is not None:
            line[_bounded(str(name), 60, redact)] = _value(name, said[name], redact)
    line["pid"], line["thread"] = record.process, redact(str(record.threadName))
    if trace:
        line["exception"] = _bounded(str(trace), TRACE_CHARS, redact)
    return line


def written(line: MutableMapping[str, Any], **_: Any) -> str:
    """A line as JSON."""
    return _encode(line).decode()


class PlainLines(logging.Formatter):
    """The lines of `organism.logline.JsonLines`, for records of the standard library alone: a guardian has no structlog."""

    def __init__(self, process: str, redact: Redactor) -> None:
        super().__init__()
        self._process = process
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object."""
        said: dict[str, Any] = {"event": worded(record.msg, record.args)}
        said |= {name: record.__dict__[name] for name in CORRELATION if name in record.__dict__}
        if record.exc_info and record.exc_info[0] is not None:
            said["exception"] = self.formatException(record.exc_info)
        return written(arranged(self._process, self._redact, record, said))


class ShortLine(logging.Formatter):
    """A record for a person: time, level, who, what; of an exception only its last line."""

    def __init__(self, process: str, redact: Redactor) -> None:
        super().__init__()
        self._process = process
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """One printable line."""
        text = worded(record.msg, record.args)
        if record.exc_info and record.exc_info[0] is not None:
            text = f"{text}: {record.exc_info[0].__name__}: {record.exc_info[1]}"
        who = getattr(record, "organ", None) or self._process
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        line = self._redact(f"{who}: {level}{text}")  # before `one_line`, which could cut a secret in two
        return f"{_utc(record.created)[11:19]} {one_line(line, 500)}"


def _value(name: object, value: object, redact: Redactor) -> object:
    """One value as it may be written; redacted before it is escaped, or a secret would not be recognised."""
    if _SECRET_NAME.search(str(name)):
        return MASK
    if value is None or isinstance(value, bool | int | float):
        return value
    return _bounded(str(value), _WORDS_CHARS, redact)


def _bounded(text: str, most: int, redact: Redactor) -> str:
    """Without secrets, and not longer than `most`; text without end is not even looked at to its end."""
    looked_at = _LOOKED_AT * most
    known = redact(_whole(text[:looked_at]))
    if len(text) > looked_at:
        known = known[: max(0, len(known) - _END_CHARS)]
    if len(known) <= most and len(text) <= looked_at:
        return known
    return f"{known[: most - 1]}…"


def worded(message: object, arguments: object) -> str:
    """What was said. The mapping of a structlog logger reads as "event name=value"."""
    if isinstance(message, dict) and "event" in message:
        rest = " ".join(
            f"{name}={MASK if _SECRET_NAME.search(str(name)) else value}"
            for name, value in message.items()
            if name not in {"event", "exc_info", "stack_info"}
        )
        return _whole(f"{message['event']} {rest}".rstrip())
    text = str(message)
    if arguments:
        with contextlib.suppress(TypeError, ValueError, KeyError):  # their wrong number is still worth a line
            text = text % arguments
    return _whole(text)


def _whole(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()  # half a character from a venue must not lose it


def _utc(seconds: float) -> str:
    at = dt.datetime.fromtimestamp(seconds, tz=dt.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
