"""Rotating and encrypting anew can be killed at any moment: every document stays readable.

``BRICKWORK_ATTACK_SCALE`` of 10 is the bar: 200 kills.
"""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from brickwork import BasicAuth, Vault
from brickwork.vault.audit import AuditTrail
from brickwork.vault.rotation import unfinished

pytestmark = pytest.mark.attack

LONG = int(os.environ.get("BRICKWORK_ATTACK_SCALE", "1")) >= 10
KILLS = 200 if LONG else 10
BLOCKS, VERSIONS = 30, 3

_ROTATOR = """
import os, sys
from pathlib import Path
from brickwork import Vault
from brickwork.vault import rotation
path, first = Path(sys.argv[1]), int(sys.argv[2])
rotation.BATCH = 7
vault = Vault.open(str(path), keys=f"file:{path.parent / 'config' / 'key'}")
number = first
while True:
    change = vault.keys.reencrypt if number % 3 == 0 else vault.keys.rotate
    done = change(report=lambda done, total: os.write(1, b"batch\\n"))
    assert not done.left, done
    os.write(1, b"done %d\\n" % done.documents)
    number += 1
"""


def vault_at(path: Path) -> Vault:
    """Open a vault with a key file in a folder beside it."""
    return Vault.open(str(path), keys=f"file:{path.parent / 'config' / 'key'}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a vault with some documents, which nobody has open."""
    with vault_at(tmp_path / "vault.db") as vault:
        for version in range(VERSIONS):
            for number in range(BLOCKS):
                block = BasicAuth(username=f"user-{version}", password=f"password-{number}")
                vault.save(block, f"n{number}", overwrite=True)
    return tmp_path / "vault.db"


def check(vault: Vault) -> int:
    """Assert that every version of every block opens and is what was saved; return how many."""
    checked = 0
    for number in range(BLOCKS):
        for version in range(1, VERSIONS + 1):
            block = vault.load(f"basic-auth/n{number}@{version}", expect=BasicAuth)
            wanted = (f"user-{version - 1}", f"password-{number}")
            assert (block.username, block.password.reveal()) == wanted
            checked += 1
    return checked


def killed(path: Path, first: int, kill_after: int) -> tuple[int, int]:
    """Rotate until so many batches are done, and kill; return batches, and finished documents."""
    command = [sys.executable, "-c", _ROTATOR, str(path), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(kill_after)]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
        assert process.wait() == -signal.SIGKILL, "the rotation ended by itself"
    finished = sum(int(line.split()[1]) for line in lines if line.startswith(b"done "))
    return lines.count(b"batch\n"), finished


def test_a_kill_leaves_every_document_readable(
    path: Path, record_property: Callable[[str, object], None]
) -> None:
    """After each kill -9 all versions of all blocks open, and the next rotation goes on."""
    batches = documents = half_way = loads = 0
    for kill in range(KILLS):
        done, finished = killed(path, kill, 1 + kill * 7 % 31)
        batches += done
        documents += finished
        with vault_at(path) as vault:
            loads += check(vault)
            half_way += unfinished(vault.keys) != (0, False)
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with vault_at(path) as vault:
        assert vault.keys.rotate(resume=True).left == ()
        assert unfinished(vault.keys) == (0, False)
        check(vault)
        AuditTrail(vault.store, vault.keys).verify()
    assert half_way >= KILLS // 3, "the kills came too late to prove anything"
    assert batches >= KILLS * 10
    record_property("kills", f"{KILLS}, {half_way} of them half way")
    record_property("batches", batches)
    record_property("documents brought under another root key", documents)
    record_property("loads after kills", loads)


def test_control_a_document_that_is_lost_is_noticed(path: Path) -> None:
    """The check that follows each kill fails when one wrapping is not what it was."""
    with closing(sqlite3.connect(path)) as database:
        database.execute(
            "UPDATE documents SET sealed = zeroblob(60) || substr(sealed, 61)"
            " WHERE id = 7 AND version = 2"
        )
        database.commit()
    with vault_at(path) as vault, pytest.raises(Exception, match="n6@2"):
        check(vault)
