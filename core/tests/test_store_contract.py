"""The store of the core keeps the contract, and the contract notices stores that do not."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from brickwork import Record, Store, VersionConflict
from brickwork.testing import StoreContract
from brickwork.vault.sqlite import SqliteStore


class TestSqliteStoreContract(StoreContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[], Store]:
        return lambda: SqliteStore(tmp_path / "new" / "vault #1 100%?é.db")


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

    def count_wrap(self, kid: bytes) -> int:
        return min(super().count_wrap(kid), 2)


class ForgetsUses(SqliteStore):
    """Knows only what is used now."""

    def users_of(self, slug: str, name: str, *, history: bool = False) -> Sequence[Record]:
        return super().users_of(slug, name)


class MakesOnReading(SqliteStore):
    """Makes a vault when somebody only looks."""

    def exists(self) -> bool:
        with self.transaction():
            return True


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
}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda each: each.__name__)
def test_the_contract_notices(broken: type[SqliteStore], tmp_path: Path) -> None:
    """Each broken store fails the assertion that is there for its fault."""
    test = getattr(StoreContract(), BROKEN[broken])
    offered: dict[str, Any] = {
        "store": broken(tmp_path / "vault.db"),
        "open_store": lambda: broken(tmp_path / "vault.db"),
    }
    wanted = inspect.signature(test).parameters
    with pytest.raises((AssertionError, pytest.fail.Exception, RuntimeError)):
        test(**{name: offered[name] for name in wanted})
    offered["store"].close()
