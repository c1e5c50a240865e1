"""Files and folders to and from storages: globs, links, escapes, failures, progress."""

import contextvars
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread, current_thread
from typing import BinaryIO

import pytest
from hypothesis import given, strategies as st

from brickwork import InvalidKey, KeyExists, KeyNotFound, StorageError
from brickwork.builtin.file_storage import FileStorage
from brickwork.builtin.memory_storage import MemoryStorage
from brickwork.storage.confined import TEMPORARY
from brickwork.storage.transfer import Globs


@pytest.fixture
def storage() -> MemoryStorage:
    """An empty storage."""
    return MemoryStorage()


def fill(folder: Path, *names: str) -> Path:
    """Write files whose content is their name."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def contents(folder: Path) -> dict[str, str]:
    """Read all files below a folder."""
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


# What is taken

TREE = (
    "a.txt", "b.csv", "sub/a.txt", "sub/deep/c.csv", ".git/config", "sub/.git/x", "x[1].txt",
)  # fmt: skip


@pytest.mark.parametrize(
    ("include", "exclude", "taken"),
    [
        ([], [], TREE),
        (["*.txt"], [], ("a.txt", "sub/a.txt", "x[1].txt")),
        (["*.txt", "*.csv"], ["sub"], ("a.txt", "b.csv", "x[1].txt")),
        ([], [".git"], ("a.txt", "b.csv", "sub/a.txt", "sub/deep/c.csv", "x[1].txt")),
        (["sub/*.txt"], [], ("sub/a.txt",)),
        (["sub/**/*.csv"], [], ("sub/deep/c.csv",)),
        (["**/deep/**"], [], ("sub/deep/c.csv",)),
        (["sub/"], ["deep"], ("sub/a.txt", "sub/.git/x")),
        (["/a.txt"], [], ("a.txt", "sub/a.txt")),
        (["x[1].txt"], [], ("x[1].txt",)),
        (["?.csv"], [], ("b.csv", "sub/deep/c.csv")),
        (["A.txt", "txt", "a"], [], ()),
        ([], ["**"], ()),
    ],
)
def test_globs(
    storage: MemoryStorage,
    tmp_path: Path,
    include: list[str],
    exclude: list[str],
    taken: tuple[str, ...],
) -> None:
    """Include and exclude choose the same files for an upload as for a download."""
    source = fill(tmp_path / "source", *TREE)
    keys = storage.upload_folder(source, "p", include=include, exclude=exclude)
    assert keys == sorted(f"p/{name}" for name in taken)
    storage.upload_folder(source, "all")
    paths = storage.download_folder("all", tmp_path / "target", include=include, exclude=exclude)
    assert sorted(paths) == sorted(tmp_path / "target" / name for name in taken)
    assert set(contents(tmp_path / "target") if taken else ()) == set(taken)


def test_one_text_is_no_list_of_globs(storage: MemoryStorage, tmp_path: Path) -> None:
    """include="*.txt" would be taken letter by letter, so it is refused."""
    with pytest.raises(TypeError, match=r"\['\*\.txt'\]"):
        storage.upload_folder(tmp_path, include="*.txt")


@given(st.text(st.sampled_from("ab*?/.[](+\\\n"), max_size=10), st.text("ab./", max_size=10))
def test_any_text_is_a_glob(glob: str, path: str) -> None:
    """No glob is an error, and a text without wildcards matches itself."""
    globs = Globs([glob])
    globs.take(path)
    if not set(glob) & set("*?") and glob.strip("/") == glob:
        assert globs.take(glob)


# Uploads


def test_links_and_special_files_are_left_out(storage: MemoryStorage, tmp_path: Path) -> None:
    """Nothing outside the folder is read by way of links in it, and no FIFO is waited for."""
    source = fill(tmp_path / "source", "real.txt", "empty/../sub/x")
    fill(tmp_path / "outside", "secret")
    (source / "link").symlink_to(tmp_path / "outside" / "secret")
    (source / "folder").symlink_to(tmp_path / "outside")
    (source / "loop").symlink_to(source)
    (source / f"{TEMPORARY}half").write_bytes(b"half")
    os.mkfifo(source / "fifo")
    assert storage.upload_folder(source) == ["real.txt", "sub/x"]


def test_names_that_cannot_be_keys_stop_an_upload_at_once(
    storage: MemoryStorage, tmp_path: Path
) -> None:
    """A file whose name is no key is named, and nothing was uploaded."""
    fill(tmp_path, "fine.txt", "back\\slash")
    with pytest.raises(InvalidKey, match="backslash"):
        storage.upload_folder(tmp_path)
    assert list(storage.keys()) == []


@pytest.mark.parametrize("prefix", ["p", "p/", "p/q", "p/q/"])
def test_prefixes_are_folders(storage: MemoryStorage, tmp_path: Path, prefix: str) -> None:
    """A prefix means the same with and without a slash at its end."""
    fill(tmp_path / "source", "x")
    key = f"{prefix.rstrip('/')}/x"
    assert storage.upload_folder(tmp_path / "source", prefix) == [key]
    storage.write(f"{prefix.rstrip('/')}2/y", b"")
    assert storage.download_folder(prefix, tmp_path / "target") == [tmp_path / "target" / "x"]


@pytest.mark.parametrize("prefix", ["/", "../p", "/p", "p//"])
def test_bad_prefixes_are_refused(storage: MemoryStorage, tmp_path: Path, prefix: str) -> None:
    """A prefix that is no path is refused before anything is done."""
    fill(tmp_path / "source", "x")
    with pytest.raises(InvalidKey):
        storage.upload_folder(tmp_path / "source", prefix)
    with pytest.raises(InvalidKey):
        storage.download_folder(prefix, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_missing_files_are_named(storage: MemoryStorage, tmp_path: Path) -> None:
    """A local file or folder that is not there is a StorageError that names it."""
    for upload in (
        lambda: storage.upload_file(tmp_path / "none", "a"),
        lambda: storage.upload_folder(tmp_path / "none"),
    ):
        with pytest.raises(StorageError, match=f"Cannot read {tmp_path}/none") as caught:
            upload()
        assert "exists" in caught.value.fix
    assert list(storage.keys()) == []


# Downloads


class Hostile(MemoryStorage):
    """Lists the keys that it is told to, whatever they are."""

    listed: tuple[str, ...] = ()

    def keys(self, prefix: str = "") -> Iterator[str]:
        return iter(self.listed)

    def open_read(self, key: str) -> BinaryIO:
        return MemoryStorage.open_read(self, "payload")


@pytest.mark.parametrize(
    "key", ["../evil", "p/../../evil", "/etc/evil", "p//etc/evil", "p/a\0", "other/evil", "p/", "p"]
)
def test_keys_that_escape_are_refused(tmp_path: Path, key: str) -> None:
    """A storage that lists ../evil gets nothing written, neither outside nor inside."""
    storage = Hostile()
    storage.write("payload", b"evil")
    storage.listed = ("p/fine", key)
    with pytest.raises(InvalidKey):
        storage.download_folder("p", tmp_path / "target")
    assert contents(tmp_path) == {}


def test_links_in_the_target_are_refused(storage: MemoryStorage, tmp_path: Path) -> None:
    """A link in the target folder does not lead a download out of it."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "sub").symlink_to(tmp_path / "outside")
    storage.write("p/sub/evil", b"")
    with pytest.raises(InvalidKey, match="symbolic link"):
        storage.download_folder("p", tmp_path / "target")
    assert contents(tmp_path) == {}


