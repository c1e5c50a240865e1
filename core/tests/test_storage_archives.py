"""Archives that others have made get out of no folder, and fill no disk."""

import gzip
import io
import os
import stat
import struct
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from brickwork import KeyExists, StorageError, UnsafeArchive, extract_archive

MIB = 1024 * 1024
Change = Callable[[Any], object]


def tar_of(*entries: tuple[str, bytes | None] | tarfile.TarInfo, mode: str = "w:gz") -> io.BytesIO:
    """Return a tar archive of files, folders (without content), and whatever else."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as tar:  # type: ignore[call-overload]  # any mode
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                tar.addfile(entry, io.BytesIO(bytes(entry.size)))
                continue
            info = tarfile.TarInfo(entry[0])
            if entry[1] is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            else:
                info.size = len(entry[1])
            tar.addfile(info, io.BytesIO(entry[1] or b""))
    file.seek(0)
    return file


def tar_entry(name: str, kind: bytes, **fields: Any) -> tarfile.TarInfo:
    """Return an entry of a tar of some kind."""
    info = tarfile.TarInfo(name)
    info.type = kind
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def zip_of(*entries: tuple[str, bytes], change: Change | None = None) -> io.BytesIO:
    """Return a zip archive; ``change`` is called with each ZipInfo before it is written."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if change is not None:
                change(info)
            archive.writestr(info, data)
    file.seek(0)
    return file


def patched(archive: io.BytesIO, old: bytes, new: bytes) -> io.BytesIO:
    """Return an archive with some bytes replaced, as no library would write them."""
    assert len(old) == len(new)
    assert old in archive.getvalue()
    return io.BytesIO(archive.getvalue().replace(old, new))


def _zip_mode(mode: int) -> Change:
    def change(info: zipfile.ZipInfo) -> None:
        info.external_attr = mode << 16

    return change


def _overlapping() -> io.BytesIO:
    """Return a zip whose two entries are the same bytes: David Fifield's way to a bomb."""
    archive = zip_of(("a", b"\0" * MIB))
    data = archive.getvalue()
    at = data.index(b"PK\1\2")
    entry = data[at : data.index(b"PK\5\6")]
    second = entry.replace(b"a", b"b", 1) if b"a" in entry else entry
    directory = entry + second[:-1] + b"b"
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(directory), at, 0)
    return io.BytesIO(data[:at] + directory + end)


BAD_PATHS = (
    "../evil", "a/../../evil", "a/..", "/evil", "//evil", "/", "a//b", "..", "./../evil", "a/./b",
    "..\\evil", "a\\..\\evil", "C:\\evil", "\\\\host\\evil", "a\nb", "a\x1b[31m", "a/\x7f",
    "x" * 1100,
)  # fmt: skip

