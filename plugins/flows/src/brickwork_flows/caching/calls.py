"""A call of a task that has a cache policy: what is found for it, and what is kept of it."""

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from functools import partial
from types import MethodType
from typing import TYPE_CHECKING, Any, Self, cast
from weakref import WeakKeyDictionary

from brickwork import Task
from brickwork_flows.caching import store as stored
from brickwork_flows.caching.keys import NotCacheable, digest
from brickwork_flows.caching.locks import KeyLock
from brickwork_flows.caching.policies import (
    NO_CACHE,
    CacheContext,
    CacheKeyFnPolicy,
    CachePolicy,
)
from brickwork_flows.caching.store import CacheStore, Entry, UnreadableEntry
from brickwork_flows.context import current_run
from brickwork_flows.errors import MissingResult
from brickwork_flows.history.events import ResultKept
from brickwork_flows.results import restore

if TYPE_CHECKING:
    from brickwork_flows.engine import FlowRun
    from brickwork_flows.recording import Run

_log = logging.getLogger("brickwork.flows")

_being_computed: ContextVar[frozenset[str]] = ContextVar(
    "brickwork_cache_keys", default=frozenset()
)
_signatures: WeakKeyDictionary[Task[..., Any], inspect.Signature] = WeakKeyDictionary()


class CachedCall:
    """A call of a task with a cache policy, as a context manager.

    When the block begins, either `found` is set, or the key's lock is held until it ends.

    Args:
        flow: The run of the flow that calls.
        task: The task.
        args: Positional arguments.
        kwargs: Arguments by name.
        path: Which call it is.

    Attributes:
        found: The result in the cache, in a list; None where the task has to run.
        kept: Where that result is kept.
        run: The call's run, where something of it is recorded already.
        note: Why the call is not cached, or what was wrong with what was there; or where what was
            found is from.
    """

    __slots__ = (
        "_entry",
        "_flow",
        "_key",
        "_lock",
        "_path",
        "_store",
        "_task",
        "_token",
        "found",
        "note",
        "run",
    )

    def __init__(
        self,
        flow: "FlowRun",
        task: Task[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        path: str,
    ) -> None:
        self.found: list[Any] | None = None
        self.run: Run | None = None
        self.note = ""
        self._flow = flow
        self._path = path
        self._task = task
        self._entry: Entry | None = None
        self._store = CacheStore.of(flow.runtime.place)
        self._lock: KeyLock | None = None
        self._token: Token[frozenset[str]] | None = None
        self._key: str | None = None
        try:
            self._key = self._computed_key(args, kwargs)
        except NotCacheable as error:
            self._give_up(error.what)

    @property
    def kept(self) -> ResultKept:
        """Where the result that was found is kept."""
        assert self._entry is not None  # noqa: S101  # asked for where something was found
        return self._entry.kept

    def look(self) -> bool:
        """Look whether the result is in the cache, and need not be computed."""
        if self._key is not None and not self._task.refresh_cache:
            self._look(self._key)
        return self.found is not None

    def __enter__(self) -> Self:
        lock = self._lock_needed()
        if lock is not None:
            with self._waiting():
                lock.wait()
                self._locked(lock)
        return self

    def __exit__(self, *error: object) -> None:
        if self._token is not None:
            _being_computed.reset(self._token)
        if self._lock is not None:
            self._lock.release()

    async def __aenter__(self) -> Self:
        lock = self._lock_needed()
        if lock is not None:
            with self._waiting():
                await lock.wait_async()
                self._locked(lock)
        return self

    async def __aexit__(self, *error: object) -> None:
        self.__exit__()

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            # A scope's time that is up is an OSError as well, by way of TimeoutError.
            if isinstance(error, OSError) and not isinstance(error, TimeoutError):
                self._give_up(f"its lock cannot be taken: {error.strerror}")
                return
            if self.run is not None:
                self.run.end_badly(error)
                raise
            caller = current_run.get()
            parent = self._flow.id if caller is None else caller.id
            self._flow.never_began(self._task, self._path, parent)
            raise

    def keep(self, kept: ResultKept | None, later: list[Callable[[], object]] | None = None) -> str:
        """Keep what the task returned for calls to come; return a note, if that is not done.

        Args:
            kept: Where the run's result is kept; None if it is not.
            later: Takes what does so when the transaction around it is committed.
        """
        if self._key is None or self.found is not None:
            return self.note
        if kept is None:
            return self._noted("not cached, since its result is not kept")
        lifetime = self._task.cache_expiration
        at = stored.now()
        expires = None if lifetime is None else at + lifetime.total_seconds()
        entry = Entry(self._key, self._task.name, at, expires, kept)
        if later is not None:
            later.append(partial(self._write, entry))
        else:
            self._write(entry)
        return self.note

    # Steps

    def _write(self, entry: Entry) -> None:
        try:
            self._store.write(entry)
        except OSError as error:
            self._give_up(f"that cannot be written: {error.strerror}")

    def _computed_key(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
        task, flow = self._task, self._flow
        policy: CachePolicy = (
            CacheKeyFnPolicy(task.cache_key_fn)
            if task.cache_key_fn is not None
            else cast("CachePolicy", task.cache_policy)
        )
        if policy is NO_CACHE:
            return None
        context = CacheContext(task, flow.id, flow.parameters)
        key = policy.compute_key(context, _bound(task, args, kwargs))
        return None if key is None else digest(key)

    def _lock_needed(self) -> KeyLock | None:
        """Look into the cache; return the lock to wait for, if the result has to be computed."""
        key = self._key
        if key is None or self._task.refresh_cache:
            return None
        self._look(key)
        if self.found is not None:
            return None
        if key in _being_computed.get():
            self._give_up("a task that calls it has the same key, and is still at work")
            return None
        return self._store.lock(key)

    def _locked(self, lock: KeyLock) -> None:
        assert self._key is not None  # noqa: S101  # there is no lock without one
        self._lock = lock
        self._look(self._key)  # whoever had the lock has computed it, perhaps
        if self.found is not None:
            self._lock = None
            lock.release()
        else:
            self._token = _being_computed.set(_being_computed.get() | {self._key})

    def _look(self, key: str) -> None:
        try:
            entry = self._store.read(key)
            if entry is None or not entry.counts(self._task.cache_expiration, stored.now()):
                return
            settings = self._flow.results.of_task(self._task.options)
            self.found = [restore(entry.kept, allow_pickle=settings.allow_pickle)]
        except UnreadableEntry as error:
            self.note = f"what was in the cache is not used: {error}"
        except MissingResult as error:
            self.note = f"what was in the cache is not used: {error.what}"
        else:
            self._entry = entry
            self.note = f"computed by the run {entry.kept.run}"

    def _give_up(self, reason: str) -> None:
        self._key = None
        self.note = f"not cached: {reason}"
        _log.warning("task %r: %s", self._task.name, self.note)

    def _noted(self, note: str) -> str:
        return f"{self.note}; {note}" if self.note else note


def _bound(
    task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments by name, with defaults; a method's object is one of them.

    Raises:
        NotCacheable: They do not fit the signature.
    """
    function = task.fn
    if isinstance(function, MethodType):
        args = (function.__self__, *args)
    signature = _signatures.get(task)
    if signature is None:
        plain = function.__func__ if isinstance(function, MethodType) else function
        _signatures[task] = signature = inspect.signature(plain)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise NotCacheable(f"the arguments do not fit: {error}") from None
    bound.apply_defaults()
    return bound.arguments
