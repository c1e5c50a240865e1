"""``brickwork audit``: entries are listed, verified, exported, and verified elsewhere."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from brickwork import BasicAuth, Settings, Vault
from brickwork.cli.app import run
from brickwork.testing.commandline import Command, command_here, command_line

SECRET = "Zq7!xK-not-to-be-seen"


@pytest.fixture
def brickwork(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run ``brickwork audit`` here."""
    return partial(command_here(run, capsys), "audit")


@pytest.fixture
def vault(memory_vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Vault:
    """A vault with four entries."""
    memory_vault.save(BasicAuth(username="app", password=SECRET), "a")
    memory_vault.save(Settings(value=1), "s")
    memory_vault.rename("basic-auth/a", "b")
    monkeypatch.setenv("BRICKWORK_ACTOR", "nightly")
    memory_vault.keys.rotate()
    monkeypatch.delenv("BRICKWORK_ACTOR")
    assert memory_vault.audit.head().position == 5
    return memory_vault


def edit(vault: Vault, *statements: str) -> None:
    """Change the database as somebody who can write to it."""
    with closing(sqlite3.connect(vault.store.location, isolation_level=None)) as database:
        database.execute("DROP TRIGGER IF EXISTS audit_is_not_changed")
        database.execute("DROP TRIGGER IF EXISTS audit_is_not_removed")
        for statement in statements:
            database.execute(statement)


# ls


def test_entries_are_listed(vault: Vault, brickwork: Command) -> None:
    """The newest first, with who, what, where and the detail."""
    said = brickwork("ls")
    assert said.code == 0
    head, *lines = said.out.splitlines()
    assert head.split() == ["ENTRY", "WHEN", "WHO", "ACTION", "ADDRESS", "DETAIL"]
    assert [line.split()[0] for line in lines] == ["5", "4", "3", "2", "1"]
    assert "(nightly)" in lines[1]
    assert "keys.rotate" in lines[1]
    assert "rename" in lines[2]
    assert "basic-auth/b@1" in lines[2]
    assert "old: basic-auth/a" in lines[2]
    assert SECRET not in said.out


@pytest.mark.parametrize(
    ("options", "positions"),
    [
        ([], [5, 4, 3, 2, 1]),
        (["--oldest-first"], [1, 2, 3, 4, 5]),
        (["-n", "2"], [5, 4]),
        (["basic-auth/a"], [3, 1]),
        (["settings"], [2]),
        (["--action", "save"], [2, 1]),
        (["--action", "save", "--action", "keys"], [5, 4, 2, 1]),
        (["--who", "nightly"], [5, 4]),
        (["--since", "1h"], [5, 4, 3, 2, 1]),
        (["--until", "1h"], []),
        (["--since", "2020-01-01", "--until", "2199-12-31T23:59:59+00:00"], [5, 4, 3, 2, 1]),
    ],
)
def test_entries_are_filtered(
    vault: Vault, brickwork: Command, options: list[str], positions: list[int]
) -> None:
    """By every option; the JSON names its shape."""
    said = brickwork("ls", *options, "--json")
    assert said.code == 0
    assert said.json["schema"] == "brickwork.audit.list/1"
    assert [entry["position"] for entry in said.json["entries"]] == positions


def test_json_has_all_of_an_entry(vault: Vault, brickwork: Command) -> None:
    """Every part, by its name."""
    [entry] = brickwork("ls", "--action", "rename", "--json").json["entries"]
    whole = next(iter(vault.audit.entries(action="rename")))
    assert whole.at is not None
    assert entry == {
        "position": 3,
        "readable": True,
        "at": whole.at.isoformat(),
        "who": whole.who,
        "actor": None,
        "action": "rename",
        "address": "basic-auth/b@1",
        "block": whole.block,
        "kid": whole.kid,
        "detail": {"old": "basic-auth/a"},
        "mac": whole.row.mac.hex(),
    }


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--action", "svae"], "No such action: svae"),
        (["--since", "yesterday"], "write a date"),
        (["--since", "99999999999999d"], "write a date"),
        (["-n", "0"], "is not in the range"),
        (["Not a slug"], "not a slug"),
    ],
)
def test_wrong_usage_is_told(
    vault: Vault, brickwork: Command, options: list[str], problem: str
) -> None:
    """Ends with 2."""
    said = brickwork("ls", *options)
    assert said.code == 2
    assert problem in said.err


