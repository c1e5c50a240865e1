"""Conformance of the tasks on Actions."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from brickwork import Secret
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.testing.contracts.tasks import GitHubTaskContract
from brickwork_github.testing.live.runs import zipped
from brickwork_github.testing.server import GitHubServer

_ACTIONS = "/repos/{owner}/{repo}/actions"
_RUN = f"{_ACTIONS}/runs/{{run_id}}"
_ARTIFACT = f"GET {_ACTIONS}/artifacts/{{artifact_id}}"

_ORGANIZATION = {"organization": "octo-org"}


def _names(server: GitHubServer) -> dict[str, Any]:
    return {"credentials": server.credentials(), "repository": "octocat/Hello-World"}


def _give_key(server: GitHubServer, route: str) -> None:
    key = b64encode(bytes(range(32))).decode()
    server.answer(route, server.example(route, key=key))


def _completed(server: GitHubServer) -> None:
    run = server.example(f"GET {_RUN}", status="completed", conclusion="success")
    server.answer(f"GET {_RUN}", run)


class TestListWorkflows(GitHubTaskContract):
    """list_workflows."""

    name = "github.list_workflows"


class TestEnableWorkflow(GitHubTaskContract):
    """enable_workflow."""

    name = "github.enable_workflow"
    arguments = {"workflow": "load.yml"}


class TestDisableWorkflow(GitHubTaskContract):
    """disable_workflow."""

    name = "github.disable_workflow"
    arguments = {"workflow": 161335}


class TestDispatchWorkflow(GitHubTaskContract):
    """dispatch_workflow."""

    name = "github.dispatch_workflow"
    arguments = {"workflow": "load.yml"}


class TestRunWorkflow(GitHubTaskContract):
    """run_workflow."""

    name = "github.run_workflow"
    arguments = {"workflow": "build.yml"}

    def prepare(self, server: GitHubServer) -> None:
        """Let the run end at once."""
        _completed(server)


class TestCreateRepositoryDispatch(GitHubTaskContract):
    """create_repository_dispatch."""

    name = "github.create_repository_dispatch"
    arguments = {"event_type": "data-ready"}


class TestListWorkflowRuns(GitHubTaskContract):
    """list_workflow_runs."""

    name = "github.list_workflow_runs"


class TestGetWorkflowRun(GitHubTaskContract):
    """get_workflow_run."""

    name = "github.get_workflow_run"
    arguments = {"run_id": 30433642}


class TestWaitForWorkflowRun(GitHubTaskContract):
    """wait_for_workflow_run."""

    name = "github.wait_for_workflow_run"
    arguments = {"run_id": 30433642}

    def prepare(self, server: GitHubServer) -> None:
        """Let the run have ended."""
        _completed(server)

    @pytest.fixture
    def slow_call(
        self, github_server: GitHubServer, github_credentials: GitHubCredentials
    ) -> Mapping[str, Any]:
        """Wait for a run that stays queued."""
        assert github_server.example(f"GET {_RUN}")["status"] == "queued"
        return {"credentials": github_credentials, "repository": "octo/slow", "run_id": 1}


class TestCancelWorkflowRun(GitHubTaskContract):
    """cancel_workflow_run."""

    name = "github.cancel_workflow_run"
    arguments = {"run_id": 30433642}


class TestRerunWorkflowRun(GitHubTaskContract):
    """rerun_workflow_run."""

    name = "github.rerun_workflow_run"
    arguments = {"run_id": 30433642}


class TestRerunFailedJobs(GitHubTaskContract):
    """rerun_failed_jobs."""

    name = "github.rerun_failed_jobs"
    arguments = {"run_id": 30433642}


class TestListWorkflowJobs(GitHubTaskContract):
    """list_workflow_jobs."""

    name = "github.list_workflow_jobs"
    arguments = {"run_id": 29679449}


class _DownloadContract(GitHubTaskContract):
    """Takes a folder, which is good for one call only."""

    folder: ClassVar[str]
    """The parameter for it."""

    @pytest.fixture
    def call(self, example_names: Mapping[str, Any], tmp_path: Path) -> Mapping[str, Any]:
        """Return what the example uses, and a folder that is not there yet."""
        return {**example_names, **self.arguments, self.folder: tmp_path / "first"}

    def again(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take another folder."""
        return {**call, self.folder: call[self.folder].with_name("second")}

    def same(self, one: Any, two: Any) -> bool:
        """Compare names and bytes."""
        return [(path.name, path.read_bytes()) for path in one] == [
            (path.name, path.read_bytes()) for path in two
        ]


class TestDownloadWorkflowRunLogs(_DownloadContract):
    """download_workflow_run_logs."""

    name = "github.download_workflow_run_logs"
    folder = "folder"
    arguments = {"run_id": 30433642}

    @pytest.fixture
    def example_names(self, github_server: GitHubServer) -> Mapping[str, Any]:
        """Give the logs of one job; a folder is good for one call only."""
        logs = {"0_build.txt": b"Done.\n", "build/1_Run make.txt": b"Done.\n"}
        github_server.answer(f"GET {_RUN}/logs", zipped(logs))
        return _names(github_server)


