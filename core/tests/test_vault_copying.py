"""A vault copied into another has every version of every block, whatever comes in between."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from pydantic import Field

from brickwork import (
    BasicAuth,
    Block,
    BlockExists,
    BlockNotFound,
    Notes,
    Secret,
    SecretBlock,
    Settings,
    StoreError,
    Vault,
    VaultError,
    WrongKey,
)
from brickwork.errors import TaskCancelled
from brickwork.store import AuditRow
from brickwork.tasks import Progress, Scope, on_progress
from brickwork.vault import copying
from brickwork.vault.copying import CopyReport, copy_vault
from brickwork.vault.envelope import Secrets, seal_secrets

SCALE = int(os.environ.get("BRICKWORK_ATTACK_SCALE", "1"))


class Service(Block):
    """Something that logs in."""

    slug: ClassVar[str] = "copytest-service"

    url: str = Field(description="Where it is.")
    login: BasicAuth = Field(description="Who logs in.")
    keys: dict[str, Secret[bytes]] = Field(default_factory=dict, description="More keys.")


def vault_at(folder: Path) -> Vault:
    """Open a vault with a key of its own."""
    return Vault.open(str(folder / "data" / "vault.db"), keys=f"file:{folder / 'key' / 'key'}")


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Vault]:
    """A vault with some of everything."""
    with vault_at(tmp_path / "source") as vault:
        notes = Notes("for the night", ("prod", "team:data"), datetime(2030, 1, 1, tzinfo=UTC))
        vault.save(BasicAuth(username="app", password="password-one"), "app", notes=notes)
        login = BasicAuth(username="app", password="password-two")
        vault.save(login, "app", overwrite=True)
        keys = {"a/b": Secret(b"\x00\xff bytes"), "": Secret(b"empty name")}
        vault.save(Service(url="http://a", login=login, keys=keys), "linked")
        inside = BasicAuth(username="in", password="password-inside")
        vault.save(Service(url="http://b", login=inside), "embedded")
        vault.save(Settings(value={"text": "${env:NAME} {{ jinja }}", "n": [1, None]}), "limits")
        yield vault


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Vault]:
    """A vault that is not made yet."""
    with vault_at(tmp_path / "target") as vault:
        yield vault


def contents(vault: Vault) -> dict[str, object]:
    """Return all that a vault says of every version of every block, secrets in clear."""
    found: dict[str, object] = {}
    for head in vault.documents():
        for version in vault.history(f"{head.slug}/{head.name}"):
            record = version._record
            secrets = dict(vault._reader.secrets_of(record))
            found[str(version.address)] = (record.block_id, *record[4:7], record.public, secrets)
    return found


def dump(vault: Vault) -> list[str]:
    """Return the whole database as SQL."""
    with closing(sqlite3.connect(vault.store.location)) as database:
        return list(database.iterdump())


def copies(vault: Vault) -> list[AuditRow]:
    """Return what the audit trail says of copies."""
    return [row for row in vault.store.audit_rows() if b'"action":"copy"' in row.content]


def outcomes(report: CopyReport) -> dict[str, str]:
    """Return address to outcome."""
    return {block.address: block.action for block in report.blocks}


def corrupt(vault: Vault, address: str, version: int) -> None:
    """Change one byte of what is sealed."""
    slug, _, name = address.partition("/")
    vault.close()
    with closing(sqlite3.connect(vault.store.location)) as database:
        where = (
            "id = (SELECT id FROM blocks WHERE slug = ? AND name = ?) AND version = ?",
            (slug, name, version),
        )
        query = f"SELECT sealed FROM documents WHERE {where[0]}"
        [(sealed,)] = database.execute(query, where[1]).fetchall()
        changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
        done = database.execute(
            f"UPDATE documents SET sealed = ? WHERE {where[0]}", (changed, *where[1])
        )
        assert done.rowcount == 1
        database.commit()


# All of it


def test_every_version_arrives_and_opens_with_another_key(source: Vault, target: Vault) -> None:
    """Values, ids, who and when, notes and references are the same; keys and store id are not."""
    report = copy_vault(source, target)

    assert report.complete
    assert set(outcomes(report).values()) == {"copied"}
    assert contents(target) == contents(source)
    assert len(contents(target)) == 5
    assert target.store.store_id != source.store.store_id
    kids = {key.kid for key in target.keys.status()}
    assert kids.isdisjoint(key.kid for key in source.keys.status())
    for document in source.documents():
        address = f"{document.slug}/{document.name}"
        assert target.load(address) == source.load(address)
        assert target.document(address).notes == document.notes
        assert target.document(address).uses == document.uses
        assert target.used_by(address) == source.used_by(address)
    assert target.document("basic-auth/app").notes.tags == ("prod", "team:data")


def test_references_lead_to_the_blocks_of_the_target(source: Vault, target: Vault) -> None:
    """Rotating a child in the target reaches its parents there, and only there."""
    copy_vault(source, target)
    target.save(BasicAuth(username="app", password="password-new"), "app", overwrite=True)

    assert target.load("copytest-service/linked", expect=Service).login.password.reveal() == (
        "password-new"
    )
    assert source.load("copytest-service/linked", expect=Service).login.password.reveal() == (
        "password-two"
    )


def test_references_in_fields_stay_references(
    source: Vault, target: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are copied as written, fetched in the target, and count as uses there."""
    fields = {"username": "${env:COPYTEST_USER}", "password": "${block:basic-auth/app#password}"}
    source.define("basic-auth/aaa", fields)
    report = copy_vault(source, target)  # without the variable: nothing is fetched
    order = [block.address for block in report.blocks]

    assert order.index("basic-auth/app") < order.index("basic-auth/aaa")
    assert "basic-auth/aaa" in {f"{a.slug}/{a.name}" for a in target.used_by("basic-auth/app")}
    monkeypatch.setenv("COPYTEST_USER", "somebody")
    target.save(BasicAuth(username="app", password="password-new"), "app", overwrite=True)
    assert target.load("basic-auth/aaa") == BasicAuth(username="somebody", password="password-new")


