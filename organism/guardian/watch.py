"""The guardian's loop: start, listen, restart, stop in order."""

import contextlib
import json
import logging
import os
import select
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import FrameType
from typing import Self, TextIO

from organism.errors import StateBusy
from organism.guardian.child import ChildCommand, ChildProcess
from organism.guardian.lock import NOTE, held, wait_for_body, write_note
from organism.guardian.policy import (
    BAD_INPUT,
    GAVE_UP,
    Deaths,
    GuardOptions,
    Next,
    after_death,
    status_text,
)
from organism.guardian.services import Services

LOG = logging.getLogger("guardian")
LOG.addHandler(logging.NullHandler())  # without a log it still says everything on standard error, and once
LAST_WORDS = "last_words.jsonl"
TURN_S = 0.05


def guard(children: Sequence[ChildCommand], options: GuardOptions) -> int:
    """Keep the children alive until told to stop; return the exit status of the whole organism.

    Must run in the main thread: it takes SIGTERM and SIGINT. Raises `StateBusy` when the folder is in use.
    """
    with held(options.state), _Signals() as signals:
        try:
            wait_for_body(options.state, options.body_wait_s, lambda: signals.n_stops > 0)
        except StateBusy:
            if signals.n_stops:
                return 0  # told to stop before anything was started
            raise
        return _Guardian(children, options, signals).run()


