"""The whole organism in one thread, with its real organs and the paper venue in memory."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from organism.body.anatomy import instruments_of, organ_cores
from organism.effects import VenueAdvance, VenueCancel, VenueQuery, VenueReport, VenueSubmit
from organism.journal.port import Journal
from organism.lockstep import Faults, Lockstep
from organism.settings import Settings
from organism.spine import Observer
from organs.motor.paper.matching import PaperExchange
from organs.motor.paper.port import LockstepPaperPort


class Assembled(NamedTuple):
    """A lockstep organism and the venue it trades on."""

    driver: Lockstep
    exchange: PaperExchange


def assemble(
    settings: Settings,
    journal: Journal,
    *,
    faults: Faults | None = None,
    exchange: PaperExchange | None = None,
    states: Mapping[str, tuple[Any, int]] | None = None,
    observers: tuple[Observer, ...] = (),
    safe: bool = False,
) -> Assembled:
    """Put it together. An earlier `exchange` and `states` make it go on where another one ended."""
    instruments = instruments_of(settings)
    cores = organ_cores(settings, instruments, journal.namespace)
    venue = exchange or PaperExchange(settings.paper, instruments, seed=settings.seed)
    port = LockstepPaperPort(venue)
    driver = Lockstep(
        cores.values(),
        journal,
        ports=dict.fromkeys((VenueAdvance, VenueSubmit, VenueCancel, VenueQuery, VenueReport), port.perform),
        observers=observers,
        seed=settings.seed,
        faults=faults,
        states=states,
        safe=safe,
        before_start=port.bind,
    )
    return Assembled(driver, venue)
