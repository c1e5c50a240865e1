"""Nobody is reached while something is tried."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def no_connection() -> Iterator[list[str]]:
    """Refuse and note every use of a socket to reach somebody."""
    with _refused((socket.socket, "connect"), (socket.socket, "connect_ex")) as tried:
        yield tried


@contextmanager
def no_network() -> Iterator[list[str]]:
    """Refuse and note connections, datagrams and look-ups of names."""
    with (
        no_connection() as tried,
        _refused(
            (socket.socket, "sendto"),
            (socket, "getaddrinfo"),
            (socket, "gethostbyname"),
            tried=tried,
        ),
    ):
        yield tried


@contextmanager
def _refused(*places: tuple[Any, str], tried: list[str] | None = None) -> Iterator[list[str]]:
    noted: list[str] = [] if tried is None else tried
    with pytest.MonkeyPatch.context() as patch:
        for home, name in places:

            def refuse(*_: object, _name: str = name, **__: object) -> None:
                noted.append(_name)
                raise OSError(f"{_name} is not allowed here")

            patch.setattr(home, name, refuse)
        yield noted
