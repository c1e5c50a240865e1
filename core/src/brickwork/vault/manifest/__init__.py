"""Manifests: the blocks of a vault as YAML, planned, applied and exported."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from brickwork.vault.diff import Change
from brickwork.vault.manifest.files import Source, read, sources
from brickwork.vault.manifest.model import Problems
from brickwork.vault.manifest.plan import Drift, Plan, Step
from brickwork.vault.manifest.planning import Options, steps_of
from brickwork.vault.reading import Reader

if TYPE_CHECKING:
    from brickwork.vault.document import Document
    from brickwork.vault.writing import Writer

__all__ = ["Change", "Drift", "Options", "Plan", "Source", "Step", "plan", "sources"]


def plan(
    reader: Reader,
    sources: Sequence[Source],
    options: Options,
    *,
    writer: "Callable[[], Writer]",
    make: Callable[[], None],
) -> Plan:
    """Work out what applying a manifest would do; see `Vault.plan`.

    Args:
        reader: The vault.
        sources: The files of the manifest.
        options: What it may do.
        writer: Makes what writes to the vault.
        make: Makes the vault, if there is none yet.
    """
    problems = Problems()
    manifest = read(sources, problems)
    steps = steps_of(reader, manifest, options, problems)

    def apply(what: Plan) -> "list[Document]":
        from brickwork.vault.manifest.applying import apply

        return apply(what, reader.store, writer, make)

    return Plan(manifest.name, steps, apply)
