"""The one door upward: how a block reaches the vault that is in use.

Everything else imports downwards only; see the layers in the root's pyproject.toml.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brickwork.vault import Vault


_current: "Callable[[], Vault] | None" = None


def current_vault() -> "Vault":
    """Return the vault of the enclosing ``use_vault``, else the default one."""
    global _current  # an import statement costs a microsecond each time
    if _current is None:
        from brickwork.vault.current import current_vault as current

        _current = current
    return _current()
