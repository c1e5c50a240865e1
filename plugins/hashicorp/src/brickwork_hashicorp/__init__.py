"""HashiCorp Vault and OpenBao for Brickwork: a block that logs in, and ``${vault:...}`` references.

The names are imported when they are asked for; hvac is imported when the first client is made.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brickwork_hashicorp.auth import (
        AppRoleAuth as AppRoleAuth,
        JwtAuth as JwtAuth,
        TokenAuth as TokenAuth,
        UserpassAuth as UserpassAuth,
    )
    from brickwork_hashicorp.block import HashicorpVault as HashicorpVault
    from brickwork_hashicorp.resolver import VaultResolver as VaultResolver

_HOMES = {
    "auth": "AppRoleAuth JwtAuth TokenAuth UserpassAuth",
    "block": "HashicorpVault",
    "resolver": "VaultResolver",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]  # lazy


def __getattr__(name: str) -> object:
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'brickwork_hashicorp' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"brickwork_hashicorp.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
