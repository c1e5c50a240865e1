"""``brickwork doctor`` explains what is wrong, and survives it."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from brickwork import BasicAuth
from brickwork.cli.examinations import examine
from brickwork.cli.invocation import Invocation
from brickwork.testing.commandline import command_line
from brickwork.testing.distributions import write_plugin

Finding = dict[str, str]


def doctor(*before: str, cwd: Path | None = None, **env: str) -> tuple[int, list[Finding]]:
    """Run doctor; return its exit code and all that is not well."""
    done = command_line(*before, "doctor", "--json", env=env, cwd=cwd)
    assert "Traceback" not in done.err
    report = json.loads(done.out)
    assert report["schema"] == "brickwork.doctor/1"
    areas = {finding["area"] for finding in report["findings"]}
    assert {"versions", "settings", "vault", "key", "plugins", "modules", "masking"} <= areas
    assert report["ok"] == (done.code == 0)
    return done.code, [each for each in report["findings"] if each["status"] != "ok"]


def of(findings: list[Finding], area: str) -> Finding:
    """Return what is said of an area, which must be there with a fix."""
    found = [each for each in findings if each["area"] == area]
    assert found, f"nothing of {area}: {findings}"
    assert found[0]["fix"], found[0]
    return found[0]


@pytest.fixture
def saved(isolated_home: Path) -> Path:
    """A home with a vault that has one block."""
    BasicAuth(username="bob", password="a-password").save("prod")
    return isolated_home


def test_all_is_well(saved: Path) -> None:
    """With nothing wrong it ends with 0 and has nothing to say."""
    assert doctor() == (0, [])


def test_a_fresh_installation_is_well() -> None:
    """Neither vault nor key is there yet, and that is no fault; none is made."""
    code, findings = doctor()

    assert (code, findings) == (0, [])


def test_it_changes_nothing(isolated_home: Path) -> None:
    """Looking makes no vault and no key."""
    doctor()

    assert list(isolated_home.iterdir()) == []


def test_a_misspelt_variable(saved: Path) -> None:
    """A variable that nobody reads is named with the one that was meant."""
    code, findings = doctor(BRICKWORK_VUALT="/tmp/x")

    assert code == 0
    assert "BRICKWORK_VAULT" in of(findings, "settings")["fix"]


def test_a_broken_settings_file(tmp_path: Path) -> None:
    """A brickwork.toml with a mistake is named, and the rest is looked at all the same."""
    (tmp_path / "brickwork.toml").write_text("valut = 'x'")
    code, findings = doctor(cwd=tmp_path)

    assert code == 1
    assert "'valut'" in of(findings, "settings")["detail"]
    assert "vault" in of(findings, "settings")["fix"]


def test_a_bad_option() -> None:
    """Options that cannot be used are explained like settings."""
    code, findings = doctor("--vault", "", "--keys", "///")

    assert code == 1
    assert of(findings, "settings")


def test_a_missing_key(saved: Path) -> None:
    """The key file is gone: the finding names it."""
    key = saved / "config" / "key"
    key.unlink()
    code, findings = doctor()

    assert code == 1
    assert str(key) in of(findings, "key")["detail"]
    assert of(findings, "blocks")["what"] == "basic-auth/prod"


def test_a_wrong_key(saved: Path) -> None:
    """Another key than the vault's is told apart from a missing one."""
    code, findings = doctor(BRICKWORK_KEY="A" * 43)
    assert code == 1
    assert "BRICKWORK_KEY" in of(findings, "key")["detail"]

    key = saved / "config" / "key"
    key.write_text("B" * 42 + "A\n")
    code, findings = doctor()
    assert code == 1
    assert "not what this vault was locked with" in of(findings, "key")["detail"]
    assert str(key) in of(findings, "key")["detail"]


def test_a_key_file_that_others_can_read(saved: Path) -> None:
    """A group-readable key file comes with the chmod that mends it."""
    (saved / "config" / "key").chmod(0o640)
    code, findings = doctor()

    assert code == 1
    assert "chmod 600" in of(findings, "key")["fix"]


def test_a_key_beside_the_vault(tmp_path: Path) -> None:
    """A key in the vault's own folder is warned of."""
    place: dict[str, Any] = {
        "BRICKWORK_VAULT": str(tmp_path / "v.db"),
        "BRICKWORK_KEY_FILE": str(tmp_path / "key"),
    }
    args = ("block", "create", "secret", "x", "--set", "value=-")
    assert command_line(*args, stdin="some-secret", env=place).code == 0

    code, findings = doctor(**place)

    assert code == 0
    assert "beside the vault" in of(findings, "key")["detail"]


