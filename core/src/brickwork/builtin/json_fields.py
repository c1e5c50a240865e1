"""One entry of a JSON object, for references with ``#field``."""

import json

from brickwork.errors import ResolveError


def pick(text: str, field: str, reference: str) -> str:
    """Return an entry of a JSON object: a text as it is, anything else as JSON.

    Args:
        text: The JSON; in no message, since it may be a secret.
        field: The entry's name.
        reference: What was asked for, as it is written.

    Raises:
        ResolveError: It is no JSON object, or has no such entry.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ResolveError(
            f"{reference}: the value is not a JSON object, so it has no fields.",
            fix="Leave out the part after #, or store a JSON object there.",
        )
    if field not in found:
        raise ResolveError(
            f"{reference}: there is no field {field!r}.",
            fix=f"Its fields are: {', '.join(sorted(found)) or 'none'}.",
        )
    value = found[field]
    return value if isinstance(value, str) else json.dumps(value)
