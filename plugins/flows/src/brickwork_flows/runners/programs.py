"""What a program defines itself, in processes that begin anew.

multiprocessing loads the program once more in each of them, under the name ``__mp_main__``. What it
does not load is loaded here, when something of it is asked for: files that `brickwork flow run`
loaded, and packages and folders that Python ran (``python -m package``).
"""

import pickle
import sys
from functools import cache
from io import BytesIO
from typing import Any

from brickwork_flows.finding import know_files, known_files

_main = ""


def main_module() -> str:
    """Return the program's module, or its folder, where multiprocessing does not load it."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is None:
        return ""
    if spec.name == "__main__":
        return str(spec.origin or "").rpartition("/")[0]
    return spec.name if spec.name.endswith(".__main__") else ""


def is_nowhere() -> bool:
    """Tell whether nobody can load the program once more: a notebook, ``python -c``."""
    main = sys.modules.get("__main__")
    return getattr(main, "__spec__", None) is None and getattr(main, "__file__", None) is None


class Program:
    """Pickles as what lets another process find the program of this one, and files loaded here."""

    def __reduce__(self) -> tuple[Any, ...]:
        return know_program, (main_module(), known_files())


def know_program(main: str, files: dict[str, str]) -> None:
    """Let `Unpickler` find what another process has defined.

    Args:
        main: What `main_module` returned there.
        files: What `known_files` returned there.
    """
    global _main
    _main = main
    know_files(files)


class Unpickler(pickle.Unpickler):
    """Unpickles also what the program of another process defines, once that is known."""

    def __init__(self, data: bytes) -> None:
        super().__init__(BytesIO(data))

    def find_class(self, module: str, name: str) -> Any:
        """Return what a name stands for."""
        if module == "__main__" and _main:
            _load(_main)
        return super().find_class(module, name)


@cache
def _load(main: str) -> None:
    """Load a program as multiprocessing would."""
    import runpy
    from multiprocessing import current_process
    from types import ModuleType

    process: Any = current_process()
    process._inheriting = True  # noqa: SLF001  # as multiprocessing says that it loads one
    try:
        if "/" in main:
            content = runpy.run_path(main, run_name="__mp_main__")
        else:
            content = runpy.run_module(main, run_name="__mp_main__", alter_sys=True)
    finally:
        del process._inheriting  # noqa: SLF001  # as above
    module = ModuleType("__mp_main__")
    vars(module).update(content)
    sys.modules["__main__"] = sys.modules["__mp_main__"] = module