def test_children_come_before_their_parents(source: Vault, target: Vault) -> None:
    """At no commit does a block refer to one that is not there yet."""
    chain: Block = SecretBlock(value="at the end of it")
    source.save(chain, "end")
    for number in range(9, 0, -1):  # names that sort the wrong way round
        child = BasicAuth(username=f"u{number}", password="password-chain")
        source.save(child, f"z{number}")
        chain = Service(url=f"http://{number}", login=child)
        source.save(chain, f"a{number}")
    order = [block.address for block in copy_vault(source, target).blocks]

    for document in source.documents():
        for child_address in document.uses:
            here = f"{document.slug}/{document.name}"
            assert order.index(f"{child_address.slug}/{child_address.name}") < order.index(here)


def test_a_second_copy_writes_nothing(source: Vault, target: Vault) -> None:
    """All is recognised as the same; the target's database is byte for byte what it was."""
    copy_vault(source, target)
    before = dump(target)
    report = copy_vault(source, target)

    assert set(outcomes(report).values()) == {"same"}
    assert dump(target) == before


def test_what_was_saved_since_is_added(source: Vault, target: Vault) -> None:
    """New versions and new blocks arrive, under the numbers that they have."""
    copy_vault(source, target)
    source.save(BasicAuth(username="app", password="password-three"), "app", overwrite=True)
    source.save(SecretBlock(value="something new"), "new")
    report = copy_vault(source, target)

    changed = {block.address: block.versions for block in report.having("copied")}
    assert changed == {"basic-auth/app": (3,), "secret/new": (1,)}
    assert contents(target) == contents(source)


def test_pruned_versions_stay_away(source: Vault, target: Vault) -> None:
    """Gaps in the numbers are gaps in the target too, at the start and in the middle."""
    for number in range(3, 9):
        source.save(BasicAuth(username="app", password=f"password-{number}"), "app", overwrite=True)
    block_id = source.store.versions("basic-auth", "app")[0].block_id
    with source.store.transaction():
        source.store.remove_versions(block_id, [1, 2, 5, 6])
    copy_vault(source, target)

    assert [document.version for document in target.history("basic-auth/app")] == [3, 4, 7, 8]
    assert contents(target) == contents(source)
    target.save(BasicAuth(username="app", password="password-next"), "app", overwrite=True)
    assert target.document("basic-auth/app").version == 9


