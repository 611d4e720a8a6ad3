"""What the journal does not know about the running body: the supervisor measures it each second."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from organism.messages import VitalsTaken


@dataclass(frozen=True, kw_only=True)
class BodyLive:
    """The process. `*_wall_ns` wall clock, `*_ns` market time, `commit_ms` the journal's last group commit."""

    pid: int
    started_wall_ns: int
    updated_wall_ns: int
    mode: str = "paper"
    safe: bool = False
    version: str = ""
    feed: str = ""
    speed: float = 0.0
    venue: str = ""
    seed: int = 0
    session: int = 0
    market_ns: int = 0
    last_bar_ns: int = 0
    commit_ms: float = 0.0


@dataclass(frozen=True, kw_only=True)
class OrganLive:
    """One organ, as its supervisor sees it.

    oldest_s     age of the oldest message in its mailbox
    beat_age_s   since it last showed life
    busy_s       inside the message in hand, 0 when idle
    step         steps taken in its life
    conflated    messages that a newer one replaced unread
    """

    name: str
    state: str
    incarnation: int
    restarts: int = 0
    mailbox_depth: int = 0
    oldest_s: float = 0.0
    beat_age_s: float = 0.0
    busy_s: float = 0.0
    step: int = 0
    conflated: int = 0
    last_error: str = ""


@dataclass(frozen=True, kw_only=True)
class FeedLive:
    """One feed: monotonic seconds since its last bar. `state` and `detail` "" leave what the journal said."""

    name: str
    silent_s: float
    state: str = ""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class ContextLive:
    """One value of context that is polled.

    state      fresh, stale (the next one is overdue), waiting (nothing heard yet) or failing (nothing could be)
    silent_s   since the service last answered; None: never
    value      the newest that is known; None: none
    known_at   since when, ISO 8601
    detail     value and trouble, for a person
    """

    name: str
    state: str
    silent_s: float | None = None
    value: float | None = None
    known_at: str | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class LiveSample:
    """One look at the body.

    machine   {cpu, memory_mb, memory_slope_mb_min, threads, descriptors, disk_free_mb, load}
    rates     {"nervous>brain": messages a second}
    limits    the [risk] settings by name; empty leaves what is there
    vitals    the newest score; None leaves the last one the journal knows
    breeding     {phase, needed, detail, silent_s, after_s, min_bars, cpu_share}; empty leaves what is there
    invariants   {broken, newest, judged_seq, behind, …}; empty leaves what is there
    context      values that are polled; empty: none are
    """

    body: BodyLive
    organs: tuple[OrganLive, ...] = ()
    feeds: tuple[FeedLive, ...] = ()
    machine: Mapping[str, float | int | None] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    vitals: VitalsTaken | None = None
    invariants: Mapping[str, object] = field(default_factory=dict)
    breeding: Mapping[str, object] = field(default_factory=dict)
    context: tuple[ContextLive, ...] = ()
