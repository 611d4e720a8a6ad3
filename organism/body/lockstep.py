"""The whole organism in one thread, with its real organs and the paper venue in memory."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from organism.body.anatomy import instruments_of, organ_cores
from organism.effects import Effect, VenueAdvance, VenueCancel, VenueQuery, VenueReport, VenueSubmit
from organism.invariants import Departure, Judge, Probe
from organism.journal.port import Journal
from organism.lockstep import Faults, Lockstep
from organism.settings import Settings
from organism.spine import Observer, Origin, Port
from organs.motor.paper.matching import PaperExchange
from organs.motor.paper.port import LockstepPaperPort


class Assembled(NamedTuple):
    """A lockstep organism, the venue it trades on, and who judges it: after each step, without being asked."""

    driver: Lockstep
    exchange: PaperExchange
    judge: Judge | None = None

    def look(self) -> None:
        """Measure what a simulation can measure: how full the fullest mailbox is."""
        if self.judge is not None:
            deepest = max(len(living.lanes) for living in self.driver.organs.values())
            self.judge.look(Probe(inbox_depth=deepest))


def assemble(
    settings: Settings,
    journal: Journal,
    *,
    faults: Faults | None = None,
    exchange: PaperExchange | None = None,
    states: Mapping[str, tuple[Any, int]] | None = None,
    observers: tuple[Observer, ...] = (),
    safe: bool = False,
    judge: Judge | None = None,
) -> Assembled:
    """Put it together. An earlier `exchange` and `states` make it go on where another one ended.

    judge   sees every step as it is recorded, and every request as it leaves
    """
    instruments = instruments_of(settings)
    cores = organ_cores(settings, instruments, journal.namespace)
    venue = exchange or PaperExchange(settings.paper, instruments, seed=settings.seed)
    port = LockstepPaperPort(venue)
    driver = Lockstep(
        cores.values(),
        journal,
        ports=dict.fromkeys(
            (VenueAdvance, VenueSubmit, VenueCancel, VenueQuery, VenueReport),
            port.perform if judge is None else watched(port.perform, judge, journal),
        ),
        observers=observers if judge is None else (*observers, judge.observe),
        seed=settings.seed,
        faults=faults,
        states=states,
        safe=safe,
        before_start=port.bind,
    )
    return Assembled(driver, venue, judge)


def watched(perform: Port, judge: Judge, journal: Journal) -> Port:
    """The same port, judged: what leaves must be durable by then (I1)."""

    def depart(effect: Effect, origin: Origin) -> None:
        if type(effect) is VenueSubmit:
            judge.departed(Departure(origin.seq, effect.client_order_id, journal.durable_seq))
        perform(effect, origin)

    return depart
