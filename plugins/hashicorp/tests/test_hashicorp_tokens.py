"""Tokens: made once for many threads, renewed in time, made anew when they are gone."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from brickwork import BlockError, ResolveError, Secret
from brickwork_hashicorp import HashicorpVault, JwtAuth, TokenAuth, VaultResolver
from brickwork_hashicorp.connection import connection_for
from brickwork_hashicorp.testing import BaoServer, Faults

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("memory_vault")]

Proxy = tuple[BaoServer, Faults]
RENEWALS = "auth/token/renew-self"


@pytest.fixture
def policy(bao_server: BaoServer, kv2: str) -> str:
    """A policy that may read everything in the mount, which has one secret."""
    bao_server.write(kv2, "app", {"password": "sentinel-password-1"})
    return bao_server.policy(f'path "{kv2}/*" {{ capabilities = ["read"] }}')


def _logins(faults: Faults) -> int:
    return sum(path.endswith("/login") for _, path in faults.requests)


def _token_of(block: HashicorpVault) -> Secret[str]:
    found = connection_for(block).keeper.last
    assert found is not None
    return found


def _until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Do something again and again until it holds."""
    pause = threading.Event()
    deadline = monotonic() + seconds
    while not holds():
        assert monotonic() < deadline, "it did not happen in time"
        pause.wait(0.05)


def test_one_login_serves_many_threads(faulty_server: Proxy, kv2: str, policy: str) -> None:
    """However many threads need a token at once, one of them logs in."""
    server, faults = faulty_server
    block = server.block(server.app_role(policy))
    block.save("default")
    faults.requests.clear()
    resolver = VaultResolver()
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: resolver.resolve(f"{kv2}/app"), range(64)))
    assert found == [Secret("sentinel-password-1")] * 64
    assert _logins(faults) == 1


def test_a_failed_login_is_shared_too(faulty_server: Proxy) -> None:
    """Threads that wait for a login that fails do not try it one after the other."""
    server, faults = faulty_server
    auth = server.app_role().model_copy(update={"secret_id": Secret("sentinel-wrong-id")})
    keeper = connection_for(server.block(auth)).keeper
    waiting = threading.Barrier(8)

    def log_in(_: int) -> str:
        waiting.wait(5)
        with pytest.raises(BlockError) as caught:
            keeper.token(monotonic() + 10)
        return str(caught.value)

    with ThreadPoolExecutor(8) as pool:
        said = set(pool.map(log_in, range(8)))
    assert len(said) == 1
    assert "invalid role or secret ID" in said.pop()
    assert 1 <= _logins(faults) < 8


def test_a_token_is_renewed_before_it_expires(faulty_server: Proxy, kv2: str, policy: str) -> None:
    """A role whose tokens live for two seconds is read from for longer, with one login."""
    server, faults = faulty_server
    block = server.block(server.app_role(policy, token_ttl="2s", token_max_ttl="1h"))
    block.save("default")
    resolver, began = VaultResolver(), monotonic()
    _until(lambda: bool(resolver.resolve(f"{kv2}/app")) and faults.count(RENEWALS) >= 3)
    assert monotonic() - began > 2, "one token outlived its first life"
    assert _logins(faults) == 1


def test_near_its_longest_life_a_token_is_replaced(
    faulty_server: Proxy, kv2: str, policy: str
) -> None:
    """What can be renewed no further is followed by a login, and no read fails meanwhile."""
    server, faults = faulty_server
    block = server.block(server.app_role(policy, token_ttl="3s", token_max_ttl="5s"))
    block.save("default")
    resolver = VaultResolver()
    _until(lambda: bool(resolver.resolve(f"{kv2}/app")) and _logins(faults) >= 2)
    refused = [path for method, path in faults.requests if "lookup-self" in path]
    assert not refused, "no request met a token that was gone"


