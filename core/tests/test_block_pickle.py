"""Blocks cross processes by their address; their async twins are coroutines."""

import asyncio
import inspect
import pickle
import subprocess
import sys
from typing import ClassVar

import pytest
from pydantic import Field

from brickwork import (
    Block,
    BlockNotFound,
    CheckReport,
    Document,
    Secret,
    SecretExposed,
    Vault,
    use_vault,
)
from brickwork.block import place_of
from brickwork.builtin.blocks import BasicAuth, SecretBlock, Settings
from brickwork.testing.leaks import leaks

SENTINEL = "pickle-s3nt1nel-9931"


class Parent(Block):
    """Holds blocks."""

    slug: ClassVar[str] = "pickletest-parent"
    logins: list[BasicAuth] = Field(default_factory=list)
    limits: Settings = Settings(value=1)


def login() -> BasicAuth:
    """Return one."""
    return BasicAuth(username="me", password=Secret(SENTINEL))


def test_a_saved_block_pickles_as_its_address(memory_vault: Vault) -> None:
    """The pickle has address and version, no field; and it loads equal."""
    block = login()
    block.save("prod")
    data = pickle.dumps(block)
    assert b"basic-auth/prod@1" in data
    assert not leaks(SENTINEL, data)
    back = pickle.loads(data)
    assert back == block
    assert back.address == block.address


def test_a_pickle_means_the_version_that_was_pickled(memory_vault: Vault) -> None:
    """A newer version does not change what a pickle stands for; nor does a pickle pin a version."""
    old = Settings(value=1)
    old.save("limits")
    data = pickle.dumps(old)
    Settings(value=2).save("limits", overwrite=True)
    back = pickle.loads(data)
    assert back.value == 1
    Parent(limits=back).save("parent")
    assert Parent.load("parent").limits.value == 2, "referred to by name, not by version"
    pinned = pickle.loads(pickle.dumps(Settings.load("limits", version=1)))
    place = place_of(pinned)
    assert place is not None
    assert place.pinned


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_unsaved_block_with_a_secret_refuses(protocol: int) -> None:
    """Without an address a secret would stand in the pickle, at whatever depth."""
    for block in (login(), Parent(logins=[login()])):
        with pytest.raises(SecretExposed) as caught:
            pickle.dumps(block, protocol)
        assert not leaks(SENTINEL, f"{caught.value!r} {caught.value}")


def test_a_changed_copy_refuses_as_well(memory_vault: Vault) -> None:
    """A changed copy of a saved block is not what is saved there."""
    login().save("prod")
    changed = BasicAuth.load("prod").model_copy(update={"username": "you"})
    with pytest.raises(SecretExposed):
        pickle.dumps(changed)


def test_an_unsaved_block_without_secrets_pickles_whole() -> None:
    """What is public may be pickled as it is."""
    block = Settings(value={"a": [1]})
    assert pickle.loads(pickle.dumps(block)) == block


def test_blocks_inside_pickle_by_their_own_address(memory_vault: Vault) -> None:
    """A parent that is not saved, with children that are, has no secret to show."""
    child = login()
    child.save("prod")
    parent = Parent(logins=[child])
    data = pickle.dumps(parent)
    assert not leaks(SENTINEL, data)
    assert pickle.loads(data) == parent


def test_another_process_loads_it_from_its_own_vault(memory_vault: Vault) -> None:
    """A worker gets the block with its secret, though the pickle carries none."""
    block = login()
    block.save("prod")
    program = (
        "import pickle, sys; b = pickle.loads(sys.stdin.buffer.read()); "
        "print(b.password.reveal()[::-1], b.address)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps(block), capture_output=True, check=True
    )
    assert done.stdout.decode().split() == [SENTINEL[::-1], "basic-auth/prod@1"]


def test_a_vault_without_it_says_so(memory_vault: Vault) -> None:
    """A pickle whose block is gone is a typed error."""
    block = login()
    block.save("prod")
    data = pickle.dumps(block)
    memory_vault.delete("basic-auth/prod")
    with pytest.raises(BlockNotFound):
        pickle.loads(data)


def test_the_async_twins_are_coroutines(memory_vault: Vault) -> None:
    """asave, aload and acheck always return coroutines, and do what their twins do."""
    for name in ("asave", "aload", "acheck"):
        assert inspect.iscoroutinefunction(getattr(SecretBlock, name))

    async def main() -> tuple[Document, SecretBlock, Block, CheckReport]:
        block = SecretBlock(value=Secret(SENTINEL))
        document = await block.asave("a")
        again = await block.asave("a", overwrite=True)
        assert again == document
        loaded = await SecretBlock.aload("a", version=1)
        return document, loaded, await Block.aload("secret/a"), await block.acheck()

    document, loaded, by_address, report = asyncio.run(main())
    assert document.version == 1
    assert loaded.reveal() == SENTINEL
    assert by_address == loaded
    assert report.ok


def test_use_vault_reaches_the_worker_thread(
    memory_vault: Vault, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each async task saves in the vault that it is in, at the same time."""
    vaults = [Vault.open(str(tmp_path_factory.mktemp("v") / "vault.db")) for _ in range(3)]

    async def work(number: int) -> object:
        with use_vault(vaults[number]):
            await Settings(value=number).asave("here")
            await asyncio.sleep(0)
            return (await Settings.aload("here")).value

    async def main() -> list[object]:
        return await asyncio.gather(*map(work, range(3)))

    assert asyncio.run(main()) == [0, 1, 2]
    assert not memory_vault.documents()
    for vault in vaults:
        vault.close()