def test_versions_pruned_in_either_are_no_conflict(source: Vault, target: Vault) -> None:
    """After pruning on one side, the other is recognised all the same and gets what is newer."""
    copy_vault(source, target)
    block_id = source.store.versions("basic-auth", "app")[0].block_id
    with target.store.transaction():
        target.store.remove_versions(block_id, [1])
    assert outcomes(copy_vault(source, target))["basic-auth/app"] == "same"
    source.save(BasicAuth(username="app", password="password-three"), "app", overwrite=True)
    with source.store.transaction():
        source.store.remove_versions(block_id, [1, 2])
    assert outcomes(copy_vault(source, target))["basic-auth/app"] == "copied"
    assert [document.version for document in target.history("basic-auth/app")] == [2, 3]


def test_the_audit_trail_has_one_entry_for_each_block(source: Vault, target: Vault) -> None:
    """It names block, versions and source, and no value."""
    copy_vault(source, target)

    rows = copies(target)
    assert len(rows) == len(source.documents()) == 4
    whole = b"".join(row.content for row in rows)
    assert whole.count(source.store.store_id.hex().encode()) == 4
    assert b"basic-auth/app@2" in whole
    assert b"password" not in whole


def test_a_dry_run_changes_nothing(source: Vault, target: Vault) -> None:
    """It says what would be done; not even the vault is made."""
    report = copy_vault(source, target, dry_run=True)
    assert set(outcomes(report).values()) == {"copied"}
    assert report.dry_run
    assert not target.store.exists()

    target.save(SecretBlock(value="already here"), "own")
    before = dump(target)
    assert len(copy_vault(source, target, dry_run=True).having("copied")) == 4
    assert dump(target) == before


def test_a_vault_without_blocks_is_copied_as_nothing(tmp_path: Path, target: Vault) -> None:
    """There is nothing to do, and no vault is made for it."""
    with vault_at(tmp_path / "empty") as empty:
        empty.save(SecretBlock(value="soon gone"), "gone")
        empty.delete("secret/gone")
        assert copy_vault(empty, target) == CopyReport((), dry_run=False)
    assert not target.store.exists()


# Conflicts


def test_a_conflict_is_reported_and_changes_nothing_of_that_block(
    source: Vault, target: Vault
) -> None:
    """The other blocks arrive; what would use the one in conflict does not."""
    target.save(BasicAuth(username="somebody", password="password-else"), "app")
    before = {
        key: value for key, value in contents(target).items() if key.startswith("basic-auth/app")
    }
    report = copy_vault(source, target)

    assert outcomes(report) == {
        "basic-auth/app": "conflict",
        "copytest-service/linked": "failed",
        "copytest-service/embedded": "copied",
        "settings/limits": "copied",
    }
    assert not report.complete
    after = contents(target)
    assert {key: after[key] for key in after if key.startswith("basic-auth/app")} == before
    assert [d.name for d in target.documents("copytest-service")] == ["embedded"]
    [linked] = report.having("failed")
    assert "basic-auth/app" in linked.reason


def test_a_conflict_can_stop_all_of_it(source: Vault, target: Vault) -> None:
    """With on_conflict="error", nothing is written and the error names the block."""
    target.save(BasicAuth(username="somebody", password="password-else"), "app")
    before = dump(target)
    with pytest.raises(BlockExists, match="basic-auth/app"):
        copy_vault(source, target, on_conflict="error")
    assert dump(target) == before


def test_the_same_block_saved_on_its_own_is_no_conflict(source: Vault, target: Vault) -> None:
    """Another id with the same content is what was wanted."""
    target.save(Settings(value={"text": "${env:NAME} {{ jinja }}", "n": [1, None]}), "limits")
    report = copy_vault(source, target)
    assert outcomes(report)["settings/limits"] == "same"
    assert len(target.history("settings/limits")) == 1


def test_versions_that_went_apart_are_a_conflict(source: Vault, target: Vault) -> None:
    """Both sides saved a version 3: neither is taken for the other."""
    copy_vault(source, target)
    for vault, password in ((source, "password-left"), (target, "password-right")):
        vault.save(BasicAuth(username="app", password=password), "app", overwrite=True)
    [conflict] = copy_vault(source, target).having("conflict")
    assert conflict.address == "basic-auth/app"
    assert "version 3" in conflict.reason