ATTACKS: dict[str, Callable[[], io.BytesIO]] = {
    **{f"tar path {path[:20]!r}": lambda path=path: tar_of((path, b"1")) for path in BAD_PATHS},  # type: ignore[misc]  # bound at once
    **{
        f"zip path {path[:20]!r}": lambda path=path: zip_of((path, b"1"))  # type: ignore[misc]  # as above
        for path in BAD_PATHS
        if path != "/"
    },
    "tar folder ..": lambda: tar_of(("a/../../evil", None)),
    "tar pax path": lambda: tar_of((f"{'d' * 200}/../../../evil", b"1")),
    "tar link out": lambda: tar_of(tar_entry("a", tarfile.SYMTYPE, linkname="/etc/passwd")),
    "tar link in": lambda: tar_of(("b", b"1"), tar_entry("a", tarfile.SYMTYPE, linkname="b")),
    "tar link, then through it": lambda: tar_of(
        tar_entry("a", tarfile.SYMTYPE, linkname=".."), ("a/evil", b"1")
    ),
    "tar hard link out": lambda: tar_of(tar_entry("a", tarfile.LNKTYPE, linkname="../evil")),
    "tar hard link": lambda: tar_of(("b", b"1"), tar_entry("a", tarfile.LNKTYPE, linkname="b")),
    "tar character device": lambda: tar_of(tar_entry("a", tarfile.CHRTYPE, devmajor=1, devminor=3)),
    "tar block device": lambda: tar_of(tar_entry("a", tarfile.BLKTYPE)),
    "tar FIFO": lambda: tar_of(tar_entry("a", tarfile.FIFOTYPE)),
    "tar contiguous file": lambda: tar_of(tar_entry("a", tarfile.CONTTYPE, size=1)),
    "tar sparse": lambda: tar_of(
        tar_entry(
            "a",
            tarfile.REGTYPE,
            size=0,
            pax_headers={"GNU.sparse.map": "0,1", "GNU.sparse.size": "1099511627776"},
        ),
    ),
    "tar twice": lambda: tar_of(("a", b"1"), ("a", b"2")),
    "tar file, then below it": lambda: tar_of(("a", b"1"), ("a/b", b"2")),
    "tar folder, then a file of it": lambda: tar_of(("a/b", b"1"), ("a", b"2")),
    "tar case": lambda: tar_of(("README", b"1"), ("readme", b"2")),
    "tar case of folders": lambda: tar_of((".git/a", b"1"), (".GIT/b", b"2")),
    "tar unicode form": lambda: tar_of(("\u00e9", b"1"), ("e\u0301", b"2")),
    "tar unicode case": lambda: tar_of(("stra\u00dfe", b"1"), ("STRASSE", b"2")),
    "tar bomb": lambda: tar_of(("a", b"\0" * (32 * MIB))),
    "tar of many bombs": lambda: tar_of(*((f"{n}", b"\0" * MIB) for n in range(32))),
    "tar of many entries": lambda: tar_of(*((f"{n}", b"") for n in range(1001))),
    "tar of many folders": lambda: tar_of(*((f"{n}", None) for n in range(1001))),
    "tar header bomb": lambda: tar_of(
        tar_entry("a", tarfile.REGTYPE, pax_headers={"comment": "x" * (4 * MIB)})
    ),
    "tar long name bomb": lambda: tar_of(("n" * (4 * MIB), b"1")),
    "zip link": lambda: zip_of(("a", b"/etc/passwd"), change=_zip_mode(stat.S_IFLNK | 0o777)),
    "zip device": lambda: zip_of(("a", b""), change=_zip_mode(stat.S_IFCHR | 0o666)),
    "zip FIFO": lambda: zip_of(("a", b""), change=_zip_mode(stat.S_IFIFO | 0o666)),
    "zip socket": lambda: zip_of(("a", b""), change=_zip_mode(stat.S_IFSOCK | 0o666)),
    "zip null in name": lambda: patched(zip_of(("a.txt#x", b"1")), b"a.txt#x", b"a.txt\0x"),
    "zip twice": lambda: patched(zip_of(("aa", b"1"), ("ab", b"2")), b"ab", b"aa"),
    "zip case": lambda: zip_of(("A", b"1"), ("a", b"2")),
    "zip bomb": lambda: zip_of(("a", b"\0" * (32 * MIB))),
    "zip of overlapping entries": _overlapping,
    "zip of many entries": lambda: zip_of(*((f"{n}", b"") for n in range(1001))),
    "zip of bzip2": lambda: zip_of(
        ("a", b"1"), change=lambda info: setattr(info, "compress_type", zipfile.ZIP_BZIP2)
    ),
}
"""Archives by attack; each must be refused, and leave nothing."""


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Path]:
    """Return a folder to unpack to; what is around it must stay as it is."""
    around = tmp_path / "around"
    around.mkdir()
    (around / "evil").write_bytes(b"untouched")
    yield around / "in"
    assert (around / "evil").read_bytes() == b"untouched"
    assert {path.name for path in around.iterdir()} <= {"evil", "in"}


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_are_refused_and_leave_nothing(attack: str, sandbox: Path) -> None:
    """Bad paths, links, devices, collisions and bombs raise UnsafeArchive; the folder is gone."""
    with pytest.raises(UnsafeArchive):
        extract_archive(ATTACKS[attack](), sandbox, max_entries=1000)
    assert not sandbox.exists()


