"""What saving and loading must keep of every block."""

import json
import os
import pickle
from base64 import urlsafe_b64encode
from functools import partial
from typing import Any

import pytest

from brickwork import Block, SecretExposed, Vault, WrongKey
from brickwork.registry import get_registry
from brickwork.testing.base import Contract, assert_raises
from brickwork.testing.block_looks import assert_hidden, fields_of, found_in
from brickwork.vault.parts import encode


class SavingContract(Contract):
    """What saving and loading must keep; a part of `BlockContract`, with its fixtures."""

    @pytest.mark.usefixtures("memory_vault")
    def test_it_comes_back_equal(self, block: Block) -> None:
        """What is saved is loaded equal, by its class and by its address."""
        block.save("contract")
        assert type(block).load("contract") == block, "It came back different."
        loaded = Block.load(f"{block.slug}/contract")
        assert type(loaded) is type(block), "It came back as another class."
        assert loaded.address == block.address, "It came back with another address."

    @pytest.mark.usefixtures("memory_vault")
    def test_saving_again_adds_no_version(self, block: Block) -> None:
        """Saving it again, or what was loaded, is no new version."""
        block.save("contract")
        again = type(block)(**fields_of(block)).save("contract")
        assert again.version == 1, "The same value again must be no new version."
        assert type(block).load("contract").save("contract").version == 1, (
            "A loaded block is saved as something else: its fields change at each validation."
        )

    def test_a_document_shows_no_secret(
        self, block: Block, secrets: list[str], memory_vault: Vault
    ) -> None:
        """Listing a vault shows public fields only."""
        block.save("contract")
        document = memory_vault.document(f"{block.slug}/contract")
        record = memory_vault.store.get(block.slug, "contract")
        assert record is not None
        stored = f"{record.public!r} {record.sealed!r}"
        assert_hidden(secrets, {"its document": repr(document.fields), "the database": stored})

    def test_blocks_inside_are_kept_as_references(self, block: Block, memory_vault: Vault) -> None:
        """A block inside that is saved on its own is kept as a reference to it."""
        children = list(found_in(block, Block, inside=True))
        for number, child in enumerate(children):
            child.save(f"child-{number}")
        block.save("contract")
        uses = {use[:2] for use in memory_vault.document(f"{block.slug}/contract").uses}
        assert uses == {child.address[:2] for child in children if child.address}, (
            "A saved block inside is not kept as a reference."
        )
        loaded = type(block).load("contract")
        assert loaded == block, "It came back different with references inside."

    def test_another_key_is_a_typed_error(
        self, block: Block, memory_vault: Vault, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With another key loading raises WrongKey, and listing still works."""
        block.save("contract")
        monkeypatch.setenv("ANOTHER_KEY", urlsafe_b64encode(os.urandom(32)).decode())
        with Vault.open(memory_vault.store.location, keys="env:ANOTHER_KEY") as other:
            load = partial(other.load, f"{block.slug}/contract")
            assert_raises(WrongKey, load, "loading with another key")
            names = [each.name for each in other.documents(block.slug)]
            assert names == ["contract"], "A listing must not need the key."

    @pytest.mark.usefixtures("memory_vault")
    def test_pickling(self, block: Block, secrets: list[str]) -> None:
        """A saved block pickles as its address; one with secrets that is not saved refuses."""
        fresh = type(block)(**fields_of(block))
        if secrets:
            dump = partial(pickle.dumps, fresh)
            assert_raises(SecretExposed, dump, "pickling a block with secrets that is not saved")
        else:
            again = pickle.loads(pickle.dumps(fresh))  # noqa: S301  # our own
            assert again == fresh, "It is another block after pickling."
        block.save("contract")
        pickled = pickle.dumps(block)
        assert_hidden(secrets, {"its pickle": pickled})
        assert pickle.loads(pickled) == block, "It is another block after pickling."  # noqa: S301  # our own

    def test_it_outlives_a_rotation_of_the_keys(self, block: Block, memory_vault: Vault) -> None:
        """Under a new key, and encrypted anew, it is still the same."""
        block.save("contract")
        memory_vault.keys.rotate(new=True)
        memory_vault.keys.reencrypt(new=True)
        assert type(block).load("contract") == block, "It came back different after a rotation."

    def test_secrets_can_be_references(
        self, block: Block, memory_vault: Vault, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Written as ``${env:...}``, secrets are fetched when the block is loaded, and not kept."""
        encoded = encode(block, None, get_registry().block_class)
        public = json.loads(encoded.public)
        fields = _escaped(public["fields"])
        for pointer, mark in public["blocks"].items():
            _put(fields, f"{pointer}/$type", mark["slug"])
        texts = {at: value for at, value in encoded.secrets.items() if isinstance(value, str)}
        if not texts or len(texts) < len(encoded.secrets):
            pytest.skip("declared: it holds no secret, or one that is bytes")
        for number, (pointer, value) in enumerate(texts.items()):
            monkeypatch.setenv(f"CONTRACT_{number}", value)
            _put(fields, pointer, f"${{env:CONTRACT_{number}}}")
        memory_vault.define(f"{block.slug}/contract", fields)
        assert type(block).load("contract") == block, (
            "With references for its secrets it came back different."
        )
        record = memory_vault.store.get(block.slug, "contract")
        assert record is not None
        kept = [value for value in texts.values() if value.encode() in record.public]
        assert not kept, "A value that was only referred to is kept in clear."


def _escaped(value: Any) -> Any:
    """Return fields as they are written, where a text may be a reference."""
    if isinstance(value, dict):
        return {name: _escaped(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_escaped(each) for each in value]
    return value.replace("${", "$${") if isinstance(value, str) else value


def _put(fields: Any, pointer: str, value: str) -> None:
    """Set what a JSON pointer (RFC 6901) leads to."""
    *path, last = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
    for part in path:
        fields = fields[int(part) if isinstance(fields, list) else part]
    fields[int(last) if isinstance(fields, list) else last] = value
