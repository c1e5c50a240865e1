"""A sealed document whose data key is wrapped by another root key, or replaced."""

import pytest

from brickwork.crypto import NamedKey, derive
from brickwork.vault import rotation
from brickwork.vault.envelope import (
    Identity,
    Secrets,
    WrappingKey,
    open_secrets,
    renewed,
    rewrapped,
    seal_secrets,
)

OLD_KEY, NEW_KEY = NamedKey(b"old-key.", bytes(32)), NamedKey(b"new-key.", bytes(range(32)))
PLACE = Identity(b"s" * 16, "basic-auth", b"b" * 16, "prod", 1, 3)
PUBLIC = b'{"fields":{}}'
_KEYS = {key.kid: key.key for key in (OLD_KEY, NEW_KEY)}


def opened(sealed: bytes) -> Secrets:
    """Open a sealed document with whichever key it names."""
    return open_secrets(_KEYS.__getitem__, PLACE, PUBLIC, sealed)


def test_a_rewrapped_document_has_the_same_secrets() -> None:
    """Rewrapping changes id and wrapping, 68 bytes; encrypting anew changes all that is random."""
    secrets = Secrets({"password": "the password", "blob": b"\x00\xff"})
    sealed = seal_secrets(OLD_KEY, PLACE, PUBLIC, secrets)
    old, new = WrappingKey.of(OLD_KEY), WrappingKey.of(NEW_KEY)
    moved = rewrapped(old, new, PLACE, sealed)
    anew = renewed(old, new, PLACE, PUBLIC, sealed)
    assert opened(sealed) == opened(moved) == opened(anew) == secrets
    assert moved[6:14] == anew[6:14] == b"new-key."
    assert moved[14:48] + moved[108:] == sealed[14:48] + sealed[108:]
    for size in range(14, len(sealed) - 8):
        assert sealed[size : size + 8] not in anew[14:46] + anew[48:]


def test_nothing_tampered_is_rewrapped() -> None:
    """A flipped bit in the header or the wrapping, another place or another key: a typed error.

    Rewrapping leaves what it does not look at as it is, and so as unreadable as it was.
    """
    sealed = seal_secrets(OLD_KEY, PLACE, PUBLIC, Secrets({"password": "the password"}))
    old, new = WrappingKey.of(OLD_KEY), WrappingKey.of(NEW_KEY)
    errors = rotation._NOT_OPENED
    for bit in range(8 * len(sealed)):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(errors):
            opened(rewrapped(old, new, PLACE, bytes(changed)))
        if bit // 8 < 14 or 46 <= bit // 8 < 108:
            with pytest.raises(errors):
                rewrapped(old, new, PLACE, bytes(changed))
    for bit in range(8 * len(sealed)):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(errors):
            renewed(old, new, PLACE, PUBLIC, bytes(changed))
    places = [
        PLACE._replace(store_id=b"t" * 16), PLACE._replace(name="other"),
        PLACE._replace(block_id=b"c" * 16), PLACE._replace(slug="secret"),
        PLACE._replace(schema_version=2), PLACE._replace(schema_version=-1),
    ]  # fmt: skip
    for place in places:
        with pytest.raises(errors):
            rewrapped(old, new, place, sealed)
    for version in (4, -1, 2**70):
        with pytest.raises(errors):
            renewed(old, new, PLACE._replace(version=version), PUBLIC, sealed)
    with pytest.raises(errors):
        renewed(old, new, PLACE, PUBLIC + b" ", sealed)
    stranger = WrappingKey.of(NamedKey(OLD_KEY.kid, derive(OLD_KEY.key, "x")))
    for wrong in (stranger, new):
        with pytest.raises(errors):
            rewrapped(wrong, new, PLACE, sealed)
    for size in range(len(sealed)):
        with pytest.raises(errors):
            renewed(old, new, PLACE, PUBLIC, sealed[:size])
