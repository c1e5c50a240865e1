"""Which vault is in use: the one of the enclosing ``use_vault``, else the default."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from brickwork.vault.vault import Vault

_in_use: ContextVar[Vault | None] = ContextVar("brickwork_vault", default=None)
_lock = threading.Lock()
_default: tuple[tuple[object, ...], Vault] | None = None

# What decides where the default vault is and how it opens; see config.py.
_VARIABLES = (
    "BRICKWORK_VAULT",
    "BRICKWORK_KEY",
    "BRICKWORK_KEY_FILE",
    "BRICKWORK_PASSPHRASE",
    "BRICKWORK_HOME",
    "BRICKWORK_PROJECT",
    "BRICKWORK_KEEP_VERSIONS",
    "BRICKWORK_AUDIT_LOADS",
)
_ENCODED = tuple(map(os.fsencode, _VARIABLES))


def current_vault() -> Vault:
    """Return the vault in use.

    The default is opened once, and again when one of the variables that name it was changed.
    """
    vault = _in_use.get()
    if vault is not None:
        return vault
    global _default  # the one default of the process
    settings = _settings()
    default = _default
    if default is None or default[0] != settings:
        with _lock:
            if _default is None or _default[0] != settings:
                _default = (settings, Vault.open())
            default = _default
    return default[1]


def _settings() -> tuple[object, ...]:
    # Asked for at each load. The dict inside os.environ answers in a tenth of the time: it knows
    # bytes, which is all the same here.
    inside = getattr(os.environ, "_data", None)
    if isinstance(inside, dict) and os.name == "posix":
        return tuple(map(inside.get, _ENCODED))
    return tuple(map(os.environ.get, _VARIABLES))


@contextmanager
def use_vault(vault: Vault) -> Iterator[Vault]:
    """Make a vault the one in use inside the ``with`` block, for this thread or async task."""
    token = _in_use.set(vault)
    try:
        yield vault
    finally:
        _in_use.reset(token)
