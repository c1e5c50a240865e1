"""The vault: saves and loads blocks, sealed, versioned, in a store."""

from brickwork.vault.current import current_vault, use_vault
from brickwork.vault.document import Document
from brickwork.vault.vault import Vault

__all__ = ["Document", "Vault", "current_vault", "use_vault"]
