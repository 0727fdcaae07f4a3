"""Sixteen float32 at once in compiled kernels: vectors that stay in registers over a loop, where an array would go through memory.

LLVM splits or joins them to what the processor has: two registers of AVX, one of AVX-512, four of NEON. In a kernel `+`, `-` and `*` of
them are rounded step by step as for numbers; only `multiply_add` may be fused.
"""

import operator
from collections.abc import Callable
from typing import Any, no_type_check

from llvmlite import ir
from numba import types
from numba.core.datamodel import models
from numba.extending import intrinsic, overload, register_model

WIDTH = 16
_VECTOR = ir.VectorType(ir.FloatType(), WIDTH)
_BITS = ir.IntType(64)
Generated = tuple[Any, Callable[[Any, Any, Any, Any], Any]]


class Lanes(types.Type):
    """The type of such a vector in a kernel."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, front_end: Any) -> None:
        super().__init__(manager, front_end, _VECTOR)  # type: ignore[no-untyped-call]


LANES = Lanes()


def _address(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Address of the vector at an index, the second argument, of a contiguous array of one axis, the first."""
    data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
    index = context.cast(builder, arguments[1], signature.args[1], types.intp)
    return builder.bitcast(builder.gep(data, [index]), _VECTOR.as_pointer())


@intrinsic
def load_lanes(_typing: Any, array: Any, start: Any) -> Generated:
    """array[start : start + 16] of a contiguous float32 array of one axis; bounds are not checked."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_address(context, builder, signature, arguments), align=4)

    return LANES(array, start), generate


@intrinsic
def store(_typing: Any, array: Any, start: Any, lanes: Any) -> Generated:
    """array[start : start + 16] = lanes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[2], _address(context, builder, signature, arguments), align=4)
        return context.get_dummy_value()

    return types.void(array, start, lanes), generate


def _everywhere(builder: Any, number: Any) -> Any:
    empty = ir.Constant(_VECTOR, ir.Undefined)
    first = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(builder.insert_element(empty, number, ir.IntType(32)(0)), empty, first)


@intrinsic
def spread(_typing: Any, number: Any) -> Generated:
    """One float32 in all lanes."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return _everywhere(builder, arguments[0])

    return LANES(types.float32), generate


@intrinsic
def spread_from(_typing: Any, array: Any, index: Any) -> Generated:
    """array[index] in all lanes; negative indices do not count from the end, which takes longer than the rest."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = builder.bitcast(_address(context, builder, signature, arguments), ir.FloatType().as_pointer())
        return _everywhere(builder, builder.load(place))

    return LANES(array, index), generate


def _of_two(make: Callable[[Any, Any, Any], Any], result: Any = LANES) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return make(builder, *arguments)

    def function(_typing: Any, a: Any, b: Any) -> Generated:
        return result(a, b), generate

    return intrinsic(function)


def _as_bits(builder: Any, which: Any) -> Any:
    return builder.zext(builder.bitcast(which, ir.IntType(WIDTH)), _BITS)


_sum = _of_two(lambda builder, a, b: builder.fadd(a, b))
_difference = _of_two(lambda builder, a, b: builder.fsub(a, b))
_product = _of_two(lambda builder, a, b: builder.fmul(a, b))
larger_lanes = _of_two(lambda builder, a, b: builder.select(builder.fcmp_ordered(">", a, b), a, b))
"""The larger value of each lane; neither may be NaN."""
smaller_lanes = _of_two(lambda builder, a, b: builder.select(builder.fcmp_ordered("<", a, b), a, b))
below = _of_two(lambda builder, a, b: _as_bits(builder, builder.fcmp_ordered("<", a, b)), types.uint64)
"""A number whose bit i is set where lane i of the first is less than that of the second."""


@no_type_check
def _overload_operator(symbol, function):
    """Define an operator between two vectors."""

    def choose(a, b):
        return (lambda a, b: function(a, b)) if a is LANES and b is LANES else None

    overload(symbol)(choose)


_overload_operator(operator.add, _sum)
_overload_operator(operator.sub, _difference)
_overload_operator(operator.mul, _product)


@intrinsic
def multiply_add(_typing: Any, a: Any, b: Any, c: Any) -> Generated:
    """a * b + c, in one step where the processor can."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        product = builder.fmul(arguments[0], arguments[1], flags=("contract",))
        return builder.fadd(product, arguments[2], flags=("contract",))

    return LANES(a, b, c), generate


@intrinsic
def magnitude(_typing: Any, a: Any) -> Generated:
    """Absolute values."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        integers = ir.VectorType(ir.IntType(32), WIDTH)
        without_sign = ir.Constant(integers, [0x7FFFFFFF] * WIDTH)
        return builder.bitcast(builder.and_(builder.bitcast(arguments[0], integers), without_sign), _VECTOR)

    return LANES(a), generate


@intrinsic
def smallest(_typing: Any, a: Any) -> Generated:
    """The smallest value of the lanes."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        lanes = arguments[0]
        for half in (8, 4, 2, 1):
            order = [(i + half) % WIDTH for i in range(WIDTH)]
            other = builder.shuffle_vector(lanes, lanes, ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), order))
            lanes = builder.select(builder.fcmp_ordered("<", lanes, other), lanes, other)
        return builder.extract_element(lanes, ir.IntType(32)(0))

    return types.float32(a), generate


@intrinsic
def lowest_bit(_typing: Any, bits: Any) -> Generated:
    """Number of the lowest bit that is set, of a number that is not 0."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.int64(types.uint64), generate


@intrinsic
def count_bits(_typing: Any, bits: Any) -> Generated:
    """The number of bits that are set."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate
