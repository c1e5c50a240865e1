"""What a `GitHubServer` knows by itself: its limit, its App, what was created."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from brickwork_github.testing import live
from brickwork_github.testing.gists import answer_gist
from brickwork_github.testing.identities import Identity
from brickwork_github.testing.live.repository import LOGIN
from brickwork_github.testing.live.search import search_issues
from brickwork_github.testing.messages import Answer, Asked, problem

if TYPE_CHECKING:
    from brickwork_github.testing.server import GitHubServer, Quota

_INSTALLATIONS = (
    "GET /repos/{owner}/{repo}/installation",
    "GET /orgs/{org}/installation",
    "GET /users/{username}/installation",
)
_TOKENS = "POST /app/installations/{installation_id}/access_tokens"


def signed_by_app(route: str) -> bool:
    """Tell whether an operation takes what an App has signed, and no token."""
    path = route.partition(" ")[2]
    return path == "/app" or path.startswith("/app/") or route in _INSTALLATIONS


def refill(github: "GitHubServer") -> None:
    """Begin another hour; the quota's lock is held."""
    from brickwork_github.testing.server import PER_HOUR

    github.quota.reset, github.quota.remaining = github.now() + 3600, PER_HOUR


def limit_headers(quota: "Quota") -> dict[str, str]:
    """Return what each answer says of the rate limit."""
    from brickwork_github.testing.server import PER_HOUR

    return {
        "X-RateLimit-Limit": str(PER_HOUR),
        "X-RateLimit-Remaining": str(quota.remaining),
        "X-RateLimit-Used": str(PER_HOUR - quota.remaining),
        "X-RateLimit-Reset": str(int(quota.reset)),
        "X-RateLimit-Resource": "core",
    }


def answer(github: "GitHubServer", asked: Asked) -> Answer | None:
    """Answer what the server knows by itself; None for anything else."""
    repo = github.repositories.get(asked.repository.lower())
    if asked.repository.lower() in github.gone:
        return problem(404, "Not Found")
    found = live.answer(repo, asked) if repo else None
    made = _ANSWERS.get(asked.route)
    if "/gists" in asked.route:
        with github.lock:
            return answer_gist(github, asked)
    if asked.route == "GET /search/issues":
        return search_issues(github, asked)
    return made(github, asked) if made and not found else found


def _rate_limit(github: "GitHubServer", asked: Asked) -> Answer:
    from brickwork_github.testing.server import PER_HOUR

    quota = github.quota
    core = {
        "limit": PER_HOUR,
        "remaining": quota.remaining,
        "reset": int(quota.reset),
        "used": PER_HOUR - quota.remaining,
    }
    found = github.example(asked.route)
    return Answer({**found, "rate": core, "resources": {**found["resources"], "core": core}})


def _installation(github: "GitHubServer", asked: Asked) -> Answer:
    app = github.app
    asked_for = asked.path.get("installation_id", str(app.installation_id))
    there = not asked.repository or app.is_installed_on(asked.repository)
    if asked_for != str(app.installation_id) or not there:
        return problem(404, "Not Found")
    return Answer(_described(github))


def _described(github: "GitHubServer") -> dict[str, Any]:
    app = github.app
    found: dict[str, Any] = github.example("GET /app/installations/{installation_id}")
    tokens = f"https://api.github.com/app/installations/{app.installation_id}/access_tokens"
    return {
        **found,
        "id": app.installation_id,
        "app_id": app.app_id,
        "access_tokens_url": tokens,
        "permissions": dict(app.permissions),
        "repository_selection": "all" if app.installed_on is None else "selected",
    }


def _installations(
    github: "GitHubServer", asked: Asked
) -> (
    Answer
):  # What the description says of an account here no account is: a person's and an enterprise's.
    account = github.example(asked.route)["account"]
    return Answer([{**_described(github), "account": account}])


def _app(github: "GitHubServer", asked: Asked) -> Answer:
    app = github.app
    found = github.example(asked.route)
    permissions = dict(app.permissions)
    return Answer(
        {**found, "id": app.app_id, "client_id": app.client_id, "permissions": permissions}
    )


def _access_token(github: "GitHubServer", asked: Asked) -> Answer:
    app = github.app
    if asked.path["installation_id"] != str(app.installation_id):
        return problem(404, "Not Found")
    wanted: Mapping[str, Any] = asked.body or {}
    permissions = wanted.get("permissions", dict(app.permissions))
    if any(not _covers(app.permissions.get(name), level) for name, level in permissions.items()):
        return problem(
            422, "The permissions requested are not granted to this installation.", asked.base_url
        )
    end = github.now() + app.token_seconds
    token = github.identities.add(Identity("installation", expires_at=end))
    return Answer(
        {
            "token": token.reveal(),
            "expires_at": f"{datetime.fromtimestamp(end, UTC):%Y-%m-%dT%H:%M:%SZ}",
            "permissions": permissions,
            "repository_selection": "selected" if "repositories" in wanted else "all",
        },
        201,
    )


def _covers(granted: str | None, wanted: str) -> bool:
    levels = ["read", "write", "admin"]
    return granted is not None and levels.index(granted) >= levels.index(wanted)


def _create_repository(github: "GitHubServer", asked: Asked) -> Answer:
    body = dict(asked.body)
    name = f"{asked.path.get('org', LOGIN)}/{body.pop('name')}"
    if name.lower() in github.repositories:
        there = {"resource": "Repository", "code": "custom", "field": "name"}
        told = problem(422, "Repository creation failed.")
        there["message"] = "name already exists on this account"
        return Answer({**told.body, "errors": [there]}, 422)
    private = body.pop("private", body.pop("visibility", "public") != "public")
    files = {"README.md": f"# {name.partition('/')[2]}\n"} if body.pop("auto_init", False) else None
    repo = github.repository(name, files, private=private)
    known = repo.described()
    repo.settings |= {field: value for field, value in body.items() if field in known}
    return Answer(repo.described(), 201)


_ANSWERS: Mapping[str, Callable[["GitHubServer", Asked], Answer]] = {
    "GET /rate_limit": _rate_limit,
    "POST /user/repos": _create_repository,
    "POST /orgs/{org}/repos": _create_repository,
    "GET /app": _app,
    "GET /app/installations": _installations,
    "GET /app/installations/{installation_id}": _installation,
    _TOKENS: _access_token,
    **dict.fromkeys(_INSTALLATIONS, _installation),
}
