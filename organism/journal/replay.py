"""The same journal through the same organs: what decides otherwise now."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from organism.core import OrganCore
from organism.journal.folding import Unfolder
from organism.journal.port import Readable
from organism.journal.recovery import CoresOf, Difference, Folded, PastCores, compare
from organism.journal.upcast import Payloads


class ReplayReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay found.

    n_steps            steps folded
    first_difference   first decision that differs from what was recorded, None when none does
    code_versions      that wrote the rows read, oldest first: another one than today's may well decide otherwise
    skipped            organs in the journal that no core was given for
    """

    n_steps: int
    first_difference: Difference | None
    code_versions: tuple[str, ...]
    skipped: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything was decided as it was."""
        return self.first_difference is None


def replay(
    journal: Readable,
    cores_factory: Callable[[], Iterable[OrganCore[Any]]],
    until_ns: int | None = None,
    *,
    payloads: Payloads | None = None,
    cores_of: CoresOf | None = None,
) -> ReplayReport:
    """Fold every row from the first one on, up to a market time; stop at the first decision that differs.

    cores_of   the cores of an earlier run, so that its rows are folded with its settings
    """
    organs = {core.name: Folded(core, None) for core in cores_factory()}
    unfolder = Unfolder(journal, payloads)
    past = PastCores(unfolder, cores_of)
    versions: dict[str, None] = {}
    skipped: dict[str, None] = {}
    n_steps = 0
    difference: Difference | None = None
    for row in journal.rows():
        if until_ns is not None and row.market_ns > until_ns:
            break
        versions[unfolder.runs[row.run].code_version] = None
        effects = unfolder.effects(row)
        envelope = unfolder.input(row)
        organ = organs.get(row.organ)
        if organ is None:
            skipped[row.organ] = None
        else:
            actual = organ.fold(row, envelope, past.of(row))
            n_steps += 1
            difference = compare(row, effects, actual, unfolder)
            if difference is not None:
                break
        unfolder.said(row, effects)
    return ReplayReport(
        n_steps=n_steps,
        first_difference=difference,
        code_versions=tuple(versions),
        skipped=tuple(skipped),
    )
