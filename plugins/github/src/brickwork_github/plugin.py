"""What this package brings to Brickwork: names and dotted paths, nothing imported."""

from collections.abc import Mapping

from brickwork import hookimpl

brickwork_api = 1

_TASKS = {
    "actions.deployments": "list_pending_deployments review_pending_deployments",
    "actions.dispatching": "dispatch_workflow",
    "actions.downloads": (
        "delete_artifact download_artifact download_job_log download_workflow_run_logs "
        "list_artifacts"
    ),
    "actions.runs": (
        "cancel_workflow_run get_workflow_run list_workflow_jobs list_workflow_runs "
        "rerun_failed_jobs rerun_workflow_run"
    ),
    "actions.secrets": (
        "delete_organization_secret delete_secret list_organization_secrets list_secrets "
        "set_organization_secret set_secret"
    ),
    "actions.variables": (
        "delete_organization_variable delete_variable list_organization_variables list_variables "
        "set_organization_variable set_variable"
    ),
    "actions.waiting": "run_workflow wait_for_workflow_run",
    "actions.workflows": (
        "create_repository_dispatch disable_workflow enable_workflow list_workflows"
    ),
    "checks.deployments": (
        "create_deployment create_deployment_status delete_deployment get_deployment "
        "list_deployment_statuses list_deployments"
    ),
    "checks.limits": "get_rate_limit",
    "checks.runs": (
        "create_check_run get_check_run list_check_annotations list_check_runs update_check_run"
    ),
    "checks.statuses": "create_commit_status get_combined_status list_commit_statuses",
    "contents.branches": (
        "create_branch delete_branch get_branch list_branches merge_branches rename_branch"
    ),
    "contents.commits": "compare_commits get_commit list_commits",
    "contents.files": "create_file delete_file get_file list_folder update_file",
    "contents.refs": "create_ref create_tag delete_ref get_ref list_refs list_tags update_ref",
    "contents.tasks": "commit_files",
    "generic": "github_call github_graphql",
    "gists.tasks": "create_gist delete_gist get_gist list_gists update_gist",
    "issues.comments": (
        "create_issue_comment delete_issue_comment list_issue_comments update_issue_comment"
    ),
    "issues.sorting": (
        "add_issue_assignees add_issue_labels close_milestone create_milestone list_milestones "
        "remove_issue_assignees remove_issue_label set_issue_labels"
    ),
    "issues.tasks": (
        "close_issue create_issue get_issue list_issues lock_issue reopen_issue search_issues "
        "unlock_issue update_issue"
    ),
    "pulls.merging": (
        "is_pull_request_merged merge_pull_request update_pull_request_branch wait_until_mergeable"
    ),
    "pulls.mutations": (
        "convert_to_draft disable_auto_merge enable_auto_merge mark_ready_for_review"
    ),
    "pulls.review_comments": (
        "create_review_comment delete_review_comment list_review_comments reply_to_review_comment "
        "update_review_comment"
    ),
    "pulls.reviews": (
        "create_review dismiss_review list_reviews remove_reviewers request_reviewers submit_review"
    ),
    "pulls.tasks": (
        "close_pull_request create_pull_request get_pull_request get_pull_request_diff "
        "list_pull_request_commits list_pull_request_files list_pull_requests "
        "list_pull_requests_of_commit update_pull_request"
    ),
    "releases.assets": (
        "delete_release_asset download_release_asset list_release_assets upload_release_asset"
    ),
    "releases.publishing": "publish_release",
    "releases.tasks": (
        "create_release delete_release generate_release_notes get_latest_release get_release "
        "get_release_by_tag list_releases update_release"
    ),
    "repositories.branch_protection": "get_branch_protection protect_branch unprotect_branch",
    "repositories.collaborators": (
        "add_collaborator get_collaborator list_collaborators remove_collaborator"
    ),
    "repositories.labels": "create_label delete_label list_labels update_label",
    "repositories.people": "get_user list_organization_members",
    "repositories.tasks": (
        "archive_repository create_repository create_repository_from_template delete_repository "
        "get_repository list_repositories unarchive_repository update_repository"
    ),
    "repositories.teams": (
        "add_team_member create_team list_team_members list_teams remove_team_member "
        "remove_team_repository set_team_repository"
    ),
    "repositories.topics": "list_topics replace_topics",
    "repository.tasks": "clone_repository download_archive",
    "search.tasks": "search_code search_commits search_repositories search_users",
}
"""The tasks of each module."""


@hookimpl
def brickwork_blocks() -> Mapping[str, str]:
    """The blocks."""
    return {
        "github-check-notifier": "brickwork_github.notifying.commits:GitHubCheckNotifier",
        "github-comment-notifier": "brickwork_github.notifying.comment:GitHubCommentNotifier",
        "github-credentials": "brickwork_github.credentials:GitHubCredentials",
        "github-issue-notifier": "brickwork_github.notifying.issue:GitHubIssueNotifier",
        "github-repository": "brickwork_github.repository.block:GitHubRepository",
        "github-status-notifier": "brickwork_github.notifying.commits:GitHubStatusNotifier",
        "github-webhook": "brickwork_github.webhooks.block:GitHubWebhook",
    }


@hookimpl
def brickwork_commands() -> Mapping[str, str]:
    """The commands."""
    return {"github": "brickwork_github.cli.github:group"}


@hookimpl
def brickwork_storages() -> Mapping[str, str]:
    """The storages."""
    return {"github": "brickwork_github.repository.block:GitHubRepository"}


@hookimpl
def brickwork_tasks() -> Mapping[str, str]:
    """The prebuilt tasks."""
    return {
        f"github.{name}": f"brickwork_github.{module}:{name}"
        for module, names in _TASKS.items()
        for name in names.split()
    }
