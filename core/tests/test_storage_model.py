"""Any sequence of calls: both storages do what a dictionary does."""

import tempfile
from pathlib import Path

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from brickwork import KeyExists, KeyNotFound, Storage, StorageError
from brickwork.builtin.file_storage import FileStorage
from brickwork.builtin.memory_storage import MemoryStorage

KEYS = st.sampled_from(["a", "b", "a/x", "a/y", "a.", "a0", "b/x/y", "b/x/z", "c/d"])
DATA = st.binary(max_size=20)


class Model(RuleBasedStateMachine):
    """Writes, reads, deletes, copies and lists, beside a dictionary that does the same."""

    storage: Storage

    def __init__(self) -> None:
        super().__init__()
        self.expected: dict[str, bytes] = {}

    def taken(self, key: str) -> bool:
        """Tell whether the file system cannot hold the key, for a folder or a file in its place."""
        return isinstance(self.storage, FileStorage) and any(
            other.startswith(f"{key}/") or key.startswith(f"{other}/") for other in self.expected
        )

    @rule(key=KEYS, data=DATA, if_absent=st.booleans(), as_stream=st.booleans())
    def write(self, key: str, data: bytes, if_absent: bool, as_stream: bool) -> None:
        """A write succeeds unless the key is taken, and then says so."""
        try:
            if as_stream:
                with self.storage.open_write(key, if_absent=if_absent) as file:
                    file.write(data)
            else:
                self.storage.write(key, data, if_absent=if_absent)
        except KeyExists:
            assert if_absent
            assert key in self.expected or self.taken(key)
        except StorageError:
            assert self.taken(key)
        else:
            assert not (if_absent and key in self.expected)
            assert not self.taken(key)
            self.expected[key] = data

    @rule(key=KEYS)
    def read(self, key: str) -> None:
        """A read gives what was written last."""
        try:
            assert self.storage.read(key) == self.expected[key]
        except KeyNotFound:
            assert key not in self.expected

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        """A delete takes the object, if there is one, and no other."""
        self.storage.delete(key)
        self.expected.pop(key, None)

    @rule(key=KEYS, new_key=KEYS)
    def move(self, key: str, new_key: str) -> None:
        """A move leaves the object under its new key only."""
        try:
            self.storage.move_to(key, self.storage, new_key)
        except KeyNotFound:
            assert key not in self.expected
        except StorageError:
            assert self.taken(new_key)
        else:
            self.expected[new_key] = self.expected.pop(key)

    @rule(prefix=st.sampled_from(["", "a", "a/", "a.", "b/", "b/x", "b/x/", "c/d", "z", "z/"]))
    def list_prefix(self, prefix: str) -> None:
        """A listing gives the sorted keys with the prefix."""
        expected = sorted(key for key in self.expected if key.startswith(prefix))
        assert list(self.storage.keys(prefix)) == expected

    @invariant()
    def same_objects(self) -> None:
        """All keys, sizes and existence agree."""
        assert list(self.storage.keys()) == sorted(self.expected)
        for key, data in self.expected.items():
            assert self.storage.stat(key).size == len(data)


class FileModel(Model):
    """The storage of files, whose folder holds nothing but its objects."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.storage = FileStorage(Path(self.folder.name, "root"))

    def teardown(self) -> None:
        """Look for leftovers, then remove the folder."""
        root = Path(self.folder.name, "root")
        found = [str(path.relative_to(root)) for path in root.rglob("*")]
        folders = {str(parent) for key in self.expected for parent in Path(key).parents} - {"."}
        assert set(found) == set(self.expected) | folders
        self.folder.cleanup()


class MemoryModel(Model):
    """The storage in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.storage = MemoryStorage()


FileModel.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
MemoryModel.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestFileModel = FileModel.TestCase
TestMemoryModel = MemoryModel.TestCase
