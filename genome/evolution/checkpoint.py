"""A run on disk: its whole state in one file, which is there whole or not at all.

The file is a zip of arrays (numpy's npz; nothing in it can run), with a digest over all of them. It is written beside the
old one, made durable, and then takes its name: whatever happens meanwhile, a full disk or a cut of power, the old one is
whole. A state goes on only where everything that decides a run is the same: plan, data, lexicon, and the rules themselves.
"""

import hashlib
import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from genome import jit
from genome.breeding.flat import Flock
from genome.breeding.lexicon import Lexicon
from genome.breeding.variation import Limits
from genome.evolution.loop import State
from genome.evolution.members import Members, Worth
from genome.evolution.plan import Plan
from organism.errors import BadInput

FORMAT = 1
_META, _DIGEST = "meta", "digest"
_MOST_BYTES = 4 << 30
_DAMAGED = (ValueError, EOFError, LookupError, ArithmeticError, RuntimeError, SyntaxError, MemoryError, zipfile.BadZipFile,
            struct.error, zlib.error)  # fmt: skip
"""What reading a file raises whose bytes were changed."""
Arrays = dict[str, np.ndarray[Any, Any]]


@cache
def version() -> str:
    """The rules that a run follows, as 16 hex digits: sources of breeding, simulator and evolution."""
    digest = hashlib.sha256(jit.stamp().encode())
    for path in sorted(Path(__file__).resolve().parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def lexicon_name(words: Lexicon) -> str:
    """What trees may be made of, as 16 hex digits."""
    digest = hashlib.sha256()
    for part in words:
        digest.update(str((part.shape, part.dtype.str)).encode())
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:16]


def save(path: Path, state: State, words: Lexicon) -> None:
    """Write a state durably. Raises `BadInput` where there is no room; what was there before is whole then."""
    arrays = _arrays_of(state)
    meta = {
        "format": FORMAT, "version": version(), "data": state.data, "words": lexicon_name(words), "plan": asdict(state.plan),
        "generation": state.generation, "evaluated": state.evaluated,
    }  # fmt: skip
    arrays[_META] = np.frombuffer(json.dumps(meta, sort_keys=True).encode(), np.uint8)
    arrays[_DIGEST] = np.frombuffer(_digest(arrays), np.uint8)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise BadInput(
            f"the checkpoint {path} could not be written ({error.strerror or error}); the one before it, if any, is whole, "
            "so free some room and resume from it."
        ) from error


def load(path: Path, plan: Plan, data: str, words: Lexicon) -> State:
    """Read a state of this plan, data and lexicon; only the number of generations may be another than it was.

    Raises `BadInput`, naming both, where it is of another run.
    """
    arrays = _read(path)
    try:
        meta = json.loads(arrays[_META].tobytes())
        _must_belong(path, meta, plan, data, words)
        return _state_of(arrays, meta, plan)
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise BadInput(f"the checkpoint {path} has not the parts of one ({error}); begin anew.") from None


def peek(path: Path) -> dict[str, Any]:
    """What a checkpoint says of itself: format, version, data, words, plan, generation, evaluated. Raises `BadInput`."""
    found: dict[str, Any] = json.loads(_read(path)[_META].tobytes())
    return found


def _must_belong(path: Path, meta: Mapping[str, Any], plan: Plan, data: str, words: Lexicon) -> None:
    pairs = [
        ("the format", meta["format"], FORMAT),
        ("the rules", meta["version"], version()),
        ("the seed", meta["plan"]["seed"], plan.seed),
        ("the data", meta["data"], data),
        ("the lexicon", meta["words"], lexicon_name(words)),
    ]
    told = {
        **meta["plan"],
        "limits": Limits(**meta["plan"]["limits"]),
        "reference": tuple(meta["plan"]["reference"]),
    }
    # How many generations there are to be decides nothing about those that were.
    differences = plan.differences(replace(Plan(**told), generations=plan.generations))
    pairs += [(f"{name} of the plan", theirs, ours) for name, ours, theirs in differences]
    for what, theirs, ours in pairs:
        if theirs != ours:
            raise BadInput(
                f"{what} of the checkpoint {path} was {theirs}, but this run has {ours}; resume with what it was begun "
                "with, or begin anew in another file."
            )


def _read(path: Path) -> Arrays:
    """All arrays of a file whose digest is right."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadInput(
                f"the checkpoint {path} has {path.stat().st_size:,} bytes; at most {_MOST_BYTES:,} are read."
            )
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays: Arrays = {name: file[name] for name in file.files}
    except OSError as error:
        raise BadInput(f"the checkpoint {path} could not be read: {error.strerror or error}.") from None
    except _DAMAGED as error:
        raise BadInput(
            f"the checkpoint {path} is damaged ({error}); begin anew, or take an older copy."
        ) from None
    told = arrays.get(_DIGEST)
    if told is None or told.tobytes() != _digest(arrays):
        raise BadInput(f"the checkpoint {path} does not match its digest; begin anew, or take an older copy.")
    return arrays


def _digest(arrays: Arrays) -> bytes:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        if name != _DIGEST:
            array = arrays[name]
            digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
            digest.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    return digest.digest()


def _arrays_of(state: State) -> Arrays:
    arrays: Arrays = {"days": state.days, "archive": state.archive, "known_keys": state.known_keys}
    for name, members in (*((f"island{i}", m) for i, m in enumerate(state.islands)), ("hall", state.hall)):
        flock = members.flock
        arrays |= {
            f"{name}.tokens": flock.tokens, f"{name}.numbers": flock.values, f"{name}.offsets": flock.offsets,
            f"{name}.genes": flock.genes, f"{name}.keys": members.keys, f"{name}.born": members.born,
            f"{name}.lineage": members.lineage,
        }  # fmt: skip
        arrays |= _of_worth(name, members.worth)
    return arrays | _of_worth("known", state.known)


def _of_worth(name: str, worth: Worth) -> Arrays:
    return {f"{name}.{part}": getattr(worth, part) for part in _WORTH}


_WORTH = ("values", "violations", "trades", "shapes")


def _state_of(arrays: Arrays, meta: Mapping[str, Any], plan: Plan) -> State:
    def worth(name: str) -> Worth:
        return Worth(*(arrays[f"{name}.{part}"] for part in _WORTH))

    def members(name: str) -> Members:
        flock = Flock(*(arrays[f"{name}.{part}"] for part in ("tokens", "numbers", "offsets", "genes")))
        return Members(
            flock, arrays[f"{name}.keys"], worth(name), arrays[f"{name}.born"], arrays[f"{name}.lineage"]
        )

    return State(
        plan=plan, data=str(meta["data"]), generation=int(meta["generation"]), days=arrays["days"],
        islands=tuple(members(f"island{i}") for i in range(plan.islands)), hall=members("hall"), archive=arrays["archive"],
        known_keys=arrays["known_keys"], known=worth("known"), evaluated=int(meta["evaluated"]),
    )  # fmt: skip
