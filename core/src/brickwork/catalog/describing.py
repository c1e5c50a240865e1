"""Things of the registry as entries of the catalog. Imports what it describes."""

import inspect
from importlib import import_module
from typing import Any

from brickwork.block import Block
from brickwork.catalog import docstrings
from brickwork.catalog.fields import field_entries
from brickwork.catalog.model import (
    BlockEntry,
    ClassEntry,
    CommandEntry,
    CommandGroup,
    ParameterEntry,
    ResultEntry,
    TaskEntry,
    Thing,
)
from brickwork.catalog.snippets import manifest, usage
from brickwork.catalog.words import annotation, shown_default, title
from brickwork.notifier import Notifier
from brickwork.registry.known import word_of
from brickwork.registry.registry import Registry
from brickwork.storage import Storage
from brickwork.tasks import Task


def describe(registry: Registry, kind: str, name: str, distribution: str) -> Thing:
    """Return the entry of one thing.

    Args:
        registry: Finds it.
        kind: Its kind, as in the registry: ``blocks``.
        name: Its name.
        distribution: Who brings it.

    Raises:
        PluginError: It cannot be imported; see `Registry.get`.
        BlockError: As for blocks.
    """
    found = registry.get(kind, name)
    if kind == "tasks":
        return _task(name, found)
    if kind == "commands":
        return _command(name, found)
    if kind == "blocks":
        return _block(found, distribution)
    return _class(word_of(kind), name, found, distribution)


def _block(cls: type[Block], distribution: str) -> BlockEntry:
    place = _import_of(cls)
    return BlockEntry(
        **_texts(cls.slug, cls.__dict__.get("__doc__"), distribution),
        python=place,
        title=cls.model_config.get("title") or title(cls.__name__),
        schema_version=cls.schema_version,
        interfaces=_interfaces(cls),
        checks=cls.check is not Block.check,
        fields=field_entries(cls),
        json_schema=_sorted_sets(cls.model_json_schema()),
        example=docstrings.examples(cls.__dict__.get("__doc__")),
        manifest=manifest(cls),
        usage=usage(cls, place),
    )


def _interfaces(cls: type[Block]) -> list[str]:
    found = ["credentials"] if cls.slug.endswith("-credentials") else []
    found += ["notifier"] if issubclass(cls, Notifier) else []
    return found + (["storage"] if issubclass(cls, Storage) else [])


def _task(name: str, task: Task[..., Any]) -> TaskEntry:
    parameters = [
        ParameterEntry(
            name=each.name,
            type=annotation(each.annotation),
            required=each.required,
            default=shown_default(each.default),
            description=each.description,
        )
        for each in task.parameters
    ]
    return TaskEntry(
        name=name,
        summary=task.description,
        description=docstrings.description(task.__doc__),
        python=_import_of(task),
        signature=_signature(task),
        is_async=task.is_async,
        parameters=parameters,
        result=ResultEntry(
            type=annotation(_returns(task)), description=docstrings.returned(task.__doc__)
        ),
        permissions=list(task.permissions),
        retries=task.retry.retries,
        timeout_seconds=None if task.timeout_seconds is None else float(task.timeout_seconds),
        tags=sorted(task.tags),
        example=docstrings.examples(task.__doc__),
    )


def _signature(task: Task[..., Any]) -> str:
    """Return the signature with short names of types: ``f(day: date, *, dry: bool = False)``."""
    parts, marked = [], False
    for each in task.parameters:
        star = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
        if each.kind is inspect.Parameter.KEYWORD_ONLY and not marked:
            parts.append("*")
        marked |= each.kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_POSITIONAL)
        kind, default = annotation(each.annotation), shown_default(each.default)
        text = star.get(each.kind, "") + each.name + (f": {kind}" if kind else "")
        parts.append(text + ((" = " if kind else "=") + default if default else ""))
    result = annotation(_returns(task))
    return f"{task.__name__}({', '.join(parts)})" + (f" -> {result}" if result else "")


def _returns(task: Task[..., Any]) -> Any:
    from brickwork.tasks.parameters import EMPTY, resolved_hints

    return resolved_hints(task).get("return", EMPTY)


def _class(kind: Any, name: str, cls: type, distribution: str) -> ClassEntry:
    doc = cls.__dict__.get("__doc__")
    block = cls.__dict__.get("slug", "") if issubclass(cls, Block) else ""
    return ClassEntry(
        **_texts(name, doc, distribution),
        kind=kind,
        python=_import_of(cls),
        block=block,
        example=docstrings.examples(doc),
    )


def _command(name: str, command: Any) -> CommandGroup:
    import click

    text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    commands = []
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            if found is not None and not found.hidden:
                short = docstrings.summary(found.help)
                commands.append(CommandEntry(name=each, summary=short))
    return CommandGroup(
        name=name,
        summary=docstrings.summary(text),
        description=docstrings.description(text),
        commands=commands,
    )


def _texts(name: str, doc: str | None, distribution: str) -> dict[str, Any]:
    return {
        "name": name,
        "summary": docstrings.summary(doc),
        "description": docstrings.description(doc),
        "extra": docstrings.needed_extra(doc, distribution),
    }


def _import_of(found: Any) -> str:
    """Return where a thing is imported from: its package, if that has it, else its module."""
    module, name = found.__module__, found.__name__
    package = module.partition(".")[0]
    if getattr(import_module(package), name, None) is found:
        return f"{package}:{name}"
    return f"{module}:{name}"


def _sorted_sets(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema in which lists that are sets have an order: Python's sets have none."""
    sets = schema.get("uniqueItems") and isinstance(schema.get("default"), list)
    changed = {
        key: _sorted_sets(value)
        if isinstance(value, dict)
        else [_sorted_sets(each) if isinstance(each, dict) else each for each in value]
        if isinstance(value, list)
        else value
        for key, value in schema.items()
    }
    if sets:
        changed["default"] = sorted(changed["default"], key=str)
    return changed
