"""What the command line ends with, and why: one table for users, scripts and the documentation."""

from collections.abc import Iterator

from brickwork import errors

INTERRUPTED = 130
OUTPUT_CLOSED = 141
SOMETHING_TO_DO = 9

MEANINGS = {
    0: "done",
    1: "failed, for a reason that no other code stands for; or a check found something wrong",
    2: "wrong usage: options, settings, names, or values that do not fit",
    3: "the vault's key is missing, is another one, or is not private",
    4: "not found: a block, a version, an object",
    5: "a conflict: it exists already, is in use, or somebody else saved in between",
    6: "damaged or changed data",
    7: "a plugin: missing, broken, in conflict, or without the thing asked for",
    8: "a disk, database, storage or network failed",
    SOMETHING_TO_DO: "`plan --exit-code` found something to do",
    INTERRUPTED: "interrupted by Ctrl-C, or a question was left unanswered",
    OUTPUT_CLOSED: "whoever read the output closed it, such as head",
}
"""Every code with its meaning."""

OF_A_COMMAND = (
    "`brickwork notify TARGET -- COMMAND` ends as the command did: with its exit code, with 128\n"
    "and the number of the signal that ended it, with 127 if it was not found, with 126 if it\n"
    "could not be executed. `brickwork task run` that a signal has ended has stopped what it\n"
    "began: its code is 128 and the number of the signal."
)
"""What ends otherwise."""


def errors_of(code: int) -> list[str]:
    """Return the names of the errors that end the command line with a code."""
    return sorted(cls.__name__ for cls in _all(errors.BrickworkError) if cls.exit_code == code)


def text() -> str:
    """Return the table as plain text, with the errors of each code."""
    lines = []
    for code, meaning in MEANINGS.items():
        lines.append(f"{code:>4}  {meaning}")
        names = errors_of(code) if code > 1 else []
        if names:
            lines.append(f"      ({', '.join(names)})")
    lines.append(f"\n{OF_A_COMMAND}")
    return "\n".join(lines)


def _all(cls: type[errors.BrickworkError]) -> Iterator[type[errors.BrickworkError]]:
    # Only the core's own: a plugin's errors have codes of this table too.
    if cls.__module__ == errors.__name__:
        yield cls
        for each in cls.__subclasses__():
            yield from _all(each)
