"""``Manifests``: what a `Vault` does with blocks as YAML."""

from typing import TYPE_CHECKING

from brickwork.store import Store
from brickwork.vault.document import Document
from brickwork.vault.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from brickwork.vault.manifest import Plan, Source
    from brickwork.vault.writing import Writer


class Manifests:
    """The part of `Vault` that plans, applies and exports manifests."""

    store: Store
    _reader: Reader

    def _writer(self, keep: int | None = None) -> "Writer":
        raise NotImplementedError

    def _make(self) -> None:
        raise NotImplementedError

    def plan(
        self,
        *files: "str | Path | Source",
        overlays: "Iterable[str | Path]" = (),
        prune: bool = False,
        take_over: bool = False,
        replace_unreadable: bool = False,
    ) -> "Plan":
        """Work out what applying a manifest would do. Changes nothing.

        Args:
            files: YAML files, or folders of them; a block may stand in one of them only.
            overlays: Files whose fields replace those of the same blocks in files before.
            prune: Delete the blocks that the manifest owns and that are not in it any more.
            take_over: Change blocks that belong to another manifest, and own them from then on.
            replace_unreadable: Write anew what cannot be read, where the manifest gives all of it.

        Raises:
            InvalidManifest: With all that is wrong, and where.
            ConfigError: A file cannot be read.
            KeyUnavailable: There is no key.
        """
        from brickwork.vault.manifest import Options, plan, sources

        options = Options(prune, take_over, replace_unreadable)
        given = sources(files, overlays)
        return plan(self._reader, given, options, writer=self._writer, make=self._make)

    def apply(
        self, *files: "str | Path | Source", overlays: "Iterable[str | Path]" = (), **options: bool
    ) -> list[Document]:
        """Do what `plan` says, in one transaction; takes the same. Raises as `Plan.apply`."""
        return self.plan(*files, overlays=overlays, **options).apply()
