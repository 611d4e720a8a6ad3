"""A post: one place in the supervision tree, whoever fills it at the moment."""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from organism.core import OrganCore
from organism.directory import Mailbox
from organism.errors import RestartsExhausted
from organism.messages import Envelope, Recovered
from organism.organ import LastGood, Life, Shell, begin_life, describe
from organism.supervision import ChildSpec

RECORDING_S = 0.5  # longest wait for a step that is just being recorded


class State(enum.Enum):
    """What a post is doing."""

    WAITING = "restarting"
    STARTING = "starting"
    RUNNING = "running"
    STOPPED = "stopped"


class Child(Protocol):
    """Something with a thread that is not an organ: a feed, the worker that talks to the venue.

    busy_since   monotonic seconds at which the call it is in began, None while it waits for something to do
    last_error   why it ended; None after a normal end
    stop         asks it to end and returns at once
    """

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """Ask it to end; return at once."""
        ...

    def is_alive(self) -> bool:
        """Whether its thread runs."""
        ...

    @property
    def busy_since(self) -> float | None:
        """Monotonic seconds, or None."""
        ...

    @property
    def last_error(self) -> object | None:
        """Why it ended."""
        ...


MakeChild = Callable[[], Child]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One child as vitals see it. Ages in monotonic seconds.

    state          starting, running, restarting, hung or stopped
    beat_age_s     how long ago it showed that it lives: 0 while it waits for a message
    oldest_age_s   age of the oldest unread work
    """

    name: str
    tree: str
    state: str
    incarnation: int
    restarts: int
    mailbox_depth: int = 0
    oldest_age_s: float = 0.0
    beat_age_s: float = 0.0
    busy_s: float = 0.0
    conflated: int = 0
    last_error: str = ""


@dataclass(kw_only=True)
class Post:
    """What the supervisor knows of one child; the two kinds of children differ below.

    history   restarts within the window, for back-off; `budget` is emptied when the subtree is restarted
    due_ns    when a waiting child is started
    suspects  messages it failed on, and how often
    """

    spec: ChildSpec
    tree: str
    state: State = State.STOPPED
    incarnation: int = 0
    restarts: int = 0
    history: tuple[float, ...] = ()
    budget: tuple[float, ...] = ()
    due_ns: int = 0
    began_ns: int = 0
    why: str = ""
    last_error: str = ""
    n_missed: int = 0
    suspects: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the child."""
        return self.spec.name

    @property
    def is_live(self) -> bool:
        """Whether somebody should be filling the post now."""
        return self.state is State.STARTING or self.state is State.RUNNING

    def plan(self, due_ns: int, why: str) -> None:
        """Start it (again) when the time comes."""
        self.state, self.due_ns, self.why = State.WAITING, due_ns, why

    def start(self, now_ns: int, *, process: bool, safe: bool) -> None:
        """Fill the post."""
        raise NotImplementedError

    def retire(self) -> tuple[Callable[[], bool], Envelope | None]:
        """Write off whoever fills it; return whether that one still runs, and what it had in hand."""
        raise NotImplementedError

    def ask_stop(self) -> None:
        """Ask for an orderly end; returns at once."""
        raise NotImplementedError

    @property
    def is_ready(self) -> bool:
        """Whether it serves."""
        raise NotImplementedError

    @property
    def has_thread(self) -> bool:
        """Whether its thread runs."""
        raise NotImplementedError

    @property
    def busy_since_ns(self) -> int | None:
        """Monotonic start of what it is doing, None while it waits."""
        raise NotImplementedError

    def sample(self, now_ns: int) -> Sample:
        """Describe it."""
        since = self.busy_since_ns if self.is_live else None
        busy_s = 0.0 if since is None else max(0.0, (now_ns - since) / 1e9)
        state = "hung" if busy_s > self.spec.hang_s else self.state.value
        return Sample(
            name=self.name,
            tree=self.tree,
            state=state,
            incarnation=self.incarnation,
            restarts=self.restarts,
            busy_s=busy_s,
            beat_age_s=busy_s if self.is_live else max(0.0, (now_ns - self.began_ns) / 1e9),
            last_error=self.last_error,
        )


