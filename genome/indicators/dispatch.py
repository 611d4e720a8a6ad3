"""One entry for all kernels: by number, through a table of addresses.

Calling fifty kernels from one compiled function by name would compile all fifty into it once more, and again into each
function that calls that one. Here only the kernels that a process uses are compiled, and once. The table lives outside
of compiled code under a name that the linker knows, so that compiled code is cached on disk and finds it in each process.
"""

from typing import Any

import numpy as np
from llvmlite import binding, ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from genome.jit import kernel
from genome.market import F64, I64

_unlikely: Any = cgutils.if_unlikely
_SYMBOL = "organism_indicator_kernels"
MOST_KERNELS = 128
TABLE = np.zeros(MOST_KERNELS, dtype=np.int64)
"""Addresses by code; 0 where the kernel was not asked for in this process."""
binding.add_symbol(_SYMBOL, TABLE.ctypes.data)

_VECTOR = types.Array(types.float64, 1, "C")
ARGUMENTS = (
    _VECTOR, _VECTOR, _VECTOR, types.Array(types.float64, 2, "C"), types.Array(types.int64, 1, "C"), types.int64, _VECTOR,
)  # fmt: skip
"""p, state, x, market, open_s, at, out."""


def enter(code: int, dispatcher: Any) -> None:
    """Compile (or load) a kernel for the one signature and put its address into the table."""
    if not TABLE[code]:
        dispatcher.compile(ARGUMENTS)
        dispatcher.disable_compile()
        (compiled,) = dispatcher.overloads.values()
        TABLE[code] = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)


def _address_of(typingctx: Any, code: Any) -> Any:
    """TABLE[code], wherever the table is in this process; 0 for what is no code."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        table = ir.ArrayType(ir.IntType(64), MOST_KERNELS)
        module = builder.module
        symbol = module.globals.get(_SYMBOL) or ir.GlobalVariable(module, table, _SYMBOL)
        zero = ir.Constant(ir.IntType(64), 0)
        last = ir.Constant(ir.IntType(64), MOST_KERNELS - 1)
        # The last slot stays 0, and is what any other number reads (negative ones are large ones, unsigned).
        slot = builder.select(builder.icmp_unsigned("<", args[0], last), args[0], last)
        return builder.load(builder.gep(symbol, [zero, slot], inbounds=True))

    return types.int64(types.int64), generate


def _call(
    typingctx: Any, address: Any, p: Any, state: Any, x: Any, market: Any, open_s: Any, at: Any, out: Any
) -> Any:
    """Call what `enter` stored, as numba itself calls a compiled function."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        convention = context.call_conv
        function = convention.get_function_type(types.none, signature.args[1:])
        callee = builder.inttoptr(args[0], function.as_pointer())
        status, _ = convention.call_function(builder, callee, types.none, signature.args[1:], args[1:])
        with _unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return types.none(types.int64, *ARGUMENTS), generate


# Called in compiled code as `address_of(code)` and `call(address, p, …)`; to the type checker they are anything.
address_of: Any = intrinsic(_address_of)
call: Any = intrinsic(_call)


@kernel
def advance_any(code: int, p: F64, state: F64, x: F64, market: F64, open_s: I64, at: int, out: F64) -> None:
    """Advance the indicator with this code (`genome.indicators.code_of`, which also makes it ready) over `out.size` bars."""
    address = address_of(code)
    if address == 0:
        raise ValueError(
            "this indicator was not made ready in this process; call genome.indicators.code_of first"
        )
    call(address, p, state, x, market, open_s, at, out)
