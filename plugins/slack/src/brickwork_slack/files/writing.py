"""Files that are at their path only once they are whole."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from brickwork import BrickworkError, InvalidArguments


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that replaces what is at its path at the end, and not before.

    Raises:
        InvalidArguments: It cannot be written.
    """
    from secrets import token_hex

    part = path.with_name(f".{path.name}.{token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as file:
            yield file
        part.replace(path)
    except BrickworkError:
        raise  # some are an OSError, too
    except OSError as error:
        raise InvalidArguments(
            f"{path} cannot be written: {error.strerror or type(error).__name__}.",
            fix="Give the path of a file in a folder that you may write to.",
        ) from None
    finally:
        with suppress(OSError):
            part.unlink()
