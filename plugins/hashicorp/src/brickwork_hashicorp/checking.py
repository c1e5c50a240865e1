"""Looks at a server from outside: is it there, does it know us, may we read?"""

from ipaddress import ip_address
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from brickwork import CheckReport, Finding
from brickwork_hashicorp.auth import TokenAuth
from brickwork_hashicorp.connection import Connection, connection_for
from brickwork_hashicorp.faults import explain, is_vault_error, token_is_known

if TYPE_CHECKING:
    from brickwork_hashicorp.block import HashicorpVault

CHECK_SECONDS = 10.0
"""How long a check may take in all."""

STEP_SECONDS = 5.0
"""How long it may wait for one thing; the block's ``timeout``, where that is shorter."""

SOON_SECONDS = 24 * 3600.0
"""A token that has less than this to live is worth a warning, if it is saved in a block."""


def check_vault(vault: "HashicorpVault") -> CheckReport:
    """See `HashicorpVault.check`."""
    findings = [_address(vault)]
    steps = {"server": _server, "login": _login, "mounts": _mounts}
    deadline = monotonic() + CHECK_SECONDS
    for what, step in steps.items():
        if any(finding.status == "failed" for finding in findings):
            findings.append(Finding("skipped", what, "What comes before it failed."))
            continue
        until = min(deadline, monotonic() + min(STEP_SECONDS, vault.timeout))
        findings.append(_tried(vault, what, step, until))
    return CheckReport(tuple(findings))


def _tried(vault: "HashicorpVault", what: str, step: Any, deadline: float) -> Finding:
    try:
        finding: Finding = step(connection_for(vault), deadline)
        return finding
    except Exception as error:  # noqa: BLE001  # a check never raises
        found = explain(error, vault) if is_vault_error(error) else None
        if found is not None:
            return Finding("failed", what, found.what, found.fix)
        kind = type(error).__name__
        return Finding("failed", what, f"It failed with {kind}.", "Check url and auth.")


def _address(vault: "HashicorpVault") -> Finding:
    what = "address"
    if vault.url.startswith("http:") and not _is_loopback(vault):
        return Finding(
            "warning",
            what,
            f"{vault.url} is not encrypted: tokens and secrets can be read on the way.",
            "Use https://.",
        )
    if not vault.verify:
        return Finding(
            "warning",
            what,
            "The server's certificate is not verified: it may be anybody.",
            "Set verify to true, and ca_bundle if the certificate is of an authority of yours.",
        )
    return Finding("ok", what, vault.url)


def _is_loopback(vault: "HashicorpVault") -> bool:
    host = urlsplit(vault.url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _server(connection: Connection, deadline: float) -> Finding:
    what = "server"
    health = connection.health(deadline)
    if not health.get("initialized", True):
        return Finding("failed", what, "It has not been initialized.", "Run: bao operator init")
    if health["sealed"]:
        return Finding("failed", what, "It is sealed.", "Unseal it: bao operator unseal")
    role = ", standby" if health.get("standby") else ""
    return Finding("ok", what, f"version {health.get('version', 'unknown')}{role}")


def _login(connection: Connection, deadline: float) -> Finding:
    from hvac.exceptions import Forbidden

    what = "login"
    try:
        told = connection.keeper.look_up(deadline)
    except Forbidden as error:
        if token_is_known(error):
            return Finding("ok", what, "The token is known; it may not look itself up.")
        # It was good when the connection was made: find out what became of it.
        token = connection.keeper.token(deadline)
        connection.keeper.replace(token, deadline)
        told = connection.keeper.look_up(deadline)
    return _about_token(connection, told)


def _about_token(connection: Connection, told: dict[str, Any]) -> Finding:
    what = "login"
    policies = told.get("policies") or []
    who = f"{told.get('display_name') or 'a token'}, policies {', '.join(policies) or 'none'}"
    ttl = told.get("ttl") or 0
    given = isinstance(connection.vault.auth, TokenAuth)
    if given and 0 < ttl < SOON_SECONDS:
        renewed = "it is renewed only while a process uses it" if told.get("renewable") else ""
        return Finding(
            "warning",
            what,
            f"{who}; the token expires in {_words(ttl)}" + (f", {renewed}" if renewed else ""),
            "Save one that lives longer, or log in as an AppRole.",
        )
    if given and "root" in policies:
        return Finding(
            "warning",
            what,
            f"{who}: it may do everything",
            "Save a token with a policy that allows what is needed.",
        )
    return Finding("ok", what, who + (f"; expires in {_words(ttl)}" if ttl else ""))


def _mounts(connection: Connection, deadline: float) -> Finding:
    what, vault = "mounts", connection.vault
    mounts = connection.mounts.all(deadline, since=monotonic())
    seen = [each for each in mounts.values() if each.is_kv]
    names = ", ".join(sorted(f"{each.path} (version {each.version})" for each in seen)[:10])
    if vault.mount is None:
        if seen:
            return Finding("ok", what, names)
        return Finding(
            "warning",
            what,
            "The token sees no KV mount.",
            "Give it a policy that allows to read in one.",
        )
    mount = mounts.get(vault.mount)
    if mount is None:
        return Finding(
            "failed",
            what,
            f"{vault.mount} is not mounted, or the token may do nothing there; it sees"
            f" {names or 'no KV mount'}.",
            f'Correct mount, or give the token a policy: path "{vault.mount}/*" {{ capabilities ='
            ' ["read"] }',
        )
    if not mount.is_kv:
        return Finding(
            "failed", what, f"{mount.path} is of the engine {mount.kind!r}.", "Name a KV mount."
        )
    if vault.kv_version not in ("auto", mount.version):
        return Finding(
            "failed",
            what,
            f"{mount.path} is of KV version {mount.version}, not {vault.kv_version}.",
            "Set kv_version to auto.",
        )
    return Finding("ok", what, f"{mount.path}, KV version {mount.version}")


def _words(seconds: float) -> str:
    for size, word in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {word}"
    return f"{int(seconds)} seconds"
