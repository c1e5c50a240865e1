"""How pydantic sees a `Secret`; apart, so that a secret can be used without importing pydantic."""

from typing import Any

from pydantic_core import (
    PydanticCustomError,
    PydanticSerializationUnexpectedValue,
    core_schema,
)

from brickwork.errors import SecretExposed
from brickwork.secret import Secret


class Hidden:
    """A box around raw input, so that an error that quotes its input quotes nothing."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "<hidden>"


def box(value: object) -> object:
    """Hide raw input; what hides itself already passes."""
    return value if isinstance(value, Secret | Hidden) else Hidden(value)


def secret_schema(kind: Any) -> core_schema.CoreSchema:
    """Return the schema of ``Secret[kind]``.

    Two steps, since pydantic reports the input of the step that failed: the first boxes the input
    and cannot fail, the second checks it, so the input in an error is the box.
    """
    wanted: type = kind if kind in (str, bytes) else str

    def check(boxed: object) -> Secret[Any]:
        value = boxed.value if isinstance(boxed, Hidden) else boxed
        raw = value.reveal() if isinstance(value, Secret) else value
        if isinstance(raw, wanted):
            return value if isinstance(value, Secret) else Secret(raw)
        if wanted is bytes and isinstance(raw, str):
            return Secret(raw.encode())
        raise PydanticCustomError("secret_type", "Input should be {kind}", {"kind": _WORDS[wanted]})

    return core_schema.chain_schema(
        [
            core_schema.no_info_plain_validator_function(box),
            core_schema.no_info_plain_validator_function(check),
        ],
        serialization=core_schema.plain_serializer_function_ser_schema(_serialize, info_arg=True),
    )


_WORDS: dict[type, str] = {str: "a text (it is a secret)", bytes: "bytes (they are a secret)"}


def _serialize(value: object, info: core_schema.SerializationInfo) -> object:
    # A vault that saves a block hands over a collector, which swaps secrets for placeholders.
    if not isinstance(value, Secret):  # a union tries its members in turn
        raise PydanticSerializationUnexpectedValue("not a Secret")
    swap = getattr(info.context, "swap", None)
    if swap is not None:
        return swap(value)
    if info.mode == "json":
        raise SecretExposed(
            "A Secret cannot be written as JSON: its value would stand there in clear.",
            fix="Save the block in a vault, or call reveal() where the value must be written.",
        )
    return value
