"""The contract of key providers."""

import os
import pickle
from functools import partial
from typing import ClassVar

import pytest

from brickwork import (
    BrickworkError,
    KeyProvider,
    KeyUnavailable,
    TamperedCiphertext,
    TruncatedCiphertext,
    UnsupportedFormat,
    WrongKey,
)
from brickwork.testing.base import Contract, assert_raises

_CONTEXT = b"vault 1f3a, root key 07"


class KeyProviderContract(Contract):
    """What every key provider must do.

    Give three fixtures: ``provider``, which has a key; ``stranger``, of the same class with another
    key; ``keyless``, of the same class without any. Give ``key_material`` too if the provider's own
    key is within reach: each form of it that must not show.
    """

    slow_unwrap: ClassVar[bool] = False
    """True if one `unwrap` takes longer than some milliseconds: fewer bytes are then tampered."""

    @pytest.fixture
    def provider(self) -> KeyProvider:
        """A provider that has its key."""
        raise NotImplementedError("the contract needs a fixture `provider`")

    @pytest.fixture
    def stranger(self) -> KeyProvider:
        """A provider of the same class that has another key."""
        raise NotImplementedError("the contract needs a fixture `stranger`")

    @pytest.fixture
    def keyless(self) -> KeyProvider:
        """A provider of the same class that has no key."""
        raise NotImplementedError("the contract needs a fixture `keyless`")

    @pytest.fixture
    def key_material(self) -> list[str | bytes]:
        """Every form of the provider's key that is known here; none, where it never shows."""
        return []

    def test_unwrap_returns_what_was_wrapped(self, provider: KeyProvider) -> None:
        """A root key comes back exactly."""
        for root_key in (os.urandom(32), bytes(32), b"\xff" * 32):
            wrapped = provider.wrap(root_key, _CONTEXT)
            assert provider.unwrap(wrapped, _CONTEXT) == root_key, (
                "unwrap() returned another key: check that it reverses wrap()."
            )

    def test_wrapped_does_not_contain_the_root_key(self, provider: KeyProvider) -> None:
        """What the store keeps shows neither the root key nor the provider's."""
        root_key = os.urandom(32)
        wrapped = provider.wrap(root_key, _CONTEXT)
        assert root_key not in wrapped, "wrap() must encrypt the root key."
        assert root_key.hex().encode() not in wrapped.lower(), "wrap() must encrypt the root key."

    def test_two_wraps_differ(self, provider: KeyProvider) -> None:
        """Wrapping is randomised: a store shows not even that two root keys are the same."""
        root_key = os.urandom(32)
        assert provider.wrap(root_key, _CONTEXT) != provider.wrap(root_key, _CONTEXT), (
            "wrap() gave the same bytes twice: use a fresh nonce or salt each time."
        )

    def test_context_is_bound(self, provider: KeyProvider) -> None:
        """A wrapped key that was moved to another vault is refused as tampered with."""
        wrapped = provider.wrap(os.urandom(32), _CONTEXT)
        for context in (b"", _CONTEXT[:-1], _CONTEXT + b"\0", b"another"):
            unwrap = partial(provider.unwrap, wrapped, context)
            assert_raises(TamperedCiphertext, unwrap, "unwrapping with another context")

    def test_another_key_is_named_as_such(
        self, provider: KeyProvider, stranger: KeyProvider
    ) -> None:
        """Another key raises WrongKey, not TamperedCiphertext: the user can tell what to mend."""
        wrapped = provider.wrap(os.urandom(32), _CONTEXT)
        unwrap = partial(stranger.unwrap, wrapped, _CONTEXT)
        assert_raises(WrongKey, unwrap, "unwrapping with another key, so that one can mend it,")

    def test_tampering_is_refused(self, provider: KeyProvider) -> None:
        """A flipped bit in any byte raises a typed error, and never gives a key."""
        wrapped = provider.wrap(os.urandom(32), _CONTEXT)
        typed = (TamperedCiphertext, WrongKey, UnsupportedFormat, TruncatedCiphertext)
        step = max(1, len(wrapped) // 12) if self.slow_unwrap else 1
        offsets = [*range(0, len(wrapped), step), len(wrapped) - 1]
        for offset in offsets:
            for bit in (1,) if self.slow_unwrap else (1, 2, 4, 8, 16, 32, 64, 128):
                changed = bytearray(wrapped)
                changed[offset] ^= bit
                unwrap = partial(provider.unwrap, bytes(changed), _CONTEXT)
                assert_raises(typed, unwrap, f"unwrapping with a changed bit in byte {offset}")
        last = partial(provider.unwrap, wrapped[:-1] + bytes([wrapped[-1] ^ 1]), _CONTEXT)
        assert_raises(TamperedCiphertext, last, "unwrapping with a changed last byte")

    def test_other_lengths_are_refused(self, provider: KeyProvider) -> None:
        """A wrapped key that is cut short, empty or too long raises a typed error."""
        wrapped = provider.wrap(os.urandom(32), _CONTEXT)
        typed = (TamperedCiphertext, WrongKey, UnsupportedFormat, TruncatedCiphertext)
        step = 16 if self.slow_unwrap else 1
        texts = [wrapped[:size] for size in range(0, len(wrapped), step)]
        for text in [*texts, wrapped + b"\0", wrapped + wrapped, b"garbage", os.urandom(500)]:
            unwrap = partial(provider.unwrap, text, _CONTEXT)
            assert_raises(typed, unwrap, f"unwrapping {len(text)} bytes of {len(wrapped)}")

    def test_no_key_is_an_error_with_a_fix(
        self, provider: KeyProvider, keyless: KeyProvider
    ) -> None:
        """Without a key both directions raise KeyUnavailable with the provider and a fix."""
        wrapped = provider.wrap(os.urandom(32), _CONTEXT)
        for name, attempt in (
            ("wrapping", partial(keyless.wrap, os.urandom(32), _CONTEXT)),
            ("unwrapping", partial(keyless.unwrap, wrapped, _CONTEXT)),
        ):
            error = assert_raises(KeyUnavailable, attempt, f"{name} without a key")
            assert isinstance(error, KeyUnavailable), "it was asserted"
            assert error.fix, "KeyUnavailable must say what to do next."
            assert provider.name in error.tried, "KeyUnavailable must name who was asked."

    def test_describe_says_where_the_key_is(self, provider: KeyProvider) -> None:
        """`describe` is a short line of text."""
        text = provider.describe()
        assert text, "describe() must name the place of the key."
        assert "\n" not in text, "describe() is one line, for use inside messages."

    def test_the_key_never_shows(
        self,
        provider: KeyProvider,
        stranger: KeyProvider,
        keyless: KeyProvider,
        key_material: list[str | bytes],
    ) -> None:
        """Descriptions, reprs, pickles, errors and wrapped keys carry no key material."""
        root_key = os.urandom(32)
        wrapped = provider.wrap(root_key, _CONTEXT)
        provider.unwrap(wrapped, _CONTEXT)
        shown = [wrapped]
        for each in (provider, stranger, keyless):
            shown += [each.describe().encode(), repr(each).encode(), repr(vars(each)).encode()]
            shown.append(_pickled(each))
        shown += [
            _error_of(stranger, wrapped),
            _error_of(keyless, wrapped),
            _error_of(provider, wrapped[:-1] + b"?"),
            _error_of(provider, wrapped[:20]),
        ]
        for material in [*key_material, root_key, root_key.hex()]:
            raw = material.encode() if isinstance(material, str) else material
            for text in shown:
                assert raw not in text, "The key shows: in a description, repr, pickle or error."

    def test_create_is_idempotent(self, provider: KeyProvider) -> None:
        """`create` on a provider that has its key makes nothing and changes nothing."""
        root_key = os.urandom(32)
        wrapped = provider.wrap(root_key, _CONTEXT)
        assert provider.create() is False, "create() said it made a key where one was."
        assert provider.unwrap(wrapped, _CONTEXT) == root_key, "create() replaced the key."


def _pickled(provider: KeyProvider) -> bytes:
    try:
        return pickle.dumps(provider)
    except Exception:  # noqa: BLE001 - a provider that refuses to pickle shows nothing
        return b""


def _error_of(provider: KeyProvider, wrapped: bytes) -> bytes:
    with pytest.raises(BrickworkError) as caught:
        provider.unwrap(wrapped, _CONTEXT)
    seen = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert caught.value.__suppress_context__ or caught.value.__context__ is None, (
        "Raise errors `from None`: the cause could carry key material."
    )
    return repr([(each, getattr(each, "args", ()), str(each)) for each in seen]).encode()
