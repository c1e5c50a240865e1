"""What templates of notifications may do: show, choose, repeat, and filters that are listed here.

Jinja2's sandbox keeps templates from what Python objects lead to. It does not limit what they cost:
``{{ "x" * 10 ** 10 }}`` is as good as an attack on memory. So a template is read first, and all in
it that is not on the lists below is refused; what is left is counted while it works. See
https://jinja.palletsprojects.com/en/stable/sandbox/#security-considerations.

Imported only to render, since it needs Jinja2.
"""

import time
from collections.abc import (
    Callable,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    Sized,
    ValuesView,
)
from contextvars import ContextVar
from functools import lru_cache, wraps
from inspect import isgenerator
from typing import Any, cast

from jinja2 import StrictUndefined, Template, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext, Undefined, markup_join, str_join
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

MAX_BYTES = 256 * 1024
"""The size of what is rendered, in UTF-8."""
MAX_SECONDS = 2.0
MAX_WORK = 16 * 1024 * 1024
"""How much is made on the way: characters and items."""
MAX_NUMBER = 10**12
MAX_ARGUMENT = 1000

_STATEMENTS = "Template Output TemplateData For If Assign With"
_EXPRESSIONS = (
    "Name Const Tuple List CondExpr Filter Test Call Getattr Getitem Slice Keyword Concat Compare"
    " Operand Add Sub Mul Div FloorDiv Mod And Or Not Neg Pos"
)
_NODES = frozenset(f"{_STATEMENTS} {_EXPRESSIONS}".split())
_NO_NAMES = frozenset({"self", "super", "caller", "varargs", "kwargs"})

_TEXT_FILTERS = (
    "abs capitalize e escape filesizeformat float indent int lower replace round string title trim"
    " truncate upper urlencode wordcount"
)
_LIST_FILTERS = (
    "count dictsort first items join last length list map max min reject rejectattr reverse select"
    " selectattr sort unique"
)
_GROWING = frozenset({"indent", "join", "replace"})

_TEXT_METHODS = (
    "capitalize casefold count endswith find index isalnum isalpha isdecimal isdigit islower"
    " isspace isupper lower lstrip partition removeprefix removesuffix rpartition rsplit rstrip"
    " split splitlines startswith strip swapcase title upper"
)
_LOOP_PARTS = (
    "changed cycle depth depth0 first index index0 last length nextitem previtem revindex revindex0"
)
_ATTRIBUTES: Mapping[type, frozenset[str]] = {
    str: frozenset(_TEXT_METHODS.split()),
    dict: frozenset({"get", "items", "keys", "values"}),
    LoopContext: frozenset(_LOOP_PARTS.split()),
}

_SCALARS = (str, int, float, type(None))


class TooMuch(Exception):
    """A template makes too much, or takes too long."""


class Refused(SecurityError):
    """A template holds what none may hold; found when it is read.

    Attributes:
        lineno: Where.
    """

    def __init__(self, lineno: int) -> None:
        super().__init__("refused")
        self.lineno = lineno


class _Budget:
    """What one rendering may still cost."""

    def __init__(self) -> None:
        self._left = MAX_WORK
        self._until = time.monotonic() + MAX_SECONDS

    def spend(self, work: int) -> None:
        self._left -= work + 1
        if self._left < 0 or time.monotonic() > self._until:
            raise TooMuch


_budget: ContextVar[_Budget] = ContextVar("brickwork_template_budget")


def rendered(source: str, parts: Mapping[str, object], *, html: bool) -> str:
    """Return what a template makes of the parts of a notification.

    Args:
        source: The template.
        parts: What it may use, by name.
        html: Whether values are escaped for HTML.

    Raises:
        Exception: Anything that a template can make go wrong; see `line_of`.
    """
    token = _budget.set(_Budget())
    try:
        template = compiled(source, html)
        chunks: list[str] = []
        size = 0
        for chunk in template.root_render_func(template.new_context(dict(parts))):
            _budget.get().spend(0)
            size += len(chunk.encode("utf-8", "surrogatepass"))
            if size > MAX_BYTES:
                raise TooMuch
            chunks.append(chunk)
        return "".join(chunks)
    finally:
        _budget.reset(token)


def line_of(error: BaseException) -> int | None:
    """Return the line of a template that an error is about, from 1; None if it cannot be told."""
    line: int | None = (
        getattr(error, "lineno", None) if not isinstance(error, SyntaxError) else None
    )
    trace = error.__traceback__
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(template, Template):
            line = template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line


@lru_cache(maxsize=64)
def compiled(source: str, html: bool) -> Template:
    """Read, check and compile a template. Raises like `rendered`."""
    environment = _environments[html]
    tree = _Reader().visit(environment.parse(source))
    tree.set_environment(environment)
    return Template.from_code(environment, environment.compile(tree), {"range": _range})


