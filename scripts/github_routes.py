"""Write the list of GitHub's routes that brickwork-github checks calls against.

The list has facts only: methods, paths, and the names of what they take. They come from GitHub's
description of its API, which `brickwork_github.testing` finds or fetches. With ``--check`` nothing
is written: the exit code is 1 when the list is not that of the description.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from brickwork_github.testing import DescriptionMissing
from brickwork_github.testing.description import Description, Operation, description

LIST = Path(__file__).parents[1] / "plugins/github/src/brickwork_github/routes.txt"
HEAD = (
    "# GitHub's routes: METHOD PATH ?QUERY,... BODY,...  Made by scripts/github_routes.py from"
    " version {version} of @octokit/openapi."
)


def main() -> int:
    """Write the list, or compare it."""
    try:
        found = description()
    except DescriptionMissing as error:
        print(error)
        return 1 if os.environ.get("CI") else 0
    text = listed(found)
    if "--check" not in sys.argv[1:]:
        LIST.write_text(text, encoding="utf-8")
        return 0
    if LIST.read_text(encoding="utf-8") == text:
        return 0
    print(f"{LIST.name} is out of date: run python scripts/github_routes.py")
    return 1


def listed(found: Description) -> str:
    """Return the list, one line a route, sorted."""
    lines = [HEAD.format(version=found.version)]
    lines += sorted(line_of(found, each) for each in found.operations.values())
    return "\n".join(lines) + "\n"


def line_of(found: Description, operation: Operation) -> str:
    """Return the line of one route."""
    query = [name for place, name in operation.parameters if place == "query"]
    content = found.resolved(operation.raw.get("requestBody", {})).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    body = dict.fromkeys(fields_of(found, schema))
    parts = [operation.route]
    if query or body:
        parts.append(f"?{','.join(query)}")
    if body:
        parts.append(",".join(body))
    return " ".join(parts)


def fields_of(found: Description, schema: Mapping[str, Any]) -> Iterator[str]:
    """Give the names of an object's fields, also of its variants; ``*`` where it takes others."""
    schema = found.resolved(schema)
    yield from schema.get("properties", {})
    if schema.get("additionalProperties"):
        yield "*"
    for kind in ("oneOf", "anyOf", "allOf"):
        for variant in schema.get(kind, ()):
            yield from fields_of(found, variant)


if __name__ == "__main__":
    sys.exit(main())
