"""A flow that returns 100 MB; prints how much memory keeping or reading it takes, as JSON."""

import json
import sys
from pathlib import Path

from brickwork_flows import flow, list_runs, use_history

SIZE = 100 * 2**20


def peak() -> int:
    """Return the most memory that this process has had, in bytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


held: list[int] = []


@flow(persist_result=True)
def large(kind: str, size: int) -> bytes | str:
    """Return so many bytes, or characters."""
    value = b"x" * size if kind == "bytes" else "x" * size
    held.append(peak())
    return value


def main(what: str, kind: str, folder: str) -> float:
    """Return how many times its size the memory grew beyond the value itself."""
    with use_history(folder) as runtime:
        if what == "keep":
            large(kind, 10)
            large(kind, SIZE)
            runtime.flush()
            return (peak() - held[-1]) / SIZE
        newest, first = list_runs(limit=2)
        first.result()
        before = peak()
        assert len(newest.result()) == SIZE
        return (peak() - before) / SIZE - 1


if __name__ == "__main__":
    print(json.dumps({"copies": main(*sys.argv[1:])}))
