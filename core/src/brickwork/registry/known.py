"""What known plugins bring, installed or not: the catalog's index, which the core ships.

It is read when a name leads nowhere, and never before.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from brickwork.errors import InvalidCatalog
from brickwork.registry.kinds import KINDS

DATA = Path(__file__).parents[1] / "catalog" / "data"
"""The catalog's files: ``index.json``, and one for each distribution."""
INDEX_FORMAT = "brickwork.catalog.index/1"


class Known(NamedTuple):
    """One thing that is known.

    Attributes:
        kind: What it is: ``block``, ``task``, ``key-provider``.
        name: Its name.
        distribution: Who brings it.
        summary: What it is, in one line.
    """

    kind: str
    name: str
    distribution: str
    summary: str


class Index(NamedTuple):
    """The index.

    Attributes:
        distributions: Name to what is known of a distribution: ``version``, ``summary``,
            ``plugins``, ``things`` (how many), and ``level`` where it was measured.
        names: Name to the things of that name.
    """

    distributions: dict[str, dict[str, Any]]
    names: dict[str, list[Known]]


@lru_cache(maxsize=1)
def index() -> Index:
    """Return the index that the core ships. Raises InvalidCatalog."""
    return read_index(DATA / "index.json")


def read_index(path: Path) -> Index:
    """Read an index.

    Raises:
        InvalidCatalog: It is missing or damaged.
    """
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != INDEX_FORMAT:
            raise ValueError(f"its format is {content['format']!r}")
        names = {
            str(name): [
                Known(str(each["kind"]), name, str(each["distribution"]), str(each["summary"]))
                for each in things
            ]
            for name, things in content["names"].items()
        }
        distributions = {
            str(name): {
                **about,
                "version": str(about["version"]),
                "plugins": [*map(str, about["plugins"])],
            }
            for name, about in content["distributions"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidCatalog(
            f"The catalog's index cannot be read: {type(error).__name__}: {error}.",
            fix="Reinstall Brickwork: pip install --force-reinstall brickwork.",
        ) from None
    return Index(distributions, names)


def word_of(kind: str) -> str:
    """Return the catalog's word for a kind of the registry: ``key-provider``."""
    return KINDS[kind].word.replace(" ", "-")


def owner_of(kind: str, name: str) -> str | None:
    """Return the distribution that is known to bring a thing; None where none is."""
    for each in _index_or_none().names.get(name, ()):
        if each.kind == word_of(kind):
            return each.distribution
    return None


def plugins() -> dict[str, str]:
    """Return the known plugins: name to distribution."""
    return {
        plugin: name
        for name, about in _index_or_none().distributions.items()
        for plugin in about["plugins"]
    }


def owner_by_prefix(kind: str, name: str) -> str | None:
    """Return the known distribution whose plugin a name would belong to by what it begins with."""
    return plugins().get(name.partition(KINDS[kind].separator or "-")[0])


def names_of(kind: str) -> list[str]:
    """Return the names of a kind that are known."""
    word = word_of(kind)
    return [n for n, things in _index_or_none().names.items() if word in {t.kind for t in things}]


def _index_or_none() -> Index:
    try:
        return index()
    except InvalidCatalog:
        return Index({}, {})  # an error about a name must not become one about this
