"""Keeps a token: logs in once for many threads, renews in time, logs in anew when it is gone."""

import math
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from brickwork import BlockError, Secret
from brickwork_hashicorp.auth import TokenAuth, login_of
from brickwork_hashicorp.faults import (
    Diagnosis,
    answers_of,
    explain,
    forget_request,
    is_vault_error,
    name_of,
    token_is_known,
)

if TYPE_CHECKING:
    from brickwork_hashicorp.block import HashicorpVault

_DUE = 2 / 3
"""The part of its life after which a token is renewed, as Vault's own agents do."""

_MARGIN_SECONDS = 2.0
"""How long before its end a token is not used any more, at most a quarter of its life.

Servers tell lives in whole seconds, rounded: one that they call 2 may end after 1.5.
"""

_AGAIN_SECONDS = 5.0
"""After a renewal that failed: when to try again, while the token is still good."""


_ROUNDED_SECONDS = 2.0
"""How far the end of a token may be off that the server told in whole seconds."""


class Held(NamedTuple):
    """A token, with times on the clock of `time.monotonic`.

    Attributes:
        token: The token.
        lease: Seconds that it had to live when it was made or renewed; infinite for one that does
            not expire, or of which that is not known.
        due: When to renew it.
        ends: When not to use it any more.
        renewable: Whether the server said so.
    """

    token: Secret[str]
    lease: float = math.inf
    due: float = math.inf
    ends: float = math.inf
    renewable: bool = False


def _held(token: Secret[str], lease: float, renewable: bool) -> Held:
    if lease <= 0:  # it does not expire
        return Held(token, renewable=renewable)
    now = monotonic()
    ends = now + lease - min(_MARGIN_SECONDS, lease / 4)
    return Held(token, lease, now + lease * _DUE, ends, renewable)


