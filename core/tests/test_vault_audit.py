"""The audit trail tells who did what, finds entries, and records loads where that is asked for."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from brickwork import (
    Address,
    AuditEntry,
    AuditHead,
    AuditTrail,
    AuditUnavailable,
    BasicAuth,
    Block,
    BlockNotFound,
    Config,
    ConfigError,
    InvalidName,
    KeyUnavailable,
    SecretBlock,
    Settings,
    StoreError,
    TamperedCiphertext,
    Vault,
    WrongKey,
)
from brickwork.vault import who as who_module

SENTINEL = "never-in-the-trail"


class Parent(Block):
    """A block that refers to another one."""

    slug = "trailtest-parent"
    child: Block = Field(description="Another block.")


def told(entries: Any) -> list[str]:
    """What entries say, in short."""
    return [f"{entry.action} {entry.address or ''}".strip() for entry in entries]


def database_of(vault: Vault) -> sqlite3.Connection:
    """The database, with the triggers of the trail removed."""
    database = sqlite3.connect(vault.store.location, isolation_level=None)
    for name in ("audit_is_not_changed", "audit_is_not_removed"):
        database.execute(f"DROP TRIGGER {name}")
    return database


# What an entry says


def test_an_entry_says_who_did_what_when_to_which(memory_vault: Vault) -> None:
    """Time, user, action, the address with its version, the block, the key; no value."""
    before = datetime.now(UTC)
    memory_vault.save(BasicAuth(username="app", password=SENTINEL), "prod")
    memory_vault.rename("basic-auth/prod", "live")

    rename, save = memory_vault.audit.entries()

    assert (save.position, rename.position) == (1, 2)
    assert save.at is not None
    assert before <= save.at <= datetime.now(UTC)
    assert save.at.tzinfo is not None
    assert save.action == "save"
    assert save.address == Address("basic-auth", "prod", 1)
    assert save.kid == memory_vault.document("basic-auth/live").kid
    assert save.block == rename.block != ""
    assert save.detail == {}
    assert rename.address == Address("basic-auth", "live", 1)
    assert rename.detail == {"old": "basic-auth/prod"}
    assert save.readable
    assert all(SENTINEL.encode() not in entry.row.content for entry in (save, rename))
    assert "app" not in save.row.content.decode()
    assert repr(save) == "AuditEntry(1, 'save basic-auth/prod@1')"


def test_the_user_is_the_one_of_the_process(
    memory_vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not what LOGNAME and USER say, which anybody can set."""
    import pwd
    import socket

    monkeypatch.setattr(who_module, "_known", {})
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    memory_vault.save(Settings(value=1), "a")
    [entry] = memory_vault.audit.entries()
    assert entry.who == f"{pwd.getpwuid(os.geteuid()).pw_name}@{socket.gethostname()}"
    assert memory_vault.document("settings/a").saved_by == entry.who


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs as a user of no password file."""
    monkeypatch.setattr(who_module, "_known", {})
    monkeypatch.setattr(os, "geteuid", lambda: 2**31 - 7)
    assert who_module.who().startswith(f"{2**31 - 7}@")


def test_who_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once in a process and again in a forked child, or when the process becomes another user."""
    calls: list[int] = []

    def looked_up(uid: int) -> str:
        calls.append(uid)
        return f"{uid}@host"

    monkeypatch.setattr(who_module, "_known", {})
    monkeypatch.setattr(who_module, "_looked_up", looked_up)
    for _ in range(3):
        assert who_module.user_at_host() == f"{os.geteuid()}@host"
    assert calls == [os.geteuid()]
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert who_module.user_at_host() == "12345@host"
    monkeypatch.setattr(os, "getpid", lambda: -1)
    who_module.user_at_host()
    assert len(calls) == 3


