"""The examples in GitHub's description, as answers: those that contradict it are mended.

About a quarter of them do: a required field lacks, an object stands where a list should be, or
``"false,"`` where a boolean should be. `repairs` names them.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from typing import Any

from brickwork_github.testing.description import Description, Operation
from brickwork_github.testing.validation import Json, Schemas, schemas_of

_DEPTH = 8
_PLAIN: Mapping[str | None, Json] = {
    "integer": 1, "number": 1, "boolean": False, "string": "string", "array": [], "object": {},
}  # fmt: skip
_FORMATS = {
    "date-time": "2011-01-26T19:14:43Z",
    "date": "2011-01-26",
    "uri": "https://api.github.com/",
}


class Examples:
    """Makes and mends answers.

    Args:
        description: GitHub's.
        schemas: The description's.
    """

    def __init__(self, description: Description, schemas: Schemas) -> None:
        self._description = description
        self._schemas = schemas
        self._kept: dict[tuple[str, int], Json] = {}

    def of(self, operation: Operation, status: int) -> Json:
        """Return an answer's body, always a fresh one; None where the answer has none."""
        key = (operation.route, status)
        if key not in self._kept:
            self._kept[key] = self._made(operation, status)
        return deepcopy(self._kept[key])

    def _made(self, operation: Operation, status: int) -> Json:
        found = next(self._published(operation, status), None)
        if found is None:
            return None
        kind, schema, example = found
        if "json" not in kind:
            return str("" if example is None else example).encode()
        return self.mended(example, schema)

    def _published(
        self, operation: Operation, status: int
    ) -> Iterator[tuple[str, Mapping[str, Any], Json]]:
        response = dict(self._description.responses(operation)).get(status, {})
        # The plain kind of answer first; others have to be asked for.
        kinds = sorted(response.get("content", {}).items(), key=lambda kind: kind[0] != _JSON)
        for kind, content in kinds:
            for example in content.get("examples", {}).values():
                value = self._description.resolved(example).get("value")
                yield kind, content["schema"], self._followed(value)
            yield kind, content["schema"], None

    def _followed(self, value: Json) -> Json:
        """Return an example in which another one stands, as some refer to it in their midst."""
        if isinstance(value, list):
            return [self._followed(item) for item in value]
        if not isinstance(value, dict):
            return value
        if str(value.get("$ref", "")).startswith("#/components/examples/"):
            return self._followed(self._description.resolved(value)["value"])
        return {name: self._followed(inner) for name, inner in value.items()}

    def mended(self, value: Json, schema: Mapping[str, Any]) -> Json:
        """Return a value that is as the schema says, and as near to the given one as may be."""
        if not self._schemas.faults(value, schema):
            return value
        return self._mend(value, schema, 0)

    def _mend(self, value: Json, schema: Mapping[str, Any], depth: int) -> Json:
        schema = self._whole(schema)
        if not self._schemas.faults(value, schema):
            return value
        branches = [*schema.get("anyOf", []), *schema.get("oneOf", [])]
        if branches and "properties" not in schema:
            return self._of_a_branch(value, branches, depth)
        if "properties" in schema or schema.get("type") == "object":
            return self._object(value if isinstance(value, dict) else {}, schema, depth)
        if schema.get("type") == "array":
            items = value if isinstance(value, list) else [] if value is None else [value]
            mended = [self._mend(item, schema["items"], depth + 1) for item in items]
            while len(mended) < schema.get("minItems", 0):
                mended.append(self._mend(None, schema["items"], depth + 1))
            return mended
        return self._scalar(value, schema)

    def _of_a_branch(self, value: Json, branches: list[Mapping[str, Any]], depth: int) -> Json:
        tries = [self._mend(value, branch, depth) for branch in branches]
        whole = {"anyOf": branches}

        def cost(tried: Json) -> tuple[bool, bool, int]:
            wrong = bool(self._schemas.faults(tried, whole))
            return wrong, tried is None and value is not None, _distance(tried, value)

        return min(tries, key=cost)

    def _object(self, value: dict[str, Json], schema: Mapping[str, Any], depth: int) -> Json:
        fields = schema.get("properties", {})
        more = schema.get("additionalProperties")
        mended = {}
        for name, inner in value.items():
            if name in fields:
                mended[name] = self._mend(inner, fields[name], depth + 1)
            elif isinstance(more, Mapping):
                mended[name] = self._mend(inner, more, depth + 1)
            elif more or not fields:
                mended[name] = inner
        for name in schema.get("required", []):
            if name not in mended:
                mended[name] = self._new(fields.get(name, {}), depth + 1)
        return mended

    def _new(self, schema: Mapping[str, Any], depth: int) -> Json:
        whole = self._whole(schema)
        if whole.get("nullable") and (depth > 2 or "properties" in whole):
            return None
        if depth > _DEPTH and whole.get("nullable"):
            return None
        return self._mend(_example_in(whole), whole, depth)

    def _scalar(self, value: Json, schema: Mapping[str, Any]) -> Json:
        kind = schema.get("type")
        tries = [_read_as(value, kind), _example_in(schema), *schema.get("enum", [])]
        tries += [_FORMATS.get(schema.get("format", "")), _PLAIN.get(kind), None]
        for tried in tries:
            if (tried is not None or schema.get("nullable")) and not self._schemas.faults(
                tried, schema
            ):
                return tried
        return value

    def _whole(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        schema = self._description.resolved(schema)
        if "allOf" not in schema:
            return schema
        parts = [*map(self._whole, schema["allOf"])]
        own = {key: value for key, value in schema.items() if key != "allOf"}
        fields: dict[str, Any] = {}
        whole: dict[str, Any] = {}
        for part in [*parts, own]:
            for name, field in part.get("properties", {}).items():
                fields[name] = {"allOf": [fields[name], field]} if name in fields else field
            required = [*whole.get("required", []), *part.get("required", [])]
            whole = {**whole, **part, "required": required}
        whole["nullable"] = schema.get("nullable") or all(each.get("nullable") for each in parts)
        return {**whole, "properties": fields} if fields else whole

    def repairs(self) -> Iterator[tuple[Operation, int, list[str]]]:
        """Yield the answers whose published example contradicts the description, and how."""
        for operation in self._description.operations.values():
            for status, _ in self._description.responses(operation):
                kind, schema, example = next(self._published(operation, status), ("", {}, None))
                faults = self._schemas.faults(example, schema) if "json" in kind else []
                if faults:
                    yield operation, status, faults


@cache
def examples_of(description: Description) -> Examples:
    """Return the examples of a description; the same for all servers of a process."""
    return Examples(description, schemas_of(description))


_JSON = "application/json"


def _example_in(schema: Mapping[str, Any]) -> Json:
    example = schema.get("example", schema.get("default"))
    return example if example is not None else next(iter(schema.get("examples", [])), None)


def _read_as(value: Json, kind: object) -> Json:
    text = value.strip(", ") if isinstance(value, str) else value
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind == "string" and isinstance(value, int | float):
        return str(value)
    try:
        return {"integer": int, "number": float}[str(kind)](text)
    except (KeyError, TypeError, ValueError):
        return None


def _distance(mended: Json, value: Json) -> int:
    if not isinstance(mended, dict) or not isinstance(value, dict):
        return int(mended != value) + 1000 * (type(mended) is not type(value))
    return len(set(mended) ^ set(value))
