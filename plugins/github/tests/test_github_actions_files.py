"""Tasks on what runs leave: logs and artifacts, fetched whole and unpacked safely."""

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from brickwork import InvalidArguments, Progress, StorageError, UnsafeArchive, on_progress
from brickwork.testing.task import no_waiting
from brickwork_github import (
    GitHubCredentials,
    GitHubNotFound,
    GitHubUnavailable,
    delete_artifact,
    dispatch_workflow,
    download_artifact,
    download_job_log,
    download_workflow_run_logs,
    list_artifacts,
    list_workflow_jobs,
    wait_for_workflow_run,
)
from brickwork_github.testing import GitHubServer
from brickwork_github.testing.faults import not_found
from brickwork_github.testing.live import LiveRepository
from brickwork_github.testing.live.actions import RunPlan, actions_of
from brickwork_github.testing.live.runs import zipped
from brickwork_github.testing.messages import Answer

REPO = "acme/data"
LOAD = "name: Load\non: workflow_dispatch\njobs: {}\n"
ACTIONS = "/repos/{owner}/{repo}/actions"
LIST = f"GET {ACTIONS}/artifacts"
ARTIFACT = f"{LIST}/{{artifact_id}}"
DOWNLOAD = f"{ARTIFACT}/{{archive_format}}"
LOGS = f"GET {ACTIONS}/runs/{{run_id}}/logs"
FILES = {"2026/may.csv": b"day,sum\n1,7\n", "summary.txt": b"fine\n"}


@pytest.fixture
def repo(github_server: GitHubServer) -> LiveRepository:
    """A repository with a workflow."""
    return github_server.repository(REPO, {".github/workflows/load.yml": LOAD})


@pytest.fixture
def run_id(github_credentials: GitHubCredentials, repo: LiveRepository) -> int:
    """A run that has ended, and left two artifacts."""
    plan = RunPlan(artifacts={"reports": FILES, "empty": {}}, log="Run make\nDone.\n")
    actions_of(repo).planned.append(plan)
    found = dispatch_workflow(github_credentials, REPO, "load.yml").run_id
    with no_waiting():
        wait_for_workflow_run(github_credentials, REPO, found)
    return found


def offer(server: GitHubServer, content: bytes, **changes: Any) -> None:
    """Let every artifact be this."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    server.answer(ARTIFACT, server.example(ARTIFACT, **{"digest": digest, **changes}))
    server.answer(DOWNLOAD, content)


def test_an_artifact_is_found_and_unpacked(
    github_credentials: GitHubCredentials, run_id: int, tmp_path: Path
) -> None:
    """By its name and its run; each file is where it was, below the folder."""
    (found,) = list_artifacts(github_credentials, REPO, run_id=run_id, name="reports")
    assert (found.name, found.run_id, found.expired) == ("reports", run_id, False)
    reports: list[Progress] = []
    with on_progress(reports.append):
        paths = download_artifact(github_credentials, REPO, found.id, tmp_path / "new")
    assert {path.relative_to(tmp_path / "new").as_posix(): path.read_bytes() for path in paths} == (
        FILES
    )
    texts = [each.text for each in reports]
    assert texts[0] == "downloading"
    assert texts[-1] == "unpacking summary.txt"
    assert reports[0].total == found.size


async def _aio(credentials: GitHubCredentials, artifact_id: int, path: Path) -> list[Path]:
    return await download_artifact.aio(credentials, REPO, artifact_id, path)


def test_an_artifact_can_be_awaited(
    github_credentials: GitHubCredentials, run_id: int, tmp_path: Path
) -> None:
    """The async twin gives the same files."""
    import asyncio

    (found,) = list_artifacts(github_credentials, REPO, run_id=run_id, name="reports")
    paths = asyncio.run(_aio(github_credentials, found.id, tmp_path / "new"))
    assert [path.name for path in paths] == ["may.csv", "summary.txt"]


def test_an_artifact_is_kept_as_it_is(
    github_credentials: GitHubCredentials, run_id: int, tmp_path: Path
) -> None:
    """The archive replaces what is there, once it is whole."""
    (found,) = list_artifacts(github_credentials, REPO, run_id=run_id, name="reports")
    target = tmp_path / "deep" / "reports.zip"
    target.parent.mkdir()
    target.write_text("old")
    assert download_artifact(github_credentials, REPO, found.id, target, unpack=False) == [target]
    assert zipfile.ZipFile(target).namelist() == list(FILES)
    assert list(target.parent.iterdir()) == [target]


def test_artifacts_are_listed_to_the_end(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """All pages, or as many as are wanted."""
    artifact = github_server.example(LIST)["artifacts"][0]
    found = [{**artifact, "id": n} for n in range(210)]
    github_server.answer(LIST, {"total_count": 210, "artifacts": found})
    assert [each.id for each in list_artifacts(github_credentials, REPO)] == list(range(210))
    assert len(list_artifacts(github_credentials, REPO, limit=5)) == 5
    assert github_server.requests[-1].query["per_page"] == "5"


def test_a_deleted_artifact_is_gone(
    github_credentials: GitHubCredentials, run_id: int, tmp_path: Path
) -> None:
    """It is found no more, nor downloaded."""
    for found in list_artifacts(github_credentials, REPO, run_id=run_id):
        delete_artifact(github_credentials, REPO, found.id)
    assert list_artifacts(github_credentials, REPO, run_id=run_id) == []
    with pytest.raises(GitHubNotFound):
        download_artifact(github_credentials, REPO, found.id, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_an_expired_artifact_is_told_as_that(
    github_server: GitHubServer, github_credentials: GitHubCredentials, tmp_path: Path
) -> None:
    """Nothing is downloaded."""
    offer(github_server, b"", expired=True)
    with pytest.raises(GitHubNotFound, match=r"'Rails' .* has expired"):
        download_artifact(github_credentials, REPO, 11, tmp_path / "new")
    assert not github_server.asked(DOWNLOAD)


@pytest.mark.parametrize("unpack", [True, False])
def test_what_was_changed_on_the_way_is_not_kept(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    tmp_path: Path,
    unpack: bool,
) -> None:
    """Its digest is not GitHub's; it is downloaded again, and then given up."""
    offer(github_server, zipped(FILES), digest=f"sha256:{'0' * 64}")
    with no_waiting(), pytest.raises(GitHubUnavailable, match="what came has the digest"):
        download_artifact(github_credentials, REPO, 11, tmp_path / "new", unpack=unpack)
    assert len(github_server.asked(DOWNLOAD)) == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../evil.txt", "/tmp/evil.txt", "a/../../evil.txt", "C:\\evil"])