class _Signals:
    """SIGTERM and Ctrl-C, counted; a wake-up pipe so that none is noticed late."""

    _TAKEN = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)

    def __init__(self) -> None:
        self.n_stops = 0

    def __enter__(self) -> Self:
        self.wake, self._write = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(self._write, False)
        # What is ignored on purpose (SIGHUP under nohup) stays ignored.
        taken = [number for number in self._TAKEN if signal.getsignal(number) is not signal.SIG_IGN]
        self._old = {number: signal.signal(number, self._take) for number in taken}
        self._old_wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._old_wakeup)
        for number, handler in self._old.items():
            signal.signal(number, handler)
        os.close(self.wake)
        os.close(self._write)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        self.n_stops += number != signal.SIGCHLD

    def drain(self) -> None:
        """Empty the wake-up pipe."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self.wake, 512):
                pass


class _Guardian:
    def __init__(self, children: Sequence[ChildCommand], options: GuardOptions, signals: _Signals) -> None:
        (self._body_command,) = (child for child in children if child.is_body)
        self._options = options
        self._signals = signals
        self._deaths = Deaths()
        self._n_restarts = 0
        self._body: ChildProcess | None = None
        self._looked_s = time.monotonic()
        self._services = Services(
            [child for child in children if not child.is_body],
            options,
            say=self._say,
            word=lambda title, body: self._leave_word(title, body, "warning"),
            changed=self._note,
        )
        self._began = datetime.now(UTC).isoformat(timespec="seconds")

    def run(self) -> int:
        """Guard until the end; whatever happens, no child is left behind."""
        try:
            return self._run()
        finally:
            for child in self._all():
                child.kill()
                child.process.wait()
                child.close()
            with contextlib.suppress(OSError):
                (self._options.state / NOTE).unlink()

    def _run(self) -> int:
        options = self._options
        end = None if options.run_for_s is None else time.monotonic() + options.run_for_s
        body = self._start_body()
        while True:
            self._services.keep(self._looked_s)
            self._sleep()
            now = self._looked_s
            body.listen(now)
            if self._signals.n_stops or (end is not None and now >= end):
                return self._stop()
            code = body.code
            if code is None and body.silence.is_too_long(now, options.silence_s, options.grace_s):
                code = self._put_down(body)
            if code is None:
                continue
            body.listen(now)
            body.close()
            asked = body.farewell and code == 0
            self._deaths, then = after_death(self._deaths, now, code, options, asked=asked)
            if then is Next.END:
                return self._stop()
            if then is Next.REFUSE:
                return self._refuse()
            if then is Next.GIVE_UP:
                return self._give_up(code)
            self._n_restarts += 1
            mode = " in safe mode" if then is Next.START_SAFE else ""
            self._say(f"the body ended with {status_text(code)}; restart {self._n_restarts}{mode}")
            if then is Next.START_SAFE and not self._deaths.safe:
                self._leave_word(
                    "The organism was put into safe mode",
                    f"The body ended {len(self._deaths.at_s)} times within {options.within_s:g} s, last with "
                    f"{status_text(code)}. Protective orders stay, nothing new is opened. See the log folder.",
                )
            else:
                self._leave_word(
                    "The body was restarted",
                    f"It ended with {status_text(code)}; this is restart {self._n_restarts}. It reads back its journal "
                    "and reconciles with the venue before it trades.",
                    "warning",
                )
            body = self._start_body()

    # ------------------------------------------------------------ the body

    def _start_body(self) -> ChildProcess:
        extra = ("--safe",) if self._deaths.is_safe else ()
        self._body = ChildProcess(self._body_command, *extra)
        LOG.info("the body was started%s, process %d", " in safe mode" if extra else "", self._body.pid)
        self._note()
        return self._body

    def _put_down(self, body: ChildProcess) -> int:
        silent_s = self._looked_s - body.silence.since_s
        self._say(f"the body was silent for {silent_s:.1f} s; dumping its tracebacks and killing it")
        body.dump()
        until = time.monotonic() + self._options.dump_s
        while body.code is None and time.monotonic() < until:
            self._sleep()
        body.kill()
        return body.process.wait()

    def _refuse(self) -> int:
        if self._n_restarts:  # nobody is looking any more, as they were at the first start
            self._leave_word(
                "The organism cannot be started again and needs a person",
                "The body ended, and the next one refused what it found. Nothing is running any more. Protective "
                "orders rest at the venue. Run `organism verify` and read the log folder, then start it again.",
            )
        self._stop(self._options.last_words_s if self._n_restarts else 0.0)
        return BAD_INPUT

    def _give_up(self, code: int) -> int:
        self._say(
            f"the body ended with {status_text(code)} in safe mode too; giving up with status {GAVE_UP}"
        )
        self._leave_word(
            "The organism has stopped and needs a person",
            f"The body ended {self._deaths.safe} times in safe mode, last with {status_text(code)}. Nothing is "
            "running any more. Protective orders rest at the venue. Read the log folder, then start it again.",
        )
        self._stop(self._options.last_words_s)
        return GAVE_UP

    # ------------------------------------------------------------ ending

    def _stop(self, last_words_s: float = 0.0) -> int:
        """Stop the body, then the services, the sender last: it may have to say that the body is gone.

        1 when the body had to be killed or did not end with 0.
        """
        options = self._options
        end = time.monotonic() + options.stop_s
        status = 0
        if self._body is not None:
            if not self._end(self._body, end):
                self._say(f"the body did not stop within {options.stop_s:g} s and was killed")
            status = int(self._body.code != 0)
            if not status and not last_words_s:
                self._leave_word(
                    "Stopped",
                    "The organism was stopped in order. Protective stops rest at the venue.",
                    "info",
                )
        end = max(end + options.others_s, time.monotonic() + last_words_s)
        for command in sorted(self._services.commands, key=lambda c: c.name == "sender"):
            child = self._services.get(command.name)
            if child is not None:
                is_sender = command.name == "sender"
                self._end(child, end if is_sender else min(end, time.monotonic() + options.others_s / 2))
        return status

    def _end(self, child: ChildProcess, until: float) -> bool:
        """End one child in order, or by force when time is up or a second signal came; whether in order."""
        child.ask_stop()
        while child.code is None:
            if time.monotonic() >= until or self._signals.n_stops > 1:
                child.kill()
                child.process.wait()
                return False
            self._sleep()
            child.listen(self._looked_s)
        return True

    # ------------------------------------------------------------ small things

    def _sleep(self) -> float:
        """Wait for a signal or a moment; return how much later than that this process looks again.

        Counted from the last look, not from here: a machine may fall asleep between any two lines. Who looks late
        blames nobody for that span.
        """
        select.select([self._signals.wake], [], [], TURN_S)
        self._signals.drain()
        looked_s, self._looked_s = self._looked_s, time.monotonic()
        late_s = self._looked_s - looked_s - TURN_S
        if late_s > self._options.late_s:
            for child in self._all():
                child.silence = child.silence.excused(late_s, self._looked_s)
        return late_s

    def _all(self) -> Iterator[ChildProcess]:
        if self._body is not None:
            yield self._body
        yield from self._services

    def _note(self) -> None:
        note = {
            "pid": os.getpid(),
            "started": self._began,
            "children": {child.command.name: child.pid for child in self._all()},
            "restarts": self._n_restarts,
            "safe": self._deaths.is_safe,
        }
        with contextlib.suppress(OSError):  # a full disk must not end the guardian
            write_note(self._options.state, note)

    def _leave_word(self, title: str, body: str, severity: str = "critical") -> None:
        LOG.log(getattr(logging, severity.upper()), "%s. %s", title, body)
        word = {"wall_ns": time.time_ns(), "severity": severity, "title": title, "body": body}
        path = self._options.state / LAST_WORDS
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(word) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self._say(f"could not write {path.name}: {error}")

    def _say(self, text: str) -> None:
        LOG.warning("%s", text)
        with contextlib.suppress(OSError):
            if _is_read(sys.stderr):
                print(f"guardian: {text}", file=sys.stderr, flush=True)


def _is_read(stream: TextIO) -> bool:
    """Whether a line can be said without waiting: who watches over others must not stand still with a full pipe."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):  # no file at all, as under a test
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(0))