def test_a_file_is_downloaded_whole_or_not_at_all(tmp_path: Path) -> None:
    """A download that breaks off leaves the file that was there, and nothing beside it."""

    class Breaks(MemoryStorage):
        def _read_into(self, key: str, file: BinaryIO, advance: Callable[[int], None]) -> None:
            file.write(b"half")
            raise ConnectionError("the line went dead")

    fill(tmp_path, "file")
    storage = Breaks()
    storage.write("key", b"whole")
    with pytest.raises(ConnectionError):
        storage.download_file("key", tmp_path / "file")
    with pytest.raises(ConnectionError):
        storage.download_folder("", tmp_path)
    assert contents(tmp_path) == {"file": "file"}


@pytest.mark.parametrize("path", [".", "/", ""])
def test_a_folder_is_no_file_to_download_to(storage: MemoryStorage, path: str) -> None:
    """A folder in place of a file is refused with the fix."""
    storage.write("a", b"")
    with pytest.raises(StorageError, match="is a folder") as caught:
        storage.download_file("a", path)
    assert caught.value.fix == "Give the path of a file."


def test_a_download_follows_a_link_that_the_caller_names(
    storage: MemoryStorage, tmp_path: Path
) -> None:
    """A path given by the caller may be a link: the file behind it is replaced, the link stays."""
    fill(tmp_path, "real/file")
    (tmp_path / "latest").symlink_to("real/file")
    storage.write("key", b"new")
    storage.download_file("key", tmp_path / "latest")
    assert (tmp_path / "latest").is_symlink()
    assert contents(tmp_path / "real") == {"file": "new"}


