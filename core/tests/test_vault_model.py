"""The vault against a plain dict, by random sequences of calls."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from brickwork import (
    Address,
    Block,
    BlockExists,
    BlockInUse,
    BlockNotFound,
    Secret,
    Vault,
    VersionConflict,
)

NAMES = st.sampled_from(["a", "b", "c", "A"])
LABELS = st.sampled_from(["x", "y", "z"])


class Node(Block):
    """A block with a secret, and at most one child."""

    slug: ClassVar[str] = "modeltest-node"
    label: str
    secret: Secret[str]
    child: Block | None = None


class Saved:
    """What the model knows of one version."""

    def __init__(self, label: str, child: str | None) -> None:
        self.label = label
        self.child = child

    def same(self, other: "Saved") -> bool:
        """Whether saving the other over this one changes nothing."""
        return (self.label, self.child) == (other.label, other.child)


class VaultModel(RuleBasedStateMachine):
    """Name to versions; each version is a label and the name of a child."""

    def __init__(self) -> None:
        super().__init__()
        fast = "/dev/shm"
        self.folder = Path(tempfile.mkdtemp(dir=fast if os.access(fast, os.W_OK) else None))
        (self.folder / "key").write_text("dGhyb3ctYXdheSBrZXkgZm9yIHRlc3RzIG9ubHkhISE=")
        (self.folder / "key").chmod(0o600)
        self.folder.chmod(0o700)
        self.vault = Vault.open(str(self.folder / "v.db"), keys=f"file:{self.folder / 'key'}")
        self.model: dict[str, list[Saved]] = {}

    def teardown(self) -> None:
        self.vault.close()
        shutil.rmtree(self.folder)

    def address(self, name: str) -> Address:
        """Return the address of a name."""
        return Address(Node.slug, name)

    def node(self, label: str, child: str | None) -> Node:
        """Make a fresh block."""
        loaded = None if child is None else self.vault.load(self.address(child))
        return Node(label=label, secret=Secret(f"secret of {label}"), child=loaded)

    def leads_to(self, start: str, goal: str) -> bool:
        """Whether newest versions lead from one name to another."""
        child: str | None = start
        while child is not None:
            if child == goal:
                return True
            child = self.model[child][-1].child
        return False

    def users(self, name: str) -> list[str]:
        """Return who refers to a name now."""
        return sorted(user for user, saved in self.model.items() if saved[-1].child == name)

    @rule(name=NAMES, label=LABELS, child=st.none() | NAMES, overwrite=st.booleans())
    def save(self, name: str, label: str, child: str | None, overwrite: bool) -> None:
        """Save a fresh block."""
        if child is not None and (child not in self.model or self.leads_to(child, name)):
            child = None
        new = Saved(label, child)
        versions = self.model.get(name, [])
        block = self.node(label, child)
        if versions and not versions[-1].same(new) and not overwrite:
            with pytest.raises(BlockExists):
                self.vault.save(block, name)
            return
        document = self.vault.save(block, name, overwrite=overwrite)
        if not versions or not versions[-1].same(new):
            self.model.setdefault(name, []).append(new)
        assert document.version == len(self.model[name])
        assert block.address == document.address

    @precondition(lambda self: self.model)
    @rule(data=st.data(), label=LABELS)
    def change(self, data: Any, label: str) -> None:
        """Save a changed copy of what was loaded, by any version."""
        name = data.draw(st.sampled_from(sorted(self.model)))
        versions = self.model[name]
        number = data.draw(st.integers(1, len(versions)))
        loaded = self.vault.load(self.address(name)._replace(version=number), expect=Node)
        newest, new = versions[-1], Saved(label, versions[number - 1].child)
        changed = loaded.model_copy(update={"label": label, "secret": Secret(f"secret of {label}")})
        if number != len(versions):  # also where somebody made the same change already
            with pytest.raises(VersionConflict):
                self.vault.save(changed, name, overwrite=True)
        elif newest.same(new):
            assert self.vault.save(changed, name, overwrite=True).version == len(versions)
        else:
            assert self.vault.save(changed, name, overwrite=True).version == len(versions) + 1
            versions.append(new)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), new=NAMES)
    def rename(self, data: Any, new: str) -> None:
        """Rename one."""
        old = data.draw(st.sampled_from(sorted(self.model)))
        if new in self.model and new != old:
            with pytest.raises(BlockExists):
                self.vault.rename(self.address(old), new)
            return
        self.vault.rename(self.address(old), new)
        self.model[new] = self.model.pop(old)
        for versions in self.model.values():
            for saved in versions:
                saved.child = new if saved.child == old else saved.child

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        """Delete one."""
        if name not in self.model:
            with pytest.raises(BlockNotFound):
                self.vault.delete(self.address(name))
        elif self.users(name):
            with pytest.raises(BlockInUse):
                self.vault.delete(self.address(name))
        else:
            self.vault.delete(self.address(name))
            del self.model[name]
            # Old versions may have referred to it: they are not asked for any more.
            for versions in self.model.values():
                for saved in versions:
                    saved.child = "gone" if saved.child == name else saved.child

    @rule()
    def reopen(self) -> None:
        """Close it and open it again."""
        self.vault.close()
        location, provider = self.vault.store.location, f"file:{self.folder / 'key'}"
        self.vault = Vault.open(location, keys=provider)

    @invariant()
    def lists_what_there_is(self) -> None:
        """The listing has each name once, with its newest version."""
        listed = {document.name: document.version for document in self.vault.documents()}
        assert listed == {name: len(versions) for name, versions in self.model.items()}

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def load(self, data: Any) -> None:
        """Load any version, whole."""
        name = data.draw(st.sampled_from(sorted(self.model)))
        number = data.draw(st.none() | st.integers(1, len(self.model[name])))
        saved = self.model[name][(number or 0) - 1]
        address = self.address(name)._replace(version=number)
        if saved.child == "gone" or self._broken(saved):
            with pytest.raises(BlockNotFound):
                self.vault.load(address)
            return
        block = self.vault.load(address, expect=Node)
        assert (block.label, block.secret.reveal()) == (saved.label, f"secret of {saved.label}")
        child = None if block.child is None else block.child.address
        assert (child and child.name) == saved.child
        users = [user.name for user in self.vault.used_by(self.address(name))]
        assert users == self.users(name)

    def _broken(self, saved: Saved) -> bool:
        child = saved.child
        while child is not None and child != "gone":
            child = self.model[child][-1].child
        return child == "gone"


TestVaultModel = VaultModel.TestCase
TestVaultModel.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
