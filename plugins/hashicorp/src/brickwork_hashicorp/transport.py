"""How requests are sent: again when that may help, within a time, and not where TLS would end."""

import random
import time
from functools import cache
from typing import Any

_SAFE = frozenset({"get", "head", "list"})
_PASSING = frozenset({412, 429, 500, 502, 503, 504})
"""Answers that may be others a little later, see https://openbao.org/api-docs/#http-status-codes.

412: a node that has not yet seen a write. 429: a rate limit. 503: sealed, or no node leads.
"""
_NOT_DONE = frozenset({429, 503})
"""Those of them that say that nothing was done, so that a write may be sent again as well."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_CONNECTIONS = 16


def new_session(retries: int, verify: bool | str) -> Any:
    """Return a requests session that sends again what failed for a reason that passes.

    The time-out of a request is for all its attempts.

    Args:
        retries: How often at most.
        verify: As in requests; set here, since hvac takes it from here.
    """
    from requests.adapters import HTTPAdapter

    session = _session_class()(retries)
    session.verify = verify
    session.max_redirects = 3
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS))
    return session


@cache
def _session_class() -> Any:
    import requests

    base: Any = requests.Session

    class PatientSession(base):  # type: ignore[misc]  # typed or not, as the version installed is
        def __init__(self, retries: int) -> None:
            super().__init__()
            self._retries = retries

        def request(self, method: Any, url: Any, **options: Any) -> Any:
            safe = options.pop("again", False) or str(method).lower() in _SAFE
            deadline = time.monotonic() + options.pop("timeout")
            pauses = _pauses(self._retries)
            while True:
                left = max(deadline - time.monotonic(), 0.001)
                answer, failure = None, None
                try:
                    answer = super().request(method, url, timeout=left, **options)
                except OSError as error:  # every error of requests is one
                    failure = error
                pause = next(pauses, None)
                if pause is not None:
                    pause = _asked_for(answer, pause)
                    if _passes(answer, failure, safe=safe) and time.monotonic() + pause < deadline:
                        time.sleep(pause)
                        continue
                if failure is not None:
                    raise failure
                return answer

        def get_redirect_target(self, resp: Any) -> Any:
            # A standby sends us to the active node, token and all: never out of TLS.
            target = super().get_redirect_target(resp)
            if target and resp.url.startswith("https:") and str(target).startswith("http:"):
                return None
            return target

    return PatientSession


def _pauses(count: int) -> Any:
    for number in range(count):
        longest = min(_FIRST_PAUSE * 2**number, _LONGEST_PAUSE)
        yield random.uniform(longest / 2, longest)  # noqa: S311  # spreads clients, hides nothing


def _asked_for(answer: Any, pause: float) -> float:
    """Return how long to wait: at least what the server asks for."""
    asked = "" if answer is None else answer.headers.get("Retry-After", "")
    return max(pause, float(asked)) if asked.isdecimal() else pause


def _passes(answer: Any, failure: OSError | None, *, safe: bool) -> bool:
    """Tell whether the same request may succeed a little later, and do no harm."""
    if answer is not None:
        return answer.status_code in (_PASSING if safe else _NOT_DONE)
    from requests import exceptions as requests

    if isinstance(failure, requests.SSLError | requests.ProxyError):
        return False
    if not isinstance(
        failure, requests.ConnectionError | requests.Timeout | requests.ChunkedEncodingError
    ):
        return False
    return safe or _never_connected(failure)


def _never_connected(failure: OSError) -> bool:
    from requests.exceptions import ConnectTimeout
    from urllib3.exceptions import NewConnectionError

    reason = getattr(failure.args[0] if failure.args else None, "reason", None)
    return isinstance(failure, ConnectTimeout) or isinstance(reason, NewConnectionError)
