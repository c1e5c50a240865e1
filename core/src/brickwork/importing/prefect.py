"""Prefect's block documents, as ``POST /api/block_documents/filter`` answers them.

See https://docs.prefect.io/v3/api-ref/rest-api/server/block-documents/read-block-documents. A
document that refers to another one has the other's data inside its own, and in
``block_document_references`` which one it is; a nested block never saved has only its data.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from brickwork.errors import CorruptData
from brickwork.importing.model import CannotMap, Child, Entry, Fields, Proposal, left_out
from brickwork.importing.prefect_settings import as_settings
from brickwork.importing.prefect_types import ABSENT, TYPES
from brickwork.importing.reading import check_count, parse_json

_PAGE = 200  # the most that the API gives at once
_MAX_PAGE_BYTES = 32 * 1024 * 1024
_SECONDS = 60.0


def read_documents(data: bytes, what: str) -> list[Any]:
    """Read the answer of the API from a file: an array of block documents.

    Raises:
        CorruptData: It is something else.
    """
    found = parse_json(data, what)
    if not isinstance(found, list):
        raise CorruptData(
            f"{what} is no array of block documents.",
            fix="Save what POST /api/block_documents/filter answers, "
            'with {"include_secrets": true} as the body.',
        )
    check_count(found, what)
    return found


def fetch_documents(
    url: str, *, headers: Mapping[str, str], allow_private: bool = False, allow_http: bool = False
) -> list[Any]:
    """Ask a Prefect server for all its block documents, with their secrets.

    Args:
        url: The server's API, such as ``https://prefect.example/api``.
        headers: How to log in.
        allow_private: Allow a server on a private network. One on this machine always is.
        allow_http: Allow ``http``. To this machine it always is.

    Raises:
        OutboundRefused: The URL is not allowed.
        OutboundFailed: No answer, or one that refuses.
        CorruptData: It is no Prefect server.
    """
    from urllib.parse import urlsplit

    from brickwork.builtin.outbound.client import request
    from brickwork.errors import OutboundFailed

    try:
        here = urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")
    except ValueError:
        here = False  # refused by the request
    found: list[Any] = []
    while True:
        body = f'{{"include_secrets": true, "limit": {_PAGE}, "offset": {len(found)}}}'
        answer = request(
            "POST",
            f"{url.rstrip('/')}/block_documents/filter",
            headers={"Content-Type": "application/json", **headers},
            body=body.encode(),
            timeout_seconds=_SECONDS,
            allow_private=allow_private or here,
            allow_http=allow_http or here,
            max_response_bytes=_MAX_PAGE_BYTES,
        )
        if answer.status != 200:
            raise OutboundFailed(
                f"{answer.origin} answered with status {answer.status}.", sent=True, fix=_FIX
            )
        if answer.truncated:
            raise CorruptData(f"The answer of {answer.origin} broke off.", fix="Try again.")
        page = read_documents(answer.body, f"The answer of {answer.origin}")
        found += page
        check_count(found, f"The answer of {answer.origin}")
        if len(page) < _PAGE:
            return found


_FIX = (
    "Set PREFECT_API_KEY, or PREFECT_API_AUTH_STRING for a server with a password, and give the "
    "URL of the API, which ends with /api or with the workspace's id."
)


def entries_of(documents: Sequence[Any], *, settings: bool = False) -> list[Entry]:
    """Make entries of block documents.

    Args:
        documents: As the API answers them.
        settings: Make settings and secrets of what has no block here.
    """
    names = {
        str(document["id"]): _source(document)
        for document in documents
        if isinstance(document, dict) and "id" in document
    }
    return [_entry(document, index, names, settings) for index, document in enumerate(documents)]


def _entry(document: Any, index: int, names: Mapping[str, str], settings: bool) -> Entry:
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(data, dict):
        return Entry(f"#{index}", f"entry {index + 1}", problem="it is no block document")
    key, source = str(document.get("id", f"#{index}")), _source(document)
    kind = _kind(document)
    name = document.get("name")
    if not isinstance(name, str) or not name:
        return Entry(key, source, problem="it has no name", fields=tuple(data))
    entry = Entry(key, source, fields=tuple(data))
    try:
        if settings:
            entry = entry._replace(fallback=as_settings(document, f"{kind}-{name}"))
        proposal, notes = _Document(document, names).mapped(kind)
    except CannotMap as error:
        return entry._replace(problem=str(error))
    return entry._replace(proposals=(proposal._replace(name=name),), notes=notes)


class _Document:
    """One document, and the blocks in it."""

    def __init__(self, document: Mapping[str, Any], names: Mapping[str, str]) -> None:
        self._data: dict[str, Any] = document["data"]
        references = document.get("block_document_references")
        self._references: Mapping[str, Any] = references if isinstance(references, dict) else {}
        self._names = names

    def mapped(self, kind: str) -> tuple[Proposal, tuple[str, ...]]:
        """Return the block that it becomes, and what to say about it. Raises CannotMap."""
        return _mapped(kind, self._data, self._nested)

    def _nested(self, name: str) -> Child | Proposal | None:
        """Return what stands in a field for a block."""
        data = self._data.get(name)
        if data is None:
            return None
        reference = self._references.get(name)
        inside = reference.get("block_document") if isinstance(reference, dict) else None
        if isinstance(inside, dict) and not inside.get("is_anonymous"):
            key = str(inside.get("id"))
            if key not in self._names:
                raise CannotMap(f"{name} is the block {_source(inside)}, which is not in the file")
            return Child(key)
        if not isinstance(data, dict):
            raise CannotMap(f"{name} is no block")
        kind = _kind(inside) if isinstance(inside, dict) else data.get("block_type_slug")
        return _mapped(str(kind), data, lambda _: None)[0]


def _mapped(kind: str, data: Mapping[str, Any], nested: Any) -> tuple[Proposal, tuple[str, ...]]:
    if kind not in TYPES:
        raise CannotMap(ABSENT.get(kind, "no block here is of that type"))
    fields = Fields(data)
    fields.take("block_type_slug")
    slug, values, notes = TYPES[kind](fields, nested)
    return Proposal(slug, "", values), (*notes, *left_out(fields))


def _kind(document: Mapping[str, Any]) -> str:
    kind = document.get("block_type")
    slug = kind.get("slug") if isinstance(kind, dict) else None
    return slug if isinstance(slug, str) else "unknown"


def _source(document: Mapping[str, Any]) -> str:
    return f"{_kind(document)}/{document.get('name')}"[:200]
