"""What holds for the tests of every package."""

import sys
from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from hypothesis import settings

# A machine under load is slow now and then, which is no defect of what is tested.
settings.register_profile("brickwork", deadline=None)
settings.load_profile("brickwork")


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


@pytest.fixture(autouse=True)
def only_own_secrets() -> Iterator[None]:
    """Forget the secrets of a test with it: they may be words of another's.

    Hypothesis makes secrets of any text, also of words that it found in our sources.
    """
    from brickwork.masking import Masker, masker

    state = vars(masker)
    known = set(state["_known"])
    yield
    if len(state["_known"]) > len(known):
        fresh = Masker()
        for secret in known:
            fresh.add(secret)
        state.update({name: vars(fresh)[name] for name in ("_known", "_pending", "_needles")})
