"""The operator's desk: commands come in from their table; what they did is durable, and shown, when it is acknowledged."""

import sys
from collections import deque
from collections.abc import Callable, Container

from organism.commands import OF_STRATEGIES, CommandsDb
from organism.core import Now
from organism.effects import Effects, Publish
from organism.messages import (
    ClosePositions,
    EntriesBarred,
    Envelope,
    OperatorCommanded,
    StrategyPaused,
    StrategyRetired,
    TradingStateChanged,
)
from organism.redaction import Redactor

LOOK_S = 0.1  # between two looks at the table
MOST_LOOKS = 60  # at a view that does not show a command: it may be broken, and the person has to hear of it all the same

Deliver = Callable[[str, Envelope], None]


class Desk:
    """Polls the commands table. One command is delivered once a process run; cores ignore ids they have seen.

    durable_seq   highest sequence number of the journal that survives a power cut
    applied       envelope ids that immune or reproduction consumed before this process started
    shown_seq     highest sequence number that the view shows: a person who is told "halted" and asks for the status must
                  not read that it trades
    """

    def __init__(
        self,
        commands: CommandsDb,
        deliver: Deliver,
        durable_seq: Callable[[], int],
        applied: Container[str] = (),
        shown_seq: Callable[[], int] = lambda: sys.maxsize,
    ) -> None:
        self._shown_seq = shown_seq
        self._redact = Redactor()
        self._looks = 0
        self._applied = applied
        self._commands = commands
        self._deliver = deliver
        self._durable_seq = durable_seq
        self._last_id = 0
        self._n_open = 0
        self._consumed: deque[tuple[int, int, str]] = deque()

    @property
    def is_clear(self) -> bool:
        """Whether everything given so far has been acknowledged."""
        return self._n_open == 0

    def observe(self, seq: int, organ: str, envelope: Envelope, effects: Effects, _now: Now) -> None:
        """See steps go by: which of them consumed a command, and what came of it."""
        if type(envelope.message) is OperatorCommanded and organ == _meant(envelope.message.command):
            self._consumed.append((seq, envelope.message.command_id, _result(effects)))

    def turn(self) -> float:
        """Deliver what is new, acknowledge what is durable."""
        for command in self._commands.waiting(self._last_id):
            self._last_id = command.id
            identity = f"cmd:{command.id}"
            if identity in self._applied:
                self._commands.acknowledge(command.id, "applied before the restart.")
                continue
            self._n_open += 1
            message = OperatorCommanded(
                command_id=command.id,
                command=command.command,
                operator=command.operator,
                note=self._redact(command.note),  # it is journalled, shown and sent
                hours=command.hours,
                target=command.target,
            )
            self._deliver(_meant(command.command), Envelope(identity, "operator", 0, 0, "", message))
        while self._consumed and self._may_be_told(self._consumed[0][0]):
            _, number, result = self._consumed.popleft()
            self._commands.acknowledge(number, result)
            self._n_open -= 1
            self._looks = 0
        return LOOK_S / 10 if self._n_open else LOOK_S

    def _may_be_told(self, seq: int) -> bool:
        if seq > self._durable_seq():
            return False
        self._looks += 1
        return seq <= self._shown_seq() or self._looks > MOST_LOOKS


class Either:
    """What is in one of several containers, as they are when asked."""

    def __init__(self, *containers: Container[str]) -> None:
        self._containers = containers

    def __contains__(self, item: object) -> bool:
        """Whether one of them has it."""
        return any(item in one for one in self._containers)


def _meant(command: str) -> str:
    """The organ that carries it out."""
    return "reproduction" if command in OF_STRATEGIES else "immune"


def _result(effects: Effects) -> str:
    for effect in effects:
        message = effect.message if type(effect) is Publish else None
        match message:
            case TradingStateChanged():
                return message.after.reason
            case ClosePositions() | EntriesBarred() | StrategyPaused() | StrategyRetired():
                return message.reason
            case _:
                continue
    return "done; nothing had to change."
