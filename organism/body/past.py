"""Settings of earlier runs, kept by their hash: a row is folded with the settings it was decided with."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from organism.body.anatomy import instruments_of, organ_cores
from organism.core import OrganCore
from organism.invariants import Bounds, Rules
from organism.journal.rows import Run
from organism.kept import kept
from organism.settings import Settings


def rules_of(settings: Settings) -> Rules:
    """What the invariants must be told of these settings."""
    most = 2 * settings.supervision.mailbox  # a mailbox takes what is under way when the feed is told to wait
    return Rules(
        instruments={i.symbol: i for i in instruments_of(settings)},
        risk=settings.risk,
        starting_cash=Decimal(repr(settings.paper.starting_cash)),
        bounds=Bounds(inbox_depth=most),
    )


def rules_in(state: Path) -> Callable[[Run], Rules | None]:
    """What each run on a state folder was set up with; None where its settings were not kept."""

    def of(run: Run) -> Rules | None:
        settings = kept(state, run.settings_hash)
        return None if settings is None else rules_of(settings)

    return of


class Past:
    """Cores of earlier runs, built once for each hash of settings."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._built: dict[str, Mapping[str, OrganCore[Any]] | None] = {}

    def cores(self, run: Run) -> Mapping[str, OrganCore[Any]] | None:
        """The organs as they were built in a run; None when its settings were not kept."""
        name = f"{run.settings_hash}|{run.namespace}"
        if name not in self._built:
            self._built[name] = self._build(run.settings_hash, run.namespace)
        return self._built[name]

    def _build(self, name: str, namespace: str) -> Mapping[str, OrganCore[Any]] | None:
        settings = kept(self._state, name)
        if settings is None:
            return None
        return organ_cores(settings, instruments_of(settings), namespace)
