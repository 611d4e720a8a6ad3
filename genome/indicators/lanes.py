"""Eight numbers side by side, as one value: what loops over several columns at once are made of.

A loop that carries a number from bar to bar waits for it; eight of them in one register wait together. LLVM finds no such
loop by itself, because the columns lie apart in memory.
"""

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core.datamodel import models
from numba.core.datamodel.registry import register_default
from numba.extending import intrinsic

LANES = 8
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)


class _Lanes(types.Type):
    """The type of eight float64 in one register."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


_LANES = _Lanes()


@register_default(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)  # type: ignore[no-untyped-call]


def _pointer(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, _VECTOR.as_pointer())


@intrinsic
def _lanes(typingctx: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any) -> Any:
    """Eight numbers as one value."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = ir.Constant(_VECTOR, ir.Undefined)
        for k, number in enumerate(arguments):
            made = builder.insert_element(made, number, ir.Constant(ir.IntType(32), k))
        return made

    return _LANES(*[types.float64] * LANES), codegen


@intrinsic
def _towards(typingctx: Any, values: Any, alphas: Any, new: Any) -> Any:
    """Values + alphas · (new − values), with the roundings of the same in scalars."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, alphas, new = arguments
        one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), new, ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        all_new = builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), zeros)
        return builder.fadd(values, builder.fmul(alphas, builder.fsub(all_new, values)))

    return _LANES(_LANES, _LANES, types.float64), codegen


@intrinsic
def _spread(
    typingctx: Any, address: Any, stride: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any
) -> Any:
    """Write lane k of a … h to eight neighbours at address + k · stride: eight rows of eight become eight columns."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, stride, *rows = arguments
        for row in _turned(builder, rows):
            builder.store(row, _pointer(builder, address), align=8)
            address = builder.add(address, stride)
        return context.get_dummy_value()

    return types.void(types.uint64, types.uint64, *[_LANES] * LANES), codegen


@intrinsic
def _tile_of_eight(typingctx: Any, values: Any, alphas: Any, sources: Any, results: Any, offset: Any) -> Any:
    """Eight averages, each of a source of its own, over eight bars; returns their newest values.

    sources, results   addresses of eight uint64: where the column of each lane begins; `offset` bytes further lies the bar
    """

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, alphas, sources, results, offset = arguments
        word = ir.IntType(64)

        def places(table: Any) -> list[Any]:
            first = builder.inttoptr(table, word.as_pointer())
            lie = [builder.load(builder.gep(first, [ir.Constant(word, k)])) for k in range(LANES)]
            return [_pointer(builder, builder.add(begins, offset)) for begins in lie]

        rows = []
        for new in _turned(builder, [builder.load(place, align=8) for place in places(sources)]):
            values = builder.fadd(values, builder.fmul(alphas, builder.fsub(new, values)))
            rows.append(values)
        for row, place in zip(_turned(builder, rows), places(results), strict=True):
            builder.store(row, place, align=8)
        return values

    return _LANES(_LANES, _LANES, types.uint64, types.uint64, types.uint64), codegen


def _turned(builder: Any, rows: list[Any]) -> list[Any]:
    """Eight rows of eight as eight columns: blocks of one, two, four are exchanged, as a matrix is transposed in halves."""
    for half in (1, 2, 4):
        made = list(rows)
        for k in range(LANES):
            if not k & half:
                made[k], made[k + half] = (
                    builder.shuffle_vector(rows[k], rows[k + half], _mask(half, upper=upper))
                    for upper in (False, True)
                )
        rows = made
    return rows


def _mask(half: int, *, upper: bool) -> Any:
    """Of two rows, the lanes whose index has this bit clear (or set), alternately from each."""
    bit = half if upper else 0
    places = [(k & ~half | bit) + (LANES if k & half else 0) for k in range(LANES)]
    return ir.Constant(ir.VectorType(ir.IntType(32), LANES), places)


# To the type checker they are anything.
lanes: Any = _lanes
towards: Any = _towards
spread: Any = _spread
tile_of_eight: Any = _tile_of_eight
