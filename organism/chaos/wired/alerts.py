"""G1 and G2: a person's channel is down, hung, dripping or full, and ten thousand things go wrong at once.

The sender is the real process, apprise in it is real, and so is the journal that it reads; the channels are two HTTP
services on loopback, the first of them behind a bad line.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple, cast

from organism.alerts import deliveries
from organism.chaos.habitat import NotBack, until
from organism.chaos.outcome import Losses, Outcome
from organism.chaos.proxy import Proxy
from organism.chaos.sockets import port_of
from organism.chaos.strikes import Armed, Behaviour, Drip, HalfOpen, Reset, Rewrite, Strike, Way
from organism.core import Now
from organism.effects import Effects, Notify
from organism.heartbeat import PARENT_FD
from organism.journal.writer import SqliteJournal
from organism.lockstep import Lockstep
from organism.market import NS_PER_S
from organism.messages import AlertRaised, Envelope, Priority, Severity
from organism.settings import VoiceSettings
from organs.voice.core import voice_core

FIRST, SECOND = "first", "second"
DEADLINE_S = 2.0  # of one delivery, all attempts together
ARRIVES_S = 30.0  # longest wait for anything
SECOND_S = 60.0  # promised: the other channel has it by then
N_STORM, N_CRITICAL, N_SAME = 10_000, 20, 1_000
_BUSY = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 60\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_NEVER_FULL = 1_000_000


class Service(ThreadingHTTPServer):
    """A channel's other end. `arrived` holds (monotonic seconds, title) of everything that was posted."""

    daemon_threads = True

    def __init__(self) -> None:
        self.arrived: list[tuple[float, str, str]] = []
        super().__init__(("127.0.0.1", 0), _Request)
        self.port = int(self.server_address[1])
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def titles(self) -> list[str]:
        """In the order of arrival."""
        return [title for _, title, _ in self.arrived]

    def has(self, words: str) -> bool:
        """Whether something arrived that says this in its title or text."""
        return any(words in title or words in body for _, title, body in self.arrived)

    def handle_error(self, _request: object, _client: object) -> None:
        """A client that hung up is no news here."""

    def close(self) -> None:
        """Serve no more."""
        self.shutdown()
        self.server_close()
        self._thread.join(5.0)


