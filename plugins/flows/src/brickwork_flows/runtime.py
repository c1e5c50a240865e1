"""Where this process records its runs: the history in use, and its journal."""

import atexit
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from brickwork import Config, ConfigError
from brickwork_flows.errors import HistoryError
from brickwork_flows.history.interface import History
from brickwork_flows.history.recorder import Recorder, recover
from brickwork_flows.history.sqlite import SqliteHistory

Durability = Literal["process", "power"]

LIMITS = ("limits", "book")
"""The entry of the history that has the limits, and who holds their slots."""
LIMITS_SECONDS = 1.0
"""So long a task may not know of a limit that was made by another process."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


@dataclass(frozen=True)
class Place:
    """Where runs are kept.

    Attributes:
        folder: A folder with the history, the journals and the larger results.
        durability: Whether what was recorded outlives a kill of the process, or a loss of power.
        url: A history elsewhere; empty for one in that folder.

    Raises:
        ConfigError: There is no such durability.
    """

    folder: Path
    durability: Durability = "process"
    url: str = ""

    def __post_init__(self) -> None:
        if self.durability not in get_args(Durability):
            raise ConfigError(
                f"There is no durability {self.durability!r}.",
                fix="Use 'process', or 'power'; in the environment it is BRICKWORK_DURABILITY.",
            )

    @property
    def database(self) -> Path:
        """The history."""
        return self.folder / "runs.db"

    @property
    def journals(self) -> Path:
        """The folder of the journals."""
        return self.folder / "journals"

    @cached_property
    def results(self) -> Path:
        """The folder of results that are too large for the history."""
        return self.folder / "results"


class Runtime:
    """The recorder of a place, in this process; begun when the first flow runs."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.history = _history_of(place)
        self._lock = threading.Lock()
        self._recorder: Recorder | None = None
        self._process = os.getpid()
        self.on_cancel: Callable[[], object] | None = None
        """Called when a run of this process was asked to stop, after it was told."""
        self._limits: Mapping[str, Sequence[Any]] = {}
        self._limits_until = 0.0
        self.uses = 0
        """How many `use_history` blocks are open for it."""

    @property
    def recorder(self) -> Recorder:
        """The recorder; the first one folds what processes that died have left behind."""
        recorder = self._recorder
        if recorder is not None and self._process == os.getpid():
            return recorder
        with self._lock:
            if self._recorder is None or self._process != os.getpid():
                recover(self.history, self.place.journals)
                power = self.place.durability == "power"
                self._recorder = Recorder(self.history, self.place.journals, power=power)
                self._process = os.getpid()
            return self._recorder

    def limits(self, *, fresh: bool = False) -> Mapping[str, Sequence[Any]]:
        """Return the limits by name, each with its slots and what it allows a second.

        Args:
            fresh: Whether to read them now, and not as they were a second ago.
        """
        now = time.monotonic()
        if fresh or now >= self._limits_until:
            entry = self.history.entry(*LIMITS)
            self._limits = {} if entry is None else entry.value.get("limits", {})
            self._limits_until = now + LIMITS_SECONDS
        return self._limits

    def flush(self) -> None:
        """Fold everything recorded here, and what processes that died have left behind."""
        if self._recorder is not None and self._process == os.getpid():
            self._recorder.flush()
        recover(self.history, self.place.journals)

    def close(self) -> None:
        """Fold everything, and end the thread that does so."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None and self._process == os.getpid():
            recorder.close()
        self.history.close()

    def rest(self) -> None:
        """Give back what is open, unless a run goes on; it is opened again when it is needed."""
        recorder = self._recorder
        if recorder is not None and self._process == os.getpid():
            with suppress(HistoryError):  # then what is left in the journal is folded later
                recorder.flush()
            if recorder.busy:
                return
        self.close()


def _history_of(place: Place) -> History:
    power = place.durability == "power"
    if not place.url:
        return SqliteHistory(place.database, power=power)
    from brickwork_flows.extensions import find

    opened: History = find("histories", place.url.partition(":")[0]).open(place.url, power=power)
    return opened


_in_use: ContextVar[Place | None] = ContextVar("brickwork_flows_place", default=None)
_runtimes: dict[Place, Runtime] = {}
_lock = threading.Lock()


def current_runtime() -> Runtime:
    """Return the runtime of the place in use.

    Raises:
        HistoryError: There is no folder of the user's to keep runs in.
    """
    place = _in_use.get() or _default_place()
    runtime = _runtimes.get(place)
    if runtime is None:
        with _lock:
            runtime = _runtimes.setdefault(place, Runtime(place))
    return runtime


@contextmanager
def use_history(folder: Path | str, *, durability: Durability | None = None) -> Iterator[Runtime]:
    """Keep runs in a folder, or in a history elsewhere, inside the ``with`` block.

    Args:
        folder: Where the history, the journals and larger results are; or the URL of a history of
            an installed package, such as ``postgresql://...``. The journals, and results that have
            no storage of their own, are then in the user's data folder on this machine.
        durability: ``process``: what was recorded outlives a kill of the process. ``power``: a loss
            of power too; each step of a run waits for the disk then. Default:
            ``BRICKWORK_DURABILITY``, or ``process``.

    Raises:
        ConfigError: There is no such durability.
        InvalidExtension: No package brings that history.
    """
    token = _in_use.set(_place_at(folder, durability or _durability()))
    try:
        runtime = current_runtime()
        with _lock:
            runtime.uses += 1
        try:
            yield runtime
        finally:
            with _lock:
                runtime.uses -= 1
                if not runtime.uses:
                    runtime.rest()
    finally:
        _in_use.reset(token)


def _default_place() -> Place:
    home = os.environ.get("BRICKWORK_HISTORY")
    return _place_at(home, _durability()) if home else Place(_users_folder(), _durability())


def _place_at(where: Path | str, durability: Durability) -> Place:
    if isinstance(where, Path) or not _URL.match(where):
        return Place(Path(where).absolute(), durability)
    from hashlib import blake2b

    # Its journals must be folded into it, and into no other history.
    mark = blake2b(os.fsencode(where), digest_size=8).hexdigest()
    return Place(_users_folder() / "elsewhere" / mark, durability, where)


def _users_folder() -> Path:
    folders = Config.load().folders
    if folders is None:
        raise HistoryError(
            "There is no folder to keep the history of runs in.",
            fix="Set BRICKWORK_HISTORY to a folder, or BRICKWORK_HOME.",
        )
    return folders[0] / "runs"


def _durability() -> Durability:
    return os.environ.get("BRICKWORK_DURABILITY") or "process"  # type: ignore[return-value]  # Place looks at it


def _in_child() -> None:
    # Another thread may have held these when the process was forked, and is not in the child.
    global _lock
    _lock = threading.Lock()
    for runtime in _runtimes.values():
        runtime._lock = threading.Lock()  # noqa: SLF001  # its own module


os.register_at_fork(after_in_child=_in_child)


@atexit.register
def _close_all() -> None:
    for runtime in list(_runtimes.values()):
        runtime.close()
