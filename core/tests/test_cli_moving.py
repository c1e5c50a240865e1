"""``brickwork vault copy`` and ``brickwork import``: what they print, and what they end with."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import Field

from brickwork import BasicAuth, Block, Secret, SecretBlock, Settings, Vault
from brickwork.cli.app import run
from brickwork.testing.commandline import Command, command_here
from brickwork.testing.loopback import LoopbackServer, reply

DATA = Path(__file__).parent / "importing_data"


@pytest.fixture
def brickwork(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command line here, with standard input that is no terminal."""
    return command_here(run, capsys)


class Local(Block):
    """A block whose class other processes do not know."""

    slug: ClassVar[str] = "movingtest-local"
    token: Secret[str] = Field(description="A token.")


def vault_at(folder: Path) -> Vault:
    """Open a vault with a key of its own."""
    return Vault.open(str(folder / "data" / "vault.db"), keys=f"file:{folder / 'key' / 'key'}")


@pytest.fixture
def ends(tmp_path: Path) -> list[str]:
    """The arguments that name a vault with blocks, and one that is not made."""
    with vault_at(tmp_path / "a") as source:
        source.save(SecretBlock(value="Zq7-not-to-be-seen"), "token")
        source.save(BasicAuth(username="u", password="Zq7-nor-this-one"), "login")
        source.save(Local(token="Zq7-nor-a-token"), "local")
    both = [str(tmp_path / end / "data" / "vault.db") for end in "ab"]
    keys = [f"file:{tmp_path / end / 'key' / 'key'}" for end in "ab"]
    return [*both, "--src-keys", keys[0], "--dst-keys", keys[1]]


# vault copy


def test_a_copy_says_how_many(brickwork: Command, ends: list[str], tmp_path: Path) -> None:
    """And nothing else where all went well; a second one copies nothing."""
    first, second = brickwork("vault", "copy", *ends), brickwork("vault", "copy", *ends)
    assert (first.code, first.out) == (0, "")
    assert "Copied 3 blocks (3 versions). There already: 0." in first.err
    assert "making the vault" in first.err
    assert (second.code, second.out) == (0, "")
    assert "Copied 0 blocks (0 versions). There already: 3." in second.err
    with vault_at(tmp_path / "b") as target:
        assert target.load("secret/token") == SecretBlock(value="Zq7-not-to-be-seen")
    assert "Zq7" not in first.out + first.err


def test_a_copy_needs_no_plugin(ends: list[str], tmp_path: Path) -> None:
    """A process that knows no class of it copies a block all the same."""
    command = [sys.executable, "-m", "brickwork", "--no-plugins", "vault", "copy", *ends]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with vault_at(tmp_path / "b") as target:
        assert target.load("movingtest-local/local") == Local(token="Zq7-nor-a-token")


def test_a_dry_run_of_a_copy_makes_nothing(
    brickwork: Command, ends: list[str], tmp_path: Path
) -> None:
    """It says what would be copied."""
    said = brickwork("vault", "copy", *ends, "--dry-run")
    assert (said.code, said.out) == (0, "")
    assert "Would copy 3 blocks" in said.err
    assert not (tmp_path / "b").exists()


def test_a_conflict_ends_with_5(brickwork: Command, ends: list[str], tmp_path: Path) -> None:
    """The block is named; with --on-conflict error, nothing is copied."""
    with vault_at(tmp_path / "b") as target:
        target.save(SecretBlock(value="another one"), "token")
        said = brickwork("vault", "copy", *ends, "--on-conflict", "error")
        assert said.code == 5
        assert "secret/token" in said.err
        assert len(target.documents()) == 1
        said = brickwork("vault", "copy", *ends)
        assert said.code == 5
        assert "secret/token  conflict" in said.out
        assert len(target.documents()) == 3


def test_an_unreadable_block_ends_with_6(
    brickwork: Command, ends: list[str], tmp_path: Path
) -> None:
    """The block is named, and the others are copied."""
    with closing(sqlite3.connect(tmp_path / "a" / "data" / "vault.db")) as database:
        database.execute(
            "UPDATE documents SET sealed = x'00' WHERE id ="
            " (SELECT id FROM blocks WHERE name = 'login')"
        )
        database.commit()
    said = brickwork("vault", "copy", *ends, "--json")
    assert said.code == 6
    assert said.json["schema"] == "brickwork.vault.copy/1"
    assert said.json["complete"] is False
    assert {block["address"]: block["action"] for block in said.json["blocks"]} == {
        "basic-auth/login": "failed",
        "movingtest-local/local": "copied",
        "secret/token": "copied",
    }


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda ends: [ends[0], ends[0], *ends[2:5], ends[3]], 1),  # into itself
        (lambda ends: [f"{ends[0]}x", *ends[1:]], 4),  # no such source
        (lambda ends: [*ends[:3], "file:/nowhere/key", *ends[4:]], 3),  # no key
        (lambda ends: [*ends[:3], "nothing:x", *ends[4:]], 7),  # no such provider
        (lambda ends: ends[:1], 2),
    ],
)
def test_wrong_ends_of_a_copy(
    brickwork: Command,
    ends: list[str],
    tmp_path: Path,
    change: Callable[[list[str]], list[str]],
    code: int,
) -> None:
    """Each has its exit code, and makes no target."""
    said = brickwork("vault", "copy", *change(ends))
    assert said.code == code, said.err
    assert not (tmp_path / "b" / "data").exists()


