"""Whether the options about results, which are for engines, can be used."""

import re
from typing import TYPE_CHECKING, Any, Final

from brickwork.errors import TaskError

if TYPE_CHECKING:
    from brickwork.tasks.definition import Task

OPTIONS: Final = ("persist_result", "result_storage", "result_serializer", "result_storage_key")

_CHAIN = re.compile(r"[a-z][a-z0-9-]*(?:\|[a-z][a-z0-9-]*)*")
_FIELD = re.compile(
    r"parameters\[(?P<parameter>[^\[\]]+)\]"
    r"|flow_run\.(?:id|name|flow_name)|task_run\.(?:id|name|task_name|run_count)"
)


def check_results(task: "Task[..., Any]") -> None:
    """Refuse options that no engine could follow.

    Raises:
        TaskError: An option cannot be used, or two contradict each other.
    """
    options = task.options
    persist: object = options.get("persist_result")
    if not isinstance(persist, bool | None):
        raise _wrong(task, "persist_result", persist, "True, False or None")
    given = [name for name in OPTIONS[1:] if options.get(name) is not None]
    if persist is False and given:
        raise TaskError(
            f"Task {task.name!r} has persist_result=False, and {given[0]}.",
            fix="Leave one of them out.",
        )
    storage = options.get("result_storage")
    # By what it can do: the interface of storages stands beside this one, not below.
    if not (storage is None or isinstance(storage, str) or hasattr(storage, "open_write")):
        raise _wrong(task, "result_storage", storage, "a storage, its address or its URL")
    chain: object = options.get("result_serializer")
    if chain is not None and not (isinstance(chain, str) and _CHAIN.fullmatch(chain)):
        raise _wrong(task, "result_serializer", chain, 'a chain such as "json|zstd"')
    key: object = options.get("result_storage_key")
    if key is not None:
        _check_key(task, key)


def _check_key(task: "Task[..., Any]", key: object) -> None:
    import inspect
    from string import Formatter

    if not isinstance(key, str) or not key:
        wanted = 'a template such as "reports/{parameters[day]}.json"'
        raise _wrong(task, "result_storage_key", key, wanted)
    try:
        fields = [part for part in Formatter().parse(key) if part[1] is not None]
    except ValueError as error:
        raise TaskError(
            f"Task {task.name!r}: result_storage_key is no template: {error}.",
            fix="Write {{ and }} for braces that stand for themselves.",
        ) from None
    names = inspect.signature(task.fn).parameters
    for _, field, form, _ in fields:
        found = _FIELD.fullmatch(str(field))
        if found is None or "{" in str(form):
            raise TaskError(
                f"Task {task.name!r}: result_storage_key cannot use {{{field}}}.",
                fix="There are parameters[name], flow_run.id, .name and .flow_name, task_run.id, "
                ".name, .task_name and .run_count.",
            )
        if found["parameter"] not in (None, *names):
            raise TaskError(
                f"Task {task.name!r}: result_storage_key uses the parameter "
                f"{found['parameter']!r}, which there is not.",
                fix=f"There are: {', '.join(names) or 'none'}.",
            )


def _wrong(task: "Task[..., Any]", option: str, given: object, wanted: str) -> TaskError:
    return TaskError(
        f"Task {task.name!r}: {option} cannot be this {type(given).__name__}.",
        fix=f"Give {wanted}.",
    )
