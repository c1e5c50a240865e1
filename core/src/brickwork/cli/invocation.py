"""One run of the command line: the options before the command, and what they lead to."""

import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from brickwork.errors import ConfigError

if TYPE_CHECKING:
    from brickwork.registry import Registry
    from brickwork.vault import Vault


@dataclass
class Invocation:
    """The options before the command.

    Attributes:
        vault_url: ``--vault``.
        keys: ``--keys``.
        plugins: Whether plugins may be used; not with ``--no-plugins``.
        debug: Whether to show tracebacks.
        may_ask: Whether questions may be asked at all; not with ``--no-input``.
    """

    vault_url: str | None = None
    keys: str | None = None
    plugins: bool = True
    debug: bool = False
    may_ask: bool = True
    _registry: "Registry | None" = field(default=None, repr=False)
    _vault: "Vault | None" = field(default=None, repr=False)
    _until_the_end: ExitStack = field(default_factory=ExitStack, repr=False)

    @property
    def interactive(self) -> bool:
        """Whether a person is there to answer."""
        return self.may_ask and sys.stdin.isatty() and sys.stderr.isatty()

    def registry(self) -> "Registry":
        """Return the registry, which from then on is that of the process."""
        if self._registry is None:
            from brickwork.registry import Registry
            from brickwork.registry.current import use_registry

            config = None
            if self.vault_url is not None or self.keys is not None:
                # A mistake in them is reported by what needs the vault, and explained by `doctor`.
                with suppress(ConfigError):
                    from brickwork.config import Config

                    config = Config.load(vault=self.vault_url, keys=self.keys)
            self._registry = Registry(discover=self.plugins, config=config)
            self._until_the_end.enter_context(use_registry(self._registry))
        return self._registry

    def vault(self) -> "Vault":
        """Return the vault, which from then on is the one in use. Raises as `Vault.open`."""
        if self._vault is None:
            from brickwork.vault import Vault, use_vault

            self.registry()
            vault = Vault.open(self.vault_url, self.keys)
            self._until_the_end.enter_context(vault)
            self._until_the_end.enter_context(use_vault(vault))
            self._vault = vault
        return self._vault

    def close(self) -> None:
        """Close the vault, and put back the registry that was in use before."""
        self._until_the_end.close()


pass_invocation = click.make_pass_decorator(Invocation)
