"""The check of a server: what it says of each thing that can be wrong."""

import socket
from time import monotonic

import pytest

from brickwork import CheckReport, Finding, Secret
from brickwork_hashicorp import HashicorpVault, TokenAuth, VaultResolver
from brickwork_hashicorp.testing import BaoServer, openbao

pytestmark = pytest.mark.server


def _statuses(report: CheckReport) -> dict[str, str]:
    return {finding.what: finding.status for finding in report.findings}


def _only(report: CheckReport, status: str) -> Finding:
    (found,) = [finding for finding in report.findings if finding.status == status]
    assert found.fix, f"a finding says what to do: {found}"
    return found


def test_a_good_block_is_all_right(bao_server: BaoServer, kv1: str, kv2: str) -> None:
    """The report has the server's version, who we are, and the mounts with their versions."""
    rule = 'path "%s/*" { capabilities = ["read"] }\n'
    policy = bao_server.policy(rule % kv1 + rule % kv2)
    report = bao_server.block(bao_server.app_role(policy)).check()
    assert set(_statuses(report).values()) == {"ok"}
    details = " ".join(finding.detail for finding in report.findings)
    for said in ("version 2.", policy, f"{kv1} (version 1)", f"{kv2} (version 2)"):
        assert said in details


def test_an_unreachable_server_is_told_soon() -> None:
    """A closed port and a server that never answers are findings within seconds."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (1, silent.getsockname()[1]):
            began = monotonic()
            report = HashicorpVault(
                url=f"http://127.0.0.1:{port}",
                auth=TokenAuth(token=Secret("sentinel-token-1")),
                timeout=3,
            ).check()
            failed = _only(report, "failed")
            assert failed.what == "server"
            assert "cannot be reached" in failed.detail or "no answer in time" in failed.detail
            assert monotonic() - began < 11
            assert "sentinel" not in repr(report)


def test_a_sealed_server_is_told(bao_server: BaoServer) -> None:
    """Sealed is a state of the server; what comes after is skipped."""
    with openbao() as server:
        server.seal()
        report = server.block().check()
    assert "sealed" in _only(report, "failed").detail
    assert list(_statuses(report).values()) == ["ok", "failed", "skipped", "skipped"]


def test_a_wrong_token_is_told(bao_server: BaoServer) -> None:
    """A token that never worked is unknown: wrong, expired or revoked."""
    report = bao_server.block(TokenAuth(token=Secret("sentinel-wrong-token"))).check()
    failed = _only(report, "failed")
    assert failed.what == "login"
    assert "does not know the token" in failed.detail
    assert "sentinel" not in repr(report)


def test_an_expired_token_is_told(bao_server: BaoServer) -> None:
    """A token whose end was known, and has passed, has expired; another one was revoked."""
    expiring, revoked = bao_server.token(ttl="1s"), bao_server.token(ttl="1h")
    blocks = [bao_server.block(TokenAuth(token=each)) for each in (expiring, revoked)]
    for block in blocks:
        assert block.check().ok
    bao_server.wait_until_gone(expiring)
    bao_server.revoke(revoked)
    said = [_only(block.check(), "failed").detail for block in blocks]
    assert "has expired" in said[0]
    assert "was revoked" in said[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ttl": "630s"}, "expires in 10 minutes, it is renewed only while a process uses it"),
        ({"ttl": "5.5h", "renewable": False}, "expires in 5 hours"),
    ],
)
def test_a_token_that_expires_soon_is_a_warning(
    bao_server: BaoServer, options: dict[str, object], said: str
) -> None:
    """A saved token that lives for less than a day will be missed."""
    report = bao_server.block(TokenAuth(token=bao_server.token(**options))).check()
    assert report.ok
    assert said in _only(report, "warning").detail


def test_tokens_that_live_long_are_no_warning(bao_server: BaoServer) -> None:
    """Neither is the short life of an AppRole's tokens, which are made anew."""
    token = bao_server.token("default", ttl="48h")
    for auth in (TokenAuth(token=token), bao_server.app_role("default", token_ttl="60s")):
        assert _statuses(bao_server.block(auth).check())["login"] == "ok"


