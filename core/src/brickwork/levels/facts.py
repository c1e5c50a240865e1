"""Prints, as JSON, what a distribution says of itself and what it offers.

A program of its own, because it imports the distribution: `brickwork.levels.running` starts it.
"""

import json
import re
import sys
from importlib import metadata
from typing import Any

from brickwork.block import Block, defined_blocks
from brickwork.config import Config, normalise
from brickwork.errors import BrickworkError
from brickwork.registry import Registry
from brickwork.registry.kinds import KINDS
from brickwork.registry.metadata import PLUGINS, installed
from brickwork.tasks import Task

MARK = "brickwork facts: "
"""How the line begins: what is imported here may print, too, and at the very end."""

_FIELDS = ("Summary", "License", "License-Expression", "Requires-Python", "Requires-Dist")
_INTERFACES = ("storages", "notifiers")
"""What a block can be beside a block."""


def facts(distribution: str) -> dict[str, Any]:
    """Return the facts of an installed distribution; what cannot be imported is a trouble."""
    name = normalise(distribution)
    groups = next(each.groups for each in installed() if each.name == name)
    registry = Registry(config=Config("", "", plugins_allow=frozenset([name])))
    troubles = [
        f"The plugin {info.name} is {info.status}: {info.reason} {info.fix}".strip()
        for info in registry.load_all()
        if info.distribution == name and info.status != "ok"
    ]
    things: list[dict[str, Any]] = []
    for kind in KINDS:
        for each, origin in registry.names(kind).items():
            if normalise(origin.partition(" ")[0]) == name:
                try:
                    things.append(_thing(registry, kind, each))
                except BrickworkError as error:
                    troubles.append(f"{error.what} {error.fix}".strip())
    read = metadata.metadata(distribution)
    described = {field: read.get_all(field) or [] for field in _FIELDS}
    body = read.get_payload() if hasattr(read, "get_payload") else ""
    described["Description"] = [*(read.get_all("Description") or []), str(body or "")]
    return {
        "version": metadata.version(distribution),
        "metadata": described,
        "packages": sorted({value.partition(".")[0] for value in groups.get(PLUGINS, {}).values()}),
        "things": things,
        "troubles": troubles,
    }


def _thing(registry: Registry, kind: str, name: str) -> dict[str, Any]:
    found = registry.get(kind, name)
    thing: dict[str, Any] = {"kind": kind, "name": name, "interfaces": [kind]}
    if isinstance(found, type | Task):
        thing["path"] = path_of(found)
    if isinstance(found, type) and issubclass(found, Block):
        thing["interfaces"] += [each for each in _INTERFACES if _is(found, each)]
        thing["secrets"] = _holds_secrets(found)
        thing["checks"] = found.check is not Block.check
    return thing


def _holds_secrets(cls: type[Block]) -> bool:
    """Tell whether a block has a secret of its own: not one of the blocks in it."""
    schema = cls.model_json_schema()
    inside = {each.__name__ for each in defined_blocks.values()}
    seen: set[str] = set()
    wanted: list[Any] = [schema.get("properties", {})]
    while wanted:
        text = json.dumps(wanted.pop())
        if '"writeOnly": true' in text:
            return True
        names = set(re.findall(r'"#/\$defs/([^"]+)"', text)) - inside - seen
        seen |= names
        wanted += [schema["$defs"][name] for name in names]
    return False


def path_of(thing: type | Task[..., Any]) -> str:
    """Return where a class, or the function of a task, is defined: ``module:name``."""
    defined = thing.fn if isinstance(thing, Task) else thing
    return f"{defined.__module__}:{getattr(defined, '__qualname__', '')}"


def _is(cls: type, kind: str) -> bool:
    from importlib import import_module

    for path in KINDS[kind].interfaces:
        module, _, name = path.partition(":")
        if issubclass(cls, getattr(import_module(module), name)):
            return True
    return False


if __name__ == "__main__":
    found = facts(sys.argv[1])
    sys.stdout.write(f"\n{MARK}{json.dumps(found)}\n")