class _Request(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Take an alert."""
        service = cast("Service", self.server)
        said = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        service.arrived.append((time.monotonic(), said["title"], said["message"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Herald:
    """Voice over a real journal, the sender as a process, and two channels; the first is behind a bad line."""

    def __init__(self, folder: Path, per_minute: int) -> None:
        self.state = folder / "state"
        self.state.mkdir(parents=True)
        self.services = {FIRST: Service(), SECOND: Service()}
        self.armed = Armed()
        self.line = Proxy(("127.0.0.1", 0), ("127.0.0.1", self.services[FIRST].port), decide=self.armed)
        self._config = folder / "organism.toml"
        self._write_config()
        self.notified: list[Notify] = []
        self._journal = SqliteJournal(self.state, durability="off", threaded=False)
        core = voice_core(VoiceSettings(per_minute=per_minute, daily_summary=False))
        self._driver = Lockstep([core], self._journal, observers=(self._observe,))
        self._sender: subprocess.Popen[bytes] | None = None
        self._ours = -1

    def _write_config(self) -> None:
        ports = {FIRST: port_of(self.line.address), SECOND: self.services[SECOND].port}
        text = f"[voice]\nattempts = 2\ntotal_deadline_s = {DEADLINE_S}\n"
        for name, port in ports.items():
            text += f'[[voice.channels]]\nname = "{name}"\nurl = "json://127.0.0.1:{port}/{name}"\n'
        self._config.write_text(text)

    def start(self) -> None:
        """Start a sender."""
        theirs, self._ours = os.pipe()
        log = self.state.with_suffix(".log")
        with log.open("ab") as said:
            self._sender = subprocess.Popen(
                [sys.executable, "-m", "organs.voice.sender", "--state", str(self.state), "--config", str(self._config)],
                env={**os.environ, PARENT_FD: str(theirs)}, pass_fds=(theirs,), stdin=subprocess.DEVNULL,
                stdout=said, stderr=said,
            )  # fmt: skip
        os.close(theirs)

    def kill(self) -> None:
        """SIGKILL the sender."""
        if self._sender is not None:
            self._sender.kill()
            self._sender.wait()
            os.close(self._ours)
            self._sender = None

    def close(self) -> None:
        """Leave nobody behind."""
        self.kill()
        self.line.close()
        self._journal.close()
        for service in self.services.values():
            service.close()

    def say(self, title: str, priority: Priority = Priority.HIGH, key: str = "") -> None:
        """Something goes wrong."""
        severity = Severity.CRITICAL if priority is Priority.CRITICAL else Severity.WARNING
        alert = AlertRaised(
            severity=severity, priority=priority, title=title, body=title, dedup_key=key or title
        )
        self._driver.inject("voice", alert, sender="chaos")
        self._driver.drain()

    def wait(self, span_s: float) -> None:
        """Let the time of voice pass."""
        self._driver.advance_mono(round(span_s * NS_PER_S))
        self._driver.drain()
        self._journal.flush()

    def flush(self) -> None:
        """What was said stands in the journal."""
        self._journal.flush()

    def fate(self, title: str, channel: str) -> str:
        """What became of an alert on a channel: pending, delivered, failed, summed_up; "" when nothing is known."""
        ids = [n.alert_id for n in self.notified if n.title == title]
        found = [
            d.state for told in deliveries(self.state, ids).values() for d in told if d.channel == channel
        ]
        return found[-1] if found else ""

    def arrives(self, words: str, channel: str) -> float:
        """Wait until something that says this arrived; seconds it took."""
        return until(lambda: self.services[channel].has(words), f"{words!r} on {channel}", ARRIVES_S)

    def _observe(self, _seq: int, _organ: str, _envelope: Envelope, effects: Effects, _now: Now) -> None:
        self.notified += [effect for effect in effects if isinstance(effect, Notify)]


class _Outage(NamedTuple):
    name: str
    begin: Callable[[Herald], None]
    kills: bool = False


def _struck(behaviour: Behaviour, way: Way) -> Callable[[Herald], None]:
    return lambda herald: herald.armed.arm(Strike("G1", way, behaviour), times=None)


OUTAGES = (
    _Outage("hung", _struck(HalfOpen(), Way.UP)),
    _Outage("429", _struck(Rewrite(lambda _message: _BUSY), Way.DOWN)),
    _Outage("down", lambda herald: herald.line.down(), kills=True),
    _Outage("dripping", _struck(Drip(0.2), Way.DOWN)),
    _Outage("reset", _struck(Reset(), Way.UP)),
)


@contextlib.contextmanager
def heralding(folder: Path, per_minute: int = 10) -> Iterator[Herald]:
    """One with a sender that has delivered its first alert on both channels."""
    herald = Herald(folder, per_minute)
    try:
        herald.start()
        herald.say("hello")
        herald.flush()
        for channel in (FIRST, SECOND):
            herald.arrives("hello", channel)
        yield herald
    finally:
        herald.close()


def outages(folder: Path, seed: int, which: tuple[_Outage, ...] = OUTAGES) -> list[Outcome]:
    """G1: each outage in turn. The other channel has the alert soon; the first one is told later, in one alert."""
    with heralding(folder, _NEVER_FULL) as herald:
        return [_outage(herald, one, seed) for one in which]


def _outage(herald: Herald, outage: _Outage, seed: int) -> Outcome:
    missed, after = f"missed while {outage.name}", f"well again after {outage.name}"
    broken: list[str] = []
    before = herald.line.seen["G1"] + herald.line.seen["down"]
    detection: tuple[float, ...] = ()
    recovery: tuple[float, ...] = ()
    try:
        outage.begin(herald)
        herald.say(missed)
        herald.flush()
        detection = (herald.arrives(missed, SECOND),)
        if outage.kills:
            herald.kill()
            herald.start()
        until(
            lambda: herald.fate(missed, FIRST) == "failed", f"{outage.name}: the failure is noted", ARRIVES_S
        )
        herald.armed.disarm()
        herald.line.down(is_down=False)
        herald.say(after)
        herald.flush()
        began = time.monotonic()
        herald.arrives(after, FIRST)
        until(
            lambda: herald.fate(missed, FIRST) in {"summed_up", "delivered"},
            f"{outage.name}: told of what was missed",
            ARRIVES_S,
        )
        recovery = (time.monotonic() - began,)
        if detection[0] > SECOND_S:
            broken.append(f"{outage.name}: the second channel had it after {detection[0]:.0f} s")
    except NotBack as error:
        broken.append(f"{outage.name}: {error}")
    seen = herald.line.seen["G1"] + herald.line.seen["down"] > before
    twice = herald.services[SECOND].titles().count(missed) - 1
    losses = Losses(
        lost=int(not herald.services[FIRST].has(missed)),
        duplicate=0 if outage.kills else max(0, twice),  # one that was killed may say it again: at least once
        breaches=len(broken),
    )
    return Outcome("G1", "proxy", 1, int(seen), losses, detection, recovery, (seed,), "; ".join(broken))


def storm(folder: Path, seed: int) -> Outcome:
    """G2: ten thousand different alerts and a thousand equal ones within a second, twenty critical ones among them."""
    broken: list[str] = []
    with heralding(folder) as herald:
        began = time.monotonic()
        for n in range(N_STORM):
            herald.say(f"storm {n}")
            if n % (N_STORM // N_CRITICAL) == 0:
                herald.say(f"critical {n}", Priority.CRITICAL)
        for _ in range(N_SAME):
            herald.say("the same", key="same")
        herald.flush()
        said = [n.title for n in herald.notified]
        ordinary = [title for title in said if not title.startswith("critical")]
        most = VoiceSettings().per_minute
        if len(ordinary) > most:
            broken.append(f"{len(ordinary)} ordinary alerts left within a minute; {most} may")
        herald.wait(61.0)
        for n in range(0, N_STORM, N_STORM // N_CRITICAL):
            herald.arrives(f"critical {n}", SECOND)
        held = herald.arrives("held back", SECOND) >= 0.0
        took_s = time.monotonic() - began
        told = sum(n.count for n in herald.notified) - 1  # the first one said hello
        losses = Losses(lost=max(0, N_STORM + N_CRITICAL + N_SAME - told), breaches=len(broken))
    seen = int(held)
    return Outcome("G2", "proxy", 1, seen, losses, (), (took_s,), (seed,), "; ".join(broken))
