"""A whole living body in this process, with a drill that strikes organs from within."""

import contextlib
import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from organism.body.anatomy import ORGANS
from organism.body.live import Body
from organism.config import load
from organism.messages import Envelope, FeedReported
from organism.post import State
from organism.settings import SupervisionSettings
from organism.view.reader import ViewReader
from tests.body.house import BUSY
from tests.body.waiting import until

HANG_S = 0.5
TRADING = (*BUSY, "market.speed=60000", "voice.per_minute=1000")


class Drill:
    """Strikes one organ, once, at its next step."""

    def __init__(self) -> None:
        self._armed: dict[str, Callable[[], None]] = {}
        self._n = 0
        self.struck_s: dict[str, float] = {}
        self.on_any: Callable[[str, Envelope], None] | None = None

    def __call__(self, organ: str, envelope: Envelope) -> None:
        if self.on_any is not None:
            self.on_any(organ, envelope)
        act = self._armed.pop(organ, None)
        if act is not None:
            self.struck_s[organ] = time.monotonic()
            act()

    def strike(self, alive: "Alive", organ: str, act: Callable[[], None]) -> float:
        """Strike, and give the organ something to be struck on; return when it happened."""
        self.struck_s.pop(organ, None)
        self._armed[organ] = act
        self._n += 1
        word = FeedReported(feed="drill", condition="drill")
        alive.body.directory.deliver(organ, Envelope(f"drill:{self._n}", "drill", 0, 0, "", word))
        return until(lambda: self.struck_s.get(organ), f"a step of {organ}")


class Alive:
    """A body in a thread. `error` is what ended it, if anything did."""

    def __init__(self, state: Path, drill: Drill, *settings: str, hang_s: float | None = None) -> None:
        loaded = load(None, {}, dict(text.split("=", 1) for text in (*TRADING, *settings)), state=state)
        if hang_s is not None:
            chosen = msgspec.structs.replace(loaded.settings.supervision, hang_s={"default": hang_s})
            loaded = loaded._replace(settings=msgspec.structs.replace(loaded.settings, supervision=chosen))
        state.mkdir(exist_ok=True)
        self.state = state
        self.drill = drill
        self.n_beats = 0
        self.error: BaseException | None = None
        self.halt = threading.Event()
        self.body = Body(
            loaded, state, safe=False, heart=self._beat, before_step=drill, has_to_stop=self.halt.is_set
        )
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def _beat(self) -> None:
        self.n_beats += 1

    def _run(self) -> None:
        try:
            self.body.run()
        except BaseException as error:  # noqa: BLE001 - what ended it is what a test looks at
            self.error = error

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.halt.set()
        self._thread.join(10.0)
        gc.unfreeze()
        assert not self._thread.is_alive(), "the body did not stop"

    @property
    def supervision(self) -> SupervisionSettings:
        return self.body.settings.supervision

    @property
    def view(self) -> ViewReader:
        return ViewReader(self.state / "view.db")

    def incarnations(self) -> dict[str, int]:
        return {name: self.body.supervisor.posts[name].incarnation for name in ORGANS}

    def all_run(self) -> bool:
        return all(self.body.supervisor.posts[n].state is State.RUNNING for n in ORGANS)

    @property
    def n_orders(self) -> int:
        return len(self.body.goods["motor"].state.orders)

    @property
    def market_ns(self) -> int:
        return self.body.heard.bar_at_ns

    def goes_on(self, n_bars: int = 3, deadline_s: float = 20.0) -> None:
        """Wait until everybody runs, and more bars and at least one more instant's worth of money was settled."""
        until(lambda: self.error is not None or self.all_run(), "all organs run", deadline_s)
        assert self.error is None, self.error
        before, marked = self.market_ns, self.body.heard.marked
        target = before + n_bars * 300_000_000_000
        until(lambda: self.error is not None or self.market_ns >= target, "the market goes on", deadline_s)
        until(
            lambda: self.error is not None or self.body.heard.marked is not marked, "the portfolio is marked"
        )
        assert self.error is None, self.error

    def trades(self, deadline_s: float = 30.0) -> None:
        """Wait for a new order."""
        self.goes_on()
        sent = set(self.body.goods["motor"].state.orders)
        until(
            lambda: self.error is not None or set(self.body.goods["motor"].state.orders) - sent,
            "an order",
            deadline_s,
        )
        assert self.error is None, self.error


@contextlib.contextmanager
def living(state: Path, *settings: str, hang_s: float | None = None, start: bool = True) -> Iterator[Alive]:
    """A body, from awake to stopped."""
    alive = Alive(state, Drill(), *settings, hang_s=hang_s)
    if start:
        alive.start()
    try:
        if start:
            alive.goes_on()
        yield alive
    finally:
        if start:
            alive.stop()
