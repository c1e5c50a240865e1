"""Histories and runners by their names, also those of other packages."""

import logging
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from brickwork import Config, mask
from brickwork_flows.errors import InvalidExtension

GROUP = "brickwork_flows"

_KINDS = {"histories": "history", "runners": "runner"}
_NORMAL = re.compile(r"[-_.]+")

_log = logging.getLogger("brickwork.flows")


class Extension(NamedTuple):
    """A module that extends the engine, or the reason for which it is set aside.

    Attributes:
        name: The entry point's name.
        distribution: Where it is from, for people.
        offers: Kind to name to dotted path.
        problem: Why it is set aside; empty if it is not.
    """

    name: str
    distribution: str
    offers: Mapping[str, Mapping[str, str]]
    problem: str = ""


def find(kind: str, name: str) -> Any:
    """Return a history's class, or what makes a runner, by its name.

    Args:
        kind: ``histories`` or ``runners``.
        name: A scheme, or a runner's name.

    Raises:
        InvalidExtension: There is none of that name, two packages claim it, or it cannot be
            imported.
    """
    found = [each for each in extensions() if name in each.offers.get(kind, ())]
    word = _KINDS[kind]
    if not found:
        raise _unknown(kind, name)
    if len(found) > 1:
        raise InvalidExtension(
            f"The {word} {name!r} is claimed by {' and by '.join(e.distribution for e in found)}.",
            fix="Uninstall one of them, or name it in BRICKWORK_PLUGINS_BLOCK.",
        )
    path = found[0].offers[kind][name]
    module, _, attribute = path.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except Exception as error:  # noqa: BLE001  # foreign code may raise anything
        raise InvalidExtension(
            f"The {word} {name!r} of {found[0].distribution} cannot be imported from {path}: "
            f"{_told(error)}",
            fix=f"Reinstall {found[0].distribution}, with the extras that it asks for.",
        ) from None


def extensions() -> tuple[Extension, ...]:
    """Return what extends the engine, this package's own first."""
    config = Config.load()
    return (
        _own(),
        *(
            each
            for each in _installed()
            if _allowed(each.distribution, config.plugins_allow, config.plugins_block)
        ),
    )


def _allowed(distribution: str, allow: frozenset[str] | None, block: frozenset[str]) -> bool:
    name = _NORMAL.sub("-", distribution.partition(" ")[0]).lower()
    return name not in block and (allow is None or name in allow)


@cache
def _own() -> Extension:
    from brickwork_flows import builtin

    return Extension("flows", "brickwork-flows", _asked(builtin))


@cache
def _installed() -> tuple[Extension, ...]:
    return tuple(_found())


def _found() -> Iterator[Extension]:
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP):
        where = "" if point.dist is None else f"{point.dist.name} {point.dist.version}"
        try:
            offers = _asked(point.load())
        except Exception as error:  # noqa: BLE001  # foreign code may raise anything
            problem = _told(error)
            _log.warning("the extension %s (%s) is set aside: %s", point.name, where, problem)
            yield Extension(point.name, where, {}, problem)
        else:
            yield Extension(point.name, where, offers)


def _asked(module: Any) -> dict[str, dict[str, str]]:
    """Return what the hooks of a module offer."""
    import pluggy

    from brickwork_flows import hookspecs

    # A manager for each: what one does wrong cannot reach another.
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(module)
    manager.check_pending()
    offers: dict[str, dict[str, str]] = {}
    for kind in _KINDS:
        for answer in getattr(manager.hook, f"brickwork_flows_{kind}")():
            if not isinstance(answer, Mapping) or not all(
                isinstance(name, str) and isinstance(path, str) and ":" in path
                for name, path in answer.items()
            ):
                raise TypeError(f"brickwork_flows_{kind} gives no names with dotted paths")
            offers.setdefault(kind, {}).update(answer)
    return offers


def _unknown(kind: str, name: str) -> InvalidExtension:
    names = sorted(name for each in extensions() for name in each.offers.get(kind, ()))
    aside = "".join(
        f"\n  - {each.name} ({each.distribution}) is set aside: {each.problem}"
        for each in extensions()
        if each.problem
    )
    return InvalidExtension(
        f"There is no {_KINDS[kind]} {name!r}; there are: {', '.join(names)}.{aside}",
        fix="Install the package that brings it"
        + (", or mend what is set aside" if aside else "")
        + (f"; for a folder of that name write ./{name}:..." if kind == "histories" else "")
        + ".",
    )


def _told(error: BaseException) -> str:
    return mask(" ".join(f"{type(error).__name__}: {error}".split()))[:300]