# Many at once


def test_workers_work_at_once(tmp_path: Path) -> None:
    """As many files are moved at once as there are workers."""
    from threading import Barrier

    barrier = Barrier(4)

    class Meets(MemoryStorage):
        def _write_from(self, file: BinaryIO, key: str, advance: Callable[[int], None]) -> None:
            barrier.wait(timeout=30)
            super()._write_from(file, key, advance)

    fill(tmp_path, *(f"{number}" for number in range(8)))
    assert len(Meets().upload_folder(tmp_path, workers=4)) == 8


def test_the_first_failure_stops_the_rest(tmp_path: Path) -> None:
    """After a failure nothing new is begun, and its error is raised as it is."""
    begun = list[str]()

    class Fails(MemoryStorage):
        def _write_from(self, file: BinaryIO, key: str, advance: Callable[[int], None]) -> None:
            begun.append(key)
            raise KeyExists(f"{key} exists already.")

    fill(tmp_path, *(f"{number:04}" for number in range(2000)))
    with pytest.raises(KeyExists, match="exists already"):
        Fails().upload_folder(tmp_path, workers=1)
    assert 1 <= len(begun) < 2000


def test_progress_can_stop_a_transfer(storage: MemoryStorage, tmp_path: Path) -> None:
    """An exception of the progress callback ends the transfer and is raised."""

    class Stop(Exception):
        pass

    def stop(done: int, total: int | None, text: str) -> None:
        raise Stop

    fill(tmp_path, *(f"{number:04}" for number in range(500)))
    with pytest.raises(Stop):
        storage.upload_folder(tmp_path, progress=stop, workers=1)
    with pytest.raises(Stop):
        storage.upload_file(tmp_path / "0000", "single", progress=stop)
    assert not storage.exists("single")


def test_progress_is_reported_in_the_callers_context(tmp_path: Path) -> None:
    """Also bytes counted in another thread reach the callback with the caller's context."""
    where = contextvars.ContextVar("where", default="lost")
    seen = list[tuple[str, int]]()

    class CountsElsewhere(MemoryStorage):
        def _write_from(self, file: BinaryIO, key: str, advance: Callable[[int], None]) -> None:
            threads = [Thread(target=advance, args=(10,)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    fill(tmp_path, "file")
    token = where.set("here")
    CountsElsewhere().upload_file(
        tmp_path / "file", "a", progress=lambda done, total, text: seen.append((where.get(), done))
    )
    where.reset(token)
    assert seen == [("here", 10 * count) for count in range(1, 9)]


def test_folder_progress_comes_in_the_callers_thread(
    storage: MemoryStorage, tmp_path: Path
) -> None:
    """A progress bar need not be thread-safe."""
    threads = set[Thread]()
    fill(tmp_path, "a", "b", "c")
    storage.upload_folder(tmp_path, progress=lambda *_: threads.add(current_thread()))
    assert threads == {current_thread()}


def test_workers_see_the_callers_context(tmp_path: Path) -> None:
    """What the caller's task set, such as its deadline, is there in the workers."""
    where = contextvars.ContextVar("where", default="lost")
    seen = list[str]()

    class Looks(MemoryStorage):
        def _write_from(self, file: BinaryIO, key: str, advance: Callable[[int], None]) -> None:
            seen.append(where.get())

    fill(tmp_path, "a", "b", "c")
    token = where.set("here")
    Looks().upload_folder(tmp_path)
    where.reset(token)
    assert seen == ["here"] * 3


# Moving


def test_overlapping_storages_do_not_lose_an_object(tmp_path: Path) -> None:
    """Moving an object onto itself, seen through another folder, leaves it where it is."""
    outer, inner = FileStorage(tmp_path), FileStorage(tmp_path / "a", durable=True)
    outer.write("a/b c", b"1")
    outer.move_to("a/b c", inner, "b c")
    inner.move_to("b c", outer, "a/b c")
    assert inner.read("b c") == b"1"
    with pytest.raises(KeyNotFound):
        outer.move_to("a/none", inner, "none")


def test_a_write_that_overlaps_a_read_does_not_show_in_it(tmp_path: Path) -> None:
    """An open reader keeps reading the version that it opened."""
    for storage in (FileStorage(tmp_path), MemoryStorage()):
        storage.write("a", b"old" * 10**6)
        began, done = Event(), Event()
        with storage.open_read("a") as file:
            first = file.read(10)
            began.set()
            storage.write("a", b"new")
            storage.delete("a")
            done.set()
            assert first + file.read() == b"old" * 10**6