def test_the_root_token_is_a_warning(bao_server: BaoServer) -> None:
    """Who may do everything should not be saved."""
    assert "may do everything" in _only(bao_server.block().check(), "warning").detail


def test_a_wrong_login_is_told(bao_server: BaoServer) -> None:
    """A wrong secret id and a method that is not mounted are two findings."""
    auth = bao_server.app_role()
    wrong = auth.model_copy(update={"secret_id": Secret("sentinel-wrong-id")})
    elsewhere = auth.model_copy(update={"mount": "no-such-mount"})
    for each, said in ((wrong, "invalid role or secret ID"), (elsewhere, "no-such-mount")):
        report = bao_server.block(each).check()
        assert said in _only(report, "failed").detail
        assert "sentinel" not in repr(report)


def test_no_permission_on_the_mount_is_told(bao_server: BaoServer, kv1: str, kv2: str) -> None:
    """A mount where the token may do nothing is a failure that says what to allow."""
    policy = bao_server.policy(f'path "{kv2}/data/app" {{ capabilities = ["read"] }}')
    auth = bao_server.app_role(policy)
    assert bao_server.block(auth, mount=kv2).check().ok
    failed = _only(bao_server.block(auth, mount=kv1).check(), "failed")
    assert failed.what == "mounts"
    assert f"it sees {kv2} (version 2)" in failed.detail
    assert f'path "{kv1}/*"' in failed.fix
    nothing = bao_server.block(bao_server.app_role())
    assert "sees no KV mount" in _only(nothing.check(), "warning").detail


def test_a_wrong_version_of_the_mount_is_told(bao_server: BaoServer, kv1: str) -> None:
    """What kv_version says must be what is mounted, which must be a KV engine."""
    failed = _only(bao_server.block(mount=kv1, kv_version=2).check(), "failed")
    assert "KV version 1, not 2" in failed.detail
    assert (
        "engine 'cubbyhole'" in _only(bao_server.block(mount="cubbyhole").check(), "failed").detail
    )


def test_without_encryption_to_another_machine_is_a_warning() -> None:
    """http:// is for this machine; the rest of the report is about the rest."""
    for url, expected in (
        ("http://vault.invalid:8200", "warning"),
        ("http://[::1]:1", "ok"),
        ("http://localhost:1", "ok"),
        ("http://127.9.9.9:1", "ok"),
    ):
        block = HashicorpVault(
            url=url, auth=TokenAuth(token=Secret("sentinel-token-1")), timeout=1, retries=0
        )
        assert _statuses(block.check())["address"] == expected


def test_an_unverified_certificate_is_a_warning() -> None:
    """A server that is not verified may be anybody."""
    block = HashicorpVault(
        url="https://127.0.0.1:1",
        auth=TokenAuth(token=Secret("sentinel-token-1")),
        verify=False,
        retries=0,
    )
    assert "not verified" in _only(block.check(), "warning").detail


def test_a_check_asks_anew(bao_server: BaoServer, memory_vault: object) -> None:
    """What was granted since is seen, also where the resolver has kept the list of mounts."""
    auth = bao_server.app_role()
    block = bao_server.block(auth, mount="fresh-mount")
    assert not block.check().ok
    block.save("default")
    assert VaultResolver().resolve_many([("app", None)])
    bao_server.enable_kv(2, "fresh-mount")
    policy = bao_server.policy('path "fresh-mount/*" { capabilities = ["read"] }')
    bao_server.request("POST", f"auth/{auth.mount}/role/app", {"token_policies": [policy]})
    token = bao_server.token(policy)
    assert bao_server.block(TokenAuth(token=token), mount="fresh-mount").check().ok
