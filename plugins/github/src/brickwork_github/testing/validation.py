"""Checks requests and answers against GitHub's description, more strictly than GitHub does.

GitHub ignores what it does not know. Here an unknown field or parameter is an error, since it is a
slip of the pen in the program or in the test.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from brickwork import BrickworkError
from brickwork_github.testing.description import Description, Operation

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

Json = Any
"""What a JSON text can say."""

_OPEN, _CLOSED = "open:", "closed:"
_COPIED = (
    "required", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "pattern",
    "uniqueItems", "minProperties", "maxProperties", "format",
)  # fmt: skip
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)")


_TEXT: Mapping[str, Any] = {"type": "string"}
_PLAIN_KINDS = ("application/json", "application/scim+json")
PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "required": ["message"],
    "properties": {
        "message": {"type": "string"},
        "documentation_url": {"type": "string"},
        "status": {"type": "string"},
        "url": {"type": "string"},
        "errors": {"type": "array", "items": {}},
    },
}
"""What GitHub answers when something goes wrong, though the description often knows less."""


class WrongAnswer(BrickworkError):
    """A test wants an answer to be given that GitHub would never give."""


def converted(schema: Mapping[str, Any], *, closed: bool = True) -> dict[str, Any]:
    """Turn a schema of OpenAPI 3.0 into one of JSON Schema 2020-12.

    Args:
        schema: As it stands in the description.
        closed: Refuse fields that an object does not name, unless it says that it has others.
    """
    if "$ref" in schema:  # beside which OpenAPI 3.0 ignores everything
        return {"$ref": (_CLOSED if closed else _OPEN) + schema["$ref"].rpartition("/")[2]}
    made: dict[str, Any] = {key: schema[key] for key in _COPIED if key in schema}
    if "type" in schema:
        made["type"] = schema["type"]
    if "enum" in schema:
        made["enum"] = list(schema["enum"])
    if "items" in schema:
        made["items"] = converted(schema["items"])
    if "properties" in schema:
        made["properties"] = {
            name: converted(inner) for name, inner in schema["properties"].items()
        }
    more = schema.get("additionalProperties")
    if more is not None:
        made["additionalProperties"] = more if isinstance(more, bool) else converted(more)
    _add_branches(made, schema, closed=closed)
    if closed and more is None and ("properties" in schema or "allOf" in schema):
        # Both mean the same where there are no branches, and this is ten times as slow.
        made["unevaluatedProperties" if "allOf" in made else "additionalProperties"] = False
    return _with_null(made) if schema.get("nullable") else made


def _add_branches(made: dict[str, Any], schema: Mapping[str, Any], *, closed: bool) -> None:
    if "allOf" in schema:
        made["allOf"] = [converted(branch, closed=False) for branch in schema["allOf"]]
    alone = "allOf" not in schema and "properties" not in schema
    either = [
        {"anyOf": [converted(branch, closed=closed and alone) for branch in schema[key]]}
        # Of the branches of GitHub's oneOf, often more than one fits.
        for key in ("anyOf", "oneOf")
        if key in schema
    ]
    if either:
        made["allOf"] = [*made.get("allOf", []), *either]


def _with_null(made: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [{"type": "null"}, made]}


class Schemas:
    """Validators of the schemas of a description; made when they are needed, and kept."""

    def __init__(self, description: Description) -> None:
        from jsonschema import Draft202012Validator
        from jsonschema.validators import extend
        from referencing import Registry
        from referencing.jsonschema import DRAFT202012

        @cache
        def named(uri: str) -> dict[str, Any]:
            mode, _, name = uri.partition(":")
            return converted(description.schema(name), closed=mode == _CLOSED[:-1])

        @cache
        def validator_of(uri: str) -> "Validator":
            return self._made(named(uri))

        def follow(_validator: object, uri: str, value: Json, _schema: object) -> Iterator[Any]:
            yield from validator_of(uri).iter_errors(value)

        def retrieve(uri: str) -> Any:
            return DRAFT202012.create_resource(named(uri))

        # By itself it reads the whole of a schema anew, each time that it follows a reference.
        self._class: Any = extend(Draft202012Validator, {"$ref": follow})
        self._registry: Any = Registry(retrieve=cache(retrieve))  # type: ignore[call-arg]  # made by attrs
        self._kept: dict[int, tuple[Any, Validator]] = {}

    def faults(self, value: Json, schema: Mapping[str, Any]) -> list[str]:
        """Tell what is wrong with a value; in GitHub's own words where it has some."""
        errors = list(self._validator(schema).iter_errors(value))
        return sorted({fault for error in errors for fault in _told(error)})

    def _validator(self, schema: Mapping[str, Any]) -> "Validator":
        kept = self._kept.get(id(schema))
        if kept is None:
            # The schema is kept with it, since its id may be given to another otherwise.
            kept = self._kept[id(schema)] = (schema, self._made(converted(schema)))
        return kept[1]

    def _made(self, schema: Mapping[str, Any]) -> "Validator":
        made: Validator = self._class(schema, registry=self._registry, format_checker=_formats())
        return made


@cache
def schemas_of(description: Description) -> Schemas:
    """Return the validators of a description; the same for all servers of a process."""
    return Schemas(description)


