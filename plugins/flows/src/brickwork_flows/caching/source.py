"""What a function does, as its compiled code says it: comments and line numbers do not count."""

from collections.abc import Iterator
from functools import partial
from types import CodeType, MethodType
from typing import Any


def code_parts(function: Any) -> Iterator[Any]:
    """Give the parts of what a function does, plain values all, with those that it wraps.

    What it reads from outside, such as globals and variables around it, is not part of it.
    """
    seen = 0
    while function is not None and seen < 100:
        seen += 1
        if isinstance(function, MethodType):
            function = function.__func__
        if isinstance(function, partial):
            yield ("partial", function.args, function.keywords)
            function = function.func
            continue
        code = getattr(function, "__code__", None)
        if isinstance(code, CodeType):
            yield from _parts(code)
        elif isinstance(of_class := getattr(type(function).__call__, "__code__", None), CodeType):
            yield from _parts(of_class)
        else:
            yield f"{getattr(function, '__module__', '')}:{getattr(function, '__qualname__', '')}"
        function = getattr(function, "__wrapped__", None)


def _parts(code: CodeType) -> Iterator[Any]:
    yield code.co_code
    yield code.co_exceptiontable
    yield (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    yield (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant.co_name
            yield from _parts(constant)
        else:
            yield constant
