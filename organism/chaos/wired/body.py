"""A real organism whose venue is behind a bad line: its processes as they are, and only the socket's path is another's.

The venue serves under its own name until it is asked to step behind: its socket is renamed, which no connection
notices, and the proxy listens where it was. The body is then killed once, so that the next one meets the proxy.
"""

import contextlib
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from organism.chaos.habitat import TAIL, Habitat, NotBack, habitat, until
from organism.chaos.outcome import Losses, Outcome
from organism.chaos.proxy import Proxy
from organism.chaos.strikes import (
    Armed,
    Delay,
    Drip,
    Drop,
    Duplicate,
    Freeze,
    HalfOpen,
    Reset,
    Rewrite,
    Strike,
    Truncate,
    Way,
    lengths,
)
from organism.chaos.verdict import judged
from organism.chaos.wired.line import HTML, accepted, answers, asks, content, instead, nameless, raw, unsure
from organism.effects import Publish, VenueAdvance, VenueQuery, VenueReport, VenueSubmit
from organism.journal.reader import read_rows
from organism.journal.rows import decode_effects
from organism.messages import OrderUpdated, QueryAnswered, ReportAnswered, SubmitAnswered, VenueAdvanced
from organism.trading import OrderStatus
from organs.motor.paper.wire import SOCKET

BEHIND = "venue_behind.sock"
SEEN_S = 20.0  # longest wait for a strike to happen
NOTICED_S = 12.0  # promised: so long until a peer that says nothing is given up
DOUBT_NS = 5 * 10**9  # a doubt that begins so long after a strike is its doing
OUTAGE_S = 3.0  # of a peer that is frozen, half-open, or silent
MOST_CONNECTIONS_S = 20.0  # of a body whose venue is gone; more is a storm
_CLIENT_S = 2.0  # the client's own deadline for one request
_TAKEN = answers(SubmitAnswered, where=accepted)
_SENT = asks(VenueSubmit)
_ALL = (VenueAdvance, VenueSubmit, VenueQuery, VenueReport)

STRIKES = (
    Strike("C1", Way.DOWN, Reset(), _TAKEN),
    Strike("C1", Way.DOWN, Truncate(5), _TAKEN),
    Strike("C4", Way.DOWN, Rewrite(unsure("HTTP 503: unknown")), _TAKEN),
    Strike("C5", Way.DOWN, Rewrite(raw(HTML)), _TAKEN),
    Strike("C6", Way.DOWN, Rewrite(content(b"")), _TAKEN),
    Strike("C6", Way.DOWN, Rewrite(content(HTML)), _TAKEN),
    Strike("C6", Way.DOWN, Rewrite(instead(nameless)), _TAKEN),
    Strike("C15", Way.UP, Duplicate(), _SENT),
    Strike("C12", Way.DOWN, Reset(), answers(QueryAnswered, ReportAnswered)),
    Strike("C3", Way.UP, Reset(), _SENT),
    Strike("C3", Way.UP, Truncate(9), _SENT),
    Strike("C1", Way.DOWN, Drop(), _TAKEN),
    Strike("C2", Way.UP, Delay(_CLIENT_S + 0.3), _SENT),
    Strike("C7", Way.DOWN, Drip(0.1), _TAKEN),
    Strike("C1", Way.DOWN, HalfOpen(), _TAKEN),
)
"""Those that cost a body nothing come first, then those that cost it one deadline each."""


@dataclass(slots=True)
class _Struck:
    """A strike at a wall-clock instant, and when the line was good again and an order reached the venue; 0 for never.

    noticed_ns   when the client gave the connection up and made another, where that was watched
    """

    fault: str
    began_ns: int = 0
    healed_ns: int = 0
    noticed_ns: int = 0
    trading_ns: int = 0
    broken: list[str] = field(default_factory=list)


