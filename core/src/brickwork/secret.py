"""``Secret``: a value that shows itself to nobody but the caller of ``reveal()``."""

from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self, TypeVar, get_args

from brickwork.errors import SecretExposed
from brickwork.masking import masker

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

T = TypeVar("T", str, bytes)

HIDDEN = "********"


class Secret(Generic[T]):
    """A text or bytes that must not be seen: ``Secret[str]`` or ``Secret[bytes]``.

    ``reveal()`` is the only way to the value. ``repr``, ``str``, formatting, rich tracebacks show
    ``********``; JSON and pickle raise `SecretExposed`. A copy is the same object. Making a secret
    registers its value with the masker, so it is also hidden in logs (see the limits in the
    security page: values under 6 characters cannot be masked).

    As a pydantic field it takes the plain value or a ``Secret``, and its validation errors never
    carry the input. The errors of other members of a union, and of a whole model, are pydantic's
    and quote theirs, unless the model is a `Block`.
    """

    __slots__ = ("_value",)
    __match_args__ = ()
    __masked__ = HIDDEN  # what Masker.mask_value puts in its place
    _value: T

    def __init__(self, value: T) -> None:
        if not isinstance(value, str | bytes):
            raise TypeError(f"Secret takes a str or bytes, not {type(value).__name__}")
        object.__setattr__(self, "_value", value)
        masker.add(value)

    def reveal(self) -> T:
        """Return the value in clear."""
        return self._value

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Secret cannot be changed; make a new one")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a Secret cannot be changed; make a new one")

    def __repr__(self) -> str:
        return f"Secret({HIDDEN!r})"

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = self._value, other._value
        if type(mine) is not type(theirs):
            return False
        from hmac import compare_digest  # brings OpenSSL, 4 ms

        return compare_digest(_as_bytes(mine), _as_bytes(theirs))

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise _no_pickle()

    def __getstate__(self) -> NoReturn:
        raise _no_pickle()

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        from brickwork._secret_schema import secret_schema

        return secret_schema(next(iter(get_args(source)), str))

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: "CoreSchema", handler: "GetJsonSchemaHandler"
    ) -> dict[str, Any]:
        return {"type": "string", "format": "password", "writeOnly": True}


def _no_pickle() -> SecretExposed:
    return SecretExposed(
        "A Secret cannot be pickled: its value would stand in the pickle in clear.",
        fix="Save the block that holds it and hand over the block: it pickles as its address.",
    )


def _as_bytes(value: str | bytes) -> bytes:
    # surrogatepass: a lone surrogate must compare, not raise an error that shows the text.
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
