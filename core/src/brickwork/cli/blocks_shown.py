"""Documents as rows and as JSON, for the commands that list or show them. Decrypts nothing."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brickwork.vault import Document, Vault


def listed(document: "Document") -> dict[str, Any]:
    """Return what a listing says of a document; one that cannot be read has a ``problem``."""
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
        "problem": None,
    }
    try:
        row["saved_at"] = document.saved_at.isoformat()
        row["uses"] = [str(address) for address in document.uses]
        _ = document.fields
    except Exception as error:  # noqa: BLE001  # whatever somebody wrote to the database
        row["problem"] = f"its public part cannot be read ({type(error).__name__})"
    return row


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
