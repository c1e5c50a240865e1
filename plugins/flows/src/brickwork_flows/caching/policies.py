"""Cache policies: what a result depends on, so that it may be given back. Composed by + and -."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from brickwork import Task, mask
from brickwork_flows.caching.keys import NotCacheable, digest, named
from brickwork_flows.caching.source import code_parts

_sources: WeakKeyDictionary[Task[..., Any], str] = WeakKeyDictionary()

KeyFunction = Callable[["CacheContext", dict[str, Any]], str | None]


@dataclass(frozen=True, slots=True)
class CacheContext:
    """The call that a key is made for.

    Attributes:
        task: The task.
        flow_run_id: The id of the run of the flow that calls it.
        flow_parameters: The parameters of that flow, by name.
    """

    task: Task[..., Any]
    flow_run_id: str
    flow_parameters: Mapping[str, Any]


class CachePolicy(ABC):
    """Tells calls apart: a result is given back to a call that has the same key.

    ``a + b`` is a policy where both have to be the same. ``a - "name"`` leaves a parameter out of
    its inputs. Subclass it for a policy of your own.
    """

    __slots__ = ()

    @abstractmethod
    def compute_key(self, context: CacheContext, parameters: Mapping[str, Any], /) -> str | None:
        """Return what tells this call from others; None for no caching.

        Args:
            context: The call.
            parameters: Its arguments by name, with defaults.

        Raises:
            NotCacheable: There is no such text, and why.
        """

    def __add__(self, other: "CachePolicy") -> "CachePolicy":
        if not isinstance(other, CachePolicy):
            return NotImplemented
        return composed(*_parts(self), *_parts(other))

    def __sub__(self, name: str) -> "CachePolicy":
        if not isinstance(name, str):
            return NotImplemented
        return self

    @staticmethod
    def from_cache_key_fn(function: KeyFunction) -> "CacheKeyFnPolicy":
        """Return a policy that asks a function for the key."""
        return CacheKeyFnPolicy(function)


@dataclass(frozen=True)
class Inputs(CachePolicy):
    """The task and its arguments.

    Attributes:
        exclude: Parameters that do not count.
    """

    exclude: frozenset[str] = frozenset()

    def compute_key(self, context: CacheContext, parameters: Mapping[str, Any], /) -> str | None:
        """Return a hash of the arguments, and the task's name. Raises NotCacheable."""
        counted = {name: each for name, each in parameters.items() if name not in self.exclude}
        try:
            hashed = digest(counted)
        except NotCacheable:
            self._refuse(counted)
            raise
        return f"{named(context.task)} {hashed}"

    def _refuse(self, counted: Mapping[str, Any]) -> None:
        """Say which of the arguments it is."""
        for name, value in counted.items():
            try:
                digest(value)
            except NotCacheable as error:
                raise NotCacheable(f"the argument {name!r}: {error.what}") from None

    def __sub__(self, name: str) -> CachePolicy:
        if not isinstance(name, str):
            return NotImplemented
        return Inputs(self.exclude | {name})


@dataclass(frozen=True)
class TaskSource(CachePolicy):
    """The task's own code: another result after a change of it. What it calls does not count."""

    def compute_key(self, context: CacheContext, _: Mapping[str, Any], /) -> str | None:
        """Return a hash of the compiled function, and the task's name. Raises NotCacheable."""
        return f"{named(context.task)} {source_hash(context.task)}"


@dataclass(frozen=True)
class RunId(CachePolicy):
    """The run of the flow: a result is given back inside the same run alone."""

    def compute_key(self, context: CacheContext, _: Mapping[str, Any], /) -> str | None:
        """Return the run's id, and the task's name."""
        return f"{named(context.task)} {context.flow_run_id}"


@dataclass(frozen=True)
class FlowParameters(CachePolicy):
    """The parameters of the flow that calls the task."""

    def compute_key(self, context: CacheContext, _: Mapping[str, Any], /) -> str | None:
        """Return a hash of the parameters, and the task's name. Raises NotCacheable."""
        try:
            return f"{named(context.task)} {digest(dict(context.flow_parameters))}"
        except NotCacheable as error:
            raise NotCacheable(f"the parameters of the flow: {error.what}") from None


@dataclass(frozen=True)
class NoCache(CachePolicy):
    """No caching. Added to another policy, it changes nothing."""

    def compute_key(self, _: CacheContext, __: Mapping[str, Any], /) -> str | None:
        """Return None."""
        return None


@dataclass(frozen=True)
class CacheKeyFnPolicy(CachePolicy):
    """Asks a function for the key; on its own, tasks that give the same key share a result.

    Attributes:
        function: Called with the context and the arguments by name; returns a text, or None for
            no caching.
    """

    function: KeyFunction

    def compute_key(self, context: CacheContext, parameters: Mapping[str, Any], /) -> str | None:
        """Return what the function returns. Raises NotCacheable where it fails."""
        try:
            key = self.function(context, dict(parameters))
        except NotCacheable:
            raise
        except Exception as error:  # noqa: BLE001  # the user's function
            text = mask(f"{type(error).__name__}: {error}")
            raise NotCacheable(f"cache_key_fn failed: {text}") from None
        if key is not None and not isinstance(key, str):
            raise NotCacheable(f"cache_key_fn returned a {type(key).__name__}, and no text")
        if key is not None and mask(key) != key:
            raise NotCacheable("cache_key_fn returned a text that holds a secret")
        return key


@dataclass(frozen=True)
class Composed(CachePolicy):
    """Several policies at once: each has to find the call to be the same.

    Attributes:
        parts: The policies; their order does not count.
    """

    parts: frozenset[CachePolicy]

    def compute_key(self, context: CacheContext, parameters: Mapping[str, Any], /) -> str | None:
        """Return a text of all their keys; None where one of them has none. Raises NotCacheable."""
        keys: list[tuple[str, str]] = []
        for part in self.parts:
            key = part.compute_key(context, parameters)
            if key is None:
                return None
            keys.append((named(type(part)), key))
        return repr(sorted(keys))

    def __sub__(self, name: str) -> CachePolicy:
        if not isinstance(name, str):
            return NotImplemented
        return composed(*(part - name for part in self.parts))


def composed(*policies: CachePolicy) -> CachePolicy:
    """Return one policy for several, as small as it can be."""
    inputs = [each for each in policies if isinstance(each, Inputs)]
    parts = {each for each in policies if not isinstance(each, Inputs | NoCache)}
    if inputs:
        # A parameter counts if it counts for one of them.
        parts.add(Inputs(frozenset.intersection(*(each.exclude for each in inputs))))
    if not parts:
        return NoCache()
    return parts.pop() if len(parts) == 1 else Composed(frozenset(parts))


def _parts(policy: CachePolicy) -> tuple[CachePolicy, ...]:
    return tuple(policy.parts) if isinstance(policy, Composed) else (policy,)


def source_hash(task: Task[..., Any]) -> str:
    """Return a hash of a task's code. Raises NotCacheable."""
    hashed = _sources.get(task)
    if hashed is None:
        _sources[task] = hashed = digest(*code_parts(task.fn))
    return hashed


INPUTS = Inputs()
TASK_SOURCE = TaskSource()
RUN_ID = RunId()
FLOW_PARAMETERS = FlowParameters()
NO_CACHE = NoCache()
DEFAULT = INPUTS + TASK_SOURCE + RUN_ID
