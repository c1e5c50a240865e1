"""What has no block here, kept as settings and secrets: ``--as-settings``."""

import json
from collections.abc import Mapping
from typing import Any

from brickwork.importing.model import Proposal, looks_secret, refuse_masked
from brickwork.secret import Secret

_GONE = object()
_Pattern = tuple[str, ...]


def as_settings(document: Mapping[str, Any], name: str) -> tuple[Proposal, ...]:
    """Make settings of what a document's schema calls public, and a secret of each other field.

    Without a schema nobody knows which is which, so that all of it becomes one secret. Raises
    CannotMap where secrets were left out of the export.
    """
    data = {k: v for k, v in document["data"].items() if k != "block_type_slug"}
    patterns = _secret_fields(document)
    references = _references(document)
    for field in references:
        # The data of the other block stand here too; they belong to that one.
        data.pop(field, None)
    if patterns is None:
        return (Proposal("secret", name, {"value": Secret(_text(data, "data"))}),)
    secrets: dict[str, Secret[str]] = {}
    public = _split(data, (), patterns, secrets)
    public = {**references, **public} if isinstance(public, dict) else references
    return (
        Proposal("settings", name, {"value": public}),
        *(
            Proposal("secret", name, {"value": secret}, f"-{path.replace('.', '-')}")
            for path, secret in secrets.items()
        ),
    )


def _split(
    value: Any, path: _Pattern, patterns: list[_Pattern], secrets: dict[str, Secret[str]]
) -> Any:
    """Return a value without the secrets in it, which go into ``secrets`` by their path."""
    listed = path and any(_matches(pattern, path) for pattern in patterns)
    if isinstance(value, dict) and not (listed and _has_text(value)):
        inside = {
            name: _split(item, (*path, name), patterns, secrets) for name, item in value.items()
        }
        return {name: item for name, item in inside.items() if item is not _GONE}
    if value is None or value == "":
        return value
    if listed or _doubtful(value, path[-1] if path else ""):
        where = ".".join(path)
        secrets[where] = Secret(_text(value, where))
        return _GONE
    return value


def _has_text(value: Mapping[str, Any]) -> bool:
    return any(item not in (None, "", {}, []) for item in value.values())


def _doubtful(value: Any, name: str) -> bool:
    """Tell whether something that no schema calls secret may be one all the same."""
    if isinstance(value, list):  # one secret in a list makes all of it so
        return any(_doubtful(item, name) for item in value)
    if isinstance(value, dict):
        return any(_doubtful(item, key) for key, item in value.items())
    return isinstance(value, str) and looks_secret(name, value)


def _matches(pattern: _Pattern, path: _Pattern) -> bool:
    pairs = zip(pattern, path, strict=False)
    return len(pattern) <= len(path) and all(want in ("*", have) for want, have in pairs)


def _secret_fields(document: Mapping[str, Any]) -> list[_Pattern] | None:
    schema = document.get("block_schema")
    fields = schema.get("fields") if isinstance(schema, dict) else None
    found = fields.get("secret_fields") if isinstance(fields, dict) else None
    if not isinstance(found, list):
        return None
    # `keys.*` is written for a dict of secrets, which becomes one secret.
    return [tuple(str(pattern).removesuffix(".*").split(".")) for pattern in found]


def _references(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields that are other blocks, and how Prefect calls those."""
    references = document.get("block_document_references")
    found = {}
    for field, reference in (references if isinstance(references, dict) else {}).items():
        inside = reference.get("block_document") if isinstance(reference, dict) else None
        if isinstance(inside, dict) and not inside.get("is_anonymous"):
            kind = inside.get("block_type")
            slug = kind.get("slug") if isinstance(kind, dict) else "unknown"
            found[field] = f"{slug}/{inside.get('name')}"
    return found


def _text(value: Any, where: str) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    for item in text.split('"'):  # also those inside of JSON
        refuse_masked(item, where)
    return text
