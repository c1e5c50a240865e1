"""What a process pays for that only loads one saved block."""

import json
import subprocess
import sys
from pathlib import Path

from brickwork import Secret, Vault
from brickwork.builtin.blocks import SecretBlock

NEVER = {
    "asyncio",
    "brickwork.cli",
    "brickwork.tasks",
    "brickwork.testing",
    "brickwork.vault.writing",
    "click",
    "concurrent.futures",
    "difflib",
    "fsspec",
    "getpass",
    "http.client",
    "multiprocessing",
    "platformdirs",
    "pytest",
    "rich",
    "secrets",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "tomllib",
    "urllib3",
    "yaml",
}
"""Modules that loading a block has no use for."""

BROUGHT = """
import json, sqlite3, pluggy, pydantic
import cryptography.hazmat.primitives.ciphers.aead
import cryptography.hazmat.primitives.hashes, cryptography.hazmat.primitives.kdf.hkdf
class Model(pydantic.BaseModel):  # pydantic looks for its plugins when the first one is defined
    size: int
"""

PROGRAM = """
import sys
{before}
before = set(sys.modules)
from brickwork.builtin.blocks import SecretBlock
assert SecretBlock.load("a").reveal() == "hunter2hunter2"
import json
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def loaded(before: str) -> set[str]:
    """Return the modules that a process imports to load one block."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(before=before)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent,
    )
    found: list[str] = json.loads(done.stdout)
    return set(found)


def test_a_cold_load_imports_what_it_needs(memory_vault: Vault) -> None:
    """Beyond what pydantic and cryptography bring, nothing heavy is imported."""
    SecretBlock(value=Secret("hunter2hunter2")).save("a")
    ours = loaded(BROUGHT)
    assert "brickwork.vault.reading" in ours
    assert not ours & NEVER
    foreign = {name.partition(".")[0] for name in ours} - {"brickwork"} - sys.stdlib_module_names
    assert not {name for name in foreign if not name.startswith("_")}, "another dependency"