# import


def test_an_import_from_prefect(brickwork: Command) -> None:
    """A table, what to do about the file, and 1 since some have no block."""
    said = brickwork("import", "prefect", DATA / "prefect.json", "--only", "s*")
    assert said.code == 1
    assert "secret/api-token            secret/api-token" in said.out
    assert "there is no block for Slack here yet (fields: notify_type, url" in said.out
    assert "delete it" in said.err
    assert "fake" not in said.out + said.err
    assert brickwork("block", "show", "secret/api-token").code == 0


def test_an_import_that_finds_a_block_for_all_ends_with_0(brickwork: Command) -> None:
    """Twice, and the second time it changes nothing."""
    args = ("import", "prefect", DATA / "prefect.json", "--only", "json/*", "--json")
    for action in ("create", "same"):
        said = brickwork(*args)
        assert said.code == 0
        assert said.json["schema"] == "brickwork.import/1"
        [row] = said.json["blocks"]
        assert (row["source"], row["address"]) == ("json/limits", "settings/limits")
        assert row["action"] == action


def test_a_dry_run_of_an_import_makes_nothing(brickwork: Command, isolated_home: Path) -> None:
    """Neither blocks nor the vault."""
    said = brickwork("import", "airflow", DATA / "airflow.yaml", "--dry-run")
    assert said.code == 1
    assert "database-url/shop" in said.out
    assert list(isolated_home.iterdir()) == []


def test_a_conflict_of_an_import_ends_with_5(brickwork: Command) -> None:
    """What is there stays, unless --overwrite adds a version."""
    with Vault.open() as vault:
        vault.save(Settings(value="mine"), "limits")
        args = ("import", "prefect", DATA / "prefect.json", "--only", "limits")
        assert brickwork(*args).code == 5
        assert vault.load("settings/limits") == Settings(value="mine")
        assert brickwork(*args, "--overwrite").code == 0
        assert vault.document("settings/limits").version == 2
        assert brickwork(*args, "--prefix", "p-").code == 0
        assert vault.document("settings/p-limits").version == 1


def test_an_import_from_standard_input(brickwork: Command) -> None:
    """The format is found, or said."""
    text = b'{"api": {"conn_type": "http", "host": "h"}}'
    assert brickwork("import", "airflow", "-", stdin=text).code == 0
    said = brickwork("import", "airflow", "-", stdin=b"api=http://h")
    assert said.code == 6
    assert "--format" in said.err
    args = ("import", "airflow", "-", "--format", "env")
    assert brickwork(*args, stdin=b"api=http://h").code == 0


def test_an_import_from_a_server_logs_in_by_the_environment(
    brickwork: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is sent as Prefect's own client does, and never printed."""
    document = {"id": "1", "name": "n", "block_type": {"slug": "string"}, "data": {"value": "v"}}
    body = json.dumps([document]).encode()
    for variable, sent in (
        ("PREFECT_API_KEY", "Bearer fake-prefect-key"),
        ("PREFECT_API_AUTH_STRING", "Basic ZmFrZS1wcmVmZWN0LWtleQ=="),
    ):
        with monkeypatch.context() as patch, LoopbackServer(reply(200, body)) as server:
            patch.setenv(variable, "fake-prefect-key")
            said = brickwork("import", "prefect", f"http://127.0.0.1:{server.port}/api")
        assert said.code == 0
        assert server.requests[0].headers["authorization"] == sent
        assert "fake-prefect-key" not in said.out + said.err
        assert "delete" not in said.err  # there is no file


@pytest.mark.parametrize("tool", ["prefect", "airflow"])
@pytest.mark.parametrize(
    ("content", "code"), [(b'[{"name": "trunc', 6), (b"{", 6), (b"7", 6), (None, 2)]
)
def test_a_bad_file_leaves_the_vault_as_it_was(
    brickwork: Command,
    tmp_path: Path,
    isolated_home: Path,
    tool: str,
    content: bytes | None,
    code: int,
) -> None:
    """A truncated file, another shape, no file: a typed error, and nothing is made."""
    path = tmp_path / "export.json"
    if content is not None:
        path.write_bytes(content)
    said = brickwork("import", tool, path)
    assert said.code == code
    assert "error: " in said.err
    assert list(isolated_home.iterdir()) == []
