"""What an answer means that is none of success, and what to do about it; never a secret.

The statuses are those of
https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from brickwork import mask
from brickwork_github import errors
from brickwork_github.errors import GitHubError

E = TypeVar("E", bound=GitHubError)

_LONGEST = 300
_UNSAFE = ("POST", "PATCH")
_LOOK = "Look whether it was done, for nobody knows."
_PAGE = "GitHub's page of this request"
_TASKS_NEED = "`brickwork github permissions TASK` prints what a task needs"

_FIXES = (
    (
        (
            "protected",
            "through a pull request",
            "rule violations",
            "required status check",
            "approving review",
        ),
        "The branch is protected: write to another one and open a pull request, or mend its rules.",
    ),
    (
        ("merge conflict",),
        "Merge the one into the other with git, and resolve the conflicts there.",
    ),
    (("repository is empty",), "Create a first file, with github.create_file."),
    (
        ("but expected", "does not match", "not a fast forward"),
        "Somebody else changed it meanwhile: read it again, and act on what is there now.",
    ),
)
"""Words in GitHub's answers to writes that do not fit what is there, and what to do."""


def explained(
    request: str, status: int, headers: Mapping[str, str], data: Any, whose: str
) -> GitHubError:
    """Return the error to raise for an answer.

    Args:
        request: The method and the path, ``GET /repos/acme/api``.
        status: The HTTP status.
        headers: By their names in lower case.
        data: What the body says.
        whose: What to call the credentials.
    """
    answer = data if isinstance(data, dict) else {}
    said = _shown(answer.get("message")) or "it does not say why"
    page = _shown(answer.get("documentation_url"))
    what = f"{request}: {status}: {said}"
    if status == 401:
        found: GitHubError = errors.GitHubDenied(f"{what} ({whose}).", fix=_fix_of_401(said, whose))
    elif status == 403:
        found = _denied(what, said, headers, whose)
    elif status in (404, 410, 451):
        found = _missing(what, status, headers)
    elif status in (405, 409, 412):
        fix = _known_fix(said) or "Look at what is there, and act on that."
        found = errors.GitHubConflict(f"{what}.", fix=fix)
    elif status in (400, 413, 415, 422):
        found = _invalid(what, answer.get("errors"), page)
    elif status >= 500:
        later = "Try again later; https://www.githubstatus.com says what is the matter."
        found = errors.GitHubUnavailable(
            f"{what}.", fix=f"{_LOOK} {later}" if request.startswith(_UNSAFE) else later
        )
    else:
        found = GitHubError(f"{what}.", fix=f"See {page or _PAGE}.")
    return about(
        found,
        request,
        status,
        str(headers.get("x-github-request-id", "")),
        page,
    )


def about(
    error: E, request: str, status: int = 0, request_id: str = "", documentation_url: str = ""
) -> E:
    """Return an error with what it is about."""
    error.request, error.status = request, status
    error.request_id, error.documentation_url = request_id, documentation_url
    return error


def unreachable(request: str, failure: Exception, where: str, harmless: bool) -> GitHubError:
    """Return the error for a request that got no answer.

    Args:
        request: The method and the path.
        failure: What requests raised; only its kind is shown.
        where: The URL of the API.
        harmless: Whether sending it again does no harm.
    """
    from requests import exceptions as requests

    fix = "Check the network, and `host` or `api_url` of the credentials; then try again."
    if isinstance(failure, requests.ProxyError):
        fix = "Check client_options.proxy, or HTTPS_PROXY of the environment."
    elif isinstance(failure, requests.SSLError):
        fix = "Check client_options.ca_bundle, and that `host` is the server that you mean."
    elif isinstance(failure, requests.Timeout):
        fix = "Try again; raise client_options.timeout if GitHub needs longer for this."
    what = f"{request}: no answer from {where} ({type(failure).__name__}{_why(failure)})."
    fix = fix if harmless else f"{_LOOK} {fix}"
    return about(errors.GitHubUnavailable(what, fix=fix), request)