@dataclass(slots=True)
class WiredBody:
    """The organism behind its line."""

    folder: Path
    seed: int = 1
    armed: Armed = field(default_factory=Armed)
    struck: list[_Struck] = field(default_factory=list)
    house: Habitat = field(init=False)
    proxy: Proxy = field(init=False)
    _began_ns: dict[str, int] = field(default_factory=dict)

    def decide(self, way: Way, message: bytes) -> Strike | None:
        """Strike what is armed, and remember when."""
        strike = self.armed(way, message)
        if strike is not None:
            self._began_ns.setdefault(strike.name, time.time_ns())
        return strike

    @contextlib.contextmanager
    def living(self) -> Iterator[None]:
        """From awake behind the proxy to stopped in order."""
        with habitat(self.folder, seed=self.seed) as self.house:
            self.house.start()
            self.house.trades()
            state = self.house.state
            (state / SOCKET).rename(state / BEHIND)
            with Proxy(state / SOCKET, state / BEHIND, decide=self.decide, framing=lengths) as self.proxy:
                run = self.house.run
                self.house.send("body", signal.SIGKILL)
                self.house.trades(after_run=run)
                yield
                self.armed.disarm()
                self.proxy.thaw()
                self.house.trades(20)
                code, _ = self.house.stop()
                if code:
                    raise NotBack(f"the organism ended with status {code}: {self.house.said[-TAIL:]}")

    # -------------------------------------------------------------- faults

    def strike(self, strike: Strike) -> None:
        """Strike once, and wait until an order reaches the venue again."""
        one = self._begun(strike.name, strike.name)
        self.armed.arm(strike)
        if self.proxy.wait_seen(strike.name, self.proxy.seen[strike.name] + 1, SEEN_S):
            one.began_ns = one.healed_ns = self._began_ns.get(strike.name, 0)
        self.armed.disarm(strike.name)
        self._trades_again(one)

    def outage(self, fault: str, strike: Strike, span_s: float = OUTAGE_S) -> None:
        """Strike everything for a while: noticed in time, no storm of connections, no orders on what is not heard."""
        one = self._begun(fault, strike.name)
        self.armed.arm(strike, times=None)
        if self.proxy.wait_seen(strike.name, self.proxy.seen[strike.name] + 1, SEEN_S):
            one.began_ns = self._began_ns.get(strike.name, 0)
        self._endured(one, span_s)
        self.armed.disarm(strike.name)
        self.proxy.thaw()
        self._trades_again(one)

    def refuses(self, fault: str, span_s: float = OUTAGE_S) -> None:
        """Nobody is at the other end: the connection is cut, and every other one refused for a while."""
        one = self._begun(fault, "cut")
        before = self.proxy.seen["down"]
        self.proxy.down()
        self.armed.arm(Strike("cut", Way.UP, Reset(), asks(*_ALL)))
        if self.proxy.wait_seen("down", before + 1, SEEN_S):
            one.began_ns = self._began_ns.get("cut", 0)
        self._endured(one, span_s)
        self.proxy.down(is_down=False)
        self._trades_again(one)

    def _begun(self, fault: str, name: str) -> _Struck:
        self._began_ns.pop(name, None)
        self.struck.append(_Struck(fault))
        return self.struck[-1]

    def _endured(self, one: _Struck, span_s: float) -> None:
        """What is promised while it lasts."""
        orders, connections = self.house.n_orders, self.proxy.n_accepted
        began = time.monotonic()
        with contextlib.suppress(NotBack):
            until(lambda: self.proxy.n_accepted > connections, "another connection", NOTICED_S)
            one.noticed_ns = time.time_ns()
        time.sleep(max(0.0, span_s - (time.monotonic() - began)))
        lasted_s = time.monotonic() - began
        rate = (self.proxy.n_accepted - connections) / lasted_s
        if not one.noticed_ns:
            one.broken.append(f"{one.fault}: not noticed within {NOTICED_S:g} s")
        if rate > MOST_CONNECTIONS_S:
            one.broken.append(f"{one.fault}: {rate:.0f} connections a second to a venue that is gone")
        if self.house.n_orders > orders + 1:  # one may have been on its way
            one.broken.append(f"{one.fault}: {self.house.n_orders - orders} orders while nothing was heard")
        one.healed_ns = time.time_ns()

    def _trades_again(self, one: _Struck) -> None:
        try:
            self.house.trades()
            one.trading_ns = time.time_ns()
        except NotBack as error:
            one.broken.append(f"{one.fault}: {error}")

    # -------------------------------------------------------------- verdict

    def outcomes(self) -> list[Outcome]:
        """A row for every strike. What the judge found stands in each: one life was judged once, at its end."""
        found, report = judged(self.house.state)
        doubts = self._doubts()
        rows = []
        for one in self.struck:
            doubt = next((d for d in doubts if 0 <= d[0] - one.began_ns < DOUBT_NS), None)
            noticed_ns, solved_ns = doubt or (one.noticed_ns, one.trading_ns)
            if one.noticed_ns:  # an outage: what one order lived through is no measure of it
                noticed_ns, solved_ns = one.noticed_ns, one.trading_ns
            seen = one.began_ns > 0
            detection = ((noticed_ns - one.began_ns) / 1e9,) if seen and noticed_ns else ()
            recovery = ((solved_ns - one.healed_ns) / 1e9,) if seen and solved_ns else ()
            losses = found + Losses(breaches=len(one.broken))
            note = "; ".join([*one.broken, *(f.text for f in report.findings[:3])])
            rows.append(
                Outcome(one.fault, "proxy", 1, int(seen), losses, detection, recovery, (self.seed,), note)
            )
        return rows

    def _doubts(self) -> list[tuple[int, int]]:
        """Wall-clock instants at which an order came into doubt, and at which the doubt was resolved."""
        open_at: dict[str, int] = {}
        found: list[tuple[int, int]] = []
        for row in read_rows(self.house.state):
            if row.organ != "motor":
                continue
            for effect in decode_effects(row.effects):
                if not isinstance(effect, Publish) or not isinstance(effect.message, OrderUpdated):
                    continue
                update = effect.message
                if update.status is OrderStatus.UNKNOWN:
                    open_at.setdefault(update.order_id, row.wall_ns)
                elif update.order_id in open_at:
                    found.append((open_at.pop(update.order_id), row.wall_ns))
        return sorted(found)


def lived(folder: Path, seed: int, strikes: tuple[Strike, ...] = STRIKES) -> list[Outcome]:
    """One life with every strike, then the outages: a frozen peer, a silent one, a half-open one, none at all."""
    folder.mkdir(parents=True, exist_ok=True)
    body = WiredBody(folder, seed)
    with body.living():
        for strike in strikes:
            body.strike(strike)
        body.outage("D2", Strike("frozen", Way.UP, Freeze(), asks(*_ALL)))
        body.outage("D1", Strike("silent", Way.DOWN, Drop(), answers(VenueAdvanced)))
        body.outage("D3", Strike("half-open", Way.UP, HalfOpen(), asks(*_ALL)))
        body.refuses("D3")
    return body.outcomes()


__all__ = ["STRIKES", "WiredBody", "lived"]
