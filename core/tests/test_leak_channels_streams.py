"""No secret shows in standard streams, tracebacks and warnings, or when a program dies."""

import io
import json
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout

import pytest
import rich.console
import rich.logging
import rich.pretty
import rich.traceback

from brickwork import install_masking
from brickwork.masking import masker
from brickwork.masking.streams import MaskedStream
from brickwork.testing.leaks import SENTINELS, UNKNOWN, Channel, Channels, leaks

pytestmark = pytest.mark.attack

channels = Channels()


@pytest.fixture(autouse=True)
def masking() -> Iterator[None]:
    """What a program has that called `install_masking` once."""
    with install_masking():
        yield


@channels.add(carries=True)
def print_captured(text: str) -> str:
    """Prints into a masked stream, whole and letter by letter."""
    below = io.StringIO()
    stream = MaskedStream(below)
    with redirect_stdout(stream):
        print("it is", text, [text], {"k": text})
        for character in text:
            print(character, end="", flush=True)
        print()
    stream.finish()
    return below.getvalue()


@channels.add(carries=True)
def stdout_with_streams(text: str) -> str:
    """Standard output."""
    return _stdout(lambda: print("it is", text))


@channels.add(carries=True)
def stdout_buffer_with_streams(text: str) -> str:
    """Standard output, by its other methods."""

    def write() -> None:
        sys.stdout.buffer.write(b"it is " + text.encode())
        sys.stdout.writelines(["lines ", text[:4], text[4:], "\n"])

    return _stdout(write)


@channels.add(carries=True)
def excepthook(text: str) -> str:
    """An uncaught exception."""
    error = _raised(text)
    return _stderr(lambda: sys.excepthook(type(error), error, error.__traceback__))


@channels.add(carries=True)
def excepthook_of_rich(text: str) -> str:
    """An uncaught exception, shown by rich with local variables."""
    error = _raised(text)
    installed = sys.excepthook
    with install_masking() as masking:
        masking.uninstall()
        previous = rich.traceback.install(show_locals=True, width=2000)
        try:
            with install_masking():
                return _stderr(lambda: sys.excepthook(type(error), error, error.__traceback__))
        finally:
            sys.excepthook = previous
            install_masking()
            assert sys.excepthook is not installed


@channels.add(carries=True)
def threading_excepthook(text: str) -> str:
    """An uncaught exception in a thread."""

    def run() -> None:
        thread = threading.Thread(target=_raise, args=(text,))
        thread.start()
        thread.join(30)

    # pytest watches threads with a hook of its own; this is what a program has.
    previous, threading.excepthook = threading.excepthook, threading.__excepthook__
    try:
        with install_masking() as masking:
            masking.uninstall()
            with install_masking():
                return _stderr(run)
    finally:
        threading.excepthook = previous
        install_masking()


@channels.add(carries=True)
def warning_shown(text: str) -> str:
    """A warning."""
    return warnings.formatwarning(UserWarning(text), UserWarning, "app.py", 1, f"line {text}")


@channels.add(carries=True)
def traceback_of_rich(text: str) -> str:
    """A traceback of rich, with a plain local variable."""
    console = _console()
    password = text  # a plain local variable, which rich would show
    try:
        raise ValueError(password)
    except ValueError as error:
        error.add_note(f"with {text}")
        console.print_exception(show_locals=True)
    return _file(console)


@channels.add(carries=True)
def masked_value(text: str) -> str:
    """A value that was masked at depth, as JSON."""
    return json.dumps(masker.mask_value({"parameters": [text, {text: (1, text.encode().hex())}]}))


@pytest.mark.parametrize("channel", channels, ids=str)
def test_no_sentinel_shows(channel: Channel) -> None:
    """No channel shows any of the sentinels in any form; those that carry texts do carry."""
    channel.check()


def test_there_are_channels() -> None:
    """The list is not empty, and its names are unique."""
    assert len({channel.name for channel in channels}) == len(channels) >= 9


def test_a_whole_program_shows_no_sentinel() -> None:
    """A program that dies of an error that quotes every sentinel shows none, in any stream."""
    shown = _program(SENTINELS)
    for sentinel in SENTINELS:
        assert leaks(sentinel, shown) == []
    # Each of its ways to say something did say something.
    for mark in (b"printed", b"logged", b"warned", b"thread died", b"destructor", b"main died"):
        assert mark in shown


def test_a_whole_program_shows_what_is_no_secret() -> None:
    """The control: the same program shows texts that were never registered."""
    assert _program((), UNKNOWN).count(UNKNOWN.encode()) >= 6


PROGRAM = """
import json, os, sys, threading, warnings
from brickwork import Secret, install_masking
assert "logging" not in sys.modules
texts = json.loads(os.environ["SENTINELS"])
secrets = [Secret(text) for text in texts]
assert "logging" not in sys.modules
import logging
text = "|".join([*texts, os.environ["PLAIN"]])
logging.basicConfig(level="DEBUG")
logging.getLogger("a.b").error("logged %s", text)
install_masking(streams=True)
print("printed", text)
for letter in text:
    sys.stdout.write(letter)
sys.stderr.write("printed" + text)
warnings.warn("warned " + text)
def die():
    raise ValueError("thread died " + text)
thread = threading.Thread(target=die)
thread.start()
thread.join()
class Bad:
    def __del__(self):
        raise ValueError("destructor " + text)
Bad()
raise SystemError("main died " + text)
"""


def _program(texts: Sequence[str], plain: str = "") -> bytes:
    environment = {**os.environ, "SENTINELS": json.dumps(texts), "PLAIN": plain}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    return done.stdout + done.stderr


def _raise(text: str) -> None:
    raise ValueError(text)


def _raised(text: str) -> ValueError:
    try:
        _raise(text)
    except ValueError as error:
        return error
    raise AssertionError


def _console() -> rich.console.Console:
    return rich.console.Console(file=io.StringIO(), width=2000)


def _file(console: rich.console.Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _stderr(call: Callable[[], object]) -> str:
    stderr = io.StringIO()
    with redirect_stderr(stderr):
        call()
    return stderr.getvalue()


def _stdout(call: Callable[[], object]) -> str:
    below = io.BytesIO()
    with redirect_stdout(io.TextIOWrapper(below, "utf-8", write_through=True)) as stdout:
        with install_masking() as masking:
            masking.uninstall()
            with install_masking(streams=True):
                call()
        install_masking()
    assert stdout.writable()  # it is still open, and not collected
    return below.getvalue().decode()
