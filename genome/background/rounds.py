"""Which round is due: a pure function of the history, of the round before, and of the settings."""

import hashlib
import math
from pathlib import Path
from typing import Final

import msgspec

from genome.background.lived import History, Span
from organism.journal.tip import write_atomically
from organism.settings import EvolutionSettings

FILE: Final = "round.json"
_MOST_BYTES: Final = 4_096


class Round(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A round that was begun, and what it is bred on: whoever is started again goes on with the same one.

    number   1, 2, 3 …
    done     nothing is left to do in it
    """

    number: int
    session: int
    first_ns: int
    until_ns: int
    bars: int
    done: bool = False

    @property
    def span(self) -> Span:
        """What it is bred on."""
        return Span(self.session, self.first_ns, self.until_ns, self.bars)


class Wait(msgspec.Struct, frozen=True):
    """Nothing is due before so many more bars were lived."""

    bars: int


def due(history: History, last: Round | None, settings: EvolutionSettings) -> Round | Wait:
    """The round to breed now: the last one where it is not done, a new one where the history has grown enough."""
    if last is not None and not last.done and history.holds(last.span):
        return last
    longest = history.longest
    have = 0 if longest is None else longest.bars
    if longest is None or have < settings.min_bars:
        return Wait(settings.min_bars - have)
    if last is not None:
        missing = math.ceil(settings.growth * last.bars) - history.after(last.until_ns)
        if last.done and missing > 0:
            return Wait(missing)
    return Round(
        number=1 if last is None else last.number + 1, session=longest.session, first_ns=longest.first_ns,
        until_ns=longest.until_ns, bars=longest.bars,
    )  # fmt: skip


def seed_of(seed: int, number: int) -> int:
    """The seed of a round, of the body's seed and the round's number.

    >>> seed_of(1, 1) == seed_of(1, 1), seed_of(1, 1) == seed_of(1, 2)
    (True, False)
    """
    digest = hashlib.blake2b(f"{seed} {number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


def begun(folder: Path) -> Round | None:
    """The round that was written down last; None where there is none that can be read."""
    try:
        with (folder / FILE).open("rb") as file:
            return msgspec.json.decode(file.read(_MOST_BYTES), type=Round)
    except (OSError, msgspec.DecodeError):
        return None


def write_down(folder: Path, one: Round) -> None:
    """Make a round survive whatever happens to this process."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / FILE, msgspec.json.encode(one), sync=True)