@cache
def _formats() -> Any:
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())

    def is_date(value: object) -> bool:
        return not isinstance(value, str) or re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None

    def is_instant(value: object) -> bool:
        return not isinstance(value, str) or _INSTANT.fullmatch(value) is not None

    checker.checks("date")(is_date)
    checker.checks("date-time")(is_instant)
    return checker


def _told(error: Any) -> Iterator[str]:
    where = "/".join(map(str, error.absolute_path))
    if error.validator == "required":
        name = next(name for name in error.validator_value if name not in error.instance)
        yield f'"{_joined(where, name)}" wasn\'t supplied.'
    elif error.validator in ("unevaluatedProperties", "additionalProperties"):
        yield f"{error.message} at {where or 'the top'}: not a permitted key."
    elif error.validator in ("anyOf", "oneOf", "allOf") and error.context:
        from jsonschema.exceptions import best_match

        yield from _told(_deepest(error, best_match))
    else:
        yield f"For '{where}', {error.message}."


def _deepest(error: Any, best_match: Callable[..., Any]) -> Any:
    found = best_match(
        inner for inner in error.context if not (inner.validator == "type" and _is_null(inner))
    )
    return found if found is not None else error.context[0]


def _is_null(error: Any) -> bool:
    return bool(error.validator_value == "null")


def _joined(where: str, name: str) -> str:
    return f"{where}/{name}" if where else name


def request_faults(
    schemas: Schemas,
    description: Description,
    operation: Operation,
    path: Mapping[str, str],
    query: Mapping[str, list[str]],
    body: Json,
) -> list[str]:
    """Tell what is wrong with the parameters and the body of a request.

    Args:
        schemas: The description's.
        description: GitHub's.
        operation: What is asked for.
        path: The path's parameters.
        query: The query's parameters.
        body: The body, read as JSON; None if there is none, bytes if it is not JSON.
    """
    faults = []
    for (place, name), parameter in operation.parameters.items():
        given = [path[name]] if place == "path" else query.get(name, [])
        if not given and parameter.get("required"):
            faults.append(f'"{name}" wasn\'t supplied.')
        schema = description.resolved(parameter["schema"])
        if len(given) > 1 and schema.get("type") != "array":
            faults.append(f'"{name}" is given {len(given)} times.')
        if given:
            # Of times that may be ranges, the schema knows nothing, but only the text.
            searched = "search syntax" in parameter.get("description", "")
            told = schemas.faults(
                _value(description, given, schema), _TEXT if searched else parameter["schema"]
            )
            faults += [f"{name}: {fault}" for fault in told]
    known = {name for place, name in operation.parameters if place == "query"}
    faults += [
        f'"{name}" is not a permitted query parameter.' for name in query if name not in known
    ]
    return faults + _body_faults(schemas, description, operation, body)


def _value(description: Description, given: list[str], schema: Mapping[str, Any]) -> Json:
    if schema.get("type") == "array":
        parts = given if len(given) > 1 else given[0].split(",")
        inner = description.resolved(schema["items"])
        return [_value(description, [part], inner) for part in parts]
    branches = [description.resolved(each) for each in schema.get("oneOf", schema.get("anyOf", []))]
    kinds = [each.get("type") for each in [schema, *branches]]
    text = given[0]
    if "integer" in kinds and re.fullmatch(r"-?\d+", text):
        return int(text)
    if "number" in kinds and re.fullmatch(r"-?\d+(\.\d+)?", text):
        return float(text)
    if "boolean" in kinds and text in ("true", "false"):
        return text == "true"
    return text


def _body_faults(
    schemas: Schemas, description: Description, operation: Operation, body: Json
) -> list[str]:
    wanted = description.resolved(operation.raw.get("requestBody"))
    if body is None:
        missing = wanted is not None and wanted.get("required", False)
        return ["The request needs a body."] if missing else []
    if wanted is None:
        return ["The request takes no body."]
    content = wanted["content"]
    if "application/json" not in content:
        return []
    if isinstance(body, bytes) and len(content) == 1:
        return ["The body should be JSON."]
    return (
        []
        if isinstance(body, bytes)
        else schemas.faults(body, content["application/json"]["schema"])
    )


def answer_faults(
    schemas: Schemas,
    description: Description,
    operation: Operation,
    status: int,
    body: Json,
    accept: str = "",
) -> list[str]:
    """Tell what is wrong with an answer's body.

    Args:
        schemas: The description's.
        description: GitHub's.
        operation: What was asked for.
        status: The answer's.
        body: JSON; None for nothing; bytes, which are not looked at.
        accept: The kind of answer that was asked for.

    Raises:
        WrongAnswer: The operation never answers with this status.
    """
    documented = dict(description.responses(operation))
    if status >= 400 and (isinstance(body, bytes) or not schemas.faults(body, PROBLEM)):
        return []  # not all that can go wrong is written down, nor all that is said then
    if status not in documented:
        raise WrongAnswer(
            f"{operation.route} never answers {status}, but {', '.join(map(str, documented))}",
            fix="Give one of these with status=.",
        )
    content = documented[status].get("content", {})
    if not content:
        redirected = 300 <= status < 400 and isinstance(body, bytes)
        return [] if body is None or redirected else [f"the answer {status} has no body"]
    if isinstance(body, bytes):
        return []
    asked_for = [kind for kind in content if kind in accept]
    kinds = [*asked_for, *(kind for kind in _PLAIN_KINDS if kind in content), *content]
    return schemas.faults(body, content[kinds[0]]["schema"])
