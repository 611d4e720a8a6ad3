"""What Sentry and OpenTelemetry want to hear of a line of the log: addresses, and bodies to be posted there.

Pure. Their own packages would hook into every process, and send along what stands in local variables; here leaves
what the log holds, which is redacted, and it leaves from the one process that has addresses anyway.
"""

import hashlib
import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from organism import __version__
from organism.errors import ConfigError

Line = dict[str, Any]
_SEVERITY: Final = {"debug": 5, "info": 9, "warning": 13, "error": 17, "critical": 21}
_TAGS: Final = ("process", "organ", "correlation", "envelope")
_RAISED = re.compile(r"([A-Za-z_][\w.]{0,200}): ?(.*)")
_HEADER = re.compile(r"\s*([A-Za-z0-9-]{1,100})=([^\r\n,]{1,4000})")
_encode = msgspec.json.Encoder(enc_hook=str).encode


@dataclass(frozen=True, slots=True, repr=False)
class Sink:
    """Where lines go to.

    url, headers   of the POST; both may hold secrets, so neither is ever shown
    wants          whether it is told of a line
    body           of one POST
    at_once        lines in one POST
    per_minute     POSTs at most
    """

    name: str
    url: str
    headers: dict[str, str]
    wants: Callable[[Line], bool]
    body: Callable[[Sequence[Line]], bytes]
    at_once: int
    per_minute: int


def sentry(dsn: str) -> Sink:
    """Errors, each as an event. dsn: https://KEY@HOST/PROJECT. Raises `ConfigError`, which never shows it."""
    parts = _address(dsn, "[logs] sentry")
    path, _, project = parts.path.rpartition("/")
    if not parts.username or not project.isalnum():
        raise ConfigError(
            "[logs] sentry must be a DSN such as https://KEY@HOST/PROJECT; was another address."
        )
    host = parts.netloc.rpartition("@")[2]
    return Sink(
        "sentry",
        f"{parts.scheme}://{host}{path}/api/{project}/envelope/",
        {
            "Content-Type": "application/x-sentry-envelope",
            "X-Sentry-Auth": f"Sentry sentry_version=7, sentry_client=organism/{__version__}, sentry_key={parts.username}",
        },
        lambda line: line.get("level") in {"error", "critical"},
        lambda lines: b"".join(map(_envelope, lines)),
        1,
        10,
    )


def otlp(url: str, headers: str = "") -> Sink:
    """Every line, many at once, as OTLP over HTTP in JSON. url: https://HOST/v1/logs; headers: "name=value,…"."""
    parts = _address(url, "[logs] otlp")
    said = {m[1]: m[2] for m in map(_HEADER.fullmatch, headers.split(",")) if m}
    if headers and len(said) != headers.count(",") + 1:
        raise ConfigError("[logs] otlp_headers must be written as name=value,name=value; was something else.")
    whole = url if parts.path not in {"", "/"} else f"{url.rstrip('/')}/v1/logs"
    return Sink("otlp", whole, {"Content-Type": "application/json"} | said, lambda _: True, _export, 200, 60)


def _address(url: str, what: str) -> Any:
    """The parts of an address to which logs may be sent: encrypted, or this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigError(f"{what} must be an address; was something else (not shown here).") from None
    if any(c.isspace() or not c.isprintable() for c in url) or not host:
        raise ConfigError(f"{what} must be an address; was something else (not shown here).")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(host)):
        raise ConfigError(
            f"{what} must begin with https:// (http:// on this machine alone); was {parts.scheme[:12]}://."
        )
    return parts


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _envelope(line: Line) -> bytes:
    """One event. Its id is that of the line: told twice, it is the same event."""
    raw = _encode(line)
    name = hashlib.sha256(raw).hexdigest()[:32]
    known = ("timestamp", "level", "logger", "event")
    event: Line = {
        "event_id": name,
        "timestamp": line["timestamp"],
        "platform": "python",
        "level": "fatal" if line.get("level") == "critical" else str(line.get("level")),
        "logger": str(line.get("logger")),
        "release": f"organism@{__version__}",
        "logentry": {"formatted": str(line.get("event"))},
        "tags": {tag: str(line[tag]) for tag in _TAGS if line.get(tag) is not None},
        "extra": {key: value for key, value in line.items() if key not in known},
    }
    raised = _RAISED.fullmatch(str(line.get("exception", "")).rstrip().rpartition("\n")[2])
    if raised:
        event["exception"] = {"values": [{"type": raised[1], "value": raised[2]}]}
    body = _encode(event)
    head = _encode({"event_id": name, "sent_at": line["timestamp"]})
    return head + b"\n" + _encode({"type": "event", "length": len(body)}) + b"\n" + body + b"\n"


def _export(lines: Sequence[Line]) -> bytes:
    resource = {
        "attributes": [_attribute("service.name", "organism"), _attribute("service.version", __version__)]
    }
    scope = {"scope": {"name": "organism"}, "logRecords": [_record(line) for line in lines]}
    return _encode({"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]})


def _record(line: Line) -> Line:
    at = _unix_ns(str(line["timestamp"]))
    level = str(line.get("level"))
    more = {
        k: v
        for k, v in line.items()
        if k not in {"timestamp", "level", "event", "exception"} and v is not None
    }
    if line.get("exception"):
        more["exception.stacktrace"] = line["exception"]
    return {
        "timeUnixNano": at, "observedTimeUnixNano": at, "severityText": level.upper(),
        "severityNumber": _SEVERITY.get(level, 0), "body": {"stringValue": str(line.get("event"))},
        "attributes": [_attribute(key, value) for key, value in more.items()],
    }  # fmt: skip


def _attribute(key: str, value: object) -> Line:
    if isinstance(value, bool):
        return {"key": key, "value": {"boolValue": value}}
    if isinstance(value, int):
        return {"key": key, "value": {"intValue": str(value)}}
    if isinstance(value, float):
        return {"key": key, "value": {"doubleValue": value}}
    return {"key": key, "value": {"stringValue": str(value)}}


def _unix_ns(stamp: str) -> str:
    try:
        return str(round(datetime.fromisoformat(stamp).timestamp() * 1_000) * 1_000_000)
    except (ValueError, OverflowError):
        return "0"
