"""What every storage must do, as assertions to inherit."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Barrier, Event

import pytest

from brickwork.builtin.memory_storage import MemoryStorage
from brickwork.errors import KeyExists, KeyNotFound
from brickwork.storage import Storage
from brickwork.testing.base import Contract, raised_by
from brickwork.testing.concurrent import CheckedThread, in_threads, peak_memory
from brickwork.testing.storage_inputs import (
    BAD_KEYS,
    GOOD_KEYS,
    calls_with,
    refuses,
    write_stream,
)

MIB = 1024 * 1024


class StorageContract(Contract):
    """What every storage must do. Subclass it, give `storage`, and say what it can::

    class TestS3Bucket(StorageContract):
        @pytest.fixture
        def storage(self, s3_server):
            return S3Bucket(bucket=s3_server.new_bucket(), ...)
    """

    @pytest.fixture
    def storage(self) -> Storage:
        """Return a fresh, empty storage."""
        raise NotImplementedError("Give a fixture `storage` that returns a fresh, empty storage.")

    @property
    def supports_streams_constant_memory(self) -> bool:
        """Whether streams need no more memory for a larger object."""
        return True

    @property
    def stream_memory_bytes(self) -> int:
        """How much memory one stream may take; what is streamed is four times as much."""
        return 16 * MIB

    @property
    def listing_page_size(self) -> int:
        """How many keys the service lists at once; the listing is tested beyond one page."""
        return 1000

    @property
    def opens_by_url(self) -> bool:
        """Whether `from_url(storage.url)` opens the same storage, with no block."""
        return True

    def source_for_new_process(self, storage: Storage) -> str | None:  # noqa: ARG002  # for others
        """Return Python source after which ``storage`` is the same storage, in a new process.

        None, the default, for a storage that no other process can reach.
        """
        return None

    # One object

    def test_read_returns_what_was_written(self, storage: Storage) -> None:
        """Bytes come back as they were: empty, every byte value, 5 MiB and one byte more."""
        for data in (b"", bytes(range(256)), b"\r\n\x00", b"x" * (5 * MIB + 1)):
            storage.write("key", data)
            error = raised_by(partial(storage.read, "key"))
            assert error is None, (
                f"no object can be read after write() has returned, which must make it: {error!r}"
            )
            assert storage.read("key") == data, f"{len(data)} bytes did not come back as written"

    def test_write_takes_any_bytes(self, storage: Storage) -> None:
        """A bytearray and a memoryview are written like bytes."""
        for data in (bytearray(b"one"), memoryview(b"two")):
            storage.write("key", data)
            assert storage.read("key") == bytes(data), f"{type(data).__name__} was not written"

    def test_missing_object_raises_key_not_found(self, storage: Storage) -> None:
        """What does not exist raises KeyNotFound, which names the key."""
        reads: dict[str, Callable[[], object]] = {
            "read": lambda: storage.read("no/such"),
            "open_read": lambda: storage.open_read("no/such").read(),
            "stat": lambda: storage.stat("no/such"),
            "copy_to": lambda: storage.copy_to("no/such", MemoryStorage()),
            "move_to": lambda: storage.move_to("no/such", MemoryStorage()),
        }
        for name, read in reads.items():
            error = raised_by(read)
            assert isinstance(error, KeyNotFound), (
                f"{name} of what does not exist must raise KeyNotFound, and gave {error!r}"
            )
            assert "no/such" in str(error), f"{name}: the error must name the key"
        assert not storage.exists("no/such"), "exists must be False for what was never written"

    def test_a_folder_is_no_object(self, storage: Storage) -> None:
        """After writing ``a/b`` there is still no object ``a``."""
        storage.write("a/b", b"1")
        assert not storage.exists("a"), "only what was written exists; `a` is merely a prefix"
        error = raised_by(partial(storage.read, "a"))
        assert isinstance(error, KeyNotFound), (
            f"reading a prefix must raise KeyNotFound, no {error!r}"
        )
        storage.delete("a")
        assert storage.read("a/b") == b"1", "deleting `a` must not touch `a/b`"

    def test_write_replaces(self, storage: Storage) -> None:
        """A second write replaces all of the first, also when it is shorter."""
        storage.write("key", b"a long first value")
        storage.write("key", b"short")
        assert storage.read("key") == b"short", "the second write must replace the whole object"
        assert list(storage.keys()) == ["key"], "overwriting must not add a key"

    def test_delete_is_idempotent(self, storage: Storage) -> None:
        """A deleted object is gone; deleting it again is fine, and it can be written again."""
        storage.write("a/key", b"1")
        storage.write("a/other", b"2")
        storage.delete("a/key")
        for gone in ("a/key", "never/was"):
            error = raised_by(partial(storage.delete, gone))
            assert error is None, f"deleting what is not there is fine: no {error!r}"
        assert not storage.exists("a/key"), "delete must remove the object"
        assert storage.read("a/other") == b"2", "delete must remove nothing else"
        storage.write("a/key", b"3")
        assert storage.read("a/key") == b"3", "what was deleted can be written again"

    def test_stat_tells_size_time_and_etag(self, storage: Storage) -> None:
        """It tells the size in bytes, an aware time near now, and an etag that follows writes."""
        storage.write("a/key", b"12345")
        first = storage.stat("a/key")
        assert first == storage.stat("a/key"), "nothing was written, so stat must not change"
        assert (first.key, first.size) == ("a/key", 5), (
            "stat must tell the key and the size in bytes"
        )
        assert first.modified.tzinfo is not None, "`modified` needs a time zone: use UTC"
        age = abs(datetime.now(UTC) - first.modified)
        assert age < timedelta(minutes=5), f"`modified` is {age} away from now"
        storage.write("a/key", b"54321")
        assert storage.stat("a/key").etag != first.etag, "the etag must change with the content"

    # Keys

    def test_good_keys_are_taken_as_given(self, storage: Storage) -> None:
        """Odd but legal keys, unicode among them, are stored under exactly their name."""
        for number, key in enumerate(GOOD_KEYS):
            storage.write(key, str(number).encode())
        for number, key in enumerate(GOOD_KEYS):
            assert storage.read(key) == str(number).encode(), f"{key!r:.80} was mixed up"
        assert list(storage.keys()) == sorted(GOOD_KEYS), "keys must be listed as they were given"

    def test_bad_keys_are_refused(self, storage: Storage) -> None:
        """What is no key, such as ``../x``, is refused by every method, and nothing changes."""
        storage.write("a", b"1")
        other = MemoryStorage()
        for key in BAD_KEYS:
            for name, call in calls_with(storage, other, key).items():
                assert refuses(call), (
                    f"{name}({key!r:.60}) must raise InvalidKey: call check_key(key) first"
                )
        assert list(storage.keys()) == ["a"], "a refused key must leave nothing behind"

    def test_bad_prefixes_are_refused(self, storage: Storage) -> None:
        """A prefix that no key begins with is refused when the listing is asked for."""
        for prefix in ("/", "../", "a/../", "a//", "./", "a\0", "a\\"):
            assert refuses(partial(storage.keys, prefix)), (
                f"keys({prefix!r}) must raise InvalidKey: call check_prefix(prefix) first"
            )

    def test_keys_are_sorted_and_filtered_by_prefix(self, storage: Storage) -> None:
        """Keys come sorted by code point; the prefix is text and need not end at a slash."""
        names = ["a", "a-b", "a.txt", "a0", "ab/c", "b/a/x", "b/a.x", "b/a0", "b/é", "c"]
        for name in names:
            storage.write(name, b"")
        listing = storage.keys()
        assert iter(listing) is listing, "keys must return an iterator, not a list"
        assert list(listing) == sorted(names), "keys must come sorted by code point"
        for prefix in ("a", "a.", "ab/", "b", "b/", "b/a", "b/a/", "c", "x", "x/y", "b/a/x", "c/"):
            expected = sorted(name for name in names if name.startswith(prefix))
            assert list(storage.keys(prefix)) == expected, f"keys({prefix!r}) is a text prefix"

    def test_listing_goes_beyond_one_page(self, storage: Storage) -> None:
        """All keys are listed when there are more than one page of the service holds."""
        expected = [f"page/{number:06}" for number in range(self.listing_page_size + 3)]
        in_threads([partial(_touch, storage, expected[part::8]) for part in range(8)])
        found = list(storage.keys("page/"))
        assert len(found) == len(expected), (
            f"{len(found)} of {len(expected)} keys listed: follow the listing to its last page"
        )
        assert found == expected, "keys must stay sorted across pages"

    def test_listing_is_fresh(self, storage: Storage) -> None:
        """A listing shows what was written and deleted just before it."""
        assert list(storage.keys()) == [], "the fixture must give an empty storage"
        storage.write("a/one", b"")
        assert list(storage.keys()) == ["a/one"], "a write must show in the next listing"
        storage.write("a/two", b"")
        assert list(storage.keys("a/")) == ["a/one", "a/two"], "do not cache listings"
        storage.delete("a/one")
        assert list(storage.keys()) == ["a/two"], "a delete must show in the next listing"

    # Exclusive and atomic

    def test_write_if_absent_refuses_to_overwrite(self, storage: Storage) -> None:
        """With if_absent only the first write succeeds; others raise KeyExists."""
        storage.write("a/lock", b"first", if_absent=True)
        writes = {
            "write": lambda: storage.write("a/lock", b"second", if_absent=True),
            "open_write": lambda: write_stream(storage, "a/lock", b"third", if_absent=True),
        }
        for name, write in writes.items():
            error = raised_by(write)
            assert isinstance(error, KeyExists), (
                f"{name}(if_absent=True) where there is an object must raise KeyExists, by one "
                f"request that checks and writes; it gave {error!r}"
            )
            assert "a/lock" in str(error), f"{name}: the error must name the key"
        assert storage.read("a/lock") == b"first", "a refused write must change nothing"
        storage.delete("a/lock")
        storage.write("a/lock", b"fourth", if_absent=True)
        assert list(storage.keys()) == ["a/lock"], "a refused write must leave nothing behind"

    def test_one_of_many_exclusive_writers_wins(self, storage: Storage) -> None:
        """Of eight threads that write one key with if_absent at once exactly one succeeds."""
        for turn in range(10):
            key, barrier, winners = f"race/{turn}", Barrier(8), list[int]()
            compete = partial(_compete, storage, key, barrier, winners)
            in_threads([partial(compete, number) for number in range(8)])
            assert len(winners) == 1, f"{len(winners)} writers were told that they had won"
            assert storage.read(key) == b"%d" % winners[0], "the winner's value must be there"

    def test_readers_never_see_a_part(self, storage: Storage) -> None:
        """While large values replace each other, a reader sees one or the other, whole."""
        values = [bytes([letter]) * (MIB + letter) for letter in b"ab"]
        storage.write("key", values[0])
        stop = Event()

        def write() -> None:
            while not stop.is_set():
                for value in values:
                    storage.write("key", value)

        seen = set[bytes]()
        writer = CheckedThread(write)
        try:
            for _ in range(60):
                seen.add(storage.read("key"))
        finally:
            stop.set()
            writer.finish()
        assert seen <= set(values), "a reader saw a part of a value: write must be atomic"

    def test_abandoned_write_leaves_the_old_value(self, storage: Storage) -> None:
        """An exception that leaves open_write's block leaves the old value, or no object."""
        storage.write("a/old", b"old value")
        for error in (RuntimeError, KeyboardInterrupt):
            for key in ("a/old", "a/new", "b/c/new"):
                with pytest.raises(error), storage.open_write(key) as file:
                    file.write(b"half" * MIB)
                    raise error
        assert storage.read("a/old") == b"old value", "an abandoned write must leave the old value"
        assert list(storage.keys()) == ["a/old"], "an abandoned write must leave nothing behind"

    def test_killed_write_leaves_the_old_value(self, storage: Storage) -> None:
        """A process that is killed in the midst of a write leaves the old value."""
        source = self.source_for_new_process(storage)
        if source is None:
            pytest.skip("no other process can reach this storage")
        storage.write("a/old", b"old value")
        for key in ("a/old", "a/new"):
            code = f"{source}\nkey = {key!r}{_WRITE_AND_WAIT}"
            child = subprocess.Popen(  # noqa: S603  # the code is the author's own
                [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            with child:
                assert child.stdout is not None, "it is a pipe"
                assert child.stdout.readline() == b"half-way\n", "the new process failed; see above"
                assert storage.read("a/old") == b"old value", "half-written bytes were seen"
                child.kill()
        assert storage.read("a/old") == b"old value", "a killed write must leave the old value"
        assert list(storage.keys()) == ["a/old"], "a killed write must show in no listing"

    # Streams

    def test_streams_read_and_write_in_parts(self, storage: Storage) -> None:
        """Streams take and give any number of bytes at a time, also when their user closes them."""
        with storage.open_write("a/key") as file:
            for part in (b"one ", b"", b"two ", b"x" * MIB):
                file.write(part)
            assert not storage.exists("a/key"), "the object must appear only when the block ends"
        with storage.open_read("a/key") as file:
            assert file.read(3) == b"one", "read(3) must return the first three bytes"
            assert file.read(0) == b"", "read(0) must return no bytes, and skip none"
            assert file.read(5) == b" two ", "the next read must go on where the last one ended"
            assert file.read() == b"x" * MIB, "read() must return all that is left"
            assert file.read(1) == b"", "at the end read must return no bytes"
        with storage.open_write("a/key") as file:
            file.write(b"closed early")
            file.close()
        assert storage.read("a/key") == b"closed early", "a file closed in the block still counts"
        with storage.open_write("a/key"):
            pass
        assert storage.read("a/key") == b"", "a block that writes nothing makes an empty object"

    def test_streams_need_constant_memory(self, storage: Storage) -> None:
        """Writing, copying, reading and downloading a large object needs little memory."""
        if not self.supports_streams_constant_memory:
            pytest.skip("this storage says that it holds objects in memory")
        chunk, count = bytes(MIB), 4 * self.stream_memory_bytes // MIB

        def write() -> None:
            with storage.open_write("large") as file:
                for _ in range(count):
                    file.write(chunk)

        def read() -> None:
            with storage.open_read("large") as file:
                while file.read(MIB):
                    pass

        work = {
            "write": write,
            "read": read,
            "copy": lambda: storage.copy_to("large", storage, "2"),
        }
        for name, step in work.items():
            peak = peak_memory(step)
            assert peak <= self.stream_memory_bytes, (
                f"{name} of {count} MiB took {peak / MIB:.1f} MiB: do not collect the whole object"
            )
        assert storage.stat("2").size == count * MIB, "the stream must be written whole"

    # Between storages and local files

    def test_copy_and_move(self, storage: Storage) -> None:
        """Objects are copied and moved to another storage and back, and within one."""
        other = MemoryStorage()
        storage.write("a/one", b"1")
        storage.copy_to("a/one", other)
        storage.copy_to("a/one", storage, "a/two")
        copied = (other.read("a/one"), storage.read("a/two"))
        assert copied == (b"1", b"1"), "copy_to must copy to another storage, and within one"
        storage.move_to("a/one", other, "moved")
        moved = (other.read("moved"), storage.exists("a/one"))
        assert moved == (b"1", False), "move_to must copy, and then delete"
        other.copy_to("moved", storage, "b/back")
        storage.move_to("b/back", storage, "c/there")
        assert list(storage.keys()) == ["a/two", "c/there"], "moving within one must rename"
        storage.move_to("a/two", storage)
        assert storage.read("a/two") == b"1", "moving an object onto itself must not lose it"

    def test_files_round_trip(self, storage: Storage, tmp_path: Path) -> None:
        """A file is uploaded and downloaded, with progress in bytes; a failure changes no file."""
        source, target = tmp_path / "source.bin", tmp_path / "new" / "target.bin"
        source.write_bytes(b"x" * (3 * MIB + 7))
        upload = partial(storage.upload_file, source, "a/file")
        for transfer in (upload, partial(storage.download_file, "a/file", target)):
            calls = list[tuple[int, int | None, str]]()
            transfer(progress=partial(_note, calls))
            assert calls, "progress was never called"
            assert calls[-1][:2] == (3 * MIB + 7, 3 * MIB + 7), "progress must end at the total"
            assert calls == sorted(calls), "progress must not go back"
        assert target.read_bytes() == source.read_bytes(), "a file must come back byte for byte"
        error = raised_by(partial(storage.download_file, "no/such", target))
        assert isinstance(error, KeyNotFound), (
            f"what is not there must raise KeyNotFound: {error!r}"
        )
        assert target.read_bytes() == source.read_bytes(), "a failed download must change no file"
        assert list(target.parent.iterdir()) == [target], "a failed download must leave nothing"

    def test_folders_round_trip(self, storage: Storage, tmp_path: Path) -> None:
        """A folder with nested, empty and unicode files comes back the same, below a prefix."""
        files = {"a.txt": b"1", "empty": b"", "b/c/d.bin": b"x" * MIB, "b/é 日本.txt": b"2"}
        for name, data in files.items():
            path = tmp_path / "source" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        storage.write("daily-not-below", b"")
        calls = list[tuple[int, int | None, str]]()
        keys = storage.upload_folder(tmp_path / "source", "daily", progress=partial(_note, calls))
        assert keys == sorted(f"daily/{name}" for name in files), "the keys are prefix/path"
        told = [call[:2] for call in calls]
        assert told == [(done, 4) for done in range(1, 5)], "progress must count the files"
        assert list(storage.keys("daily/")) == keys, "every file must be listed below the prefix"
        storage.download_folder("daily", tmp_path / "target", workers=2)
        found = {
            path.relative_to(tmp_path / "target").as_posix(): path.read_bytes()
            for path in (tmp_path / "target").rglob("*")
            if path.is_file()
        }
        assert found == files, "every file below the prefix must come back, and nothing else"

    def test_url_opens_the_same_storage(self, storage: Storage) -> None:
        """The URL has a scheme, and opening it shows the same objects."""
        assert ":" in storage.url, "a URL begins with a scheme, such as file:"
        assert "block=" not in storage.url, "`url` is the storage alone, without ?block="
        if not self.opens_by_url:
            pytest.skip("this storage says that a URL alone does not open it")
        storage.write("a/key", b"1")
        again = type(storage).from_url(storage.url)
        assert again.read("a/key") == b"1", "from_url(url) must open the same storage"
        assert again.url == storage.url, "a URL must survive a round-trip"
        again.write("a/key", b"2")
        assert storage.read("a/key") == b"2", "what is written through the URL must be seen here"


_WRITE_AND_WAIT = """
import sys
with storage.open_write(key) as file:
    for _ in range(6):
        file.write(b"half" * 262144)
    file.flush()
    print("half-way", flush=True)
    sys.stdin.read()
"""


def _touch(storage: Storage, keys: list[str]) -> None:
    for key in keys:
        storage.write(key, b"")


def _compete(storage: Storage, key: str, barrier: Barrier, winners: list[int], number: int) -> None:
    barrier.wait(timeout=60)
    with suppress(KeyExists):
        storage.write(key, b"%d" % number, if_absent=True)
        winners.append(number)


def _note(
    calls: list[tuple[int, int | None, str]], done: int, total: int | None, text: str
) -> None:
    calls.append((done, total, text))
