"""Prebuilt tasks on what runs leave: logs and artifacts.

See https://docs.github.com/en/rest/actions/artifacts.
"""

from pathlib import Path

from brickwork import extract_archive, progress
from brickwork_github.actions.models import Artifact
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.downloading import check_digest, download, new_file
from brickwork_github.errors import GitHubNotFound
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task

_ACTIONS = "/repos/{owner}/{repo}/actions"
_RUN = f"{_ACTIONS}/runs/{{run_id}}"
_ARTIFACT = f"{_ACTIONS}/artifacts/{{artifact_id}}"


@retried_task("actions:read")
def download_workflow_run_logs(
    credentials: GitHubCredentials,
    repository: str,
    run_id: int,
    folder: Path,
    *,
    attempt: int | None = None,
) -> list[Path]:
    """Download the logs of a workflow run into a folder: a file for each job and each step.

    See https://docs.github.com/en/rest/actions/workflow-runs#download-workflow-run-logs.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        run_id: The run's id.
        folder: Where to; missing or empty.
        attempt: Of which attempt; by default of the last.

    Returns:
        The files.

    Raises:
        GitHubNotFound: There is no such run, it has not ended, or its logs were deleted.
        UnsafeArchive: The archive would write elsewhere, or too much.
        StorageError: The folder is not empty, or cannot be written.
        GitHubError: They cannot be read.

    Examples:
        >>> for path in download_workflow_run_logs(credentials, repository, 30433642, "logs"):
        ...     print(path)
        logs/0_build.txt
        logs/build/1_Run make.txt
    """
    if attempt is None:
        asked = Request(credentials, f"GET {_RUN}/logs", repository, run_id=run_id)
    else:
        route = f"GET {_RUN}/attempts/{{attempt_number}}/logs"
        asked = Request(credentials, route, repository, run_id=run_id, attempt_number=attempt)
    return _unpacked(asked, Path(folder))


@retried_task("actions:read")
def download_job_log(
    credentials: GitHubCredentials, repository: str, job_id: int, path: Path
) -> Path:
    """Download the log of a job to a file.

    See https://docs.github.com/en/rest/actions/workflow-jobs#download-job-logs-for-a-workflow-run.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        job_id: The job's id.
        path: Where to; what is there is replaced once the log is whole.

    Returns:
        The file.

    Raises:
        GitHubNotFound: There is no such job, it has not ended, or its log was deleted.
        InvalidArguments: The file cannot be written.
        GitHubError: It cannot be read.

    Examples:
        >>> print(download_job_log(credentials, repository, 399444496, "build.log").read_text())
        2020-01-20T17:42:40.1234567Z Run make
    """
    asked = Request(credentials, f"GET {_ACTIONS}/jobs/{{job_id}}/logs", repository, job_id=job_id)
    target = Path(path)
    with new_file(target) as file:
        download(asked, file)
    return target


@retried_task("actions:read")
def list_artifacts(
    credentials: GitHubCredentials,
    repository: str,
    *,
    run_id: int | None = None,
    name: str | None = None,
    limit: int | None = None,
) -> list[Artifact]:
    """List the artifacts of a repository, or of one of its workflow runs.

    See https://docs.github.com/en/rest/actions/artifacts#list-artifacts-for-a-repository.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        run_id: Only those of this run.
        name: Only those of this name.
        limit: At most so many; None: all.

    Returns:
        The artifacts.

    Raises:
        GitHubNotFound: There is no such repository or run.
        GitHubError: They cannot be read.

    Examples:
        >>> for artifact in list_artifacts(credentials, repository):
        ...     print(artifact.id, artifact.name, artifact.size, artifact.run_id)
        11 Rails 556 2332938
        13 Test output 453 2332942
    """
    if run_id is None:
        asked = Request(credentials, f"GET {_ACTIONS}/artifacts", repository)
    else:
        asked = Request(credentials, f"GET {_RUN}/artifacts", repository, run_id=run_id)
    return asked.many(Artifact.of, limit, query={"name": name})


@retried_task("actions:read")
def download_artifact(
    credentials: GitHubCredentials,
    repository: str,
    artifact_id: int,
    path: Path,
    *,
    unpack: bool = True,
) -> list[Path]:
    """Download an artifact into a folder, or as it is to a file.

    What comes is compared with the digest that GitHub has of it. See
    https://docs.github.com/en/rest/actions/artifacts#download-an-artifact.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        artifact_id: The artifact's id, as `list_artifacts` gives it.
        path: Where to: a folder, missing or empty; or a file, which is replaced once the artifact
            is whole.
        unpack: Whether to unpack it into a folder.

    Returns:
        The files.

    Raises:
        GitHubNotFound: There is none, or no more.
        GitHubUnavailable: What came is not what GitHub has, also when asked again.
        UnsafeArchive: The archive would write elsewhere, or too much.
        StorageError: It is no archive, or the folder is not empty, or cannot be written.
        InvalidArguments: The file cannot be written.
        GitHubError: It cannot be read.

    Examples:
        >>> for path in download_artifact(credentials, repository, 11, "reports"):
        ...     print(path)
        reports/2026/may.csv
    """
    found = Request(credentials, f"GET {_ARTIFACT}", repository, artifact_id=artifact_id).one(
        Artifact.of
    )
    if found.expired:
        raise GitHubNotFound(
            f"The artifact {found.name!r} ({found.id}) of {repository} has expired.",
            fix="Run the workflow again, or let it keep its artifacts for longer.",
        )
    asked = Request(
        credentials,
        f"GET {_ARTIFACT}/{{archive_format}}",
        repository,
        artifact_id=artifact_id,
        archive_format="zip",
    )
    if unpack:
        return _unpacked(asked, Path(path), found.digest)
    with new_file(Path(path)) as file:
        check_digest(asked, download(asked, file), found.digest)
    return [Path(path)]


@retried_task("actions:write")
def delete_artifact(credentials: GitHubCredentials, repository: str, artifact_id: int) -> None:
    """Delete an artifact.

    See https://docs.github.com/en/rest/actions/artifacts#delete-an-artifact.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        artifact_id: The artifact's id.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not deleted.

    Examples:
        >>> delete_artifact(credentials, repository, 11)
    """
    Request(credentials, f"DELETE {_ARTIFACT}", repository, artifact_id=artifact_id).send()


def _unpacked(asked: Request, folder: Path, digest: str = "") -> list[Path]:
    from tempfile import TemporaryFile

    def report(done: float, total: float | None, path: str) -> None:
        progress(done, total, f"unpacking {path}")

    with TemporaryFile() as file:
        check_digest(asked, download(asked, file), digest)
        found = extract_archive(file, folder, links="skip", progress=report)
    return [folder / name for name in found.files]
