"""Chains of stages, and the reading of envelopes that any chain wrote."""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO, TypeVar

from brickwork.crypto import KeySource
from brickwork.errors import (
    BrickworkError,
    ConfigError,
    CorruptData,
    PickleRefused,
    SerializerError,
    TamperedCiphertext,
)
from brickwork.serializer.envelope import (
    CHAIN_PATTERN,
    ENCRYPTED,
    SIGNED,
    Content,
    Envelope,
    Head,
    open_content,
    parse,
    parse_head,
    read_header,
    require_keys,
)
from brickwork.serializer.interface import (
    DEFAULT_MAX_SIZE,
    BytesLike,
    Codec,
    Serializer,
    UnsafeSerializer,
)
from brickwork.serializer.sealing import Aes256Gcm, HmacSha256

T = TypeVar("T")

Lookup = Callable[[str], type[Any]]
"""Finds the class of a stage by its name, as the registry does. Raises UnknownName."""


def build_chain(
    text: str,
    lookup: Lookup,
    *,
    keys: KeySource | None = None,
    allow_pickle: bool = False,
    max_size: int = DEFAULT_MAX_SIZE,
) -> "Chain":
    """Build a chain from its text: one serializer, then codecs, then at most one cipher.

    Args:
        text: Stages from left to right, for example ``json|zstd|aes256gcm``.
        lookup: Finds the `Serializer` or `Codec` class of a name. Ciphers are not looked up.
        keys: Where keys come from; needed for ``aes256gcm`` and ``pickle``.
        allow_pickle: Allow serializers whose reading can run code, here, for both directions.
            Only for results that this installation wrote itself.
        max_size: How many bytes a payload may have after decompression.

    Raises:
        ConfigError: The text is no chain, or its stages are in the wrong order.
        UnknownName: No stage of that name is known.
        KeyUnavailable: The chain needs keys, and none were given.
        PickleRefused: The chain could run code when read, and ``allow_pickle`` is not set.
    """
    if not CHAIN_PATTERN.fullmatch(text) or len(text) > 255:
        raise ConfigError(
            f"{text[:100]!r} is no chain of serializers.",
            fix="Write stages from left to right, for example json|zstd|aes256gcm.",
        )
    return Chain(text, lookup, keys=keys, allow_pickle=allow_pickle, max_size=max_size)


