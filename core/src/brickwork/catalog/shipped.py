"""The catalog's files that the core ships, and what they say beside what is installed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from brickwork.errors import BrickworkError, InvalidCatalog, UnknownName
from brickwork.registry import known
from brickwork.registry.metadata import PLUGINS
from brickwork.registry.registry import Registry

CORE = "brickwork"
KINDS = (
    *("block", "command", "key-provider", "notifier", "resolver", "serializer", "storage"),
    *("store", "task"),
)


class Found(NamedTuple):
    """One thing that was found.

    Attributes:
        thing: Its entry, as `brickwork.catalog.model` has it, without schema and logo where it
            comes from what is shipped.
        distribution: The entry of its distribution.
        installed: The version that is installed; None for none.
        live: Whether it is told by what is installed, which the shipped catalog does not know.
        level: The level of its distribution, where it was measured: ``gold``.
    """

    thing: Mapping[str, Any]
    distribution: Mapping[str, Any]
    installed: str | None
    live: bool
    level: str | None = None

    @property
    def pip(self) -> str:
        """What to type to install all that it needs."""
        extra = self.thing.get("extra")
        name: str = self.distribution["name"]
        return f"pip install '{name}[{extra}]'" if extra else f"pip install {name}"

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        about = {key: value for key, value in self.distribution.items() if key != "logo"}
        state = {"installed": self.installed, "live": self.live, "level": self.level}
        state["install"] = self.pip
        return {**self.thing, "distribution": about, **state}


class Catalog:
    """What is known: by the shipped catalog, or by a plugin that it does not know as installed.

    A distribution that the shipped catalog does not know, or of which another version is installed,
    tells of itself: that imports it. Nothing else is imported.

    Args:
        registry: Knows what is installed.

    Attributes:
        troubles: What could not be told, with the reasons.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._index = known.index()
        self._groups = {each.name: each.groups for each in registry.distributions()}
        self.installed = {each.name: each.version for each in registry.distributions()}
        self.installed[CORE] = self._index.distributions.get(CORE, {}).get("version", "")
        self.troubles: list[str] = []
        self._told: dict[str, dict[str, Any]] = {}

    def things_named(self, name: str, kind: str | None = None) -> list[Found]:
        """Return what has a name, of every kind or of one.

        Raises:
            UnknownName: Nothing has it.
            InvalidCatalog: A file of the catalog is damaged.
        """
        wanted = [each.distribution for each in self._index.names.get(name, ())]
        places = [each for each in dict.fromkeys(wanted) if not self._is_live(each)]
        found = [
            each
            for place in [*places, *(each for each in self._live() if self._may_have(each, name))]
            for each in self.things_of(place)
            if each.thing["name"] == name and kind in (None, each.thing["kind"])
        ]
        if not found:
            known_here = [e for e in self._index.names.get(name, ()) if kind in (None, e.kind)]
            if places and known_here:
                raise damaged(places[0], KeyError(name))
            raise self._unknown(name, kind)
        return sorted(found, key=lambda each: str(each.thing["kind"]))

    def things_of(self, distribution: str) -> list[Found]:
        """Return all that a distribution brings. Raises UnknownName, InvalidCatalog."""
        content = self._content(distribution)
        own, live = content["distribution"], self._is_live(distribution)
        version = self.installed.get(distribution)
        known_level = self._index.distributions.get(distribution, {}).get("level")
        level = None if live else known_level
        return [Found(thing, own, version, live, level) for thing in content["things"]]

    def search(self, words: Sequence[str], kind: str | None = None) -> list[Found]:
        """Return what has all the words: first by name, then by its line, then by other text.

        Raises:
            InvalidCatalog: A file of the catalog is damaged.
        """
        wanted = [word.casefold() for word in words]
        ranked = []
        for distribution in self.distributions():
            for each in self.things_of(distribution["name"]):
                if kind in (None, each.thing["kind"]):
                    try:
                        places = [_place(word, each.thing) for word in wanted]
                    except (KeyError, TypeError, AttributeError, RecursionError) as error:
                        raise damaged(distribution["name"], error) from None
                    if None not in places:
                        key = (sum(filter(None, places)), each.thing["name"], each.thing["kind"])
                        ranked.append((key, each))
        return [each for _, each in sorted(ranked, key=lambda pair: pair[0])]

    def distributions(self) -> list[dict[str, Any]]:
        """Return what is known of every distribution, installed ones that are unknown too."""
        live = self._live()
        for name in live:
            self._told_by(name)
        rows = []
        for name in sorted({*self._index.distributions, *live}):
            if self._told.get(name):
                own, count = self._told[name]["distribution"], len(self._told[name]["things"])
            elif name in self._index.distributions:
                own = self._index.distributions[name]
                count = own.get("things", 0)
            else:
                continue  # it cannot tell of itself, as the troubles say
            rows.append(
                {
                    "name": name,
                    "version": str(own["version"]),
                    "installed": self.installed.get(name),
                    "summary": str(own.get("summary", "")),
                    "things": count,
                    "level": own.get("level"),
                    "live": bool(self._told.get(name)),
                }
            )
        return rows

    def __contains__(self, distribution: str) -> bool:
        return distribution in self._index.distributions or distribution in self.installed

    def _live(self) -> list[str]:
        return [name for name in sorted(self.installed) if self._is_live(name)]

    def _may_have(self, distribution: str, name: str) -> bool:
        """Tell from metadata alone whether a distribution can bring a thing of that name."""
        groups = self._groups.get(distribution, {})
        return name.replace(".", "-").partition("-")[0] in groups.get(PLUGINS, {}) or any(
            name in claims for claims in groups.values()
        )

    def _is_live(self, distribution: str) -> bool:
        about = self._index.distributions.get(distribution)
        here = self.installed.get(distribution)
        if distribution in self._told and not self._told[distribution]:
            return False  # it could not tell
        return here is not None and (about is None or about["version"] != here)

    def _content(self, distribution: str) -> dict[str, Any]:
        if self._is_live(distribution) and (told := self._told_by(distribution)):
            return told
        if distribution not in self._index.distributions:
            if distribution in self.installed:
                return {"distribution": {"name": distribution}, "things": []}
            raise self._unknown(distribution, None)
        return shipped(distribution)

    def _told_by(self, distribution: str) -> dict[str, Any]:
        """Return what an installed distribution says of itself; nothing if it cannot."""
        if distribution not in self._told:
            from importlib.metadata import PackageNotFoundError

            from brickwork.catalog.files import content_of
            from brickwork.catalog.generate import entry_of

            try:
                file = entry_of(self._registry, distribution, self.troubles)
                self._told[distribution] = content_of(file)
            except (BrickworkError, PackageNotFoundError) as error:
                self.troubles.append(f"{distribution} cannot be told of: {error}")
                self._told[distribution] = {}
        return self._told[distribution]

    def _unknown(self, name: str, kind: str | None) -> UnknownName:
        from difflib import get_close_matches

        names = [*self._index.names, *self._index.distributions]
        close = get_close_matches(name, names, n=3)
        others = sorted({each.kind for each in self._index.names.get(name, ())})
        if kind is not None and others:
            return UnknownName(
                f"The catalog has no {kind} {name!r}.", fix=f"It is a {' and a '.join(others)}."
            )
        troubles = "".join(f"\n  {trouble}" for trouble in self.troubles)
        return UnknownName(
            f"The catalog has nothing of the name {name!r}.{troubles}",
            fix=f"Did you mean {' or '.join(map(repr, close))}?"
            if close
            else "`brickwork catalog search WORDS` looks in names and descriptions.",
        )


