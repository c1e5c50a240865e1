"""What the tests that cross packages share: an installation of its own for each test."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest

from brickwork.testing.base import lacking

ROOT = Path(__file__).resolve().parents[1]
_KEPT = ("LANG", "LC_ALL", "TMPDIR", "COVERAGE_PROCESS_START")
_OF_A_CONNECTION = ("-wal", "-shm")  # made and removed by whoever reads

_RUNNER = """
import json, sys, traceback
given = json.load(sys.stdin)
OWN = (__file__ if "__file__" in globals() else "<string>", "<case>")
answer = {}
try:
    names = {"SECRET": given["secret"], "print": lambda *words: None}
    exec(compile(given["code"], "<case>", "exec"), names)
    answer["returned"] = names.get("result")
except BaseException as error:
    trace = error.__traceback__
    # The frames of the program itself hold its secret, on purpose; those below must not.
    while trace is not None and trace.tb_frame.f_code.co_filename in OWN:
        trace = trace.tb_next
    shown = traceback.TracebackException(type(error), error, trace, capture_locals=True)
    kind = type(error)
    answer = {
        "error": f"{kind.__module__}.{kind.__qualname__}",
        "what": getattr(error, "what", ""),
        "fix": getattr(error, "fix", ""),
        "text": str(error),
        "repr": repr(error) + repr(error.args) + repr(vars(error)),
        "traceback": "".join(shown.format()),
        "exit_code": getattr(error, "exit_code", None),
    }
