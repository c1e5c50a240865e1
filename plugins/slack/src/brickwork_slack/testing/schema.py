"""Checks values against the JSON Schema that ts-json-schema-generator makes of TypeScript.

jsonschema would do it, but says of an union with 24 members only that none fits, after having tried
each in full: a message of 50 blocks took seconds.
"""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
Fault = tuple[str, str]
"""What is wrong, and where: ``/blocks/0/text``."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
KEYWORDS = frozenset(
    {
        *("$schema", "$ref", "additionalProperties", "anyOf", "const", "definitions", "enum"),
        *("items", "maxItems", "minItems", "not", "properties", "required", "type"),
    }
)
"""All that is understood."""


class Checker:
    """Checks values against one schema.

    Args:
        schema: With its ``definitions``.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._definitions: Mapping[str, Schema] = schema.get("definitions", {})
        self._seen: dict[tuple[str, int], list[Fault]] = {}
        self._lock = threading.Lock()  # servers of one process share it

    def faults(self, value: Any) -> list[Fault]:
        """Return what is wrong with a value; nothing if it fits."""
        with self._lock:
            self._seen = {}
            return self._faults(self._schema, value, "")

    def resolved(self, schema: Schema) -> Schema:
        """Follow references until something else stands there."""
        while "$ref" in schema:
            schema = self._definitions[_name(schema["$ref"])]
        return schema

    def branches(self, schema: Schema | None = None) -> Iterator[Schema]:
        """Yield what a schema may be, none of which is a union."""
        found = self.resolved(self._schema if schema is None else schema)
        if "anyOf" in found:
            for each in found["anyOf"]:
                yield from self.branches(each)
        else:
            yield found

    def _faults(self, schema: Schema, value: Any, place: str) -> list[Fault]:
        if "$ref" not in schema:
            return list(self._plain(schema, value, place))
        name = _name(schema["$ref"])
        key = (name, id(value))
        if key not in self._seen:
            self._seen[key] = self._faults(self._definitions[name], value, "")
        return [(what, place + where) for what, where in self._seen[key]]

    def _plain(self, schema: Schema, value: Any, place: str) -> Iterator[Fault]:
        if "anyOf" in schema:
            yield from self._union(schema, value, place)
            return
        if "not" in schema:
            yield "must not be given", place
            return
        if "const" in schema and not _same(schema["const"], value):
            yield f"must be {schema['const']!r}", place
            return
        if "enum" in schema and not any(_same(each, value) for each in schema["enum"]):
            yield f"must be one of {', '.join(map(str, schema['enum']))}", place
            return
        kinds = schema.get("type")
        if kinds is not None and not _is_a(value, [kinds] if isinstance(kinds, str) else kinds):
            yield f"must be a {kinds}", place
        elif isinstance(value, dict):
            yield from self._object(schema, value, place)
        elif isinstance(value, list):
            yield from self._array(schema, value, place)

    def _object(self, schema: Schema, value: Mapping[str, Any], place: str) -> Iterator[Fault]:
        for name in schema.get("required", ()):
            if name not in value:
                yield f"missing required field: {name}", place
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        for name, inner in value.items():
            where = f"{place}/{name}"
            if name in properties:
                yield from self._faults(properties[name], inner, where)
            elif others is False:
                yield f"unknown field: {name}", where
            elif isinstance(others, dict):
                yield from self._faults(others, inner, where)

    def _array(self, schema: Schema, value: list[Any], place: str) -> Iterator[Fault]:
        if len(value) < schema.get("minItems", 0):
            yield f"no fewer than {schema['minItems']} items allowed", place
        if len(value) > schema.get("maxItems", len(value)):
            yield f"no more than {schema['maxItems']} items allowed", place
        items = schema.get("items", {})
        for index, inner in enumerate(value):
            if isinstance(items, list):
                if not items:
                    return
                wanted = items[min(index, len(items) - 1)]
            else:
                wanted = items
            yield from self._faults(wanted, inner, f"{place}/{index}")

    def _union(self, schema: Schema, value: Any, place: str) -> list[Fault]:
        fewest: list[Fault] | None = None
        branches = list(self.branches(schema))
        if isinstance(value, dict) and "type" in value:
            kinds = [each for each in branches if self._has_type(each, value["type"])]
            if not kinds and all("type" in each.get("properties", {}) for each in branches):
                return [("is of no known type", f"{place}/type")]
            branches = kinds or branches
        for each in branches:
            found = [
                fault
                for fault in self._plain(each, value, place)
                if not self._known_to_others(fault, branches, value, place)
            ]
            if not found:
                return []
            if fewest is None or _badness(found, place) < _badness(fewest, place):
                fewest = found
        return fewest or []

    def _known_to_others(
        self, fault: Fault, branches: list[Schema], value: Any, place: str
    ) -> bool:
        """Tell whether an unknown field is of another member of the union: TypeScript lets it."""
        what, where = fault
        name = where.rpartition("/")[2]
        if not what.startswith("unknown") or where != f"{place}/{name}":
            return False
        known = (each.get("properties", {}) for each in branches)
        return any(
            name in each and not self._faults(each[name], value[name], where) for each in known
        )

    def _has_type(self, branch: Schema, kind: Any) -> bool:
        wanted = branch.get("properties", {}).get("type")
        return wanted is not None and not self._faults(wanted, kind, "")


def _badness(faults: list[Fault], place: str) -> tuple[bool, int, int]:
    # What is of another kind altogether says least, then what lacks a field that is there.
    other = any(where == place and what.startswith("must be") for what, where in faults)
    foreign = [
        what
        for what, where in faults
        if where.rpartition("/")[0] == place and what.startswith(("unknown", "must not"))
    ]
    return other, len(foreign), len(faults)


def _name(reference: str) -> str:
    from urllib.parse import unquote

    return unquote(reference.removeprefix("#/definitions/"))


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _is_a(value: Any, kinds: list[str]) -> bool:
    if isinstance(value, bool):
        return "boolean" in kinds
    return any(isinstance(value, _TYPES[kind]) for kind in kinds)
