"""What only a storage of files has: links, rights, disks, leftovers, URLs."""

import errno
import os
import pickle
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from brickwork import InvalidKey, KeyExists, KeyNotFound, StorageError
from brickwork.builtin.file_storage import FileStorage
from brickwork.storage import confined
from brickwork.testing.concurrent import in_threads


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The storage's folder, which does not exist yet."""
    return tmp_path / "root"


@pytest.fixture
def storage(root: Path) -> FileStorage:
    """A storage of files."""
    return FileStorage(root)


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def all_files(root: Path) -> list[str]:
    """What is below a folder, without the folders."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


# Links and other things that are no files


@pytest.fixture
def linked(root: Path, tmp_path: Path) -> Path:
    """A folder outside, with links to it and to its file in the root."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"outside")
    root.mkdir()
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "secret")
    (root / "inner").symlink_to(root)
    (root / "dangling").symlink_to(outside / "none")
    return outside


@pytest.mark.parametrize(
    "key", ["folder/secret", "file", "inner/inner/file", "dangling", "inner/x", "folder/new"]
)
def test_links_are_never_followed(storage: FileStorage, linked: Path, key: str) -> None:
    """A key that is, or passes through, a link is refused by every method, also links inside."""
    calls: list[Callable[[], object]] = [
        lambda: storage.read(key),
        lambda: storage.write(key, b"evil"),
        lambda: storage.delete(key),
        lambda: storage.stat(key),
        lambda: storage.exists(key),
    ]
    for call in calls:
        with pytest.raises(InvalidKey, match="symbolic link"):
            call()
    with pytest.raises((InvalidKey, KeyExists)):
        storage.write(key, b"evil", if_absent=True)
    assert all_files(linked) == ["secret"]
    assert (linked / "secret").read_bytes() == b"outside"
    assert names(storage.root) == ["dangling", "file", "folder", "inner"]


def test_links_are_not_listed(storage: FileStorage, linked: Path) -> None:
    """Neither links to files nor what is below links to folders are keys."""
    storage.write("real", b"")
    assert list(storage.keys()) == ["real"]
    assert list(storage.keys("folder/")) == []
    assert list(storage.keys("inner/re")) == []


