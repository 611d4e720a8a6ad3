"""What the breeder tells the body: one small file, written whole, believed only as far as it makes sense."""

import math
import re
from pathlib import Path
from typing import Final, Literal

import msgspec

from organism.errors import BadInput
from organism.journal.tip import write_atomically
from organism.messages import GenerationBred
from organism.trading import BestBred

FOLDER: Final = "evolution"  # in a state folder; `genome.evolve` keeps its checkpoints there
FILE: Final = "status.json"
MOST_BYTES: Final = 64 * 1024
MOST_DETAIL: Final = 400
_MOST_TEXT, _MOST_GENES, _MOST_COUNT = 20_000, 64, 2**53
_NAME = re.compile(r"[A-Za-z0-9_]{1,120}")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """How breeding stands.

    phase    settling: the body has only just started; waiting: for the first bars; resting: until the history has grown;
             breeding; troubled: something hinders it, `detail` says what
    needed   further bars before the next round
    detail   a sentence for a person, or ""
    bred     the newest generation, if there was one
    """

    phase: Literal["settling", "waiting", "breeding", "resting", "troubled"]
    needed: int = 0
    detail: str = ""
    bred: GenerationBred | None = None


def tell(folder: Path, told: Told) -> None:
    """Write it, whole or not at all. Not synced: after a power cut the next one says the same."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / FILE, msgspec.json.encode(told), sync=False)


def heard(folder: Path) -> Told | None:
    """What was told last; None where nothing was. Raises `BadInput` where that cannot be believed."""
    path = folder / FILE
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInput(
            f"{FILE} of the breeder cannot be read ({error.strerror}); nothing it says is shown."
        ) from error
    if len(data) > MOST_BYTES:
        raise BadInput(
            f"{FILE} of the breeder is at most {MOST_BYTES} bytes, was more; nothing it says is shown."
        )
    try:
        told = msgspec.json.decode(data, type=Told)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise BadInput(
            f"{FILE} of the breeder is not what a breeder writes ({error}); nothing it says is shown."
        ) from None
    if doubt := _doubt(told):
        raise BadInput(f"{FILE} of the breeder cannot be believed: {doubt}; nothing it says is shown.")
    return told


def _doubt(told: Told) -> str:
    """Why this is nothing that a breeder would say; "" where it may be."""
    bred = told.bred
    counts = [told.needed]
    numbers: list[float] = []
    texts = [(told.detail, MOST_DETAIL, "detail")]
    if bred is not None:
        counts += [
            bred.round,
            bred.generation,
            bred.generations,
            bred.bars,
            bred.evaluated,
            bred.front,
            bred.trials,
        ]
        numbers.append(bred.evaluations_per_s)
        if not 0 <= bred.until_ns < 2**63:
            return f"until_ns was {bred.until_ns}"
        if best := bred.best:
            if not (_NAME.fullmatch(best.genome_id) and _NAME.fullmatch(best.family)):
                return "the best genome has no proper name"
            if len(best.parameters) > _MOST_GENES or not all(
                _NAME.fullmatch(name) for name, _ in best.parameters
            ):
                return "the best genome has no proper genes"
            numbers += [*_figures(best), *(value for _, value in best.parameters)]
            texts.append((best.text, _MOST_TEXT, "text of the best genome"))
    if not all(0 <= count < _MOST_COUNT for count in counts):
        return f"a count was {next(c for c in counts if not 0 <= c < _MOST_COUNT)}"
    if not all(map(math.isfinite, numbers)):
        return "a figure was not finite"
    return next(
        (f"the {name} is longer than {most} characters" for text, most, name in texts if len(text) > most), ""
    )


def _figures(best: BestBred) -> tuple[float, ...]:
    return best.sharpe, best.consistency, best.max_drawdown, best.turnover, best.trades
