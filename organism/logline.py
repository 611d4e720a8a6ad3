"""How a record of the log becomes a line: one JSON object for the file, a few words for the terminal.

structlog's processors, over records of the standard library's `logging` (ours and those of libraries) and of
structlog's own loggers alike. Redaction is the last step of every formatter but for the writing itself, because a
filter on a logger misses child loggers and tracebacks. Correlate with `extra={"organ": …, "cause": envelope id,
"incarnation": …, "seq": …}`; in an organ's thread that is known anyway (`organism.handling`).
"""

import contextlib
import datetime as dt
import logging
import re
from typing import Any, Final

import msgspec
import structlog
from structlog.contextvars import merge_contextvars
from structlog.typing import EventDict, Processor

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


class JsonLines(structlog.stdlib.ProcessorFormatter):
    """A record as one JSON object.

    timestamp (UTC, ISO 8601), level, process, organ, incarnation, correlation, envelope, logger, event; then
    whatever else was said with it, pid, thread, and of an error `exception`, its traceback. What is not known is
    left out. No value is longer than some thousand characters.
    """

    def __init__(self, process: str, redact: Redactor) -> None:
        super().__init__(
            foreign_pre_chain=[_worded, structlog.stdlib.ExtraAdder(allow=CORRELATION)],
            processors=_chain(process, redact),
            use_get_message=False,
            pass_foreign_args=True,
        )


class ShortLine(logging.Formatter):
    """A record for a person: time, level, who, what; of an exception only its last line."""

    def __init__(self, process: str, redact: Redactor) -> None:
        super().__init__()
        self._process = process
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """One printable line."""
        text = _message(record.msg, record.args)
        if record.exc_info and record.exc_info[0] is not None:
            text = f"{text}: {record.exc_info[0].__name__}: {record.exc_info[1]}"
        who = getattr(record, "organ", None) or self._process
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        line = self._redact(f"{who}: {level}{text}")  # before `one_line`, which could cut a secret in two
        return f"{_utc(record.created)[11:19]} {one_line(line, 500)}"


def _chain(process: str, redact: Redactor) -> list[Processor]:
    def arranged(_: Any, __: str, said: EventDict) -> EventDict:
        record: logging.LogRecord = said.pop("_record")
        del said["_from_structlog"]
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

    return [
        merge_contextvars,
        structlog.processors.format_exc_info,
        arranged,
        structlog.processors.JSONRenderer(serializer=_written),
    ]


def _worded(_: Any, __: str, said: EventDict) -> EventDict:
    """A record of the standard library with its arguments in their places, and no error where there was none."""
    said["event"] = _message(said["_record"].msg, said.pop("positional_args", None))
    raised = said.get("exc_info")
    if isinstance(raised, tuple) and raised[0] is None:
        del said["exc_info"]
    return said


def _written(line: EventDict, **_: Any) -> str:
    return _encode(line).decode()


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


def _message(message: object, arguments: object) -> str:
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
