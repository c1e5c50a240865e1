"""The store of the core keeps the contract, and the contract notices stores that do not."""

import inspect
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from brickwork import Record, Rewrap, Store, StoreError, VersionConflict, WrappedKey
from brickwork.testing import StoreContract
from brickwork.vault.sqlite import SqliteStore


def bytes_in(folder: Path) -> bytes:
    """Every byte of every file in a folder.

    Read by another process: closing a file here would drop the locks that SQLite has on it.
    """
    files = [str(file) for file in folder.iterdir()]
    return subprocess.run(["cat", *files], stdout=subprocess.PIPE, check=True).stdout


class TestSqliteStoreContract(StoreContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[], Store]:
        return lambda: SqliteStore(tmp_path / "new" / "vault #1 100%?é.db")

    @pytest.fixture
    def stored_bytes(self, tmp_path: Path) -> Callable[[], bytes] | None:
        return lambda: bytes_in(tmp_path / "new")


class TestSqliteStoreByUrlContract(StoreContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[], Store]:
        return lambda: SqliteStore.open(f"sqlite://{tmp_path}/vault%20%23.db")


class IgnoresTheCompare(SqliteStore):
    """Adds a version whatever the newest one is."""

    def put(self, record: Record) -> None:
        try:
            super().put(record)
        except VersionConflict:
            newest = self.get(record.slug, record.name)
            if newest is not None:
                super().put(newest._replace(version=newest.version + 1, sealed=record.sealed))


class LosesTheRollback(SqliteStore):
    """Commits what an exception should have undone."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        error: BaseException | None = None
        with super().transaction():
            try:
                yield
            except BaseException as caught:  # noqa: BLE001  # raised again below
                error = caught
        if error is not None:
            raise error


class HidesErrors(SqliteStore):
    """Turns whatever the body of a transaction raises into another error."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        try:
            with super().transaction():
                yield
        except OSError as error:
            raise RuntimeError("the store failed") from error


class ShowsSealed(SqliteStore):
    """Lists with what is sealed."""

    def heads(self, slug: str | None = None) -> Sequence[Record]:
        return [self.get(head.slug, head.name) or head for head in super().heads(slug)]


class FoldsCase(SqliteStore):
    """Takes names that differ in case for one."""

    def get(self, slug: str, name: str, version: int | None = None) -> Record | None:
        found = [head for head in self.heads(slug) if head.name.lower() == name.lower()]
        return super().get(slug, found[0].name if found else name, version)


class Decodes(SqliteStore):
    """Takes the public part for text, and cleans it."""

    def put(self, record: Record) -> None:
        super().put(record._replace(public=record.public.decode("utf-8", "replace").encode()))


class ReplacesAll(SqliteStore):
    """Writes every version anew instead of one."""

    def replace(self, record: Record) -> None:
        super().replace(record)
        for each in self.versions(record.slug, record.name):
            super().replace(record._replace(version=each.version))


class MiscountsWraps(SqliteStore):
    """Forgets the count when a key is written anew."""

    def count_wrap(self, kid: bytes, times: int = 1) -> int:
        return min(super().count_wrap(kid, times), 2)


class ForgetsUses(SqliteStore):
    """Knows only what is used now."""

    def users_of(self, slug: str, name: str, *, history: bool = False) -> Sequence[Record]:
        return super().users_of(slug, name)


class MakesOnReading(SqliteStore):
    """Makes a vault when somebody only looks."""

    def exists(self) -> bool:
        with self.transaction():
            return True


class MiscountsRemoved(SqliteStore):
    """Counts versions that were not there."""

    def remove_versions(self, block_id: bytes, versions: Iterable[int]) -> int:
        wanted = list(versions)
        super().remove_versions(block_id, wanted)
        return len(wanted)


class RemovesTheNewest(SqliteStore):
    """Removes whatever version it is told to."""

    def remove_versions(self, block_id: bytes, versions: Iterable[int]) -> int:
        query = (
            "DELETE FROM documents WHERE version = ?"
            " AND id = (SELECT id FROM blocks WHERE block_id = ?)"
        )
        return sum(self._write(query, version, block_id) for version in versions)