def test_a_newer_version_in_the_target_is_no_conflict(source: Vault, target: Vault) -> None:
    """The target has all of the source, and more."""
    copy_vault(source, target)
    target.save(BasicAuth(username="app", password="password-right"), "app", overwrite=True)
    assert copy_vault(source, target).complete


@pytest.mark.parametrize("where", ["source", "target"])
def test_a_renamed_block_is_recognised(source: Vault, target: Vault, where: str) -> None:
    """It is not copied a second time under the other name."""
    copy_vault(source, target)
    (source if where == "source" else target).rename("settings/limits", "bounds")
    [conflict] = copy_vault(source, target).having("conflict")
    assert "it is saved there as settings/" in conflict.reason
    assert len(target.documents("settings")) == 1


# What cannot be read


def test_an_unreadable_block_is_named_and_hinders_no_other(source: Vault, target: Vault) -> None:
    """Only that block, and what uses it, stays behind."""
    corrupt(source, "basic-auth/app", 2)
    report = copy_vault(source, target)

    assert outcomes(report) == {
        "basic-auth/app": "failed",
        "copytest-service/linked": "failed",
        "copytest-service/embedded": "copied",
        "settings/limits": "copied",
    }
    [bad] = [block for block in report.blocks if block.address == "basic-auth/app"]
    assert bad.unreadable == (2,)
    assert target.documents("basic-auth") == []


def test_an_unreadable_old_version_is_named_and_the_rest_arrives(
    source: Vault, target: Vault
) -> None:
    """The newest version is what loads use; an older one that is broken does not keep it away."""
    corrupt(source, "basic-auth/app", 1)
    for _ in range(2):  # a second copy says it again
        report = copy_vault(source, target)
        assert not report.complete
        [bad] = report.unreadable
        assert (bad.address, bad.unreadable) == ("basic-auth/app", (1,))
    assert [document.version for document in target.history("basic-auth/app")] == [2]
    assert target.load("copytest-service/linked") == source.load("copytest-service/linked")


@pytest.mark.parametrize("public", [b"[]", b"{", b"\xff", b'{"fields":{}}', b'{"blocks":[1]}'])
def test_a_public_part_that_is_none_hinders_no_other(
    source: Vault, target: Vault, public: bytes
) -> None:
    """Whatever somebody wrote there, the block is named and the others arrive."""
    source.close()
    with closing(sqlite3.connect(source.store.location)) as database:
        database.execute(
            "UPDATE documents SET public = ? WHERE id ="
            " (SELECT id FROM blocks WHERE name = 'limits')",
            (public,),
        )
        database.commit()
    report = copy_vault(source, target)
    assert outcomes(report)["settings/limits"] == "failed"
    assert len(report.having("copied")) == 3


def test_another_key_for_the_source_is_one_error(source: Vault, target: Vault) -> None:
    """Nothing is made when the source cannot be opened at all."""
    copy_vault(source, target)
    stranger = Vault.open(source.store.location, keys=f"file:{_key_of(target)}")
    fresh = Vault.open(f"{target.store.location}.new", keys=f"file:{_key_of(target)}")
    with stranger, fresh:
        with pytest.raises(WrongKey):
            copy_vault(stranger, fresh)
        assert not fresh.store.exists()


def test_another_key_for_the_target_is_an_error(source: Vault, target: Vault) -> None:
    """What is there is not compared with nothing, and nothing is added."""
    copy_vault(source, target)
    before = dump(target)
    source.save(SecretBlock(value="something new"), "new")
    stranger = Vault.open(target.store.location, keys=f"file:{_key_of(source)}")
    with stranger, pytest.raises(WrongKey):
        copy_vault(source, stranger)
    assert dump(target) == before


def _key_of(vault: Vault) -> Path:
    return Path(vault.store.location).parents[1] / "key" / "key"


# Wrong ends


def test_a_vault_is_not_copied_into_itself(source: Vault, tmp_path: Path) -> None:
    """Neither by the same path, nor by another, nor into a copy of its file."""
    with vault_at(tmp_path / "source") as again, pytest.raises(VaultError, match="same vault"):
        copy_vault(source, again)
    source.close()
    other = tmp_path / "file-copy.db"
    shutil.copy(source.store.location, other)
    same = Vault.open(str(other), keys=f"file:{_key_of(source)}")
    with same, pytest.raises(VaultError, match="same vault"):
        copy_vault(source, same)


