"""OpenBao on this machine, for tests, demos and benchmarks.

`openbao` starts a real server process on 127.0.0.1 and ends it again::

    with openbao() as server:
        mount = server.enable_kv(2)
        server.write(mount, "app", {"password": "correct horse"})
        vault = server.block()

`faulty` puts a proxy before a server, which counts requests, and refuses or cuts them as told.

For pytest, name the fixtures' module in the ``conftest.py`` at the root of your tests::

    pytest_plugins = ["brickwork_hashicorp.testing.fixtures"]

It needs ``pip install "brickwork-hashicorp[testing]"``.
"""

from brickwork_hashicorp.testing.faulty import Faults, faulty
from brickwork_hashicorp.testing.server import BaoServer, ServerNotStarted, installed, openbao

__all__ = ["BaoServer", "Faults", "ServerNotStarted", "faulty", "installed", "openbao"]
