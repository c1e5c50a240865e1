"""What runs print, kept with their logs; only for those with ``log_prints``."""

import builtins
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from brickwork import mask
from brickwork_flows.context import run_here

LOGGER = "print"
LEVEL = 20  # logging.INFO

_lock = threading.Lock()
_wanted = 0
_original: Callable[..., None] = print


def begin() -> None:
    """Look at what is printed from now on, until `end` was called as often."""
    global _wanted, _original
    with _lock:
        _wanted += 1
        if builtins.print is not _print and _wanted == 1:
            _original = builtins.print
            builtins.print = _print


def end() -> None:
    """No longer look at what is printed, when nobody else wants that."""
    global _wanted
    with _lock:
        _wanted -= 1
        # Whoever replaced it meanwhile calls ours, which then hands everything on.
        if _wanted == 0 and builtins.print is _print:
            builtins.print = _original


def _print(*values: object, **options: Any) -> None:
    context = run_here()
    file, sep = options.get("file"), options.get("sep")
    if (
        context is None
        or not context.log_prints
        or not (file is None or file is sys.stdout or file is sys.stderr)
        or not (sep is None or isinstance(sep, str))
    ):
        _original(*values, **options)
        return
    text = mask((" " if sep is None else sep).join(map(str, values)))
    _original(text, **options)
    context.flow.log.add(context.id, time.time(), LEVEL, LOGGER, text.removesuffix("\n"))
