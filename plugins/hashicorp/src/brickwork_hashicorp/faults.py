"""What an error on the way to a server means, and what to do about it; never a secret.

The statuses are those of https://openbao.org/api-docs/#http-status-codes.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from brickwork import BrickworkError

if TYPE_CHECKING:
    from brickwork_hashicorp.block import HashicorpVault

_LONGEST_QUOTE = 200


class Diagnosis(NamedTuple):
    """What is wrong, and how to mend it.

    Attributes:
        what: One sentence.
        fix: What to do next.
        hopeless: Whether other requests to the same server will fail in the same way.
    """

    what: str
    fix: str
    hopeless: bool = False


def name_of(vault: "HashicorpVault") -> str:
    """Return what to call a server in messages: its address in Brickwork and its URL."""
    saved = "" if vault.address is None else f"{vault.address.slug}/{vault.address.name}, "
    space = f", namespace {vault.namespace}" if vault.namespace else ""
    return f"{saved}{vault.url}{space}"


def is_vault_error(error: BaseException) -> bool:
    """Tell whether hvac, requests or the system raised it, or this package."""
    from hvac.exceptions import VaultError

    return isinstance(error, VaultError | OSError | BrickworkError)


def answers_of(error: BaseException) -> str:
    """Return what the server said in an error, in one line."""
    said = getattr(error, "errors", None)
    texts = [said] if isinstance(said, str) else said if isinstance(said, list | tuple) else []
    return " ".join(" ".join(map(str, texts)).split())[:_LONGEST_QUOTE]


def token_is_known(error: BaseException) -> bool:
    """Tell whether a 403 is a policy's: the token was good, and may not do this.

    The policy's comes as a list of errors, that for an unknown token does not; newer servers
    also say ``invalid token``.
    """
    said = answers_of(error)
    return "error occurred" in said and "invalid token" not in said


def explain(error: BaseException, vault: "HashicorpVault") -> Diagnosis | None:
    """Tell what is wrong between us and the server; None for what is about one path only.

    Args:
        error: What hvac or requests raised, or a BrickworkError.
        vault: The server that was asked.
    """
    from hvac import exceptions as hvac

    name = name_of(vault)
    if isinstance(error, BrickworkError):
        return Diagnosis(error.what, error.fix, hopeless=True)
    if isinstance(error, OSError):
        return _unreachable(error, vault, name)
    if isinstance(error, hvac.VaultDown):
        return _down(error, name)
    if isinstance(error, hvac.VaultNotInitialized):
        return Diagnosis(
            f"The server has not been initialized ({name}).", "Run: bao operator init", True
        )
    if isinstance(error, hvac.RateLimitExceeded):
        return Diagnosis(
            f"The server is asked too often, and refuses (429, {name}).",
            "Wait, ask for less at once, or raise the rate limit quota.",
        )
    if isinstance(error, hvac.InvalidPath) and "namespace not found" in answers_of(error):
        return Diagnosis(
            f"There is no namespace {vault.namespace!r} ({name}).", "Correct namespace.", True
        )
    if isinstance(error, hvac.InternalServerError | hvac.BadGateway | hvac.UnexpectedError):
        said = answers_of(error) or "an error of its own"
        return Diagnosis(
            f"The server failed ({name}): {said}.", "See the server's log, and try again."
        )
    return None


def _down(error: BaseException, name: str) -> Diagnosis:
    if "sealed" in answers_of(error):
        return Diagnosis(
            f"The server is sealed ({name}).", "Unseal it: bao operator unseal", hopeless=True
        )
    return Diagnosis(
        f"The server is not ready (503, {name}): {answers_of(error) or 'it does not say why'}.",
        "Wait until it has started, and see its log.",
        hopeless=True,
    )


def _unreachable(error: OSError, vault: "HashicorpVault", name: str) -> Diagnosis:
    from requests import exceptions as requests

    reason = reason_of(error)
    if isinstance(error, requests.SSLError):
        return Diagnosis(
            f"No trusted TLS connection ({name}): {reason}.",
            "Give ca_bundle the file with the server's certificate authority.",
            True,
        )
    if isinstance(error, requests.Timeout | TimeoutError):
        return Diagnosis(
            f"The server gave no answer in time ({name}).",
            "Check url and the network; or raise timeout.",
            True,
        )
    if isinstance(error, requests.RequestException):
        return Diagnosis(
            f"The server cannot be reached ({name}): {reason}.",
            "Check url, the network and its proxy, and that the server runs.",
            True,
        )
    if vault.ca_bundle is not None and "CA certificate bundle" in str(error):
        return Diagnosis(
            f"The file {vault.ca_bundle} with certificates cannot be read.",
            "Correct ca_bundle.",
            True,
        )
    return Diagnosis(f"The request failed ({name}): {reason}.", "Check url and ca_bundle.", True)


def reason_of(error: BaseException) -> str:
    """Return why a request failed, in the system's words; without URLs and headers."""
    seen: list[BaseException] = []
    found = type(error).__name__
    waiting: list[Any] = [error]
    while waiting:
        each = waiting.pop(0)
        if not isinstance(each, BaseException) or each in seen:
            continue
        seen.append(each)
        # An error of requests is an OSError too, without a text of the system.
        if isinstance(each, OSError) and each.strerror and not hasattr(each, "request"):
            found = getattr(each, "verify_message", "") or each.strerror
        waiting += [getattr(each, "reason", None), each.__cause__, each.__context__, *each.args]
    return found


def forget_request(error: BaseException) -> None:
    """Drop what shows the request, token included: frames with local variables, headers."""
    error.__traceback__ = error.__cause__ = error.__context__ = None
    for name in ("request", "response"):
        if getattr(error, name, None) is not None:
            setattr(error, name, None)
