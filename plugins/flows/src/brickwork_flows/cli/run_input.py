"""What a paused run is given on the command line: as JSON, by fields, or by answers."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from brickwork import Secret
from brickwork.commands import Invocation, harmless
from brickwork_flows.errors import InvalidInput
from brickwork_flows.pausing.awaited import Pause
from brickwork_flows.pausing.inputs import fields_of, holds_secret

_MOST_INPUT = 1024 * 1024
_TYPES: dict[str, type | tuple[type, ...]] = {
    "array": list,
    "boolean": bool,
    "integer": int,
    "null": type(None),
    "number": (int, float),
    "object": dict,
}


def read_input(
    invocation: Invocation, pause: Pause, document: str | None, texts: Sequence[str]
) -> Any:
    """Return what is given to a pause; None where it waits for nothing.

    Args:
        invocation: The command line that runs.
        pause: What waits.
        document: The whole in JSON; ``-`` for standard input.
        texts: ``NAME=VALUE`` for each field of a model.

    Raises:
        InvalidInput: It is not JSON, a field is unknown or missing, or a secret stands in it.
    """
    schema = pause.schema
    if document is not None and texts:
        raise click.UsageError("Give --input, or -i for each field.")
    if schema is None:
        if document is not None or texts:
            raise click.UsageError("The run waits for no input.")
        return None
    if document is not None:
        return _of_document(document, schema)
    if texts:
        return _of_fields(invocation, texts, schema)
    if invocation.interactive:
        return _asked(pause, schema)
    missing = [name for name, _, needed in fields_of(schema) if needed]
    if missing or "properties" not in schema:
        raise InvalidInput(
            f"The run waits for {pause.takes}, and was given nothing.",
            fix="Write --input with JSON, or -i NAME=VALUE for each field.",
        )
    return None


def _of_document(document: str, schema: Mapping[str, Any]) -> Any:
    hidden = document == "-"
    text = sys.stdin.read(_MOST_INPUT) if hidden else document
    try:
        value = json.loads(text)
    except ValueError:
        if not _is_text(schema):
            raise InvalidInput(
                "The input is no JSON.", fix="""Write it like this: --input '{"approved": true}'"""
            ) from None
        value = text.removesuffix("\n") if hidden else text
    if not hidden:
        fields = {name: field for name, field, _ in fields_of(schema)}
        given = value if isinstance(value, dict) and fields else {}
        secret = [name for name in given if holds_secret(fields.get(name))]
        if secret or (not fields and holds_secret(schema)):
            raise _secret(", ".join(secret) or "It", "--input - and pass the JSON")
    return value


def _of_fields(invocation: Invocation, texts: Sequence[str], schema: Mapping[str, Any]) -> Any:
    fields = {name: field for name, field, _ in fields_of(schema)}
    given: dict[str, Any] = {}
    for each in texts:
        name, equals, text = each.partition("=")
        if not equals or name not in fields:
            raise InvalidInput(
                f"There is no field {name!r}." if equals else "-i reads NAME=VALUE.",
                fix=f"There are: {', '.join(fields) or 'none; use --input'}.",
            )
        if not holds_secret(fields[name]):
            given[name] = _value(text, fields[name])
        elif text != "-":
            raise _secret(name, f"-i {name}=- and pass it")
        elif invocation.interactive:
            given[name] = Secret(click.prompt(f"{name} (hidden)", hide_input=True, err=True))
        else:
            given[name] = Secret(sys.stdin.read(_MOST_INPUT).removesuffix("\n"))
    return given


def _secret(what: str, how: str) -> InvalidInput:
    return InvalidInput(
        f"{what} is a secret, and an argument is seen by other users.",
        fix=f"Write {how} on standard input.",
    )


def _asked(pause: Pause, schema: Mapping[str, Any]) -> Any:
    """Ask a person for it, field by field."""
    if "properties" not in schema:
        return _answer(pause.type, schema, needed="default" not in schema)
    head = harmless(str(schema.get("description", "") or pause.type)).strip()
    click.echo(head, err=True)
    answers: dict[str, Any] = {}
    for name, field, needed in fields_of(schema):
        answer = _answer(name, field, needed=needed)
        if answer is not None:
            answers[name] = answer
    return answers


def _answer(name: str, field: Mapping[str, Any], *, needed: bool) -> Any:
    hidden = holds_secret(field)
    kind = "hidden" if hidden else _kind(field)
    about = harmless(str(field.get("description", ""))).strip()
    question = f"{name} ({kind})" + (f", {about}" if about else "")
    if hidden:
        text = click.prompt(
            question, default=None if needed else "", hide_input=True, show_default=False, err=True
        )
        return Secret(text) if text else None
    default = field.get("default")
    if kind == "boolean":
        return click.confirm(question, default=default if not needed else None, err=True)
    shown = default if isinstance(default, str) else json.dumps(default)

    def read(text: str) -> Any:
        # What is left as it is keeps its default, which need not be a text.
        return None if not needed and text in ("", shown) else _fitting(text, field)

    return click.prompt(
        question,
        default=None if needed else ("" if default is None else shown),
        show_default=default is not None,
        err=True,
        value_proc=read,
    )


def _fitting(text: str, field: Mapping[str, Any]) -> Any:
    """Return the value of an answer; what can be seen here to be none is asked for again."""
    value = _value(text, field)
    if "enum" in field and value not in field["enum"]:
        raise click.BadParameter(f"It is one of {_kind(field)}.")
    kinds = {str(each.get("type")) for each in field.get("anyOf", [field])}
    if kinds <= _TYPES.keys() and not any(isinstance(value, _TYPES[kind]) for kind in kinds):
        raise click.BadParameter(f"That is no {_kind(field)}; an array or object is JSON.")
    return value


def _value(text: str, field: Mapping[str, Any]) -> Any:
    if _is_text(field):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text  # who waits says what is wrong with it


def _is_text(field: Mapping[str, Any]) -> bool:
    options = field.get("anyOf", [field])
    return any(each.get("type") == "string" for each in options)


def _kind(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return " | ".join(map(str, field["enum"]))
    options = field.get("anyOf", [field])
    kinds = [each.get("format", each.get("type", "value")) for each in options]
    return " | ".join(str(kind) for kind in kinds if kind != "null") or "value"
