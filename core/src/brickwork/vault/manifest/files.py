"""Reading the files of a manifest, and what they say together."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from brickwork._address import Address, check_name
from brickwork._safe_yaml import MAX_BYTES, Mapping, Node, Place, Scalar, parse
from brickwork.errors import ConfigError, InvalidName, InvalidYaml
from brickwork.vault.manifest.model import Entry, Given, Manifest, Problems, near, told

VERSION = "1"
_SUFFIXES = (".yaml", ".yml")
_TOP = ("manifest", "version", "blocks")
_START = Place(1, 1)


class Source(NamedTuple):
    """A file of a manifest.

    Attributes:
        name: Of the file, for messages.
        data: What is in it.
        overlay: Whether it changes fields of blocks that files before it give.
    """

    name: str
    data: bytes
    overlay: bool = False


def sources(
    files: Iterable[str | Path | Source], overlays: Iterable[str | Path] = ()
) -> list[Source]:
    """Return the files of a manifest, overlays last. Raises as `open_files`."""
    found: list[Source] = []
    for file in files:
        found += [file] if isinstance(file, Source) else open_files([file])
    return found + open_files(overlays, overlay=True)


def open_files(paths: Iterable[str | Path], *, overlay: bool = False) -> list[Source]:
    """Read files; of a folder, all that end with .yaml or .yml.

    Raises:
        ConfigError: A file cannot be read, or a folder has none.
    """
    found = []
    for path in map(Path, paths):
        for each in _in_folder(path) if path.is_dir() else [path]:
            try:
                with each.open("rb") as file:
                    data = file.read(MAX_BYTES + 1)
            except OSError as error:
                raise ConfigError(
                    f"{each} cannot be read: {error.strerror}.", fix="Name a file that is there."
                ) from None
            found.append(Source(str(each), data, overlay))
    return found


def read(sources: Iterable[Source], problems: Problems) -> Manifest:
    """Put together what the files say; whatever is wrong is noted, and left out."""
    manifest = Manifest()
    for source in sources:
        try:
            documents = parse(source.data)
        except InvalidYaml as error:
            at = Place(error.line or 1, error.column or 1)
            what = error.what.partition(": ")[2] if error.line else error.what
            problems.add(f"{what} {error.fix}", source.name, at)
            continue
        for node in documents:
            _Document(source, manifest, problems).read(node)
    return manifest


def _in_folder(folder: Path) -> list[Path]:
    try:
        names = sorted(folder.iterdir())
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be read: {error.strerror}.", fix="Name a folder that is readable."
        ) from None
    found = [
        each
        for each in names
        if each.suffix in _SUFFIXES and not each.name.startswith(".") and each.is_file()
    ]
    if not found:
        raise ConfigError(
            f"{folder} has no file that ends with .yaml or .yml.", fix="Name another folder."
        )
    return found


class _Document:
    """One document of a file."""

    def __init__(self, source: Source, manifest: Manifest, problems: Problems) -> None:
        self._source = source
        self._manifest = manifest
        self._problems = problems

    def read(self, node: Node) -> None:
        """Add what the document says to the manifest."""
        if isinstance(node, Scalar) and node.null:
            return
        if not isinstance(node, Mapping):
            self._wrong("a manifest is a mapping with `blocks:`", node.at)
            return
        for key in node.entries:
            if key not in _TOP:
                self._wrong(f"{key!r:.80} means nothing here{near(key, _TOP)}", node.keys[key])
        if "version" in node.entries:
            self._check_version(node.entries["version"])
        if "manifest" in node.entries:
            self._name(node.entries["manifest"])
        blocks = node.entries.get("blocks")
        if isinstance(blocks, Mapping):
            for text, body in blocks.entries.items():
                self._block(text, blocks.keys[text], body)
        elif blocks is not None and not (isinstance(blocks, Scalar) and blocks.null):
            self._wrong("`blocks` is a mapping from slug/name to fields", blocks.at)

    def _check_version(self, node: Node) -> None:
        if not isinstance(node, Scalar) or node.text != VERSION:
            self._wrong(
                f"this Brickwork reads manifests of version {VERSION}; upgrade it for a newer one",
                node.at,
            )

    def _name(self, node: Node) -> None:
        try:
            name = check_name(node.text if isinstance(node, Scalar) else "")
        except InvalidName as error:
            self._wrong(f"not a name for a manifest. {error.fix}", node.at)
            return
        if self._manifest.name not in (None, name):
            self._wrong(
                f"the manifest is named {self._manifest.name} in a file before, and {name} here",
                node.at,
            )
            return
        self._manifest.name = name

    def _block(self, text: str, at: Place, body: Node) -> None:
        try:
            address = Address.parse(text)
        except InvalidName as error:
            self._wrong(told(error), at)
            return
        if address.version is not None:
            self._wrong("a block is given without a version", at, address)
            return
        if isinstance(body, Scalar) and body.null:
            body = Mapping(body.at, {}, {})
        if not isinstance(body, Mapping):
            self._wrong("a block is a mapping from fields to values", body.at, address)
            return
        entry = self._manifest.entries.get(text)
        if entry is not None and not self._source.overlay:
            self._wrong(
                f"it is given already in {entry.file}, line {entry.at.line}; "
                "a file that changes it is an overlay",
                at,
                address,
            )
            return
        if entry is None:
            entry = Entry(address, self._source.name, at)
            self._manifest.entries[text] = entry
        for name, node in body.entries.items():
            entry.fields[name] = Given(self._source.name, body.keys[name], node)

    def _wrong(self, message: str, at: Place, address: object = "") -> None:
        self._problems.add(message, self._source.name, at, address=address)