def test_a_token_that_cannot_be_renewed_is_replaced(
    faulty_server: Proxy, kv2: str, policy: str
) -> None:
    """Batch tokens have one life: before its end there is a new one."""
    server, faults = faulty_server
    auth = server.app_role(policy, token_ttl="2s", token_type="batch")
    server.block(auth).save("default")
    resolver = VaultResolver()
    _until(lambda: bool(resolver.resolve(f"{kv2}/app")) and _logins(faults) >= 2)
    assert faults.count(RENEWALS) == 0


def test_a_revoked_token_is_replaced_once(faulty_server: Proxy, kv2: str, policy: str) -> None:
    """After the server forgot the token, one login for all threads, and no error."""
    server, faults = faulty_server
    block = server.block(server.app_role(policy))
    block.save("default")
    resolver = VaultResolver()
    resolver.resolve(f"{kv2}/app")
    server.revoke(_token_of(block))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: resolver.resolve(f"{kv2}/app"), range(16)))
    assert found == [Secret("sentinel-password-1")] * 16
    assert _logins(faults) == 2


def test_an_expired_token_is_replaced(faulty_server: Proxy, kv2: str, policy: str) -> None:
    """A process that slept through the life of its token goes on with a new one."""
    server, faults = faulty_server
    block = server.block(server.app_role(policy, token_ttl="1s"))
    block.save("default")
    resolver = VaultResolver()
    resolver.resolve(f"{kv2}/app")
    server.wait_until_gone(_token_of(block))
    assert resolver.resolve(f"{kv2}/app").reveal() == "sentinel-password-1"
    assert _logins(faults) == 2


def test_no_permission_is_no_reason_to_log_in(faulty_server: Proxy, kv2: str, policy: str) -> None:
    """What a policy forbids is asked for once: no login, no second try."""
    server, faults = faulty_server
    server.block(server.app_role(policy)).save("default")
    resolver = VaultResolver()
    resolver.resolve(f"{kv2}/app")
    faults.requests.clear()
    with pytest.raises(ResolveError):
        resolver.resolve("/secret/app")
    assert _logins(faults) == 0
    assert len(faults.requests) <= 2


def test_a_login_that_gives_useless_tokens_is_no_loop(
    faulty_server: Proxy, kv2: str, policy: str
) -> None:
    """Where every token is refused at once, there is one new login for a call, then an error."""
    server, faults = faulty_server
    server.block(server.app_role(policy), mount=kv2, kv_version=2).save("default")
    resolver = VaultResolver()
    resolver.resolve("app")
    faults.requests.clear()
    faults.refuse(f"{kv2}/", 403, error="permission denied", times=50)
    faults.refuse("auth/token/lookup-self", 403, error="permission denied", times=50)
    with pytest.raises(ResolveError):
        resolver.resolve("app")
    assert _logins(faults) == 1
    assert faults.count(f"{kv2}/") == 2


@pytest.mark.parametrize("renewable", [True, False])
def test_a_given_token_is_renewed_if_it_can_be(
    faulty_server: Proxy, kv2: str, policy: str, renewable: bool
) -> None:
    """One with a period lives on while it is used; another one is told to have expired."""
    server, faults = faulty_server
    options: dict[str, Any] = {"period": "2s"} if renewable else {"ttl": "1s", "renewable": False}
    token = server.token(policy, **options)
    server.block(TokenAuth(token=token)).save("default")
    resolver = VaultResolver()
    if renewable:
        _until(lambda: bool(resolver.resolve(f"{kv2}/app")) and faults.count(RENEWALS) >= 2)
        return
    resolver.resolve(f"{kv2}/app")
    server.wait_until_gone(token)
    with pytest.raises(ResolveError) as caught:
        resolver.resolve(f"{kv2}/app")
    assert "The token has expired" in str(caught.value)
    assert faults.count(RENEWALS) == 0


