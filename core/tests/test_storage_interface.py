"""The class that storages are made from."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from brickwork import KeyNotFound, ObjectInfo, Storage, StorageError
from brickwork.builtin.memory_storage import MemoryStorage
from brickwork.testing import StorageContract


class Shelf(BaseModel, Storage):
    """A frozen model that is a storage too, with the smallest set of methods."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Where.")

    @property
    def url(self) -> str:
        return f"memory:{self.name}"

    @property
    def _memory(self) -> MemoryStorage:
        return MemoryStorage(self.name)

    def open_read(self, key: str) -> BinaryIO:
        return BytesIO(self._memory.read(key))

    @contextmanager
    def open_write(self, key: str, *, if_absent: bool = False) -> Iterator[BinaryIO]:
        with self._memory.open_write(key, if_absent=if_absent) as file:
            yield file

    def delete(self, key: str) -> None:
        self._memory.delete(key)

    def stat(self, key: str) -> ObjectInfo:
        return self._memory.stat(key)

    def keys(self, prefix: str = "") -> Iterator[str]:
        return self._memory.keys(prefix)


class TestModelContract(StorageContract):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Storage:
        return Shelf(name=tmp_path.name)

    @property
    def supports_streams_constant_memory(self) -> bool:
        return False

    @property
    def opens_by_url(self) -> bool:
        return False


def test_a_model_can_be_a_storage() -> None:
    """Mixed into a frozen model, Storage adds no field, no state and no name that pydantic has."""
    shelf = Shelf(name="one")
    assert shelf.model_dump() == {"name": "one"}
    assert shelf == Shelf(name="one")
    assert hash(shelf) == hash(Shelf(name="one"))
    with pytest.raises(ValidationError):
        shelf.name = "two"  # type: ignore[misc]  # what frozen forbids
    taken = {name for name in vars(Storage) if not name.startswith("__")} & set(dir(BaseModel))
    assert taken - {"_abc_impl"} == set()


def test_six_methods_are_enough() -> None:
    """The docstring names what a subclass must write, and it is what is abstract."""
    required = {"open_read", "open_write", "delete", "stat", "keys", "url"}
    assert Storage.__abstractmethods__ == required
    assert all(f"`{name}`" in (Storage.__doc__ or "") for name in required)


def test_a_storage_without_from_url_says_so() -> None:
    """Opening a class by URL that has no scheme is a typed error which names it."""
    with pytest.raises(StorageError, match="Shelf cannot be opened by a URL"):
        Shelf.from_url("shelf:x")


def test_importing_storages_imports_nothing_heavy() -> None:
    """The interface and the file storage need none of the modules that are slow to import."""
    code = (
        "import sys, brickwork.builtin.file_storage, brickwork.builtin.memory_storage;"
        "print(*sorted(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(result.stdout.split())
    assert "brickwork.storage.interface" in loaded
    heavy = {"pydantic", "tempfile", "shutil", "concurrent.futures", "asyncio", "urllib.request"}
    assert loaded & (heavy | {"inspect", "dataclasses", "brickwork.storage.transfer"}) == set()


def test_memory_storages_share_by_name() -> None:
    """One name is one storage in the process; without a name each is its own, gone with it."""
    MemoryStorage("shared-1").write("a", b"1")
    assert MemoryStorage.from_url("memory:shared-1").read("a") == b"1"
    assert MemoryStorage.from_url("memory://shared-1").read("a") == b"1"
    private = MemoryStorage()
    private.write("a", b"1")
    assert list(MemoryStorage().keys()) == []
    assert MemoryStorage.from_url(private.url) == private
    url = private.url
    del private
    with pytest.raises(KeyNotFound):
        MemoryStorage.from_url(url).read("a")


@pytest.mark.parametrize("url", ["memory:a/b", "memory:a?x=1", "memory:é", "file:x", "memory:///"])
def test_memory_urls_hold_a_name_only(url: str) -> None:
    """What is more than a name is refused."""
    with pytest.raises(StorageError):
        MemoryStorage.from_url(url)


def test_memory_storage_refuses_to_travel() -> None:
    """Pickled, it would be empty where it arrives, so it is refused with the way out."""
    import pickle

    with pytest.raises(StorageError, match="another process would find it empty"):
        pickle.dumps(MemoryStorage())
