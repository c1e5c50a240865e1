"""Both storages of the core keep the contract, and the contract notices storages that do not."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import islice
from pathlib import Path
from threading import Event
from typing import BinaryIO

import pytest

from brickwork import KeyExists, KeyNotFound, Storage
from brickwork.builtin.file_storage import FileStorage
from brickwork.builtin.memory_storage import MemoryStorage
from brickwork.testing import StorageContract


class TestFileStorageContract(StorageContract):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Storage:
        return FileStorage(tmp_path / "root")

    def source_for_new_process(self, storage: Storage) -> str:
        return (
            "from brickwork.builtin.file_storage import FileStorage\n"
            f"storage = FileStorage.from_url({storage.url!r})"
        )


class TestDurableFileStorageContract(StorageContract):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Storage:
        return FileStorage(tmp_path / "a folder#with %41 é?", durable=True)

    @property
    def listing_page_size(self) -> int:
        return 40  # each write is synced


class TestMemoryStorageContract(StorageContract):
    @pytest.fixture
    def storage(self) -> Storage:
        return MemoryStorage()

    @property
    def supports_streams_constant_memory(self) -> bool:
        return False


class LosesWrites(FileStorage):
    """Says that it wrote, and one time in seven did not."""

    __slots__ = ("_count",)

    def write(
        self, key: str, data: bytes | bytearray | memoryview, *, if_absent: bool = False
    ) -> None:
        self._count = getattr(self, "_count", 0) + 1
        if self._count % 7:
            super().write(key, data, if_absent=if_absent)


class Leaky(FileStorage):
    """Joins the key to its folder without a look at it."""

    def delete(self, key: str) -> None:
        Path(self.root, key).unlink(missing_ok=True)


class InPlace(FileStorage):
    """Writes over the old value where it stands."""

    @contextmanager
    def open_write(self, key: str, *, if_absent: bool = False) -> Iterator[BinaryIO]:
        path = Path(self.root, self._check(key))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            yield file


class ChecksThenWrites(FileStorage):
    """Looks whether the key is free, and then writes, as if nobody else did."""

    def write(
        self, key: str, data: bytes | bytearray | memoryview, *, if_absent: bool = False
    ) -> None:
        if if_absent and self.exists(key):
            raise KeyExists(key)
        Event().wait(0.02)  # what others do meanwhile; nobody sets it
        super().write(key, data)


class CachesListings(FileStorage):
    """Keeps its first listing."""

    __slots__ = ("_cache",)

    def keys(self, prefix: str = "") -> Iterator[str]:
        if not hasattr(self, "_cache"):
            self._cache = list(super().keys())
        return iter([key for key in self._cache if key.startswith(prefix)])


class OnePage(FileStorage):
    """Never asks for the second page."""

    def keys(self, prefix: str = "") -> Iterator[str]:
        return islice(super().keys(prefix), 1000)


class ReadsAtOnce(FileStorage):
    """Calls a whole object in memory a stream."""

    def open_read(self, key: str) -> BinaryIO:
        with super().open_read(key) as file:
            return BytesIO(file.read())


class MovesByCopyAndDelete(FileStorage):
    """Deletes what it has just moved onto itself."""

    def move_to(self, key: str, target: Storage, target_key: str | None = None) -> None:
        self.copy_to(key, target, target_key)
        self.delete(key)


def run(assertion: str, storage: Storage, folder: Path) -> None:
    """Run one assertion of the contract by hand."""
    test = getattr(StorageContract(), assertion)
    wants_folder = "tmp_path" in inspect.signature(test).parameters
    test(storage=storage, **({"tmp_path": folder} if wants_folder else {}))


@pytest.mark.parametrize(
    ("broken", "assertion"),
    [
        (LosesWrites, "test_listing_goes_beyond_one_page"),
        (Leaky, "test_bad_keys_are_refused"),
        (InPlace, "test_abandoned_write_leaves_the_old_value"),
        (InPlace, "test_streams_read_and_write_in_parts"),
        (InPlace, "test_write_if_absent_refuses_to_overwrite"),
        (InPlace, "test_readers_never_see_a_part"),
        (ChecksThenWrites, "test_one_of_many_exclusive_writers_wins"),
        (CachesListings, "test_listing_is_fresh"),
        (OnePage, "test_listing_goes_beyond_one_page"),
        (ReadsAtOnce, "test_streams_need_constant_memory"),
        (MovesByCopyAndDelete, "test_copy_and_move"),
    ],
)
def test_contract_catches_a_broken_storage(
    broken: type[FileStorage], assertion: str, tmp_path: Path
) -> None:
    """Each broken storage fails the assertion that is meant for it, which a sound one passes."""
    for name in ("sound", "broken", "files"):
        (tmp_path / name).mkdir()
    run(assertion, FileStorage(tmp_path / "sound"), tmp_path / "files")
    with pytest.raises((AssertionError, KeyNotFound)):
        run(assertion, broken(tmp_path / "broken"), tmp_path / "files")
