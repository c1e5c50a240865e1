"""The catalog's files as texts: read and checked, written always in the same way."""

import json
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from brickwork.catalog.model import CatalogFile
from brickwork.errors import InvalidCatalog
from brickwork.registry import known

MOST_BYTES = 8_000_000
_SHOWN = 10
_FIX = "Make it anew with `brickwork catalog export`, or correct it; docs/catalog.md says how."


def read(path: Path) -> CatalogFile:
    """Read and check a file of the catalog.

    Raises:
        InvalidCatalog: It cannot be read, or is not in the format; says where, all of it.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise _invalid(path.name, f"cannot be read: {error.strerror or error}") from None
    return parse(data, path.name)


def parse(data: bytes, name: str) -> CatalogFile:
    """Check the text of a file; see `read`."""
    if len(data) > MOST_BYTES:
        raise _invalid(name, f"is larger than {MOST_BYTES} bytes")
    try:
        content = json.loads(
            data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number
        )
    except (ValueError, RecursionError) as error:
        text = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise _invalid(name, f"is no JSON: {text}") from None
    return checked(content, name)


def checked(content: Any, name: str) -> CatalogFile:
    """Return a file's content as the format has it. Raises InvalidCatalog."""
    try:
        return CatalogFile.model_validate(content)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        lines = [f"\n  {_place(each['loc'])}: {each['msg']}" for each in problems[:_SHOWN]]
        more = f"\n  and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise _invalid(name, f"is not in the format:{''.join(lines)}{more}") from None
    except RecursionError:
        raise _invalid(name, "is nested too deeply") from None


def check_owners(file: CatalogFile, name: str) -> None:
    """Refuse names that belong to other known distributions.

    Args:
        file: The file.
        name: What it is called.

    Raises:
        InvalidCatalog: A plugin or a scheme of it is known to be of another distribution, or it is
            called like one that has other plugins.
    """
    own = file.distribution
    known_plugins = known.plugins()
    for plugin in own.plugins:
        if known_plugins.get(plugin, own.name) != own.name:
            raise _invalid(name, f"has the plugin {plugin!r} of {known_plugins[plugin]}")
    named = sorted(each for each, owner in known_plugins.items() if owner == own.name)
    if named and not set(named) & set(own.plugins):
        raise _invalid(name, f"is called {own.name}, whose plugins are {', '.join(named)}")
    for scheme in own.schemes:
        for kind in ("storages", "resolvers"):
            owner = known.owner_of(kind, scheme)
            if owner not in (None, own.name):
                raise _invalid(name, f"has the scheme {scheme!r} of {owner}")


def content_of(file: CatalogFile, *, compact: bool = False) -> dict[str, Any]:
    """Return a file as JSON values, without what has its default.

    Args:
        file: The file.
        compact: Leave out what only pages need: schemas and logos.
    """
    content: dict[str, Any] = {"format": file.format}
    content["distribution"] = _dumped(file.distribution)
    content["things"] = [{"kind": each.kind, **_dumped(each)} for each in file.things]
    if compact:
        content["distribution"].pop("logo", None)
        for each in content["things"]:
            each.pop("schema", None)
    return content


def text_of(content: Any, *, compact: bool = False) -> str:
    """Return JSON values as the text of a file."""
    if compact:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _dumped(part: Any) -> dict[str, Any]:
    found: dict[str, Any] = part.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return found


def _place(loc: tuple[int | str, ...]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return path.removeprefix(".") or "the file"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _invalid(name: str, what: str) -> InvalidCatalog:
    return InvalidCatalog(f"The catalog file {name} {what}.".replace("..", "."), fix=_FIX)