@dataclass(kw_only=True)
class OrganPost(Post):
    """A post filled by incarnations of an organ."""

    core: OrganCore[Any]
    mailbox: Mailbox
    good: LastGood
    shell: Shell
    life: Life | None = None

    def start(self, now_ns: int, *, process: bool, safe: bool) -> None:
        """Begin an incarnation; every earlier one is fenced from here on. `Recovered` is its first message."""
        self.incarnation = self.shell.spine.journal.begin_incarnation(self.name)
        self.tell_recovered(f"recovered:{self.name}:{self.incarnation}", process=process, safe=safe)
        self.began_ns, self.state, self.n_missed = now_ns, State.STARTING, 0
        self.life = begin_life(self.core, self.incarnation, self.mailbox, self.good, self.shell)

    def tell_recovered(self, identity: str, *, process: bool, safe: bool) -> None:
        """Put `Recovered` ahead of everything."""
        message = Recovered(organ=self.name, incarnation=self.incarnation, process=process, safe=safe)
        market_ns = self.shell.spine.market_ns
        self.mailbox.put_first(Envelope(identity, "supervisor", self.incarnation, market_ns, "", message))

    def retire(self) -> tuple[Callable[[], bool], Envelope | None]:
        """Take the mailbox away from the incarnation, never in the middle of recording a step."""
        if not self.good.lock.acquire(timeout=RECORDING_S):
            raise RestartsExhausted(
                f"organ {self.name!r} was still recording a step after {RECORDING_S:g} s: whether that step "
                "counts is known to the journal alone. The process ends and recovers from it."
            )
        try:
            in_hand = self.mailbox.retire()
        finally:
            self.good.lock.release()
        life, self.life = self.life, None
        if life is None:
            return (lambda: False), in_hand
        life.forget()
        return (lambda: life.has_thread), in_hand

    def ask_stop(self) -> None:
        """Ask through the mailbox, ahead of everything in it."""
        self.mailbox.stop()

    @property
    def is_ready(self) -> bool:
        """Whether `Recovered` was processed."""
        return self.life is not None and self.life.ready.is_set()

    @property
    def has_thread(self) -> bool:
        """Whether the thread runs."""
        return self.life is not None and self.life.has_thread

    @property
    def busy_since_ns(self) -> int | None:
        """Start of the current message."""
        life = self.life
        return None if life is None else life.busy_since_ns

    def sample(self, now_ns: int) -> Sample:
        """Describe it, mailbox included."""
        base = super().sample(now_ns)
        return Sample(
            name=base.name,
            tree=base.tree,
            state=base.state,
            incarnation=base.incarnation,
            restarts=base.restarts,
            mailbox_depth=len(self.mailbox),
            oldest_age_s=self.mailbox.oldest_age_s(now_ns),
            beat_age_s=base.beat_age_s,
            busy_s=base.busy_s,
            conflated=self.mailbox.conflated,
            last_error=base.last_error,
        )


@dataclass(kw_only=True)
class ChildPost(Post):
    """A post filled by a feed, a worker: made anew for each start."""

    make: MakeChild
    child: Child | None = None

    def start(self, now_ns: int, *, process: bool, safe: bool) -> None:  # noqa: ARG002 - as organs do
        """Make one and start it."""
        self.incarnation += 1
        self.began_ns, self.state, self.n_missed = now_ns, State.STARTING, 0
        self.child = self.make()
        self.child.start()

    def retire(self) -> tuple[Callable[[], bool], Envelope | None]:
        """Ask it to end and think of it no more."""
        child, self.child = self.child, None
        if child is None:
            return (lambda: False), None
        child.stop()
        return child.is_alive, None

    def ask_stop(self) -> None:
        """Ask it to end."""
        if self.child is not None:
            self.child.stop()

    @property
    def is_ready(self) -> bool:
        """Whether it runs: children serve as soon as they do."""
        return self.child is not None

    @property
    def has_thread(self) -> bool:
        """Whether it runs."""
        return self.child is not None and self.child.is_alive()

    @property
    def busy_since_ns(self) -> int | None:
        """Start of the call it is in."""
        since = None if self.child is None else self.child.busy_since
        return None if since is None else round(since * 1e9)

    @property
    def ended_with(self) -> str:
        """Why it ended, "" after a normal end."""
        error = None if self.child is None else self.child.last_error
        if error is None:
            return ""
        return describe(error) if isinstance(error, BaseException) else str(error)
