"""Large results: how much memory they take, and what a full disk does to them."""

import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from brickwork import StorageError, open_storage
from brickwork_flows import flow, task
from brickwork_flows.results import restore
from brickwork_flows.runtime import Runtime

MEGABYTE = 1 << 20

PROGRAM = """
import resource, sys
from pathlib import Path
from brickwork_flows import flow, use_history
from brickwork_flows.results import restore

what, kind, serializer, folder = sys.argv[1:]
SIZE = 100 * 2**20

def peak():
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss begins with the peak of whoever started this process
        return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

class Frame:
    def __init__(self, data):
        self.data = data

def made(size):
    if kind == "bytes":
        return b"x" * size
    return "x" * size if kind == "text" else Frame(bytearray(size))

@flow(persist_result=True, **({"result_serializer": serializer} if serializer else {}))
def main(size: int) -> object:
    value = made(size)
    global before
    before = peak()
    return value

with use_history(folder) as runtime:
    if what == "write":
        main(10)
        main(SIZE)
    else:
        first, second = runtime.history.runs()
        restore(runtime.history.result(second.id), allow_pickle=True)
        before = peak()
        value = restore(runtime.history.result(first.id), allow_pickle=True)
        assert len(getattr(value, "data", value)) == SIZE
    print((peak() - before) / SIZE)
    runtime.close()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "serializer"),
    [("bytes", ""), ("text", ""), ("text", "text|aes256gcm"), ("frame", "pickle")],
    ids=lambda each: each or "default",
)
def test_100_mb_take_one_more_copy(kind: str, serializer: str, tmp_path: Path) -> None:
    """A result of 100 MB is kept with at most one copy besides it, and read with at most one."""
    from brickwork import SecretBlock

    SecretBlock(value="makes the vault").save("first")

    def peak(what: str) -> float:
        command = [sys.executable, "-c", PROGRAM, what, kind, serializer, str(tmp_path / "runs")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert not done.returncode, done.stderr
        return float(done.stdout)

    kept, read = peak("write"), peak("read")
    print(f"{kind} {serializer}: {kept:.2f} times its size to keep it, {read:.2f} with it to read")

    assert kept < 1.25
    assert read < 2.25


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of this process become larger, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("persist", [None, True])
def test_full_disk_in_the_middle(persist: bool | None, runtime: Runtime, tmp_path: Path) -> None:
    """A result that does not fit is a typed error or a note; the old one and the history stay."""

    @task(result_storage_key="same", result_storage=f"file:{tmp_path}/s", persist_result=persist)
    def make(n: int) -> str:
        return "x" * n

    @flow
    def main(n: int) -> int:
        return len(make(n))

    main(MEGABYTE)
    with largest_file(2 * MEGABYTE):
        if persist:
            with pytest.raises(StorageError, match=r"large|space") as caught:
                main(5 * MEGABYTE)
            assert caught.value.fix
        else:
            assert main(5 * MEGABYTE) == 5 * MEGABYTE
        runtime.flush()

    newest, first = runtime.history.runs()
    state = runtime.history.children(newest.id)[0].state
    assert state.type.value == ("failed" if persist else "completed")
    kept = runtime.history.result(f"{first.id}.make-0")
    assert kept is not None
    assert restore(kept) == "x" * MEGABYTE
    assert runtime.history.result(f"{newest.id}.make-0") is None
    # Nothing half-written is left.
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["same"]
    assert list(open_storage(f"file:{tmp_path}/s").keys()) == ["same"]
    assert main(10) == 10


def test_secrets_are_searched_for_up_to_the_limit(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below the limit a known secret is found wherever it stands; above it, nothing is searched."""
    from brickwork import SecretBlock
    from brickwork_flows import results

    SecretBlock(value="sentinel-8841-large").save("token")
    secret = SecretBlock.load("token").value.reveal()
    monkeypatch.setattr(results, "SEARCHED_BYTES", MEGABYTE)

    @flow
    def main(size: int) -> str:
        return "x " * (size // 2) + secret

    for size, chain in ((MEGABYTE // 2, "text|aes256gcm"), (MEGABYTE, "text")):
        main(size)
        runtime.flush()
        kept = runtime.history.result(runtime.history.runs()[0].id)
        assert kept is not None
        assert kept.chain == chain
        assert restore(kept).endswith(secret)
