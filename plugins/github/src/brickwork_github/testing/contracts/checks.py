"""Conformance of the tasks on commit statuses, check runs, deployments and rate limits."""

from brickwork_github.testing.contracts.tasks import GitHubTaskContract

_SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"


class TestCreateCommitStatus(GitHubTaskContract):
    """create_commit_status."""

    name = "github.create_commit_status"
    arguments = {"sha": _SHA, "state": "success"}


class TestListCommitStatuses(GitHubTaskContract):
    """list_commit_statuses."""

    name = "github.list_commit_statuses"
    arguments = {"ref": "main"}


class TestGetCombinedStatus(GitHubTaskContract):
    """get_combined_status."""

    name = "github.get_combined_status"
    arguments = {"ref": "main"}


class TestCreateCheckRun(GitHubTaskContract):
    """create_check_run."""

    name = "github.create_check_run"
    arguments = {"name": "load", "head_sha": _SHA}


class TestUpdateCheckRun(GitHubTaskContract):
    """update_check_run."""

    name = "github.update_check_run"
    arguments = {"check_run_id": 4, "conclusion": "neutral"}


class TestGetCheckRun(GitHubTaskContract):
    """get_check_run."""

    name = "github.get_check_run"
    arguments = {"check_run_id": 4}


class TestListCheckRuns(GitHubTaskContract):
    """list_check_runs."""

    name = "github.list_check_runs"
    arguments = {"ref": "main"}


class TestListCheckAnnotations(GitHubTaskContract):
    """list_check_annotations."""

    name = "github.list_check_annotations"
    arguments = {"check_run_id": 4}


class TestCreateDeployment(GitHubTaskContract):
    """create_deployment."""

    name = "github.create_deployment"
    arguments = {"ref": "topic-branch"}


class TestGetDeployment(GitHubTaskContract):
    """get_deployment."""

    name = "github.get_deployment"
    arguments = {"deployment_id": 1}


class TestListDeployments(GitHubTaskContract):
    """list_deployments."""

    name = "github.list_deployments"


class TestDeleteDeployment(GitHubTaskContract):
    """delete_deployment."""

    name = "github.delete_deployment"
    arguments = {"deployment_id": 1}


class TestCreateDeploymentStatus(GitHubTaskContract):
    """create_deployment_status."""

    name = "github.create_deployment_status"
    arguments = {"deployment_id": 42, "state": "success"}


class TestListDeploymentStatuses(GitHubTaskContract):
    """list_deployment_statuses."""

    name = "github.list_deployment_statuses"
    arguments = {"deployment_id": 42}


class TestGetRateLimit(GitHubTaskContract):
    """get_rate_limit."""

    name = "github.get_rate_limit"
    repository = None