def test_an_artifact_gets_out_of_no_folder(
    github_server: GitHubServer, github_credentials: GitHubCredentials, tmp_path: Path, name: str
) -> None:
    """Whoever may open a pull request makes artifacts, so they are not trusted."""
    offer(github_server, zipped({"fine.txt": b"", name: b"evil"}))
    with pytest.raises(UnsafeArchive):
        download_artifact(github_credentials, REPO, 11, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_an_artifact_is_not_made(
    github_server: GitHubServer, github_credentials: GitHubCredentials, tmp_path: Path
) -> None:
    """The files beside it are there."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("fine.txt", "fine")
    offer(github_server, buffer.getvalue())
    paths = download_artifact(github_credentials, REPO, 11, tmp_path / "new")
    assert paths == [tmp_path / "new" / "fine.txt"]
    assert list((tmp_path / "new").iterdir()) == paths


def test_what_is_no_archive_can_be_kept(
    github_server: GitHubServer, github_credentials: GitHubCredentials, tmp_path: Path
) -> None:
    """Some artifacts are single files; they are not unpacked."""
    offer(github_server, b"%PDF-1.7 ...")
    with pytest.raises(StorageError, match="cannot be read"):
        download_artifact(github_credentials, REPO, 11, tmp_path / "new")
    (path,) = download_artifact(github_credentials, REPO, 11, tmp_path / "a.pdf", unpack=False)
    assert path.read_bytes() == b"%PDF-1.7 ..."


def test_a_folder_with_files_is_left_alone(
    github_server: GitHubServer, github_credentials: GitHubCredentials, tmp_path: Path
) -> None:
    """What is there might be from another run."""
    offer(github_server, zipped(FILES))
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(StorageError, match="not empty"):
        download_artifact(github_credentials, REPO, 11, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_logs_are_fetched_by_run_and_by_job(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    run_id: int,
    tmp_path: Path,
) -> None:
    """A file for each job and step; or that of one job. GitHub's storage sees no token."""
    paths = download_workflow_run_logs(github_credentials, REPO, run_id, tmp_path / "logs")
    names = [path.relative_to(tmp_path / "logs").as_posix() for path in paths]
    assert names == ["0_build.txt", "build/1_Run make.txt"]
    (job,) = list_workflow_jobs(github_credentials, REPO, run_id)
    path = download_job_log(github_credentials, REPO, job.id, tmp_path / "build.log")
    assert path.read_bytes() == paths[0].read_bytes()
    assert b"Run make" in path.read_bytes()
    assert github_server.files.leaks == []


def test_logs_of_an_earlier_attempt_can_be_asked_for(
    github_server: GitHubServer, github_credentials: GitHubCredentials, tmp_path: Path
) -> None:
    """By its number."""
    route = f"GET {ACTIONS}/runs/{{run_id}}/attempts/{{attempt_number}}/logs"
    github_server.answer(route, zipped({"0_build.txt": b"first"}))
    (path,) = download_workflow_run_logs(github_credentials, REPO, 7, tmp_path / "a", attempt=1)
    assert path.read_bytes() == b"first"
    assert github_server.requests[0].path["attempt_number"] == "1"


def test_logs_of_what_runs_are_not_there_yet(
    github_server: GitHubServer, github_credentials: GitHubCredentials, tmp_path: Path
) -> None:
    """The error is GitHub's, and no folder is made."""
    github_server.fail(LOGS, not_found())
    with pytest.raises(GitHubNotFound):
        download_workflow_run_logs(github_credentials, REPO, 7, tmp_path / "logs")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_told(
    github_server: GitHubServer, github_credentials: GitHubCredentials, tmp_path: Path
) -> None:
    """A folder is in its place."""
    github_server.answer(f"GET {ACTIONS}/jobs/{{job_id}}/logs", b"log")
    (tmp_path / "taken" / "deeper").mkdir(parents=True)
    with pytest.raises(InvalidArguments, match="cannot be written"):
        download_job_log(github_credentials, REPO, 7, tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.fixture
def flaky_storage() -> Iterator[tuple[str, bytes]]:
    """A storage that breaks the first download in its midst; its URL, and what it has."""
    content = zipped(FILES)
    broken = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content if broken.is_set() else content[:50])
            broken.set()

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/a?sig=b", content
        server.shutdown()


def test_half_a_download_is_none(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    flaky_storage: tuple[str, bytes],
    tmp_path: Path,
) -> None:
    """What breaks off is fetched again, from its begin, by the task's retries."""
    url, content = flaky_storage
    offer(github_server, content)
    github_server.answer(DOWNLOAD, Answer(None, 302, {"Location": url}))
    target = tmp_path / "a.zip"
    with no_waiting() as waits:
        download_artifact(github_credentials, REPO, 11, target, unpack=False)
    assert target.read_bytes() == content
    assert list(tmp_path.iterdir()) == [target]
    assert len(waits) == 1
