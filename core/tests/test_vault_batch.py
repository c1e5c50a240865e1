"""``save_all``: many blocks in one transaction, all or none."""

from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import Field

from brickwork import (
    BasicAuth,
    Block,
    BlockError,
    BlockExists,
    InvalidName,
    Notes,
    Saving,
    SecretBlock,
    Vault,
)


class Service(Block):
    """Something that logs in."""

    slug: ClassVar[str] = "batchtest-service"
    login: BasicAuth = Field(description="Who logs in.")


def test_a_later_one_may_refer_to_an_earlier_one(memory_vault: Vault) -> None:
    """Each has its address when the next one is saved."""
    login = BasicAuth(username="app", password="password-one")
    service = Service(login=login)
    notes = Notes("for the night")
    saved = memory_vault.save_all([Saving(login, "app", notes=notes), Saving(service, "main")])

    assert [str(d.address) for d in saved] == ["basic-auth/app@1", "batchtest-service/main@1"]
    assert [str(address) for address in saved[1].uses] == ["basic-auth/app"]
    assert saved[0].notes.description == "for the night"
    assert memory_vault.load("batchtest-service/main") == service


def test_when_one_cannot_be_saved_none_is(memory_vault: Vault) -> None:
    """Neither documents nor addresses on the blocks are left of it."""
    memory_vault.save(SecretBlock(value="already here"), "taken")
    first, second = SecretBlock(value="one of two"), SecretBlock(value="two of two")
    with pytest.raises(BlockExists, match="secret/taken"):
        memory_vault.save_all([Saving(first, "new"), Saving(second, "taken")])

    assert [str(d.address) for d in memory_vault.documents()] == ["secret/taken@1"]
    assert first.address is None
    assert [entry.action for entry in memory_vault.audit.entries()] == ["save"]
    [one, two] = memory_vault.save_all(
        [Saving(first, "new"), Saving(second, "taken", overwrite=True)], action="import"
    )
    assert (one.version, two.version) == (1, 2)


def test_the_same_again_adds_nothing(memory_vault: Vault) -> None:
    """As with save."""
    savings = [Saving(SecretBlock(value="one of two"), "a")]
    memory_vault.save_all(savings)
    memory_vault.save_all([Saving(SecretBlock(value="one of two"), "a")])
    assert len(memory_vault.history("secret/a")) == 1


@pytest.mark.parametrize("error", [InvalidName, BlockError])
def test_what_is_wrong_makes_no_vault(isolated_home: Path, error: type[Exception]) -> None:
    """A name that is none, or a block without a slug."""

    class Nameless(Block):
        """Without a slug."""

    block: Block = SecretBlock(value="good enough") if error is InvalidName else Nameless()
    with Vault.open() as vault, pytest.raises(error):
        vault.save_all([Saving(block, "not a name" if error is InvalidName else "name")])
    assert list(isolated_home.iterdir()) == []
