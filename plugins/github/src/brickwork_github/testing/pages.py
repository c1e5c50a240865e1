"""Lists in pages, with Link headers: see https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from brickwork_github.testing.description import Operation
from brickwork_github.testing.messages import Asked
from brickwork_github.testing.validation import Json


def page_of(operation: Operation | None, asked: Asked, body: Json) -> tuple[Json, str | None]:
    """Return the page that a request wants of an answer, and the Link header, if it needs one."""
    names = (
        {name for place, name in operation.parameters if place == "query"} if operation else set()
    )
    if operation is None or operation.method != "GET" or "per_page" not in names:
        return body, None
    key, items = _list_in(body)
    if items is None:
        return body, None
    size = min(int(asked.query.get("per_page", 30)), 100) or 30
    by_number = "page" in names
    number = max(int(asked.query.get("page", 1)), 1) if by_number else 1
    start = (number - 1) * size if by_number else _decoded(asked.query.get("after", ""))
    last = max((len(items) + size - 1) // size, 1)
    page = items[start : start + size]
    links: dict[str, dict[str, object]] = {}
    if by_number and number > 1:
        links |= {"prev": {"page": number - 1}, "first": {"page": 1}}
    if by_number and number < last:
        links |= {"next": {"page": number + 1}, "last": {"page": last}}
    if not by_number and "after" in names and start + size < len(items):
        links["next"] = {"after": _encoded(start + size)}
    if not by_number and "cursor" in names:
        start = _decoded(asked.query.get("cursor", ""))
        page = items[start : start + size]
        if start + size < len(items):
            links["next"] = {"cursor": _encoded(start + size)}
    link = ", ".join(
        f'<{_url(asked, operation, more)}>; rel="{rel}"' for rel, more in links.items()
    )
    return page if key is None else {**body, key: page}, link or None


def _list_in(body: Json) -> tuple[str | None, list[Json] | None]:
    if isinstance(body, list):
        return None, body
    if isinstance(body, dict):
        lists = [name for name, value in body.items() if isinstance(value, list)]
        if len(lists) == 1 and "total_count" in body:
            return lists[0], body[lists[0]]
    return None, None


def _encoded(start: int) -> str:
    return f"cursor:{start}"


def _decoded(cursor: str) -> int:
    number = cursor.rpartition(":")[2]
    return int(number) if number.isdigit() else 0


def _url(asked: Asked, operation: Operation, more: Mapping[str, object]) -> str:
    path = operation.path
    for name, value in asked.path.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return f"{asked.base_url}{path}?{urlencode({**asked.query, **more})}"