def test_the_root_may_be_a_link(tmp_path: Path) -> None:
    """The root is the user's choice: it may be reached through links."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    FileStorage(tmp_path / "link" / "sub").write("a", b"1")
    assert (tmp_path / "real" / "sub" / "a").read_bytes() == b"1"


def test_special_files_are_no_objects(storage: FileStorage, root: Path) -> None:
    """A FIFO is not listed, and reading it does not wait for its writer."""
    root.mkdir()
    os.mkfifo(root / "fifo")
    assert list(storage.keys()) == []
    for call in (storage.read, storage.stat):
        with pytest.raises(KeyNotFound):
            call("fifo")


def test_names_that_are_no_keys_are_not_listed(storage: FileStorage, root: Path) -> None:
    """Files that others put there under impossible names do not break a listing."""
    root.mkdir()
    for name in (b"back\\slash", b"new\nline", b"not-utf8-\xff"):
        Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_bytes(b"")
    storage.write("fine", b"")
    assert list(storage.keys()) == ["fine"]


def test_a_file_and_a_folder_cannot_share_a_name(storage: FileStorage) -> None:
    """``a`` and ``a/b`` at once is refused with the reason, and nothing changes."""
    storage.write("file", b"1")
    storage.write("folder/b", b"2")
    with pytest.raises(StorageError, match="Not a directory") as caught:
        storage.write("file/b", b"")
    assert "use another key" in caught.value.fix
    with pytest.raises(StorageError, match="Is a directory"):
        storage.write("folder", b"")
    with pytest.raises(KeyNotFound):
        storage.read("file/b")
    storage.delete("file/b")
    storage.delete("folder")
    assert all_files(storage.root) == ["file", "folder/b"]


def test_deleting_leaves_no_empty_folders(storage: FileStorage, root: Path) -> None:
    """The folders of a deleted object go with it, unless something else is in them."""
    storage.write("a/b/c/one", b"")
    storage.write("a/two", b"")
    storage.delete("a/b/c/one")
    assert names(root / "a") == ["two"]
    storage.delete("a/two")
    assert root.is_dir()
    assert names(root) == []
    storage.write("a", b"now a file")


def test_abandoned_writes_leave_no_empty_folders(storage: FileStorage, root: Path) -> None:
    """The folders made for a write that failed go with it, so their names stay free."""
    for _ in range(2):
        with pytest.raises(RuntimeError), storage.open_write("a/b/c"):
            raise RuntimeError
    assert names(root) == []
    storage.write("a", b"a file")


# Writing


def test_names_too_long_for_a_file_system_are_refused(storage: FileStorage, root: Path) -> None:
    """A part of more than 255 bytes is a typed error, and no folder is made for it."""
    storage.write("n" * 255, b"1")
    assert storage.read("n" * 255) == b"1"
    for key in ("folder/" + "n" * 256, "é" * 128):
        with pytest.raises(InvalidKey, match="more than 255 bytes"):
            storage.write(key, b"")
    assert names(root) == ["n" * 255]


def test_paths_longer_than_the_system_limit_work(tmp_path: Path) -> None:
    """Parts are opened one by one, so a long root and a long key together are fine."""
    storage = FileStorage(tmp_path / "/".join(["r" * 200] * 15))
    key = "/".join(["k" * 200] * 5)
    assert len(str(storage.root)) + len(key) > 4000
    storage.write(key, b"1")
    assert list(storage.keys()) == [key]
    assert storage.read(key) == b"1"


def test_the_umask_is_respected(storage: FileStorage, root: Path) -> None:
    """Files and folders get the rights that the umask leaves, as with open and mkdir."""
    old = os.umask(0o027)
    try:
        storage.write("folder/file", b"")
    finally:
        os.umask(old)
    assert (root / "folder").stat().st_mode & 0o777 == 0o750
    assert (root / "folder" / "file").stat().st_mode & 0o777 == 0o640


def test_temporary_files_are_hidden_and_swept(storage: FileStorage, root: Path) -> None:
    """What a killed writer left is not an object; a listing removes it when it is a day old."""
    storage.write("a/real", b"")
    for name, age in (("fresh", 0), ("old", 25 * 3600)):
        path = root / "a" / f"{confined.TEMPORARY}{name}"
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age, time.time() - age))
    assert list(storage.keys()) == ["a/real"]
    assert names(root / "a") == [f"{confined.TEMPORARY}fresh", "real"]
    for call in (storage.read, storage.delete, storage.stat):
        with pytest.raises(InvalidKey, match="being written"):
            call(f"a/{confined.TEMPORARY}fresh")


def test_durable_writes_sync_file_and_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """durable=True syncs each new file and its folder before it returns; the default never."""
    synced: list[str] = []
    real = os.fsync

    def fsync(fd: int) -> None:
        synced.append("folder" if Path(f"/proc/self/fd/{fd}").is_dir() else "file")
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    FileStorage(root).write("a", b"1")
    assert synced == []
    FileStorage(root, durable=True).write("a", b"2")
    assert synced == ["file", "folder"]


@pytest.mark.parametrize("syscall", ["open", "mkdir", "rename", "fsync"])
@pytest.mark.parametrize(
    ("number", "fix"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "Give this user the right"),
        (errno.EMFILE, "Too many files are open"),
        (errno.EIO, "Check the folder and its disk"),
    ],
)
def test_a_failing_disk_is_a_typed_error(
    root: Path, monkeypatch: pytest.MonkeyPatch, syscall: str, number: int, fix: str
) -> None:
    """Whichever call fails: the error names the object and the fix, and nothing has changed."""
    storage = FileStorage(root, durable=True)
    storage.write("old", b"old value")
    real = getattr(os, syscall)

    def fail(path: Any, *args: Any, **kwargs: Any) -> Any:
        if syscall == "open" and not args[0] & os.O_CREAT:
            return real(path, *args, **kwargs)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, syscall, fail)
    key = "folder/new" if syscall == "mkdir" else "old"
    with pytest.raises(StorageError) as caught:
        storage.write(key, b"new value")
    monkeypatch.undo()
    assert fix in caught.value.fix
    assert key in caught.value.what
    assert str(root) in str(caught.value)
    assert all_files(root) == ["old"]
    assert storage.read("old") == b"old value"


@pytest.mark.parametrize(
    ("number", "text"), [(errno.EPERM, "no hard links"), (errno.EIO, "Input/output error")]
)
def test_exclusive_writes_need_hard_links(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch, number: int, text: str
) -> None:
    """Where the file system cannot link, if_absent is refused: a race could not be decided."""

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", fail)
    with pytest.raises(StorageError, match=text):
        storage.write("folder/a", b"", if_absent=True)
    assert names(storage.root) == []


def test_writers_survive_deletes_of_their_folders(storage: FileStorage) -> None:
    """A delete that takes the empty folder away at the wrong moment makes no write fail."""

    def work(name: str) -> None:
        for number in range(400):
            storage.write(f"a/b/{name}", b"%d" % number)
            assert storage.read(f"a/b/{name}") == b"%d" % number
            storage.delete(f"a/b/{name}")

    in_threads([partial(work, name) for name in "xyz"])
    assert names(storage.root) == []


def test_folders_that_vanish_for_ever_end_in_an_error(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that is removed as often as it is made is a typed error at last, not a loop."""
    real = os.mkdir

    def mkdir(name: str, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        real(name, mode, dir_fd=dir_fd)
        os.rmdir(name, dir_fd=dir_fd)

    storage.write("root-exists", b"")
    monkeypatch.setattr(os, "mkdir", mkdir)
    with pytest.raises(StorageError, match="Cannot write 'a/b'"):
        storage.write("a/b", b"")


_ON_A_SMALL_DISK = """
import os, subprocess, sys
from brickwork import StorageError
from brickwork.builtin.file_storage import FileStorage
disk = sys.argv[1]
if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk]).returncode:
    sys.exit(77)
storage = FileStorage(disk)
storage.write("old", b"old value")
for write in (
    lambda: storage.write("old", bytes(2**21)),
    lambda: storage.upload_file(sys.argv[2], "new"),
):
    try:
        write()
    except StorageError as error:
        print(error.what, error.fix)
assert os.listdir(disk) == ["old"], os.listdir(disk)
subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
for change in (lambda: storage.write("old", b"x"), lambda: storage.delete("old")):
    try:
        change()
    except StorageError as error:
        print(error.what, error.fix)
assert storage.read("old") == b"old value"
"""


def test_full_and_read_only_disks(tmp_path: Path) -> None:
    """On a disk that is full, then read-only, each change is refused and the old value stays."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("needs unshare, to mount a small disk")
    command = [unshare, "--user", "--map-root-user", "--mount", sys.executable, "-c"]
    (tmp_path / "disk").mkdir()
    (tmp_path / "large").write_bytes(bytes(2**21))
    result = subprocess.run(
        [*command, _ON_A_SMALL_DISK, tmp_path / "disk", tmp_path / "large"],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode == 77 or "unshare" in result.stderr:
        pytest.skip("this user may not mount a small disk")
    assert result.returncode == 0, result.stderr
    full, also_full, read_only, not_deleted = result.stdout.splitlines()
    assert "'old'" in full
    assert f"Free some space on the disk that holds {tmp_path / 'disk'}" in full
    assert "'new'" in also_full
    assert "read-only" in read_only
    assert "Cannot delete 'old'" in not_deleted


def test_a_file_as_root_is_refused(tmp_path: Path) -> None:
    """A root that is no folder is a typed error in every method."""
    (tmp_path / "file").write_bytes(b"")
    for root in (tmp_path / "file", tmp_path / "file" / "below"):
        storage = FileStorage(root)
        for call in (storage.read, storage.stat, lambda key, s=storage: s.write(key, b"")):
            with pytest.raises(StorageError, match="is not a folder"):
                call("a")


def test_a_missing_root_is_empty(storage: FileStorage, root: Path) -> None:
    """Reading makes no folder; the first write does."""
    assert list(storage.keys()) == []
    assert not storage.exists("a")
    storage.delete("a")
    assert not root.exists()
    storage.write("a", b"")
    assert root.is_dir()


def test_no_file_stays_open(storage: FileStorage) -> None:
    """After every kind of call, also failed ones, no more files are open than before."""
    storage.write("a/b", b"1")
    before = len(names(Path("/proc/self/fd")))
    for _ in range(3):
        storage.write("a/c/d", b"2")
        storage.read("a/b")
        next(storage.keys())
        storage.delete("a/c/d")
        for failing in (
            lambda: storage.read("a"),
            lambda: storage.read("no/such"),
            lambda: storage.write("a/b/c", b""),
            lambda: storage.write("a", b""),
            lambda: storage.write("a/b", b"", if_absent=True),
        ):
            with pytest.raises(StorageError):
                failing()
    assert len(names(Path("/proc/self/fd"))) == before


# URLs


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("file:///var/data", "/var/data"),
        ("file:/var/data", "/var/data"),
        ("file://localhost/var/data", "/var/data"),
        ("file:///a%20b/%23%3F%25", "/a b/#?%"),
        ("file:///caf%C3%A9/%FF", "/café/\udcff"),
    ],
)
def test_file_urls(url: str, root: str) -> None:
    """An absolute file URL names a folder, percent-decoded."""
    storage = FileStorage.from_url(url)
    assert str(storage.root) == root
    assert FileStorage.from_url(storage.url) == storage


def test_relative_file_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative one counts from the folder of the moment when it is opened, and stays there."""
    monkeypatch.chdir(tmp_path)
    storage = FileStorage.from_url("file:data/daily?durable=true")
    monkeypatch.chdir("/")
    assert storage == FileStorage(tmp_path / "data" / "daily", durable=True)
    assert storage.url == f"{(tmp_path / 'data' / 'daily').as_uri()}?durable=true"


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("file://server/share", "it names a host, 'server'"),
        ("file:", "it names no folder"),
        ("file:///a%00b", "it names no folder"),
        ("file:///a?durable=perhaps", "durable must be true or false"),
        ("file:///a?sync=1", "unknown option, 'sync'"),
        ("file:///a#b", "it has a #"),
        ("s3://bucket", "its scheme is not file"),
    ],
)
def test_odd_file_urls_are_refused(url: str, fault: str) -> None:
    """What a file URL cannot mean is refused with the reason and the two right forms."""
    with pytest.raises(StorageError, match="Cannot open") as caught:
        FileStorage.from_url(url)
    assert fault in caught.value.what
    assert "file:///absolute/folder" in caught.value.fix


def test_a_block_is_refused() -> None:
    """Files have no credentials, so ?block= is a mistake."""
    with pytest.raises(StorageError, match="files need no block"):
        FileStorage.from_url("file:///a", object())


def test_it_can_be_pickled(tmp_path: Path) -> None:
    """A worker process gets the same storage."""
    storage = FileStorage(tmp_path, durable=True)
    again = pickle.loads(pickle.dumps(storage))
    assert again == storage
    assert hash(again) == hash(storage)
    assert repr(again) == f"FileStorage({str(tmp_path)!r}, durable=True)"
