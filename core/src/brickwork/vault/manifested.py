"""``Manifests``: what a `Vault` does with blocks as YAML."""

from typing import TYPE_CHECKING

from brickwork.store import Store
from brickwork.vault.document import Document
from brickwork.vault.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from brickwork.vault.manifest import Plan, Source
    from brickwork.vault.manifest.exporting import Export
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

    def export(
        self,
        *patterns: str,
        tags: "Iterable[str]" = (),
        manifest: str | None = None,
        reveal: bool = False,
    ) -> "Export":
        """Write blocks as a manifest that `apply` takes, by address.

        References are written as they are, secrets as ``{$kept: secret}``, which means that what is
        saved stays. What cannot be read is left out, and named.

        Args:
            patterns: Addresses, with ``*`` and ``?``; all blocks where there are none.
            tags: Only blocks with all of these tags.
            manifest: Only blocks that this manifest owns; the export then has its name.
            reveal: Write secrets in clear. The audit trail says of which blocks.

        Raises:
            KeyUnavailable: There is no key.
        """
        from brickwork.vault.manifest.exporting import Selection, export

        return export(self._reader, Selection(patterns, tuple(tags), manifest), reveal=reveal)
