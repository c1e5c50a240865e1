"""What runs log: shown as any log, and kept with the run."""

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from brickwork import ConfigError
from brickwork_flows.context import RunContext, run_here

ROOT = "brickwork.flows"
_bound: ContextVar[RunContext | None] = ContextVar("brickwork_logging_run", default=None)


class RunLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger that belongs to a run, or to none; made by `get_run_logger`.

    Every record carries ``flow_name``, ``flow_run_name``, ``flow_run_id``, ``run_name`` and
    ``run_id``, for formatters.
    """

    def __init__(self, logger: logging.Logger, context: RunContext | None) -> None:
        super().__init__(logger, _facts(context))
        self._context = context

    def process(
        self, msg: object, kwargs: MutableMapping[str, Any]
    ) -> tuple[object, MutableMapping[str, Any]]:
        """Add what is known of the run to the record's ``extra``."""
        kwargs["extra"] = {**(self.extra or {}), **(kwargs.get("extra") or {})}
        return msg, kwargs

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log for the run that the logger was made in, from whatever thread."""
        if self.isEnabledFor(level):
            kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
            with _bound_to(self._context):
                super().log(level, msg, *args, **kwargs)


@contextmanager
def _bound_to(context: RunContext | None) -> Iterator[None]:
    token = _bound.set(context)
    try:
        yield
    finally:
        _bound.reset(token)


def get_run_logger() -> RunLogger:
    """Return the logger of the run that runs here, named ``brickwork.flows.`` and the flow's name.

    What it logs is kept with the run, and goes to the program's log handlers as any record does; a
    program that has set up none sees it on standard error. Outside of a run it is the plain logger
    ``brickwork.flows`` and keeps nothing (Prefect raises an error there).

    Raises:
        ConfigError: ``BRICKWORK_LOGGING_LEVEL`` is no level.
    """
    prepare()
    context = run_here()
    name = ROOT if context is None else f"{ROOT}.{context.flow.context.name}"
    return RunLogger(logging.getLogger(name), context)


class RunHandler(logging.Handler):
    """Keeps records with the run that they belong to; shows them where nobody else does."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        context = _bound.get() or run_here()
        try:
            text = self.format(record)
            if context is not None:
                context.flow.log.add(context.id, record.created, record.levelno, record.name, text)
            if not _shown_elsewhere(record.name):
                _show(record, "" if context is None else context.run_name, text)
        except Exception:  # noqa: BLE001  # as every handler of logging
            self.handleError(record)


_handler = RunHandler()
_lock = threading.Lock()


def prepare() -> None:
    """See to it that what is logged under ``brickwork.flows`` is kept.

    Raises:
        ConfigError: ``BRICKWORK_LOGGING_LEVEL`` is no level.
    """
    root = logging.getLogger(ROOT)
    if _handler in root.handlers:
        return
    with _lock:
        if root.level == logging.NOTSET:
            root.setLevel(_level())
        root.addHandler(_handler)


def _level() -> int:
    text = os.environ.get("BRICKWORK_LOGGING_LEVEL", "").strip() or "INFO"
    if text.isdecimal():
        return int(text)
    level = logging.getLevelNamesMapping().get(text.upper())
    if level is None:
        raise ConfigError(
            "BRICKWORK_LOGGING_LEVEL is no level of logging.",
            fix="Set it to DEBUG, INFO, WARNING, ERROR or CRITICAL.",
        )
    return level


def _facts(context: RunContext | None) -> dict[str, object]:
    if context is None:
        return {}
    flow = context.flow.context
    return {
        "flow_name": flow.name,
        "flow_run_name": flow.run_name,
        "flow_run_id": flow.id,
        "run_name": context.run_name,
        "run_id": context.id,
    }


def _shown_elsewhere(name: str) -> bool:
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None:
        if any(each is not _handler for each in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False


def _show(record: logging.LogRecord, run_name: str, text: str) -> None:
    if sys.stderr is None:  # pythonw has none
        return
    when = time.strftime("%H:%M:%S", time.localtime(record.created))
    sys.stderr.write(f"{when} | {record.levelname:<7} | {run_name or record.name} - {text}\n")
    sys.stderr.flush()
