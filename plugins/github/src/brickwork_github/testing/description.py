"""GitHub's own OpenAPI description of its REST API: found or fetched, and looked up.

It comes as the npm package ``@octokit/openapi``, which republishes
https://github.com/github/rest-api-description; nothing of it is kept in this package.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from brickwork import BrickworkError
from brickwork_github.testing.npm import file_of

VERSION = "23.0.2"
"""The version that is fetched where none is installed."""

_METHODS = ("get", "post", "put", "patch", "delete")
_PARAMETER = re.compile(r"\{([\w-]+)\}")


@dataclass(frozen=True)
class Operation:
    """One operation of the REST API.

    Attributes:
        method: In capital letters.
        path: The path's template, for example ``/repos/{owner}/{repo}/issues``.
        raw: What the description says of it.
        parameters: Its parameters, by where they stand and their name.
    """

    method: str
    path: str
    raw: Mapping[str, Any] = field(repr=False)
    parameters: Mapping[tuple[str, str], Mapping[str, Any]] = field(repr=False)

    @property
    def route(self) -> str:
        """Method and template, as GitHub's documentation writes it."""
        return f"{self.method} {self.path}"

    @property
    def id(self) -> str:
        """GitHub's name of it, for example ``issues/create``."""
        return str(self.raw["operationId"])

    @property
    def page(self) -> str:
        """Where GitHub documents it."""
        return str(self.raw["externalDocs"]["url"])

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches a path, still quoted; a few parameters may have slashes."""
        parts = _PARAMETER.split(self.path)
        for index in range(1, len(parts), 2):
            name = parts[index]
            wide = self.parameters.get(("path", name), {}).get("x-multi-segment")
            parts[index] = "(.+)" if wide else "([^/]+)"
        parts[::2] = map(re.escape, parts[::2])
        whole = "".join(parts)
        # The root of a repository is asked for without a path, though the description wants one.
        root = whole.replace("/contents/(.+)", "/contents(?:/(.*))?")
        return re.compile(root)

    def __hash__(self) -> int:
        return hash((self.method, self.path))


class Webhook(NamedTuple):
    """What GitHub sends to webhooks when something happened.

    Attributes:
        event: GitHub's name of the event: ``issues``.
        action: What was done: ``opened``; None for an event without.
        schema: The payload's.
    """

    event: str
    action: str | None
    schema: Mapping[str, Any]


class Description:
    """The description, by operation.

    Args:
        document: As it is published.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self.version = str(document["info"]["version"])
        self.operations: dict[str, Operation] = {}
        for path, item in document["paths"].items():
            for method in _METHODS:
                if method in item:
                    operation = self._operation(method, path, item[method])
                    self.operations[operation.route] = operation
        self._by_start: dict[str, list[Operation]] = {}
        # Names before parameters, so that /repos/{owner}/{repo}/releases/latest is found first.
        for operation in sorted(self.operations.values(), key=_plain_first):
            self._by_start.setdefault(_start(operation.path), []).append(operation)

    def _operation(self, method: str, path: str, raw: Mapping[str, Any]) -> Operation:
        given = [self.resolved(parameter) for parameter in raw.get("parameters", [])]
        by_name = {(parameter["in"], parameter["name"]): parameter for parameter in given}
        return Operation(method.upper(), path, raw, by_name)

    def operation(self, route: str) -> Operation:
        """Return the operation of a route such as ``GET /repos/{owner}/{repo}``.

        Raises:
            BrickworkError: GitHub has none.
        """
        found = self.operations.get(route)
        if found is None:
            from difflib import get_close_matches

            near = get_close_matches(route, self.operations, 1)
            raise BrickworkError(
                f"GitHub has no operation {route!r}",
                fix=f"Did you mean {near[0]!r}?" if near else "Write it as 'GET /repos/{owner}'.",
            )
        return found

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """Return the operation that a request is for, and its path's parameters, unquoted."""
        for operation in self._by_start.get(_start(path), []):
            found = operation.pattern.fullmatch(path) if operation.method == method else None
            if found is not None:
                names = _PARAMETER.findall(operation.path)
                return operation, dict(zip(names, map(unquote, found.groups("")), strict=True))
        return None

    def methods(self, path: str) -> list[str]:
        """Return the methods that a path has."""
        candidates = self._by_start.get(_start(path), [])
        return sorted({each.method for each in candidates if each.pattern.fullmatch(path)})

    def resolved(self, node: Any) -> Any:
        """Follow references until something else stands there."""
        while isinstance(node, Mapping) and isinstance(node.get("$ref"), str):
            place: Any = self._document
            for part in node["$ref"].removeprefix("#/").split("/"):
                place = place[part]
            node = place
        return node

    def schema(self, name: str) -> Mapping[str, Any]:
        """Return a schema by the name it has in the description."""
        found: Mapping[str, Any] = self._document["components"]["schemas"][name]
        return found

    @property
    def webhooks(self) -> Iterator[Webhook]:
        """All that GitHub sends to webhooks."""
        for item in self._document["x-webhooks"].values():
            raw = item["post"]
            schema = raw["requestBody"]["content"]["application/json"]["schema"]
            action = self.resolved(self.resolved(schema).get("properties", {}).get("action", {}))
            event, _, done = raw["operationId"].replace("-", "_").partition("/")
            yield Webhook(event, action.get("enum", [done])[0] or None, schema)

    def responses(self, operation: Operation) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield the documented answers of an operation, by status."""
        for status, response in operation.raw["responses"].items():
            yield int(status), self.resolved(response)


def _start(path: str) -> str:
    # The first segment is a name everywhere.
    return path.split("/", 2)[1] if path.startswith("/") else ""


def _plain_first(operation: Operation) -> tuple[object, ...]:
    places = operation.parameters.items()
    wide = any(place == "path" and each.get("x-multi-segment") for (place, _), each in places)
    segments = operation.path.split("/")
    # Of comparisons there is an older form, which is hardly described; and what may have slashes
    # would swallow the rest of a longer path.
    return (
        "}...{" in operation.path,
        wide,
        -len(segments) if wide else 0,
        tuple("{" in segment for segment in segments),
    )


@lru_cache(maxsize=1)
def description() -> Description:
    """Return the description; read once a process, in about a quarter of a second.

    Raises:
        DescriptionMissing: See `description_file`.
    """
    document = json.loads(description_file().read_bytes())
    _correct(document)
    return Description(document)


def _correct(document: Mapping[str, Any]) -> None:
    """Mend what the description's own text and examples contradict, where a program needs it."""
    gist = document["paths"]["/gists/{gist_id}"]["patch"]["requestBody"]
    files = gist["content"]["application/json"]["schema"]["properties"]["files"]
    files["additionalProperties"]["nullable"] = True  # "to delete a file, set it to null"
    asset = document["components"]["schemas"]["release-asset"]
    # "This may leave an empty asset with a state of `starter`."
    asset["properties"]["state"]["enum"].append("starter")


def description_file() -> Path:
    """Return the file of the description: an installed one, or one fetched earlier, or now.

    Raises:
        DescriptionMissing: See `file_of`.
    """
    return file_of("@octokit/openapi", VERSION, "generated/api.github.com.json")
