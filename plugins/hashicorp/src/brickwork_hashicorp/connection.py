"""The hvac client of a block, kept by the block's value, with its token and what is mounted."""

import os
import threading
from collections import OrderedDict
from functools import cache, partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from brickwork import BlockError, remaining
from brickwork_hashicorp.faults import (
    explain,
    forget_request,
    is_vault_error,
    token_is_known,
)
from brickwork_hashicorp.mounts import Mounts
from brickwork_hashicorp.tokens import TokenKeeper, not_a_vault
from brickwork_hashicorp.transport import new_session

if TYPE_CHECKING:
    from brickwork_hashicorp.block import HashicorpVault

MAX_CONNECTIONS = 64
"""How many are kept; the one that was not used for longest goes first."""

_lock = threading.Lock()
_kept: "OrderedDict[tuple[object, ...], Connection]" = OrderedDict()


class Connection:
    """A server as one block sees it; for many threads.

    Attributes:
        vault: The block.
        keeper: Its token.
        client: An hvac client that always has a good token.
        mounts: What is mounted there.
    """

    def __init__(self, vault: "HashicorpVault") -> None:
        from hvac import Client
        from hvac.adapters import JSONAdapter

        self.vault = vault
        verify = vault.ca_bundle or vault.verify
        options: dict[str, Any] = {
            "session": new_session(vault.retries, verify),
            "verify": verify,
            "timeout": vault.timeout,
        }
        self._plain = JSONAdapter(
            base_uri=vault.url, token="", namespace=vault.namespace, **options
        )
        self.keeper = TokenKeeper(vault, self._plain)
        self.mounts = Mounts(self.get)
        self.client = Client(
            url=vault.url,
            token="",  # else hvac would look for one in the environment and the home folder
            namespace=vault.namespace,
            adapter=partial(_adapter_class(), keeper=self.keeper),
            **options,
        )

    def deadline(self) -> float:
        """Return when a call that begins now has to end, on the clock of `time.monotonic`."""
        left = remaining()
        return monotonic() + min(self.vault.timeout, self.vault.timeout if left is None else left)

    def log_in(self) -> None:
        """Make sure that there is a token. Raises BlockError."""
        failed: BaseException
        try:
            self.keeper.token(self.deadline())
            return
        except BlockError:
            raise
        except Exception as error:
            if not is_vault_error(error):
                raise
            found = explain(error, self.vault)
            failed = error if found is None else BlockError(found.what, fix=found.fix)
        raise failed

    def get(self, path: str, deadline: float, **params: Any) -> dict[str, Any]:
        """Ask for a path below ``/v1/``.

        Raises:
            BlockError: The login failed, or nobody that answers is a Vault.
            OSError, VaultError: What requests and hvac raise.
        """
        left = max(deadline - monotonic(), 0.001)
        answer = self.client.adapter.get(f"/v1/{path}", params=params, timeout=left)
        if not isinstance(answer, dict):
            raise not_a_vault(self.vault)
        return answer

    def health(self, deadline: float) -> dict[str, Any]:
        """Return what the server tells of itself, whatever its state; needs no token.

        See https://openbao.org/api-docs/system/health/.
        """
        states = ("sealedcode", "uninitcode", "standbycode", "drsecondarycode")
        answer = self._plain.request(
            "get",
            "/v1/sys/health",
            params={**dict.fromkeys(states, 200), "performancestandbycode": 200},
            timeout=max(deadline - monotonic(), 0.001),
        )
        if not isinstance(answer, dict) or "sealed" not in answer:
            raise not_a_vault(self.vault)
        return answer


def connection_for(vault: "HashicorpVault") -> Connection:
    """Return the connection of a block: blocks of equal value and address share one."""
    key = (vault.address, *vault.__dict__.values())  # the address for messages to name
    with _lock:
        if key not in _kept:
            _kept[key] = Connection(vault)
            while len(_kept) > MAX_CONNECTIONS:
                _kept.popitem(last=False)
        _kept.move_to_end(key)
        return _kept[key]


@cache
def _adapter_class() -> Any:
    from hvac.adapters import JSONAdapter
    from hvac.exceptions import Forbidden

    class KeptAdapter(JSONAdapter):  # type: ignore[misc]  # hvac has no types
        """Gives each request a good token; where the server has forgotten it, a new one, once."""

        _keeper: TokenKeeper | None = None
        _own_token: str | None = None

        def __init__(self, *arguments: Any, keeper: TokenKeeper | None = None, **options: Any):
            super().__init__(*arguments, **options)
            self._keeper = keeper

        @property
        def token(self) -> str | None:
            """What hvac puts into the headers."""
            last = None if self._keeper is None else self._keeper.last
            return self._own_token if last is None else last.reveal()

        @token.setter
        def token(self, value: str | None) -> None:
            if self._keeper is not None:
                raise BlockError(
                    "This client logs in by itself, for everybody who uses the block.",
                    fix="Log in and out on a client of your own: hvac.Client(url).",
                )
            self._own_token = value

        def request(
            self,
            method: Any,
            url: Any,
            headers: Any = None,
            raise_exception: bool = True,
            **options: Any,
        ) -> Any:
            if self._keeper is None:
                return super().request(method, url, headers, raise_exception, **options)
            seconds = min(options.pop("timeout", None) or self._kwargs["timeout"], _left())
            deadline = monotonic() + seconds
            failed: BaseException
            try:
                used = self._keeper.token(deadline)
                send = partial(super().request, method, url, raise_exception=raise_exception)
                try:
                    return send(headers=dict(headers or {}), timeout=_until(deadline), **options)
                except Forbidden as error:
                    if token_is_known(error) or not self._keeper.replace(used, deadline):
                        raise
                return send(headers=dict(headers or {}), timeout=_until(deadline), **options)
            except Exception as error:
                if not is_vault_error(error):
                    raise
                failed = error
            forget_request(failed)
            raise failed

    return KeptAdapter


def _left() -> float:
    left = remaining()
    return float("inf") if left is None else left


def _until(deadline: float) -> float:
    return max(deadline - monotonic(), 0.001)


def _forget() -> None:
    # A forked child must not write into its parent's connections, nor wait for its threads.
    global _lock
    _lock = threading.Lock()
    _kept.clear()


os.register_at_fork(after_in_child=_forget)
