"""Reads large answers piece by piece, into files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from brickwork import BrickworkError, InvalidArguments, check_cancelled, progress
from brickwork_github.errors import GitHubUnavailable
from brickwork_github.faults import unreachable
from brickwork_github.requests import Request
from brickwork_github.transport import Reply

_PIECE_BYTES = 256 * 1024


def pieces(reply: Reply, name: str) -> Iterator[bytes]:
    """Give the body of a streamed answer; the task is cancelled between the pieces.

    Args:
        reply: The answer.
        name: The method and the path, for the error.

    Raises:
        GitHubUnavailable: The connection broke.
    """
    from requests import RequestException

    try:
        for piece in reply.iter_content(_PIECE_BYTES):
            check_cancelled()
            yield piece
    except RequestException as failure:
        raise unreachable(name, failure, "GitHub's storage", harmless=True) from None


def download(asked: Request, file: BinaryIO) -> str:
    """Write what a request gives to a file, report the progress, and return its SHA-256.

    Raises:
        GitHubError: It failed, or the connection broke.
    """
    from hashlib import sha256

    digest, done = sha256(), 0
    with asked.stream() as reply:
        length = reply.headers.get("content-length", "")
        total = int(length) if length.isdecimal() else None
        for piece in pieces(reply, asked.name):
            file.write(piece)
            digest.update(piece)
            done += len(piece)
            progress(done, total, "downloading")
    return digest.hexdigest()


def check_digest(asked: Request, came: str, digest: str) -> None:
    """Compare the SHA-256 of what came with the digest that GitHub has, if it has one.

    Args:
        asked: What was asked for, for the error.
        came: As `download` returns it.
        digest: As GitHub writes it: ``sha256:`` and 64 digits.

    Raises:
        GitHubUnavailable: They differ.
    """
    kind, _, wanted = digest.partition(":")
    if kind == "sha256" and came != wanted:
        raise GitHubUnavailable(
            f"{asked.name}: what came has the digest sha256:{came}, and GitHub has {digest}.",
            fix="Download it again.",
        )


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that is at its path only once it is whole.

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
        raise  # a denial and a time-out are an OSError, too
    except OSError as error:
        raise InvalidArguments(
            f"{path} cannot be written: {error.strerror or type(error).__name__}.",
            fix="Give the path of a file in a folder that you may write to.",
        ) from None
    finally:
        part.unlink(missing_ok=True)
