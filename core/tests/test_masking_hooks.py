"""Masking by itself installs a log record factory, on demand the rest; that is reversible."""

import io
import logging
import subprocess
import sys
import threading
import warnings
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from brickwork import Secret, install_masking
from brickwork.masking import MASK, masker
from brickwork.masking.records import mask_record
from brickwork.masking.streams import MaskedStream

SECRET = "hooks-and-s3cr3ts"


@pytest.fixture(autouse=True)
def secret() -> Secret[str]:
    """The masker knows one secret at least."""
    return Secret(SECRET)


def hooks() -> list[object]:
    """Return all that `install_masking` may replace."""
    return [
        sys.excepthook,
        threading.excepthook,
        sys.unraisablehook,
        warnings.formatwarning,
        logging.Logger.makeRecord,
        sys.stdout,
        sys.stderr,
    ]


def run(code: str) -> str:
    """Run a program; return its output and errors."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout + done.stderr


def test_masking_is_reversible_and_idempotent() -> None:
    """Leaving the context puts back every hook; installing twice installs once."""
    import rich.traceback

    before = [*hooks(), rich.traceback.Traceback.__dict__["extract"]]
    for streams in (False, True):
        with install_masking(streams=streams) as masking:
            installed = hooks()
            assert all(a is not b for a, b in zip(before[:5], installed[:5], strict=True))
            assert isinstance(sys.stdout, MaskedStream) is streams
            assert install_masking(streams=streams) is masking
            assert hooks() == installed
        assert [*hooks(), rich.traceback.Traceback.__dict__["extract"]] == before
        masking.uninstall()
        assert hooks() == before[:-1]


def test_streams_can_be_added_later() -> None:
    """A second call with `streams` adds them."""
    with install_masking():
        below = sys.stdout
        install_masking(streams=True)
        assert isinstance(sys.stdout, MaskedStream)
    assert sys.stdout is below


def test_a_hook_that_was_installed_over_ours_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uninstalling does not remove what others put in place since, and ours does nothing then."""
    called: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, value, trace: called.append(kind))
    masking = install_masking()
    ours = sys.excepthook

    def theirs(*args: object) -> None:
        ours(*args)  # type: ignore[arg-type]  # handed on as they came

    sys.excepthook = theirs
    masking.uninstall()
    assert sys.excepthook is theirs
    sys.excepthook(ValueError, ValueError("x"), None)
    assert called == [ValueError]


def test_the_first_secret_does_not_import_logging() -> None:
    """A program that never logs does not pay for logging; one that does later is masked."""
    shown = run(
        "import sys\n"
        "from brickwork.secret import Secret\n"
        f"Secret({SECRET!r})\n"
        "assert 'logging' not in sys.modules and 'pydantic' not in sys.modules\n"
        "finders = len(sys.meta_path)\n"
        "import logging\n"
        "assert len(sys.meta_path) == finders - 1\n"
        f"logging.getLogger('x').error('it is {SECRET}')\n"
    )
    assert shown == f"it is {MASK}\n"


def test_rich_is_covered_if_it_is_imported_later() -> None:
    """`install_masking` before the import of rich covers its tracebacks too."""
    shown = run(
        "import sys\n"
        "from brickwork import Secret, install_masking\n"
        f"text = Secret({SECRET!r}).reveal()\n"
        "install_masking()\n"
        "assert 'rich' not in sys.modules\n"
        "import rich.traceback, rich.console\n"
        "try:\n"
        "    raise ValueError(text)\n"
        "except ValueError:\n"
        "    rich.console.Console(width=200).print_exception(show_locals=True)\n"
    )
    assert SECRET not in shown
    assert f"ValueError: {MASK}" in shown


def test_another_record_factory_is_kept() -> None:
    """A factory that a program had set before makes the records still, and they are masked."""
    shown = run(
        "import logging\n"
        "class Mine(logging.LogRecord):\n"
        "    def __init__(self, *args, **kwargs):\n"
        "        super().__init__(*args, **kwargs)\n"
        "        self.mine = 'mine'\n"
        "logging.setLogRecordFactory(Mine)\n"
        "from brickwork.secret import Secret\n"
        f"Secret({SECRET!r})\n"
        "logging.basicConfig(format='%(mine)s %(message)s')\n"
        f"logging.error('it is %s', {SECRET!r})\n"
    )
    assert shown == f"mine it is {MASK}\n"


