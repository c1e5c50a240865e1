"""What the shell completes: addresses, slugs and names of tasks. Silent when something is wrong."""

from collections.abc import Iterable

import click

from brickwork.cli.invocation import Invocation


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


def _names(ctx: click.Context, kind: str, incomplete: str) -> list[str]:
    try:
        names = ctx.ensure_object(Invocation).registry().names(kind)
    except Exception:  # noqa: BLE001  # as above
        return []
    return _starting(names, incomplete)


def _starting(texts: Iterable[str], incomplete: str) -> list[str]:
    return [text for text in texts if text.startswith(incomplete)]
