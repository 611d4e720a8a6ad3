"""SIGKILL: at random moments, at named points, while recovering, while stopping; whoever it is."""

import random
import re
import signal
import time

from organism.body.crashpoints import POINTS
from organism.chaos.campaign import Campaign, Tally
from organism.chaos.habitat import Habitat, until
from organism.processes import lives

NTH = {"on_fill": 12, "after_commit": 200, "during_recovery": 1}
"""How often a named point is passed before it strikes; enough that the body trades in between."""
OFTEN = 15
START_S = 1.2  # about how long a body needs to come up: a second kill falls anywhere into that
STOP_S = 0.4  # about how long an orderly stop takes
SENDER = 'voice.channels=[{url = "env:CHAOS_CHANNEL", tags = ["all"]}]'
"""A channel that nobody listens to: enough for a sender to be started, and to have something to try again."""


def campaigns(n: int) -> list[Campaign]:
    """About `n` SIGKILLs, shared out: most to the body."""

    def share(part: float, least: int = 1) -> int:
        return max(least, round(n * part))

    each = share(0.30 / len(POINTS))
    return [
        Campaign("A10", "the body, at random", kill_body, share(0.38)),
        *(
            Campaign(
                "A10", f"the body at {point}", strike_at(point), each, armed=f"{point}:{NTH.get(point, OFTEN)}"
            )
            for point in POINTS
        ),
        Campaign("A10", "everybody at once", kill_everybody, share(0.08)),
        Campaign("A10", "the venue's process", kill_venue, share(0.06)),
        Campaign("A10", "sender and page in turn", kill_services, share(0.02, 2), (SENDER,), dashboard=True),
        Campaign("A11", "the body, again while it recovers", kill_twice, share(0.08)),
        Campaign("A11", "the body during an orderly stop", kill_while_stopping, share(0.04)),
        Campaign("A14", "the guardian", kill_guardian, share(0.04)),
    ]  # fmt: skip


def kill_body(home: Habitat, chance: random.Random, tally: Tally) -> None:
    """SIGKILL after some orders; noticed when the guardian has started another."""
    home.trades(chance.randint(1, 25))
    time.sleep(chance.random() * 0.05)
    pid = home.send("body", signal.SIGKILL)
    began, last = time.monotonic(), home.last
    tally.seen += 1
    tally.detection_s.append(until(lambda: home.replaced("body", pid), "the guardian's notice"))
    tally.back(*home.returns(last, began))


def strike_at(point: str) -> "Struck":
    """A strike that waits until the body has died at a named point once more."""
    return Struck(point)


class Struck:
    """Waits for the next death at a point: the body kills itself there, again and again."""

    def __init__(self, point: str) -> None:
        self._point = point

    def __call__(self, home: Habitat, _chance: random.Random, tally: Tally) -> None:
        """Wait for it."""
        n = tally.seen
        until(lambda: self._n(home) > n, f"the death at {self._point}")
        tally.seen += 1

    def _n(self, home: Habitat) -> int:
        return len(re.findall(rf"drill: killed at {self._point}\b", home.said))


def kill_everybody(home: Habitat, chance: random.Random, tally: Tally) -> None:
    """Guardian, body and venue at once, as when the machine goes; then started again by hand."""
    home.trades(chance.randint(1, 10))
    home.kill_all()
    began, last = time.monotonic(), home.last
    tally.seen += 1
    home.start()
    tally.back(*home.returns(last, began))


def kill_venue(home: Habitat, chance: random.Random, tally: Tally) -> None:
    """The venue's process: the body goes on, what it had asked is not known, and is asked again."""
    home.trades(chance.randint(1, 10))
    pid = home.send("venue", signal.SIGKILL)
    began, body = time.monotonic(), home.pid("body")
    tally.seen += 1
    tally.detection_s.append(until(lambda: home.replaced("venue", pid), "the guardian's notice"))
    home.trades()
    tally.recovery_s.append(time.monotonic() - began)
    if home.pid("body") != body:
        tally.wrong.append("the body fell with the venue")


def kill_services(home: Habitat, _chance: random.Random, tally: Tally) -> None:
    """Sender and page in turn: the body must not notice."""
    name = ("sender", "dashboard")[tally.tried % 2]
    body, pid = home.pid("body"), home.send(name, signal.SIGKILL)
    tally.seen += 1
    tally.detection_s.append(until(lambda: home.replaced(name, pid), f"another {name}", 40.0))
    home.trades()
    if home.pid("body") != body:
        tally.wrong.append(f"the body fell with the {name}")


def kill_twice(home: Habitat, chance: random.Random, tally: Tally) -> None:
    """Again at any moment of the next one's start."""
    home.trades(chance.randint(1, 10))
    pid = home.send("body", signal.SIGKILL)
    until(lambda: home.replaced("body", pid), "the guardian's notice")
    time.sleep(chance.random() * START_S)
    second = home.send("body", signal.SIGKILL)
    began, last = time.monotonic(), home.last
    tally.seen += 1
    tally.detection_s.append(until(lambda: home.replaced("body", second), "the guardian's notice"))
    tally.back(*home.returns(last, began))


def kill_while_stopping(home: Habitat, chance: random.Random, tally: Tally) -> None:
    """SIGTERM to the guardian, SIGKILL to the body a moment later; then started again."""
    home.trades(chance.randint(1, 10))
    pid = home.pid("body")
    if home.guardian is not None:
        home.guardian.send_signal(signal.SIGTERM)
    time.sleep(chance.random() * STOP_S)
    if lives(pid):  # otherwise it was quicker than we
        home.send("body", signal.SIGKILL)
        tally.seen += 1
    began = time.monotonic()
    tally.detection_s.append(
        until(lambda: home.guardian is None or home.guardian.poll() is not None, "the end")
    )
    last = home.last
    home.start()
    tally.back(*home.returns(last, began))


def kill_guardian(home: Habitat, chance: random.Random, tally: Tally) -> None:
    """The children notice that their pipe closed, and end by themselves; then started again."""
    home.trades(chance.randint(1, 10))
    children = [pid for name, pid in home.pids().items() if name != "guardian"]
    home.kill_guardian()
    began = time.monotonic()
    tally.seen += 1
    tally.detection_s.append(until(lambda: not any(map(lives, children)), "the end of its children"))
    last = home.last
    home.start()
    tally.back(*home.returns(last, began))
