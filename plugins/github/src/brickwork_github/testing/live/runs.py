"""Runs of workflows of a live repository: they go on with each look at them."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from brickwork_github.testing.live.actions import Run, actions_of, workflow_in
from brickwork_github.testing.live.repository import LOGIN, Handler, LiveRepository, Rejected
from brickwork_github.testing.messages import Answer, Asked
from brickwork_github.testing.validation import Json

_REPO = "/repos/{owner}/{repo}"
_ACTIONS = f"{_REPO}/actions"
_RUNS, _RUN = f"{_ACTIONS}/runs", f"{_ACTIONS}/runs/{{run_id}}"
_ARTIFACT = f"{_ACTIONS}/artifacts/{{artifact_id}}"


def _run(repo: LiveRepository, asked: Asked) -> Run:
    found = actions_of(repo).runs.get(int(asked.path["run_id"]))
    if found is None:
        raise Rejected(404)
    return found


def _get_run(repo: LiveRepository, asked: Asked) -> Json:
    run = _run(repo, asked)
    shown = dict(run.shown)
    _go_on(repo, run)
    return shown


def _go_on(repo: LiveRepository, run: Run) -> None:
    if run.shown["status"] == "completed":
        return
    run.left -= 1
    if run.plan.stays and not run.cancelled:
        run.shown["status"] = run.plan.stays
    elif run.cancelled or (run.left <= 0 and run.shown["status"] == "in_progress"):
        conclusion = "cancelled" if run.cancelled else run.plan.conclusion
        run.shown |= {"status": "completed", "conclusion": conclusion}
        for name, files in run.plan.artifacts.items():
            run.artifacts[repo.new_id()] = (name, zipped(files))
    elif run.left <= 0:
        run.shown["status"], run.left = "in_progress", run.plan.looks
    run.shown["updated_at"] = repo.now()


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return files as a zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def _runs(repo: LiveRepository, asked: Asked) -> Json:
    query = asked.query
    found = [run.shown for run in reversed(actions_of(repo).runs.values())]
    if "workflow_id" in asked.path:
        path, _ = workflow_in(repo, asked)
        found = [shown for shown in found if shown["path"] == path]
    names = {"branch": "head_branch", "event": "event", "head_sha": "head_sha"}
    for name, key in names.items():
        found = [shown for shown in found if query.get(name, shown[key]) == shown[key]]
    state = query.get("status")
    found = [each for each in found if state in (None, each["status"], each["conclusion"])]
    actor = query.get("actor", LOGIN)
    found = [each for each in found if each["actor"]["login"] == actor and _created(each, query)]
    return {"total_count": len(found), "workflow_runs": [dict(shown) for shown in found]}


def _created(shown: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    wanted, at = query.get("created", ""), shown["created_at"]
    start, dots, end = wanted.partition("..")
    if dots:
        return (start == "*" or at >= start) and (end == "*" or at <= end)
    if wanted.startswith((">=", "<=")):
        return bool(at >= wanted[2:] if wanted[0] == ">" else at <= wanted[2:])
    if wanted.startswith((">", "<")):
        return bool(at > wanted[1:] if wanted[0] == ">" else at < wanted[1:])
    return bool(at.startswith(wanted))


def _cancel(repo: LiveRepository, asked: Asked) -> Answer:
    run = _run(repo, asked)
    if run.shown["status"] == "completed":
        raise Rejected(409, "Cannot cancel a workflow run that is completed.")
    run.cancelled = True
    return Answer({}, 202)


def _rerun(repo: LiveRepository, asked: Asked) -> Answer:
    run = _run(repo, asked)
    if run.shown["status"] != "completed":
        raise Rejected(403, "This workflow run is already running")
    only_failed = asked.route.endswith("/rerun-failed-jobs")
    if only_failed and run.shown["conclusion"] == "success":
        raise Rejected(403, "This workflow run has no failed jobs")
    kept = actions_of(repo)
    run.plan = kept.planned.pop(0) if kept.planned else replace(run.plan, conclusion="success")
    attempt = run.shown["run_attempt"] + 1
    run.shown |= {"status": "queued", "conclusion": None, "run_attempt": attempt}
    run.left, run.cancelled = run.plan.looks, False
    return Answer({}, 201)


def _delete_run(repo: LiveRepository, asked: Asked) -> Answer:
    _run(repo, asked)
    del actions_of(repo).runs[int(asked.path["run_id"])]
    return Answer(None, 204)


# Jobs, logs, artifacts


def _shown_job(repo: LiveRepository, run: Run) -> dict[str, Any]:
    shown, new_id = run.shown, run.shown["id"] * 10 + run.shown["run_attempt"]
    done = shown["status"] == "completed"
    state = {"status": shown["status"], "conclusion": shown["conclusion"]}
    times = {
        "started_at": shown["run_started_at"],
        "completed_at": shown["updated_at"] if done else None,
    }
    step = {**state, **times, "name": "Run make", "number": 1}
    return {
        **repo.example(f"GET {_ACTIONS}/jobs/{{job_id}}"),
        **state,
        **times,
        "id": new_id,
        "run_id": shown["id"],
        "run_attempt": shown["run_attempt"],
        "run_url": shown["url"],
        "node_id": f"CR_{new_id}",
        "head_sha": shown["head_sha"],
        "head_branch": shown["head_branch"],
        "url": repo.url(f"/actions/jobs/{new_id}"),
        "html_url": f"{shown['html_url']}/job/{new_id}",
        "check_run_url": repo.url(f"/check-runs/{new_id}"),
        "name": "build",
        "workflow_name": shown["name"],
        "steps": [] if shown["status"] == "waiting" else [step],
    }


def _jobs(repo: LiveRepository, asked: Asked) -> Json:
    return {"total_count": 1, "jobs": [_shown_job(repo, _run(repo, asked))]}


def _of_job(repo: LiveRepository, asked: Asked) -> Run:
    run_id, attempt = divmod(int(asked.path["job_id"]), 10)
    found = actions_of(repo).runs.get(run_id)
    if found is None or attempt > found.shown["run_attempt"]:
        raise Rejected(404)
    return found


def _job(repo: LiveRepository, asked: Asked) -> Json:
    return _shown_job(repo, _of_job(repo, asked))


def _job_log(repo: LiveRepository, asked: Asked) -> Answer:
    run = _of_job(repo, asked)
    if run.shown["status"] != "completed":
        raise Rejected(404)
    return Answer(_log(run), 302)


def _logs(repo: LiveRepository, asked: Asked) -> Answer:
    run = _run(repo, asked)
    if run.shown["status"] != "completed":
        raise Rejected(404)
    return Answer(zipped({"0_build.txt": _log(run), "build/1_Run make.txt": _log(run)}), 302)


def _log(run: Run) -> bytes:
    lines = run.plan.log.splitlines()
    return "".join(f"{run.shown['updated_at'][:-1]}.0000000Z {line}\n" for line in lines).encode()


def _artifacts(repo: LiveRepository, asked: Asked) -> Json:
    kept = actions_of(repo)
    runs = [_run(repo, asked)] if "run_id" in asked.path else [*kept.runs.values()]
    found = [_shown_artifact(repo, run, each) for run in runs for each in run.artifacts]
    name = asked.query.get("name")
    found = [each for each in found if name in (None, each["name"])]
    return {"total_count": len(found), "artifacts": found}


def _shown_artifact(repo: LiveRepository, run: Run, new_id: int) -> dict[str, Any]:
    name, content = run.artifacts[new_id]
    url = repo.url(f"/actions/artifacts/{new_id}")
    return {
        **repo.example(f"GET {_ACTIONS}/artifacts/{{artifact_id}}"),
        "id": new_id,
        "node_id": f"ART_{new_id}",
        "name": name,
        "size_in_bytes": len(content),
        "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "url": url,
        "archive_download_url": f"{url}/zip",
        "expired": False,
        "created_at": run.shown["updated_at"],
        "updated_at": run.shown["updated_at"],
        "workflow_run": {"id": run.shown["id"], "head_branch": run.shown["head_branch"]},
    }


def _of_artifact(repo: LiveRepository, asked: Asked) -> tuple[Run, int]:
    new_id = int(asked.path["artifact_id"])
    for run in actions_of(repo).runs.values():
        if new_id in run.artifacts:
            return run, new_id
    raise Rejected(404)


def _artifact(repo: LiveRepository, asked: Asked) -> Json | Answer:
    run, new_id = _of_artifact(repo, asked)
    if asked.route.startswith("DELETE "):
        del run.artifacts[new_id]
        return Answer(None, 204)
    return _shown_artifact(repo, run, new_id)


def _download(repo: LiveRepository, asked: Asked) -> Answer:
    run, new_id = _of_artifact(repo, asked)
    return Answer(run.artifacts[new_id][1], 302)


HANDLERS: Mapping[str, Handler] = {
    f"GET {_ACTIONS}/workflows/{{workflow_id}}/runs": _runs,
    f"GET {_RUNS}": _runs,
    f"GET {_RUN}": _get_run,
    f"DELETE {_RUN}": _delete_run,
    f"POST {_RUN}/cancel": _cancel,
    f"POST {_RUN}/force-cancel": _cancel,
    f"POST {_RUN}/rerun": _rerun,
    f"POST {_RUN}/rerun-failed-jobs": _rerun,
    f"GET {_RUN}/jobs": _jobs,
    f"GET {_RUN}/logs": _logs,
    f"GET {_RUN}/artifacts": _artifacts,
    f"GET {_ACTIONS}/jobs/{{job_id}}": _job,
    f"GET {_ACTIONS}/jobs/{{job_id}}/logs": _job_log,
    f"GET {_ACTIONS}/artifacts": _artifacts,
    f"GET {_ARTIFACT}": _artifact,
    f"DELETE {_ARTIFACT}": _artifact,
    f"GET {_ARTIFACT}/{{archive_format}}": _download,
}
