"""The actor shell: one pykka actor class for all organs, and nothing in it to decide.

A thread takes one message, lets the pure core step, records the step, and only then keeps the new state.
An *incarnation* is one life of that thread. When it is retired it may still be running (a hung thread cannot
be stopped in Python), but it takes no message and records no step any more.
"""

import enum
import logging
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import pykka
import pykka.messages
from pykka._envelope import Envelope as Parcel

from organism.clock import Clock
from organism.core import Now, OrganCore
from organism.directory import Mailbox
from organism.errors import EffectFailed, Fenced, JournalUnwritable, without_frames
from organism.handling import IN_HAND, SERVED
from organism.messages import Envelope, Recovered
from organism.spine import Spine

N_REMEMBERED: Final = 4096  # consumed ids an organ remembers to drop duplicates

log = logging.getLogger(__name__)

_PRIVATE: Final = (
    (pykka.Actor, "_create_actor_inbox"),
    (pykka.Actor, "_actor_loop"),
    (pykka.ThreadingActor, "_start_actor_loop"),
    (pykka.messages, "_ActorStop"),
)
for _owner, _name in _PRIVATE:
    if not hasattr(_owner, _name):
        raise ImportError(
            f"this pykka has no {_owner.__name__}.{_name}, on which the actor shell rests; "
            "install pykka >= 4.5, < 4.6."
        )


ROWS_A_STEP = (
    8  # rows of the journal for each step of one organ; a next start reads them for the idlest of all
)


@dataclass(slots=True)
class LastGood:
    """What the journal says an organ is: its state after the last recorded step.

    States are immutable, so the last one recorded *is* the fold of the journal; a restart begins from it.
    `lock` is held while a step is recorded, so that no incarnation is retired between record and memory.
    `saved` are step and row of its newest snapshot, whoever took it: short lives must not put off the next one.
    """

    state: Any
    step: int = 0
    seq: int = 0
    seen: dict[str, None] = field(default_factory=dict)
    saved: tuple[int, int] = (0, 0)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)


class Ending(enum.Enum):
    """How a thread ended."""

    STOPPED = "was asked to stop"
    RETIRED = "was retired"
    FAILED = "failed"
    FATAL = "failed where only a new process can help"


@dataclass(frozen=True, slots=True)
class DeathNotice:
    """A thread is over. Exactly one for each start, whatever happened.

    in_hand     the message it was working on, if its step was not recorded
    recorded    the step of that message is in the journal, though not all it led to was done
    """

    organ: str
    incarnation: int
    ending: Ending
    in_hand: Envelope | None = None
    recorded: bool = False
    error: BaseException | None = None
    trace: str = ""

    @property
    def why(self) -> str:
        """One line for people."""
        return describe(self.error) if self.error is not None else self.ending.value


SaveSnapshot = Callable[[str, Any, int, int], None]


def _ignore(*_: object) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """What the organs of a body share.

    on_ready, on_death   called from the organ's thread, to hand the news on; the supervisor puts its own there
    save_snapshot        (organ, state, step, seq); must see to it that row `seq` is durable first
    before_step          fault injection for drills: (organ, envelope); may raise or hang; off by default
    """

    spine: Spine
    clock: Clock
    on_ready: Callable[[str, int], None] = _ignore
    on_death: Callable[[DeathNotice], None] = _ignore
    save_snapshot: SaveSnapshot = _ignore
    snapshot_steps: int = 1_000
    snapshot_s: float = 60.0
    before_step: Callable[[str, Envelope], None] | None = None


class Life:
    """One incarnation, as seen from outside its thread.

    ready           it has processed `Recovered`
    busy_since_ns   monotonic start of what it is doing now, None while it waits
    """

    __slots__ = ("busy_since_ns", "incarnation", "organ", "ready", "ref", "thread")

    def __init__(self, organ: str, incarnation: int) -> None:
        self.organ = organ
        self.incarnation = incarnation
        self.ready = threading.Event()
        self.busy_since_ns: int | None = None
        self.thread: threading.Thread | None = None
        self.ref: pykka.ActorRef[Any] | None = None

    @property
    def has_thread(self) -> bool:
        """Whether the thread still runs, hung or not."""
        return self.thread is not None and self.thread.is_alive()

    def forget(self) -> None:
        """Take a retired incarnation out of pykka's registry, where a hung thread would stay for ever."""
        if self.ref is not None:
            self.ref.actor_stopped.set()
            pykka.ActorRegistry.unregister(self.ref)


class Inbox:
    """pykka's inbox for one incarnation, over the mailbox that stays."""

    mailbox: Mailbox
    incarnation: int

    def put(self, parcel: Parcel[Any], /) -> None:
        """Accept an envelope told to the actor itself, or pykka's request to stop."""
        if isinstance(parcel.message, pykka.messages._ActorStop):  # noqa: SLF001
            self.mailbox.stop()
            if parcel.reply_to is not None:
                parcel.reply_to.set(None)
        elif isinstance(parcel.message, Envelope) and parcel.reply_to is None:
            self.mailbox.put(parcel.message)
        else:
            raise TypeError(f"{self.mailbox.name} is told envelopes only; this was {parcel.message!r}.")

    def get(self) -> Parcel[Any]:
        """Wait for the next message; a request to stop comes first, a retired incarnation gets `Fenced`."""
        envelope = self.mailbox.take(self.incarnation)
        return Parcel(pykka.messages._ActorStop() if envelope is None else envelope)  # noqa: SLF001

    def empty(self) -> bool:
        """Whether nothing waits."""
        return not len(self.mailbox)


