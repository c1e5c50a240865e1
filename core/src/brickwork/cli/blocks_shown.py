"""Documents as rows and as JSON, for the commands that list or show them. Decrypts nothing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from brickwork.errors import BrickworkError
    from brickwork.vault import Document, Vault


def listed(document: "Document", problem: "BrickworkError | None" = None) -> dict[str, Any]:
    """Return what a listing says of a document; one that cannot be read has a ``problem``."""
    from brickwork.vault.expiry import expiry

    row: dict[str, Any] = {
        "address": f"{document.slug}/{document.name}",
        "slug": document.slug,
        "name": document.name,
        "version": document.version,
        "schema_version": document.schema_version,
        "saved_at": None,
        "saved_by": document.saved_by,
        "kid": document.kid,
        "uses": [],
        "description": "",
        "tags": [],
        "expires_at": None,
        "expiry": None,
        "manifest": None,
        "problem": None if problem is None else problem.what,
    }
    try:
        row["saved_at"] = document.saved_at.isoformat()
        row["uses"] = [str(address) for address in document.uses]
        notes = document.notes
        row["description"], row["tags"] = notes.description, list(notes.tags)
        row["expires_at"] = notes.expires_at and notes.expires_at.isoformat()
        row["expiry"], row["manifest"] = expiry(notes), notes.manifest
        _ = document.fields
    except Exception as error:  # noqa: BLE001  # whatever somebody wrote to the database
        row["problem"] = f"its public part cannot be read ({type(error).__name__})"
    return row


def matching(
    documents: Sequence["Document"],
    tags: Sequence[str],
    search: str | None,
    expiring: "timedelta | None",
) -> list["Document"]:
    """Return the documents that have every tag, the text, and expire within the span.

    Looks at what is public only. A document whose public part cannot be read matches its address.
    """
    from datetime import UTC, datetime

    wanted = None if search is None else search.casefold()
    until = None if expiring is None else datetime.now(UTC) + expiring
    return [each for each in documents if _matches(each, set(tags), wanted, until)]


def _matches(
    document: "Document", tags: set[str], search: str | None, until: "datetime | None"
) -> bool:
    address = f"{document.slug}/{document.name}"
    texts = [address]
    try:
        notes = document.notes
        if not tags <= {*notes.tags}:
            return False
        if until is not None and (notes.expires_at is None or notes.expires_at > until):
            return False
        if search is not None:
            texts += [notes.description, *notes.tags]
            texts += [str(value) for _, value in flat(document.fields)]
    except Exception:  # noqa: BLE001  # whatever somebody wrote to the database
        if tags or until is not None:
            return False
    return search is None or any(search in text.casefold() for text in texts)


def when(row: Mapping[str, Any]) -> str:
    """Return when a listed document was saved, for a table."""
    saved: str | None = row["saved_at"]
    return saved[:19].replace("T", " ") + "Z" if saved else "?"


def with_notes(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], cells: Sequence[Sequence[object]]
) -> tuple[list[str], list[list[object]]]:
    """Return a table of listed documents with columns for the notes that any of them has."""
    names = [
        name
        for name, key in (("description", "description"), ("tags", "tags"), ("expires", "expiry"))
        if any(row["expires_at"] if name == "expires" else row[key] for row in rows)
    ]
    more = {
        "description": lambda row: row["description"],
        "tags": lambda row: ", ".join(row["tags"]),
        "expires": expires,
    }
    table = [
        [*line, *(more[name](row) for name in names)] for row, line in zip(rows, cells, strict=True)
    ]
    return [*columns, *names], table


def expires(row: Mapping[str, Any]) -> str:
    """Return when what a listed document holds ends to be valid, in words."""
    if not row["expires_at"]:
        return ""
    state = {"expired": " (expired)", "soon": " (soon)"}.get(row["expiry"] or "", "")
    return f"{row['expires_at'][:10]}{state}"


def shown(vault: "Vault", document: "Document") -> dict[str, Any]:
    """Return all that is public about one document."""
    row = listed(document)
    readable = row["problem"] is None
    return {
        **row,
        "fields": document.fields if readable else {},
        "secrets": list(document.secrets) if readable else [],
        "used_by": [str(address) for address in vault.used_by(document.address)],
    }


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of JSON fields with their dotted paths; a reference is a leaf."""
    if isinstance(value, dict) and set(value) == {"$block"}:
        yield path, f"-> {value['$block']}"
    elif isinstance(value, dict) and value:
        for key, item in value.items():
            yield from flat(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from flat(item, f"{path}.{index}")
    else:
        yield path, "" if value is None else value
