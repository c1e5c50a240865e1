"""Workflows of a live repository: listed, switched off and on, and dispatched."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from brickwork_github.testing.live.files import commit_of
from brickwork_github.testing.live.gitdir import GitFailed
from brickwork_github.testing.live.repository import LOGIN, Handler, LiveRepository, Rejected
from brickwork_github.testing.messages import Answer, Asked
from brickwork_github.testing.validation import Json

_REPO = "/repos/{owner}/{repo}"
_WORKFLOWS = f"{_REPO}/actions/workflows"
_WORKFLOW = f"{_WORKFLOWS}/{{workflow_id}}"
_RUN = f"{_REPO}/actions/runs/{{run_id}}"
_FOLDER = ".github/workflows"


@dataclass(frozen=True)
class RunPlan:
    """How a run goes.

    Attributes:
        conclusion: How it ends, for example ``success``, ``failure``, ``timed_out``.
        looks: How many looks at the run it stays queued, and then in progress.
        log: What its job prints.
        stays: It is in this state, for example ``waiting``, until it is cancelled.
        artifacts: What it leaves: names, and files by path.
    """

    conclusion: str = "success"
    looks: int = 1
    log: str = "Run make\nDone.\n"
    stays: str = ""
    artifacts: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)


@dataclass
class Run:
    """A run, beside what GitHub shows of it."""

    shown: dict[str, Any]
    plan: RunPlan
    left: int
    cancelled: bool = False
    artifacts: dict[int, tuple[str, bytes]] = field(default_factory=dict)


@dataclass
class Actions:
    """What is kept of a repository's workflows.

    Attributes:
        runs: By id.
        planned: How the next runs go; then all as `RunPlan` says by itself.
        disabled: Paths of workflows that are.
        inputs: What a dispatched run was given, by its id.
        silent: A dispatch is not answered with its run, as by Enterprise Servers before 3.21.
    """

    runs: dict[int, Run] = field(default_factory=dict)
    planned: list[RunPlan] = field(default_factory=list)
    disabled: set[str] = field(default_factory=set)
    inputs: dict[int, dict[str, Any]] = field(default_factory=dict)
    silent: bool = False


def actions_of(repo: LiveRepository) -> Actions:
    """Return what is kept."""
    kept: Actions = repo.area(Actions)
    return kept


# Workflows


def _workflow_files(repo: LiveRepository, ref: str = "HEAD") -> dict[str, dict[Any, Any]]:
    import yaml

    tree = repo.git.resolve(ref, "tree")
    try:
        entries = repo.git.tree(tree, _FOLDER) if tree else []
    except GitFailed:  # no such folder
        entries = []
    found = {}
    for entry in entries:
        if entry.path.endswith((".yml", ".yaml")):
            found[entry.path] = yaml.safe_load(repo.git.blob(entry.sha)) or {}
    return found


def _triggers(file: Mapping[Any, Any]) -> dict[str, Any]:
    given = file.get("on", file.get(True, {}))  # to YAML, "on" is a truth
    if isinstance(given, str):
        return {given: {}}
    if isinstance(given, list):
        return {name: {} for name in given}
    return {name: value or {} for name, value in given.items()}


def _workflow_id(repo: LiveRepository, path: str) -> int:
    return sum(f"{repo.full_name}/{path}".encode()) * 1000 + len(path)


def _shown_workflow(repo: LiveRepository, path: str, file: Mapping[Any, Any]) -> dict[str, Any]:
    new_id = _workflow_id(repo, path)
    disabled = path in actions_of(repo).disabled
    return {
        **repo.example(f"GET {_WORKFLOW}"),
        "id": new_id,
        "name": file.get("name", path),
        "path": path,
        "state": "disabled_manually" if disabled else "active",
        "url": repo.url(f"/actions/workflows/{new_id}"),
        "html_url": repo.html_url(f"/blob/{repo.default_branch}/{path}"),
        "badge_url": repo.html_url(f"/workflows/{file.get('name', path)}/badge.svg"),
    }


def _workflows(repo: LiveRepository, asked: Asked) -> Json:  # noqa: ARG001  # a handler
    shown = [_shown_workflow(repo, path, file) for path, file in _workflow_files(repo).items()]
    return {"total_count": len(shown), "workflows": shown}


def workflow_in(repo: LiveRepository, asked: Asked) -> tuple[str, dict[Any, Any]]:
    """Return the path and the content of the workflow that is meant. Raises Rejected."""
    wanted = asked.path["workflow_id"]
    for path, file in _workflow_files(repo).items():
        if wanted in (path.rpartition("/")[2], str(_workflow_id(repo, path))):
            return path, file
    raise Rejected(404)


def _get_workflow(repo: LiveRepository, asked: Asked) -> Json:
    return _shown_workflow(repo, *workflow_in(repo, asked))


def _switch_workflow(repo: LiveRepository, asked: Asked) -> Answer:
    path, _ = workflow_in(repo, asked)
    disabled = actions_of(repo).disabled
    (disabled.add if asked.route.endswith("/disable") else disabled.discard)(path)
    return Answer(None, 204)


def _dispatch(repo: LiveRepository, asked: Asked) -> Answer:
    path, _ = workflow_in(repo, asked)
    body = asked.body
    if actions_of(repo).silent and "return_run_details" in body:
        raise Rejected(422, 'Invalid request.\n\n"return_run_details" is not a permitted key.')
    ref = body["ref"].removeprefix("refs/heads/").removeprefix("refs/tags/")
    sha = repo.git.resolve(body["ref"], "commit")
    if sha is None:
        raise Rejected(422, f"No ref found for: {body['ref']}")
    if path in actions_of(repo).disabled:
        raise Rejected(403, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
    file = _workflow_files(repo, sha).get(path, {})
    triggers = _triggers(file)
    if "workflow_dispatch" not in triggers:
        raise Rejected(422, "Workflow does not have 'workflow_dispatch' trigger")
    declared = triggers["workflow_dispatch"].get("inputs") or {}
    given = dict(body.get("inputs", {}))
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise Rejected(422, f"Unexpected inputs provided: {unknown}")
    for name, said in declared.items():
        if said.get("required") and "default" not in said and name not in given:
            raise Rejected(422, f"Required input '{name}' not provided")
        if "default" in said:
            given.setdefault(name, said["default"])
    run = _new_run(repo, path, file, "workflow_dispatch", ref, sha)
    actions_of(repo).inputs[run["id"]] = given
    for name, value in given.items():
        run["display_title"] = run["display_title"].replace(f"${{{{ inputs.{name} }}}}", str(value))
    if not body.get("return_run_details"):
        return Answer(None, 204)
    urls = {"run_url": run["url"], "html_url": run["html_url"]}
    return Answer({"workflow_run_id": run["id"], **urls}, 200)


def _repository_dispatch(repo: LiveRepository, asked: Asked) -> Answer:
    sha = commit_of(repo, None)
    for path, file in _workflow_files(repo).items():
        said = _triggers(file).get("repository_dispatch")
        wanted = said.get("types") if said else None
        if said is not None and (wanted is None or asked.body["event_type"] in wanted):
            run = _new_run(repo, path, file, "repository_dispatch", repo.default_branch, sha)
            actions_of(repo).inputs[run["id"]] = asked.body.get("client_payload", {})
    return Answer(None, 204)


def _new_run(
    repo: LiveRepository, path: str, file: Mapping[Any, Any], event: str, branch: str, sha: str
) -> dict[str, Any]:
    kept, new_id, now = actions_of(repo), repo.new_id(), repo.now()
    plan = kept.planned.pop(0) if kept.planned else RunPlan()
    workflow = _workflow_id(repo, path)
    url = repo.url(f"/actions/runs/{new_id}")
    commit = repo.git.commit(sha)
    example = repo.example(f"GET {_RUN}")
    shown = {
        **example,
        "id": new_id,
        "name": file.get("name", path),
        "node_id": f"WFR_{new_id}",
        "head_branch": branch,
        "head_sha": sha,
        "path": path,
        "display_title": file.get("run-name", file.get("name", path)),
        "run_number": len(kept.runs) + 1,
        "run_attempt": 1,
        "event": event,
        "status": "queued",
        "conclusion": None,
        "workflow_id": workflow,
        "url": url,
        "html_url": repo.html_url(f"/actions/runs/{new_id}"),
        "created_at": now,
        "updated_at": now,
        "run_started_at": now,
        "actor": repo.person(LOGIN),
        "triggering_actor": repo.person(LOGIN),
        "pull_requests": [],
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "workflow_url": repo.url(f"/actions/workflows/{workflow}"),
        "head_commit": {
            "id": sha,
            "tree_id": commit.tree,
            "message": commit.message,
            "timestamp": commit.committer.date,
            "author": {"name": commit.author.name, "email": commit.author.email},
            "committer": {"name": commit.committer.name, "email": commit.committer.email},
        },
    }
    kept.runs[new_id] = Run(shown, plan, plan.looks)
    return shown


HANDLERS: Mapping[str, Handler] = {
    f"GET {_WORKFLOWS}": _workflows,
    f"GET {_WORKFLOW}": _get_workflow,
    f"PUT {_WORKFLOW}/enable": _switch_workflow,
    f"PUT {_WORKFLOW}/disable": _switch_workflow,
    f"POST {_WORKFLOW}/dispatches": _dispatch,
    f"POST {_REPO}/dispatches": _repository_dispatch,
}
