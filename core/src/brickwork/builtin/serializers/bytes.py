"""``bytes``: bytes as they are."""

from brickwork.builtin.serializers.text import wrong_type
from brickwork.serializer import Serializer


class BytesSerializer(Serializer):
    """Takes ``bytes`` and writes them as they are."""

    name = "bytes"

    def dumps(self, value: object) -> bytes:
        """Return the bytes. Raises UnsupportedType, SecretExposed."""
        if type(value) is not bytes:
            raise wrong_type(self.name, "bytes", value)
        return value

    def loads(self, data: bytes) -> object:
        """Return the bytes."""
        return bytes(data)
