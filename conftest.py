"""What holds for the tests of every package."""

import gc
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

# A machine under load is slow now and then, which is no defect of what is tested.
settings.register_profile("brickwork", deadline=None)
settings.load_profile("brickwork")


def pytest_collection_finish() -> None:
    """Spare the garbage collector all the tests, through which it would look again and again."""
    gc.collect()
    gc.freeze()


def _stay_on_this_machine(event: str, arguments: tuple[object, ...]) -> None:
    """Fail a test that looks up or connects to anything but this machine."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else host
    if not isinstance(name, str) or name in ("", "localhost") or name == _own_name():
        return
    try:
        if ip_address(name.partition("%")[0]).is_loopback or event == "socket.getaddrinfo":
            return
    except ValueError:
        pass
    raise AssertionError(f"a test reached for {name}: tests stay on 127.0.0.1")


def _own_name() -> str:
    import socket

    return socket.gethostname()


sys.addaudithook(_stay_on_this_machine)

_homes = count()


@pytest.fixture
def fresh_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder; `mktemp` looks through those of all tests before, which gets slow."""
    home = tmp_path_factory.getbasetemp() / "homes" / str(next(_homes))
    home.mkdir(0o700, parents=True)
    return home


@pytest.fixture(autouse=True)
def only_own_secrets() -> Iterator[None]:
    """Forget the secrets of a test with it: they may be words of another's.

    Hypothesis makes secrets of any text, also of words that it found in our sources.
    """
    from brickwork.masking import masker

    with masker.forgetting():
        yield
