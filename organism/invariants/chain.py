"""I5, acknowledged is durable: rows without a gap, steps without a gap, each hash right, nothing read that was not said."""

from dataclasses import dataclass, field

from organism.effects import Publish
from organism.invariants.breach import NONE, Breach, Breaches, Newest
from organism.invariants.event import Event
from organism.journal.rows import matches
from organism.messages import MessageSetAside

ID = "I5"
HEARS: frozenset[type] | None = None  # every event
SAID: frozenset[type] | None = None

N_UNREAD = 20_000  # messages waiting to be read, by organ; the oldest are let go beyond that


@dataclass(slots=True)
class State:
    """Where each sequence stands. first_seq: the oldest row there is; what came before is taken for granted."""

    seq: int = 0
    first_seq: int = 1
    digest: bytes | None = None
    steps: dict[str, int] = field(default_factory=dict)
    incarnations: dict[str, int] = field(default_factory=dict)
    unread: dict[str, dict[str, None]] = field(default_factory=dict)
    outside: dict[str, Newest] = field(default_factory=dict)
    n: int = 0


def step(state: State, event: Event) -> tuple[State, Breaches]:
    """Judge one event. The state given is used up: go on with the one returned."""
    found: list[Breach] = []
    state.n += 1
    expected = state.seq + 1
    if event.seq != expected:
        _say(found, event, "", f"row {expected} must follow row {state.seq}; row {event.seq} did.")
    _stepped(state, event, found)
    row = event.row
    if row is not None:
        if (
            state.digest is not None
            and event.seq == expected
            and not matches(row, state.digest, event.run_digest)
        ):
            _say(
                found,
                event,
                "",
                f"row {event.seq} must match its hash and follow row {state.seq}; it does not.",
            )
        state.digest = row.digest
    state.seq = event.seq
    _consumed(state, event, found)
    for position, effect in enumerate(event.did):
        if type(effect) is Publish:
            identity = f"{event.seq}.{position}"
            for receiver in effect.to:
                unread = state.unread.get(receiver)
                if unread is None:
                    unread = state.unread[receiver] = {}
                unread[identity] = None
                if len(unread) > N_UNREAD:
                    del unread[next(iter(unread))]
    return state, tuple(found) if found else NONE


def _stepped(state: State, event: Event, found: list[Breach]) -> None:
    organ = event.organ
    before = state.steps.get(organ)
    if before is not None and event.step != before + 1:
        _say(found, event, organ, f"step {before + 1} of {organ} must come next; was step {event.step}.")
    elif before is None and state.first_seq == 1 and event.step != 1:
        _say(found, event, organ, f"the first step of {organ} must be number 1; was {event.step}.")
    state.steps[organ] = event.step
    if event.incarnation:
        newest = state.incarnations.get(organ, 0)
        if event.incarnation < newest:
            text = f"incarnation {newest} of {organ} had acted; row {event.seq} is of incarnation {event.incarnation}."
            _say(found, event, organ, text)
        state.incarnations[organ] = max(newest, event.incarnation)


def _consumed(state: State, event: Event, found: list[Breach]) -> None:
    organ, identity = event.organ, event.input_id
    if identity[:1].isdigit():
        unread = state.unread.get(organ)
        if unread is not None and identity in unread:
            del unread[identity]
        elif _number(identity) >= state.first_seq:
            _say(
                found,
                event,
                organ,
                f"{organ} read message {identity}, which no row before said to it, or read it twice.",
            )
    else:
        outside = state.outside.get(organ)
        if outside is None:
            outside = state.outside[organ] = Newest()
        if identity in outside:
            _say(found, event, organ, f"{organ} must read {identity} once; it read it twice.")
        outside.add(identity)
    aside = event.read
    if type(aside) is MessageSetAside:
        state.unread.get(aside.organ, {}).pop(aside.envelope_id, None)


def _number(identity: str) -> int:
    seq = identity.partition(".")[0]
    return int(seq) if seq.isdecimal() else 0


def _say(found: list[Breach], event: Event, subject: str, text: str) -> None:
    found.append(Breach(invariant=ID, text=text, seq=event.seq, subject=subject))
