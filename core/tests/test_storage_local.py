"""A folder as a block."""

from pathlib import Path

import pytest

from brickwork import InvalidBlock, Storage
from brickwork.builtin.local_storage import LocalStorage
from brickwork.testing import StorageContract


class TestLocalStorageContract(StorageContract):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Storage:
        return LocalStorage(root=tmp_path / "root")

    @property
    def opens_by_url(self) -> bool:
        return False  # its URL opens a FileStorage; a block comes from the vault

    def source_for_new_process(self, storage: Storage) -> str:
        assert isinstance(storage, LocalStorage)
        return (
            "from brickwork.builtin.local_storage import LocalStorage\n"
            f"storage = LocalStorage(root={str(storage.root)!r})"
        )


def test_the_home_folder_is_that_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path with ~ is kept as it is and replaced when used, so it fits every machine."""
    monkeypatch.setenv("HOME", str(tmp_path))
    block = LocalStorage(root=Path("~/data"))
    block.write("a", b"1")
    assert block.model_dump() == {"root": Path("~/data"), "durable": False}
    assert (tmp_path / "data" / "a").read_bytes() == b"1"
    assert block.url == (tmp_path / "data").as_uri()


@pytest.mark.parametrize("root", ["data", "./data", "../data", ".", "~other/data"])
def test_relative_roots_are_refused(root: str) -> None:
    """A relative path would mean another folder wherever the block is loaded."""
    with pytest.raises(InvalidBlock, match="must be absolute"):
        LocalStorage(root=Path(root))


def test_check_looks_at_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check tells a good folder, one that will be made, a file in its place, and no right."""

    def found(root: Path) -> str:
        [finding] = LocalStorage(root=root).check().findings
        assert finding.detail
        return finding.status

    (tmp_path / "file").write_bytes(b"")
    assert found(tmp_path) == "ok"
    assert found(tmp_path / "to" / "come") == "warning"
    assert not (tmp_path / "to").exists()
    assert found(tmp_path / "file") == "failed"
    assert found(tmp_path / "file" / "below") == "failed"
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write everywhere
    assert found(tmp_path) == "failed"