def test_more_than_fifty_are_asked_for(memory_vault: Vault, brickwork: Command) -> None:
    """Fifty by default; all with --all."""
    for number in range(60):
        memory_vault.save(Settings(value=number), "s", overwrite=True)
    assert len(brickwork("ls", "--json").json["entries"]) == 50
    assert len(brickwork("ls", "--all", "--json").json["entries"]) == 60


def test_an_unreadable_entry_is_shown_as_such(vault: Vault, brickwork: Command) -> None:
    """With its number; control characters in it reach no terminal."""
    edit(vault, "UPDATE audit SET content = x'1b5b324a' WHERE position = 2")
    said = brickwork("ls")
    assert said.code == 0
    assert "unreadable" in said.out.splitlines()[4]
    assert "\x1b" not in said.out
    entry = brickwork("ls", "--json").json["entries"][3]
    assert (entry["position"], entry["readable"], entry["action"]) == (2, False, None)


def test_control_characters_reach_no_terminal(memory_vault: Vault, brickwork: Command) -> None:
    """Not those of an entry that somebody put in, either."""
    memory_vault.save(Settings(value=1), "s")
    now = datetime.now(UTC).isoformat()
    content = json.dumps(
        {"at": now, "action": "sa\x1b[2Jve", "who": "\u202ex", "detail": {"a": "\x07"}}
    )
    with memory_vault.store.transaction():
        last = memory_vault.store.last_audit()
        assert last is not None
        memory_vault.store.append_audit(last._replace(position=2, content=content.encode()))
    for options in ([], ["--json"]):
        said = brickwork("ls", *options)
        assert not set("\x1b\u202e\x07") & set(said.out)


def test_there_is_no_vault(brickwork: Command) -> None:
    """Done, and nothing made."""
    said = brickwork("ls")
    assert (said.code, said.out) == (0, "")
    assert "no vault yet" in said.err
    assert brickwork("head").out == "0:\n"


# verify and head


def test_a_whole_trail_is_verified(vault: Vault, brickwork: Command) -> None:
    """How many entries, and the head, which `head` prints too."""
    said = brickwork("verify")
    head = brickwork("head").out.strip()
    assert said.code == 0
    assert said.out.split() == ["entries", "5", "head", head]
    assert head.startswith("5:")
    assert brickwork("head", "--json").json["head"] == head
    assert brickwork("verify", "--head", head).code == 0
    assert brickwork("verify", "--head", head, "--json").json == {
        "schema": "brickwork.audit.verify/1",
        "of": vault.store.location,
        "entries": 5,
        "head": head,
        "compared": head,
        "documents": True,
    }


@pytest.mark.parametrize(
    ("statements", "what"),
    [
        (["UPDATE audit SET content = x'7b7d' WHERE position = 2"], "Entry 2 "),
        (["DELETE FROM audit WHERE position = 3"], "Entry 3 is missing"),
        (["DELETE FROM blocks WHERE name = 'b'"], "basic-auth/b@1 is gone"),
    ],
)
def test_what_is_wrong_ends_with_1(
    vault: Vault, brickwork: Command, statements: list[str], what: str
) -> None:
    """And says where, and what to do."""
    edit(vault, *statements)
    said = brickwork("verify")
    assert said.code == 1
    assert said.out == ""
    assert what in said.err
    assert "fix: " in said.err


def test_an_old_copy_that_was_put_back_ends_with_1(
    vault: Vault, brickwork: Command, tmp_path: Path
) -> None:
    """Attack 3: the database of before, whole; the head that was kept tells."""
    path = Path(vault.store.location)
    vault.close()
    shutil.copy(path, tmp_path / "old.db")
    vault.save(BasicAuth(username="app", password="changed-after-a-leak"), "b", overwrite=True)
    kept = brickwork("verify", "--json").json["head"]
    vault.close()
    for file in path.parent.glob("vault.db-*"):
        file.unlink()
    shutil.copy(tmp_path / "old.db", path)

    assert brickwork("verify").code == 0, "without a head it cannot be seen"
    said = brickwork("verify", "--head", kept)

    assert said.code == 1
    assert "ends at entry 5; it had 6" in said.err


def test_an_old_row_that_was_put_back_ends_with_1(vault: Vault, brickwork: Command) -> None:
    """Attack 3, the other form: without a head."""
    vault.save(BasicAuth(username="app", password="changed-after-a-leak"), "b", overwrite=True)
    edit(vault, "UPDATE blocks SET version = 1 WHERE name = 'b'")
    said = brickwork("verify")
    assert said.code == 1
    assert "basic-auth/b@1 is there; basic-auth/b@2 was saved last (entry 6)" in said.err
    assert brickwork("verify", "--no-documents").code == 0


