"""Products of 8-bit vectors, 64 numbers at once, by the VNNI instructions of AVX-512 (Numba intrinsics).

`dots_8x2` and `dots_1x4` multiply 8 rows by 32 columns, or 1 row by 64. Columns lie in groups of 16: for each
word of four numbers the unsigned bytes of sixteen columns follow one another, 64 bytes in all. Rows are words
of four signed bytes. What comes out are the bits of the columns whose sum lies above the row's limit.
"""

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.core.errors import TypingError
from numba.extending import intrinsic

LANES = 16
"""Columns in a group."""


def available() -> bool:
    """Whether this processor has the instructions, and Numba compiles for it and not for another one."""
    others = config.CPU_NAME or config.CPU_FEATURES  # type: ignore[attr-defined]  # set as it is imported
    if others or config.DISABLE_JIT or not config.ENABLE_AVX:  # type: ignore[attr-defined]
        return False
    try:
        features = llvm.get_host_cpu_features()
    except RuntimeError:  # a processor that LLVM cannot ask
        return False
    return bool(features.get("avx512vnni")) and bool(features.get("avx512bw"))


_I8, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_SUMS, _BYTES = ir.VectorType(_I32, LANES), ir.VectorType(_I8, 4 * LANES)
_WIDE = (
    _BYTES if llvm.llvm_version_info[0] >= 22 else _SUMS
)  # what the intrinsic takes has changed its name only


def _made(rows: int, groups: int) -> Any:
    """`dots(columns, group, words, row, limits, masks) -> bool` over `rows` rows and `groups` groups.

    Arguments: columns int32 (G, W, 16), the first group, words int32 (R, W), the first row, limits int32
    (R,), masks uint16 (rows, groups), which are written. Returns whether any bit is set.
    """

    @intrinsic
    def dots(_context: Any, columns: Any, group: Any, words: Any, row: Any, limits: Any, masks: Any) -> Any:
        _require_rows(columns, words, limits, masks)
        signature = types.boolean(columns, group, words, row, limits, masks)
        return signature, _generator(rows, groups)

    return dots


def _require_rows(*arrays: Any) -> None:
    """What is here reads memory by row; an array laid out otherwise must not compile."""
    if any(array.layout != "C" for array in arrays):
        raise TypingError("an array must lie in memory row after row")


def _generator(rows: int, groups: int) -> Callable[..., Any]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        columns, group, words, row, limits, masks = arguments
        at = [
            context.make_array(kind)(context, builder, value).data
            for kind, value in zip(
                (signature.args[0], signature.args[2], signature.args[4], signature.args[5]),
                (columns, words, limits, masks),
                strict=True,
            )
        ]
        shape = cgutils.unpack_tuple(
            builder, context.make_array(signature.args[2])(context, builder, words).shape, 2
        )
        return _body(builder, (rows, groups), at, group, row, shape[1])

    return generate


def _body(builder: Any, size: tuple[int, int], at: list[Any], group: Any, row: Any, width: Any) -> Any:
    rows, groups = size
    columns, words, limits, masks = at
    multiply = cgutils.get_or_insert_function(
        builder.module,
        ir.FunctionType(_SUMS, [_SUMS, _WIDE, _WIDE]),
        "llvm.x86.avx512.vpdpbusd.512",
    )
    zero = ir.Constant(_SUMS, [0] * LANES)
    sums = [[cgutils.alloca_once_value(builder, zero) for _ in range(groups)] for _ in range(rows)]
    bytes_ = builder.bitcast(columns, _I8.as_pointer())
    with cgutils.for_range(builder, width) as loop:
        some = [
            _load(builder, bytes_, _offset(builder, builder.add(group, _I64(n)), width, loop.index, 64))
            for n in range(groups)
        ]
        for m in range(rows):
            word = builder.load(
                builder.gep(words, [_offset(builder, builder.add(row, _I64(m)), width, loop.index, 1)])
            )
            four = builder.bitcast(_all_alike(builder, word), _WIDE)
            for n in range(groups):
                added = builder.call(multiply, [builder.load(sums[m][n]), some[n], four])
                builder.store(added, sums[m][n])
    found = ir.Constant(_I16, 0)
    for m in range(rows):
        limit = _all_alike(builder, builder.load(builder.gep(limits, [builder.add(row, _I64(m))])))
        for n in range(groups):
            above = builder.icmp_signed(">", builder.load(sums[m][n]), limit)
            mask = builder.bitcast(above, _I16)
            builder.store(mask, builder.gep(masks, [_I64(m * groups + n)]))
            found = builder.or_(found, mask)
    return builder.icmp_unsigned("!=", found, _I16(0))


def _offset(builder: Any, line: Any, width: Any, word: Any, size: int) -> Any:
    return builder.mul(builder.add(builder.mul(line, width), word), _I64(size))


def _load(builder: Any, start: Any, offset: Any) -> Any:
    place = builder.bitcast(builder.gep(start, [offset]), _WIDE.as_pointer())
    return builder.load(place, align=1)


def _all_alike(builder: Any, word: Any) -> Any:
    undefined = ir.Constant(_SUMS, ir.Undefined)
    one = builder.insert_element(undefined, word, _I32(0))
    return builder.shuffle_vector(one, undefined, ir.Constant(_SUMS, [0] * LANES))


def _prefetching() -> Any:
    """`prefetch(vectors, row)` asks for a row of (R, F) 32-bit numbers before it is needed."""

    @intrinsic
    def prefetch(_context: Any, vectors: Any, row: Any) -> Any:
        _require_rows(vectors)
        return types.none(vectors, row), _ask

    return prefetch


def _ask(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    width = cgutils.unpack_tuple(builder, array.shape, 2)[1]
    start = builder.gep(array.data, [builder.mul(arguments[1], width)])
    pointer = _I8.as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [pointer, _I32, _I32, _I32])
    ask = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    with cgutils.for_range_slice(builder, _I64(0), width, _I64(64 // 4), _I64) as (at, _):
        line = builder.bitcast(builder.gep(start, [at]), pointer)
        builder.call(ask, [line, _I32(0), _I32(3), _I32(1)])  # to read, to keep, data
    return context.get_dummy_value()


dots_8x2 = _made(8, 2)
dots_1x4 = _made(1, 4)
prefetch = _prefetching()
