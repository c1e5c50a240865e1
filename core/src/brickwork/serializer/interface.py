"""The interfaces that authors implement: `Serializer`, `Codec`, and the guarded exception."""

from abc import ABC, abstractmethod
from typing import Final, NoReturn, final

from brickwork.errors import PickleRefused

DEFAULT_MAX_SIZE: Final = 2**30
"""Bytes that a payload may have after decompression, unless told otherwise: 1 GiB."""


BytesLike = bytes | bytearray | memoryview


class Serializer(ABC):
    """Turns values into bytes and back: the first stage of a chain.

    Made without arguments, safe to use from many threads at once. The same value gives the same
    bytes, and ``loads(dumps(value))`` is equal to the value and of its type.

    Attributes:
        name: How chains name it: lower-case letters and digits, ``-`` between words.
    """

    name: str

    @abstractmethod
    def dumps(self, value: object) -> bytes:
        """Return the value as bytes; the value stays as it is.

        Raises:
            UnsupportedType: The value, or something in it, cannot come back as what it was.
            SecretExposed: There is a `brickwork.Secret` in it.
        """

    @abstractmethod
    def loads(self, data: bytes) -> object:
        """Return the value of bytes that `dumps` made; runs nothing that the data names.

        Raises:
            CorruptData: Truncated, changed, or never made by this serializer.
            UnsupportedFormat: Made by a newer version.
        """


class UnsafeSerializer(Serializer):
    """A serializer whose reading can run code, such as pickle.

    It can be used in a chain only: the chain wants ``allow_pickle=True`` from whoever writes and
    from whoever reads, and checks a MAC before it calls `unsafe_loads`.
    """

    @abstractmethod
    def unsafe_dumps(self, value: object) -> bytes:
        """Return the value as bytes. Raises as `Serializer.dumps`."""

    @abstractmethod
    def unsafe_loads(self, data: bytes) -> object:
        """Return the value of bytes that are known to be ours. Raises as `Serializer.loads`."""

    @final
    def dumps(self, value: object) -> NoReturn:  # noqa: ARG002 - refused whatever it is
        """Refuse: without a chain nothing would sign the bytes. Raises PickleRefused."""
        raise self._refusal()

    @final
    def loads(self, data: bytes) -> NoReturn:  # noqa: ARG002 - refused whatever it is
        """Refuse: without a chain nothing would check who made the bytes. Raises PickleRefused."""
        raise self._refusal()

    def _refusal(self) -> PickleRefused:
        return PickleRefused(
            f"{self.name!r} may run code when read, so it works in a chain only, which signs it.",
            fix=f'Use open_serializer("{self.name}", allow_pickle=True), or "json".',
        )


class Codec(ABC):
    """Turns bytes into other bytes and back, without a key: a later stage of a chain.

    Made without arguments, safe to use from many threads at once.

    Attributes:
        name: How chains name it.
    """

    name: str

    @abstractmethod
    def encode(self, data: bytes) -> bytes:
        """Return the encoded bytes; the same for the same input."""

    @abstractmethod
    def decode(self, data: bytes, max_size: int) -> bytes:
        """Return the bytes that `encode` was given.

        Args:
            data: What `encode` returned.
            max_size: How many bytes may come out. More is refused before it is in memory, so that
                a small input cannot fill the machine.

        Raises:
            CorruptData: Truncated, changed, followed by more, or larger than ``max_size``.
        """
