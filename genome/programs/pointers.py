"""Rows of memory as arrays without a reference count.

A view of an array that threads share costs an atomic increment each time it is taken, and two threads then run no
faster than one. A row made from an address has no owner: whoever calls a kernel keeps the memory alive.
"""

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import carray, types  # type: ignore[attr-defined]
from numba.extending import intrinsic
from numpy.typing import NDArray

from genome.jit import inlined

Address = np.uint64
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
U64 = NDArray[np.uint64]


def _pointer(item: Any) -> Any:
    """An intrinsic that turns a uint64 address into a pointer to `item`."""

    @intrinsic
    def pointer_at(typingctx: Any, address: Any) -> Any:  # noqa: ARG001 - the form numba asks for
        signature = types.CPointer(item)(types.uint64)  # type: ignore[no-untyped-call]

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return signature, codegen

    return pointer_at


_float64_at, _uint8_at, _uint64_at = (_pointer(t) for t in (types.float64, types.uint8, types.uint64))


@inlined
def floats_at(address: Address, n: int) -> F64:
    """float64 (n,) at an address."""
    row: F64 = carray(_float64_at(address), n)
    return row


@inlined
def bytes_at(address: Address, n: int) -> U8:
    """uint8 (n,) at an address."""
    row: U8 = carray(_uint8_at(address), n)
    return row


@inlined
def words_at(address: Address, n: int) -> U64:
    """uint64 (n,) at an address: eight bytes at once."""
    row: U64 = carray(_uint64_at(address), n)
    return row


@intrinsic
def _lowest_bit(typingctx: Any, word: Any) -> Any:  # noqa: ARG001 - the form numba asks for
    """Index of the lowest set bit of a uint64 that is not zero."""
    signature = types.uint64(types.uint64)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return signature, codegen


@inlined
def first_byte(word: np.uint64) -> int:
    """Index of the lowest byte of a word that is not zero; the word must not be zero."""
    return int(_lowest_bit(word)) >> 3  # type: ignore[call-arg]