def test_a_source_that_is_not_there_is_an_error(tmp_path: Path, target: Vault) -> None:
    """A misspelt path makes no vault, on neither side."""
    with vault_at(tmp_path / "nowhere") as nowhere:
        with pytest.raises(BlockNotFound, match="no vault"):
            copy_vault(nowhere, target)
        assert not nowhere.store.exists()
    assert not target.store.exists()


@contextmanager
def _read_only(vault: Vault) -> Iterator[None]:
    """Let SQLite refuse every write, as a read-only disk does."""
    vault.close()
    with closing(sqlite3.connect(vault.store.location)) as database:
        for table in ("blocks", "documents", "audit"):
            database.execute(
                f"CREATE TRIGGER no_{table} BEFORE INSERT ON {table}"
                " BEGIN SELECT RAISE(ABORT, 'attempt to write a readonly database'); END"
            )
        database.commit()
    yield
    vault.close()


def test_a_target_that_cannot_be_written_is_as_it_was(source: Vault, target: Vault) -> None:
    """The error has a type, nothing is half there; what needs no writing still works."""
    copy_vault(source, target)
    source.save(SecretBlock(value="something new"), "new")
    with _read_only(target):
        before = contents(target)
        with pytest.raises(StoreError):
            copy_vault(source, target)
        assert contents(target) == before
        source.delete("secret/new")
        assert copy_vault(source, target).complete