json.dump(answer, sys.__stdout__)
"""


class Ended(NamedTuple):
    """How a process ended."""

    code: int
    out: str
    err: str

    @property
    def shown(self) -> str:
        """All that it wrote."""
        return self.out + self.err


class Installation:
    """A home, fake plugins, and processes that have them.

    Attributes:
        home: ``BRICKWORK_HOME`` of the processes.
        site: A folder for distributions, first on the path of the processes.
        environ: Their environment; nothing of the user's.
        prefix: What stands before each command: how to enter the place where the home is.
        outside: The folder by which this process sees the home.
    """

    def __init__(self, folder: Path, *, home: Path | None = None) -> None:
        self.home = home or folder / "home"
        self.outside = self.home
        self.site = folder / "site"
        self.site.mkdir(parents=True)
        self.work = folder / "work"
        self.work.mkdir()
        self.prefix: tuple[str, ...] = ()
        self.flags: tuple[str, ...] = ()
        self.environ = {
            **{name: os.environ[name] for name in _KEPT if name in os.environ},
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "user"),
            "PYTHONPATH": str(self.site),
            "PYTHONDONTWRITEBYTECODE": "1",
            "BRICKWORK_HOME": str(self.home),
            "COLUMNS": "200",
        }

    @property
    def vault(self) -> Path:
        """The vault's file, as this process sees it."""
        return self.outside / "data" / "vault.db"

    @property
    def key(self) -> Path:
        """The key file, as this process sees it."""
        return self.outside / "config" / "key"

    def run(self, *command: str, stdin: str = "") -> Ended:
        """Run Python in a process."""
        done = subprocess.run(
            [*self.prefix, sys.executable, *self.flags, *command],
            env=self.environ,
            cwd=self.work,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def brickwork(self, *args: str, stdin: str = "") -> Ended:
        """Run the command line."""
        return self.run("-m", "brickwork", *args, stdin=stdin)

    def attempt(self, code: str, secret: str = "") -> tuple[dict[str, Any], Ended]:
        """Run code that may fail; return what its error shows, or its ``result``.

        Args:
            code: Python; the name ``SECRET`` in it is the secret.
            secret: The secret; it comes through standard input.
        """
        done = self.run("-c", _RUNNER, stdin=json.dumps({"code": code, "secret": secret}))
        assert done.code == 0, done.err
        return json.loads(done.out), done

    def without(self, *packages: str) -> None:
        """Make processes see everything that is installed but these import packages."""
        others = self.site.parent / "others"
        others.mkdir()
        gone = tuple(name.replace("-", "_") for name in packages)
        installed = Path(sysconfig.get_path("purelib"))
        for entry in installed.iterdir():
            if not any(name in entry.name.lower() for name in gone):
                (others / entry.name).symlink_to(entry)
        path = (self.site, others, ROOT / "core" / "src")
        self.environ["PYTHONPATH"] = os.pathsep.join(map(str, path))
        self.flags = ("-S",)  # no site-packages but what is named above

    def files(self) -> dict[str, bytes]:
        """Return every file in the home with its content, but those of open connections."""
        found = sorted(path for path in self.outside.rglob("*") if path.is_file())
        return {
            str(path.relative_to(self.outside)): path.read_bytes()
            for path in found
            if not path.name.endswith(_OF_A_CONNECTION)
        }

    def dump(self) -> list[str]:
        """Return the vault's content as SQL; of what can still be read."""
        return dump(self.vault)


def dump(vault: Path) -> list[str]:
    """Return a database's content as SQL, read from a copy; the bytes, if it is none."""
    with tempfile.TemporaryDirectory() as folder:
        for path in vault.parent.glob(f"{vault.name}*"):
            shutil.copy(path, folder)
        connection = sqlite3.connect(Path(folder) / vault.name)
        try:
            return list(connection.iterdump())
        except sqlite3.DatabaseError:
            return [vault.read_bytes().hex()]
        finally:
            connection.close()


@pytest.fixture(autouse=True)
def isolated_home(fresh_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees the user's vault, keys or settings."""
    for name in [name for name in os.environ if name.startswith("BRICKWORK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BRICKWORK_HOME", str(fresh_home))
    return fresh_home


@pytest.fixture(scope="session")
def installations() -> type[Installation]:
    """The class, for tests that share an installation."""
    return Installation


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """An installation without a vault."""
    return Installation(tmp_path)


class SmallDisk:
    """A file system in memory that a test may fill and make read-only.

    It is mounted in a mount namespace of its own, kept open by one process; commands enter it.

    Attributes:
        folder: Where it is mounted, for processes inside.
        outside: The same folder, as this process sees it.
        prefix: What a command inside begins with.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        mount = 'mount -t tmpfs -o size=4m tmpfs "$1" && echo mounted && exec cat'
        command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
        self._keeper = subprocess.Popen(
            [*command, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._keeper.stdout is not None
        self.mounted = self._keeper.stdout.readline() == "mounted\n"
        pid = str(self._keeper.pid)
        self.outside = Path("/proc", pid, "root", *folder.parts[1:])
        self.prefix = ("nsenter", "-t", pid, "-U", "-m", "--preserve-credentials")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        _, self.complaint = self._keeper.communicate()

    def fill(self) -> None:
        """Leave no byte free."""
        fill = f"head -c 100M /dev/zero > {self.folder}/filler 2>/dev/null; sync"
        subprocess.run([*self.prefix, "sh", "-c", fill], check=True)

    def empty(self) -> None:
        """Take away what `fill` put there."""
        subprocess.run([*self.prefix, "rm", f"{self.folder}/filler"], check=True)

    def make_read_only(self) -> None:
        """Let nothing be written any more."""
        remount = ["mount", "-o", "remount,ro", str(self.folder)]
        subprocess.run([*self.prefix, *remount], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of 4 MB; skips where the kernel does not allow to mount one."""
    missing = [tool for tool in ("unshare", "nsenter", "mount") if shutil.which(tool) is None]
    if missing:
        reason = f"needs {', '.join(missing)}, to mount a small disk"
        lacking(reason)
    with SmallDisk(tmp_path / "disk") as disk:
        if disk.mounted:
            yield disk
            return
    pytest.skip(f"the kernel does not allow to mount a small disk: {disk.complaint.strip()}")
