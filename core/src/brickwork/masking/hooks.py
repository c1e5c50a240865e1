"""What `install_masking` installs, and puts back."""

import atexit
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from brickwork.masking import masker
from brickwork.masking.records import mask_log_records, when_imported
from brickwork.masking.streams import MaskedStream

_lock = threading.Lock()


class Masking:
    """The hooks that are installed; a context manager. Made by `install_masking`."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self._watched: set[str] = set()
        self._streams = False
        self.active = False

    def uninstall(self) -> None:
        """Put back what was there. A hook that somebody installed over ours stays."""
        with _lock:
            self.active = False
            while self._undo:
                self._undo.pop()()
            self._streams = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.uninstall()

    def _install(self, *, streams: bool) -> None:
        if not self.active:
            self.active = True
            mask_log_records()
            self._wrap(sys, "excepthook", _through_masked_stderr)
            self._wrap(threading, "excepthook", _through_masked_stderr)
            self._wrap(sys, "unraisablehook", _through_masked_stderr)
            self._wrap(warnings, "formatwarning", _with_masked_result)
            self._when_imported("logging", self._cover_extra)
            self._when_imported("rich.traceback", self._cover_rich)
        if streams and not self._streams:
            self._streams = True
            for name in ("stdout", "stderr"):
                self._cover_stream(name)

    def _when_imported(self, name: str, cover: Callable[[Any], None]) -> None:
        if name in sys.modules or name not in self._watched:
            self._watched.add(name)
            when_imported(name, cover)

    def _wrap(
        self, owner: Any, name: str, wrapper: Callable[[Callable[..., Any]], Callable[..., Any]]
    ) -> None:
        """Put a wrapper around a function; it does nothing once this is uninstalled."""
        original = getattr(owner, name)
        wrapped = wrapper(original)

        def hook(*args: Any, **kwargs: Any) -> Any:
            return (wrapped if self.active else original)(*args, **kwargs)

        setattr(owner, name, hook)

        def undo() -> None:
            if getattr(owner, name) is hook:
                setattr(owner, name, original)

        self._undo.append(undo)

    def _cover_extra(self, logging: Any) -> None:
        if self.active:
            self._wrap(logging.Logger, "makeRecord", _with_masked_extra)

    def _cover_rich(self, module: Any) -> None:
        if not self.active:
            return
        original = module.Traceback.__dict__["extract"]

        def extract(cls: Any, *args: Any, **kwargs: Any) -> Any:
            kwargs["show_locals"] = False  # they are cut before they could be masked
            trace = original.__func__(cls, *args, **kwargs)
            _mask_trace(trace)
            return trace

        ours = classmethod(extract)
        module.Traceback.extract = ours

        def undo() -> None:
            if module.Traceback.__dict__["extract"] is ours:
                module.Traceback.extract = original

        self._undo.append(undo)

    def _cover_stream(self, name: str) -> None:
        below = getattr(sys, name)
        if below is None or isinstance(below, MaskedStream):
            return
        masked = MaskedStream(below)
        setattr(sys, name, masked)
        atexit.register(masked.finish)

        def undo() -> None:
            masked.finish()
            atexit.unregister(masked.finish)
            if getattr(sys, name) is masked:
                setattr(sys, name, below)

        self._undo.append(undo)


_masking = Masking()


def install(*, streams: bool) -> Masking:
    """Install the hooks that are not installed yet; see `brickwork.install_masking`."""
    with _lock:
        _masking._install(streams=streams)  # noqa: SLF001 - its own module
    return _masking


def _through_masked_stderr(hook: Callable[..., Any]) -> Callable[..., Any]:
    def masked_hook(*args: Any) -> None:
        with _masked_stderr():
            hook(*args)

    return masked_hook


@contextmanager
def _masked_stderr() -> Iterator[None]:
    below = sys.stderr
    if below is None or isinstance(below, MaskedStream):
        yield
        return
    masked = MaskedStream(below)
    sys.stderr = masked
    try:
        yield
    finally:
        masked.finish()
        if sys.stderr is masked:
            sys.stderr = below


def _with_masked_result(function: Callable[..., str]) -> Callable[..., str]:
    def masked_function(*args: Any, **kwargs: Any) -> str:
        return masker.mask(function(*args, **kwargs))

    return masked_function


def _with_masked_extra(make_record: Callable[..., Any]) -> Callable[..., Any]:
    def masked_make_record(*args: Any, **kwargs: Any) -> Any:
        record = make_record(*args, **kwargs)
        # (self, name, level, fn, lno, msg, args, exc_info, func, extra, sinfo)
        extra = kwargs.get("extra") or (args[9] if len(args) > 9 else None)
        for name in extra or ():
            record.__dict__[name] = masker.mask_value(record.__dict__.get(name))
        return record

    return masked_make_record


def _mask_trace(trace: Any) -> None:
    """Mask the texts of a rich trace before rich wraps and colours them."""
    for stack in trace.stacks:
        stack.exc_value = masker.mask(stack.exc_value)
        if hasattr(stack, "notes"):  # rich 14 and newer
            stack.notes = [masker.mask(note) for note in stack.notes]
        if stack.syntax_error is not None:
            stack.syntax_error.line = masker.mask(stack.syntax_error.line)
            stack.syntax_error.msg = masker.mask(stack.syntax_error.msg)
        for group in getattr(stack, "exceptions", ()):  # rich 14: exception groups
            _mask_trace(group)
