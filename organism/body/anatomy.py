"""Which organs a body has, and what each is given."""

from decimal import Decimal
from typing import Any

from organism.core import OrganCore
from organism.market import Instrument, VenueCapabilities
from organism.settings import PaperSettings, Settings
from organs.brain.core import brain_core
from organs.immune.core import immune_core
from organs.metabolism.core import metabolism_core
from organs.motor.core import motor_core
from organs.nervous import laked
from organs.nervous.bundled import watched_instruments
from organs.nervous.core import nervous_core
from organs.reproduction.core import reproduction_core
from organs.voice.core import voice_core

ORGANS = ("metabolism", "immune", "motor", "nervous", "brain", "reproduction", "voice")


def paper_capabilities(paper: PaperSettings) -> VenueCapabilities:
    """What the paper venue can do: it answers within half a second or not at all, and shares our clock."""
    return VenueCapabilities(
        name="paper",
        validity_window_s=0.5,
        engine_timeout_s=0.5,
        clock_skew_s=0.0,
        can_short=paper.can_short,
    )


def instruments_of(settings: Settings) -> tuple[Instrument, ...]:
    """The instruments that the settings watch."""
    if settings.market.lake:
        return laked.instruments(settings.market, settings.paper)
    return watched_instruments(settings.market.symbols, settings.paper)


def organ_cores(
    settings: Settings, instruments: tuple[Instrument, ...], namespace: str
) -> dict[str, OrganCore[Any]]:
    """Every organ's core, by name, in the order of starting. `namespace` makes client order ids unique."""
    cores: tuple[OrganCore[Any], ...] = (
        metabolism_core(
            settings.sizing,
            settings.risk,
            instruments,
            Decimal(repr(settings.paper.starting_cash)),
            settings.market.bar_s,
        ),
        immune_core(settings.risk, instruments, settings.mode),
        motor_core(paper_capabilities(settings.paper), instruments, namespace),
        nervous_core(settings.market, instruments),
        brain_core(
            settings.brain,
            instruments,
            bar_s=settings.market.bar_s,
            spread_bps=settings.paper.spread_bps,
            slippage_bps=settings.paper.slippage_bps,
        ),
        reproduction_core(),
        voice_core(settings.voice),
    )
    return {core.name: core for core in cores}
