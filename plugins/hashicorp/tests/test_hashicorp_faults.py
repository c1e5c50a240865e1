"""What goes wrong on the way: sent again where that helps, bounded in time, told as what it is."""

import socket
from collections.abc import Iterator
from time import monotonic

import pytest

from brickwork import BlockError, ResolveError, Secret, task
from brickwork.testing.loopback import LoopbackAuthority, LoopbackServer, reply
from brickwork_hashicorp import HashicorpVault, TokenAuth, VaultResolver
from brickwork_hashicorp.connection import connection_for
from brickwork_hashicorp.testing import BaoServer, Faults, openbao

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("memory_vault")]

Proxy = tuple[BaoServer, Faults]


@pytest.fixture(scope="module")
def own_server(bao_server: BaoServer) -> Iterator[BaoServer]:
    """A server that may be sealed; skipped where the other one is."""
    with openbao() as server:
        yield server


def _why(path: str = "app") -> str:
    with pytest.raises(ResolveError) as caught:
        VaultResolver().resolve(path)
    assert caught.value.fix
    return str(caught.value)


@pytest.fixture
def read(faulty_server: Proxy, kv2: str) -> Faults:
    """What to break in reads of the secret ``app``, for which nothing else is asked."""
    server, faults = faulty_server
    server.write(kv2, "app", {"only": "sentinel-value-1"})
    server.block(mount=kv2, kv_version=2).save("default")
    VaultResolver().resolve("app")
    faults.requests.clear()
    return faults


@pytest.mark.parametrize("status", [412, 429, 500, 502, 503, 504])
def test_answers_that_pass_are_asked_for_again(read: Faults, kv2: str, status: int) -> None:
    """Two refusals are followed by the value."""
    read.refuse(kv2, status, times=2)
    assert VaultResolver().resolve("app").reveal() == "sentinel-value-1"
    assert read.count(kv2) == 3


def test_broken_connections_are_made_again(read: Faults, kv2: str) -> None:
    """A connection that is closed in place of an answer is no error yet."""
    read.cut(kv2, times=2)
    assert VaultResolver().resolve("app").reveal() == "sentinel-value-1"
    assert read.count(kv2) == 3


@pytest.mark.parametrize(
    ("status", "said"),
    [(429, "asked too often"), (500, "The server failed"), (503, "not ready"), (502, "failed")],
)
def test_retries_end(read: Faults, kv2: str, status: int, said: str) -> None:
    """After the retries of the block, the error says what the server said."""
    read.refuse(kv2, status, times=50, error="out of order")
    assert said in _why()
    assert read.count(kv2) == 4


def test_what_does_not_pass_is_asked_for_once(read: Faults, kv2: str) -> None:
    """A refusal that will stay is not tried again."""
    read.refuse(kv2, 400, times=50, error="what nonsense")
    assert "what nonsense" in _why()
    assert read.count(kv2) == 1


def test_the_server_says_when_to_come_again(faulty_server: Proxy, kv2: str) -> None:
    """A pause that is longer than the time left ends the call at once."""
    server, faults = faulty_server
    server.block(mount=kv2, kv_version=2, timeout=5).save("default")
    faults.refuse(kv2, 429, times=50, Retry_After="60")
    began = monotonic()
    assert "asked too often" in _why()
    assert monotonic() - began < 4
    assert faults.count(kv2) == 1


def test_writes_are_sent_again_only_when_nothing_was_done(faulty_server: Proxy, kv2: str) -> None:
    """Through client(), a write that may have been done is not done twice."""
    from hvac.exceptions import InternalServerError

    server, faults = faulty_server
    kv = server.block().client().secrets.kv.v2
    faults.refuse(f"{kv2}/data", 429)
    kv.create_or_update_secret("app", {"only": "one"}, mount_point=kv2)
    assert faults.count(f"{kv2}/data") == 2
    faults.refuse(f"{kv2}/data", 500)
    with pytest.raises(InternalServerError):
        kv.create_or_update_secret("app", {"only": "two"}, mount_point=kv2)
    faults.cut(f"{kv2}/data")
    with pytest.raises(OSError, match="Connection"):
        kv.create_or_update_secret("app", {"only": "three"}, mount_point=kv2)
    assert faults.count(f"{kv2}/data") == 4


def test_time_is_bounded_also_byte_by_byte(faulty_server: Proxy, kv2: str) -> None:
    """A server that never ends its answer, or never begins it, is given up in time."""
    server, faults = faulty_server
    server.block(mount=kv2, kv_version=2, timeout=1).save("default")
    faults.drip(kv2)
    began = monotonic()
    assert "no answer in time" in _why()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        server.block(url=url, timeout=1).save("default", overwrite=True)
        assert "no answer in time" in _why("kv/app")
    assert monotonic() - began < 8