def test_a_missing_key_ends_with_3(
    vault: Vault, brickwork: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no finding, but nothing could be verified."""
    old = vault.keys.status()[0].kid.hex()
    edit(vault, f"DELETE FROM keys WHERE kid = x'{old}'")
    said = brickwork("verify")
    assert said.code == 3
    assert (
        f"Entry 1 of the audit trail of {vault.store.location} needs the root key {old}" in said.err
    )
    monkeypatch.setenv("BRICKWORK_KEY", "A" * 43)
    assert brickwork("verify").code == 3


def test_a_head_is_kept_in_a_file(vault: Vault, brickwork: Command, tmp_path: Path) -> None:
    """--update writes the first one and each one after; a finding leaves the file as it is."""
    file = tmp_path / "head"
    assert brickwork("verify", "--head-file", str(file)).code == 1
    assert brickwork("verify", "--head-file", str(file), "--update").code == 0
    first = file.read_text()
    assert first == brickwork("head").out
    vault.save(Settings(value=2), "s", overwrite=True)
    assert brickwork("verify", "--head-file", str(file), "--update").code == 0
    second = file.read_text()
    assert (first[:2], second[:2]) == ("5:", "6:")
    edit(vault, "DELETE FROM audit WHERE position = 6", "UPDATE blocks SET version = 1")
    assert brickwork("verify", "--head-file", str(file), "--update").code == 1
    assert file.read_text() == second
    assert [each.name for each in tmp_path.iterdir()] == ["head"]


@pytest.mark.parametrize(
    "options",
    [
        ["--head", "nonsense"],
        ["--update"],
        ["--head", "0:", "--head-file", "x"],
    ],
)
def test_wrong_heads_are_wrong_usage(vault: Vault, brickwork: Command, options: list[str]) -> None:
    """Ends with 2."""
    assert brickwork("verify", *options).code == 2


# export


@pytest.fixture
def exported(vault: Vault, brickwork: Command, tmp_path: Path) -> Path:
    """An export of the vault's trail."""
    file = tmp_path / "audit.jsonl"
    said = brickwork("export", "-o", str(file))
    assert said.code == 0
    assert "5 entries written" in said.err
    return file


def test_an_export_is_json_lines(vault: Vault, exported: Path, brickwork: Command) -> None:
    """One for each entry, with its code and key id, after one that says whose it is."""
    first, *lines = map(json.loads, exported.read_text().splitlines())
    assert first == {
        "schema": "brickwork.audit.export/1",
        "store": vault.store.store_id.hex(),
        "vault": vault.store.location,
        "after": "0:",
    }
    for line, row in zip(lines, vault.store.audit_rows(), strict=True):
        assert (line["position"], line["kid"], line["mac"]) == (
            row.position,
            row.kid.hex(),
            row.mac.hex(),
        )
        assert json.dumps(line["entry"], separators=(",", ":")).encode() == row.content
    assert lines[2]["entry"]["action"] == "rename"
    assert brickwork("export").out == exported.read_text()


def test_an_export_is_verified_with_the_vaults_key(exported: Path, brickwork: Command) -> None:
    """The same head as of the vault."""
    said = brickwork("verify", "--file", str(exported), "--json")
    assert said.code == 0
    assert said.json["head"] == brickwork("head").out.strip()
    assert said.json["documents"] is False
    assert brickwork("verify", "--file", str(exported), "--head", said.json["head"]).code == 0
    piped = brickwork("verify", "--file", "-", "--json", stdin=exported.read_text())
    assert piped.json == said.json


def test_an_export_with_keys_is_verified_without_a_vault(
    vault: Vault, tmp_path: Path, brickwork: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another machine needs the provider's key, and nothing else; with another key it is 3."""
    file = str(tmp_path / "audit.jsonl")
    assert brickwork("export", "--with-keys", "-o", file).code == 0
    head = brickwork("head").out.strip()
    elsewhere = {"BRICKWORK_VAULT": str(tmp_path / "none.db")}
    done = command_line("audit", "verify", "--file", file, "--head", head, env=elsewhere)
    assert (done.code, done.out.split()[-1]) == (0, head), done.err
    assert not (tmp_path / "none.db").exists()
    wrong = command_line(
        "audit", "verify", "--file", file, env={**elsewhere, "BRICKWORK_KEY": "A" * 43}
    )
    assert wrong.code == 3
    bare = str(tmp_path / "bare.jsonl")
    brickwork("export", "-o", bare)
    without = command_line("audit", "verify", "--file", bare, env=elsewhere)
    assert without.code == 3
    assert "Entry 1 of the exported audit trail" in without.err


def test_exports_follow_each_other(
    vault: Vault, brickwork: Command, tmp_path: Path, exported: Path
) -> None:
    """--after gives what came since; each is verified by the head of the one before."""
    head = brickwork("head").out.strip()
    vault.save(Settings(value=2), "s", overwrite=True)
    more = tmp_path / "more.jsonl"
    assert brickwork("export", "--after", head, "-o", str(more)).code == 0
    first, *lines = map(json.loads, more.read_text().splitlines())
    assert (first["after"], len(lines)) == (head, 1)
    said = brickwork("verify", "--file", str(more))
    assert said.code == 0
    assert f"begins after {head}" in said.err
    assert brickwork("verify", "--file", str(more), "--head", head).code == 0
    other = f"5:{'a' * 64}"
    assert brickwork("verify", "--file", str(more), "--head", other).code == 1
    said = brickwork("verify", "--file", str(more), "--head", f"3:{'a' * 64}")
    assert said.code == 1
    assert "Entries 4 to 5 are not in this export" in said.err


@pytest.mark.parametrize(
    ("change", "code", "what"),
    [
        (lambda lines: [*lines[:2], *lines[3:]], 1, "Entry 2 is missing"),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], 1, "missing"),
        (lambda lines: [each.replace("rename", "renamed") for each in lines], 1, "Entry 3 "),
        (lambda lines: [*lines[:3], lines[3][:40]], 6, "Line 4 of the export"),
        (lambda lines: [*lines[:3], "null"], 6, "Line 4 of the export"),
        (lambda lines: lines[1:], 6, "no export of an audit trail"),
        (lambda lines: [], 6, "no export of an audit trail"),
        (lambda lines: [lines[0].replace("export/1", "export/2"), *lines[1:]], 6, "newer"),
        (lambda lines: ["[" * 9000, *lines[1:]], 6, "no export"),
    ],
)
def test_an_export_that_was_changed_is_found(
    exported: Path,
    brickwork: Command,
    change: Callable[[list[str]], list[str]],
    code: int,
    what: str,
) -> None:
    """Lines that are gone, moved, changed, cut, or of something else."""
    lines = exported.read_text().splitlines()
    exported.write_text("".join(f"{line}\n" for line in change(lines)))
    said = brickwork("verify", "--file", str(exported))
    assert said.code == code, said.err
    assert what in said.err


