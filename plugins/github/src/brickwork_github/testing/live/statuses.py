"""Commit statuses, check runs and deployments of a live repository."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from brickwork_github.testing.live.files import commit_of
from brickwork_github.testing.live.repository import LOGIN, Handler, LiveRepository, Rejected
from brickwork_github.testing.messages import Answer, Asked
from brickwork_github.testing.validation import Json

_REPO = "/repos/{owner}/{repo}"
_CHECKS, _CHECK = f"{_REPO}/check-runs", f"{_REPO}/check-runs/{{check_run_id}}"
_DEPLOYMENTS = f"{_REPO}/deployments"
_DEPLOYMENT = f"{_DEPLOYMENTS}/{{deployment_id}}"
_MOST_ANNOTATIONS = 50


@dataclass
class Statuses:
    """What is kept.

    Attributes:
        statuses: Of commits, the newest one last.
        checks: Check runs, by id.
        annotations: Of check runs, by id.
        deployments: By id.
        deployed: Statuses of deployments, by the deployment's id.
    """

    statuses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    checks: dict[int, dict[str, Any]] = field(default_factory=dict)
    annotations: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    deployments: dict[int, dict[str, Any]] = field(default_factory=dict)
    deployed: dict[int, list[dict[str, Any]]] = field(default_factory=dict)


def statuses_of(repo: LiveRepository) -> Statuses:
    """Return what is kept."""
    kept: Statuses = repo.area(Statuses)
    return kept


# Commit statuses


def _create_status(repo: LiveRepository, asked: Asked) -> Answer:
    sha = repo.git.resolve(asked.path["sha"], "commit")
    if sha is None or sha != asked.path["sha"]:
        raise Rejected(422, f"No commit found for SHA: {asked.path['sha']}")
    body, now, new_id = asked.body, repo.now(), repo.new_id()
    made = {
        **repo.example(f"POST {_REPO}/statuses/{{sha}}"),
        "url": repo.url(f"/statuses/{sha}"),
        "id": new_id,
        "node_id": f"SC_{new_id}",
        "state": body["state"],
        "description": body.get("description"),
        "target_url": body.get("target_url"),
        "context": body.get("context", "default"),
        "created_at": now,
        "updated_at": now,
        "creator": repo.person(LOGIN),
    }
    statuses_of(repo).statuses.setdefault(sha, []).append(made)
    return Answer(made, 201)


def _statuses(repo: LiveRepository, asked: Asked) -> Json:
    sha = commit_of(repo, asked.path["ref"])
    return [*reversed(statuses_of(repo).statuses.get(sha, []))]


def _combined(repo: LiveRepository, asked: Asked) -> Json:
    sha = commit_of(repo, asked.path["ref"])
    last = {each["context"]: each for each in statuses_of(repo).statuses.get(sha, [])}
    states = {each["state"] for each in last.values()}
    worst = "failure" if states & {"error", "failure"} else "pending"
    example = repo.example(asked.route)
    fields = example["statuses"][0]
    return {
        **example,
        "state": "success" if states == {"success"} else worst,
        "statuses": [
            {name: each[name] for name in fields if name in each} for each in last.values()
        ],
        "sha": sha,
        "total_count": len(last),
        "commit_url": repo.url(f"/commits/{sha}"),
        "url": repo.url(f"/commits/{sha}/status"),
    }


# Check runs


def _create_check(repo: LiveRepository, asked: Asked) -> Answer:
    body, new_id = asked.body, repo.new_id()
    sha = repo.git.resolve(body["head_sha"], "commit")
    if sha is None:
        raise Rejected(422, f"No commit found for SHA: {body['head_sha']}")
    example = repo.example(f"POST {_CHECKS}")
    check = {
        **example,
        "id": new_id,
        "head_sha": sha,
        "node_id": f"CR_{new_id}",
        "external_id": "",
        "url": repo.url(f"/check-runs/{new_id}"),
        "html_url": repo.html_url(f"/runs/{new_id}"),
        "details_url": body.get("details_url"),
        "status": "queued",
        "conclusion": None,
        "started_at": body.get("started_at", repo.now()),
        "completed_at": None,
        "output": {
            "title": None,
            "summary": None,
            "text": None,
            "annotations_count": 0,
            "annotations_url": repo.url(f"/check-runs/{new_id}/annotations"),
        },
        "pull_requests": [],
    }
    kept = statuses_of(repo)
    kept.checks[new_id], kept.annotations[new_id] = check, []
    _edit_check(repo, check, body)
    return Answer(check, 201)


def _edit_check(repo: LiveRepository, check: dict[str, Any], body: Mapping[str, Any]) -> None:
    kept = statuses_of(repo).annotations[check["id"]]
    for name in ("name", "details_url", "external_id", "started_at", "status"):
        if name in body:
            check[name] = body[name]
    if "conclusion" in body or body.get("status") == "completed":
        if "conclusion" not in body:
            raise Rejected(422, 'Invalid request.\n\n"conclusion" wasn\'t supplied.')
        done = body.get("completed_at", repo.now())
        check |= {"status": "completed", "conclusion": body["conclusion"], "completed_at": done}
    output = body.get("output", {})
    if len(output.get("annotations", [])) > _MOST_ANNOTATIONS:
        raise Rejected(422, "Only 50 annotations are allowed per request")
    kept += output.get("annotations", [])
    words = {name: output[name] for name in ("title", "summary", "text") if name in output}
    check["output"] |= {**words, "annotations_count": len(kept)}


def _check(repo: LiveRepository, asked: Asked) -> dict[str, Any]:
    found = statuses_of(repo).checks.get(int(asked.path["check_run_id"]))
    if found is None:
        raise Rejected(404)
    return found


def _get_check(repo: LiveRepository, asked: Asked) -> Json:
    return _check(repo, asked)


def _patch_check(repo: LiveRepository, asked: Asked) -> Json:
    check = _check(repo, asked)
    _edit_check(repo, check, asked.body)
    return check


def _checks_of_commit(repo: LiveRepository, asked: Asked) -> Json:
    sha, query = commit_of(repo, asked.path["ref"]), asked.query
    found = [each for each in statuses_of(repo).checks.values() if each["head_sha"] == sha]
    found = [each for each in found if query.get("check_name", each["name"]) == each["name"]]
    if query.get("filter", "latest") == "latest":
        found = [*{each["name"]: each for each in found}.values()]
    return {"total_count": len(found), "check_runs": found}


def _annotations(repo: LiveRepository, asked: Asked) -> Json:
    check = _check(repo, asked)
    blob = repo.html_url(f"/blob/{check['head_sha']}")
    plain: dict[str, Any] = {
        "start_column": None,
        "end_column": None,
        "title": None,
        "raw_details": None,
    }
    return [
        {**plain, **each, "blob_href": f"{blob}/{each['path']}"}
        for each in statuses_of(repo).annotations[check["id"]]
    ]


# Deployments


def _deploy(repo: LiveRepository, asked: Asked) -> Answer:
    body, new_id, now = asked.body, repo.new_id(), repo.now()
    sha = repo.git.resolve(body["ref"], "commit")
    if sha is None:
        raise Rejected(422, f"No ref found for: {body['ref']}")
    last = {each["context"]: each for each in statuses_of(repo).statuses.get(sha, [])}
    required = body.get("required_contexts", list(last))
    if any(last.get(name, {}).get("state") != "success" for name in required):
        raise Rejected(409, "Conflict: Commit status checks failed for the ref.")
    url, environment = repo.url(f"/deployments/{new_id}"), body.get("environment", "production")
    made = {
        **repo.example(f"POST {_DEPLOYMENTS}"),
        "url": url,
        "id": new_id,
        "node_id": f"DE_{new_id}",
        "sha": sha,
        "ref": body["ref"],
        "task": body.get("task", "deploy"),
        "payload": body.get("payload", {}),
        "original_environment": environment,
        "environment": environment,
        "description": body.get("description"),
        "creator": repo.person(LOGIN),
        "created_at": now,
        "updated_at": now,
        "statuses_url": f"{url}/statuses",
        "repository_url": repo.url(),
        "transient_environment": body.get("transient_environment", False),
        "production_environment": body.get("production_environment", environment == "production"),
    }
    kept = statuses_of(repo)
    kept.deployments[new_id], kept.deployed[new_id] = made, []
    return Answer(made, 201)


def _deployments(repo: LiveRepository, asked: Asked) -> Json:
    found, query = [*reversed(statuses_of(repo).deployments.values())], asked.query
    for name in ("sha", "ref", "task", "environment"):
        found = [each for each in found if query.get(name, each[name]) == each[name]]
    return found


def _deployment(repo: LiveRepository, asked: Asked) -> Json | Answer:
    kept, new_id = statuses_of(repo), int(asked.path["deployment_id"])
    if new_id not in kept.deployments:
        raise Rejected(404)
    if not asked.route.startswith("DELETE "):
        return kept.deployments[new_id]
    states = [each["state"] for each in kept.deployed[new_id]]
    if states and states[-1] != "inactive":
        raise Rejected(422, "We cannot delete an active deployment.")
    del kept.deployments[new_id]
    return Answer(None, 204)


def _deployment_status(repo: LiveRepository, asked: Asked) -> Json | Answer:
    kept, deployment = statuses_of(repo), _deployment(repo, asked)
    assert isinstance(deployment, dict)
    there = kept.deployed[deployment["id"]]
    if asked.route.startswith("GET "):
        return [*reversed(there)]
    body, now, new_id = asked.body, repo.now(), repo.new_id()
    made = {
        **repo.example(f"POST {_DEPLOYMENT}/statuses"),
        "url": f"{deployment['statuses_url']}/{new_id}",
        "id": new_id,
        "node_id": f"DES_{new_id}",
        "state": body["state"],
        "creator": repo.person(LOGIN),
        "description": body.get("description", ""),
        "environment": body.get("environment", deployment["environment"]),
        "target_url": body.get("target_url", ""),
        "created_at": now,
        "updated_at": now,
        "deployment_url": deployment["url"],
        "repository_url": repo.url(),
        "environment_url": body.get("environment_url", ""),
        "log_url": body.get("log_url", ""),
    }
    there.append(made)
    return Answer(made, 201)


HANDLERS: Mapping[str, Handler] = {
    f"POST {_REPO}/statuses/{{sha}}": _create_status,
    f"GET {_REPO}/commits/{{ref}}/statuses": _statuses,
    f"GET {_REPO}/commits/{{ref}}/status": _combined,
    f"POST {_CHECKS}": _create_check,
    f"GET {_CHECK}": _get_check,
    f"PATCH {_CHECK}": _patch_check,
    f"GET {_CHECK}/annotations": _annotations,
    f"GET {_REPO}/commits/{{ref}}/check-runs": _checks_of_commit,
    f"POST {_DEPLOYMENTS}": _deploy,
    f"GET {_DEPLOYMENTS}": _deployments,
    f"GET {_DEPLOYMENT}": _deployment,
    f"DELETE {_DEPLOYMENT}": _deployment,
    f"POST {_DEPLOYMENT}/statuses": _deployment_status,
    f"GET {_DEPLOYMENT}/statuses": _deployment_status,
}
