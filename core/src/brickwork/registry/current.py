"""The registry of the process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from brickwork.registry.registry import Registry

_lock = threading.Lock()
_current: Registry | None = None


def get_registry() -> Registry:
    """Return the registry of the process; it is made when it is first asked for."""
    global _current  # one for the process is the point
    if _current is None:
        with _lock:
            if _current is None:
                _current = Registry()
    return _current


@contextmanager
def use_registry(registry: Registry) -> Iterator[Registry]:
    """Use another registry in the whole process, all its threads, until the block ends."""
    global _current  # as above
    with _lock:
        before, _current = _current, registry
    try:
        yield registry
    finally:
        with _lock:
            _current = before