def test_the_actor_is_named_beside_the_user(
    memory_vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BRICKWORK_ACTOR says for whom: in the trail, and in the document."""
    monkeypatch.setenv("BRICKWORK_ACTOR", " deploy job 17 ")
    memory_vault.save(Settings(value=1), "a")
    [entry] = memory_vault.audit.entries()
    assert entry.actor == "deploy job 17"
    assert "@" in entry.who
    assert "deploy" not in entry.who
    assert memory_vault.document("settings/a").saved_by == f"{entry.who} (deploy job 17)"


@pytest.mark.parametrize(
    ("given", "kept"),
    [("x" * 500, "x" * 100), ("a\nb\x1b[31m\u202e", "a?b?[31m?"), ("", ""), ("näme 🔑", "näme 🔑")],
)
def test_an_actor_is_cut_and_printable(
    monkeypatch: pytest.MonkeyPatch, given: str, kept: str
) -> None:
    """What a variable holds cannot move a cursor or fill the trail."""
    monkeypatch.setenv("BRICKWORK_ACTOR", given)
    assert who_module.actor() == kept


def test_an_actor_that_is_no_text_is_kept_readable(memory_vault: Vault) -> None:
    """Bytes that are not UTF-8 in the variable break nothing."""
    program = "from brickwork import Settings; Settings(value=1).save('a')"
    subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environb, b"BRICKWORK_ACTOR": b"caf\xe9"},
        check=True,
    )
    [entry] = memory_vault.audit.entries()
    assert entry.actor == "caf?"


# Finding entries


@pytest.fixture
def eventful(memory_vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Vault:
    """A vault with ten entries."""
    for number in range(3):
        memory_vault.save(Settings(value=number), "a", overwrite=True)
    memory_vault.save(SecretBlock(value="a-value"), "a")
    memory_vault.rename("settings/a", "b")
    monkeypatch.setenv("BRICKWORK_ACTOR", "nightly")
    memory_vault.keys.rotate()
    memory_vault.save(Settings(value=9), "b", overwrite=True)
    memory_vault.save(Settings(value=0), "a")
    memory_vault.delete("settings/b")
    return memory_vault


ALL = [
    *("save settings/a@1", "save settings/a@2", "save settings/a@3", "save secret/a@1"),
    *("rename settings/b@3", "keys.rotate", "keys.finished", "save settings/b@4"),
    *("save settings/a@1", "delete settings/b@4"),
]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, range(10)),
        ({"address": "settings/a"}, [0, 1, 2, 4, 8]),
        ({"address": "settings/b"}, [4, 7, 9]),
        ({"address": "settings/a@2"}, [1]),
        ({"address": "settings"}, [0, 1, 2, 4, 7, 8, 9]),
        ({"address": "secret"}, [3]),
        ({"address": "settings/none"}, []),
        ({"action": "save"}, [0, 1, 2, 3, 7, 8]),
        ({"action": ["rename", "delete"]}, [4, 9]),
        ({"action": "keys"}, [5, 6]),
        ({"action": "keys.rotate"}, [5]),
        ({"who": "nightly"}, [5, 6, 7, 8, 9]),
        ({"who": "@"}, range(10)),
        ({"who": "nobody at all"}, []),
        ({"limit": 3}, [7, 8, 9]),
        ({"limit": 0}, []),
        ({"limit": 3, "oldest_first": True}, [0, 1, 2]),
        ({"action": "save", "address": "settings", "limit": 2}, [7, 8]),
        ({"since": datetime(2020, 1, 1)}, range(10)),  # local, as documented
        ({"since": datetime(2199, 1, 1, tzinfo=UTC)}, []),
        ({"until": datetime(2199, 1, 1, tzinfo=UTC)}, range(10)),
        ({"until": datetime(2020, 1, 1, tzinfo=UTC)}, []),
    ],
)
def test_entries_are_found(eventful: Vault, asked: dict[str, Any], found: list[int]) -> None:
    """By address, action, who, time; as many as asked for, the newest first or the oldest."""
    assert told(eventful.audit.entries(oldest_first=True)) == ALL
    expected = [ALL[number] for number in found]
    if not asked.get("oldest_first"):
        expected.reverse()
    assert told(eventful.audit.entries(**asked)) == expected


def test_times_bound_what_is_found(eventful: Vault) -> None:
    """`since` is within, `until` is not."""
    at = next(iter(eventful.audit.entries(action="rename"))).at
    assert at is not None
    assert len(list(eventful.audit.entries(since=at))) == 6
    assert len(list(eventful.audit.entries(until=at))) == 4
    assert told(eventful.audit.entries(since=at, until=at + timedelta(microseconds=1))) == [ALL[4]]


def test_an_address_that_is_none_is_refused(memory_vault: Vault) -> None:
    """Before anything is read."""
    for wrong in ("Not a slug", "settings/", "settings/a@x"):
        with pytest.raises(InvalidName):
            memory_vault.audit.entries(address=wrong)


def test_there_is_nothing_where_there_is_no_vault(tmp_path: Path) -> None:
    """Looking at the trail of a vault that was never made makes none."""
    with Vault.open(str(tmp_path / "none.db"), keys="env:NOT_SET_ANYWHERE") as vault:
        assert list(vault.audit.entries()) == []
        assert str(vault.audit.head()) == str(vault.audit.verify()) == "0:"
        assert not vault.store.exists()


def test_listing_needs_no_key(memory_vault: Vault) -> None:
    """Verifying does."""
    memory_vault.save(Settings(value=1), "a")
    with Vault.open(memory_vault.store.location, keys="env:NOT_SET_ANYWHERE") as vault:
        assert told(vault.audit.entries()) == ["save settings/a@1"]
        with pytest.raises(KeyUnavailable):
            vault.audit.verify()
        with pytest.raises(KeyUnavailable):
            vault.audit.head()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"null",
        b"[1]",
        b"{}",
        b'{"at":"yesterday","action":"save"}',
        b'{"at":"2026-01-01T00:00:00","action":"save"}',
        b'{"at":"2026-01-01T00:00:00+00:00"}',
        b'{"at":"2026-01-01T00:00:00+00:00","action":7}',
        b'{"at":"2026-01-01T00:00:00+00:00","action":"save","address":"../x"}',
        b'{"at":"2026-01-01T00:00:00+00:00","action":"save","address":7}',
        b'{"at":"2026-01-01T00:00:00+00:00","action":"save","detail":[]}',
        b'{"at":"2026-01-01T00:00:00+00:00","action":"save","who":{}}',
        b"[" * 100_000,
        b'{"at":%b}' % (b"9" * 5000),
    ],
)
def test_an_entry_that_cannot_be_read_breaks_nothing(memory_vault: Vault, content: bytes) -> None:
    """It shows as unreadable, whatever is asked for; the others show as they are."""
    for number in range(3):
        memory_vault.save(Settings(value=number), f"n{number}")
    with closing(database_of(memory_vault)) as database:
        database.execute("UPDATE audit SET content = ? WHERE position = 2", (content,))

    entries = list(memory_vault.audit.entries())

    assert [entry.readable for entry in entries] == [True, False, True]
    assert (entries[1].position, entries[1].at, entries[1].action) == (2, None, "")
    assert repr(entries[1]) == "AuditEntry(2, 'unreadable')"
    found = memory_vault.audit.entries(address="settings/n0", until=datetime.now(UTC))
    assert [entry.position for entry in found] == [2, 1]
    memory_vault.save(Settings(value=7), "still")


def test_rows_at_absurd_positions_do_not_stop_a_listing(memory_vault: Vault) -> None:
    """Reading backwards does not count down through what is not there."""
    memory_vault.save(Settings(value=1), "a")
    with closing(database_of(memory_vault)) as database:
        for position in (-5, 2**62):
            database.execute("INSERT INTO audit VALUES (?, x'00', x'00', x'00')", (position,))
    assert [entry.position for entry in memory_vault.audit.entries()] == [2**62, 1, -5]


def test_listing_takes_memory_for_a_part_only(memory_vault: Vault) -> None:
    """Entries come as they are asked for; so does verifying."""
    from brickwork.testing.concurrent import peak_memory

    trail = memory_vault.audit
    with memory_vault.store.transaction():
        for _ in range(6000):
            trail.append("export", None, text="x" * 1000)
    assert peak_memory(lambda: next(iter(trail.entries()))) < 3_000_000
    assert peak_memory(lambda: trail.verify(documents=False)) < 6_000_000
    assert memory_vault.store.audit_rows()[0].content.__sizeof__() * 6000 > 6_000_000


# Heads


@pytest.mark.parametrize(
    "text", ["", "1", "1:", "0:" + "a" * 64, "x:" + "a" * 64, "1:" + "g" * 64, "1:ab", "-1:", "1;2"]
)
def test_what_is_no_head_is_refused(memory_vault: Vault, text: str) -> None:
    """Before anything is read."""
    with pytest.raises(InvalidName, match="head of an audit trail"):
        memory_vault.audit.verify(text)


def test_a_head_is_a_text_and_back(memory_vault: Vault) -> None:
    """Both forms are accepted, white space around it too."""
    memory_vault.save(Settings(value=1), "a")
    head = memory_vault.audit.verify()
    assert AuditHead.parse(f" {head}\n") == head == memory_vault.audit.head()
    memory_vault.save(Settings(value=2), "b")
    assert memory_vault.audit.verify(head) == memory_vault.audit.verify(str(head))
    assert memory_vault.audit.verify("0:").position == 2


# Loads


@pytest.fixture
def recording(memory_vault: Vault) -> Vault:
    """A vault with a block in a block, which records loads."""
    child = SecretBlock(value="first-value")
    memory_vault.save(child, "child")
    memory_vault.save(Parent(child=child), "parent")
    memory_vault.audit_loads = True
    return memory_vault


def new(vault: Vault, after: int = 2) -> list[AuditEntry]:
    """The entries since the fixture."""
    return [e for e in vault.audit.entries(oldest_first=True) if e.position > after]


def test_loads_leave_no_entry_unless_asked_for(memory_vault: Vault) -> None:
    """The default."""
    memory_vault.save(Settings(value=1), "a")
    memory_vault.load("settings/a")
    assert told(memory_vault.audit.entries()) == ["save settings/a@1"]


def test_a_load_leaves_an_entry_for_each_document(recording: Vault) -> None:
    """The block, and each one in it, which says for which."""
    recording.load("trailtest-parent/parent")
    parent, child = new(recording)
    assert told([parent, child]) == ["load trailtest-parent/parent@1", "load secret/child@1"]
    assert parent.detail == {}
    assert child.detail == {"for": "trailtest-parent/parent@1"}
    recording.audit.verify()


@pytest.mark.parametrize(
    "load",
    [
        lambda: Block.load("secret/child"),
        lambda: SecretBlock.load("child"),
        lambda: SecretBlock.load("child@1"),
    ],
)
def test_every_way_to_load_is_recorded(recording: Vault, load: Callable[[], object]) -> None:
    """By the class, by the address, with a version."""
    load()
    assert told(new(recording)) == ["load secret/child@1"]


def test_a_reference_to_a_field_is_recorded(recording: Vault) -> None:
    """What is fetched out of a block counts as a load of it; other references do not."""
    assert recording.resolve("${block:secret/child#value}").reveal() == "first-value"
    assert told(new(recording)) == ["load secret/child@1"]
    recording.resolve("${env:PATH}")
    assert len(new(recording)) == 1


def test_an_unpickled_block_is_recorded(recording: Vault) -> None:
    """A worker that gets a block by its address loads it."""
    import pickle

    blob = pickle.dumps(recording.load("secret/child"))
    pickle.loads(blob)
    assert told(new(recording)) == ["load secret/child@1"] * 2


def test_a_load_is_durable_when_it_returns(recording: Vault) -> None:
    """Another connection sees its entry at once."""
    recording.load("secret/child")
    with closing(sqlite3.connect(recording.store.location)) as database:
        assert database.execute("SELECT max(position) FROM audit").fetchone() == (3,)


def test_a_failed_load_is_recorded(recording: Vault) -> None:
    """With the document that could not be opened, the error's name, and for which it was needed."""
    with closing(database_of(recording)) as database:
        database.execute("UPDATE documents SET public = public || ' ' WHERE id = 1")
    for address in ("secret/child", "trailtest-parent/parent"):
        with pytest.raises(TamperedCiphertext):
            recording.load(address)
    alone, inside = new(recording)
    assert told([alone, inside]) == ["load.failed secret/child@1"] * 2
    assert alone.detail == {"error": "TamperedCiphertext"}
    assert inside.detail == {"error": "TamperedCiphertext", "for": "trailtest-parent/parent@1"}


def test_what_is_not_there_is_not_recorded(recording: Vault) -> None:
    """Nothing was opened."""
    with pytest.raises(BlockNotFound):
        recording.load("secret/none")
    assert new(recording) == []


def test_a_load_with_a_wrong_key_says_that_it_is_not_recorded(
    recording: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the key there is no code either; the error stays the one that it is."""
    monkeypatch.setenv("OTHER_KEY", "A" * 43)
    with (
        Vault.open(recording.store.location, keys="env:OTHER_KEY", audit_loads=True) as vault,
        pytest.raises(WrongKey) as caught,
    ):
        vault.load("secret/child")
    assert any("not recorded" in note for note in caught.value.__notes__)
    assert new(recording) == []


def test_a_load_that_cannot_be_recorded_fails(
    recording: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A typed error, and no block: it fails closed."""

    def full(*_: object) -> None:
        raise StoreError("The disk is full.", fix="Free some space.")

    monkeypatch.setattr(type(recording.store), "append_audit", full)
    with pytest.raises(AuditUnavailable, match=r"secret/child was not loaded.*disk is full") as got:
        recording.load("secret/child")
    assert "Free some space" in got.value.fix
    assert "audit_loads" in got.value.fix
    assert got.value.exit_code == StoreError.exit_code
    recording.audit_loads = False
    assert recording.load("secret/child", expect=SecretBlock).reveal() == "first-value"


def test_a_load_inside_a_transaction_fails(recording: Vault) -> None:
    """Its entry would be lost with the transaction."""
    with recording.store.transaction(), pytest.raises(AuditUnavailable, match="open in this"):
        recording.load("secret/child")


# Settings


@pytest.mark.parametrize(
    ("text", "on"),
    [("true", True), ("1", True), (" ON ", True), ("yes", True), ("0", False), ("False", False)],
)
def test_the_variable_switches_it(monkeypatch: pytest.MonkeyPatch, text: str, on: bool) -> None:
    """By the usual words."""
    monkeypatch.setenv("BRICKWORK_AUDIT_LOADS", text)
    config = Config.load()
    assert config.audit_loads is on
    assert config.sources["audit_loads"] == "environment variable BRICKWORK_AUDIT_LOADS"
    assert Vault.open().audit_loads is on
    assert Vault.open(audit_loads=not on).audit_loads is not on


@pytest.mark.parametrize("text", ["", "ture", "2", "on off"])
def test_another_word_is_an_error(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A switch that was meant to be on is not off by a misspelling."""
    monkeypatch.setenv("BRICKWORK_AUDIT_LOADS", text)
    with pytest.raises(ConfigError, match="neither true nor false"):
        Config.load()


def test_the_file_switches_it(tmp_path: Path) -> None:
    """By a TOML boolean, and nothing else."""
    file = tmp_path / "brickwork.toml"
    file.write_text("audit_loads = true")
    assert Config.load(cwd=tmp_path).audit_loads
    assert Config.load(cwd=tmp_path).describe()["audit_loads"] == "yes"
    file.write_text("audit_loads = 'true'")
    with pytest.raises(ConfigError, match="must be true or false, not a text"):
        Config.load(cwd=tmp_path)
    file.unlink()
    assert not Config.load(cwd=tmp_path).audit_loads


def test_the_default_vault_follows_the_variable(
    memory_vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that sets it later gets a vault that records."""
    SecretBlock(value="first-value").save("child")
    monkeypatch.setenv("BRICKWORK_AUDIT_LOADS", "true")
    program = "from brickwork import SecretBlock; SecretBlock.load('child')"
    subprocess.run([sys.executable, "-c", program], check=True)
    assert told(memory_vault.audit.entries(action="load")) == ["load secret/child@1"]


def test_loading_imports_nothing_of_the_trail(memory_vault: Vault) -> None:
    """What is off costs nothing at the start either."""
    SecretBlock(value="first-value").save("child")
    program = (
        "import sys, json; from brickwork import SecretBlock; SecretBlock.load('child');"
        "print(json.dumps([name for name in sys.modules if 'brickwork.vault.audit' in name]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert json.loads(done.stdout) == []


def test_the_trail_is_the_vaults(memory_vault: Vault) -> None:
    """`Vault.audit` is one that plugins can use, too."""
    assert isinstance(memory_vault.audit, AuditTrail)
