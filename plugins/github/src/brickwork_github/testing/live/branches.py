"""Branches of a live repository, and their protection."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from brickwork_github.testing.live.repository import Handler, LiveRepository, Rejected
from brickwork_github.testing.messages import Answer, Asked
from brickwork_github.testing.validation import Json

_BRANCHES = "/repos/{owner}/{repo}/branches"
_BRANCH = f"{_BRANCHES}/{{branch}}"


def _branches(repo: LiveRepository, asked: Asked) -> Json:  # noqa: ARG001  # a handler
    return [
        {
            "name": name.removeprefix("refs/heads/"),
            "commit": {"sha": sha, "url": repo.url(f"/commits/{sha}")},
            "protected": name.removeprefix("refs/heads/") in repo.protected,
        }
        for name, sha in repo.git.refs("refs/heads/").items()
    ]


def _branch(repo: LiveRepository, asked: Asked) -> Json:
    name = asked.path["branch"]
    sha = repo.git.resolve(f"refs/heads/{name}", "commit")
    if sha is None:
        raise Rejected(404, "Branch not found")
    here = repo.url(f"/branches/{name}")
    return {
        "name": name,
        "commit": repo.commit_described(repo.git.commit(sha)),
        "_links": {"self": here, "html": repo.html_url(f"/tree/{name}")},
        "protected": name in repo.protected,
        "protection": {"enabled": name in repo.protected},
        "protection_url": f"{here}/protection",
    }


def _rename_branch(repo: LiveRepository, asked: Asked) -> Answer:
    old, new = asked.path["branch"], asked.body["new_name"]
    sha = repo.git.resolve(f"refs/heads/{old}", "commit")
    if sha is None:
        raise Rejected(404, "Branch not found")
    if repo.git.resolve(f"refs/heads/{new}"):
        raise Rejected(422, "Branch name is already in use")
    repo.git.update_ref(f"refs/heads/{new}", sha)
    repo.git.delete_ref(f"refs/heads/{old}")
    if repo.default_branch == old:
        repo.default_branch = new
        repo.git.run("symbolic-ref", "HEAD", f"refs/heads/{new}")
    branch = Asked(asked.route, {**asked.path, "branch": new}, {}, None, {})
    return Answer(_branch(repo, branch), 201)


# Protection


@dataclass
class Protections:
    """What was asked for, by branch."""

    asked_for: dict[str, dict[str, Any]] = field(default_factory=dict)


def _protect(repo: LiveRepository, asked: Asked) -> Json:
    name = asked.path["branch"]
    _branch(repo, asked)  # which must be there
    repo.protect(name)
    repo.area(Protections).asked_for[name] = asked.body
    return _shown(repo, name)


def _protection(repo: LiveRepository, asked: Asked) -> Json:
    name = asked.path["branch"]
    if name not in repo.protected:
        raise Rejected(404, "Branch not protected")
    return _shown(repo, name)


def _shown(repo: LiveRepository, name: str) -> dict[str, Any]:
    body, url = (
        repo.area(Protections).asked_for.get(name, {}),
        repo.url(f"/branches/{name}/protection"),
    )
    made: dict[str, Any] = {"url": url}
    reviews, checks = body.get("required_pull_request_reviews"), body.get("required_status_checks")
    if reviews is not None:
        plain = {"dismiss_stale_reviews": False, "require_code_owner_reviews": False}
        asked_for = {key: value for key, value in reviews.items() if not isinstance(value, dict)}
        here = f"{url}/required_pull_request_reviews"
        made["required_pull_request_reviews"] = {"url": here, **plain, **asked_for}
    if checks is not None:
        contexts = checks.get("contexts", [])
        listed = [{"context": name, "app_id": None} for name in contexts]
        made["required_status_checks"] = {
            "url": f"{url}/required_status_checks",
            "strict": checks.get("strict", False),
            "contexts": contexts,
            "contexts_url": f"{url}/required_status_checks/contexts",
            "checks": checks.get("checks", listed),
        }
    made["enforce_admins"] = {
        "url": f"{url}/enforce_admins",
        "enabled": bool(body.get("enforce_admins")),
    }
    for switch in ("required_linear_history", "allow_force_pushes", "allow_deletions"):
        made[switch] = {"enabled": bool(body.get(switch))}
    return made


def _unprotect(repo: LiveRepository, asked: Asked) -> Answer:
    _protection(repo, asked)
    repo.protect(asked.path["branch"], protected=False)
    return Answer(None, 204)


HANDLERS: Mapping[str, Handler] = {
    f"GET {_BRANCHES}": _branches,
    f"GET {_BRANCH}": _branch,
    f"POST {_BRANCH}/rename": _rename_branch,
    f"PUT {_BRANCH}/protection": _protect,
    f"GET {_BRANCH}/protection": _protection,
    f"DELETE {_BRANCH}/protection": _unprotect,
}
