"""Tasks by what people write: their names, or programs that use them."""

from typing import TYPE_CHECKING, Any

from brickwork.errors import InvalidArguments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from brickwork.cli.invocation import Invocation
    from brickwork.tasks import Task


def named_tasks(invocation: "Invocation", words: "Iterable[str]") -> "list[Task[..., Any]]":
    """Return tasks, each once.

    Args:
        invocation: The running command.
        words: Each a task's name (``aws.s3_read``), a file (``flows.py``), or a module
            (``acme.flows``); of a program, those that its functions use.

    Raises:
        UnknownName: There is no task of that name.
        InvalidArguments: A program cannot be loaded.
    """
    from importlib import import_module

    from brickwork.tasks.uses import load_program, tasks_used

    found: dict[Task[..., Any], None] = {}
    names = invocation.registry().names("tasks")
    plugins = {name.partition(".")[0] for name in names}
    for word in words:
        # A plugin's name may be that of a module, too, which looking for a part of it would run.
        of_plugin = "." in word and word.partition(".")[0] in plugins
        if not word.endswith(".py") and (of_plugin or not _is_module(word)):
            found[invocation.registry().task(word)] = None
            continue
        try:
            module = load_program(word) if word.endswith(".py") else import_module(word)
        except Exception as error:
            raise InvalidArguments(
                f"The program {word} cannot be loaded: {type(error).__name__}: {error}",
                fix="Name a file or a module that can be imported here.",
            ) from error
        found.update(dict.fromkeys(tasks_used(module)))
    return list(found)


def _is_module(word: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(word) is not None
    except (ImportError, ValueError):
        return False
