"""What the shell completes: addresses, slugs and names of tasks. Silent when something is wrong."""

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from brickwork.cli.invocation import Invocation

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMAND = "brickwork.cli.command"
"""Where the context of a command keeps what stands behind a double hyphen."""


def addresses(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the addresses of saved blocks."""
    try:
        documents = ctx.ensure_object(Invocation).vault().documents()
    except Exception:  # noqa: BLE001  # a completion that fails must not disturb the line typed
        return []
    return _starting((f"{each.slug}/{each.name}" for each in documents), incomplete)


def slugs(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return what can be created."""
    return _names(ctx, "blocks", incomplete)


def tasks(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of tasks."""
    return _names(ctx, "tasks", incomplete)


def targets(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> "list[CompletionItem[str]]":
    """Return what can be notified: saved notifiers, routes also by their name alone, console."""
    from click.shell_completion import CompletionItem

    if COMMAND in ctx.meta:
        return [CompletionItem(incomplete, type="file")]
    try:
        documents = ctx.ensure_object(Invocation).vault().documents()
        kinds = _notifiers(ctx, {each.slug for each in documents})
    except Exception:  # noqa: BLE001  # as above
        documents, kinds = [], set()
    saved = [f"{each.slug}/{each.name}" for each in documents if each.slug in kinds]
    routes = [each.name for each in documents if each.slug == "notify-route"]
    names = [*routes, *saved, "console:"]
    return [CompletionItem(name) for name in _starting(names, incomplete)]


def _notifiers(ctx: click.Context, slugs: Iterable[str]) -> set[str]:
    """Return those of some slugs whose blocks are notifiers; imports their classes."""
    from brickwork.errors import BrickworkError
    from brickwork.notifier import Notifier

    found = set()
    for slug in slugs:
        with suppress(BrickworkError):  # its plugin is not installed, or broken
            if issubclass(ctx.ensure_object(Invocation).registry().get("blocks", slug), Notifier):
                found.add(slug)
    return found


def _names(ctx: click.Context, kind: str, incomplete: str) -> list[str]:
    try:
        names = ctx.ensure_object(Invocation).registry().names(kind)
    except Exception:  # noqa: BLE001  # as above
        return []
    return _starting(names, incomplete)


def _starting(texts: Iterable[str], incomplete: str) -> list[str]:
    return [text for text in texts if text.startswith(incomplete)]


def catalog(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the names in the shipped catalog."""
    try:
        from brickwork.registry import known

        index = known.index()
    except Exception:  # noqa: BLE001  # as above
        return []
    return _starting([*index.names, *index.distributions], incomplete)
