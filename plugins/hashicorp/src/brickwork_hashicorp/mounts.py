"""Which KV mount a path is in, and of which version that is."""

import threading
from collections.abc import Callable
from time import monotonic
from typing import Any, NamedTuple

KEPT_SECONDS = 300.0
"""How long the list of mounts is kept; for a path in none of them it is asked for anew."""


class Mount(NamedTuple):
    """A place on the server where an engine is mounted.

    Attributes:
        path: Without a slash at its end.
        kind: The engine: ``kv``, ``database`` ...
        version: Of a KV engine: 1 or 2.
    """

    path: str
    kind: str
    version: int

    @property
    def is_kv(self) -> bool:
        """Whether it keeps keys and values."""
        return self.kind in ("kv", "generic")


Get = Callable[..., dict[str, Any]]


class Mounts:
    """What is mounted, as far as the token may see; asked for once, and kept for a while.

    By https://developer.hashicorp.com/vault/api-docs/system/internal-ui-mounts, as ``bao kv`` does:
    whoever may read a path may see its mount.

    Args:
        get: Asks the server: a path below ``/v1/`` and a deadline.
    """

    def __init__(self, get: Get) -> None:
        self._get = get
        self._lock = threading.Lock()
        self._found: dict[str, Mount] = {}
        self._when = float("-inf")

    def all(self, deadline: float, *, since: float | None = None) -> dict[str, Mount]:
        """Return the mounts by their paths.

        Args:
            deadline: When to give up.
            since: A list from before that is asked for anew, by `time.monotonic`.

        Raises:
            BlockError, OSError, VaultError: As `Connection.get`.
        """
        oldest = monotonic() - KEPT_SECONDS if since is None else since
        if self._when > oldest:
            return self._found
        if not self._lock.acquire(timeout=max(deadline - monotonic(), 0)):
            raise TimeoutError("another thread is asking for the mounts")
        try:
            if self._when <= oldest:
                when = monotonic()
                answer = self._get("sys/internal/ui/mounts", deadline)
                listed = answer["data"].get("secret") or {}
                self._found = {
                    path.rstrip("/"): _mount(path, told) for path, told in listed.items()
                }
                self._when = when
            return self._found
        finally:
            self._lock.release()

    def of(self, path: str, deadline: float, began: float) -> Mount | None:
        """Return the mount that a path is in, the longest that fits.

        Args:
            path: The path; it begins with its mount.
            deadline: When to give up.
            began: When the paths were asked for: one new list is enough for all of them.

        Raises:
            BlockError, OSError, VaultError: As `Connection.get`.
        """
        found = _longest(self.all(deadline), path)
        if found is None:  # perhaps it is new, or the policy is
            found = _longest(self.all(deadline, since=began), path)
        return found


def _mount(path: str, told: dict[str, Any]) -> Mount:
    options = told.get("options") or {}
    version = 2 if str(options.get("version")) == "2" else 1
    return Mount(path.rstrip("/"), str(told.get("type")), version)


def _longest(mounts: dict[str, Mount], path: str) -> Mount | None:
    steps = path.split("/")
    for count in range(len(steps), 0, -1):
        found = mounts.get("/".join(steps[:count]))
        if found is not None:
            return found
    return None