class CountsNewest(SqliteStore):
    """Takes only the newest versions for documents."""

    def documents_by_key(self) -> Mapping[bytes, int]:
        return Counter(head.kid for head in self.heads())


class FindsNewest(SqliteStore):
    """Finds only the newest versions."""

    def sealed_with(self, kid: bytes, limit: int, after: Record | None = None) -> Sequence[Record]:
        newest = {head[:4] for head in self.heads()}
        found = super().sealed_with(kid, limit, after)
        return [each for each in found if each[:4] in newest]


class FindsWithoutSealed(SqliteStore):
    """Leaves out what is sealed."""

    def sealed_with(self, kid: bytes, limit: int, after: Record | None = None) -> Sequence[Record]:
        return [each._replace(sealed=b"") for each in super().sealed_with(kid, limit, after)]


class FindsTheSameAgain(SqliteStore):
    """Does not know where it was."""

    def sealed_with(self, kid: bytes, limit: int, after: Record | None = None) -> Sequence[Record]:
        return super().sealed_with(kid, limit)


class FindsTooMany(SqliteStore):
    """Returns all at once."""

    def sealed_with(self, kid: bytes, limit: int, after: Record | None = None) -> Sequence[Record]:
        return super().sealed_with(kid, 1000, after)


class LosesItsPlace(SqliteStore):
    """Looks for the last document among those that are left, and gives up where it is not."""

    def sealed_with(self, kid: bytes, limit: int, after: Record | None = None) -> Sequence[Record]:
        found = list(super().sealed_with(kid, 1000))
        if after is not None and after not in found:
            return []
        start = 0 if after is None else found.index(after) + 1
        return found[start : start + limit]


class RewrapsTheTime(SqliteStore):
    """Takes a rewrapped document for one that was saved."""

    def rewrap(self, changes: Sequence[Rewrap]) -> int:
        done = super().rewrap(changes)
        for old, kid, sealed in changes:
            self.replace(old._replace(kid=kid, sealed=sealed, saved_at="today"))
        return done


class RewrapsBlindly(SqliteStore):
    """Compares nothing."""

    def rewrap(self, changes: Sequence[Rewrap]) -> int:
        found = [(self.get(*each.record[1:4]), each) for each in changes]
        return super().rewrap([each._replace(record=old) for old, each in found if old])


class RewrapsByKey(SqliteStore):
    """Compares the root key, and not what is sealed."""

    def rewrap(self, changes: Sequence[Rewrap]) -> int:
        found = [(self.get(*each.record[1:4]), each) for each in changes]
        same = [(old, each) for old, each in found if old and old.kid == each.record.kid]
        return super().rewrap([each._replace(record=old) for old, each in same])


class MiscountsRewraps(SqliteStore):
    """Counts what it was told to change."""

    def rewrap(self, changes: Sequence[Rewrap]) -> int:
        super().rewrap(changes)
        return len(changes)


class CountsOneWrap(SqliteStore):
    """Counts a batch as one."""

    def count_wrap(self, kid: bytes, times: int = 1) -> int:
        return super().count_wrap(kid)


class ForgetsRenews(SqliteStore):
    """Drops what the key says about itself."""

    def put_key(self, key: WrappedKey) -> None:
        super().put_key(key._replace(renews=False))


class ClearsRenews(SqliteStore):
    """Forgets it whenever any key is written."""

    def put_key(self, key: WrappedKey) -> None:
        super().put_key(key)
        if not key.renews:
            self._write("DELETE FROM meta WHERE name = 'renewing'")


class RemovesEveryKey(SqliteStore):
    """Removes all root keys that nothing needs."""

    def remove_key(self, kid: bytes) -> None:
        self._write("DELETE FROM keys")


class RemovesTheActiveKey(SqliteStore):
    """Does not look whether it is active."""

    def remove_key(self, kid: bytes) -> None:
        if kid in self.documents_by_key():
            super().remove_key(kid)
        self._write("DELETE FROM keys WHERE kid = ?", kid)


class RemovesKeysOfOldVersions(SqliteStore):
    """Looks only at the newest versions."""

    def remove_key(self, kid: bytes) -> None:
        if any(head.kid == kid for head in self.heads()):
            super().remove_key(kid)
        self._write("DELETE FROM keys WHERE kid = ? AND NOT active", kid)


