"""Documents back to written fields, as a manifest has them; the opposite of `define`."""

import json
from base64 import b64encode
from typing import Any

from brickwork.store import Record
from brickwork.vault.envelope import Secrets
from brickwork.vault.pointers import get_at, put_at
from brickwork.vault.references import escape
from brickwork.vault.written import template_at

KEPT = {"$kept": "secret"}
"""Stands for a secret that stays as it is saved."""


def written_fields(record: Record, secrets: Secrets | None = None) -> dict[str, Any]:
    """Return the fields of a document as `define` reads them.

    Args:
        record: The document.
        secrets: Its secrets, to be shown in clear; without them each is ``{"$kept": "secret"}``.
    """
    document: dict[str, Any] = json.loads(record.public)
    fields: dict[str, Any] = _escaped(document["fields"])
    references = document.get("references", {})
    marked: dict[str, Any] = {}
    for pointer, mark in document["blocks"].items():
        if "ref" in mark:
            marked[pointer] = {"$block": mark["ref"]}
    for pointer in document["secrets"]:
        if secrets is None:
            marked[pointer] = dict(KEPT)
        elif pointer in references:
            marked[pointer] = template_at(pointer, references, secrets).text
        else:
            marked[pointer] = _secret(secrets[pointer])
    for pointer, mark in references.items():
        if "text" in mark:
            marked[pointer] = mark["text"]
    for pointer, value in marked.items():
        put_at(fields, _renamed_keys(pointer), value)
    for pointer, mark in document["blocks"].items():
        if "slug" in mark:
            at = _renamed_keys(pointer)
            put_at(fields, at, {"$type": mark["slug"], **get_at(fields, at)})
    return fields


def _secret(value: str | bytes) -> Any:
    if isinstance(value, bytes):
        return {"$bytes": b64encode(value).decode()}
    return escape(value)


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    if isinstance(value, dict):
        return {_key(key): _escaped(item) for key, item in value.items()}
    return value


def _key(key: str) -> str:
    return f"${key}" if key.startswith("$") else key


def _renamed_keys(pointer: str) -> str:
    """Return where something stands once keys that begin with ``$`` got another one."""
    return "/".join(_key(step) for step in pointer.split("/"))
