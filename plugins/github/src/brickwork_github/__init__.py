"""GitHub for Brickwork: credentials, repositories as blocks and storage, and prebuilt tasks.

The names are imported when they are asked for, so that a program that only loads credentials pays
for nothing else; PyGithub is imported when the first client is made.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brickwork_github.actions.deployments import (
        list_pending_deployments as list_pending_deployments,
        review_pending_deployments as review_pending_deployments,
    )
    from brickwork_github.actions.dispatching import (
        dispatch_workflow as dispatch_workflow,
    )
    from brickwork_github.actions.downloads import (
        delete_artifact as delete_artifact,
        download_artifact as download_artifact,
        download_job_log as download_job_log,
        download_workflow_run_logs as download_workflow_run_logs,
        list_artifacts as list_artifacts,
    )
    from brickwork_github.actions.models import (
        ActionsSecret as ActionsSecret,
        ActionsVariable as ActionsVariable,
        Artifact as Artifact,
        DispatchedRun as DispatchedRun,
        PendingDeployment as PendingDeployment,
        Workflow as Workflow,
        WorkflowJob as WorkflowJob,
        WorkflowRun as WorkflowRun,
        WorkflowStep as WorkflowStep,
    )
    from brickwork_github.actions.runs import (
        cancel_workflow_run as cancel_workflow_run,
        get_workflow_run as get_workflow_run,
        list_workflow_jobs as list_workflow_jobs,
        list_workflow_runs as list_workflow_runs,
        rerun_failed_jobs as rerun_failed_jobs,
        rerun_workflow_run as rerun_workflow_run,
    )
    from brickwork_github.actions.secrets import (
        delete_organization_secret as delete_organization_secret,
        delete_secret as delete_secret,
        list_organization_secrets as list_organization_secrets,
        list_secrets as list_secrets,
        set_organization_secret as set_organization_secret,
        set_secret as set_secret,
    )
    from brickwork_github.actions.variables import (
        delete_organization_variable as delete_organization_variable,
        delete_variable as delete_variable,
        list_organization_variables as list_organization_variables,
        list_variables as list_variables,
        set_organization_variable as set_organization_variable,
        set_variable as set_variable,
    )
    from brickwork_github.actions.waiting import (
        run_workflow as run_workflow,
        wait_for_workflow_run as wait_for_workflow_run,
    )
    from brickwork_github.actions.workflows import (
        create_repository_dispatch as create_repository_dispatch,
        disable_workflow as disable_workflow,
        enable_workflow as enable_workflow,
        list_workflows as list_workflows,
    )
    from brickwork_github.app_tokens import GitHubApp as GitHubApp
    from brickwork_github.checks.deployments import (
        create_deployment as create_deployment,
        create_deployment_status as create_deployment_status,
        delete_deployment as delete_deployment,
        get_deployment as get_deployment,
        list_deployment_statuses as list_deployment_statuses,
        list_deployments as list_deployments,
    )
    from brickwork_github.checks.limits import (
        get_rate_limit as get_rate_limit,
    )
    from brickwork_github.checks.models import (
        CheckAnnotation as CheckAnnotation,
        CheckRun as CheckRun,
        CombinedStatus as CombinedStatus,
        CommitStatus as CommitStatus,
        Deployment as Deployment,
        DeploymentStatus as DeploymentStatus,
        RateLimit as RateLimit,
    )
    from brickwork_github.checks.reporting import (
        RunningCheck as RunningCheck,
        RunningDeployment as RunningDeployment,
        RunningStatus as RunningStatus,
        check_run as check_run,
        commit_status as commit_status,
        deployment as deployment,
    )
    from brickwork_github.checks.runs import (
        create_check_run as create_check_run,
        get_check_run as get_check_run,
        list_check_annotations as list_check_annotations,
        list_check_runs as list_check_runs,
        update_check_run as update_check_run,
    )
    from brickwork_github.checks.statuses import (
        create_commit_status as create_commit_status,
        get_combined_status as get_combined_status,
        list_commit_statuses as list_commit_statuses,
    )
    from brickwork_github.contents.branches import (
        create_branch as create_branch,
        delete_branch as delete_branch,
        get_branch as get_branch,
        list_branches as list_branches,
        merge_branches as merge_branches,
        rename_branch as rename_branch,
    )
    from brickwork_github.contents.commits import (
        compare_commits as compare_commits,
        get_commit as get_commit,
        list_commits as list_commits,
    )
    from brickwork_github.contents.files import (
        create_file as create_file,
        delete_file as delete_file,
        get_file as get_file,
        list_folder as list_folder,
        update_file as update_file,
    )
    from brickwork_github.contents.models import (
        Branch as Branch,
        ChangedFile as ChangedFile,
        Commit as Commit,
        Comparison as Comparison,
        FileCommit as FileCommit,
        FolderEntry as FolderEntry,
        GitPerson as GitPerson,
        GitRef as GitRef,
        RepositoryFile as RepositoryFile,
        Tag as Tag,
    )
    from brickwork_github.contents.refs import (
        create_ref as create_ref,
        create_tag as create_tag,
        delete_ref as delete_ref,
        get_ref as get_ref,
        list_refs as list_refs,
        list_tags as list_tags,
        update_ref as update_ref,
    )
    from brickwork_github.contents.tasks import (
        commit_files as commit_files,
    )
    from brickwork_github.credentials import (
        ClientOptions as ClientOptions,
        GitHubCredentials as GitHubCredentials,
    )
    from brickwork_github.errors import (
        GitError as GitError,
        GitHubConflict as GitHubConflict,
        GitHubDenied as GitHubDenied,
        GitHubError as GitHubError,
        GitHubInvalid as GitHubInvalid,
        GitHubNotFound as GitHubNotFound,
        GitHubNotMergeable as GitHubNotMergeable,
        GitHubRateLimited as GitHubRateLimited,
        GitHubRunFailed as GitHubRunFailed,
        GitHubTimeout as GitHubTimeout,
        GitHubUnavailable as GitHubUnavailable,
        GitHubWebhookRefused as GitHubWebhookRefused,
    )
    from brickwork_github.generic import (
        github_call as github_call,
        github_graphql as github_graphql,
    )
    from brickwork_github.gists.models import (
        Gist as Gist,
        GistFile as GistFile,
    )
    from brickwork_github.gists.tasks import (
        create_gist as create_gist,
        delete_gist as delete_gist,
        get_gist as get_gist,
        list_gists as list_gists,
        update_gist as update_gist,
    )
    from brickwork_github.issues.comments import (
        create_issue_comment as create_issue_comment,
        delete_issue_comment as delete_issue_comment,
        list_issue_comments as list_issue_comments,
        update_issue_comment as update_issue_comment,
    )
    from brickwork_github.issues.models import (
        Issue as Issue,
        IssueComment as IssueComment,
        Milestone as Milestone,
    )
    from brickwork_github.issues.sorting import (
        add_issue_assignees as add_issue_assignees,
        add_issue_labels as add_issue_labels,
        close_milestone as close_milestone,
        create_milestone as create_milestone,
        list_milestones as list_milestones,
        remove_issue_assignees as remove_issue_assignees,
        remove_issue_label as remove_issue_label,
        set_issue_labels as set_issue_labels,
    )
    from brickwork_github.issues.tasks import (
        close_issue as close_issue,
        create_issue as create_issue,
        get_issue as get_issue,
        list_issues as list_issues,
        lock_issue as lock_issue,
        reopen_issue as reopen_issue,
        search_issues as search_issues,
        unlock_issue as unlock_issue,
        update_issue as update_issue,
    )
    from brickwork_github.notifying.comment import (
        GitHubCommentNotifier as GitHubCommentNotifier,
    )
    from brickwork_github.notifying.commits import (
        GitHubCheckNotifier as GitHubCheckNotifier,
        GitHubStatusNotifier as GitHubStatusNotifier,
    )
    from brickwork_github.notifying.issue import GitHubIssueNotifier as GitHubIssueNotifier
    from brickwork_github.pulls.merging import (
        is_pull_request_merged as is_pull_request_merged,
        merge_pull_request as merge_pull_request,
        update_pull_request_branch as update_pull_request_branch,
        wait_until_mergeable as wait_until_mergeable,
    )
    from brickwork_github.pulls.models import (
        PullRequest as PullRequest,
        PullRequestMerge as PullRequestMerge,
    )
    from brickwork_github.pulls.mutations import (
        convert_to_draft as convert_to_draft,
        disable_auto_merge as disable_auto_merge,
        enable_auto_merge as enable_auto_merge,
        mark_ready_for_review as mark_ready_for_review,
    )
    from brickwork_github.pulls.review_comments import (
        create_review_comment as create_review_comment,
        delete_review_comment as delete_review_comment,
        list_review_comments as list_review_comments,
        reply_to_review_comment as reply_to_review_comment,
        update_review_comment as update_review_comment,
    )
    from brickwork_github.pulls.review_models import (
        LineComment as LineComment,
        Review as Review,
        ReviewComment as ReviewComment,
    )
    from brickwork_github.pulls.reviews import (
        create_review as create_review,
        dismiss_review as dismiss_review,
        list_reviews as list_reviews,
        remove_reviewers as remove_reviewers,
        request_reviewers as request_reviewers,
        submit_review as submit_review,
    )
    from brickwork_github.pulls.tasks import (
        close_pull_request as close_pull_request,
        create_pull_request as create_pull_request,
        get_pull_request as get_pull_request,
        get_pull_request_diff as get_pull_request_diff,
        list_pull_request_commits as list_pull_request_commits,
        list_pull_request_files as list_pull_request_files,
        list_pull_requests as list_pull_requests,
        list_pull_requests_of_commit as list_pull_requests_of_commit,
        update_pull_request as update_pull_request,
    )
    from brickwork_github.releases.assets import (
        delete_release_asset as delete_release_asset,
        download_release_asset as download_release_asset,
        list_release_assets as list_release_assets,
        upload_release_asset as upload_release_asset,
    )
    from brickwork_github.releases.models import (
        Release as Release,
        ReleaseAsset as ReleaseAsset,
        ReleaseNotes as ReleaseNotes,
    )
    from brickwork_github.releases.publishing import (
        publish_release as publish_release,
    )
    from brickwork_github.releases.tasks import (
        create_release as create_release,
        delete_release as delete_release,
        generate_release_notes as generate_release_notes,
        get_latest_release as get_latest_release,
        get_release as get_release,
        get_release_by_tag as get_release_by_tag,
        list_releases as list_releases,
        update_release as update_release,
    )
    from brickwork_github.repositories.branch_protection import (
        get_branch_protection as get_branch_protection,
        protect_branch as protect_branch,
        unprotect_branch as unprotect_branch,
    )
    from brickwork_github.repositories.collaborators import (
        add_collaborator as add_collaborator,
        get_collaborator as get_collaborator,
        list_collaborators as list_collaborators,
        remove_collaborator as remove_collaborator,
    )
    from brickwork_github.repositories.labels import (
        create_label as create_label,
        delete_label as delete_label,
        list_labels as list_labels,
        update_label as update_label,
    )
    from brickwork_github.repositories.models import (
        Actors as Actors,
        BranchProtection as BranchProtection,
        Label as Label,
        Repository as Repository,
        RequiredCheck as RequiredCheck,
        RequiredReviews as RequiredReviews,
    )
    from brickwork_github.repositories.people import (
        get_user as get_user,
        list_organization_members as list_organization_members,
    )
    from brickwork_github.repositories.people_models import (
        Account as Account,
        Collaborator as Collaborator,
        RepositoryInvitation as RepositoryInvitation,
        Team as Team,
        TeamMembership as TeamMembership,
        User as User,
    )
    from brickwork_github.repositories.tasks import (
        archive_repository as archive_repository,
        create_repository as create_repository,
        create_repository_from_template as create_repository_from_template,
        delete_repository as delete_repository,
        get_repository as get_repository,
        list_repositories as list_repositories,
        unarchive_repository as unarchive_repository,
        update_repository as update_repository,
    )
    from brickwork_github.repositories.teams import (
        add_team_member as add_team_member,
        create_team as create_team,
        list_team_members as list_team_members,
        list_teams as list_teams,
        remove_team_member as remove_team_member,
        remove_team_repository as remove_team_repository,
        set_team_repository as set_team_repository,
    )
    from brickwork_github.repositories.topics import (
        list_topics as list_topics,
        replace_topics as replace_topics,
    )
    from brickwork_github.repository.block import (
        GitHubRepository as GitHubRepository,
    )
    from brickwork_github.repository.committing import FileChanges as FileChanges
    from brickwork_github.repository.results import (
        RepositoryArchive as RepositoryArchive,
        RepositoryClone as RepositoryClone,
    )
    from brickwork_github.repository.tasks import (
        clone_repository as clone_repository,
        download_archive as download_archive,
    )
    from brickwork_github.search.models import (
        FoundCode as FoundCode,
        FoundCommit as FoundCommit,
        SearchResults as SearchResults,
    )
    from brickwork_github.search.tasks import (
        search_code as search_code,
        search_commits as search_commits,
        search_repositories as search_repositories,
        search_users as search_users,
    )
    from brickwork_github.webhooks.block import (
        GitHubWebhook as GitHubWebhook,
        webhook_app as webhook_app,
    )
    from brickwork_github.webhooks.code_events import (
        CommitCommentEvent as CommitCommentEvent,
        CreateEvent as CreateEvent,
        DeleteEvent as DeleteEvent,
        DeploymentEvent as DeploymentEvent,
        DeploymentStatusEvent as DeploymentStatusEvent,
        ForkEvent as ForkEvent,
        PushedCommit as PushedCommit,
        PushEvent as PushEvent,
        ReleaseEvent as ReleaseEvent,
        RepositoryChangedEvent as RepositoryChangedEvent,
        RepositoryDispatchEvent as RepositoryDispatchEvent,
        StarEvent as StarEvent,
        StatusEvent as StatusEvent,
    )
    from brickwork_github.webhooks.discussion_events import (
        IssueCommentEvent as IssueCommentEvent,
        IssuesEvent as IssuesEvent,
        PullRequestEvent as PullRequestEvent,
        PullRequestReviewCommentEvent as PullRequestReviewCommentEvent,
        PullRequestReviewEvent as PullRequestReviewEvent,
    )
    from brickwork_github.webhooks.event import GitHubEvent as GitHubEvent
    from brickwork_github.webhooks.events import parse_event as parse_event
    from brickwork_github.webhooks.receiver import WebhookApp as WebhookApp
    from brickwork_github.webhooks.replay import ReplayGuard as ReplayGuard
    from brickwork_github.webhooks.run_events import (
        CheckRunEvent as CheckRunEvent,
        CheckSuiteEvent as CheckSuiteEvent,
        InstallationEvent as InstallationEvent,
        InstallationRepositoriesEvent as InstallationRepositoriesEvent,
        PingEvent as PingEvent,
        WorkflowDispatchEvent as WorkflowDispatchEvent,
        WorkflowJobEvent as WorkflowJobEvent,
        WorkflowRunEvent as WorkflowRunEvent,
    )

_HOMES = {
    "actions.deployments": "list_pending_deployments review_pending_deployments",
    "actions.dispatching": "dispatch_workflow",
    "actions.downloads": (
        "delete_artifact download_artifact download_job_log download_workflow_run_logs "
        "list_artifacts"
    ),
    "actions.models": (
        "ActionsSecret ActionsVariable Artifact DispatchedRun PendingDeployment Workflow "
        "WorkflowJob WorkflowRun WorkflowStep"
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
        "delete_organization_variable delete_variable list_organization_variables "
        "list_variables set_organization_variable set_variable"
    ),
    "actions.waiting": "run_workflow wait_for_workflow_run",
    "actions.workflows": (
        "create_repository_dispatch disable_workflow enable_workflow list_workflows"
    ),
    "app_tokens": "GitHubApp",
    "checks.deployments": (
        "create_deployment create_deployment_status delete_deployment get_deployment "
        "list_deployment_statuses list_deployments"
    ),
    "checks.limits": "get_rate_limit",
    "checks.models": (
        "CheckAnnotation CheckRun CombinedStatus CommitStatus Deployment DeploymentStatus RateLimit"
    ),
    "checks.reporting": (
        "RunningCheck RunningDeployment RunningStatus check_run commit_status deployment"
    ),
    "checks.runs": (
        "create_check_run get_check_run list_check_annotations list_check_runs update_check_run"
    ),
    "checks.statuses": "create_commit_status get_combined_status list_commit_statuses",
    "contents.branches": (
        "create_branch delete_branch get_branch list_branches merge_branches rename_branch"
    ),
    "contents.commits": "compare_commits get_commit list_commits",
    "contents.files": "create_file delete_file get_file list_folder update_file",
    "contents.models": (
        "Branch ChangedFile Commit Comparison FileCommit FolderEntry GitPerson GitRef "
        "RepositoryFile Tag"
    ),
    "contents.refs": "create_ref create_tag delete_ref get_ref list_refs list_tags update_ref",
    "contents.tasks": "commit_files",
    "credentials": "ClientOptions GitHubCredentials",
    "errors": (
        "GitError GitHubConflict GitHubDenied GitHubError GitHubInvalid GitHubNotFound"
        " GitHubNotMergeable GitHubRateLimited GitHubRunFailed GitHubTimeout GitHubUnavailable"
        " GitHubWebhookRefused"
    ),
    "generic": "github_call github_graphql",
    "gists.models": "Gist GistFile",
    "gists.tasks": "create_gist delete_gist get_gist list_gists update_gist",
    "issues.comments": (
        "create_issue_comment delete_issue_comment list_issue_comments update_issue_comment"
    ),
    "issues.models": "Issue IssueComment Milestone",
    "issues.sorting": (
        "add_issue_assignees add_issue_labels close_milestone create_milestone "
        "list_milestones remove_issue_assignees remove_issue_label set_issue_labels"
    ),
    "issues.tasks": (
        "close_issue create_issue get_issue list_issues lock_issue reopen_issue "
        "search_issues unlock_issue update_issue"
    ),
    "notifying.comment": "GitHubCommentNotifier",
    "notifying.commits": "GitHubCheckNotifier GitHubStatusNotifier",
    "notifying.issue": "GitHubIssueNotifier",
    "pulls.merging": (
        "is_pull_request_merged merge_pull_request update_pull_request_branch wait_until_mergeable"
    ),
    "pulls.models": "PullRequest PullRequestMerge",
    "pulls.mutations": (
        "convert_to_draft disable_auto_merge enable_auto_merge mark_ready_for_review"
    ),
    "pulls.review_comments": (
        "create_review_comment delete_review_comment list_review_comments reply_to_review_comment "
        "update_review_comment"
    ),
    "pulls.review_models": "LineComment Review ReviewComment",
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
    "releases.models": "Release ReleaseAsset ReleaseNotes",
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
    "repositories.models": "Actors BranchProtection Label Repository RequiredCheck RequiredReviews",
    "repositories.people": "get_user list_organization_members",
    "repositories.people_models": (
        "Account Collaborator RepositoryInvitation Team TeamMembership User"
    ),
    "repositories.tasks": (
        "archive_repository create_repository create_repository_from_template delete_repository "
        "get_repository list_repositories unarchive_repository update_repository"
    ),
    "repositories.teams": (
        "add_team_member create_team list_team_members list_teams remove_team_member "
        "remove_team_repository set_team_repository"
    ),
    "repositories.topics": "list_topics replace_topics",
    "repository.block": "GitHubRepository",
    "repository.committing": "FileChanges",
    "repository.results": "RepositoryArchive RepositoryClone",
    "repository.tasks": "clone_repository download_archive",
    "search.models": "FoundCode FoundCommit SearchResults",
    "search.tasks": "search_code search_commits search_repositories search_users",
    "webhooks.block": "GitHubWebhook webhook_app",
    "webhooks.code_events": (
        "CommitCommentEvent CreateEvent DeleteEvent DeploymentEvent DeploymentStatusEvent "
        "ForkEvent PushedCommit PushEvent ReleaseEvent RepositoryChangedEvent "
        "RepositoryDispatchEvent StarEvent StatusEvent"
    ),
    "webhooks.discussion_events": (
        "IssueCommentEvent IssuesEvent PullRequestEvent PullRequestReviewCommentEvent "
        "PullRequestReviewEvent"
    ),
    "webhooks.event": "GitHubEvent",
    "webhooks.events": "parse_event",
    "webhooks.receiver": "WebhookApp",
    "webhooks.replay": "ReplayGuard",
    "webhooks.run_events": (
        "CheckRunEvent CheckSuiteEvent InstallationEvent InstallationRepositoriesEvent "
        "PingEvent WorkflowDispatchEvent WorkflowJobEvent WorkflowRunEvent"
    ),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]  # lazy


def __getattr__(name: str) -> object:
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'brickwork_github' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"brickwork_github.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
