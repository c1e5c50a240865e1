"""Gives git a token by a pipe, at the moment at which git asks for it."""

import os
import shlex
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from brickwork import BrickworkError

if TYPE_CHECKING:
    from brickwork_github.credentials import GitHubCredentials

USER = "x-access-token"
"""The user whose password may be any kind of token."""

_GRACE_SECONDS = 5.0


class TokenPipe:
    """Two named pipes: by one a helper of git's asks, by the other it gets the token.

    A pipe has nothing on disk. What is written into it is gone once it was read.

    Args:
        credentials: Whose token; asked for each time, since those of Apps end.

    Attributes:
        failure: Why there was no token when git asked.

    Raises:
        BlockError: There is no token.
        GitHubError: GitHub gives the App none.
    """

    def __init__(self, credentials: "GitHubCredentials") -> None:
        credentials.access_token()
        self._credentials = credentials
        self._closing = False
        self.failure: BrickworkError | None = None

    def open(self, folder: Path) -> str:
        """Begin to answer, and return git's setting for the helper.

        See https://git-scm.com/docs/gitcredentials#_custom_helpers.

        Args:
            folder: Where the pipes are to be; nobody else may enter it.
        """
        self._ask, self._answer = folder / "ask", folder / "answer"
        for pipe in (self._ask, self._answer):
            os.mkfifo(pipe, 0o600)
        self._thread = threading.Thread(target=self._serve, name="git-token", daemon=True)
        self._thread.start()
        ask, answer = shlex.quote(str(self._ask)), shlex.quote(str(self._answer))
        return f'!f() {{ test "$1" = get && echo >{ask} && cat {answer}; }}; f'

    def close(self) -> None:
        """Answer no more."""
        self._closing = True
        # Whichever pipe the thread waits at, it is opened from its other side, too.
        ends = [os.open(pipe, os.O_RDWR | os.O_NONBLOCK) for pipe in (self._ask, self._answer)]
        try:
            os.write(ends[0], b"\n")
            self._thread.join(_GRACE_SECONDS)
        finally:
            for end in ends:
                os.close(end)

    def _serve(self) -> None:
        while True:
            with self._ask.open("rb", buffering=0) as ask:
                ask.read(16)
            if self._closing:
                return
            with suppress(BrokenPipeError), self._answer.open("wb", buffering=0) as answer:
                answer.write(self._told())

    def _told(self) -> bytes:
        try:
            token = self._credentials.access_token().reveal()
        except BrickworkError as failure:
            self.failure = failure
            return b"quit=1\n"
        return f"username={USER}\npassword={token}\n".encode()
