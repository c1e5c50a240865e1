"""The one door upward: how a block reaches the vault that is in use.

Everything else imports downwards only; see the layers in the root's pyproject.toml.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brickwork.vault import Vault


def current_vault() -> "Vault":
    """Return the vault of the enclosing ``use_vault``, else the default one."""
    from brickwork.vault.current import current_vault as current

    return current()
