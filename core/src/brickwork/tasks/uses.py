"""Which tasks a program uses, read from its functions without running them."""

import sys
import sysconfig
from collections.abc import Iterator
from dis import get_instructions
from importlib import import_module
from inspect import unwrap
from types import CodeType, FunctionType, ModuleType
from typing import Any

from brickwork.tasks.definition import Task

_LIBRARY = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))


def tasks_used(module: ModuleType) -> list[Task[..., Any]]:
    """Return the tasks that a module's functions, flows and tasks name, in order of appearance.

    Functions of other modules that they name are followed, except those of installed packages. A
    task that is reached by a name made at run time is not found.

    Args:
        module: The module, which is imported already.
    """
    found: dict[Task[..., Any], None] = {}
    seen: set[CodeType] = set()
    waiting: list[FunctionType] = [
        fn
        for value in vars(module).values()
        if (fn := _function(value)) is not None and fn.__module__ == module.__name__
    ]
    while waiting:
        fn = waiting.pop(0)
        code = fn.__code__
        if code in seen or "site-packages" in code.co_filename:
            continue
        seen.add(code)
        if code.co_filename.startswith(_LIBRARY):
            continue
        for value in _named(code, fn.__globals__):
            if isinstance(value, Task):
                found[value] = None
            next_fn = _function(value)
            if next_fn is not None:
                waiting.append(next_fn)
    return list(found)


def _function(value: object) -> FunctionType | None:
    """Return the plain function behind a function, a task or a flow."""
    fn = getattr(value, "fn", value) if not isinstance(value, type) else None
    if not callable(fn):
        return None
    try:
        plain: object = unwrap(fn)
    except ValueError:  # it wraps itself
        return None
    return plain if isinstance(plain, FunctionType) else None


def _named(code: CodeType, names: dict[str, Any]) -> Iterator[object]:
    """Give what a function's names stand for, also behind the modules that it names."""
    used = dict.fromkeys(_names(code))
    modules = []
    for name in used:
        value = names.get(name)
        if isinstance(value, ModuleType):
            modules.append(value)
        elif value is not None:
            yield value
    modules += _imported(code)
    for module in modules:
        known = set(dir(module))
        for name in used:
            if name in known:
                yield getattr(module, name)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _imported(code: CodeType) -> Iterator[ModuleType]:
    """Give the modules that are imported inside a function."""
    for instruction in get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            try:
                yield import_module(str(instruction.argval))
            except Exception:  # noqa: BLE001, S112  # the function would fail there as well
                continue
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _imported(inner)


def load_program(path: str) -> ModuleType:
    """Import a file as a module, without running what it keeps for ``__main__``.

    Args:
        path: The file; its folder is where it imports from, as if it were run.

    Raises:
        ImportError: It cannot be loaded.
    """
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    file = Path(path).absolute()
    name = f"program_{file.stem}"
    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise ImportError(f"there is no program {path}")
    module = module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(file.parent))
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.path.remove(str(file.parent))
    return module
