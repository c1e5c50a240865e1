"""What jobs are given: JSON, and only what was said."""

import json
from typing import Any

from brickwork import InvalidArguments
from brickwork_aws.operations import revealed


def to_json(value: Any, what: str) -> str:
    """Return a value as JSON, the secrets in it in clear.

    Args:
        value: What JSON knows: texts, numbers, booleans, None, lists, and mappings by text.
        what: What it is, for the message: ``the input``.

    Raises:
        InvalidArguments: It has something else in it.
    """
    try:
        text = json.dumps(revealed(value), ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError) as error:
        # The texts of json and of the codec name types and places, not values.
        raise InvalidArguments(
            f"{what} cannot be written as JSON: {error}.",
            fix="Give texts, numbers, booleans, None, lists, and dicts of these.",
        ) from None
    return text


def given(**values: Any) -> dict[str, Any]:
    """Return those values that are not None: the others stay as the service has them."""
    return {name: value for name, value in values.items() if value is not None}
