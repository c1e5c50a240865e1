"""Serializers: a value to bytes and back, through chains such as ``json|zstd|aes256gcm``.

A chain has one serializer, then any number of codecs (bytes to bytes), then at most one cipher,
and writes a self-describing envelope::

    chain = build_chain("json|zstd|aes256gcm", lookup, keys=keys)
    data = chain.dumps({"rows": 3}, context=b"run-7/load")
    chain.loads(data, context=b"run-7/load")

    inspect(data)          # chain, key id, type, sizes: no key and no plugin needed
    reencrypt(data, keys)  # to the current key: the payload is not loaded

An author of a serializer subclasses `Serializer`, of a compression `Codec`. Own dataclasses,
pydantic models and enums become known to ``json`` through `register_type`.
"""

from brickwork.serializer.chain import Chain, Lookup, build_chain
from brickwork.serializer.envelope import Envelope, EnvelopeInfo, inspect, reencrypt
from brickwork.serializer.interface import DEFAULT_MAX_SIZE, Codec, Serializer, UnsafeSerializer
from brickwork.serializer.sealing import Aes256Gcm
from brickwork.serializer.types import (
    RegisteredType,
    StoredException,
    register_type,
    registered_name,
    registered_type,
)

__all__ = [
    "DEFAULT_MAX_SIZE",
    "Aes256Gcm",
    "Chain",
    "Codec",
    "Envelope",
    "EnvelopeInfo",
    "Lookup",
    "RegisteredType",
    "Serializer",
    "StoredException",
    "UnsafeSerializer",
    "build_chain",
    "inspect",
    "reencrypt",
    "register_type",
    "registered_name",
    "registered_type",
]