def test_an_export_that_was_cut_off_is_found_by_the_head(
    exported: Path, brickwork: Command
) -> None:
    """As with the vault itself."""
    lines = exported.read_text().splitlines(keepends=True)
    exported.write_text("".join(lines[:-2]))
    assert brickwork("verify", "--file", str(exported)).code == 0
    head = brickwork("head").out.strip()
    said = brickwork("verify", "--file", str(exported), "--head", head)
    assert said.code == 1
    assert "ends at entry 3; it had 5" in said.err


def test_an_unreadable_entry_is_exported_as_it_is(vault: Vault, brickwork: Command) -> None:
    """As base64; so is one that would not come back to the same bytes."""
    edit(
        vault,
        "UPDATE audit SET content = x'00ff' WHERE position = 2",
        "UPDATE audit SET content = content || x'20' WHERE position = 3",
    )
    lines = [json.loads(line) for line in brickwork("export").out.splitlines()]
    assert lines[2]["raw"] == "AP8="
    assert ["entry" in line for line in lines] == [False, True, False, False, True, True]


def test_an_export_that_cannot_be_written_says_so(vault: Vault, brickwork: Command) -> None:
    """No traceback."""
    said = brickwork("export", "-o", "/nowhere/at/all.jsonl")
    assert said.code == 1
    assert "/nowhere/at/all.jsonl" in said.err


def test_time_is_shown_in_local_time(vault: Vault, brickwork: Command) -> None:
    """With its offset, so that nobody mistakes it."""
    line = brickwork("ls").out.splitlines()[1]
    shown = datetime.fromisoformat(" ".join(line.split()[1:3]))
    assert abs(datetime.now(UTC) - shown) < timedelta(minutes=5)
