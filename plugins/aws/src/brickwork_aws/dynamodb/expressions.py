"""Expressions with placeholders, made from mappings, so that no name or value can break them.

See https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from brickwork import InvalidArguments
from brickwork_aws.dynamodb.values import sent

Condition = str | dict[str, Any]
"""An expression of DynamoDB's, or the values that attributes must have."""

_STEP = re.compile(r"(?:^|(?<!^)\.)((?:[^.\[\]\\]|\\.)+)|(\[[0-9]+\])")
_COMPARED = ("=", "<", "<=", ">", ">=")


class Expressions:
    """The expressions of one request, and the placeholders that they share.

    Args:
        values: Values for the caller's own expressions, ``{"least": 5}`` for ``:least``.
        names: Names for them, ``{"#y": "year"}`` for ``#y``.
    """

    def __init__(
        self, values: Mapping[str, Any] | None = None, names: Mapping[str, str] | None = None
    ) -> None:
        self._names = {_marked("#", name): path for name, path in (names or {}).items()}
        self._values = {
            _marked(":", name): sent(value, name) for name, value in (values or {}).items()
        }
        self._placeholders: dict[str, str] = {}

    def parameters(self) -> dict[str, Any]:
        """Return the placeholders as a request has them."""
        return {
            "ExpressionAttributeNames": self._names or None,
            "ExpressionAttributeValues": self._values or None,
        }

    def path(self, path: str) -> str:
        r"""Return the placeholders of an attribute, ``address.lines[0]``.

        A dot in a name is written as ``\.``.

        Raises:
            InvalidArguments: It is no such path.
        """
        made, end = "", 0
        for step in _STEP.finditer(path):
            if step.start() != end:
                break
            name, index = step.groups()
            made += index or ("." if made else "") + self._name(re.sub(r"\\(.)", r"\1", name))
            end = step.end()
        if end != len(path) or not made.startswith("#"):
            raise InvalidArguments(
                f"{path!r} is no path to an attribute.",
                fix=r"Write name, name.inner or name[0]; a dot in a name as \.",
            )
        return made

    def value(self, value: Any, where: str) -> str:
        """Return the placeholder of a value. Raises as `sent`."""
        placeholder = f":_{len(self._values)}"
        self._values[placeholder] = sent(value, where)
        return placeholder

    def condition(self, *conditions: Condition | None) -> str | None:
        """Return one condition that holds where all do; None if there are none."""
        parts: list[str] = []
        for each in conditions:
            if isinstance(each, str):
                parts.append(f"({each})")
            elif each:
                parts += [f"{self.path(name)} = {self.value(each[name], name)}" for name in each]
        return " AND ".join(parts) or None

    def absent(self, paths: Iterable[str]) -> str:
        """Return the condition that none of these attributes is there, by their whole names."""
        return " AND ".join(f"attribute_not_exists({self._name(name)})" for name in paths)

    def key(self, key: Condition) -> str:
        """Return a condition on a key: ``{"customer": "c1", "day": {">=": "2026-11"}}``.

        Raises:
            InvalidArguments: There is another comparison than DynamoDB has for keys.
        """
        if isinstance(key, str):
            return key
        parts = []
        for name, wanted in key.items():
            comparisons = wanted if isinstance(wanted, Mapping) else {"=": wanted}
            parts += [self._compared(name, *each) for each in comparisons.items()]
        return " AND ".join(parts)

    def projection(self, attributes: Iterable[str] | None) -> str | None:
        """Return the attributes that are wanted; None for all."""
        return None if attributes is None else ", ".join(map(self.path, attributes))

    def update(
        self,
        assigned: Mapping[str, Any] | None,
        added: Mapping[str, Any] | None,
        removed: Iterable[str] | None,
    ) -> str | None:
        """Return what changes; None if nothing does."""
        clauses: list[tuple[str, Callable[[str, str], str], Mapping[str, Any]]] = [
            ("SET", "{} = {}".format, assigned or {}),
            ("ADD", "{} {}".format, added or {}),
        ]
        parts = [
            f"{word} "
            + ", ".join(form(self.path(path), self.value(given[path], path)) for path in given)
            for word, form, given in clauses
            if given
        ]
        gone = ", ".join(map(self.path, removed or ()))
        return " ".join([*parts, f"REMOVE {gone}"] if gone else parts) or None

    def _compared(self, name: str, comparison: str, wanted: Any) -> str:
        at = self.path(name)
        if comparison in _COMPARED:
            return f"{at} {comparison} {self.value(wanted, name)}"
        if comparison == "begins_with":
            return f"begins_with({at}, {self.value(wanted, name)})"
        if comparison == "between" and isinstance(wanted, list | tuple) and len(wanted) == 2:
            low, high = (self.value(each, name) for each in wanted)
            return f"{at} BETWEEN {low} AND {high}"
        raise InvalidArguments(
            f"{name}: {comparison!r} is no comparison of keys, or has not two values.",
            fix=f"Use {', '.join(_COMPARED)}, begins_with, or between with a list of two.",
        )

    def _name(self, name: str) -> str:
        if name not in self._placeholders:
            placeholder = f"#_{len(self._placeholders)}"
            self._placeholders[name] = placeholder
            self._names[placeholder] = name
        return self._placeholders[name]


def _marked(mark: str, name: str) -> str:
    return name if name.startswith(mark) else f"{mark}{name}"