def test_a_task_s_time_counts(bao_server: BaoServer) -> None:
    """In a task with a time-out, a call takes no longer than what is left."""
    connection = connection_for(bao_server.block(timeout=10))

    @task(timeout_seconds=3)
    def seconds_for_a_call() -> float:
        return connection.deadline() - monotonic()

    assert 0 < seconds_for_a_call() <= 3
    assert 9 < connection.deadline() - monotonic() <= 10


def test_a_server_that_is_gone_is_told_soon_for_many(bao_server: BaoServer) -> None:
    """A thousand references to a closed port fail as fast as one."""
    bao_server.block(url="http://127.0.0.1:1").save("default")
    began = monotonic()
    answers = VaultResolver().resolve_many([(f"kv/{number}", None) for number in range(1000)])
    assert monotonic() - began < 10
    assert len(answers) == 1000
    for (path, _), answer in answers.items():
        assert isinstance(answer, ResolveError)
        assert f"{{vault:{path}}}" in str(answer)
        assert "cannot be reached" in str(answer)
        assert "Connection refused" in str(answer)


def test_a_sealed_server_is_told_and_found_again(own_server: BaoServer) -> None:
    """Sealed has its own message, before the login and after; unsealed, all goes on."""
    own_server.write("secret", "app", {"only": "sentinel-value-1"})
    own_server.block(retries=0).save("default")
    own_server.block(own_server.app_role(), retries=0).save("fresh")
    assert VaultResolver().resolve("secret/app").reveal() == "sentinel-value-1"
    own_server.seal()
    try:
        for path in ("secret/app", "secret/app?block=fresh"):
            said = _why(path)
            assert "The server is sealed" in said
            assert "unseal" in said
    finally:
        own_server.unseal()
    assert VaultResolver().resolve("secret/app").reveal() == "sentinel-value-1"


def test_a_server_that_stops_in_the_middle_is_told(bao_server: BaoServer) -> None:
    """What was read before stays right; after the end of the process it is unreachable."""
    with openbao() as server:
        server.write("secret", "app", {"only": "sentinel-value-1"})
        server.block(retries=1).save("default")
        assert VaultResolver().resolve("secret/app").reveal() == "sentinel-value-1"
    assert "cannot be reached" in _why("secret/app")


def test_tls_is_verified(memory_vault: object, bao_server: BaoServer) -> None:
    """With the authority's file the login works; without, the error says what to give."""
    with openbao(tls=True) as server:
        server.write("secret", "app", {"only": "sentinel-value-1"})
        server.block().save("default")
        assert VaultResolver().resolve("secret/app").reveal() == "sentinel-value-1"
        server.block(ca_bundle=None).save("default", overwrite=True)
        said = _why("secret/app")
        assert "No trusted TLS connection" in said
        assert "ca_bundle" in said
        plain = server.block(url=server.url.replace("https", "http"), ca_bundle=None)
        with pytest.raises(BlockError) as caught:
            plain.client()
        assert caught.value.fix


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_redirects_keep_to_tls(memory_vault: object) -> None:
    """A standby may send us on, but not to where the token could be read on the way."""
    authority = LoopbackAuthority()
    with LoopbackServer(reply(200, b"{}")) as listener:
        away = {"Location": f"http://127.0.0.1:{listener.port}/v1/auth/token/lookup-self"}
        tls = authority.server_context("127.0.0.1")
        with LoopbackServer(reply(307, headers=away), tls=tls) as server:
            block = HashicorpVault(
                url=f"https://127.0.0.1:{server.port}",
                auth=TokenAuth(token=Secret("sentinel-token-1")),
                verify=False,
            )
            with pytest.raises(BlockError):
                block.client()
            assert server.connections == 1
        assert listener.connections == 0


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[]", b"{}", b'{"data": null}', b"\xff"])
def test_what_is_no_vault_is_told(memory_vault: object, body: bytes) -> None:
    """Something else that answers at the address is an error with a fix, not a crash."""
    with LoopbackServer(reply(200, body, {"Content-Type": "application/json"})) as server:
        block = HashicorpVault(
            url=f"http://127.0.0.1:{server.port}",
            auth=TokenAuth(token=Secret("sentinel-token-1")),
            retries=0,
        )
        block.save("default")
        assert "kv/app" in _why("kv/app")
        with pytest.raises(BlockError):
            block.client()
        assert not block.check().ok
