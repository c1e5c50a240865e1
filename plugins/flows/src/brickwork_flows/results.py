"""Keeping what runs return, and giving it back."""

import json
from pathlib import Path
from typing import Any

from brickwork import BrickworkError, mask, open_serializer, open_storage
from brickwork_flows.errors import MissingResult
from brickwork_flows.history.events import ResultKept

INLINE_BYTES = 16 * 1024
"""Results up to this size are kept in the history itself."""

DEFAULT_CHAIN = "json"

SEALED_CHAIN = "json|aes256gcm"
"""The chain of results that hold a known secret: encrypted with the key of the vault in use."""

SEARCHED_BYTES = 4 * 1024 * 1024
"""In results larger than this no secrets are looked for: it would take longer than writing them."""

_PLAIN = "plain"  # JSON without an envelope, for the values that every second task returns
_SCALARS = frozenset({type(None), bool, int, float, str})


def keep(run: str, value: Any, folder: Path, chain: str = DEFAULT_CHAIN) -> ResultKept:
    """Turn a value into what the history keeps; a large one is written to a file first.

    A value with a secret in it that is known, because a block was loaded or a `Secret` made, is
    kept encrypted; whoever gives it back needs the vault.

    Raises:
        SerializerError: The serializer cannot take the value.
        VaultError: It holds a secret, and the vault in use has no key to encrypt it with.
        StorageError: It cannot be written.
    """
    kind = type(value)
    plain = kind in _SCALARS and (kind is not str or len(value) < 4096)
    # NaN and infinities are no JSON.
    if plain and chain == DEFAULT_CHAIN and (kind is not float or value - value == 0):
        if kind is not str or mask(value) == value:
            return ResultKept(run, _PLAIN, json.dumps(value).encode("utf-8", "surrogatepass"))
        chain = SEALED_CHAIN
    data = open_serializer(chain).dumps(value)
    if chain == DEFAULT_CHAIN and _holds_secret(data):
        chain = SEALED_CHAIN
        data = open_serializer(chain).dumps(value)
    if len(data) <= INLINE_BYTES:
        return ResultKept(run, chain, data)
    url = f"file:{folder}"
    open_storage(url).write(run, data)
    return ResultKept(run, chain, None, url, run)


def _holds_secret(data: bytes) -> bool:
    if len(data) > SEARCHED_BYTES:
        return False
    text = data.decode("utf-8", "replace")
    return mask(text) != text


def restore(kept: ResultKept) -> Any:
    """Return the value that was kept.

    Raises:
        MissingResult: It is not where it was, or cannot be read.
    """
    try:
        if kept.chain == _PLAIN:
            return json.loads(kept.data or b"null")
        if kept.data is not None:
            return open_serializer(kept.chain).loads(kept.data)
        return open_serializer(kept.chain).loads(
            open_storage(kept.url or "").read(kept.storage_key or "")
        )
    except BrickworkError as error:
        raise MissingResult(
            f"The result of the run {kept.run} cannot be read: {error.what}", fix=error.fix
        ) from None
