"""The supervisor loop: it notices that something ended or hangs, and puts the next one in its place.

It runs in the body's main thread and does nothing else, never sleeps for a back-off, and never waits for an
organ. What to do is decided in `organism.supervision`; who fills a post is known in `organism.post`.
"""

import contextlib
import math
import queue
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from organism.clock import suspended_ns
from organism.core import OrganCore
from organism.directory import Directory
from organism.errors import RestartsExhausted
from organism.messages import Envelope, Message
from organism.organ import DeathNotice, Ending, LastGood, Shell
from organism.post import ChildPost, MakeChild, OrganPost, Post, Sample, State
from organism.settings import SupervisionSettings
from organism.succession import DeadLetter, Succession
from organism.supervision import TreeSpec

SCAN_S = 0.02  # between two looks at everybody
SLACK_S = 0.5  # how far past its limits a child may be before the body stops beating
BEAT_NS = 50_000_000  # between two beats of the heart
N_UNNOTICED = 2  # scans that may find a thread dead before its notice has come
OUTAGE_S = 2.0  # waking so much late means that the machine, or this process, stood still


def _nothing(*_: object) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Where the supervisor's findings go; each is called in its loop and must return at once.

    dead_letter   keeps a message that was set aside
    on_outage     the machine or the process stood still for so many seconds: reconcile before trading
    heart         the body beats: called about every 50 ms while all children beat
    """

    dead_letter: Callable[[DeadLetter], None] = _nothing
    on_outage: Callable[[float], None] = _nothing
    heart: Callable[[], None] = _nothing


class Supervisor:
    """Keeps every post of the trees filled.

    trees      in the order of starting; a child's name is an organ's (in `cores`) or another's (in `children`)
    goods      state to begin from, by organ; also what restarts begin from
    origin     prefix of the ids of its own messages, unique over all process runs; taken from the journal
    seed       of the jitter
    """

    def __init__(
        self,
        trees: Iterable[TreeSpec],
        *,
        cores: Mapping[str, OrganCore[Any]],
        goods: Mapping[str, LastGood],
        directory: Directory,
        shell: Shell,
        settings: SupervisionSettings,
        children: Mapping[str, MakeChild] | None = None,
        hooks: Hooks | None = None,
        safe: bool = False,
        origin: str = "",
        seed: int = 1,
        suspended: Callable[[], int] = suspended_ns,
    ) -> None:
        self.directory = directory
        # Not a SimpleQueue: before Python 3.13 its `get` waits for ever when handling a signal outlasts what was
        # left of the timeout, and the body then neither hears the stop it was asked for nor beats any more.
        self._news: queue.Queue[DeathNotice | None] = queue.Queue()
        self._shell = replace(shell, on_ready=lambda *_: self._news.put(None), on_death=self._news.put)
        self._clock = shell.clock
        self._hooks = hooks or Hooks()
        self._safe = safe
        self._origin = origin or f"supervisor:{shell.spine.journal.begin_incarnation('supervisor')}"
        self._suspended = suspended
        self._slept_ns = suspended()
        forest = tuple(trees)
        self._n_told = 0
        self._stopping = False
        self._scanned_ns = self._beat_ns = self._excused_ns = 0
        self.posts: dict[str, Post] = {}
        for tree in forest:
            for spec in tree.children:
                if spec.name in cores:
                    self.posts[spec.name] = OrganPost(
                        spec=spec, tree=tree.name, core=cores[spec.name], mailbox=directory[spec.name],
                        good=goods[spec.name], shell=self._shell,
                    )  # fmt: skip
                else:
                    make = (children or {})[spec.name]
                    self.posts[spec.name] = ChildPost(spec=spec, tree=tree.name, make=make)
        self._succession = Succession(
            forest, self.posts, directory=directory, clock=self._clock, settings=settings, tell=self._tell,
            dead_letter=self._hooks.dead_letter, safe=safe, jitter=random.Random(seed),
        )  # fmt: skip

    # ------------------------------------------------------------ the life of the body

    def start(self, has_to_stop: Callable[[], bool] = lambda: False) -> None:
        """Start everybody in order, each when the one before is ready. Raises `RestartsExhausted`."""
        for post in self.posts.values():
            self._succession.plan(post, self._clock.mono_ns(), "")
        while not self._succession.all_started and not has_to_stop():
            self.turn()
            self._succession.all_started = all(
                post.is_ready or post.state is State.STOPPED for post in self.posts.values()
            )

    def run(self, has_to_stop: Callable[[], bool]) -> None:
        """Supervise until told to stop. Raises what only a new process can answer."""
        while not has_to_stop():
            self.turn()

    def stop(self, within_s: float = math.inf) -> tuple[str, ...]:
        """End everybody in the reverse order, each within its own time, and all of them within `within_s`.

        Who does not end is written off; returns their names, for their threads may still be at work.
        """
        self._stopping = self._succession.is_over = True
        began_ns = self._clock.mono_ns()
        left: list[str] = []
        for post in reversed(self.posts.values()):
            if not post.is_live:
                post.state = State.STOPPED
                continue
            now_ns = self._clock.mono_ns()
            wait_s = max(0.0, min(post.spec.stop_within_s, within_s - (now_ns - began_ns) / 1e9))
            post.ask_stop()
            while post.is_live and self._clock.mono_ns() - now_ns < wait_s * 1e9:
                self.turn()
            if post.is_live:
                left.append(post.name)
                post.last_error = f"{post.name} did not stop within {wait_s:g} s"
                post.state = State.STOPPED
                # One that is still recording a step goes on; the journal decides whether that step counts.
                with contextlib.suppress(RestartsExhausted):
                    post.retire()
        return tuple(left)

    def turn(self) -> None:
        """Wait a moment for news, and act on what there is."""
        before_ns = self._clock.mono_ns()
        wait_s = self._wait_s(before_ns)
        try:
            news: DeathNotice | None = self._news.get(timeout=wait_s)
            fresh = True
        except queue.Empty:
            news, fresh = None, False
        self._watch_for_outage(before_ns + int(wait_s * 1e9))
        while fresh:
            if news is not None:
                self._bury(news)
            fresh = not self._news.empty()
            news = self._news.get() if fresh else None
        now_ns = self._clock.mono_ns()
        if now_ns - self._scanned_ns >= SCAN_S * 0.9e9:
            self._scanned_ns = now_ns
            self._scan(now_ns)
        self._succession.start_who_is_due()
        if now_ns - self._beat_ns >= BEAT_NS and (self._stopping or self.beating()):
            self._beat_ns = now_ns
            self._hooks.heart()

    # ------------------------------------------------------------ what others may ask

    def beating(self) -> bool:
        """Whether all children beat: each runs within its limits, or is about to be started again."""
        now_ns = self._clock.mono_ns()
        return all(self._is_well(post, now_ns) for post in self.posts.values())

    def sample(self) -> tuple[Sample, ...]:
        """Everybody, in the order of starting. May be called from any thread."""
        now_ns = self._clock.mono_ns()
        return tuple(post.sample(now_ns) for post in self.posts.values())

    @property
    def n_abandoned(self) -> int:
        """Written-off threads that still run."""
        return self._succession.n_abandoned

    def remind(self, organ: str) -> None:
        """Tell an organ `Recovered` again, as after an outage: motor then reconciles before it trades."""
        post = self.posts[organ]
        if isinstance(post, OrganPost):
            self._n_told += 1
            identity = f"recovered:{organ}:{post.incarnation}:{self._n_told}"
            post.tell_recovered(identity, process=False, safe=self._safe)

    # ------------------------------------------------------------ noticing

    def _wait_s(self, now_ns: int) -> float:
        due = (post.due_ns for post in self.posts.values() if post.state is State.WAITING)
        next_ns = min((ns for ns in due if ns > now_ns), default=now_ns + int(SCAN_S * 1e9))
        return max(0.0, min(SCAN_S, (next_ns - now_ns) / 1e9))

    def _bury(self, notice: DeathNotice) -> None:
        post = self.posts[notice.organ]
        if notice.incarnation != post.incarnation or not post.is_live:
            return  # it was written off before
        if self._stopping:
            post.state = State.STOPPED
            post.retire()
            post.last_error = notice.why if notice.error is not None else post.last_error
        elif notice.ending is Ending.FATAL and notice.error is not None:
            raise notice.error
        elif notice.ending is Ending.STOPPED:
            self._succession.fail(post, "ended although nobody asked it to", "", failed=False)
        else:
            self._succession.fail(post, notice.why, notice.trace)

    def _scan(self, now_ns: int) -> None:
        if not self._stopping:
            self._succession.count_abandoned(now_ns)
        for post in tuple(self.posts.values()):
            if post.is_live:
                self._look_at(post, now_ns)

    def _look_at(self, post: Post, now_ns: int) -> None:
        if not post.has_thread:
            post.n_missed += 1  # the notice of an organ may be on its way: look twice
            if isinstance(post, ChildPost):
                self._child_ended(post)
            elif post.n_missed >= N_UNNOTICED:
                self._succession.fail(post, "thread ended without a word", "")
            return
        if post.state is State.STARTING and post.is_ready:
            post.state = State.RUNNING
        busy_s = self._busy_s(post, now_ns)
        if busy_s > post.spec.hang_s:
            why = f"hung: inside one message for {busy_s:.2f} s, its limit is {post.spec.hang_s:g} s"
            self._succession.fail(post, why, "", hung=True)
        elif post.state is State.STARTING and self._since_s(post.began_ns, now_ns) > post.spec.ready_within_s:
            self._succession.fail(post, f"was not ready within {post.spec.ready_within_s:g} s", "", hung=True)

    def _child_ended(self, post: ChildPost) -> None:
        if self._stopping:
            post.state = State.STOPPED
            return
        error = post.ended_with
        self._succession.fail(post, error or "ended", "", failed=bool(error))

    def _watch_for_outage(self, expected_ns: int) -> None:
        now_ns, slept_ns = self._clock.mono_ns(), self._suspended()
        late_s = max(now_ns - expected_ns, slept_ns - self._slept_ns) / 1e9
        self._slept_ns = slept_ns
        if now_ns - expected_ns > SCAN_S * 5e9:
            self._excused_ns = now_ns  # nobody hung while this process stood still
        if late_s > OUTAGE_S:
            self._hooks.on_outage(late_s)

    def _since_s(self, ns: int, now_ns: int) -> float:
        return (now_ns - max(ns, self._excused_ns)) / 1e9

    def _busy_s(self, post: Post, now_ns: int) -> float:
        since_ns = post.busy_since_ns
        return 0.0 if since_ns is None else self._since_s(since_ns, now_ns)

    def _is_well(self, post: Post, now_ns: int) -> bool:
        if post.state is State.RUNNING:
            return post.n_missed <= N_UNNOTICED and self._busy_s(post, now_ns) <= post.spec.hang_s + SLACK_S
        if post.state is State.STARTING:
            return self._since_s(post.began_ns, now_ns) <= post.spec.ready_within_s + SLACK_S
        return True

    def _tell(self, names: tuple[str, ...], message: Message) -> None:
        self._n_told += 1
        market_ns = self._shell.spine.market_ns
        envelope = Envelope(f"{self._origin}:{self._n_told}", "supervisor", 0, market_ns, "", message)
        for name in names:
            self.directory.deliver(name, envelope)