class Organ(pykka.ThreadingActor):
    """Runs one core: take, step, record, perform."""

    use_daemon_thread = True  # a hung organ must not keep a dying process alive

    def __init__(
        self, *, core: OrganCore[Any], life: Life, mailbox: Mailbox, good: LastGood, shell: Shell
    ) -> None:
        super().__init__()
        inbox = self.actor_inbox
        if not isinstance(inbox, Inbox):  # pragma: no cover - pykka would have to ignore our hook
            raise TypeError(f"pykka made an inbox of its own: {inbox!r}.")
        inbox.mailbox, inbox.incarnation = mailbox, life.incarnation
        self._core = core
        self._life = life
        self._mailbox = mailbox
        self._good = good
        self._shell = shell
        self._saved_ns = shell.clock.mono_ns()

    @staticmethod
    def _create_actor_inbox() -> Inbox:
        return Inbox()

    def _start_actor_loop(self) -> None:
        thread = threading.Thread(target=self._actor_loop, name=self._life.organ, daemon=True)
        self._life.thread, self._life.ref = thread, self.actor_ref
        try:
            thread.start()
        except BaseException as error:  # noqa: BLE001 - no thread: the notice comes from here instead
            self._end(Ending.FAILED, error)

    def _actor_loop(self) -> None:
        ending = Ending.STOPPED
        failure: BaseException | None = None
        SERVED.set((self._life.organ, self._life.incarnation))
        try:
            self.on_start()
            while not self.actor_stopped.is_set():
                parcel = self.actor_inbox.get()
                if isinstance(parcel.message, Envelope):
                    self.on_receive(parcel.message)
                else:
                    break
            self.on_stop()
        except Fenced:
            ending = Ending.RETIRED
        except (EffectFailed, JournalUnwritable) as error:
            ending, failure = Ending.FATAL, error
        except BaseException as error:  # noqa: BLE001 - SystemExit in one organ must not end all of them
            ending, failure = Ending.FAILED, error
        finally:
            self._end(ending, failure)

    def _end(self, ending: Ending, failure: BaseException | None) -> None:
        life, notice = self._life, None
        try:
            life.forget()
            trace = "".join(traceback.format_exception(failure)) if failure is not None else ""
            if failure is not None and ending is not Ending.FATAL:  # that one is raised again elsewhere
                without_frames(failure)  # whose frames know this actor, and the states of its last step
            if not self._mailbox.holds(life.incarnation):
                ending = Ending.RETIRED  # whatever it says on its way out, it was written off before
            if ending is not Ending.RETIRED:
                in_hand = self._mailbox.in_hand
                recorded = isinstance(failure, EffectFailed)
                notice = DeathNotice(life.organ, life.incarnation, ending, in_hand, recorded, failure, trace)
        finally:
            self._shell.on_death(notice or DeathNotice(life.organ, life.incarnation, ending, error=failure))

    def on_receive(self, message: Any) -> None:
        """Take one step."""
        envelope: Envelope = message
        good, life, shell = self._good, self._life, self._shell
        IN_HAND.set(envelope)  # until the next: what a thread does on its way out still belongs to it
        if envelope.id in good.seen:
            self._mailbox.finish(life.incarnation)
            return
        mono_ns = life.busy_since_ns = shell.clock.mono_ns()
        if shell.before_step is not None:
            shell.before_step(life.organ, envelope)
        now = Now(shell.spine.market_ns, mono_ns, shell.clock.wall_ns(), good.step + 1)
        state, effects = self._core.step(good.state, envelope.message, now)
        with good.lock:
            if not self._mailbox.holds(life.incarnation):
                raise Fenced(f"{life.organ} incarnation {life.incarnation} was retired inside a step.")
            good.seq = shell.spine.complete(life.organ, life.incarnation, now.step, envelope, effects, now)
            good.state, good.step = state, now.step
            seen = good.seen
            seen[envelope.id] = None
            if len(seen) > N_REMEMBERED:
                del seen[next(iter(seen))]
            self._mailbox.finish(life.incarnation)
        if type(envelope.message) is Recovered and not life.ready.is_set():
            life.ready.set()
            shell.on_ready(life.organ, life.incarnation)
        saved_step, saved_seq = good.saved
        if (
            now.step - saved_step >= shell.snapshot_steps
            or good.seq - saved_seq >= shell.snapshot_steps * ROWS_A_STEP
            or mono_ns - self._saved_ns >= shell.snapshot_s * 1e9
        ):
            self._save(state, now.step, good.seq, mono_ns)
        life.busy_since_ns = None

    def on_stop(self) -> None:
        """Keep a snapshot, so that the next start replays nothing."""
        good = self._good
        if good.step != good.saved[0]:
            self._save(good.state, good.step, good.seq, self._shell.clock.mono_ns())

    def _save(self, state: Any, step: int, seq: int, mono_ns: int) -> None:
        self._good.saved, self._saved_ns = (step, seq), mono_ns
        try:
            self._shell.save_snapshot(self._life.organ, state, step, seq)
        except Exception as error:  # noqa: BLE001 - a missing snapshot costs replay time at the next start, no more
            log.warning(
                "the snapshot of %s at step %d was not saved: %s", self._life.organ, step, describe(error)
            )


def describe(error: BaseException) -> str:
    """An exception in one line.

    >>> describe(ValueError("the price was −1"))
    'ValueError: the price was −1'
    """
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def begin_life(
    core: OrganCore[Any], incarnation: int, mailbox: Mailbox, good: LastGood, shell: Shell
) -> Life:
    """Start the thread of an incarnation that the mailbox now serves."""
    life = Life(core.name, incarnation)
    mailbox.hand_over(incarnation)
    Organ.start(core=core, life=life, mailbox=mailbox, good=good, shell=shell)
    return life
