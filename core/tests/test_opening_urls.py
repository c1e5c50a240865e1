"""Storages, notifiers and serializers by URL, by address, and by chain."""

from pathlib import Path

import pytest

from brickwork import (
    BlockNotFound,
    BrickworkError,
    InvalidName,
    KeyUnavailable,
    PickleRefused,
    Secret,
    UnknownName,
    UnsupportedFormat,
    Vault,
    open_notifier,
    open_serializer,
    open_storage,
)
from brickwork.builtin.blocks import Settings
from brickwork.builtin.local_storage import LocalStorage
from brickwork.builtin.notifiers.webhook import Webhook


def test_a_storage_opens_by_url(tmp_path: Path) -> None:
    """A scheme leads to its storage; what is written there can be read there."""
    storage = open_storage(f"file://{tmp_path}/data")
    storage.write("a/b.txt", b"text")
    assert (tmp_path / "data" / "a" / "b.txt").read_bytes() == b"text"
    assert open_storage(storage.url).read("a/b.txt") == b"text"
    memory = open_storage("memory:")
    memory.write("a", b"1")
    assert memory.read("a") == b"1"


def test_a_saved_storage_opens_by_its_address(memory_vault: Vault, tmp_path: Path) -> None:
    """A block that is a storage is one by its address, also by an old version."""
    LocalStorage(root=tmp_path / "one").save("reports")
    LocalStorage(root=tmp_path / "two").save("reports", overwrite=True)
    open_storage("local-storage/reports").write("a", b"2")
    open_storage("local-storage/reports@1").write("a", b"1")
    assert (tmp_path / "one" / "a").read_bytes() == b"1"
    assert (tmp_path / "two" / "a").read_bytes() == b"2"


def test_a_saved_notifier_opens_by_its_address(memory_vault: Vault) -> None:
    """A block that is a notifier is one by its address."""
    hook = Webhook(url=Secret("https://example.com/hooks/4f7d2c9b"))
    hook.save("ops")
    assert open_notifier("webhook/ops") == hook
    assert open_notifier("console:") is not None


def test_a_block_that_is_something_else_is_named(memory_vault: Vault) -> None:
    """A saved block that is no storage, or no notifier, is a typed error with a fix."""
    Settings(value=1).save("limits")
    with pytest.raises(UnknownName, match=r"settings/limits is a Settings, which is no storage"):
        open_storage("settings/limits")
    with pytest.raises(UnknownName, match="which is no notifier"):
        open_notifier("settings/limits")


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("nosuch://bucket/x", UnknownName),
        ("postgresql://db/x", UnknownName),
        ("", InvalidName),
        ("reports", InvalidName),
        ("/etc/passwd", InvalidName),
        ("local-storage/none", BlockNotFound),
        ("memory:?block=settings/none", BlockNotFound),
        ("memory:?block=none", InvalidName),
        ("memory:?block=", InvalidName),
    ],
)
def test_what_leads_nowhere_is_a_typed_error(
    url: str, error: type[BrickworkError], memory_vault: Vault
) -> None:
    """An unknown scheme, a missing package, no address, no such block: each with a fix."""
    with pytest.raises(error) as caught:
        open_storage(url)
    assert caught.value.fix
    with pytest.raises(BrickworkError):
        open_notifier(url)


def test_the_block_in_a_url_is_handed_over(
    memory_vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``?block=`` is loaded and taken out; the rest of the query stays as it is."""
    from brickwork.builtin.memory_storage import MemoryStorage

    seen: list[tuple[str, object]] = []
    kept = MemoryStorage.from_url

    def watch(url: str, block: object = None) -> MemoryStorage:
        seen.append((url, block))
        return kept("memory:")

    monkeypatch.setattr(MemoryStorage, "from_url", watch)
    Settings(value=7).save("limits")
    open_storage("memory://x/y?a=1&block=settings/limits&b=%20%2B&b=")
    open_storage("memory://x/y?blocked=1&myblock=2")
    assert seen == [
        ("memory://x/y?a=1&b=+%2B&b=", Settings(value=7)),
        ("memory://x/y?blocked=1&myblock=2", None),
    ]


def test_a_chain_takes_its_keys_from_the_vault(
    memory_vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is encrypted with a vault's key is read with it, and not without."""
    Settings(value=1).save("any")
    chain = open_serializer("json|gzip|aes256gcm")
    data = chain.dumps({"a": [1, 2.5, None]})
    assert b'"a"' not in data
    assert open_serializer("json|gzip|aes256gcm").loads(data) == {"a": [1, 2.5, None]}
    memory_vault.keys.close()
    monkeypatch.delenv("BRICKWORK_KEY")
    with pytest.raises(KeyUnavailable):
        chain.loads(data)


def test_a_chain_without_encryption_needs_no_vault() -> None:
    """No vault is opened, and none made, for a chain that needs no key."""
    chain = open_serializer("json|zstd")
    assert chain.loads(chain.dumps([1])) == [1]
    with pytest.raises(UnsupportedFormat):
        chain.loads(b"nonsense")


def test_pickle_is_opt_in(memory_vault: Vault) -> None:
    """Without allow_pickle nothing is pickled, and no pickle is read."""
    Settings(value=1).save("any")
    allowed = open_serializer("pickle", allow_pickle=True)
    data = allowed.dumps({1, 2})
    assert allowed.loads(data) == {1, 2}
    with pytest.raises(PickleRefused):
        open_serializer("pickle").dumps(1)
    with pytest.raises(PickleRefused):
        open_serializer("pickle").loads(data)


def test_an_unknown_serializer_is_named() -> None:
    """A name that nobody offers is a typed error."""
    with pytest.raises(UnknownName, match="nosuch"):
        open_serializer("json|nosuch")