def test_there_are_as_many_attacks_as_promised() -> None:
    """Security's bar of forty malicious archives is met."""
    assert len(ATTACKS) >= 40


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_files_of_a_tar_come_out_as_they_were(mode: str, sandbox: Path) -> None:
    """Contents, folders, also empty ones, odd names and the right to execute are kept."""
    tool = tar_entry("top/bin/tool", tarfile.REGTYPE, size=3, mode=0o755)
    archive = tar_of(
        ("./top/", None), ("top/a.txt", b"one"), ("top/ünï/é 日本", b""), tool, ("top/empty", None),
        (f"top/{'long/' * 40}end", b"x" * MIB), mode=mode,
    )  # fmt: skip
    calls: list[tuple[int, int | None, str]] = []
    found = extract_archive(
        archive, sandbox, strip=1, progress=lambda *call: calls.append(tuple(call))
    )
    assert found.files == ("a.txt", "ünï/é 日本", "bin/tool", f"{'long/' * 40}end")
    assert found.size == MIB + 6
    assert (sandbox / "a.txt").read_bytes() == b"one"
    assert (sandbox / "empty").is_dir()
    assert os.access(sandbox / "bin/tool", os.X_OK)
    assert not os.access(sandbox / "a.txt", os.X_OK)
    assert calls[-1] == (4, None, f"{'long/' * 40}end")


def test_files_of_a_zip_come_out_as_they_were(sandbox: Path) -> None:
    """A zip gives the same; its folders are entries whose names end with a slash."""
    archive = zip_of(("top/", b""), ("top/a.txt", b"one"), ("top/b/c", b"x" * MIB))
    assert extract_archive(archive, sandbox, strip=1).files == ("a.txt", "b/c")
    assert (sandbox / "b/c").read_bytes() == b"x" * MIB


def test_links_are_left_out_where_that_is_asked_for(sandbox: Path) -> None:
    """With links="skip" links are reported, never made, and nothing is written through them."""
    link = tar_entry("top/link", tarfile.SYMTYPE, linkname="../evil")
    found = extract_archive(tar_of(link, ("top/a", b"1")), sandbox, strip=1, links="skip")
    assert (found.files, found.skipped_links) == (("a",), ("link",))
    assert [path.name for path in sandbox.iterdir()] == ["a"]
    through = tar_of(tar_entry("a", tarfile.SYMTYPE, linkname=".."), ("a/evil", b"1"))
    with pytest.raises(UnsafeArchive):
        extract_archive(through, sandbox / "deeper", links="skip")


def test_a_large_archive_of_ordinary_files_is_no_bomb(sandbox: Path) -> None:
    """What unpacks to under 16 MiB may be packed as tightly as it likes."""
    assert extract_archive(tar_of(("a", b"\0" * (15 * MIB))), sandbox).size == 15 * MIB


def test_limits_can_be_set(sandbox: Path) -> None:
    """Bytes, entries and the ratio are the caller's to choose."""
    archive = tar_of(("a", b"\0" * (20 * MIB)))
    assert extract_archive(archive, sandbox, max_ratio=10_000).size == 20 * MIB
    with pytest.raises(UnsafeArchive, match="too many bytes"):
        extract_archive(archive, sandbox / "deeper", max_bytes=MIB)


