"""What to say when a name does not lead to anything that can be used."""

from collections.abc import Mapping, Sequence

from brickwork.errors import (
    BrickworkError,
    DuplicateName,
    PluginBroken,
    PluginMissing,
    UnknownBlock,
    UnknownName,
)
from brickwork.registry.installed import conflict
from brickwork.registry.kinds import KINDS
from brickwork.registry.plugins import CORE, Plugin


def set_aside(word: str, name: str, plugin: Plugin) -> PluginBroken:
    """Return the error for something of a plugin that is blocked or broken."""
    state = "blocked" if plugin.status == "blocked" else "set aside"
    return PluginBroken(
        f"The {word} {name!r} belongs to the plugin {plugin}, which is {state}: {plugin.reason}",
        fix=plugin.fix,
    )


def unusable(word: str, name: str, path: str, plugin: Plugin | None, problem: str) -> PluginBroken:
    """Return the error for something that a plugin offers and that is not what it should be."""
    origin = CORE if plugin is None else str(plugin.distribution)
    distribution = CORE if plugin is None else plugin.distribution.name
    return PluginBroken(
        f"The {word} {name!r} of {origin} cannot be used: {path}: {problem}.",
        fix=f"Upgrade or reinstall it: pip install --upgrade --force-reinstall {distribution}.",
    )


def claimed_twice(word: str, name: str, plugins: list[Plugin]) -> DuplicateName:
    """Return the error for a name that several plugins claim."""
    if plugins[0].status == "duplicate":  # the plugin's own name
        return DuplicateName(
            f"The {word} {name!r} cannot be found: {plugins[0].reason}", fix=plugins[0].fix
        )
    what, fix = conflict(f"the {word} {name!r}", plugins)
    return DuplicateName(what, fix=fix)


def two_classes(slug: str, own: str, other: str) -> DuplicateName:
    """Return the error for a slug that the program and a plugin define."""
    return DuplicateName(
        f"Two block classes have the slug {slug!r}: {own}, and {other}.",
        fix=f"Give {own} another slug.",
    )


def unknown(
    kind: str,
    name: str,
    *,
    known: Mapping[str, str],
    plugin: Plugin | None,
    failures: Mapping[str, str],
    discover: bool,
) -> BrickworkError:
    """Return the error for a name that nobody offers.

    Args:
        kind: The kind of thing.
        name: Its name.
        known: The names that are offered.
        plugin: The plugin that the name would belong to, if it is installed.
        failures: Modules of the project that could not be imported, with the reasons.
        discover: Whether plugins were looked for at all.
    """
    word = KINDS[kind].word
    if not discover:
        what = f"The {word} {name!r} is not part of Brickwork itself, and plugins are switched off."
        return _unknown(kind, what, "Run it without --no-plugins.")
    from brickwork.registry import known as elsewhere

    owner = elsewhere.owner_of(kind, name)
    missing = owner or elsewhere.owner_by_prefix(kind, name)
    if plugin is None and missing is not None:
        return PluginMissing(
            f"The {word} {name!r} {'belongs' if owner else 'would belong'} to {missing}, which is "
            "not installed.",
            fix=f"pip install {missing}{'' if owner else _near(name, elsewhere.names_of(kind))}",
        )
    if plugin is not None and owner == plugin.distribution.name:
        return _unknown(
            kind,
            f"The plugin {plugin} has no {word} {name!r} yet.",
            f"Upgrade it: pip install --upgrade {owner}",
        )
    what = f"No {word} has the name {name!r}."
    if plugin is not None:
        what = f"The plugin {plugin} has no {word} {name!r}."
    for module, reason in failures.items():
        what += f" The project's module {module}, where it could be, is left out: {reason}"
    return _unknown(kind, what, _hint(kind, name, list(known)))


def _unknown(kind: str, what: str, fix: str) -> BrickworkError:
    return UnknownBlock(what, fix=fix) if kind == "blocks" else UnknownName(what, fix=fix)


def _near(name: str, names: Sequence[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, names, n=1)
    return f"; or did you mean {close[0]!r}?" if close else ""


def _hint(kind: str, name: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=3)
    if close:
        return f"Did you mean {' or '.join(repr(each) for each in close)}?"
    if kind == "blocks":
        return (
            "Install the plugin that has it, or define the class in a module that brickwork.toml "
            'names: modules = ["app.blocks"]. `brickwork block types` lists what there is.'
        )
    if not known:
        return "Install the plugin that has it."
    if kind == "tasks":
        return "`brickwork task ls` lists what there is."
    return f"Known are {', '.join(known)}."
