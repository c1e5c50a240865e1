"""Conformance of the tasks on issues."""

from brickwork_github.testing.contracts.tasks import GitHubTaskContract
from brickwork_github.testing.server import GitHubServer


class TestCreateIssue(GitHubTaskContract):
    """create_issue."""

    name = "github.create_issue"
    arguments = {"title": "Load failed"}


class TestGetIssue(GitHubTaskContract):
    """get_issue."""

    name = "github.get_issue"
    arguments = {"number": 1347}


class TestUpdateIssue(GitHubTaskContract):
    """update_issue."""

    name = "github.update_issue"
    arguments = {"number": 1347, "milestone": 0}


class TestCloseIssue(GitHubTaskContract):
    """close_issue."""

    name = "github.close_issue"
    arguments = {"number": 1347}


class TestReopenIssue(GitHubTaskContract):
    """reopen_issue."""

    name = "github.reopen_issue"
    arguments = {"number": 1347}


class TestListIssues(GitHubTaskContract):
    """list_issues."""

    name = "github.list_issues"

    def prepare(self, server: GitHubServer) -> None:
        """Answer with an issue and a pull request; the description's example is one."""
        pull_request = server.example("GET /repos/{owner}/{repo}/issues")
        issue = {name: each for name, each in pull_request.items() if name != "pull_request"}
        server.answer("GET /repos/{owner}/{repo}/issues", [issue, pull_request])


class TestSearchIssues(GitHubTaskContract):
    """search_issues."""

    name = "github.search_issues"
    repository = None
    arguments = {"query": "is:open"}


class TestLockIssue(GitHubTaskContract):
    """lock_issue."""

    name = "github.lock_issue"
    arguments = {"number": 1347}


class TestUnlockIssue(GitHubTaskContract):
    """unlock_issue."""

    name = "github.unlock_issue"
    arguments = {"number": 1347}


class TestCreateIssueComment(GitHubTaskContract):
    """create_issue_comment."""

    name = "github.create_issue_comment"
    arguments = {"number": 1347, "body": "Me too"}


class TestListIssueComments(GitHubTaskContract):
    """list_issue_comments."""

    name = "github.list_issue_comments"
    arguments = {"number": 1347}


class TestUpdateIssueComment(GitHubTaskContract):
    """update_issue_comment."""

    name = "github.update_issue_comment"
    arguments = {"comment_id": 42, "body": "Me too"}


class TestDeleteIssueComment(GitHubTaskContract):
    """delete_issue_comment."""

    name = "github.delete_issue_comment"
    arguments = {"comment_id": 42}


class TestAddIssueLabels(GitHubTaskContract):
    """add_issue_labels."""

    name = "github.add_issue_labels"
    arguments = {"number": 1347, "labels": ["bug"]}


class TestSetIssueLabels(GitHubTaskContract):
    """set_issue_labels."""

    name = "github.set_issue_labels"
    arguments = {"number": 1347, "labels": []}


class TestRemoveIssueLabel(GitHubTaskContract):
    """remove_issue_label."""

    name = "github.remove_issue_label"
    arguments = {"number": 1347, "label": "area/core"}


class TestAddIssueAssignees(GitHubTaskContract):
    """add_issue_assignees."""

    name = "github.add_issue_assignees"
    arguments = {"number": 1347, "assignees": ["octocat"]}


class TestRemoveIssueAssignees(GitHubTaskContract):
    """remove_issue_assignees."""

    name = "github.remove_issue_assignees"
    arguments = {"number": 1347, "assignees": ["octocat"]}


class TestCreateMilestone(GitHubTaskContract):
    """create_milestone."""

    name = "github.create_milestone"
    arguments = {"title": "v1.0"}


class TestListMilestones(GitHubTaskContract):
    """list_milestones."""

    name = "github.list_milestones"


class TestCloseMilestone(GitHubTaskContract):
    """close_milestone."""

    name = "github.close_milestone"
    arguments = {"number": 1}
