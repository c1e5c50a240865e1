"""Finding a flow by its name: ``module:name``, or ``path/to/file.py:name``."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from types import ModuleType
from typing import TYPE_CHECKING, Any

from brickwork_flows.errors import InvalidFlow

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

WORKER = "brickwork-task"
"""The name of a process that runs tasks of another one."""

_FILE = "brickwork_flows_file_"
_files: dict[str, str] = {}
_loaders: set[int] = set()  # threads that load a program


def entry_point(fn: Any) -> str:
    """Return how another process finds what a function's name stands for.

    ``module:qualname``; or ``/path/to/file.py:qualname`` where the module is the program itself,
    or was loaded from a file.
    """
    name: str = fn.__module__
    if name == "__main__" or name.startswith(_FILE):
        module = sys.modules.get(name)
        spec, file = getattr(module, "__spec__", None), getattr(module, "__file__", None)
        if name == "__main__" and spec is not None:  # python -m module
            name = spec.name
        elif file:
            name = str(Path(file).absolute())
    return f"{name}:{fn.__qualname__}"


def source_file(fn: Any) -> str:
    """Return the file that a function's module was loaded from; empty if there is none."""
    file = getattr(sys.modules.get(fn.__module__), "__file__", None)
    return str(Path(file).absolute()) if file else ""


def find(entry: str, file: str = "") -> Any:
    """Return what an entry point names.

    Args:
        entry: ``module:qualname`` or ``path/to/file.py:qualname``.
        file: The module's file, which is loaded if the module of a single file is not found.

    Raises:
        InvalidFlow: There is no such file, module or name, or it fails to load.
    """
    where, colon, name = entry.rpartition(":")
    if not colon or not where or not name:
        raise InvalidFlow(
            f"{entry!r} names no flow.", fix="Write path/to/file.py:name or module:name."
        )
    if "<locals>" in name:
        raise InvalidFlow(
            f"The flow {entry} is made inside a function, and cannot be found from outside.",
            fix="Define it at the top of a module.",
        )
    try:
        module = _module(where, file)
        found: Any = module
        for part in name.split("."):
            found = getattr(found, part)
    except AttributeError:
        raise InvalidFlow(f"{where} has no {name!r}.", fix=_offered(where, module)) from None
    return found


def load_file(path: Path) -> ModuleType:
    """Load a Python file as a module, once; its folder counts for its imports as for a program's.

    Raises:
        InvalidFlow: There is no such file, or it fails.
    """
    from hashlib import blake2b
    from importlib import import_module

    path = path.absolute()
    main = sys.modules.get("__main__")
    if _same(getattr(main, "__file__", None), path):
        return main  # type: ignore[return-value]  # it has a file
    stem = path.stem.replace(".", "_")  # it is no package
    name = f"{_FILE}{stem}_{blake2b(bytes(path), digest_size=8).hexdigest()}"
    if name in sys.modules:
        return sys.modules[name]
    if not path.is_file():
        raise InvalidFlow(f"There is no file {path}.", fix="Write path/to/file.py:name.")
    if path.suffix != ".py":
        raise InvalidFlow(f"{path} is no Python file.", fix="Write path/to/file.py:name.")
    know_files({name: str(path)})
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    try:
        with _loading():
            return import_module(name)
    except InvalidFlow:
        raise
    except Exception as error:
        raise _fails(str(path), error) from error


def known_files() -> dict[str, str]:
    """Return the files that were loaded as modules, by the modules' names, for `know_files`."""
    return dict(_files)


def know_files(files: Mapping[str, str]) -> None:
    """Let modules of single files be imported by their names, as in the process that loaded them.

    Args:
        files: Their paths, by the names of the modules.
    """
    _files.update(files)
    if _Finder not in sys.meta_path:
        sys.meta_path.append(_Finder)


def is_loaded_to_be_searched() -> bool:
    """Tell whether a program is loaded here so that a flow is found in it."""
    return get_ident() in _loaders


@contextmanager
def _loading() -> Iterator[None]:
    thread = get_ident()
    if thread in _loaders:
        yield
        return
    _loaders.add(thread)
    try:
        yield
    finally:
        _loaders.discard(thread)


def is_loaded_by_worker() -> bool:
    """Tell whether a process that runs tasks loads the program here, and does not run it."""
    module = sys.modules.get("multiprocessing.process")
    if module is None:
        return False
    process = module.current_process()
    return process.name == WORKER and hasattr(process, "_inheriting")


class _Finder:
    """Finds those modules, for `import` and for pickle."""

    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> "ModuleSpec | None":
        if name not in _files:
            return None
        from importlib.util import spec_from_file_location

        return spec_from_file_location(name, _files[name])


def _module(where: str, file: str) -> ModuleType:
    if where.endswith(".py") or "/" in where:
        return load_file(Path(where))
    from importlib import import_module

    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # as `python -m` does
    try:
        with _loading():
            return import_module(where)
    except InvalidFlow:
        raise
    except ModuleNotFoundError as error:
        if error.name == where and file and "." not in where:
            return load_file(Path(file))
        raise _fails(where, error) from error
    except Exception as error:
        raise _fails(where, error) from error


def _fails(where: str, error: Exception) -> InvalidFlow:
    return InvalidFlow(
        f"{where} cannot be loaded: {type(error).__name__}: {error}",
        fix="Try to import it in Python; --debug shows where it fails.",
    )


def _offered(where: str, module: ModuleType) -> str:
    names = [
        name
        for name, value in vars(module).items()
        if type(value).__name__ == "Flow" and not name.startswith("_")
    ]
    return f"There is: {', '.join(names)}." if names else f"{where} has no flow."


def _same(file: str | None, path: Path) -> bool:
    return file is not None and Path(file).absolute() == path
