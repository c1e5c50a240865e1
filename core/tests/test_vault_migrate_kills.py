"""A kill -9 during a migration leaves every document readable.

``BRICKWORK_ATTACK_SCALE`` of 10 is the bar: 200 kills.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

LONG = int(os.environ.get("BRICKWORK_ATTACK_SCALE", "1")) >= 10

_MODULE = '''
from typing import ClassVar
from brickwork import Block, Secret, migration

class Account(Block):
    """An account."""
    slug: ClassVar[str] = "killtest-account"
    schema_version: ClassVar[int] = {version}
    {fields}

    @migration(1)
    @staticmethod
    def _one(old):
        return {{"login": old["user"], "token": old["token"]}}

    @migration(2)
    @staticmethod
    def _two(old):
        return {{"user": old["login"], "token": old["token"]}}
'''
_MIGRATE = """
import os, sys
sys.path.insert(0, sys.argv[1])
import accounts
from pathlib import Path
from brickwork import Vault
path = Path(sys.argv[2])
with Vault.open(str(path), keys=f"file:{path.parent / 'config' / 'key'}") as vault:
    os.write(1, b"go\\n")
    done = vault.migrate()
    os.write(1, b"done %d\\n" % len([each for each in done if each.status == "migrated"]))
"""
_READ = """
import sys
sys.path.insert(0, sys.argv[1])
import accounts
from pathlib import Path
from brickwork import Vault
path = Path(sys.argv[2])
with Vault.open(str(path), keys=f"file:{path.parent / 'config' / 'key'}") as vault:
    for document in vault.documents():
        block = vault.load(document.address)
        assert block.token.reveal() == f"token-of-{document.name}", document
        for each in vault.history(document.address):
            vault.load(each.address)
    newest = [document.schema_version for document in vault.documents()]
    print(len(newest), newest.count(int(sys.argv[3])))
"""


def _release(folder: Path, version: int) -> None:
    """Write the module of a release; odd ones have ``user``, even ones ``login``."""
    name = "user" if version % 2 else "login"
    folder.mkdir(exist_ok=True)
    text = _MODULE.format(version=version, fields=f"{name}: str\n    token: Secret[str]")
    if version > 3:  # the same two steps, over and over
        for step in range(3, version):
            source = "user" if step % 2 else "login"
            target = "login" if step % 2 else "user"
            text += (
                f"\n    @migration({step})\n    @staticmethod\n    def _step{step}(old):\n"
                f'        return {{"{target}": old["{source}"], "token": old["token"]}}\n'
            )
    (folder / "accounts.py").write_text(text)


def _python(code: str, *args: object) -> str:
    command = [sys.executable, "-B", "-c", code, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.attack
def test_a_kill_during_a_migration_leaves_every_document_readable(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """After each kill -9 every version of every document loads; the next run does the rest."""
    kills, documents = (200, 60) if LONG else (6, 30)
    code, path = tmp_path / "code", tmp_path / "vault.db"
    _release(code, 1)
    save = (
        "import sys; sys.path.insert(0, sys.argv[1]); import accounts\n"
        "from pathlib import Path; from brickwork import Vault\n"
        "path = Path(sys.argv[2])\n"
        "with Vault.open(str(path), keys=f\"file:{path.parent / 'config' / 'key'}\") as vault:\n"
        f"    for n in range({documents}):\n"
        "        vault.save(accounts.Account(user=f'u{n}', token=f'token-of-n{n}'), f'n{n}')\n"
    )
    _python(save, code, path)
    killed_inside, version, delay = 0, 1, 0.0
    for kill in range(kills):
        left = int(_python(_READ, code, path, version).split()[1])
        if left == documents:  # all are of today's schema: the next release
            version += 1
            _release(code, version)
        command = [sys.executable, "-B", "-c", _MIGRATE, str(code), str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"go\n"
            delay = (kill % 20) * 0.002
            threading.Event().wait(delay)
            process.send_signal(signal.SIGKILL)
            finished = process.stdout.read().startswith(b"done")
        there, lifted = map(int, _python(_READ, code, path, version).split())
        assert there == documents, "a document is gone"
        killed_inside += not finished and 0 < lifted < documents
    assert killed_inside >= kills // 10, "too few kills hit a migration that was under way"
    _python(_MIGRATE, code, path)
    assert _python(_READ, code, path, version).split() == [str(documents)] * 2
    record_property("kills", kills)
    record_property("kills in the middle of a migration", killed_inside)
