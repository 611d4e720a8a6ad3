"""A habitat of obedient fakes: its processes are real, do nothing but sleep, and are replaced when a test says so."""

import signal
import subprocess
from contextlib import contextmanager

from organism.chaos.habitat import Last, NotBack
from organism.errors import BadInput
from organism.processes import lives


class Sleeper:
    """A process that does nothing, and dies of signals as every process does."""

    def __init__(self):
        self.process = subprocess.Popen(["sleep", "600"])

    @property
    def pid(self):
        return self.process.pid

    def end(self):
        self.process.kill()
        self.process.wait()


class Ended:
    """A process that has ended, as `Popen` shows it."""

    def __init__(self, code):
        self.returncode = code

    def poll(self):
        return self.returncode

    def wait(self, _limit_s=None):
        return self.returncode

    def kill(self):
        raise AssertionError("it has ended")


class Home:
    """Behaves as a healthy organism would. A test breaks one promise by setting one field.

    falls        role → roles that fall when it is struck
    replaces     whether the guardian starts another for one that died
    stop_code, stop_s, leaves   how it stops
    second_code, second_runs    what a second organism on the folder ends with, and how often it begins a run
    """

    def __init__(self, state, *settings, **options):
        self.state, self.settings, self.options = state, settings, options
        self.log = state.with_suffix(".log")
        self.chosen = []
        self.run, self.said, self.guardian = 1, "", None
        self.last = Last(1, 1)
        self.processes = {}
        self.did = []
        self.falls = {}
        self.replaces = True
        self.stop_code, self.stop_s, self.leaves = 0, 0.1, False
        self.second_code, self.second_runs = BadInput.exit_code, 0
        self.on_trades = []  # called in turn, each at one wait for orders

    def start(self, crash=""):
        self.did.append(f"start {crash}".strip())
        for name in ("guardian", "body", "venue", "sender", "dashboard"):
            self.another_one(name)

    def another_one(self, name):
        before = self.processes.get(name)
        if before is not None:
            before.end()
        self.processes[name] = Sleeper()
        if name == "body":
            self.run += 1

    def another(self, _crash=""):
        self.run += self.second_runs
        return Ended(self.second_code)

    def send(self, name, number):
        struck = self.processes[name]
        struck.process.send_signal(number)
        if number is signal.SIGKILL:
            struck.process.wait()
        for other in (
            (name, *self.falls.get(name, ())) if number is not signal.SIGSTOP else self.falls.get(name, ())
        ):
            if self.replaces:
                self.another_one(other)
        return struck.pid

    def trades(self, n_more=1, *, after_run=0, limit_s=0.0):
        self.did.append("trades")
        if self.on_trades:
            self.on_trades.pop(0)()
        if self.run <= after_run:
            raise NotBack(f"another body than {after_run} did not come true")
        return 0.0

    def returns(self, _last, _began_s):
        self.trades()
        return 0.2, 0.3

    def stop(self, *_numbers):
        self.did.append("stop")
        if not self.leaves:
            self.end()
        return self.stop_code, self.stop_s

    def kill_all(self):
        self.did.append("kill all")
        self.end()

    def kill_guardian(self):
        self.end()

    def end(self):
        for one in self.processes.values():
            one.end()

    def pids(self):
        return {name: one.pid for name, one in self.processes.items()}

    def pid(self, name):
        return self.pids()[name]

    def replaced(self, name, pid):
        if not self.replaces:
            raise NotBack(f"another {name} did not come true")
        return self.pid(name) != pid and lives(self.pid(name))


@contextmanager
def inhabited(folder, *settings, change=lambda _: None, **options):
    """As `organism.chaos.habitat.habitat`; `change` breaks a promise of the one who lives there."""
    home = Home(folder / "state", *settings, **options)
    change(home)
    try:
        yield home
    finally:
        home.end()