class Records(logging.Handler):
    """Keeps the records of a logger without parents: pytest has handlers of its own there."""

    def __init__(self) -> None:
        super().__init__()
        self.log = logging.Logger("alone")
        self.log.addHandler(self)
        self.seen: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record)


@pytest.fixture
def records() -> Records:
    """A handler that keeps the records of its own `log`."""
    return Records()


def test_clean_records_are_left_alone(records: Records) -> None:
    """Without a secret in it, a record keeps its message, arguments and exception as they came."""
    arguments = (1, "two", [3])
    error = ValueError("clean")
    records.log.error("%s %s %s", *arguments, exc_info=error)
    assert records.seen[0].exc_info == (ValueError, error, None)
    assert records.seen[0].msg == "%s %s %s"
    assert records.seen[0].args == arguments
    assert records.seen[0].exc_text is None


def test_the_arguments_of_a_caller_are_not_changed(records: Records) -> None:
    """Masking a record copies what it masks."""
    argument = {"password": [SECRET]}
    records.log.error("%s", [argument])
    assert argument == {"password": [SECRET]}
    assert SECRET not in records.seen[0].getMessage()


def test_an_object_whose_text_fails_does_not_break_logging(records: Records) -> None:
    """A log call with an argument that cannot be shown does not raise, and shows no secret."""

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no text")

        def __eq__(self, other: object) -> bool:
            raise RuntimeError("no comparison")

        __hash__ = None  # type: ignore[assignment]  # as a class with such an __eq__ has

    records.log.error("%s and %s", Broken(), SECRET)
    record = records.seen[0]
    assert SECRET not in repr((record.msg, [a for a in record.args or () if isinstance(a, str)]))


def test_a_record_that_cannot_be_masked_is_emptied(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If masking itself fails, the record says so and nothing else: it fails closed."""

    def fail(*args: object, **options: object) -> None:
        raise RuntimeError("broken masker")

    with monkeypatch.context() as patch:
        patch.setattr(type(masker), "mask_value", fail)
        records.log.error("it is %s", SECRET, exc_info=ValueError(SECRET))
    assert records.seen[0].getMessage() == "(a log record could not be masked)"
    assert records.seen[0].exc_info is None


def test_a_stack_and_a_traceback_as_text_are_masked(records: Records) -> None:
    """The lines of source in a stack may hold a secret that somebody wrote into a program."""
    record = records.log.makeRecord(
        "x", logging.ERROR, "x.py", 1, "here", (), None, sinfo=f'  login("{SECRET}")'
    )
    assert record.stack_info == f'  login("{MASK}")'
    record.exc_text = f"ValueError: {SECRET}"
    mask_record(record)
    assert record.exc_text == f"ValueError: {MASK}"


def test_masking_a_record_twice_changes_nothing(records: Records) -> None:
    """A record that passes two masking processes stays as it is."""
    records.log.error("it is %s", SECRET)
    record = records.seen[0]
    before = dict(record.__dict__)
    mask_record(record)
    assert record.__dict__ == before


def test_without_a_standard_error_hooks_do_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program without a standard error, as some services are, does not fail in its hook."""
    with install_masking():
        monkeypatch.setattr(sys, "stderr", None)
        sys.excepthook(ValueError, ValueError(SECRET), None)


def test_a_hook_puts_standard_error_back() -> None:
    """After an uncaught exception was shown, standard error is the stream that it was."""
    stderr = io.StringIO()
    with install_masking(), redirect_stderr(stderr):
        sys.excepthook(ValueError, ValueError(f"a {SECRET} b"), None)
        assert sys.stderr is stderr
    assert f"ValueError: a {MASK} b" in stderr.getvalue()


def test_a_forked_child_can_mask(tmp_path: Path) -> None:
    """A child that was forked while another thread held the masker's lock does not hang."""
    shown = run(
        "import os, threading\n"
        "from brickwork.masking import masker\n"
        "held, done = threading.Event(), threading.Event()\n"
        "def hold():\n"
        "    with masker._lock:\n"
        "        held.set(); done.wait(30)\n"
        "thread = threading.Thread(target=hold); thread.start(); held.wait(30)\n"
        "pid = os.fork()\n"
        "if not pid:\n"
        f"    masker.add({SECRET!r}); print(masker.mask({SECRET!r}), flush=True); os._exit(0)\n"
        "assert os.waitpid(pid, 0)[1] == 0\n"
        "done.set(); thread.join()\n"
    )
    assert shown == f"{MASK}\n"