class RewrapsAnywhere(SqliteStore):
    """Begins a transaction of its own where there is none."""

    def rewrap(self, changes: Sequence[Rewrap]) -> int:
        try:
            return super().rewrap(changes)
        except StoreError:
            with self.transaction():
                return super().rewrap(changes)


class CompactsAway(SqliteStore):
    """Loses a document."""

    def compact(self) -> None:
        super().compact()
        with self.transaction():
            self.remove(self.heads()[0].block_id)


class CompactsNothing(SqliteStore):
    """Leaves the log as it is."""

    def compact(self) -> None:
        with self.transaction():
            pass


class CompactsTheLog(SqliteStore):
    """Empties the log, and does not overwrite what the file's pages had."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._pool.take(create=True).database.execute("PRAGMA secure_delete = OFF")  # type: ignore[union-attr]  # just opened
        with super().transaction():
            yield

    def compact(self) -> None:
        self._pool.handle().database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]  # just opened


BROKEN: dict[type[SqliteStore], str] = {
    IgnoresTheCompare: "test_put_compares_and_sets",
    LosesTheRollback: "test_an_exception_leaves_nothing",
    HidesErrors: "test_an_exception_leaves_nothing",
    ShowsSealed: "test_heads_are_sorted_and_without_what_is_sealed",
    FoldsCase: "test_versions_are_kept",
    Decodes: "test_records_come_back_exactly",
    ReplacesAll: "test_replace_writes_one_version_anew",
    MiscountsWraps: "test_keys_are_kept_in_order",
    ForgetsUses: "test_users_are_found",
    MakesOnReading: "test_there_is_no_vault_before_the_first_transaction",
    MiscountsRemoved: "test_versions_are_removed",
    RemovesTheNewest: "test_the_newest_version_is_not_removed",
    CountsNewest: "test_documents_are_counted_by_root_key",
    FindsNewest: "test_documents_of_a_root_key_are_found",
    FindsWithoutSealed: "test_documents_of_a_root_key_are_found",
    FindsTheSameAgain: "test_documents_of_a_root_key_are_found",
    FindsTooMany: "test_documents_of_a_root_key_are_found",
    LosesItsPlace: "test_pages_go_on_after_a_document_that_moved_or_went",
    RewrapsTheTime: "test_rewrapping_changes_the_wrapping_only",
    RewrapsBlindly: "test_rewrapping_compares_and_sets",
    RewrapsByKey: "test_rewrapping_compares_and_sets",
    MiscountsRewraps: "test_rewrapping_compares_and_sets",
    CountsOneWrap: "test_wraps_are_counted_many_at_once",
    ForgetsRenews: "test_an_encryption_anew_is_kept_with_the_active_key",
    ClearsRenews: "test_an_encryption_anew_is_kept_with_the_active_key",
    RemovesEveryKey: "test_a_root_key_is_removed",
    RemovesTheActiveKey: "test_a_root_key_that_is_needed_stays",
    RemovesKeysOfOldVersions: "test_a_root_key_that_is_needed_stays",
    RewrapsAnywhere: "test_upkeep_needs_a_transaction",
    CompactsAway: "test_compacting_keeps_everything",
    CompactsNothing: "test_compacting_leaves_no_byte_of_what_was_replaced",
    CompactsTheLog: "test_compacting_leaves_no_byte_of_what_was_replaced",
}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda each: each.__name__)
def test_the_contract_notices(broken: type[SqliteStore], tmp_path: Path) -> None:
    """Each broken store fails the assertion that is there for its fault."""
    test = getattr(StoreContract(), BROKEN[broken])
    offered: dict[str, Any] = {
        "store": broken(tmp_path / "vault.db"),
        "open_store": lambda: broken(tmp_path / "vault.db"),
        "stored_bytes": lambda: bytes_in(tmp_path),
        "limit": 2,
    }
    wanted = inspect.signature(test).parameters
    with pytest.raises((AssertionError, pytest.fail.Exception, RuntimeError)):
        test(**{name: offered[name] for name in wanted})
    offered["store"].close()
