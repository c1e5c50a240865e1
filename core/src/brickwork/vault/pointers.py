"""JSON pointers (RFC 6901)."""

from typing import Any


def escape(key: str) -> str:
    """Return a key as it stands in a pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def steps(pointer: str) -> list[str]:
    """Return the keys in a pointer."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def get_at(tree: Any, pointer: str) -> Any:
    """Return what stands at a pointer. Raises LookupError, TypeError or ValueError for nothing."""
    for step in steps(pointer):
        tree = tree[int(step)] if isinstance(tree, list) else tree[step]
    return tree


def put_at(tree: Any, pointer: str, value: object) -> None:
    """Set what stands at a pointer. Raises as `get_at`."""
    parent, _, last = pointer.rpartition("/")
    holder = get_at(tree, parent)
    holder[int(last) if isinstance(holder, list) else steps(f"/{last}")[0]] = value


def dotted(pointer: str) -> str:
    """Return a pointer as people write a path to a field: ``credentials.region``."""
    return ".".join(steps(pointer))