class Chain(Serializer):
    """A serializer with its codecs and cipher; made by `build_chain`.

    `dumps` writes an envelope. `loads` reads the envelope of any chain whose stages it can look
    up, so a changed setting does not orphan old results, with two limits: a chain that encrypts
    reads only what is encrypted, and what can run code is read only with ``allow_pickle=True``.

    Attributes:
        name: The text of the chain.
    """

    def __init__(
        self,
        text: str,
        lookup: Lookup,
        *,
        keys: KeySource | None,
        allow_pickle: bool,
        max_size: int,
    ) -> None:
        self.name = text
        self._lookup = lookup
        self._keys = keys
        self._allow_pickle = allow_pickle
        self._max_size = max_size
        self._serializer, self._codecs = _make_stages(text, lookup, ConfigError)
        self.encrypts = text.endswith("|" + Aes256Gcm.name)
        self.signs = isinstance(self._serializer, UnsafeSerializer)
        if self.signs and not allow_pickle:
            raise _pickle_refused(text)
        if self.encrypts:
            require_keys(keys, Aes256Gcm.purpose)
        if self.signs:
            require_keys(keys, HmacSha256.purpose)

    def dumps(self, value: object, *, context: bytes = b"") -> bytes:
        """Return the value in an envelope.

        Args:
            value: What the chain's serializer takes.
            context: What the bytes belong to, for example the run and the key, joined with
                `brickwork.crypto.pack`. They can be read with the same context only.

        Raises:
            UnsupportedType, SecretExposed: As the serializer.
            SerializerError: The payload is larger than ``max_size``.
            KeyUnavailable: There is no current key.
        """
        return bytes(self.wrap(self.serialize(value), type(value), context=context))

    def dump(self, value: object, file: BinaryIO, *, context: bytes = b"") -> None:
        """Write to a file what `dumps` returns, in pieces.

        In memory there is, besides the value, what its serializer makes of it, once; and with a
        codec, the compressed bytes.

        Args:
            value: What the chain's serializer takes.
            file: Open for writing; it need not be able to seek.
            context: As for `dumps`, which raises the same.
        """
        self.wrap(self.serialize(value), type(value), context=context).write_to(file)

    def serialize(self, value: object) -> bytes:
        """Return what the chain's serializer makes of a value: the first half of `dumps`.

        Raises:
            UnsupportedType, SecretExposed: As the serializer.
            SerializerError: It is larger than ``max_size``.
        """
        serializer = self._serializer
        if isinstance(serializer, UnsafeSerializer):
            payload = serializer.unsafe_dumps(value)
        else:
            payload = serializer.dumps(value)
        if len(payload) > self._max_size:
            raise SerializerError(
                f"The payload has {len(payload)} bytes; only {self._max_size} could be read again.",
                fix="Pass a larger max_size here and where it is read, or store it in parts.",
            )
        return payload

    def wrap(self, payload: bytes, cls: type, *, context: bytes = b"") -> Envelope:
        """Put what `serialize` returned through the codecs and into an envelope.

        Args:
            payload: The bytes.
            cls: The value's class, whose name stands in the envelope, for people.
            context: As for `dumps`.

        Raises:
            KeyUnavailable: There is no current key.
        """
        size, digest = len(payload), _hash(payload)
        for codec in self._codecs:
            payload = codec.encode(payload)
        flags = ENCRYPTED * self.encrypts | SIGNED * self.signs
        head = Head(flags, b"", _hash(context), self.name, _type_name(cls))
        return Envelope(head, Content(payload, size, digest), self._keys)

    def loads(self, data: BytesLike, *, context: bytes = b"") -> object:
        """Return the value of an envelope, after everything in it was verified.

        Args:
            data: An envelope, also one of another chain.
            context: What `dumps` was given.

        Raises:
            CorruptData: Damaged, or larger than allowed.
            UnsupportedFormat: No envelope, or a newer one.
            TamperedCiphertext, TruncatedCiphertext: Changed, or bound to another context.
            KeyUnavailable, WrongKey: The key for it is not there, or another one.
            PickleRefused: Reading could run code, and the chain was built without consent.
            UnknownName: A stage is not installed.
        """
        parsed = parse(data)
        self._admit(parsed.head, context)
        return self._value_of(parsed.head, open_content(parsed, self._keys))

    def load(self, file: BinaryIO, *, context: bytes = b"") -> object:
        """Return the value of an envelope in a file, after everything in it was verified.

        In memory there is what the value's serializer made of it, once, while it makes the value.

        Args:
            file: Stands where the envelope begins; read to its end, where the envelope must end.
            context: As for `loads`, which raises the same.
        """
        return self._value_of(*self._read(file, context))

    def load_payload(self, file: BinaryIO, *, context: bytes = b"") -> bytes:
        """Return what `serialize` returned, verified, without making a value of it.

        Nothing of what wrote it needs to be installed, but its codecs; and nothing of it can run.

        Args:
            file: As for `load`.
            context: As for `loads`, which raises the same.
        """
        head, content = self._read(file, context)
        return self._decode(content, _make_codecs(head.chain, self._lookup, CorruptData))

    def _read(self, file: BinaryIO, context: bytes) -> tuple[Head, Content]:
        from brickwork.serializer.streaming import read_content

        header = read_header(file)
        head, _, body_size = parse_head(header)
        self._admit(head, context)
        return head, read_content(file, head, header, body_size, self._keys)

    def _value_of(self, head: Head, content: Content) -> object:
        serializer, codecs = self._stages_of(head.chain)
        if isinstance(serializer, UnsafeSerializer) is not head.signed:
            raise TamperedCiphertext("The envelope's signature flag does not fit its chain.")
        payload = self._decode(content, codecs)
        del content  # it may be large
        if not isinstance(serializer, UnsafeSerializer):
            return _typed(serializer.name, serializer.loads, payload)
        return _typed(serializer.name, serializer.unsafe_loads, payload)

    def _admit(self, head: Head, context: bytes) -> None:
        """Refuse what may not be read at all, before any key is used."""
        if self.encrypts and not head.encrypted:
            raise TamperedCiphertext(
                f"The envelope is not encrypted, and {self.name!r} reads encrypted ones only.",
                fix=f"If it is from before encryption was set, read it with {head.chain!r}.",
            )
        if head.signed and not self._allow_pickle:
            raise _pickle_refused(head.chain)
        if not hmac.compare_digest(head.context, _hash(context)):
            error = TamperedCiphertext if head.flags else CorruptData
            raise error(
                "The envelope belongs to something else: another run, key or storage.",
                fix="Read it where it was written, with the same context.",
            )

    def _decode(self, content: Content, codecs: Sequence[Codec]) -> bytes:
        if content.size > self._max_size:
            raise CorruptData(
                f"The payload has {content.size} bytes; {self._max_size} are allowed.",
                fix="Pass a larger max_size if you trust whoever wrote it.",
            )
        payload = content.stored
        for index in range(len(codecs) - 1, -1, -1):
            limit = self._max_size if index else content.size
            codec = codecs[index]
            payload = _typed(codec.name, codec.decode, payload, limit)
        if len(payload) != content.size or not hmac.compare_digest(_hash(payload), content.digest):
            raise CorruptData("The payload is not what its header says: its hash does not fit.")
        return payload

    def _stages_of(self, text: str) -> tuple[Serializer, tuple[Codec, ...]]:
        if text == self.name:
            return self._serializer, self._codecs
        return _make_stages(text, self._lookup, CorruptData)


