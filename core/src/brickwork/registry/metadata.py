"""What installed distributions say of themselves, read without importing any of them.

``importlib.metadata.entry_points`` answers the same question, but reads and parses every
distribution there is and takes some 50 ms to import; a program that loads one credential would
feel it. This reads the folders of `sys.path` itself, and leaves to ``importlib.metadata`` only what
is no folder: zip files and other finders.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from brickwork.config import normalise

PLUGINS = "brickwork"
SCHEMES = "brickwork.schemes"
SERIALIZERS = "brickwork.serializers"
COMMANDS = "brickwork.commands"

_SUFFIXES = (".dist-info", ".egg-info")


class Distribution(NamedTuple):
    """An installed distribution with entry points for Brickwork.

    Attributes:
        name: Its normalised name: lower case, with hyphens.
        version: Its version; empty if its metadata do not say.
        path: The folder or file that holds it.
        metadata: The folder of its metadata; empty inside a zip file.
        groups: Its entry points whose group begins with ``brickwork``: group, name, value.
    """

    name: str
    version: str
    path: str
    metadata: str
    groups: Mapping[str, Mapping[str, str]]

    def record_hash(self) -> str:
        """Return the SHA-256 of its RECORD, the list of its files and their hashes.

        Empty for a distribution without one, such as an ``egg-info`` folder.
        """
        from hashlib import sha256

        if not self.metadata:
            return ""
        try:
            with open(os.path.join(self.metadata, "RECORD"), "rb") as file:  # noqa: PTH118, PTH123  # as below
                return sha256(file.read()).hexdigest()
        except OSError:
            return ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}".rstrip()


def installed(path: Sequence[str] | None = None) -> list[Distribution]:
    """Return the distributions with entry points for Brickwork, in the order of the path.

    Of two distributions of one name the first is used, as Python imports it.

    Args:
        path: Folders and zip files to look in; `sys.path` if not given.
    """
    found: list[Distribution] = []
    seen: set[str] = set()
    for candidate in _candidates(sys.path if path is None else path, everywhere=path is None):
        if candidate.name not in seen:
            seen.add(candidate.name)
            if any(group.split(".")[0] == PLUGINS for group in candidate.groups):
                found.append(candidate)
    return found


def _candidates(path: Sequence[str], *, everywhere: bool) -> Iterator[Distribution]:
    for entry in dict.fromkeys(path):
        folder = entry or "."
        try:
            with os.scandir(folder) as listing:
                names = sorted(item.name for item in listing if item.name.endswith(_SUFFIXES))
        except NotADirectoryError:
            yield from _from_importlib([entry])
        except OSError:
            continue  # not there, or not ours to read: Python passes over it too
        else:
            for name in names:
                if not name.startswith("~"):  # what pip leaves of a removal that failed
                    yield _read(folder, name)
    if everywhere and any(map(_finds_distributions, sys.meta_path)):
        yield from _from_finders()


def _read(folder: str, directory: str) -> Distribution:
    where = os.path.join(folder, directory)  # noqa: PTH118  # pathlib is slow in this loop
    name, _, version = directory.removesuffix(".dist-info").removesuffix(".egg-info").partition("-")
    text = ""
    try:
        with open(os.path.join(where, "entry_points.txt"), "rb") as file:  # noqa: PTH118, PTH123  # as above
            data = file.read()
        if b"brickwork" in data:
            text = data.decode("utf-8", "replace")
    except OSError:
        pass  # a distribution without entry points
    groups = parse(text) if text else {}
    if groups and directory.endswith(".egg-info"):
        version = _egg_version(where)
    return Distribution(normalise(name), version, folder, where, groups)


def _egg_version(where: str) -> str:
    """Return the version in PKG-INFO: the names of egg-info folders may lack it."""
    try:
        with open(os.path.join(where, "PKG-INFO"), encoding="utf-8", errors="replace") as file:  # noqa: PTH118, PTH123  # as above
            lines = file.read().splitlines()
    except OSError:
        return ""
    return next((line[8:].strip() for line in lines if line.startswith("Version:")), "")


def parse(text: str) -> dict[str, dict[str, str]]:
    """Return the entry points in an ``entry_points.txt`` whose group begins with ``brickwork``.

    See https://packaging.python.org/en/latest/specifications/entry-points/ for the format.
    """
    groups: dict[str, dict[str, str]] = {}
    group: dict[str, str] | None = None
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            title = line[1:-1].strip()
            ours = title.split(".")[0] == PLUGINS
            group = groups.setdefault(title, {}) if ours else None
        elif group is not None and line and line[0] not in "#;":
            name, equals, value = line.partition("=")
            if equals:
                group[name.strip()] = value.partition("[")[0].strip()
    return groups


def _finds_distributions(finder: object) -> bool:
    """Tell whether a finder knows of distributions that are not in the folders of `sys.path`."""
    kind = finder if isinstance(finder, type) else type(finder)
    # The second is that of the package importlib_metadata, which takes the place of Python's own.
    known = kind.__name__ in ("PathFinder", "MetadataPathFinder")
    return not known and hasattr(finder, "find_distributions")


def _from_finders() -> Iterator[Distribution]:
    from importlib.metadata import DistributionFinder

    for finder in filter(_finds_distributions, list(sys.meta_path)):
        find = getattr(finder, "find_distributions")  # noqa: B009  # not in the type of finders
        yield from _converted(find(DistributionFinder.Context()))


def _from_importlib(path: list[str]) -> Iterator[Distribution]:
    from importlib.metadata import distributions

    yield from _converted(distributions(path=path))


def _converted(found: Iterable[Any]) -> Iterator[Distribution]:
    # By what they can do: those of the package importlib_metadata are of a class of its own.
    for item in found:
        metadata = getattr(item, "metadata", None)
        name = metadata["Name"] if metadata else None
        if name:
            text = item.read_text("entry_points.txt") or ""
            where = str(item.locate_file(""))
            yield Distribution(normalise(name), item.version or "", where, "", parse(text))
