"""The interpreters, processes and servers that the benchmarks use."""

import base64
import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from benchmarks.measure import Skip, run

ROOT = Path(__file__).resolve().parent.parent
WORKLOADS = Path(__file__).resolve().parent / "workloads"
PREFECT = ("prefect==3.8.8", "fastapi==0.139.0", "prefect-aws")


@dataclass(frozen=True)
class Context:
    """What every part of the benchmarks is given.

    Args:
        quick: Few repeats, nothing installed: to see that it runs, not to quote.
        folder: Temporary; gone at the end.
        cache: Where the environments are kept from run to run.
        say: Tells the user what is being done.
    """

    quick: bool
    folder: Path
    cache: Path
    say: Callable[[str], None]

    def some(self, full: int) -> int:
        """Return how many repeats to make: the full number, or a tenth when quick."""
        return max(3, full // 10) if self.quick else full

    @cached_property
    def python(self) -> Path:
        """The interpreter that Brickwork is measured with.

        An environment that holds only Brickwork, brickwork-aws and -flows, editable: what else is
        installed beside them (a test runner's start-up hooks, a hundred distributions to search
        for plugins) would lengthen the baselines too, and so flatter the ratios. When quick, the
        interpreter that runs the benchmarks.
        """
        if self.quick:
            return Path(sys.executable)
        members = [ROOT / "core", ROOT / "plugins" / "aws", ROOT / "plugins" / "flows"]
        stamp = "".join((member / "pyproject.toml").read_text() for member in members)
        wanted = [part for member in members for part in ("-e", str(member))]
        return environment(self, "brickwork", wanted, stamp)

    @cached_property
    def peer(self) -> Path:
        """The interpreter of Prefect's own environment."""
        return environment(self, "prefect", PREFECT)

    def scratch(self, name: str) -> Path:
        """Return a new empty folder, gone at the end."""
        path = self.folder / name
        path.mkdir(parents=True)
        return path


def environment(context: Context, name: str, wanted: Sequence[str], stamp: str = "") -> Path:
    """Return the interpreter of a kept virtual environment, making it when it is not there.

    Args:
        name: Of its folder in the cache.
        wanted: What pip installs into it.
        stamp: What else its content depends on.
    """
    folder = context.cache / name
    mark = hashlib.sha256(repr((sys.version, list(wanted), stamp)).encode()).hexdigest()
    python, ready = folder / "bin" / "python", folder / "ready"
    context.cache.mkdir(parents=True, exist_ok=True)
    with (context.cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (ready.exists() and ready.read_text() == mark):
            context.say(f"making the environment {folder} (once, about a minute)")
            shutil.rmtree(folder, ignore_errors=True)
            make_environment(folder, wanted)
            ready.write_text(mark)
    return python


def make_environment(folder: Path, wanted: Sequence[str]) -> Path:
    """Make a virtual environment with pip and install into it; return its interpreter."""
    run([sys.executable, "-m", "venv", folder], dict(os.environ))
    python = folder / "bin" / "python"
    run([python, "-m", "pip", "install", "--quiet", *wanted], dict(os.environ))
    return python


def plain_env(**more: str) -> dict[str, str]:
    """Return the environment variables for a measured process: nobody's settings, and ``more``.

    Without ``PYTHON*`` (for one, ``PYTHONDONTWRITEBYTECODE`` would have every start compile its
    modules), ``BRICKWORK_*``, ``PREFECT_*`` and ``AWS_*``.
    """
    drop = ("PYTHON", "BRICKWORK_", "PREFECT_", "AWS_", "COVERAGE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(drop)}
    return kept | more


def vault_env(home: Path, **more: str) -> dict[str, str]:
    """Return the variables for a process with a vault of its own in a folder."""
    key = base64.urlsafe_b64encode(bytes(range(32))).decode()
    settings = {
        "BRICKWORK_HOME": str(home),
        "BRICKWORK_VAULT": f"sqlite://{home}/vault.db",
        "BRICKWORK_KEY": key,
    }
    return plain_env(**settings, **more)


def need_aws(context: Context) -> None:
    """Raise Skip where brickwork-aws is not installed: its credentials are what is measured."""
    try:
        run([context.python, "-c", "from brickwork_aws import AwsCredentials"], plain_env())
    except RuntimeError as error:
        raise Skip(f"brickwork-aws: {str(error).splitlines()[-1]}") from None


def figures(command: Sequence[str | Path], env: dict[str, str]) -> dict[str, Any]:
    """Run a workload and return what its last line of output, an object in JSON, says."""
    result: dict[str, Any] = json.loads(run(command, env).strip().splitlines()[-1])
    return result


def free_port() -> int:
    """Return a port of the loopback interface that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def server(
    command: Sequence[str | Path],
    env: dict[str, str],
    log: Path,
    ready: Callable[[], bool],
    seconds: float = 90,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a server, wait until it is ready, and end it by its process id whatever happens.

    Raises:
        RuntimeError: It ended, or was not ready in time; with the end of its log.
    """
    with log.open("wb") as output:
        # A session of its own: Ctrl-C reaches only us, and we end it in order.
        process = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = monotonic() + seconds
        while not ready():
            if process.poll() is not None or monotonic() > deadline:
                raise RuntimeError(f"{command[0]} did not start:\n{log.read_text()[-2000:]}")
            sleep(0.1)
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            continue
        return
