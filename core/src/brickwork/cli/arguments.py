"""``NAME=VALUE``: arguments of a task or a flow, from the command line to what it takes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from brickwork.cli.invocation import Invocation
from brickwork.errors import BlockError

if TYPE_CHECKING:
    from brickwork.tasks import Task


def read_arguments(
    invocation: Invocation, task: "Task[..., Any]", texts: Sequence[str], option: str
) -> dict[str, Any]:
    """Return arguments as a task's annotations want them.

    A secret comes from standard input, never from the argument; a saved block stands there by its
    address, and a storage by its URL.

    Args:
        invocation: The command line that runs.
        task: The task that takes them.
        texts: ``NAME=VALUE`` each.
        option: Where they were given, for errors: ``--arg``.

    Raises:
        InvalidArguments: Names every argument that is wrong, missing or unknown; no values.
        BlockError: A secret stands in an argument, or a text reads otherwise.
    """
    return task.coerce(given(invocation, task, texts, option), resolve_block=opened)


def given(
    invocation: Invocation, task: "Task[..., Any]", texts: Sequence[str], option: str
) -> dict[str, object]:
    """Return the texts, and the secrets, by name: before they are made what is wanted."""
    from brickwork.cli.assign import parse, read_input
    from brickwork.cli.forms import Terminal
    from brickwork.secret import Secret
    from brickwork.vault.shapes import Shape

    annotations = {each.name: each.annotation for each in task.parameters}
    arguments: dict[str, object] = {}
    used = ""
    for each in parse(texts, option):
        name = each.name
        shape = Shape(annotations[name]) if name in annotations else None
        arguments[name] = each.value
        if shape is None or not _may_hold_secret(shape, each.value):
            continue
        if each.value != "-" or not shape.takes_secret():
            raise BlockError(
                f"{name} is a secret, and an argument is seen by other users.",
                fix=f"Write {option} {name}=- and pass it on standard input.",
            )
        if used:
            raise BlockError(
                f"Standard input was taken for {used}, and cannot give {name} too.",
                fix="Save the secrets in a block, or call it from Python.",
            )
        if invocation.interactive:
            arguments[name] = Secret(Terminal().ask_hidden(f"{name} (hidden)"))
        else:
            used, arguments[name] = name, Secret(read_input())
    return arguments


def _may_hold_secret(shape: Any, text: str) -> bool:
    import json

    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    blocks = bool(shape.block_classes())
    return shape.secret_in(value) and not (blocks and isinstance(value, str))


def opened(text: str) -> object:
    """Return what a text names: a saved block, a storage, a notifier, or a serializer."""
    from brickwork.block import Block
    from brickwork.errors import UnknownName
    from brickwork.opening import open_notifier, open_serializer, open_storage

    head = text.split("/", 1)[0]
    if ":" in head:
        try:
            return open_storage(text)
        except UnknownName:
            return open_notifier(text)
    return Block.load(text) if "/" in text else open_serializer(text)
