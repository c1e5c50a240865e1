"""A racing process swaps folders and files for links that lead out; nothing may follow them.

``BRICKWORK_ATTACK_SCALE`` multiplies the number of tries: 1, the default, is 1,000 of each call,
10 is the bar.
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Self

import pytest

from brickwork import InvalidKey, Storage, StorageError
from brickwork.builtin.file_storage import FileStorage
from brickwork.builtin.memory_storage import MemoryStorage

pytestmark = pytest.mark.attack

TRIES = 1000 * int(os.environ.get("BRICKWORK_ATTACK_SCALE", "1"))
OUTSIDE = b"outside, and longer"

_SWAPPER = """
import ctypes, os, shutil, sys
path, aside, target = map(os.fsencode, sys.argv[1:])
libc = ctypes.CDLL(None)

def exchange():
    if sys.platform == "darwin":
        return libc.renamex_np(path, aside, 2)  # RENAME_SWAP
    return libc.renameat2(-100, path, -100, aside, 2)  # RENAME_EXCHANGE

def renew_link():  # after a write that replaced the link itself, which is fine
    if os.path.isdir(aside) and not os.path.islink(aside):
        shutil.rmtree(aside, ignore_errors=True)
    elif os.path.lexists(aside):
        os.unlink(aside)
    os.symlink(target, aside)

swaps = 0
while True:
    for _ in range(100):
        swaps += exchange() == 0
        if not os.path.islink(aside) and not os.path.islink(path):
            try:
                renew_link()
            except OSError:
                pass
    print(swaps, flush=True)
"""


class Swapper:
    """Another process that exchanges a path and a link to a target, as fast as it can."""

    def __init__(self, path: Path, target: Path, work: Path) -> None:
        (work / "aside").symlink_to(target)
        self._log = work / "swaps.log"
        with self._log.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _SWAPPER, path, work / "aside", target], stdout=file
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def swaps(self) -> int:
        """How many exchanges there were so far."""
        assert self._process.poll() is None, "the swapping process has ended"
        lines = self._log.read_text().split("\n")
        return int(lines[-2]) if len(lines) > 1 else 0


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """The storage's root, with one folder and one file to be swapped."""
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (root / "folder" / "file").write_bytes(b"inside")
    (root / "file").write_bytes(b"inside")
    return root


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the root, which must stay as it is."""
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in ("file", "only-outside"):
        (folder / name).write_bytes(OUTSIDE)
    return folder


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Everything in a folder, with contents and inode numbers."""
    return {
        path.name: (path.read_bytes() if path.is_file() else b"", path.lstat().st_ino)
        for path in folder.iterdir()
    }


def read(storage: Storage, key: str) -> bool:
    """Read a key; tell whether it gave something from outside."""
    return storage.read(key) == OUTSIDE


def stat(storage: Storage, key: str) -> bool:
    """Look at a key; tell whether it saw something outside."""
    return storage.stat(key).size == len(OUTSIDE)


def write(storage: Storage, key: str) -> bool:
    """Write a key; what it did outside is seen there."""
    storage.write(key, b"inside")
    return False


def create(storage: Storage, key: str) -> bool:
    """Write a key that may be absent; what it did outside is seen there."""
    storage.write(key, b"inside", if_absent=True)
    return False


def delete_and_write(storage: Storage, key: str) -> bool:
    """Delete a key and write it again; what it did outside is seen there."""
    storage.delete(key)
    storage.write(key, b"inside")
    return False


def listing(storage: Storage, key: str) -> bool:
    """List everything; tell whether a name from outside is in it."""
    return any("only-outside" in found for found in storage.keys())  # noqa: SIM118  # no dictionary


def download(storage: Storage, key: str) -> bool:
    """Download a folder into the swapped one; what it did outside is seen there."""
    assert isinstance(storage, FileStorage)
    source = MemoryStorage()
    source.write(key, b"inside")
    source.download_folder("", storage.root, workers=1)
    return False


def upload(storage: Storage, key: str) -> bool:
    """Upload the swapped folder; tell whether something from outside came along."""
    assert isinstance(storage, FileStorage)
    target = MemoryStorage()
    uploaded = target.upload_folder(storage.root, workers=1)
    return any(target.read(found) == OUTSIDE for found in uploaded)


def attack(
    storage: Storage,
    call: Callable[[Storage, str], bool],
    key: str,
    enough: Callable[[Counter[str]], bool],
) -> Counter[str]:
    """Call until it is enough, or a minute has passed; count what came of the calls."""
    outcomes = Counter[str]()
    end = monotonic() + 60
    while not enough(outcomes) and monotonic() < end:
        for _ in range(100):
            try:
                outcomes["escaped" if call(storage, key) else "worked"] += 1
            except InvalidKey:
                outcomes["refused"] += 1
            except StorageError:
                outcomes["failed"] += 1  # for example, since it was deleted
    return outcomes


@pytest.mark.parametrize("swapped", ["folder", "file"])
@pytest.mark.parametrize(
    "call", [read, stat, write, create, delete_and_write, listing, download, upload]
)
def test_a_racing_swapper_leads_nothing_out(
    inside: Path, outside: Path, tmp_path: Path, swapped: str, call: Callable[[Storage, str], bool]
) -> None:
    """Whatever is swapped at whatever moment, no call reads, writes or lists anything outside."""
    before = snapshot(outside)
    target = outside if swapped == "folder" else outside / "file"
    key = "folder/file" if swapped == "folder" else "file"
    # Listings leave links out, and so does an upload unless one comes after its listing.
    needed = {"worked"} if call in (listing, upload) else {"worked", "refused"}
    if call is create:
        needed = {"failed"}
    with Swapper(inside / swapped, target, tmp_path) as swapper:
        outcomes = attack(
            FileStorage(inside),
            call,
            key,
            lambda so_far: (
                so_far.total() >= TRIES and swapper.swaps >= TRIES and needed <= so_far.keys()
            ),
        )
        swaps = swapper.swaps
    assert outcomes["escaped"] == 0
    assert snapshot(outside) == before
    assert outcomes.total() >= TRIES
    assert swaps >= TRIES, "the swapper did too little for this to prove anything"
    assert needed <= outcomes.keys(), "the tries did not meet both the link and the real thing"


class Resolving(FileStorage):
    """Resolves a path, sees that it is inside, and then opens it: the mistake to avoid."""

    def read(self, key: str) -> bytes:
        path = Path(self.root, key)
        try:
            if not path.resolve().is_relative_to(self.root):
                raise StorageError("outside")
            return path.read_bytes()
        except OSError:
            raise StorageError("cannot read") from None


def test_the_attack_finds_a_storage_that_resolves_first(
    inside: Path, outside: Path, tmp_path: Path
) -> None:
    """The same attack gets out of a storage that resolves paths before it opens them."""
    with Swapper(inside / "folder", outside, tmp_path):
        outcomes = attack(
            Resolving(inside), read, "folder/file", lambda so_far: so_far["escaped"] > 0
        )
    assert outcomes["escaped"] > 0
