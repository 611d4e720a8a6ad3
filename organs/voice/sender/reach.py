"""One delivery through apprise, imported at first need. It reports; it never raises and never retries."""

import os
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from organism.redaction import Redactor, one_line
from organism.secret import Secret
from organs.voice.sender.alert import Alert
from organs.voice.sender.channel import Target

SOCKET_S = 4.0  # to connect, and between two reads; the deadline of the whole is kept outside
KINDS = {"success": "success", "milestone": "success", "warning": "warning", "critical": "failure"}
HERE = ("127.0.0.1", "localhost", "::1")


def straight(environ: MutableMapping[str, str]) -> None:
    """What is addressed to this machine goes through no proxy that the environment names: it need not leave the machine.

    >>> environ = {"NO_PROXY": "example.org"}
    >>> straight(environ)
    >>> environ
    {'NO_PROXY': 'example.org,127.0.0.1,localhost,::1', 'no_proxy': 'example.org,127.0.0.1,localhost,::1'}
    """
    known = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    names = [name for name in map(str.strip, known.split(",")) if name]
    environ["no_proxy"] = environ["NO_PROXY"] = ",".join(dict.fromkeys((*names, *HERE)))


@dataclass(frozen=True)
class Outcome:
    """Whether it arrived; `hopeless` when trying again cannot help."""

    arrived: bool
    detail: str
    hopeless: bool = False


class Service:
    """A service at an address. Not shared between threads."""

    def __init__(self, url: Secret, redact: Redactor) -> None:
        self._url = url
        self._redact = redact
        self._sender: Any = None

    def send(self, alert: Alert) -> Outcome:
        """Send once."""
        try:
            return self._send(alert)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; an alert must not end the sender
            return Outcome(arrived=False, detail=self._clean(f"{type(error).__name__}: {error}"))

    def _send(self, alert: Alert) -> Outcome:
        import apprise  # noqa: PLC0415 - a quarter of a second and 30 MB that most lives never need

        if self._sender is None:
            self._sender = self._built(apprise)
        # match_always off and one service only: NOMATCH can mean nothing but "no service at this address"
        answer = self._sender.notify(
            body=alert.body,
            title=alert.title,
            notify_type=KINDS.get(alert.severity, "info"),
            body_format=apprise.NotifyFormat.TEXT,
            match_always=False,
            interpret_escapes=False,
        )
        if answer.status.name == "NOMATCH" or not answer.results:
            return Outcome(arrived=False, detail="no service understands this address", hopeless=True)
        last = answer.results[-1].attempts[
            -1
        ]  # the raw outcome: `?optional=yes` would call a failure a success
        if last.status.name == "SUCCESS":
            return Outcome(arrived=True, detail="arrived")
        said = "; ".join(entry.message for entry in last.logs if entry.level in {"WARNING", "ERROR"})
        return Outcome(
            arrived=False, detail=self._clean(said or f"not delivered ({last.status.name.lower()})")
        )

    def _built(self, apprise: Any) -> Any:
        straight(os.environ)
        asset = apprise.AppriseAsset(
            async_mode=False,
            http_redirects=False,  # an address with a token is for one host only
            interpret_escapes=False,
            interpret_emojis=False,
            plugin_paths=[],
            secure_logging=True,
            service_timeout=0,
            storage_mode="memory",
            allow_templates=False,
        )
        service = apprise.Apprise.instantiate(self._url.reveal(), asset=asset, suppress_exceptions=True)
        sender = apprise.Apprise(asset=asset)
        if service is not None:
            service.retry = 0  # retries are counted in one place, and it is not this one
            service.socket_connect_timeout = min(service.socket_connect_timeout, SOCKET_S)
            service.socket_read_timeout = min(service.socket_read_timeout, SOCKET_S)
            sender.add(service)
        return sender

    def _clean(self, text: str) -> str:
        return one_line(self._redact(text), 200)


def through_apprise(redact: Redactor, target: Target) -> Callable[[Alert], Outcome]:
    """How to send to a channel."""
    if target.url is None:
        raise ValueError(f"channel {target.name} has no address")
    return Service(target.url, redact).send