def _why(failure: Exception) -> str:
    """Say what is known of why no connection came about."""
    from urllib3.exceptions import NameResolutionError, NewConnectionError

    reason = getattr(failure.args[0] if failure.args else None, "reason", None)
    if isinstance(reason, NameResolutionError):
        return ": nobody knows a host of this name"
    if isinstance(reason, NewConnectionError) and "refused" in str(reason):
        return ": nobody listens there"
    return ""


def limited(request: str, seconds: float) -> GitHubError:
    """Return the error for a rate limit that the time does not allow to wait out."""
    found = errors.GitHubRateLimited(
        f"{request}: GitHub's rate limit lifts in {seconds:.0f} s, and there is less time.",
        fix="Try again then, raise timeout_seconds of the task or client_options'"
        " rate_limit_wait_seconds, or ask for less.",
    )
    found.retry_after_seconds = seconds
    return about(found, request, 429)


def _fix_of_401(said: str, whose: str) -> str:
    if "claim" in said:
        return "Set the clock of this machine: GitHub does not accept the time that was signed."
    if whose.startswith("the App"):
        return "Check app.app_id, and that app.private_key is one of its keys today."
    wrong = "The token is wrong, has expired or was revoked"
    if whose.endswith("of the environment"):
        return (
            f"{wrong}: set the variable that has it, as GH_TOKEN or GITHUB_TOKEN, to another one."
        )
    return f"{wrong}: make another one and save it."


def _denied(what: str, said: str, headers: Mapping[str, str], whose: str) -> GitHubError:
    needs = str(headers.get("x-accepted-github-permissions", ""))
    sso = str(headers.get("x-github-sso", ""))
    scopes, wanted = headers.get("x-oauth-scopes"), headers.get("x-accepted-oauth-scopes")
    if "archived" in said.lower():
        fix = "Unarchive the repository first: an archive can only be read."
    elif sso.startswith("required"):
        fix = "Authorize the token for the organization's single sign-on; see sso_url."
    elif needs:
        fix = f"Give the token or the App the permission {needs}; {_TASKS_NEED}."
    elif wanted:
        fix = f"Give the token one of the scopes {wanted}; it has {scopes or 'none'}."
    else:
        fix = f"Check what the credentials and their owner may do there; {_TASKS_NEED}."
    found = errors.GitHubDenied(f"{what} ({whose}).", fix=fix)
    found.permissions = needs
    found.sso_url = sso.partition("url=")[2].strip()
    return found


def _missing(what: str, status: int, headers: Mapping[str, str]) -> GitHubError:
    if status != 404:
        return errors.GitHubNotFound(f"{what}.", fix="See what GitHub says; it may be turned off.")
    needs = headers.get("x-accepted-github-permissions")
    return errors.GitHubNotFound(
        f"{what}.",
        fix="Check the names. GitHub answers the same where a permission lacks"
        + (f": {needs}." if needs else f"; {_TASKS_NEED}."),
    )


def _invalid(what: str, problems: Any, page: str) -> GitHubError:
    fields = tuple(_shown(_problem(each)) for each in problems or ()) if _is_list(problems) else ()
    told = f" ({'; '.join(fields)})" if fields else ""
    fix = _known_fix(what + told) or f"Correct what was given; see {page or _PAGE}."
    found = errors.GitHubInvalid(f"{what}{told}.", fix=fix)
    found.fields = fields
    return found


def _known_fix(said: str) -> str:
    """Return what to do where GitHub's words say what the matter is; empty where they do not."""
    said = said.lower()
    return next((fix for words, fix in _FIXES if any(each in said for each in words)), "")


def _problem(found: Any) -> str:
    if not isinstance(found, Mapping):
        return str(found)
    why = found.get("message") or found.get("code") or "invalid"
    field = found.get("field")
    return f"{field}: {why}" if field else str(why)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _shown(text: Any) -> str:
    """Return a text of the answer in one line, masked, and not too long."""
    return " ".join(mask(str(text or "")).split())[:_LONGEST].rstrip(".")
