"""What to tell people of a command that has ended."""

import os
import re
import shlex
from collections.abc import Mapping, Sequence

from brickwork.cli.command_run import Ended
from brickwork.masking import masker

_MAX_COMMAND = 1000
_MAX_ARGUMENT = 10_000

_NAMED = r"(?:passw(?:or)?d|passphrase|secret|token|credential|(?:api|access|auth|private)[-_]?key)"
_OPTION = re.compile(rf"--?[\w.-]*{_NAMED}[\w.-]*", re.IGNORECASE)
_WHOLE = re.compile(rf"([\w.-]*{_NAMED}[\w.-]*=).+", re.IGNORECASE | re.DOTALL)
_INSIDE = re.compile(rf"({_NAMED}[\w.-]*=)[^\s&;]+", re.IGNORECASE)
_IN_URL = re.compile(r"://([^/\s:@]*:)?[^/\s@]+@")
_HEADER = re.compile(
    r"\b((?:proxy-)?authorization|cookie|x-api-key)(\s*:).*", re.IGNORECASE | re.DOTALL
)
_HIDDEN = "***"


def title(name: str, ended: Ended) -> str:
    """Say in a few words how a command has ended.

    Args:
        name: The command, as it was typed.
        ended: How.
    """
    name = os.path.basename(name) or name  # noqa: PTH119  # of a text, which may be no path
    if ended.problem:
        return f"{name} could not be started"
    if ended.timed_out:
        return f"{name} did not end in time"
    if ended.signal:
        return f"{name} was ended by {ended.signal}"
    return f"{name} succeeded" if ended.code == 0 else f"{name} failed with exit code {ended.code}"


def fields(argv: Sequence[str], ended: Ended, timeout: float | None) -> Mapping[str, str]:
    """Return the facts on a command, by name."""
    import socket

    found = {"command": shown(argv)}
    if ended.problem:
        found["problem"] = ended.problem
    elif ended.signal:
        found["signal"] = ended.signal
    else:
        found["exit code"] = str(ended.code)
    if ended.timed_out and timeout is not None:
        found["time limit"] = duration(timeout)
    return {
        **found,
        "duration": duration(ended.seconds),
        "host": socket.gethostname(),
        "directory": _directory(),
    }


def shown(argv: Sequence[str]) -> str:
    """Return a command as one would type it, without what is known or looks like a secret.

    Hidden are known secrets, values of options and variables that are named like secrets
    (``--api-key X``, ``--password=X``, ``PGPASSWORD=X``), passwords in URLs, and the values of the
    headers that log in. That is a guess: a secret in any other place is shown.
    """
    words = []
    hide_next = False
    for word in argv:
        if hide_next and not word.startswith("-"):
            words.append(_HIDDEN)
            hide_next = False
            continue
        hide_next = _OPTION.fullmatch(word[:_MAX_ARGUMENT]) is not None
        words.append(_without_secrets(masker.mask(word)[:_MAX_ARGUMENT]))
    text = shlex.join(words)
    return text if len(text) <= _MAX_COMMAND else f"{text[: _MAX_COMMAND - 1]}…"


def duration(seconds: float) -> str:
    """Return a time as people say it: ``40 ms``, ``3.1 s``, ``2 min 5 s``, ``3 h 10 min``."""
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 60:
        return f"{round(seconds, 1):g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _without_secrets(word: str) -> str:
    whole = _WHOLE.fullmatch(word)
    if whole:
        return whole[1] + _HIDDEN
    word = _HEADER.sub(rf"\1\2 {_HIDDEN}", word)
    return _IN_URL.sub(rf"://\1{_HIDDEN}@", _INSIDE.sub(rf"\1{_HIDDEN}", word))


def _directory() -> str:
    try:
        return os.getcwd()  # noqa: PTH109  # only shown
    except OSError:  # it was removed
        return "(removed)"
