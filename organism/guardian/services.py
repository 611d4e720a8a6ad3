"""The children that may come and go, venue, dashboard and sender: kept alive without anybody waiting for them."""

import time
from collections.abc import Callable, Iterator, Sequence

from organism.guardian.child import ChildCommand, ChildProcess
from organism.guardian.policy import FULL, GuardOptions, service_wait_s, status_text

SETTLED_S = 60.0  # a service that lived this long begins its back-off anew
BREEDER_SETTLED_S = 900.0  # it waits and reads for minutes before it comes to the work that may fail
OFTEN = 5


class Services:
    """Starts each service, starts it again when it has ended, and puts down one that stands still.

    Nothing here waits, not even for the end of a killed one, which a dead disk may put off for ever: the body must
    be listened to meanwhile.

    say      tells a person a line at the terminal and in the log
    word     leaves a title and a sentence for a person far away: once a service ended `OFTEN` times in a row
    changed  somebody was started
    """

    def __init__(
        self,
        commands: Sequence[ChildCommand],
        options: GuardOptions,
        *,
        say: Callable[[str], None],
        word: Callable[[str, str], None],
        changed: Callable[[], None],
    ) -> None:
        self.commands = commands
        self._options = options
        self._say = say
        self._word = word
        self._changed = changed
        self._running: dict[str, ChildProcess] = {}
        self._n_deaths: dict[str, int] = {}
        self._due_s: dict[str, float] = {}
        self._put_down_s: dict[str, float] = {}  # when its tracebacks were asked for

    def __iter__(self) -> Iterator[ChildProcess]:
        """Those that run."""
        return iter(self._running.values())

    def get(self, name: str) -> ChildProcess | None:
        """The one that runs under a name."""
        return self._running.get(name)

    def keep(self, looked_s: float) -> None:
        """One look at all of them. `looked_s` as for `Silence.is_too_long`."""
        for command in self.commands:
            child = self._running.get(command.name)
            if child is not None:
                self._listen(child, looked_s)
                code = child.code
                if code is None:
                    continue
                self._bury(child, code)
            if time.monotonic() >= self._due_s.get(command.name, 0.0):
                self._running[command.name] = ChildProcess(command)
                self._changed()

    def _listen(self, child: ChildProcess, looked_s: float) -> None:
        name, options = child.command.name, self._options
        child.listen(looked_s)
        asked_s = self._put_down_s.get(name)
        if asked_s is not None:
            if looked_s - asked_s >= options.dump_s:
                child.kill()
        elif child.silence.is_too_long(looked_s, options.patience_s(name), options.grace_s):
            self._put_down_s[name] = looked_s
            silent_s = looked_s - child.silence.since_s
            self._say(f"{name} was silent for {silent_s:.1f} s; dumping its tracebacks and killing it")
            child.dump()

    def _bury(self, child: ChildProcess, code: int) -> None:
        name, now = child.command.name, time.monotonic()
        child.close()
        del self._running[name]
        self._put_down_s.pop(name, None)
        settled_s = BREEDER_SETTLED_S if name == "breeder" else SETTLED_S
        n = 1 if now - child.began_s > settled_s else self._n_deaths.get(name, 0) + (code != FULL)
        self._n_deaths[name] = n
        self._due_s[name] = now + service_wait_s(name, n)
        self._say(f"{name} ended with {status_text(code)}; the organism goes on, {name} is started again")
        if n == OFTEN and code != FULL:
            self._word(
                f"The {name} ends again and again",
                f"It ended {n} times in a row, last with {status_text(code)}, and is started again each time. "
                "Everything else goes on. See the log folder.",
            )
