"""The commands of `brickwork keys`: what they do, say, print and end with; and Ctrl-C."""

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from brickwork import BasicAuth, Vault
from brickwork.cli.app import run
from brickwork.cli.exit_codes import INTERRUPTED
from brickwork.testing.commandline import Command, Conversation, Done, command_here
from brickwork.vault import rotation

SECRET = "Zq7!xK-not-to-be-seen"
PASSPHRASE = "Wj3-five random words here"


@pytest.fixture
def keys(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run `brickwork keys ...` here, with standard input that is no terminal."""

    def call(*args: str, stdin: str = "", before: tuple[str, ...] = ()) -> Done:
        done = command_here(run, capsys)(*before, "keys", *args, stdin=stdin)
        assert SECRET not in done.out + done.err
        assert PASSPHRASE not in done.out + done.err
        return done

    return call


@pytest.fixture
def blocks(isolated_home: Path) -> int:
    """A dozen blocks in the default vault."""
    for number in range(12):
        BasicAuth(username=f"u{number}", password=SECRET).save(f"n{number}")
    return 12


def database(home: Path) -> Path:
    """Where the default vault is."""
    return home / "data" / "vault.db"


def tamper(home: Path) -> None:
    """Break the wrapping of one document."""
    with closing(sqlite3.connect(database(home))) as connection:
        connection.execute("UPDATE documents SET sealed = zeroblob(200) WHERE id = 3")
        connection.commit()


class Interrupted(Exception):
    """Stands for a kill."""


def interrupt(monkeypatch: pytest.MonkeyPatch, *, reencrypt: bool = False) -> None:
    """Leave a change of keys half way."""

    def stop(done: int, total: int) -> None:
        if done >= 5:
            raise Interrupted

    with monkeypatch.context() as patch, Vault.open() as vault:
        patch.setattr(rotation, "BATCH", 5)
        begin = vault.keys.reencrypt if reencrypt else vault.keys.rotate
        with pytest.raises(Interrupted):
            begin(report=stop)


def test_rotate(keys: Command, blocks: int) -> None:
    """A new root key is active, all documents are under it, and the limits are told."""
    before = keys("status", "--json").json
    said = keys("rotate")
    assert said.code == 0
    assert "A new root key was made" in said.out
    assert "12 document(s) rewrapped" in said.out
    assert "no cure for a key that leaked" in said.err
    assert "keys backup" in said.err
    after = keys("status", "--json").json
    assert after["schema"] == "brickwork.keys.status/1"
    assert [key["documents"] for key in before["keys"]] == [12]
    assert [key["documents"] for key in after["keys"]] == [0, 12]
    assert [key["active"] for key in after["keys"]] == [False, True]
    assert after["unfinished"] == {"documents": 0, "reencrypting": False}
    assert after["warnings"] == []
    again = keys("rotate", "--resume", "--json").json
    assert again == {
        "schema": "brickwork.keys.rotated/1", "kid": after["keys"][1]["kid"], "made": False,
        "reencrypted": False, "documents": 0, "left": [],
    }  # fmt: skip


def test_an_interrupted_rotation_is_shown_and_finished(
    keys: Command, blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`status` warns of it, the next `rotate` finishes it without another root key."""
    interrupt(monkeypatch)
    status = keys("status", "--json").json
    assert status["unfinished"] == {"documents": 7, "reencrypting": False}
    assert "keys rotate" in status["warnings"][0]
    assert "warning: 7 document(s)" in keys("status").err
    said = keys("rotate")
    assert (said.code, "No new root key was made" in said.out) == (0, True)
    assert "7 document(s) rewrapped" in said.out
    assert keys("status").err == ""


def test_an_interrupted_encryption_anew_is_shown_and_finished(
    keys: Command, blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by `rotate`, which then encrypts anew and says so."""
    interrupt(monkeypatch, reencrypt=True)
    status = keys("status", "--json").json
    assert status["unfinished"] == {"documents": 7, "reencrypting": True}
    assert "keys reencrypt" in status["warnings"][0]
    said = keys("rotate")
    assert "7 document(s) encrypted anew" in said.out
    assert "change the credentials" in said.err


def test_reencrypt_tells_what_it_cannot_do(keys: Command, blocks: int) -> None:
    """New credentials upstream, and backups, are for the user."""
    said = keys("reencrypt")
    assert (said.code, "12 document(s) encrypted anew" in said.out) == (0, True)
    assert "change the credentials" in said.err
    assert "Backups and copies" in said.err


def test_resuming_the_other_kind_is_told(
    keys: Command, blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`reencrypt --resume` after a rotation finishes that, and does not claim more."""
    interrupt(monkeypatch)
    said = keys("reencrypt", "--resume")
    assert "7 document(s) rewrapped" in said.out
    assert "nothing was encrypted anew" in said.err


def test_a_tampered_document_ends_it_with_its_code(
    keys: Command, blocks: int, isolated_home: Path
) -> None:
    """The others follow; it is named with a fix, and the exit code is that of damaged data."""
    tamper(isolated_home)
    said = keys("rotate")
    assert said.code == 6
    assert "11 document(s) rewrapped" in said.out
    assert "error: not basic-auth/n2@1" in said.err
    assert "--new" in said.err
    again = keys("rotate", "--json")
    assert again.code == 6
    assert [each["what"] for each in again.json["left"]] == ["basic-auth/n2@1"]
    assert again.json["made"] is False
    anew = keys("rotate", "--new", "--json")
    assert (anew.code, anew.json["made"], anew.json["documents"]) == (6, True, 11)


def test_rotating_nothing_is_an_error(keys: Command) -> None:
    """Without a vault: 3, and none is made; --new and --resume exclude each other."""
    assert keys("rotate").code == 3
    assert keys("status").code == 0
    assert keys("rotate", "--new", "--resume").code == 2


def test_rotating_without_the_key_changes_nothing(
    keys: Command, blocks: int, isolated_home: Path
) -> None:
    """3, and the database is as it was."""
    (isolated_home / "config" / "key").unlink()
    before = database(isolated_home).read_bytes()
    for command in ("rotate", "reencrypt"):
        assert keys(command).code == 3
    assert database(isolated_home).read_bytes() == before


def test_rewrap_moves_to_another_key(keys: Command, blocks: int, isolated_home: Path) -> None:
    """The old key no longer opens the vault, the new one does; the user is told to name it."""
    new = isolated_home / "config" / "new"
    said = keys("rewrap", "--provider", f"file:{new}")
    assert said.code == 0
    assert f"key file {new}" in said.out
    assert f"keys = 'file:{new}'" in said.err
    assert "brickwork.toml" in said.err
    assert keys("status").code == 3
    assert keys("status", before=("--keys", f"file:{new}")).code == 0
    assert keys("rewrap", "--provider", "nobody:x").code == 7
    assert keys("rewrap").code == 2


def test_a_key_as_a_provider_is_refused_and_not_shown(keys: Command, blocks: int) -> None:
    """Somebody may paste the key itself; it is not echoed."""
    pasted = "Q0FmZWJhYmVDQUZFYmFiZUNBRkViYWJlQ0FGRWJhYmU="
    for text in (pasted, f"env:{pasted}"):
        said = keys("rewrap", "--provider", text)
        assert said.code == 2
        assert pasted not in said.out + said.err


def test_backup_and_restore(
    keys: Command, blocks: int, isolated_home: Path, tmp_path: Path
) -> None:
    """After the key file is lost, the backup and its passphrase bring the vault back."""
    file = tmp_path / "keys.backup"
    said = keys("backup", str(file), "--passphrase", "-", stdin=PASSPHRASE + "\n")
    assert (said.code, "1 root key(s)" in said.out) == (0, True)
    assert file.stat().st_mode & 0o777 == 0o600
    (isolated_home / "config" / "key").unlink()
    assert keys("status").code == 3
    wrong = keys("restore", str(file), "--passphrase", "-", stdin="something else")
    assert (wrong.code, "not the one of the backup" in wrong.err) == (3, True)
    said = keys("restore", str(file), "--passphrase", "-", "--json", stdin=PASSPHRASE)
    assert said.code == 0
    assert said.json["made_key"] is True
    assert said.json["locked"] == []
    assert keys("status").code == 0
    assert BasicAuth.load("n0").password.reveal() == SECRET
    taken = keys("backup", str(file), "--passphrase", "-", stdin=PASSPHRASE)
    assert taken.code == 5


def test_what_a_backup_lacks_ends_restore_with_its_code(
    keys: Command, blocks: int, isolated_home: Path, tmp_path: Path
) -> None:
    """A root key made later and lost with the key file: 3, and how many documents need it."""
    file = tmp_path / "keys.backup"
    keys("backup", str(file), "--passphrase", "-", stdin=PASSPHRASE)
    keys("rotate")
    (isolated_home / "config" / "key").unlink()
    said = keys("restore", str(file), "--passphrase", "-", stdin=PASSPHRASE)
    assert said.code == 3
    assert "12 document(s) stay locked" in said.err
    assert "seals new documents" in said.err


def test_a_passphrase_is_no_argument(keys: Command, blocks: int, tmp_path: Path) -> None:
    """It is refused and not shown; without a terminal and a dash there is none."""
    for args in (["--passphrase", PASSPHRASE], []):
        said = keys("backup", str(tmp_path / "b"), *args)
        assert said.code == 2
        assert not (tmp_path / "b").exists()
    empty = keys("backup", str(tmp_path / "b"), "--passphrase", "-", stdin=" \n")
    assert (empty.code, "empty" in empty.err) == (3, True)


def test_destroy_needs_a_yes_and_no_use(keys: Command, blocks: int) -> None:
    """Refused with counts while it is needed; asks; tells what it cannot count; then it is gone."""
    with Vault.open() as vault:
        spare = vault.keys.make_root()._replace(active=False)
        with vault.store.transaction():
            vault.store.put_key(spare)
        active = vault.keys.active()
    needed = keys("destroy", active.hex(), "--yes")
    assert needed.code == 5
    assert "12 document(s)" in needed.err
    assert keys("destroy", spare.kid.hex()).code == 2
    assert len(keys("status", "--json").json["keys"]) == 2
    said = keys("destroy", spare.kid.hex(), "--yes")
    assert said.code == 0
    assert "Results, pickles" in said.err
    assert len(keys("status", "--json").json["keys"]) == 1
    assert keys("destroy", spare.kid.hex(), "--yes").code == 3
    assert keys("destroy", "not-hex").code == 2


# On a terminal


def test_ctrl_c_is_clean() -> None:
    """A rotation that is interrupted ends with 130, says how to go on, and can go on."""
    with Vault.open() as vault:
        template = BasicAuth(username="u", password=SECRET)
        for number in range(150):
            vault.save(template, f"n{number}")
    code = (
        "import sys; from brickwork.vault import rotation; rotation.BATCH = 1;"
        "from brickwork.cli import main; sys.argv = ['brickwork', 'keys', 'rotate']; main()"
    )
    with _Python(code) as talk:
        talk.wait_for("keys rotate")
        talk.press(b"\x03")
        ended = talk.end()
    with Vault.open() as vault:
        assert len({vault.load(d.address) for d in vault.documents()}) == 1
        left = rotation.unfinished(vault.keys)[0]
        if ended == 0:  # it was faster
            assert left == 0
            return
        assert ended == INTERRUPTED
        assert "Interrupted." in talk.shown
        assert "`brickwork keys rotate` does the rest" in talk.shown
        assert 0 < left <= 150
        assert vault.keys.rotate().documents == left


class _Python(Conversation):
    """A conversation with a program instead of the command line."""

    def __init__(self, code: str) -> None:
        import pty

        self.shown = ""
        self._read_to = 0
        self._code: int | None = None
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:  # pragma: no cover - the other process
            os.execv(sys.executable, [sys.executable, "-c", code])


def test_backup_asks_twice_and_restore_once(isolated_home: Path, tmp_path: Path) -> None:
    """The passphrase is typed blindly; two that differ are refused."""
    BasicAuth(username="u", password=SECRET).save("prod")
    file = str(tmp_path / "keys.backup")
    with Conversation("keys", "backup", file) as talk:
        talk.answer("Passphrase of the backup: ", PASSPHRASE)
        talk.answer("The same again: ", PASSPHRASE + "x")
        assert talk.end() == 2
    assert PASSPHRASE not in talk.shown
    with Conversation("keys", "backup", file) as talk:
        talk.answer("Passphrase of the backup: ", PASSPHRASE)
        talk.answer("The same again: ", PASSPHRASE)
        assert talk.end() == 0
    (isolated_home / "config" / "key").unlink()
    with Conversation("keys", "restore", file) as talk:
        talk.answer("Passphrase of the backup: ", PASSPHRASE)
        assert talk.end() == 0
    assert PASSPHRASE not in talk.shown
    assert BasicAuth.load("prod").password.reveal() == SECRET


def test_destroy_asks(isolated_home: Path) -> None:
    """No is an answer."""
    BasicAuth(username="u", password=SECRET).save("prod")
    with Vault.open() as vault:
        spare = vault.keys.make_root()._replace(active=False)
        with vault.store.transaction():
            vault.store.put_key(spare)
    for answer, code, left in (("n", INTERRUPTED, 2), ("y", 0, 1)):
        with Conversation("keys", "destroy", spare.kid.hex()) as talk:
            talk.answer("for good?", answer)
            assert talk.end() == code
        with Vault.open() as vault:
            assert len(vault.keys.status()) == left


def test_a_passphrase_that_is_asked_for_is_asked_for_once(
    isolated_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To rewrap to one: twice the same, for any number of root keys; to rotate with it: once."""
    BasicAuth(username="u", password=SECRET).save("prod")
    with Vault.open() as vault:
        vault.keys.rotate()
    with Conversation("keys", "rewrap", "--provider", "passphrase:ask") as talk:
        talk.answer("New passphrase for the Brickwork vault: ", PASSPHRASE)
        talk.answer("The same again: ", PASSPHRASE)
        assert talk.end() == 0
    with Conversation("--keys", "passphrase:ask", "keys", "rotate") as talk:
        talk.answer("Passphrase of the Brickwork vault: ", PASSPHRASE)
        assert talk.end() == 0
    assert PASSPHRASE not in talk.shown
