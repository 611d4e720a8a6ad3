"""Inside one living body: how long a bar takes to become an order, and how long the hurt take to heal."""

import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from organism.body.live import Body
from organism.cli.benches import spread
from organism.config import load
from organism.core import Now
from organism.effects import Effects
from organism.messages import BarsArrived, Envelope, Message, Recovered, SubmitAnswered
from organism.spine import Origin

HANG_LIMIT_S = 0.5
ORGANS = ("metabolism", "immune", "motor", "nervous", "brain", "voice")
BUSY = {  # a market in a hurry, and a brain that trades on little: many orders, many messages
    "market.speed": "6000",
    "brain.no_trade_band": "0.02",
    "brain.cost_multiple": "0.05",
    "brain.min_forecast": "0.02",
    "sizing.rebalance_band": "0.002",
    "risk.max_orders_per_minute": "100000",
    "supervision.child_restarts": "1000",
    "supervision.tree_restarts": "1000",
    "supervision.max_retired": "50",
    "supervision.hang_s": f"{{default = {HANG_LIMIT_S}, motor = {HANG_LIMIT_S}}}",
}


class Drill(Exception):
    """What a drill raises inside an organ."""


class Lab:
    """A body in this process, watched and hurt. Times in monotonic seconds. more: settings besides `BUSY`."""

    def __init__(self, folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> None:
        self.latencies: list[float] = []
        self._arrived_s = 0.0
        self._hurt: tuple[str, bool] | None = None
        self._hurt_s = 0.0
        self._victim: str | None = None
        self._old = 0
        self._served = threading.Event()
        self._served_s = 0.0
        self._let_go = threading.Event()
        self.stopping = threading.Event()
        self.body = Body(
            load(None, {}, {**BUSY, **more}, state=folder), folder, safe=False, heart=lambda: None,
            before_step=self._before_step, has_to_stop=self.stopping.is_set,
        )  # fmt: skip
        self._time_orders()
        self._thread = threading.Thread(target=self.body.run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go.set()
        self.stopping.set()
        self._thread.join(20.0)

    # ------------------------------------------------------------ bar → order

    def _time_orders(self) -> None:
        arrived, replied = self.body._bars_arrived, self.body._venue_replied  # noqa: SLF001 - a bench may look

        def note_arrival(instant: BarsArrived) -> None:
            self._arrived_s = time.perf_counter()
            arrived(instant)

        def note_reply(message: Message, origin: Origin) -> None:
            # The venue has committed the order to its own book before it answers.
            if type(message) is SubmitAnswered:
                self.latencies.append((time.perf_counter() - self._arrived_s) * 1e3)
            replied(message, origin)

        self.body._bars_arrived = note_arrival  # type: ignore[method-assign]  # noqa: SLF001
        self.body.venue._reply = note_reply  # noqa: SLF001

    # ------------------------------------------------------------ hurt → serving

    def hurt(self, organ: str, *, hang: bool) -> float | None:
        """Crash or hang one organ at its next message; seconds until its successor has taken a step."""
        self._served.clear()
        self._let_go.clear()
        for post in self.body.supervisor.posts.values():
            post.history = ()  # each counts as a first failure: later ones wait for a back-off, by design
        self._old = self.body.supervisor.posts[organ].incarnation
        self._hurt = (organ, hang)
        ok = self._served.wait(15.0)
        self._let_go.set()
        return self._served_s - self._hurt_s if ok else None

    def _before_step(self, organ: str, envelope: Envelope) -> None:
        if self._hurt is not None and self._hurt[0] == organ and type(envelope.message) is not Recovered:
            _, hang = self._hurt
            self._hurt, self._victim = None, organ
            self._hurt_s = time.perf_counter()
            if hang:
                self._let_go.wait(20.0)
            else:
                raise Drill(organ)

    def observe(self, _seq: int, organ: str, _envelope: Envelope, _effects: Effects, _now: Now) -> None:
        """See the successor's first step."""
        if organ == self._victim and self.body.supervisor.posts[organ].incarnation > self._old:
            self._victim = None
            self._served_s = time.perf_counter()
            self._served.set()


def bench(*, quick: bool) -> dict[str, Any]:
    """Latency of orders, then crashes and hangs of every organ in turn, while the body trades."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        lab.body.spine._observers += (lab.observe,)  # noqa: SLF001
        with lab:
            _gather_orders(lab, 60 if quick else 300)
            # An order of an instant whose organs are hurt waits for them, up to three limits of a hang in a row.
            latencies = tuple(lab.latencies)
            crashes = _hurt_all(lab, 2 if quick else 20, hang=False)
            hangs = _hurt_all(lab, 1 if quick else 4, hang=True)
    return {
        "bar_to_order_ms": spread(latencies) | {"target": "p99 < 50 ms, durable at the venue"},
        "crash_to_serving_ms": spread([s * 1e3 for s in crashes]) | {"target": "p99 < 50 ms"},
        "hang_beyond_limit_ms": spread([(s - HANG_LIMIT_S) * 1e3 for s in hangs])
        | {"limit_s": HANG_LIMIT_S, "target": "< 100 ms"},
    }


def _gather_orders(lab: Lab, n: int) -> None:
    until = time.monotonic() + 90.0
    while len(lab.latencies) < n and time.monotonic() < until:
        time.sleep(0.2)


def _hurt_all(lab: Lab, times: int, *, hang: bool) -> list[float]:
    found = (lab.hurt(organ, hang=hang) for _ in range(times) for organ in ORGANS)
    return [seconds for seconds in found if seconds is not None]
