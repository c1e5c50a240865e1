"""Keeping what runs return, and giving it back."""

import json
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

from brickwork import (
    BrickworkError,
    KeyNotFound,
    PickleRefused,
    UnsupportedType,
    mask,
    open_serializer,
    open_storage,
)
from brickwork_flows.errors import MissingResult
from brickwork_flows.history.events import ResultKept
from brickwork_flows.result_settings import ResultSettings

if TYPE_CHECKING:
    from brickwork import Chain

INLINE_BYTES = 16 * 1024
"""Results up to this size are kept in the history itself, unless they have a key of their own."""

DEFAULT_CHAIN = "json"

SEALING = "|aes256gcm"
"""Added to the chain of results that hold a known secret: encrypted with a key of the vault."""

SEARCHED_BYTES = 4 * 1024 * 1024
"""In results larger than this no secrets are looked for: it would take longer than writing them."""

_PLAIN = "plain"  # JSON without an envelope, for the values that every second task returns
_SCALARS = frozenset({type(None), bool, int, float, str})
_LONG = 4096
_LONGEST_KEY = 150  # file systems take names of 255 bytes


def keep(run: str, value: Any, settings: ResultSettings, key: str = "") -> ResultKept:
    """Turn a value into what the history keeps; a large one is written to its storage first.

    A value with a secret in it that is known, because a block was loaded or a `Secret` made, is
    kept encrypted; whoever gives it back needs the vault.

    Args:
        run: The id of the run that returned it.
        value: What it returned.
        settings: Where and how.
        key: The key in the storage, in which it is kept whatever its size; empty: the run's id,
            for larger ones alone.

    Raises:
        SerializerError: The serializer cannot take the value.
        VaultError: It holds a secret, and the vault in use has no key to encrypt it with.
        StorageError: It cannot be written.
    """
    kind = type(value)
    chosen = settings.serializer
    if kind in _SCALARS and not key and chosen in ("", DEFAULT_CHAIN):
        # NaN and infinities are no JSON.
        if kind is float:
            plain = value - value == 0
        else:
            plain = kind is not str or (len(value) < _LONG and mask(value) == value)
        if plain:
            text = str(value) if kind is int else json.dumps(value)
            return ResultKept(run, _PLAIN, text.encode("utf-8", "surrogatepass"))
    chain, payload = _serialized(value, chosen)
    if not chain.encrypts and holds_secret(payload):
        chain = _chain(chain.name + SEALING)
    if len(payload) <= INLINE_BYTES and not key:
        return ResultKept(run, chain.name, bytes(chain.wrap(payload, kind)))
    where, key = settings.where(), key or _key_of(run)
    envelope = chain.wrap(payload, kind, context=key.encode())
    del payload  # with a codec there is another one
    with where.storage.open_write(key) as file:
        envelope.write_to(file)
    return ResultKept(run, chain.name, None, where.url, key)


def _serialized(value: Any, chosen: str) -> "tuple[Chain, bytes]":
    """Return a chain for a value, and what its serializer makes of that."""
    kind = type(value)
    if not chosen and (kind is bytes or (kind is str and len(value) >= _LONG)):
        chain = _chain("bytes" if kind is bytes else "text")
        with suppress(UnsupportedType):  # half of a character, which JSON can write
            return chain, chain.serialize(value)
    chain = _chain(chosen or DEFAULT_CHAIN)
    return chain, chain.serialize(value)


def _chain(text: str) -> "Chain":
    # Whoever wrote the flow chose the chain: that is the consent to write a pickle.
    return open_serializer(text, allow_pickle=True)


def _key_of(run: str) -> str:
    """Return a key for a run's result: one part, so that none is a folder of another."""
    from hashlib import blake2b
    from urllib.parse import quote

    key = quote(run, safe="")
    if len(key) <= _LONGEST_KEY:
        return key
    return f"{key[:_LONGEST_KEY]}-{blake2b(run.encode(), digest_size=16).hexdigest()}"


def holds_secret(data: bytes) -> bool:
    """Tell whether a known secret stands in data, unless they are large."""
    if len(data) > SEARCHED_BYTES:
        return False
    text = data.decode("utf-8", "replace")
    return mask(text) != text


def restore(kept: ResultKept, *, allow_pickle: bool = False) -> Any:
    """Return the value that was kept.

    Args:
        kept: Where it is.
        allow_pickle: Whether what this installation wrote may run code when it is read.

    Raises:
        MissingResult: It is not where it was, or cannot be read.
    """
    if kept.chain == _PLAIN:
        return json.loads(kept.data or b"null")
    try:
        chain = open_serializer(kept.chain, allow_pickle=allow_pickle)
        if kept.data is not None:
            return chain.loads(kept.data)
        with _opened(kept) as file:
            return chain.load(file, context=(kept.storage_key or "").encode())
    except PickleRefused as error:
        raise _missing(
            kept,
            error.what,
            "Read it with allow_pickle=True, or --allow-pickle, if nobody else can write where it "
            "is kept.",
        ) from None
    except BrickworkError as error:
        raise _missing(kept, error.what, error.fix) from None


def payload_of(kept: ResultKept) -> bytes:
    """Return what the serializer made of a result, verified; nothing of it can run.

    Raises:
        MissingResult: It is not where it was, or cannot be read.
    """
    if kept.chain == _PLAIN:
        return kept.data or b"null"
    # Only the codecs are needed: the first stage may not be installed, and does nothing here.
    codecs = "|".join([DEFAULT_CHAIN, *kept.chain.split("|")[1:]])
    try:
        chain = open_serializer(codecs, allow_pickle=True)
        if kept.data is not None:
            return chain.load_payload(BytesIO(kept.data))
        with _opened(kept) as file:
            return chain.load_payload(file, context=(kept.storage_key or "").encode())
    except BrickworkError as error:
        raise _missing(kept, error.what, error.fix) from None


def discard(kept: ResultKept) -> None:
    """Delete a result from its storage; one that is gone is fine. Raises BrickworkError."""
    if kept.url is not None and kept.storage_key is not None:
        with suppress(KeyNotFound):
            open_storage(kept.url).delete(kept.storage_key)


def _opened(kept: ResultKept) -> BinaryIO:
    """Open a stored result for reading.

    A block is taken in the version that wrote it. Where that is gone, or its credentials are no
    longer good, the newest one may still lead there.
    """
    url, key = kept.url or "", kept.storage_key or ""
    newest = url.partition("@")[0] if ":" not in url else url
    try:
        return open_storage(url).open_read(key)
    except KeyNotFound:
        raise
    except BrickworkError:
        if newest == url:
            raise
        return open_storage(newest).open_read(key)


def _missing(kept: ResultKept, what: str, fix: str) -> MissingResult:
    return MissingResult(f"The result of the run {kept.run} cannot be read: {what}", fix=fix)