@pytest.mark.parametrize("name", ["tar", "zip"])
def test_damaged_archives_say_so(name: str, sandbox: Path) -> None:
    """A truncated, changed or foreign file is a StorageError, and leaves nothing."""
    whole = (tar_of if name == "tar" else zip_of)(("a", os.urandom(100_000))).getvalue()
    damaged = [whole[:-5], whole[: len(whole) // 2], b"", b"PK", b"\x1f\x8b", b"hello" * 300]
    damaged.append(whole[:500] + bytes([whole[500] ^ 1]) + whole[501:])
    for data in damaged:
        with pytest.raises(StorageError) as caught:
            extract_archive(io.BytesIO(data), sandbox)
        assert caught.value.fix
        assert not sandbox.exists()


def test_a_folder_that_is_taken_is_refused_and_kept(sandbox: Path) -> None:
    """What is in the folder already is never overwritten, nor removed after a failure."""
    sandbox.mkdir()
    (sandbox / "mine").write_bytes(b"1")
    with pytest.raises(StorageError, match="not empty"):
        extract_archive(tar_of(("a", b"1")), sandbox)
    assert [path.name for path in sandbox.iterdir()] == ["mine"]
    (sandbox / "mine").unlink()
    with pytest.raises(UnsafeArchive):
        extract_archive(tar_of(("a", b"1"), ("../x", b"1")), sandbox)
    assert list(sandbox.iterdir()) == []
    with pytest.raises(StorageError):
        extract_archive(tar_of(("a", b"1")), __file__)
    with pytest.raises(StorageError, match="cannot be read"):
        extract_archive(sandbox / "no.tar", sandbox)


def test_an_error_of_progress_stops_and_stays_itself(sandbox: Path) -> None:
    """What the callback raises leaves as it is: a time-out is no damaged archive."""

    def stop(_done: int, _total: int | None, _text: str) -> None:
        raise TimeoutError("enough")

    with pytest.raises(TimeoutError, match="enough"):
        extract_archive(tar_of(("a", b"1")), sandbox, progress=stop)
    assert not sandbox.exists()


@contextmanager
def _swapping(folder: Path, outside: Path) -> Iterator[list[int]]:
    """Replace a folder by a link to another one and back, as fast as possible."""
    stop, swaps = threading.Event(), [0]

    def swap() -> None:
        while not stop.is_set():
            with suppress(OSError):
                folder.rename(folder.with_name("kept"))
                folder.symlink_to(outside, target_is_directory=True)
            with suppress(OSError):
                folder.unlink()
            with suppress(OSError):
                folder.with_name("kept").rename(folder)
            swaps[0] += 1

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield swaps
    finally:
        stop.set()
        thread.join()


@pytest.mark.slow
def test_a_racing_swapper_of_links_gets_nothing_out(tmp_path: Path) -> None:
    """In 10,000 files, not one lands where a link leads that somebody swaps in meanwhile."""
    outside, target = tmp_path / "outside", tmp_path / "in"
    outside.mkdir()
    target.mkdir()
    # Two folders in turn, so that none is kept open, and each file opens its own anew.
    archive = tar_of(*((f"{'ab'[n % 2]}/{n}", b"1") for n in range(1000)), mode="w")
    tried: list[str] = []
    swapped = 0
    while len(tried) < 10_000:
        with _swapping(target / "a", outside) as swaps, suppress(StorageError):
            extract_archive(archive, target, progress=lambda *call: tried.append(call[2]))
        swapped += swaps[0]
        tried.append("the one at which it stopped")
        for path in target.iterdir():
            _remove(path)
    assert swapped > 1000
    assert list(outside.iterdir()) == []


def _remove(path: Path) -> None:
    import shutil

    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path)


@settings(max_examples=200, deadline=None)
@given(position=st.integers(0, 2000), byte=st.integers(0, 255), name=st.sampled_from(["t", "z"]))
def test_no_change_of_a_byte_gets_out(position: int, byte: int, name: str) -> None:
    """Whatever one byte becomes, files land below the folder, or a typed error says why not."""
    import tempfile

    make = zip_of if name == "z" else tar_of
    data = bytearray(make(("a/b", b"hello"), ("c", b"x" * 100)).getvalue())
    if name == "t":
        data = bytearray(gzip.decompress(bytes(data)))
    data[position % len(data)] = byte
    with tempfile.TemporaryDirectory() as folder:
        with suppress(StorageError, KeyExists):
            extract_archive(io.BytesIO(bytes(data)), Path(folder) / "in")
        assert {path.name for path in Path(folder).iterdir()} <= {"in"}
