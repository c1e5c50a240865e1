"""No secret shows in logs, by whatever logger, argument, handler or formatter."""

import asyncio
import base64
import functools
import io
import json
import logging
import logging.handlers
import pickle
import queue
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from typing import Any
from urllib.parse import quote

import pytest
import rich.console
import rich.logging
import rich.pretty
import rich.traceback

from brickwork import Secret, install_masking
from brickwork.testing.leaks import UNKNOWN, Channel, Channels

pytestmark = pytest.mark.attack

channels = Channels()


@pytest.fixture(autouse=True)
def masking() -> Iterator[None]:
    """What a program has that called `install_masking` once."""
    with install_masking():
        yield


@contextmanager
def _logged(
    name: str = "leaks",
    formatter: logging.Formatter | None = None,
    handler: logging.Handler | None = None,
) -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """Listen to a logger and its children, alone: pytest has a handler of its own at the root."""
    stream = io.StringIO()
    handler = handler or logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    parent = logging.getLogger(name)
    parent.addHandler(handler)
    parent.setLevel(logging.DEBUG)
    parent.propagate = False
    try:
        yield parent.getChild("child"), stream
    finally:
        parent.removeHandler(handler)
        parent.setLevel(logging.NOTSET)
        parent.propagate = True


class Everything(logging.Formatter):
    """Writes every field of a record as JSON, as structured logging does."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(record.__dict__, default=str)


@channels.add(carries=True)
def log_message(text: str) -> str:
    """A message."""
    with _logged() as (log, stream):
        log.warning(f"it is {text}, really")
    return stream.getvalue()


@channels.add(carries=True)
def log_argument(text: str) -> str:
    """Arguments."""
    with _logged() as (log, stream):
        log.warning("it is %s, %r, %s", text, text, [text])
    return stream.getvalue()


@channels.add()
def log_argument_cut(text: str) -> str:
    """An argument that the format cuts."""
    with _logged() as (log, stream):
        log.warning("it is %.5s", text)
    assert text[:5] not in stream.getvalue()
    return stream.getvalue()


@channels.add(carries=True)
def log_argument_by_name(text: str) -> str:
    """Arguments by name."""
    with _logged() as (log, stream):
        log.warning("it is %(secret)s", {"secret": text})
    return stream.getvalue()


@channels.add(carries=True)
def log_argument_object(text: str) -> str:
    """An object whose text has it."""
    with _logged() as (log, stream):
        log.warning("failed: %s", ValueError(text))
    return stream.getvalue()


@channels.add(carries=True)
def log_bytes(text: str) -> str:
    """The repr of bytes."""
    with _logged() as (log, stream):
        log.warning("sent %r", text.encode())
    return stream.getvalue()


@channels.add(carries=True)
def log_json(text: str) -> str:
    """JSON inside JSON."""
    with _logged() as (log, stream):
        log.warning(json.dumps({"body": json.dumps({"password": text})}))
    return stream.getvalue()


@channels.add(carries=True)
def log_object(text: str) -> str:
    """A message that is no text."""
    with _logged() as (log, stream):
        log.warning({"password": [text]})
    return stream.getvalue()


@channels.add(carries=True)
def log_basic_auth(text: str) -> str:
    """Base64 of something longer, at each offset."""
    with _logged() as (log, stream):
        for user in ("a", "me", "her"):
            header = base64.b64encode(f"{user}:{text}".encode()).decode()
            log.warning("Authorization: Basic %s", header)
    return stream.getvalue()


@channels.add(carries=True)
def log_url(text: str) -> str:
    """A URL."""
    with _logged() as (log, stream):
        log.warning("GET https://me:%s@host/?q=%s", quote(text, safe=""), quote(text))
    return stream.getvalue()


@channels.add(carries=True)
def log_exception(text: str) -> str:
    """A traceback."""
    with _logged() as (log, stream):
        try:
            raise ValueError(text)
        except ValueError:
            log.exception("failed")
    return stream.getvalue()


@channels.add(carries=True)
def log_exception_chain(text: str) -> str:
    """A cause, with a note."""
    with _logged() as (log, stream):
        try:
            try:
                raise KeyError(text)
            except KeyError as error:
                error.add_note(f"with {text}")
                raise RuntimeError("outer") from error
        except RuntimeError as error:
            log.error("failed", exc_info=error)
    return stream.getvalue()


@channels.add(carries=True)
def log_exception_group(text: str) -> str:
    """An exception group."""
    with _logged() as (log, stream):
        log.error("failed", exc_info=ExceptionGroup("many", [ValueError(text), KeyError("x")]))
    return stream.getvalue()


@channels.add(carries=True)
def log_stack(text: str) -> str:
    """A stack, and a message beside it."""
    with _logged() as (log, stream):
        log.warning("here %s", text, stack_info=True)
    return stream.getvalue()


@channels.add(carries=True)
def log_every_field(text: str) -> str:
    """Every field of a record, as JSON."""
    with _logged(formatter=Everything()) as (log, stream):
        try:
            raise ValueError(text)
        except ValueError:
            log.exception("failed: %s", text, stack_info=True)
    return stream.getvalue()


@channels.add(carries=True)
def log_extra(text: str) -> str:
    """Extra fields, at depth."""
    with _logged(formatter=Everything()) as (log, stream):
        log.warning("login", extra={"password": text, "request": {"headers": [text.encode()]}})
    return stream.getvalue()


@channels.add(carries=True)
def log_adapter(text: str) -> str:
    """Extra fields of an adapter."""
    with _logged(formatter=Everything()) as (log, stream):
        logging.LoggerAdapter(log, {"token": text}).warning("through an adapter: %s", text)
    return stream.getvalue()


@channels.add(carries=True)
def log_wrong_call(text: str) -> str:
    """Logging's own report of a wrong call."""
    stderr = io.StringIO()
    with _logged() as (log, _), redirect_stderr(stderr):
        log.warning("%d of them", text)
        log.warning("too few %s %s", text)
    return stderr.getvalue()