def test_what_does_not_come_back_is_noticed(
    source: Vault, target: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that keeps something else than it was given fails the copy."""
    target.save(SecretBlock(value="already here"), "own")
    with closing(sqlite3.connect(target.store.location)) as database:
        database.execute(
            "CREATE TRIGGER lies AFTER INSERT ON documents BEGIN"
            " UPDATE documents SET saved_by = 'nobody@nowhere' WHERE saved_at = new.saved_at; END"
        )
        database.commit()
    with pytest.raises(StoreError, match="did not come back"):
        copy_vault(source, target)


def test_a_copy_can_be_cancelled(
    source: Vault, target: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stops between two batches, and goes on when it is run again."""
    monkeypatch.setattr(copying, "_BATCH", 1)
    reports: list[Progress] = []
    with Scope("outer") as outer:

        def listen(report: Progress) -> None:
            reports.append(report)
            if report.done == 2:
                outer.cancel()

        with on_progress(listen), pytest.raises(TaskCancelled):
            copy_vault(source, target)
    assert 0 < len(target.documents()) < 4
    assert copy_vault(source, target).complete
    assert len(copies(target)) == 4
    assert [report.done for report in reports] == sorted(report.done for report in reports)


# Kills

_COPIER = """
import os, sys
from brickwork import Vault
from brickwork.tasks import on_progress
from brickwork.vault import copying
copying._BATCH = 4
source, source_key, target, target_key = sys.argv[1:]
with Vault.open(source, f"file:{source_key}") as a, Vault.open(target, f"file:{target_key}") as b:
    with on_progress(lambda report: os.write(1, b"%d\\n" % report.done)):
        report = copying.copy_vault(a, b)
os.write(1, b"complete\\n" if report.complete else b"incomplete\\n")
"""


@pytest.mark.attack
def test_a_killed_copy_goes_on_and_copies_nothing_twice(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """After each kill -9 what is in the target is whole; in the end all is there, once."""
    chance, kills, rounds = random.Random(7), 0, 2 * SCALE
    with vault_at(tmp_path / "source") as source:
        for number in range(24):
            login = BasicAuth(username=f"user-{number}", password=f"password-{number}")
            source.save(login, f"z{number}")
            source.save(Service(url="http://a", login=login), f"a{number}")
            for change in range(number % 3):
                login = BasicAuth(username=f"user-{number}", password=f"changed-{change}")
                source.save(login, f"z{number}", overwrite=True)
        expected = contents(source)
    for attempt in range(rounds):
        folder = tmp_path / f"target-{attempt}"
        while not _killed_copy(tmp_path / "source", folder, chance):
            kills += 1
            with vault_at(folder) as target:
                _check_whole(target, expected)
        with vault_at(folder) as target:
            assert contents(target) == expected
            assert len(copies(target)) == 48, "one entry for each block: nothing was copied twice"
    assert kills >= rounds * 3, "too few kills to prove anything"
    record_property("kills of a copy", kills)


def _killed_copy(source: Path, target: Path, chance: random.Random) -> bool:
    """Run a copy and kill it some time; tell whether it came to its end before."""
    ends = [part for end in (source, target) for part in (end / "data/vault.db", end / "key/key")]
    command = [sys.executable, "-c", _COPIER, *map(str, ends)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(chance.randint(1, 15)):  # of 14 that a whole run writes
            if process.stdout.readline() == b"complete\n":
                return True
        time.sleep(chance.random() * 0.004)  # anywhere inside the next transaction
        process.send_signal(signal.SIGKILL)
        return b"complete\n" in process.stdout.read()


def _check_whole(target: Vault, expected: dict[str, object]) -> None:
    found = contents(target)
    assert found.items() <= expected.items()
    blocks = {address.partition("@")[0] for address in found}
    whole = {address for address in expected if address.partition("@")[0] in blocks}
    assert set(found) == whole, "a block is there with some of its versions"
    for document in target.documents():
        target.load(f"{document.slug}/{document.name}")


def test_a_thousand_blocks_take_seconds(
    tmp_path: Path, target: Vault, record_property: Callable[[str, object], None]
) -> None:
    """1,000 blocks are copied and verified in a time that nobody minds."""
    with vault_at(tmp_path / "many") as many:
        many.save(SecretBlock(value="the first of them"), "b0")
        first = many.store.get("secret", "b0")
        assert first is not None
        # Put together by hand, since a thousand saves take longer than what is measured here.
        with many.store.transaction():
            key = many.keys.for_sealing()
            for number in range(1, 1000):
                named = first._replace(name=f"b{number}", block_id=os.urandom(16), kid=key.kid)
                identity = many._reader.identity_of(named)
                secrets = Secrets({"/value": f"secret-value-{number}"})
                sealed = seal_secrets(key, identity, named.public, secrets)
                many.store.put(named._replace(sealed=sealed))
        began = time.perf_counter()
        report = copy_vault(many, target)
        copied = time.perf_counter() - began
        again = time.perf_counter()
        assert len(copy_vault(many, target).having("same")) == 1000
        again = time.perf_counter() - again
    assert len(report.having("copied")) == 1000
    assert copied < 20
    assert target.load("secret/b999", expect=SecretBlock).reveal() == "secret-value-999"
    record_property("seconds to copy 1,000 blocks", round(copied, 3))
    record_property("seconds to find 1,000 blocks the same", round(again, 3))


# Any history

_STEP = st.one_of(
    st.tuples(st.just("save"), st.integers(0, 3), st.integers(0, 5)),
    st.tuples(st.just("prune"), st.integers(0, 3), st.integers(1, 4)),
    st.tuples(st.just("link"), st.integers(0, 3), st.integers(0, 3)),
    st.tuples(st.just("copy"), st.just(0), st.just(0)),
)


@settings(max_examples=15 * SCALE, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(_STEP, min_size=1, max_size=14))
def test_whatever_happens_in_the_source_the_copy_follows(
    steps: list[tuple[str, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Saves, prunes and links between copies: the last copy has what the source has."""
    folder = tmp_path_factory.mktemp("any")
    with vault_at(folder / "source") as source, vault_at(folder / "target") as target:
        source.save(Settings(value="there from the start"), "start")
        for kind, block, value in [*steps, ("copy", 0, 0)]:
            if kind == "save":
                login = BasicAuth(username=f"user-{value}", password=f"password-{value}")
                source.save(login, f"b{block}", overwrite=True)
            elif kind == "link" and source.store.get("basic-auth", f"b{value}"):
                login = source.load(f"basic-auth/b{value}", expect=BasicAuth)
                source.save(Service(url="http://a", login=login), f"s{block}", overwrite=True)
            elif kind == "prune" and (newest := source.store.get("basic-auth", f"b{block}")):
                with source.store.transaction():
                    source.store.remove_versions(newest.block_id, {value} - {newest.version})
            elif kind == "copy":
                assert copy_vault(source, target).complete
        ours, theirs = contents(source), contents(target)
        assert ours.items() <= theirs.items()
        assert {key.partition("@")[0] for key in theirs} == {key.partition("@")[0] for key in ours}