def test_a_given_token_that_was_revoked_is_told(
    bao_server: BaoServer, kv2: str, policy: str
) -> None:
    """A token that worked, and has not expired, was revoked; one that never worked is unknown."""
    token = bao_server.token(policy)
    bao_server.block(TokenAuth(token=token)).save("default")
    resolver = VaultResolver()
    resolver.resolve(f"{kv2}/app")
    bao_server.revoke(token)
    with pytest.raises(ResolveError, match="was revoked"):
        resolver.resolve(f"{kv2}/app")
    bao_server.block(TokenAuth(token=Secret("sentinel-token-x"))).save("default", overwrite=True)
    with pytest.raises(ResolveError, match="does not know the token"):
        resolver.resolve(f"{kv2}/app")


def test_a_token_that_may_not_look_itself_up_works(
    bao_server: BaoServer, kv2: str, policy: str
) -> None:
    """A token without the default policy serves for what it may read."""
    token = bao_server.token(policy, no_default_policy=True)
    bao_server.block(TokenAuth(token=token)).save("default")
    assert VaultResolver().resolve(f"{kv2}/app").reveal() == "sentinel-password-1"
    with pytest.raises(ResolveError, match="can be seen"):
        VaultResolver().resolve("secret/app")


def test_a_renewal_that_fails_hinders_nobody(faulty_server: Proxy, kv2: str, policy: str) -> None:
    """While the token is good, a renewal that fails is tried again later."""
    server, faults = faulty_server
    auth = server.app_role(policy, token_ttl="2s", token_max_ttl="1h")
    server.block(auth, retries=0).save("default")
    resolver = VaultResolver()
    resolver.resolve(f"{kv2}/app")
    faults.refuse(RENEWALS, 500)
    _until(lambda: bool(resolver.resolve(f"{kv2}/app")) and faults.count(RENEWALS) >= 2)
    assert faults.left == 0


def test_a_job_logs_in_with_its_jwt(
    bao_server: BaoServer, kv2: str, policy: str, tmp_path: Path
) -> None:
    """A signed JWT, given or in a file that the platform writes anew, is enough."""
    sign = _jwt_method(bao_server, policy)
    path = tmp_path / "jwt"
    path.write_text(f"{sign('build-1')}\n")
    for auth in (
        JwtAuth(role="job", jwt=Secret(sign("build-1"))),
        JwtAuth(role="job", jwt_file=str(path)),
    ):
        bao_server.block(auth).save("default", overwrite=True)
        assert VaultResolver().resolve(f"{kv2}/app").reveal() == "sentinel-password-1"
    wrong = JwtAuth(role="job", jwt=Secret(sign("somebody-else")))
    missing = JwtAuth(role="job", jwt_file=str(tmp_path / "none"))
    for bad, said in ((wrong, "The login at 'jwt' failed"), (missing, "No such file")):
        with pytest.raises(BlockError, match=said) as caught:
            bao_server.block(bad).client()
        assert caught.value.fix


def _jwt_method(server: BaoServer, policy: str) -> Callable[[str], str]:
    """Enable the method for a fresh key; return what signs a JWT for a subject."""
    import json
    from base64 import urlsafe_b64encode

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    server.request("POST", "sys/auth/jwt", {"type": "jwt"})
    server.request("POST", "auth/jwt/config", {"jwt_validation_pubkeys": [pem.decode()]})
    role = {
        "role_type": "jwt",
        "user_claim": "sub",
        "bound_subject": "build-1",
        "bound_audiences": ["bao"],
        "token_policies": [policy],
    }
    server.request("POST", "auth/jwt/role/job", role)

    def encoded(data: bytes) -> str:
        return urlsafe_b64encode(data).rstrip(b"=").decode()

    def sign(subject: str) -> str:
        claims = {"sub": subject, "aud": "bao", "iat": 1_700_000_000, "exp": 4_000_000_000}
        head = encoded(json.dumps({"alg": "ES256", "typ": "JWT"}).encode())
        text = f"{head}.{encoded(json.dumps(claims).encode())}"
        r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    return sign