def shipped(distribution: str) -> dict[str, Any]:
    """Return the file of a distribution that the index names.

    Raises:
        InvalidCatalog: It is missing or damaged.
    """
    path = known.DATA / f"{distribution}.json"
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        things, own = content["things"], content["distribution"]["name"]
        if own != distribution or not all(each["name"] and each["kind"] for each in things):
            raise ValueError("it is of something else")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise damaged(distribution, error) from None
    return content


def damaged(distribution: str, error: Exception) -> InvalidCatalog:
    """Return the error for a shipped file that is not what it should be."""
    return InvalidCatalog(
        f"The catalog's file of {distribution} is damaged: {type(error).__name__}: {error}.",
        fix="Reinstall Brickwork: pip install --force-reinstall brickwork.",
    )


def _place(word: str, thing: Mapping[str, Any]) -> int | None:
    """Say where a word stands: the lower, the better; None if nowhere."""
    name = str(thing["name"]).casefold()
    if word == name:
        return 0
    if word in name.replace("_", "-").replace(".", "-").split("-"):
        return 1
    if word in name:
        return 2
    if any(word in str(thing.get(key, "")).casefold() for key in ("title", "summary")):
        return 4
    return 8 if any(word in text.casefold() for text in _texts(thing)) else None


def _texts(thing: Mapping[str, Any]) -> Iterator[str]:
    yield str(thing.get("description", ""))
    yield " ".join(map(str, [*thing.get("permissions", ()), *thing.get("interfaces", ())]))
    for key in ("fields", "parameters", "commands"):
        for inside in thing.get(key, ()):
            yield str(inside["name"])
            yield str(inside.get("summary", ""))
            yield from _texts(inside)
