"""One health score, 0 to 100, from one table.

Health is 100 minus what each measure costs. A measure costs nothing up to `good`, all of `cost` from `bad` on,
and proportionally between. What is not known (missing, NaN, impossible) costs as much as the worst: unknown is
never good. A part's weight is the most it can cost; costs add up to more than 100 because one organ that does
not answer, or one holding nobody can explain, must be enough to start recovery by itself.

From 85 on the body is green, below 70 a person is told, below 60 recovery begins, below 50 it hibernates.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from organism.messages import HealthPart, VitalsTaken
from organism.vitals.machine import Machine

GREEN, ALERT, RECOVERY, HIBERNATION = 85.0, 70.0, 60.0, 50.0


@dataclass(frozen=True, kw_only=True)
class OrganSign:
    """One organ: monotonic seconds since it showed life, and the age of the oldest message it has not read."""

    name: str
    beat_age_s: float | None
    oldest_s: float | None = 0.0


@dataclass(frozen=True, kw_only=True)
class FeedSign:
    """One feed: monotonic seconds of silence, and the silence from which it counts as stalled."""

    name: str
    silent_s: float | None
    stall_s: float


@dataclass(frozen=True, kw_only=True)
class VitalInputs:
    """Everything the score looks at. None means not known, which counts as the worst.

    A body that has not finished starting knows little: score it from when `unknown` names nothing but the
    slope of memory. Before anything was ever traded drawdown and losses are known: they are 0.

    n_restarts             of organs, in the last ten minutes
    drawdown_share         drawdown / the drawdown that halts
    losses_share           consecutive losses / the number at which losing positions are closed
    n_unexplained          instruments whose quantity at the venue nobody can explain
    n_unknown              orders whose fate is not proven
    n_broken               invariants found broken since a person resumed last
    reconciled_age_s       since our fills were last compared with the venue's account
    venue_silent_s         age of the oldest question the venue has not answered, 0 when there is none
    journal_lag_s          age of the oldest recorded step that is not durable, 0 when there is none
    """

    organs: tuple[OrganSign, ...]
    feeds: tuple[FeedSign, ...]
    n_restarts: int | None = None
    drawdown_share: float | None = None
    losses_share: float | None = None
    n_unexplained: int | None = None
    n_unknown: int | None = None
    n_broken: int | None = None
    reconciled_age_s: float | None = None
    venue_silent_s: float | None = None
    journal_lag_s: float | None = None
    machine: Machine = field(default_factory=Machine)


Read = Callable[[VitalInputs], float | None]


@dataclass(frozen=True)
class Measure:
    """One line of the table. Values from `good` to `bad` cost from nothing to `cost` points."""

    part: str
    name: str
    good: float
    bad: float
    cost: float
    unit: str
    read: Read


def _worst(values: list[float | None]) -> float | None:
    """The largest; None when any is unknown, or when there is none at all."""
    known = [v for v in values if v is not None and v >= 0.0]
    return max(known) if known and len(known) == len(values) else None


def _beat(i: VitalInputs) -> float | None:
    return _worst([o.beat_age_s for o in i.organs])


def _oldest(i: VitalInputs) -> float | None:
    return _worst([o.oldest_s for o in i.organs])


def _silence(i: VitalInputs) -> float | None:
    return _worst([
        f.silent_s / f.stall_s if f.silent_s is not None and f.stall_s > 0.0 else None for f in i.feeds
    ])  # fmt: skip


# part, measure, good, bad, cost: costs from 41 on start recovery alone, 31 to 40 tell a person, less is a hint.
MEASURES = (
    Measure("organs", "beats", 1.0, 5.0, 45.0, "s since the quietest organ showed life", _beat),
    Measure("organs", "restarts", 0.0, 6.0, 32.0, "restarts in 10 min", lambda i: i.n_restarts),
    Measure("organs", "mailboxes", 1.0, 30.0, 32.0, "s since the oldest message came", _oldest),
    Measure("feeds", "freshness", 1.0, 2.0, 45.0, "of the silence tolerated", _silence),
    Measure("risk", "drawdown", 0.3, 1.0, 35.0, "of the drawdown that halts", lambda i: i.drawdown_share),
    Measure("risk", "losses", 0.4, 1.0, 10.0, "of the losing streak tolerated", lambda i: i.losses_share),
    Measure("truth", "quantity", 0.0, 1.0, 45.0, "instruments unexplained", lambda i: i.n_unexplained),
    Measure("truth", "invariants", 0.0, 1.0, 45.0, "invariants broken", lambda i: i.n_broken),
    Measure("truth", "orders", 0.0, 3.0, 35.0, "orders unproven", lambda i: i.n_unknown),
    Measure("truth", "reconciled", 90.0, 300.0, 41.0, "s since reconciled", lambda i: i.reconciled_age_s),
    Measure("truth", "venue", 2.0, 10.0, 41.0, "s without the venue's answer", lambda i: i.venue_silent_s),
    Measure("truth", "journal", 0.5, 5.0, 45.0, "s not yet on disk", lambda i: i.journal_lag_s),
    Measure("machine", "cpu", 0.7, 1.5, 10.0, "cores used", lambda i: i.machine.cpu),
    Measure("machine", "memory", 350.0, 1000.0, 41.0, "MB", lambda i: i.machine.memory_mb),
    Measure("machine", "slope", 2.0, 20.0, 10.0, "MB/min growth", lambda i: i.machine.memory_slope_mb_min),
    Measure("machine", "threads", 100.0, 400.0, 10.0, "threads", lambda i: i.machine.threads),
    Measure("machine", "handles", 0.5, 0.95, 32.0, "of the files allowed", lambda i: i.machine.descriptor_share),
    Measure("machine", "disk", 1000.0, 100.0, 41.0, "MB free", lambda i: i.machine.disk_free_mb),
    Measure("machine", "clock", 0.5, 60.0, 32.0, "s the clock jumped", lambda i: i.machine.clock_jump_s),
)  # fmt: skip
PARTS = tuple(dict.fromkeys(m.part for m in MEASURES))
_MAY_BE_NEGATIVE = "slope"  # memory that shrinks is no defect; a negative age is no knowledge


def badness(measure: Measure, inputs: VitalInputs) -> float:
    """From 0 (good) to 1 (the worst, or not known)."""
    value = measure.read(inputs)
    if value is None or not math.isfinite(value):
        return 1.0
    if value < 0.0 and measure.name != _MAY_BE_NEGATIVE:
        return 1.0
    return min(1.0, max(0.0, (value - measure.good) / (measure.bad - measure.good)))


def health(inputs: VitalInputs) -> VitalsTaken:
    """Score a body. Pure; any defect more never raises it."""
    parts = tuple(_part(name, inputs) for name in PARTS)
    lost = sum(part.weight - part.points for part in parts)
    return VitalsTaken(health=round(max(0.0, 100.0 - lost), 1), parts=parts)


def unknown(inputs: VitalInputs) -> tuple[str, ...]:
    """Names of the measures that are not known.

    >>> "beats" in unknown(VitalInputs(organs=(), feeds=()))
    True
    """
    return tuple(m.name for m in MEASURES if (v := m.read(inputs)) is None or not math.isfinite(v))


def band(score: float) -> str:
    """One word for a score.

    >>> [band(s) for s in (90.0, 85.0, 84.9, 69.0, 59.0, 49.0, float("nan"))]
    ['green', 'green', 'amber', 'alert', 'recovery', 'hibernation', 'hibernation']
    """
    if score >= GREEN:
        return "green"
    if score >= ALERT:
        return "amber"
    if score >= RECOVERY:
        return "alert"
    return "recovery" if score >= HIBERNATION else "hibernation"


def _part(name: str, inputs: VitalInputs) -> HealthPart:
    weight = cost = 0.0
    found: list[tuple[float, str]] = []
    for measure in MEASURES:
        if measure.part != name:
            continue
        lost = measure.cost * badness(measure, inputs)
        weight += measure.cost
        cost += lost
        if lost > 0.0:
            found.append((lost, f"{_told(measure, inputs)} (−{lost:.0f})"))
    found.sort(key=lambda item: -item[0])
    return HealthPart(
        name=name, points=weight - cost, weight=weight, detail="; ".join(text for _, text in found)
    )


def _told(measure: Measure, inputs: VitalInputs) -> str:
    value = measure.read(inputs)
    if value is None or not math.isfinite(value):
        return f"{measure.name}: not known"
    return f"{measure.name}: {value:.3g} {measure.unit}"
