"""Rows of memory as arrays that nobody owns.

A view of an array that threads share costs an atomic increment each time it is taken, and two threads then run no
faster than one. A row made from an address has no owner: whoever calls a kernel keeps the memory alive.
"""

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic
from numba.np import arrayobj
from numpy.typing import NDArray

_arrays: Any = arrayobj
Address = np.uint64
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
U64 = NDArray[np.uint64]


def _row(item: Any) -> Any:
    """An intrinsic (address, n) → array of n items, C order, without an owner."""
    array = types.Array(item, 1, "C")

    def row(typingctx: Any, address: Any, n: Any) -> Any:  # noqa: ARG001 - the form numba asks for
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
            kind = context.get_value_type(types.intp)
            width = context.get_abi_sizeof(context.get_data_type(item))
            pointer = builder.inttoptr(arguments[0], context.get_data_type(item).as_pointer())
            made: Any = _arrays.make_array(array)(context, builder)
            size = ir.Constant(kind, width)
            _arrays.populate_array(
                made, data=pointer, shape=[arguments[1]], strides=[size], itemsize=size, meminfo=None
            )
            return made._getvalue()  # noqa: SLF001 - numba offers no other way

        return array(types.uint64, types.int64), codegen

    return intrinsic(row)


# Called in compiled code as `floats_at(address, n)`; to the type checker they are anything.
floats_at: Any = _row(types.float64)
bytes_at: Any = _row(types.uint8)
words_at: Any = _row(types.uint64)
"""float64, uint8 and uint64 at an address."""


@intrinsic
def _table(typingctx: Any, address: Any, rows: Any, n: Any, stride: Any) -> Any:  # noqa: ARG001 - the form numba asks for
    """An array (rows, n) of float64 without an owner, whose rows begin `stride` floats apart."""
    array = types.Array(types.float64, 2, "A")

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        address, rows, n, stride = arguments
        size = ir.Constant(context.get_value_type(types.intp), _FLOAT)
        pointer = builder.inttoptr(address, context.get_data_type(types.float64).as_pointer())
        made: Any = _arrays.make_array(array)(context, builder)
        strides = [builder.mul(stride, size), size]
        _arrays.populate_array(
            made, data=pointer, shape=[rows, n], strides=strides, itemsize=size, meminfo=None
        )
        return made._getvalue()  # noqa: SLF001 - numba offers no other way

    return array(types.uint64, types.int64, types.int64, types.int64), codegen


_FLOAT = 8
table_at: Any = _table
"""float64 (rows, n) at an address: `table_at(address, rows, n, stride)`."""


@intrinsic
def _lowest_bit(typingctx: Any, word: Any) -> Any:  # noqa: ARG001 - the form numba asks for
    """Index of the lowest set bit of a uint64 that is not zero."""
    signature = types.int64(types.uint64)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return signature, codegen


lowest_bit: Any = _lowest_bit


def _compared(true: str, false: str) -> Any:
    """An intrinsic (address of a, of b, of two bytes) that compares eight floats with eight.

    The bits of one byte say where `a true b` holds, those of the other where `a false b` does; for NaN neither does.
    LLVM does not find this instruction in a loop by itself.
    """

    def compare(typingctx: Any, a: Any, b: Any, yes: Any, no: Any) -> Any:  # noqa: ARG001
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
            eight, byte = ir.VectorType(ir.DoubleType(), 8), ir.IntType(8)
            left, right = (
                builder.load(builder.inttoptr(at, eight.as_pointer()), align=8) for at in arguments[:2]
            )
            for operator, at in ((true, arguments[2]), (false, arguments[3])):
                bits = builder.bitcast(builder.fcmp_ordered(operator, left, right), byte)
                builder.store(bits, builder.inttoptr(at, byte.as_pointer()))
            return context.get_dummy_value()

        return types.void(types.uint64, types.uint64, types.uint64, types.uint64), codegen

    return intrinsic(compare)


greater_eight: Any = _compared(">", "<=")
at_least_eight: Any = _compared(">=", "<")
