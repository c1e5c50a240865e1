"""What holds for the tests of every package."""

import sys
from ipaddress import ip_address


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
