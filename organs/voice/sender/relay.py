"""Carrying the log to where a person wants it. Best effort, on a thread of its own: no alert ever waits for it."""

import http.client
import logging
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from organism.errors import ConfigError
from organism.redaction import Redactor, parts_of
from organism.secret import read
from organism.settings import LogsSettings
from organs.voice.sender.follow import Follower
from organs.voice.sender.telemetry import Line, Sink, otlp, sentry

log = logging.getLogger(__name__)
TURN_S, POST_S = 1.0, 5.0
AGAIN_S, LONGEST_AGAIN_S = 5.0, 300.0
N_KEPT = 2_000  # lines kept for a sink that does not answer; then the oldest go

Post = Callable[[Sink, bytes], int]


def sinks_of(wanted: LogsSettings, environ: Mapping[str, str], redact: Redactor) -> tuple[Sink, ...]:
    """Those that are wanted. One that cannot be used is said to be so, and silences no other."""
    found = []

    def add(make: Callable[[], Sink]) -> None:
        try:
            found.append(make())
        except ConfigError as error:
            log.error("the log is not sent on: %s", error)  # noqa: TRY400 - no news in a traceback

    def fetched(source: str, what: str) -> str:
        value = read(source, environ, what=what).reveal()
        redact.learn((value, *parts_of(value), *(part.partition("=")[2] for part in value.split(","))))
        return value

    if wanted.sentry:
        add(lambda: sentry(fetched(wanted.sentry, "[logs] sentry")))
    if wanted.otlp:
        headers = wanted.otlp_headers
        add(lambda: otlp(
            fetched(wanted.otlp, "[logs] otlp"), fetched(headers, "[logs] otlp_headers") if headers else "",
        ))  # fmt: skip
    return tuple(found)


class Relay:
    """Follows the log from now on, and posts what is new."""

    def __init__(
        self, state: Path, sinks: tuple[Sink, ...], redact: Redactor, *, post: Post | None = None
    ) -> None:
        self._follower = Follower(state / "log")
        self._redact = redact
        self._queues = [_Queue(sink, post or _post) for sink in sinks]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, name="relay", daemon=True)

    def start(self) -> None:
        """Begin, where there is anybody to tell."""
        if self._queues:
            self._thread.start()

    def close(self) -> None:
        """Look a last time, and end; whoever does not answer is not waited for."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(POST_S / 2)
        else:
            self._follower.close()

    def turn(self, now_s: float) -> None:
        """Read what is new, post what may be posted. now_s: monotonic."""
        for line in self._follower.lines():
            if line.get("logger") == __name__:
                continue  # that it cannot be sent is not sent
            clean = {self._redact(key): self._clean(value) for key, value in line.items()}
            for queue in self._queues:
                queue.put(clean)
        for queue in self._queues:
            queue.turn(now_s)

    def _clean(self, value: Any) -> Any:
        return self._redact(value) if isinstance(value, str) else value

    def _live(self) -> None:
        while True:
            ending = self._stop.wait(TURN_S)
            try:
                self.turn(time.monotonic())
            except Exception:
                log.exception("a turn of sending the log on failed")
            if ending:
                self._follower.close()
                return


class _Queue:
    """What one sink has not heard yet."""

    def __init__(self, sink: Sink, post: Post) -> None:
        self._sink = sink
        self._post = post
        self._waiting: deque[Line] = deque(maxlen=N_KEPT)
        self._n_lost = 0
        self._posted: deque[float] = deque(maxlen=sink.per_minute)
        self._again_at, self._again_s = 0.0, 0.0

    def put(self, line: Line) -> None:
        """Keep it, where it is wanted."""
        if self._sink.wants(line):
            self._n_lost += len(self._waiting) == N_KEPT
            self._waiting.append(line)

    def turn(self, now_s: float) -> None:
        """Post until nothing waits, it fails, or it has been told enough for this minute."""
        while self._waiting and now_s >= self._again_at and self._may(now_s):
            lines = [self._waiting[i] for i in range(min(self._sink.at_once, len(self._waiting)))]
            status = self._post(self._sink, self._sink.body(lines))
            self._posted.append(now_s)
            if status == 429 or status >= 500 or not status:  # noqa: PLR2004 - HTTP
                self._failed(now_s, status)
                return
            for _ in lines:
                self._waiting.popleft()
            if status >= 400:  # noqa: PLR2004 - HTTP: the same again would be refused again
                log.warning("%s refused %d lines of the log (%d)", self._sink.name, len(lines), status)
            elif self._again_s:
                log.info("%s hears the log again; %d lines were lost", self._sink.name, self._n_lost)
                self._n_lost = 0
            self._again_s = 0.0

    def _may(self, now_s: float) -> bool:
        return len(self._posted) < self._sink.per_minute or now_s - self._posted[0] >= 60.0  # noqa: PLR2004

    def _failed(self, now_s: float, status: int) -> None:
        if not self._again_s:
            log.warning(
                "%s does not take the log (%s); it is tried again", self._sink.name, status or "no answer"
            )
        self._again_s = min(LONGEST_AGAIN_S, max(AGAIN_S, 2 * self._again_s))
        self._again_at = now_s + self._again_s


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Who has our key is who we were told, and nobody it points to."""

    def redirect_request(self, *_args: Any, **_named: Any) -> None:
        """Follow nobody."""


def _post(sink: Sink, body: bytes) -> int:
    """HTTP status, 0 for no answer."""
    request = urllib.request.Request(sink.url, body, sink.headers, method="POST")  # noqa: S310 - checked: https, or here
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=POST_S) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except (OSError, ValueError, http.client.HTTPException):
        return 0
