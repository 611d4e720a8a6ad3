"""Who follows whom: what the supervisor does once it knows that a child failed.

The rules are in `organism.supervision`; here they meet posts, mailboxes and the monotonic clock.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from organism.clock import Clock
from organism.directory import Directory
from organism.errors import RestartsExhausted
from organism.handling import about
from organism.messages import Envelope, Escalated, Message, MessageSetAside, OrganRestarted
from organism.organ import describe
from organism.post import OrganPost, Post, State
from organism.settings import SupervisionSettings
from organism.supervision import (
    Fate,
    Intensity,
    Rung,
    Strategy,
    TreeSpec,
    admit_restart,
    affected,
    backoff_s,
    fate,
    is_restarted,
    rung,
)

LINGER_S = 0.1  # a written-off thread that still runs after this counts as abandoned
N_SUSPECTS = 256  # messages remembered per organ as having failed once

Tell = Callable[[tuple[str, ...], Message], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that killed its organ twice, with the traceback of the second time."""

    organ: str
    incarnation: int
    envelope: Envelope
    why: str
    trace: str
    wall_ns: int

    @property
    def told(self) -> dict[str, str | int]:
        """Whom and what it concerns, as the log says it."""
        return about(self.organ, self.incarnation, self.envelope)


class Succession:
    """Writes off who failed, judges the message it failed on, and starts the next when it is due.

    tell          says something to organs, as the supervisor
    dead_letter   keeps a message that was set aside
    """

    def __init__(
        self,
        trees: Iterable[TreeSpec],
        posts: dict[str, Post],
        *,
        directory: Directory,
        clock: Clock,
        settings: SupervisionSettings,
        tell: Tell,
        dead_letter: Callable[[DeadLetter], None],
        safe: bool,
        jitter: random.Random,
    ) -> None:
        self.posts = posts
        self.all_started = False
        self.is_over = False
        self._directory = directory
        self._clock = clock
        self._settings = settings
        self._tell = tell
        self._dead_letter = dead_letter
        self._safe = safe
        self._jitter = jitter
        self._trees = {tree.name: tree for tree in trees}
        self._windows: dict[str, tuple[float, ...]] = dict.fromkeys(self._trees, ())
        self._abandoned: list[tuple[int, str, Callable[[], bool]]] = []

    def fail(self, post: Post, why: str, trace: str, *, hung: bool = False, failed: bool = True) -> None:
        """A child is over, or is as good as that. Raises `RestartsExhausted` when the process must end."""
        now_ns = self._clock.mono_ns()
        in_hand = self._write_off(post, now_ns)
        post.last_error = why
        if in_hand is not None:
            self._judge(post, in_hand, why, trace)
        if self.is_over or not is_restarted(post.spec.restart, failed=failed):
            post.state = State.STOPPED
            return
        tree = self._trees[post.tree]
        level = self._spend(post, tree, now_ns / 1e9, why, hung=hung)
        names = tuple(spec.name for spec in tree.children)
        if level is Rung.CHILD:
            names = affected(tree.strategy, names, post.name)
        wait_s = backoff_s(
            len(post.history),
            base_s=self._settings.backoff_base_s,
            cap_s=self._settings.backoff_cap_s,
            chance=self._jitter.random(),
        )
        for name in names:
            other = self.posts[name]
            if level is Rung.TREE:
                other.budget = ()
            if other is not post:
                if other.state is State.STOPPED:
                    continue
                in_hand = self._write_off(other, now_ns) if other.is_live else None
                if in_hand is not None:  # not its fault: it is simply next again
                    self._directory[name].put_back(in_hand)
            reason = why if other is post else f"restarted with {post.name}"
            self.plan(other, now_ns + int(wait_s * 1e9), reason)

    def plan(self, post: Post, due_ns: int, why: str) -> None:
        """Start it when the time comes. Until then the feed waits: nothing is quiet that is being restarted."""
        if isinstance(post, OrganPost) and post.state is not State.WAITING:
            self._directory.activity.begin()
        post.plan(due_ns, why)

    def _spend(self, post: Post, tree: TreeSpec, now_s: float, why: str, *, hung: bool) -> Rung:
        limit = post.spec.intensity
        post.history, _ = admit_restart(post.history, now_s, limit)
        post.budget, child_holds = admit_restart(post.budget, now_s, limit)
        self._windows[tree.name], tree_holds = admit_restart(self._windows[tree.name], now_s, tree.intensity)
        level = rung(child_holds=child_holds, tree_holds=tree_holds, hung=hung, critical=tree.critical)
        if level is Rung.PROCESS:
            spent, of = (post.budget, limit) if tree_holds else (self._windows[tree.name], tree.intensity)
            raise RestartsExhausted(_exhausted(post.name, tree.name, why, len(spent), of))
        return level

    def _write_off(self, post: Post, now_ns: int) -> Envelope | None:
        is_running, in_hand = post.retire()
        self._abandoned.append((now_ns, post.name, is_running))
        return in_hand

    def _judge(self, post: Post, envelope: Envelope, why: str, trace: str) -> None:
        n = post.suspects.pop(envelope.id, 0) + 1
        kind = type(envelope.message)
        mailbox = self._directory[post.name]
        verdict = fate(kind, n)
        if verdict is Fate.RETRY or verdict is Fate.HALT:
            post.suspects[envelope.id] = n
            if len(post.suspects) > N_SUSPECTS:
                del post.suspects[next(iter(post.suspects))]
            mailbox.put_back(envelope)
            if verdict is Fate.HALT and n == 2:  # noqa: PLR2004 - the second time, said once
                self._tell(("immune", "voice"), Escalated(organ=post.name, why=f"{kind.__name__}: {why}"))
            return
        if verdict is Fate.SET_ASIDE:
            if isinstance(post, OrganPost):
                post.good.seen[envelope.id] = None
            letter = DeadLetter(
                organ=post.name, incarnation=post.incarnation, envelope=envelope, why=why, trace=trace,
                wall_ns=self._clock.wall_ns(),
            )  # fmt: skip
            self._dead_letter(letter)
            self._tell(
                ("voice", "immune"),
                MessageSetAside(organ=post.name, envelope_id=envelope.id, message=kind.__name__, why=why),
            )
        mailbox.discard()

    def count_abandoned(self, now_ns: int) -> None:
        """Raise `RestartsExhausted` when too many written-off threads still run."""
        self._abandoned = [entry for entry in self._abandoned if entry[2]()]
        names = [name for since_ns, name, _ in self._abandoned if now_ns - since_ns > LINGER_S * 1e9]
        if len(names) > self._settings.max_retired:
            raise RestartsExhausted(
                f"{len(names)} hung threads were written off and still run ({', '.join(names)}); "
                f"the limit is {self._settings.max_retired}. The process ends; the guardian starts it again."
            )

    @property
    def n_abandoned(self) -> int:
        """Written-off threads that still run."""
        return sum(is_running() for _, _, is_running in self._abandoned)

    def start_who_is_due(self) -> None:
        """Start who waits and whose time has come, in order."""
        blocked: set[str] = set()
        for post in self.posts.values():
            tree = self._trees[post.tree]
            group = tree.name if self.all_started else ""
            if post.state is State.WAITING and group not in blocked and not self.is_over:
                now_ns = self._clock.mono_ns()
                if post.due_ns <= now_ns:
                    self._start(post, now_ns)
            ordered = not self.all_started or tree.strategy is not Strategy.ONE_FOR_ONE
            if ordered and post.state is not State.STOPPED and not post.is_ready:
                blocked.add(group)

    def _start(self, post: Post, now_ns: int) -> None:
        again = bool(post.why)
        try:
            post.start(now_ns, process=not again, safe=self._safe)
        except Exception as error:  # a feed whose file or port is not there, or is not what it should be
            if isinstance(post, OrganPost):  # the journal could not say who it is
                raise
            self.fail(post, f"could not start: {describe(error)}", "")
            return
        if again:
            post.restarts += 1
            message = OrganRestarted(
                organ=post.name, incarnation=post.incarnation, why=post.why, attempt=len(post.history),
                limit=post.spec.intensity.restarts,
            )  # fmt: skip
            self._tell(("immune", "voice"), message)
        if isinstance(post, OrganPost):
            self._directory.activity.end()


def _exhausted(child: str, tree: str, why: str, n: int, limit: Intensity) -> str:
    return (
        f"{child!r} (under {tree!r}): {why}; restart {n} within {limit.within_s:g} s exceeds the limit of "
        f"{limit.restarts}. The process ends; the guardian starts it again."
    )