def _make_stages(
    text: str, lookup: Lookup, error: type[BrickworkError]
) -> tuple[Serializer, tuple[Codec, ...]]:
    first = text.split("|")[0]
    codecs = _make_codecs(text, lookup, error)
    serializer = lookup(first)
    if not issubclass(serializer, Serializer):
        raise error(f"{text!r}: {first!r} is no serializer.", fix="Begin the chain with json.")
    return serializer(), codecs


def _make_codecs(text: str, lookup: Lookup, error: type[BrickworkError]) -> tuple[Codec, ...]:
    first, *names = text.split("|")
    if names and names[-1] == Aes256Gcm.name:
        names.pop()
    if Aes256Gcm.name in (first, *names):
        raise error(
            f"{text!r}: {Aes256Gcm.name} comes last, once.",
            fix="Compress first, then encrypt: json|zstd|aes256gcm.",
        )
    codecs: list[Codec] = []
    for name in names:
        codec = lookup(name)
        if not issubclass(codec, Codec):
            raise error(f"{text!r}: {name!r} is no codec.", fix="A serializer comes first, once.")
        codecs.append(codec())
    return tuple(codecs)


def _typed(stage: str, function: Callable[..., T], *arguments: object) -> T:
    """Call a stage that may come from a plugin: bad data is a typed error whatever it raises."""
    try:
        return function(*arguments)
    except (BrickworkError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - the stage may come from any plugin
        # From None: the cause may quote the data.
        raise CorruptData(
            f"{stage!r} could not read the payload ({type(error).__name__})."
        ) from None


def _type_name(cls: type) -> str:
    name = cls.__qualname__
    if cls.__module__ != "builtins":
        name = f"{cls.__module__}.{name}"
    name = "".join(char if char.isprintable() else "?" for char in name)
    return name.encode()[:255].decode(errors="ignore")


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _pickle_refused(chain: str) -> PickleRefused:
    return PickleRefused(
        f"Reading {chain!r} can run code, and was not allowed here.",
        fix="Use json; or pass allow_pickle=True, for results that only you can write.",
    )