def test_a_damaged_database(saved: Path) -> None:
    """Garbage in the middle of the file is found."""
    database = saved / "data" / "vault.db"
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    data = bytearray(database.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    database.write_bytes(data)
    code, findings = doctor()

    assert code == 1
    assert "backup" in of(findings, "vault")["fix"]


def test_a_file_that_is_no_vault(tmp_path: Path) -> None:
    """A text file in the vault's place is said to be none."""
    other = tmp_path / "notes.txt"
    other.write_text("not a database\n" * 200)
    code, findings = doctor(BRICKWORK_VAULT=str(other))

    assert code == 1
    assert str(other) in of(findings, "vault")["detail"]


def test_a_changed_document(saved: Path) -> None:
    """A public field that somebody changed in the database is found, by the block's address."""
    with sqlite3.connect(saved / "data" / "vault.db") as connection:
        changed = connection.execute(
            "UPDATE documents SET public = CAST(replace(public, 'bob', 'eve') AS BLOB)"
        )
    connection.close()
    assert changed.rowcount == 1
    code, findings = doctor()

    assert code == 1
    assert of(findings, "blocks")["what"] == "basic-auth/prod"


def test_a_read_only_and_a_full_disk(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the file system says of itself is told, with what it means for saving."""
    real = os.statvfs(saved)
    fields = list(real)
    fields[3] = fields[4] = 10  # free blocks
    fields[8] |= os.ST_RDONLY
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result(fields))
    with closing(Invocation()) as invocation:
        findings = [each for each in examine(invocation) if each.area == "disk"]

    assert [each.status for each in findings] == ["failed", "failed"]
    assert "read-only" in findings[0].detail
    assert all(each.fix for each in findings)


def test_an_examination_that_breaks_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of one examination is told, and stops none of the others."""

    def broken(path: object) -> None:
        raise ZeroDivisionError("unforeseen")

    monkeypatch.setattr(os, "statvfs", broken)
    with closing(Invocation()) as invocation:
        findings = examine(invocation)

    failed = [each for each in findings if each.status == "failed"]
    assert [(each.area, "ZeroDivisionError" in each.detail) for each in failed] == [("disk", True)]
    assert {"plugins", "modules", "masking"} <= {each.area for each in findings}


def test_an_unwritable_vault(saved: Path) -> None:
    """A vault that this user cannot write is a warning: reading works."""
    if os.geteuid() == 0:
        pytest.skip("root may write anything")
    (saved / "data" / "vault.db").chmod(0o400)
    code, findings = doctor()

    assert code == 0
    assert "read-only" in of(findings, "vault")["detail"]


BROKEN = {
    "broken": "import no_such_module_at_all",
    "misspelt": "from brickwork import hookimpl\n@hookimpl\ndef brickwork_bloks():\n    return {}",
    "exiting": "raise SystemExit(3)",
}


def test_plugins_that_do_not_work(saved: Path, tmp_path: Path) -> None:
    """A broken, a misspelt, an exiting and a duplicate plugin are each named, with the reason."""
    for name, source in BROKEN.items():
        write_plugin(tmp_path, name, source)
    for number in "12":
        write_plugin(tmp_path, "twin", "x = 1", distribution=f"brickwork-twin{number}", schemes={})
    code, findings = doctor(PYTHONPATH=str(tmp_path))
    plugins = {each["what"]: each for each in findings if each["area"] == "plugins"}

    assert code == 1
    assert plugins.keys() == {*BROKEN, "twin"}
    assert "no_such_module_at_all" in plugins["broken"]["detail"]
    assert "brickwork_bloks" in plugins["misspelt"]["detail"]
    assert "brickwork-twin1" in plugins["twin"]["detail"]
    assert "brickwork-twin2" in plugins["twin"]["detail"]
    assert all(each["fix"] for each in plugins.values())


def test_core_commands_work_beside_broken_plugins(saved: Path, tmp_path: Path) -> None:
    """Whatever plugins do, the core's commands end with 0 (bar 12)."""
    for name, source in BROKEN.items():
        write_plugin(tmp_path, name, source)
    env = {"PYTHONPATH": str(tmp_path)}
    commands = ["block ls", "block types", "block show basic-auth/prod", "keys status",
                "plugin ls", "plugin ls --load", "task ls", "help"]  # fmt: skip

    codes = {command: command_line(*command.split(), env=env).code for command in commands}

    assert codes == dict.fromkeys(commands, 0)


def test_a_blocked_plugin_and_a_missing_one(saved: Path, tmp_path: Path) -> None:
    """A block of a plugin that is blocked, or was uninstalled, is named with the reason."""
    write_plugin(tmp_path, "there")
    env: dict[str, Any] = {"PYTHONPATH": str(tmp_path)}
    assert command_line("block", "create", "there-thing", "x", env=env).code == 0

    code, blocked = doctor(**env, BRICKWORK_PLUGINS_BLOCK="brickwork-there")
    _, missing = doctor()

    assert code == 1
    assert of(blocked, "plugins")["status"] == "skipped"
    assert "BRICKWORK_PLUGINS_BLOCK" in of(blocked, "blocks")["detail"]
    assert of(missing, "blocks")["what"] == "there-thing/x"


def test_a_module_of_the_project_that_fails(saved: Path, tmp_path: Path) -> None:
    """A module named in brickwork.toml that cannot be imported is named with where it fails."""
    (tmp_path / "brickwork.toml").write_text('modules = ["own_blocks"]')
    (tmp_path / "own_blocks.py").write_text("1 / 0")
    code, findings = doctor(cwd=tmp_path)

    assert code == 1
    assert "ZeroDivisionError" in of(findings, "modules")["detail"]


def test_the_table_has_the_same(saved: Path) -> None:
    """Without --json it prints a table, and each fix below it on standard error."""
    (saved / "config" / "key").chmod(0o644)
    done = command_line("doctor")

    assert done.code == 1
    assert "key" in done.out
    assert "chmod 600" in done.err