class TestDownloadJobLog(GitHubTaskContract):
    """download_job_log."""

    name = "github.download_job_log"
    arguments = {"job_id": 399444496}

    def prepare(self, server: GitHubServer) -> None:
        """Answer with a log."""
        log = b"2020-01-20T17:42:40.1234567Z Run make\n"
        server.answer(f"GET {_ACTIONS}/jobs/{{job_id}}/logs", log)

    @pytest.fixture
    def call(
        self,
        github_server: GitHubServer,
        github_credentials: GitHubCredentials,  # noqa: ARG002  # as of the one it replaces
        tmp_path: Path,
    ) -> Mapping[str, Any]:
        """Return the arguments."""
        self.prepare(github_server)
        return {**_names(github_server), **self.arguments, "path": tmp_path / "job.log"}


class TestListArtifacts(GitHubTaskContract):
    """list_artifacts."""

    name = "github.list_artifacts"


class TestDownloadArtifact(_DownloadContract):
    """download_artifact."""

    name = "github.download_artifact"
    folder = "path"
    arguments = {"artifact_id": 11}

    @pytest.fixture
    def example_names(self, github_server: GitHubServer) -> Mapping[str, Any]:
        """Give an artifact of one file; a folder is good for one call only."""
        content = zipped({"2026/may.csv": b"day,sum\n"})
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        github_server.answer(_ARTIFACT, github_server.example(_ARTIFACT, digest=digest))
        github_server.answer(f"{_ARTIFACT}/{{archive_format}}", content)
        return _names(github_server)


class TestDeleteArtifact(GitHubTaskContract):
    """delete_artifact."""

    name = "github.delete_artifact"
    arguments = {"artifact_id": 11}


class TestListPendingDeployments(GitHubTaskContract):
    """list_pending_deployments."""

    name = "github.list_pending_deployments"
    arguments = {"run_id": 30433642}


class TestReviewPendingDeployments(GitHubTaskContract):
    """review_pending_deployments."""

    name = "github.review_pending_deployments"
    arguments = {"run_id": 30433642, "environments": ["staging"], "state": "rejected"}


class TestSetSecret(GitHubTaskContract):
    """set_secret."""

    name = "github.set_secret"
    arguments = {"name": "WAREHOUSE_PASSWORD", "value": Secret("correct horse")}

    def prepare(self, server: GitHubServer) -> None:
        """Answer with a key that is one."""
        _give_key(server, f"GET {_ACTIONS}/secrets/public-key")


class TestListSecrets(GitHubTaskContract):
    """list_secrets."""

    name = "github.list_secrets"


class TestDeleteSecret(GitHubTaskContract):
    """delete_secret."""

    name = "github.delete_secret"
    arguments = {"name": "WAREHOUSE_PASSWORD"}


class TestSetVariable(GitHubTaskContract):
    """set_variable."""

    name = "github.set_variable"
    arguments = {"name": "REGION", "value": "eu-central-1"}


class TestListVariables(GitHubTaskContract):
    """list_variables."""

    name = "github.list_variables"


class TestDeleteVariable(GitHubTaskContract):
    """delete_variable."""

    name = "github.delete_variable"
    arguments = {"name": "REGION"}


class TestSetOrganizationSecret(GitHubTaskContract):
    """set_organization_secret."""

    name = "github.set_organization_secret"
    repository = None
    arguments = {**_ORGANIZATION, "name": "DEPLOY_KEY", "value": Secret("correct horse")}

    def prepare(self, server: GitHubServer) -> None:
        """Answer with a key that is one."""
        _give_key(server, "GET /orgs/{org}/actions/secrets/public-key")


class TestListOrganizationSecrets(GitHubTaskContract):
    """list_organization_secrets."""

    name = "github.list_organization_secrets"
    repository = None
    arguments = _ORGANIZATION


class TestDeleteOrganizationSecret(GitHubTaskContract):
    """delete_organization_secret."""

    name = "github.delete_organization_secret"
    repository = None
    arguments = {**_ORGANIZATION, "name": "DEPLOY_KEY"}


class TestSetOrganizationVariable(GitHubTaskContract):
    """set_organization_variable."""

    name = "github.set_organization_variable"
    repository = None
    arguments = {**_ORGANIZATION, "name": "REGION", "value": "eu-central-1"}


class TestListOrganizationVariables(GitHubTaskContract):
    """list_organization_variables."""

    name = "github.list_organization_variables"
    repository = None
    arguments = _ORGANIZATION


class TestDeleteOrganizationVariable(GitHubTaskContract):
    """delete_organization_variable."""

    name = "github.delete_organization_variable"
    repository = None
    arguments = {**_ORGANIZATION, "name": "REGION"}
