"""What the contract of storages tries: keys, and the calls that take one."""

from collections.abc import Callable

from brickwork.errors import InvalidKey
from brickwork.storage import Storage

BAD_KEYS = (
    "", "/", "/etc/passwd", "..", "../x", "a/../x", "a/..", ".", "./a", "a/./b", "a//b", "a/",
    "a\\b", "..\\x", "a\0b", "a\nb", "\x7f", "\x85", "\ud800", "x" * 1025, "é" * 513,
)  # fmt: skip
"""Texts that are no keys, one for each reason."""

GOOD_KEYS = (
    "a", ".hidden", "...", "..a", "a..", "a b", " a", "a+b&c=d#e?f%2F", "~", "-rf", "$HOME", "*",
    "ünïcode/日本語/😀.txt", "deep/" * 60 + "end", "n" * 255,
)  # fmt: skip
"""Texts that are keys, and that careless storages get wrong."""


def calls_with(storage: Storage, other: Storage, key: str) -> dict[str, Callable[[], object]]:
    """Return a call of each method that takes a key, with this key."""
    return {
        "read": lambda: storage.read(key),
        "write": lambda: storage.write(key, b"evil"),
        "write if_absent": lambda: storage.write(key, b"evil", if_absent=True),
        "open_read": lambda: storage.open_read(key).close(),
        "open_write": lambda: write_stream(storage, key, b"evil"),
        "delete": lambda: storage.delete(key),
        "exists": lambda: storage.exists(key),
        "stat": lambda: storage.stat(key),
        "copy_to": lambda: storage.copy_to("a", storage, key),
        "move_to": lambda: storage.move_to("a", storage, key),
        "copy_to another": lambda: storage.copy_to(key, other, "x"),
        "move_to another": lambda: storage.move_to(key, other, "x"),
        "upload_file": lambda: storage.upload_file(__file__, key),
        "download_file": lambda: storage.download_file(key, "/dev/null/none"),
    }


def refuses(call: Callable[[], object]) -> bool:
    """Tell whether a call raises InvalidKey, and nothing else."""
    try:
        call()
    except InvalidKey:
        return True
    except Exception:  # noqa: BLE001  # any other error is no refusal, whatever it is
        return False
    return False


def write_stream(storage: Storage, key: str, data: bytes, *, if_absent: bool = False) -> None:
    """Write an object as a stream."""
    with storage.open_write(key, if_absent=if_absent) as file:
        file.write(data)