class _Reader(NodeTransformer):
    """Refuses what is not on the lists, and has counted what could grow without a filter."""

    def generic_visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> nodes.Node:
        kind = type(node).__name__
        name = getattr(node, "name", None)
        if (
            kind not in _NODES
            or (kind == "For" and node.recursive)  # type: ignore[attr-defined]  # of that kind
            or (kind == "Filter" and name not in _FILTERS)
            or (kind == "Name" and name in _NO_NAMES)
        ):
            raise Refused(node.lineno)
        super().generic_visit(node, *args, **kwargs)
        if isinstance(node, nodes.For):
            node.iter = _through("_counted", cast("nodes.Expr", node.iter))
        elif isinstance(node, nodes.Concat):
            return _through("_concatenated", nodes.Tuple(node.nodes, "load", lineno=node.lineno))
        elif isinstance(node, nodes.List) or (isinstance(node, nodes.Tuple) and node.ctx == "load"):
            return _through("_flat", node)
        return node


def _through(name: str, node: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ARG002  # overrides
        kind = str if type(obj) is Markup else type(obj)
        return attr in _ATTRIBUTES.get(kind, ())

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is dict and attribute not in _ATTRIBUTES[dict]:
            return self.getitem(obj, attribute)  # a field that is called like a method
        return super().getattr(obj, attribute)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002  # overrides
        if isinstance(obj, Undefined):
            obj()  # raises
        owner, name = getattr(obj, "__self__", None), getattr(obj, "__name__", "")
        if obj is not _range and not self.is_safe_attribute(owner, name, obj):
            raise SecurityError("call")
        result = obj(*args, **kwargs)
        _budget.get().spend(_size(result))
        return result

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            _budget.get().spend(len(left) + len(right))
        elif not all(
            isinstance(each, int | float) and abs(each) < MAX_NUMBER for each in (left, right)
        ):
            raise SecurityError(operator)
        return super().call_binop(context, operator, left, right)


def _range(*args: int) -> range:
    made = range(*args)
    if len(made) > MAX_ARGUMENT:
        raise TooMuch
    return made


def _size(value: object) -> int:
    return len(value) if isinstance(value, Sized) else 1


def _shown(value: object) -> object:
    """Let texts and numbers be shown, and nothing else: a list is joined by its author."""
    if isinstance(value, Undefined):
        return str(value)  # raises
    if not isinstance(value, _SCALARS):
        raise SecurityError("shown")
    return "" if value is None else value


def _counted(items: Iterable[object]) -> Iterator[object]:
    for item in items:
        _budget.get().spend(_size(item))
        yield item


def _flat(items: list[object] | tuple[object, ...]) -> list[object]:
    """Let a list hold texts and numbers: lists of lists of one list grow without end."""
    if not all(isinstance(item, _SCALARS) for item in items):
        raise SecurityError("nested")
    return list(items)


def _concatenated(items: tuple[object, ...]) -> str:
    shown = [_shown(item) for item in items]
    _budget.get().spend(sum(map(_size, shown)))
    joined = markup_join if any(hasattr(item, "__html__") for item in shown) else str_join
    return joined(shown)


def _guarded(name: str, function: Callable[..., Any], *, text: bool) -> Callable[..., Any]:
    """Let a filter do only what its arguments, and the budget, allow."""
    first = 1 if hasattr(function, "jinja_pass_arg") else 0  # a context or an environment

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        budget = _budget.get()
        value, more = args[first], [*args[first + 1 :], *kwargs.values()]
        if text and not isinstance(value, _SCALARS):
            _shown(value)
        for each in more:
            if isinstance(each, int) and abs(each) > MAX_ARGUMENT and name != "truncate":
                raise TooMuch
        if isgenerator(value) or isinstance(value, KeysView | ValuesView | ItemsView):
            value = list(_counted(value))
        if name in _GROWING:
            added = sum(each if isinstance(each, int) else _size(each) for each in more)
            inside = value if isinstance(value, list | tuple) else ()
            budget.spend(sum(map(_size, _flat(inside))) + _size(value) * (added + 1))
        result = function(*args[:first], value, *args[first + 1 :], **kwargs)
        if isgenerator(result):
            return _counted(result)
        budget.spend(_size(result))
        return result

    return call


def _default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    return default_value if isinstance(value, Undefined) or (boolean and not value) else value


_FILTERS = frozenset(f"{_TEXT_FILTERS} {_LIST_FILTERS} default d".split())


def _environment(*, html: bool) -> _Sandbox:
    made = _Sandbox(
        autoescape=html, undefined=StrictUndefined, finalize=_shown, optimized=False, cache_size=0
    )
    known = made.filters
    made.filters = {
        **{name: _guarded(name, known[name], text=True) for name in _TEXT_FILTERS.split()},
        **{name: _guarded(name, known[name], text=False) for name in _LIST_FILTERS.split()},
        **dict.fromkeys(("default", "d"), _default),
        "_counted": _counted,
        "_concatenated": _concatenated,
        "_flat": _flat,
    }
    made.globals = {}
    return made


_environments = {html: _environment(html=html) for html in (False, True)}
