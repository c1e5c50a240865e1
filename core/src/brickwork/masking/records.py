"""Log records that are masked before any handler, filter or formatter sees them."""

import sys
import threading
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from brickwork.masking import masker

if TYPE_CHECKING:
    import logging


def mask_log_records() -> None:
    """Mask every log record from now on; if logging is not imported yet, from its import on."""
    when_imported("logging", _set_factory)


def _set_factory(logging: Any) -> None:
    make: Callable[..., logging.LogRecord] = logging.getLogRecordFactory()
    if getattr(make, "masks_secrets", False):
        return

    def masked_record(*args: Any, **kwargs: Any) -> "logging.LogRecord":
        record = make(*args, **kwargs)
        try:
            mask_record(record)
        except Exception:  # noqa: BLE001 - logging must not raise, and must not leak
            record.msg, record.args = "(a log record could not be masked)", ()
            record.exc_info = record.exc_text = record.stack_info = None
        return record

    masked_record.masks_secrets = True  # type: ignore[attr-defined]  # our mark on our function
    logging.setLogRecordFactory(masked_record)


def mask_record(record: "logging.LogRecord") -> None:
    """Mask a record's message, arguments, exception and stack; leave it alone if it is clean.

    Where the traceback shows a secret, ``exc_info`` is replaced by the masked text in ``exc_text``,
    which formatters show in its place: a handler that renders the exception itself would show it.
    """
    if not len(masker.needles):
        return
    _mask_message(record)
    if record.exc_info and record.exc_info[0] is not None:
        _mask_exception(record)
    if record.exc_text:
        record.exc_text = masker.mask(record.exc_text)
    if record.stack_info:
        record.stack_info = masker.mask(record.stack_info)


def _mask_message(record: "logging.LogRecord") -> None:
    # The arguments first, each whole: "%.8s" would cut a secret to what is no longer recognised.
    clean_args = masker.mask_value(record.args, objects=False)
    changed = not _same(clean_args, record.args)
    if changed:
        record.args = clean_args
    if not isinstance(record.msg, str):
        record.msg = masker.mask_value(record.msg, objects=False)
    try:
        message = record.getMessage()
    except Exception:  # noqa: BLE001 - a wrong call of a logger: logging itself will report it
        record.msg = masker.mask(str(record.msg))
        return
    masked = masker.mask(message)
    if masked != message or (changed and isinstance(record.msg, str)):
        record.msg, record.args = masked, ()


def _same(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001 - arrays and others do not compare to a truth value
        return False


def _mask_exception(record: "logging.LogRecord") -> None:
    import traceback

    assert record.exc_info is not None  # noqa: S101 - for the type checker; the caller looked
    text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
    masked = masker.mask(text)
    if masked != text:
        record.exc_text, record.exc_info = masked, None


def when_imported(name: str, call: Callable[[ModuleType], None]) -> None:
    """Call with a module: now if it is imported, else once, right after its import.

    Logging costs some milliseconds to import, and many a program that loads a block never logs.
    """
    module = sys.modules.get(name)
    if module is not None and not getattr(module.__spec__, "_initializing", False):
        call(module)
        return
    sys.meta_path.insert(0, _Watch(name, call))


class _Watch(MetaPathFinder):
    """Waits for one import, lets the other finders do it, and calls when it is done."""

    def __init__(self, name: str, call: Callable[[ModuleType], None]) -> None:
        self._name = name
        self._call = call
        self._busy = threading.local()

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the interface
        target: ModuleType | None = None,  # noqa: ARG002 - the interface
    ) -> ModuleSpec | None:
        """Find the module by the other finders, with a loader that calls."""
        if fullname != self._name or getattr(self._busy, "now", False):
            return None
        from importlib.util import find_spec

        self._busy.now = True
        try:
            spec = find_spec(fullname)
        finally:
            self._busy.now = False
        if spec is None or not hasattr(spec.loader, "exec_module"):
            return None
        assert spec.loader is not None  # noqa: S101 - for the type checker
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
            self._call(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]  # this one's, once
        return spec