class TokenKeeper:
    """The token of one block, for all threads.

    Args:
        vault: The block.
        adapter: An adapter of hvac that adds no token by itself.
    """

    def __init__(self, vault: "HashicorpVault", adapter: Any) -> None:
        self._vault = vault
        self._adapter = adapter
        self._lock = threading.Lock()
        self._held: Held | None = None
        self._failures = 0
        self._failure: Diagnosis | None = None
        self._worked_until: float | None = None

    @property
    def may_log_in(self) -> bool:
        """Whether there is a way to another token."""
        return not isinstance(self._vault.auth, TokenAuth)

    @property
    def last(self) -> Secret[str] | None:
        """The token that is held now, if any."""
        held = self._held
        return None if held is None else held.token

    def token(self, deadline: float) -> Secret[str]:
        """Return a token that is good as far as is known.

        Raises:
            BlockError: The login failed.
            OSError, VaultError: The server cannot be reached, or failed.
        """
        held = self._held
        now = monotonic()
        if held is not None and now < held.ends:
            return held.token if now < held.due else self._refreshed(held, deadline).token
        return self._logged_in(held, deadline).token

    def replace(self, failed: Secret[str], deadline: float) -> bool:
        """Find out whether a token that was refused is gone, and get another one.

        Returns:
            Whether it is worth to try again: there is a token other than the one that failed.

        Raises:
            BlockError: It is gone, and there is no way to another one, or the login failed.
        """
        held = self._held
        if held is not None and held.token != failed:
            return True  # another thread was faster
        if self._is_alive(failed, deadline):
            return False
        if not self.may_log_in:
            raise self._refused()
        self._logged_in(held, deadline)
        return True

    def look_up(self, deadline: float) -> dict[str, Any]:
        """Return what the server tells of the token: ``ttl``, ``policies``, ``renewable`` ...

        Raises:
            Forbidden: It does not know the token, or the token may not ask.
        """
        return self._look_up(self.token(deadline), deadline)

    def _look_up(self, token: Secret[str], deadline: float) -> dict[str, Any]:
        return self._ask("get", "/v1/auth/token/lookup-self", token, deadline, part="data")

    def _refreshed(self, held: Held, deadline: float) -> Held:
        """Renew the token; others go on with it meanwhile, and so do we if that fails."""
        if not self._lock.acquire(blocking=False):
            return held
        try:
            if self._held is held:
                self._held = self._renewed(held, deadline)
            return self._held or held
        finally:
            self._lock.release()

    def _renewed(self, held: Held, deadline: float) -> Held:
        from hvac.exceptions import VaultError

        later = held._replace(due=monotonic() + min(_AGAIN_SECONDS, held.lease / 10))
        try:
            if held.renewable:
                fresh = self._granted("/v1/auth/token/renew-self", {}, held.token, deadline)
                if not self.may_log_in:
                    return self._given(fresh)
                # Near its longest life the server gives less and less, at last 0: begin a new one.
                if held.lease / 2 < fresh.lease < math.inf:
                    return fresh
            return self._log_in(deadline) if self.may_log_in else later
        except (VaultError, OSError, BlockError):
            return later  # it is still good; when it has ended, the login says what is wrong

    def _logged_in(self, before: Held | None, deadline: float) -> Held:
        """Log in, once for all threads that wait for it; a failure is theirs as well."""
        failures = self._failures
        if not self._lock.acquire(timeout=max(deadline - monotonic(), 0)):
            raise TimeoutError("another thread is logging in")
        try:
            if self._held is not before and self._held is not None:
                return self._held
            if self._failures != failures and self._failure is not None:
                raise BlockError(self._failure.what, fix=self._failure.fix)
            self._held = self._log_in(deadline)
            return self._held
        except BlockError as error:
            self._failures += 1
            self._failure = Diagnosis(error.what, error.fix)
            raise
        finally:
            self._lock.release()

    def _log_in(self, deadline: float) -> Held:
        auth = self._vault.auth
        if isinstance(auth, TokenAuth):
            return self._looked_up(auth.token, deadline)
        login = login_of(auth)
        failed: Diagnosis
        try:
            return self._granted(login.path, login.body, None, deadline)
        except Exception as error:
            if not is_vault_error(error):
                raise
            found = explain(error, self._vault)
            failed = self._login_refused(error, login.body) if found is None else found
            del login
        raise BlockError(failed.what, fix=failed.fix)

    def _looked_up(self, token: Secret[str], deadline: float) -> Held:
        """Find out how long a given token has to live; unknown for one that may not ask."""
        from hvac.exceptions import VaultError

        failed: Diagnosis | None = None
        try:
            told = self._look_up(token, deadline)
            # A ttl of 0 is also that of a token in its last half second.
            ttl = 0 if told.get("expire_time") is None else max(told.get("ttl") or 0, 1)
            return self._given(_held(token, ttl, bool(told.get("renewable"))))
        except (VaultError, OSError) as error:
            failed = explain(error, self._vault)
            known = token_is_known(error)
        if failed is not None:
            raise BlockError(failed.what, fix=failed.fix)
        if not known:
            raise self._refused()
        return Held(token)

    def _given(self, held: Held) -> Held:
        """Note when a token that cannot be replaced ends; it is used beyond that as well.

        Somebody else may have renewed it: only the server knows.
        """
        self._worked_until = monotonic() + held.lease
        return held._replace(ends=math.inf, due=held.due if held.renewable else math.inf)

    def _is_alive(self, token: Secret[str], deadline: float) -> bool:
        from hvac.exceptions import Forbidden

        try:
            self._look_up(token, deadline)
        except Forbidden as error:
            return token_is_known(error)
        return True

    def _refused(self) -> BlockError:
        name = name_of(self._vault)
        fix = "Make a new token and save it; or log in as an AppRole, which gets its own."
        if self._worked_until is None:
            return BlockError(
                f"The server does not know the token: it is wrong, has expired or was revoked"
                f" ({name}).",
                fix=fix,
            )
        expired = monotonic() >= self._worked_until - _ROUNDED_SECONDS
        how = "has expired" if expired else "was revoked"
        return BlockError(f"The token {how} ({name}).", fix=fix)

    def _login_refused(self, error: BaseException, sent: dict[str, str]) -> Diagnosis:
        from hvac.exceptions import Forbidden, InvalidPath

        name, mount = name_of(self._vault), getattr(self._vault.auth, "mount", "token")
        if isinstance(error, Forbidden | InvalidPath):
            return Diagnosis(
                f"The server refuses the login at {mount!r} ({name}): no such method is mounted"
                " there, or it is closed to us.",
                "Correct auth.mount, or enable the method: bao auth enable",
            )
        return Diagnosis(
            f"The login at {mount!r} failed ({name}): {_harmless(error, sent)}.",
            "Correct what auth gives; a secret id or JWT may also have expired, or be used up.",
        )

    def _granted(
        self, path: str, body: dict[str, str], token: Secret[str] | None, deadline: float
    ) -> Held:
        """Log in or renew, and return the token that comes of it."""
        auth = self._ask("post", path, token, deadline, part="auth", json=body)
        fresh, lease = auth.get("client_token"), auth.get("lease_duration")
        if not isinstance(fresh, str) or not isinstance(lease, int | float):
            raise not_a_vault(self._vault)
        return _held(Secret(fresh), lease, bool(auth.get("renewable")))

    def _ask(
        self,
        method: str,
        path: str,
        token: Secret[str] | None,
        deadline: float,
        *,
        part: str,
        **options: Any,
    ) -> dict[str, Any]:
        """Send a request; return one part of the answer."""
        headers = {} if token is None else {"X-Vault-Token": token.reveal()}
        failed: BaseException
        try:
            answer = self._adapter.request(
                method,
                path,
                headers=headers,
                timeout=max(deadline - monotonic(), 0.001),
                again=True,  # to renew or to log in twice does no harm
                **options,
            )
            told = answer.get(part) if isinstance(answer, dict) else None
            if isinstance(told, dict):
                return told
            failed = not_a_vault(self._vault)
        except Exception as error:
            if not is_vault_error(error):
                raise
            failed = error
        forget_request(failed)
        del headers, options
        raise failed


def not_a_vault(vault: "HashicorpVault") -> BlockError:
    """Return the error for an answer that is none of a Vault."""
    return BlockError(
        f"What answers at {vault.url} is no Vault server.",
        fix="Correct url: it is https://host:port, without /v1 and /ui.",
    )


def _harmless(error: BaseException, body: dict[str, str]) -> str:
    """Return what the server said, unless it quotes what we sent."""
    said = answers_of(error)
    return said if said and not any(value in said for value in body.values()) else "it is refused"