@channels.add(carries=True)
def log_queue(text: str) -> bytes:
    """Records on their way to another process."""
    records: queue.Queue[logging.LogRecord] = queue.Queue()
    with _logged(handler=logging.handlers.QueueHandler(records)) as (log, _):
        try:
            raise ValueError(text)
        except ValueError:
            log.exception("failed: %s", text)
    return pickle.dumps(records.get_nowait().__dict__)


@channels.add(carries=True)
def log_rich(text: str) -> str:
    """The handler of rich, with local variables."""
    console = _console()
    handler = rich.logging.RichHandler(
        console=console, rich_tracebacks=True, tracebacks_show_locals=True
    )
    with _logged(handler=handler) as (log, _):
        try:
            raise ValueError(text)
        except ValueError:
            log.exception("failed: %s", text)
    return _file(console)


@channels.add(carries=True)
def log_warning_captured(text: str) -> str:
    """Warnings that are logged."""
    with _logged("py.warnings") as (_, stream), warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        try:
            warnings.warn(f"old: {text}", stacklevel=1)
        finally:
            logging.captureWarnings(False)
    return stream.getvalue()


@channels.add(carries=True)
def log_asyncio(text: str) -> str:
    """Errors that an event loop reports."""
    with _logged("asyncio") as (_, stream):

        async def fail() -> None:
            asyncio.get_running_loop().call_soon(_raise, text)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        asyncio.run(fail())
    return stream.getvalue()


def _raise(text: str) -> None:
    raise ValueError(text)


@channels.add(carries=True)
def log_botocore(text: str) -> str:
    """What botocore logs of a request at level DEBUG."""
    session = _botocore_session()
    endpoint = "http://127.0.0.1:9"  # nobody listens there
    # A header takes printable ASCII only.
    token = "token-" + "".join(c for c in text if c.isascii() and c.isprintable())
    with _logged("botocore") as (_, stream):
        client = session.create_client(
            "s3",
            region_name="eu-west-1",
            endpoint_url=endpoint,
            aws_access_key_id="AKIAEXAMPLE",
            aws_secret_access_key="not a sentinel",
            aws_session_token=token,
            config=_botocore_config(),
        )
        if text != UNKNOWN:
            Secret(token)
        with suppress(Exception):
            client.put_object(Bucket="b", Key=text, Metadata={"x": quote(text)})
    shown = stream.getvalue()
    assert text == UNKNOWN or token not in shown
    return shown


@functools.cache
def _botocore_session() -> Any:
    return pytest.importorskip("botocore.session").Session()


def _botocore_config() -> Any:
    from botocore.config import Config

    return Config(
        retries={"total_max_attempts": 1}, connect_timeout=1, s3={"addressing_style": "path"}
    )


@pytest.mark.parametrize("channel", channels, ids=str)
def test_no_sentinel_shows(channel: Channel) -> None:
    """No channel shows any of the sentinels in any form; those that carry texts do carry."""
    channel.check()


def test_there_are_channels() -> None:
    """The list is not empty, and its names are unique."""
    assert len({channel.name for channel in channels}) == len(channels) >= 20


def _console() -> rich.console.Console:
    return rich.console.Console(file=io.StringIO(), width=2000)


def _file(console: rich.console.Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
