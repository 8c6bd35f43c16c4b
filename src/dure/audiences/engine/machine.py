"""What Python lacks, for compiled code only: memory by its address, a line of eight words at once, and the bits set in a word."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WORD = ir.IntType(64)
LINE = ir.VectorType(WORD, 8)


def _pointer(builder: Any, address: Any, place: Any, type_: Any) -> Any:
    """Through a pointer and an index, not by sums of integers: so LLVM sees neighbours, and takes four at a time."""
    return builder.gep(builder.inttoptr(address, type_.as_pointer()), [place])


def _word_at(context: Any, address: Any, place: Any) -> Any:
    """The `place`-th 64-bit word after an address, which need not be aligned: portable bitmaps are packed by the byte."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.load(_pointer(builder, given[0], given[1], WORD), align=1)

    return types.uint64(types.uint64, types.int64), generate


def _half_at(context: Any, address: Any, place: Any) -> Any:
    """The `place`-th 16-bit number after an address, as a signed 64-bit one."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.zext(builder.load(_pointer(builder, given[0], given[1], ir.IntType(16)), align=1), WORD)

    return types.int64(types.uint64, types.int64), generate


def _put_word(context: Any, address: Any, place: Any, word: Any) -> Any:
    """Writes the `place`-th word after an address."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        builder.store(given[2], _pointer(builder, given[0], given[1], WORD), align=1)
        return context.get_dummy_value()

    return types.void(types.uint64, types.int64, types.uint64), generate


def _line(builder: Any, address: Any, line: Any) -> Any:
    return builder.load(_pointer(builder, address, line, LINE), align=1)


def _any_bit(builder: Any, line: Any) -> Any:
    kind = ir.FunctionType(WORD, [LINE])
    reduce = cgutils.get_or_insert_function(builder.module, kind, "llvm.vector.reduce.or.v8i64")  # type: ignore[no-untyped-call]
    return builder.call(reduce, [line])


def _joined(join: Any) -> Any:
    """A line of `a` and one of `b`, joined and written onto one of `onto`; returns all its words, ored into one."""

    def build(context: Any, a: Any, b: Any, onto: Any, line: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            made = join(builder, _line(builder, given[0], given[3]), _line(builder, given[1], given[3]))
            builder.store(made, _pointer(builder, given[2], given[3], LINE), align=1)
            return _any_bit(builder, made)

        return types.uint64(types.uint64, types.uint64, types.uint64, types.int64), generate

    return build


def _some_in(context: Any, address: Any, line: Any) -> Any:
    """All words of a line, ored into one."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return _any_bit(builder, _line(builder, given[0], given[1]))

    return types.uint64(types.uint64, types.int64), generate


def _ones(context: Any, word: Any) -> Any:
    """How many bits of a word are set."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.ctpop(given[0])

    return types.int64(types.uint64), generate


# The type checker sees these as the decorator's machinery, compiled code as what they do.
word_at: Any = intrinsic(_word_at)
half_at: Any = intrinsic(_half_at)
put_word: Any = intrinsic(_put_word)
ones: Any = intrinsic(_ones)
some_in: Any = intrinsic(_some_in)
and_line: Any = intrinsic(_joined(lambda builder, a, b: builder.and_(a, b)))
without_line: Any = intrinsic(_joined(lambda builder, a, b: builder.and_(a, builder.not_(b))))
or_line: Any = intrinsic(_joined(lambda builder, a, b: builder.or_(a, b)))
