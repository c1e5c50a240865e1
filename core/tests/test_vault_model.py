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
    BlockError,
    BlockExists,
    BlockInUse,
    BlockNotFound,
    Notes,
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

    def __init__(
        self, label: str, child: str | None, note: str = "", pin: int | None = None
    ) -> None:
        self.label = label
        self.child = child
        self.note = note
        self.pin = pin

    def same(self, other: "Saved") -> bool:
        """Whether saving the other over this one changes nothing; notes stay with a save."""
        return (self.label, self.child, self.pin) == (other.label, other.child, other.pin)


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
        self.pruned: dict[str, set[int]] = {}

    def teardown(self) -> None:
        self.vault.close()
        shutil.rmtree(self.folder)

    def address(self, name: str) -> Address:
        """Return the address of a name."""
        return Address(Node.slug, name)

    def node(self, label: str, child: str | None, pin: int | None = None) -> Node:
        """Make a fresh block; with a pin, its child stays of that version."""
        there = None if child is None else self.address(child)._replace(version=pin)
        loaded = None if there is None else self.vault.load(there)
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

    @rule(
        name=NAMES,
        label=LABELS,
        child=st.none() | NAMES,
        pinned=st.booleans(),
        overwrite=st.booleans(),
        keep=st.none() | st.integers(1, 2),
    )
    def save(
        self,
        name: str,
        label: str,
        child: str | None,
        pinned: bool,
        overwrite: bool,
        keep: int | None,
    ) -> None:
        """Save a fresh block."""
        if child is not None and (child not in self.model or self.leads_to(child, name)):
            child = None
        pin = len(self.model[child]) if child is not None and pinned else None
        versions = self.model.get(name, [])
        new = Saved(label, child, versions[-1].note if versions else "", pin)
        block = self.node(label, child, pin)
        if versions and not versions[-1].same(new) and not overwrite:
            with pytest.raises(BlockExists):
                self.vault.save(block, name, keep=keep)
            return
        document = self.vault.save(block, name, overwrite=overwrite, keep=keep)
        if not versions or not versions[-1].same(new):
            self.model.setdefault(name, []).append(new)
            if keep is not None:
                self.forget([name], keep)
        assert document.version == len(self.model[name])
        assert block.address == document.address

    def there(self, name: str) -> list[int]:
        """Return the versions of a name that were not pruned."""
        gone = self.pruned.get(name, set())
        return [v for v in range(1, len(self.model[name]) + 1) if v not in gone]

    def forget(self, names: list[str], keep: int) -> list[str]:
        """Prune in the model: sweep what no version that stays refers to by its number."""
        doomed = {(name, v) for name in names for v in self.there(name)[:-keep]}
        while True:
            kept = {(name, v) for name in self.model for v in self.there(name)} - doomed
            pinned = {(self.model[n][v - 1].child, self.model[n][v - 1].pin) for n, v in kept}
            spared = {each for each in doomed if each in pinned}
            if not spared:
                break
            doomed -= spared
        for name, version in doomed:
            self.pruned.setdefault(name, set()).add(version)
        return sorted(f"{Node.slug}/{name}@{version}" for name, version in doomed)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), keep=st.integers(1, 3), everything=st.booleans())
    def prune(self, data: Any, keep: int, everything: bool) -> None:
        """Remove old versions of one, or of all."""
        name = data.draw(st.sampled_from(sorted(self.model)))
        if everything:
            gone = self.vault.prune(keep=keep)
            wanted = self.forget(sorted(self.model), keep)
        else:
            gone = self.vault.prune(self.address(name), keep=keep)
            wanted = self.forget([name], keep)
        assert sorted(map(str, gone)) == wanted

    @precondition(lambda self: self.model)
    @rule(data=st.data(), note=st.sampled_from(["", "one", "two"]))
    def annotate(self, data: Any, note: str) -> None:
        """Say something else about one."""
        name = data.draw(st.sampled_from(sorted(self.model)))
        versions = self.model[name]
        newest = versions[-1]
        document = self.vault.annotate(self.address(name), Notes(note))
        if newest.note != note:
            versions.append(Saved(newest.label, newest.child, note, newest.pin))
        assert (document.version, document.notes) == (len(versions), Notes(note))

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def rollback(self, data: Any) -> None:
        """Make an old version the newest again."""
        name = data.draw(st.sampled_from(sorted(self.model)))
        versions = self.model[name]
        number = data.draw(st.integers(1, len(versions)))
        old, newest = versions[number - 1], versions[-1]
        if number not in self.there(name):
            with pytest.raises(BlockNotFound):
                self.vault.rollback(self.address(name), number)
            return
        circle = old.child not in (None, "gone") and self.leads_to(str(old.child), name)
        if number != len(versions) and (self._broken(old) or circle):
            same = newest.same(old) and newest.note == old.note
            with pytest.raises((BlockNotFound, BlockError)):
                self.vault.rollback(self.address(name), number)
            assert self._broken(old) or not same
            return
        document = self.vault.rollback(self.address(name), number)
        if not newest.same(old) or newest.note != old.note:
            versions.append(Saved(old.label, old.child, old.note, old.pin))
        assert (document.version, document.notes) == (len(versions), Notes(old.note))

    @precondition(lambda self: self.model)
    @rule(data=st.data(), label=LABELS)
    def change(self, data: Any, label: str) -> None:
        """Save a changed copy of what was loaded, by any version."""
        name = data.draw(st.sampled_from(sorted(self.model)))
        versions = self.model[name]
        number = data.draw(st.sampled_from(self.there(name)))
        if self._broken(versions[number - 1]):
            return
        loaded = self.vault.load(self.address(name)._replace(version=number), expect=Node)
        based, newest = versions[number - 1], versions[-1]
        new = Saved(label, based.child, newest.note, based.pin)
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
        if old in self.pruned:
            self.pruned[new] = self.pruned.pop(old)
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
            self.pruned.pop(name, None)
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

    @invariant()
    def has_the_versions_that_there_are(self) -> None:
        """The history has each version that was not pruned, with its notes."""
        for name, versions in self.model.items():
            history = self.vault.history(self.address(name))
            assert [document.version for document in history] == self.there(name)
            notes = [document.notes.description for document in history]
            assert notes == [versions[version - 1].note for version in self.there(name)]

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def load(self, data: Any) -> None:
        """Load any version, whole."""
        name = data.draw(st.sampled_from(sorted(self.model)))
        number = data.draw(st.none() | st.integers(1, len(self.model[name])))
        saved = self.model[name][(number or 0) - 1]
        address = self.address(name)._replace(version=number)
        gone = number is not None and number not in self.there(name)
        if gone or saved.child == "gone" or self._broken(saved):
            with pytest.raises(BlockNotFound):
                self.vault.load(address)
            return
        block = self.vault.load(address, expect=Node)
        assert (block.label, block.secret.reveal()) == (saved.label, f"secret of {saved.label}")
        child = None if block.child is None else block.child.address
        assert (child and child.name) == saved.child
        if saved.pin is not None:
            assert child is not None
            assert child.version == saved.pin
        users = [user.name for user in self.vault.used_by(self.address(name))]
        assert users == self.users(name)

    def _broken(self, saved: Saved) -> bool:
        while saved.child is not None and saved.child != "gone":
            if saved.pin is not None and saved.pin not in self.there(saved.child):
                return True  # referred to by a version that nobody kept for this one
            saved = self.model[saved.child][(saved.pin or 0) - 1]
        return saved.child == "gone"


TestVaultModel = VaultModel.TestCase
TestVaultModel.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
