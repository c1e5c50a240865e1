"""The routes of GitHub's REST API: what there is, and what each takes.

``routes.txt`` is made by ``scripts/github_routes.py`` from GitHub's description,
https://github.com/github/rest-api-description.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from brickwork import InvalidArguments
from brickwork_github.paths import places

_SHOWN = 5
ANY = "*"
"""In a route's body: it takes other fields as well."""


class Route(NamedTuple):
    """One route.

    Attributes:
        name: The method and the path: ``POST /repos/{owner}/{repo}/issues``.
        query: The names that its query takes.
        body: The names that its body takes.
    """

    name: str
    query: frozenset[str]
    body: frozenset[str]

    def sorted(
        self, parameters: Mapping[str, Any], *, has_repository: bool
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Return what belongs into the path, the query and the body.

        Args:
            parameters: By GitHub's names.
            has_repository: Whether ``owner`` and ``repo`` are given elsewhere.

        Raises:
            InvalidArguments: The path lacks one, or there is one that the route does not take.
        """
        path = [each for each in places(self.name) if not (has_repository and each in _REPOSITORY)]
        known = {*path, *self.query, *self.body}
        problems = [f"{name} lacks" for name in path if parameters.get(name) is None]
        for name in parameters:
            if name not in known and ANY not in self.body:
                like = get_close_matches(name, known, _SHOWN, 0.5) or sorted(known)
                problems.append(f"{name} is unknown; there is {' or '.join(like)}")
        if problems:
            raise InvalidArguments(
                f"{self.name}: {'; '.join(problems)}.", fix="See GitHub's page of this request."
            )
        found: tuple[dict[str, Any], ...] = ({}, {}, {})
        for name, value in parameters.items():
            found[0 if name in path else 1 if name in self.query else 2][name] = value
        return found[0], found[1], found[2]


_REPOSITORY = ("owner", "repo")


def route_for(route: str) -> Route:
    """Return a route by its method and path.

    Raises:
        InvalidArguments: There is none; like ones are named.
    """
    name = " ".join(route.split())
    method, _, path = name.partition(" ")
    name = f"{method.upper()} {path}"
    found = _routes().get(name)
    if found is None:
        like = get_close_matches(name, _routes(), _SHOWN, 0.6)
        raise InvalidArguments(
            f"GitHub has no route {name[:200]!r}.",
            fix=f"Perhaps: {', '.join(like)}."
            if like
            else "Write it as GitHub's documentation does: GET /repos/{owner}/{repo}.",
        )
    return found


@cache
def _routes() -> dict[str, Route]:
    lines = files(__package__).joinpath("routes.txt").read_text("utf-8").splitlines()
    return {route.name: route for route in map(_read, lines) if route is not None}


def _read(line: str) -> Route | None:
    if line.startswith("#"):
        return None
    method, path, query, body = (f"{line}   ").split(" ")[:4]
    return Route(f"{method} {path}", _names(query.removeprefix("?")), _names(body))


def _names(text: str) -> frozenset[str]:
    return frozenset(filter(None, text.split(",")))
