"""What a new plugin is to be, and whether that can be."""

import json
import re
from dataclasses import dataclass

from brickwork.errors import ConfigError, DuplicateName, InvalidName

PARTS = {
    "credentials": "a block with a token, and a check",
    "task": "a prebuilt task, with pages and retries",
    "notifier": "a notifier, as a block",
    "storage": "a storage, as a block and by URL",
    "resolver": "a resolver of references to secrets",
}
"""What a package can have; credentials it always has, since the others need them."""

LICENSES = ("Apache-2.0", "MIT", "BSD-3-Clause", "LicenseRef-Proprietary")
"""Licences by their names in SPDX."""

_NAME = re.compile(r"[a-z][a-z0-9]{1,15}")
# They become part of source code: in strings, docstrings, TOML, Markdown and XML.
_TITLE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 .+-]{0,28}[A-Za-z0-9+])?")
_URL = re.compile(
    r"https://(?=.{1,90}\Z)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::\d{1,5})?(?:/[A-Za-z0-9._~/-]{0,20})?"
)
_AUTHOR = re.compile(
    r"(?P<name>[^<>\"\\\x00-\x1f\x7f-\x9f]{1,80}?)(?: +<(?P<mail>[^<>\s\"\\]+@[^<>\s\"\\]+)>)?"
)
_NOUNS = {
    "credentials": "credentials",
    "task": "tasks",
    "notifier": "a notifier",
    "storage": "a storage",
    "resolver": "a resolver",
}


@dataclass(frozen=True)
class Plan:
    """What is to be written. Make it with `Plan.of`, which refuses what cannot be.

    Attributes:
        name: The plugin's name: it begins those of all its blocks and tasks.
        title: What people call the service.
        parts: Which of `PARTS` it has.
        url: Where the service is.
        author: Who writes it: ``Ann Example <ann@example.com>``, or the name alone.
        license: One of `LICENSES`.
    """

    name: str
    title: str
    parts: frozenset[str]
    url: str
    author: str
    license: str

    @classmethod
    def of(
        cls,
        name: str,
        *,
        title: str = "",
        parts: frozenset[str] = frozenset(PARTS),
        url: str = "",
        author: str = "",
        license: str = "Apache-2.0",  # noqa: A002  # as in pyproject.toml
    ) -> "Plan":
        """Return a plan; what is left empty is made of the name.

        Raises:
            InvalidName: It cannot be the name of a plugin.
            ConfigError: Something else cannot be used.
        """
        name = check_name(name)
        url = url or f"https://api.{name}.example"
        title = title or name.capitalize()
        author = author.strip(" ") or "The authors"
        unknown = sorted(parts - set(PARTS))
        for text, pattern, what, fix in (
            (title, _TITLE, "title", "Use up to 30 letters, digits, spaces, dots, + and -."),
            (url, _URL, "URL", "Give an https address without user and query."),
            (author, _AUTHOR, "author", "Write: Ann Example <ann@example.com>"),
        ):
            if not (text.isprintable() and pattern.fullmatch(text)):
                raise ConfigError(f"{text[:100]!r} cannot be the {what} of a plugin.", fix=fix)
        if unknown:
            raise ConfigError(
                f"A plugin cannot have {', '.join(unknown)}.", fix=f"Choose of {', '.join(PARTS)}."
            )
        if license not in LICENSES:
            raise ConfigError(
                f"There is no text of the licence {license!r} here.",
                fix=f"Choose one of {', '.join(LICENSES)}; it can be changed later.",
            )
        return cls(name, title, parts | {"credentials"}, url.rstrip("/"), author, license)

    @property
    def distribution(self) -> str:
        """The name for pip, and of the folder."""
        return f"brickwork-{self.name}"

    @property
    def class_prefix(self) -> str:
        """How its classes begin: as the title is written, if that is the name."""
        written = re.sub(r"[^A-Za-z0-9]", "", self.title)
        named = written.lower() == self.name
        return written[0].upper() + written[1:] if named else self.name.capitalize()

    def words(self, brickwork_version: str, year: int) -> dict[str, str]:
        """Return what stands in the files for each word in guillemets.

        Args:
            brickwork_version: Which Brickwork is here.
            year: Of the copyright.
        """
        major, minor = map(int, brickwork_version.split(".")[:2])
        author = _AUTHOR.fullmatch(self.author)
        assert author is not None  # noqa: S101  # Plan.of has looked
        nouns = [_NOUNS[part] for part in PARTS if part in self.parts]
        return {
            "title": self.title,
            "initial": self.title[0].upper(),
            "summary": " and ".join(filter(None, [", ".join(nouns[:-1]), nouns[-1]])),
            "url": self.url,
            "license": self.license,
            # No index takes what has this classifier.
            "private": ', "Private :: Do Not Upload"' if "Proprietary" in self.license else "",
            "authors": _toml_author(author["name"], author["mail"]),
            "holder": author["name"],
            "year": str(year),
            "core": f"{major}.{minor}",
            # Before 1.0 a minor version may break what it promises.
            "next": f"{major + 1}" if major else f"0.{minor + 1}",
        }


def check_name(name: str) -> str:
    """Return the plugin's name, from itself or from that of its distribution.

    Raises:
        InvalidName: It cannot be one.
        DuplicateName: A known or installed plugin, or the core, has it.
    """
    from brickwork.registry.kinds import RESERVED, RESERVED_PLUGINS

    plugin = name.removeprefix("brickwork-")
    if not _NAME.fullmatch(plugin):
        raise InvalidName(
            f"{name[:100]!r} cannot be the name of a plugin.",
            fix="Use one word of 2 to 16 lower-case letters and digits, that begins with a letter:"
            " acme, or brickwork-acme.",
        )
    if plugin.startswith("test"):
        raise InvalidName(
            f"{plugin!r} cannot be the name of a plugin: pytest takes what begins so for tests.",
            fix=f"Choose a name that does not begin with test: {_without_test(plugin)}.",
        )
    owner = _owner(plugin)
    firsts = {slug.partition("-")[0] for slug in RESERVED["blocks"]}
    if owner or plugin in RESERVED_PLUGINS or plugin in firsts:
        raise DuplicateName(
            f"The name {plugin!r} is taken by {owner or 'Brickwork itself'}.",
            fix="Choose another one: it begins the names of all blocks and tasks.",
        )
    return plugin


def _without_test(plugin: str) -> str:
    rest = plugin.removeprefix("test")
    return f"{rest}test" if _NAME.fullmatch(rest) else "acme"


def _owner(plugin: str) -> str | None:
    """Return who has a plugin of the name, or a URL scheme."""
    from brickwork.registry import Registry, known
    from brickwork.registry.kinds import KINDS

    registry = Registry()
    for info in registry.plugins():
        if info.name == plugin:
            return info.distribution or info.module
    for kind, about in KINDS.items():
        origin = registry.names(kind).get(plugin) if about.group else None
        if origin is not None:
            return origin
    return known.plugins().get(plugin)


def _toml_author(name: str, mail: str | None) -> str:
    fields = {"name": name, **({"email": mail} if mail else {})}
    shown = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items())
    return f"{{ {', '.join(shown)} }}"
