"""``text``: a str as UTF-8."""

from brickwork.errors import CorruptData, SecretExposed, UnsupportedType
from brickwork.secret import Secret
from brickwork.serializer import Serializer


class TextSerializer(Serializer):
    """Takes a ``str`` and writes it as UTF-8, nothing added."""

    name = "text"

    def dumps(self, value: object) -> bytes:
        """Return the text as UTF-8. Raises UnsupportedType, SecretExposed."""
        if type(value) is not str:
            raise wrong_type(self.name, "str", value)
        try:
            return value.encode()
        except UnicodeEncodeError:
            # From None: the error quotes the text.
            raise UnsupportedType(
                "The text has a lone surrogate, which UTF-8 has no place for.",
                fix='Use "json", or clean the text: text.encode("utf-8", "replace").decode().',
            ) from None

    def loads(self, data: bytes) -> object:
        """Return the text. Raises CorruptData."""
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise CorruptData("The text is not UTF-8.") from None


def wrong_type(name: str, wanted: str, value: object) -> UnsupportedType | SecretExposed:
    """Return the error for a value that is not of the one type a serializer takes."""
    if isinstance(value, Secret):
        return SecretExposed(
            f"A Secret cannot be written by {name!r}: its value would stand there in clear.",
            fix="Save it in a block, or call reveal() where the value must be written.",
        )
    return UnsupportedType(
        f"{name!r} takes {wanted}, not {type(value).__name__}.",
        fix=f'Convert it to {wanted}, or use "json".',
    )
