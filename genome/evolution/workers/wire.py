"""Arrays through a pipe: a length, what they are, and their bytes. Nothing that is read can run."""

import struct
from collections.abc import Sequence
from typing import IO, Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_LENGTH: Final = struct.Struct("<q")
_MOST_HEAD: Final = 1 << 16
_KINDS: Final = frozenset({"<f8", "<i8", "<i4"})


class _Shape(msgspec.Struct, frozen=True):
    kind: str
    shape: tuple[int, ...]


def send(stream: IO[bytes], arrays: Sequence[Array]) -> None:
    """Write arrays of float64, int64 or int32, and flush. Raises `OSError` where nobody reads."""
    head = msgspec.json.encode([_Shape(a.dtype.str, a.shape) for a in arrays])
    stream.write(_LENGTH.pack(len(head)) + head)
    for array in arrays:
        stream.write(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    stream.flush()


def receive(stream: IO[bytes]) -> list[Array] | None:
    """Read arrays; None where the stream ends before them. Raises `EOFError` where it ends within, `ValueError` for nonsense."""
    first = stream.read(_LENGTH.size)
    if not first:
        return None
    length = _LENGTH.unpack(_whole(first, _LENGTH.size))[0]
    if not 0 <= length <= _MOST_HEAD:
        raise ValueError(f"a head of {length} bytes")
    shapes = msgspec.json.decode(_whole(stream.read(length), length), type=list[_Shape])
    arrays: list[Array] = []
    for one in shapes:
        if one.kind not in _KINDS or any(n < 0 for n in one.shape):
            raise ValueError(f"an array of {one.kind} {one.shape}")
        array = np.empty(one.shape, one.kind)
        if array.size:
            view = array.data.cast("B")
            got = 0
            while got < len(view):
                part = stream.readinto(view[got:])  # type: ignore[attr-defined]
                if not part:
                    raise EOFError("the stream ended within an array")
                got += part
        arrays.append(array)
    return arrays


def _whole(data: bytes, length: int) -> bytes:
    if len(data) < length:
        raise EOFError("the stream ended within a message")
    return data
