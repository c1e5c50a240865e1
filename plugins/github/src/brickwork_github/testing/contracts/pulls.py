"""Conformance of the tasks on pull requests."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from brickwork_github.pulls.review_models import LineComment
from brickwork_github.testing.contracts.tasks import GitHubTaskContract
from brickwork_github.testing.graphql import ROUTE as GRAPHQL
from brickwork_github.testing.messages import Asked
from brickwork_github.testing.server import GitHubServer

_PULL = "/repos/{owner}/{repo}/pulls/{pull_number}"


class TestCreatePullRequest(GitHubTaskContract):
    """create_pull_request."""

    name = "github.create_pull_request"
    arguments = {"title": "Amazing new feature", "head": "new-topic"}


class TestGetPullRequest(GitHubTaskContract):
    """get_pull_request."""

    name = "github.get_pull_request"
    arguments = {"number": 1347}


class TestGetPullRequestDiff(GitHubTaskContract):
    """get_pull_request_diff."""

    name = "github.get_pull_request_diff"
    arguments = {"number": 1347}

    def prepare(self, server: GitHubServer) -> None:
        """Answer with a difference, of which the description has no example."""
        diff = b"diff --git a/README.md b/README.md\n--- a/README.md\n+++ b/README.md\n"
        server.answer(f"GET {_PULL}", lambda _asked: diff)


class TestUpdatePullRequest(GitHubTaskContract):
    """update_pull_request."""

    name = "github.update_pull_request"
    arguments = {"number": 1347, "body": "Please pull these"}


class TestClosePullRequest(GitHubTaskContract):
    """close_pull_request."""

    name = "github.close_pull_request"
    arguments = {"number": 1347}


class TestListPullRequests(GitHubTaskContract):
    """list_pull_requests."""

    name = "github.list_pull_requests"


class TestListPullRequestsOfCommit(GitHubTaskContract):
    """list_pull_requests_of_commit."""

    name = "github.list_pull_requests_of_commit"
    arguments = {"sha": "6dcb09b5b57875f334f61aebed695e2e4193db5e"}


class TestListPullRequestFiles(GitHubTaskContract):
    """list_pull_request_files."""

    name = "github.list_pull_request_files"
    arguments = {"number": 1347}


class TestListPullRequestCommits(GitHubTaskContract):
    """list_pull_request_commits."""

    name = "github.list_pull_request_commits"
    arguments = {"number": 1347}


class TestMergePullRequest(GitHubTaskContract):
    """merge_pull_request."""

    name = "github.merge_pull_request"
    arguments = {"number": 1347}


class TestIsPullRequestMerged(GitHubTaskContract):
    """is_pull_request_merged."""

    name = "github.is_pull_request_merged"
    arguments = {"number": 1347}


class TestWaitUntilMergeable(GitHubTaskContract):
    """wait_until_mergeable."""

    name = "github.wait_until_mergeable"
    arguments = {"number": 1347}

    def prepare(self, server: GitHubServer) -> None:
        """Answer that all is well with 1347, and that checks of others run."""

        def pull(asked: Asked) -> Any:
            state = "clean" if asked.path["pull_number"] == "1347" else "blocked"
            return server.example(f"GET {_PULL}", mergeable_state=state)

        server.answer(f"GET {_PULL}", pull)

    @pytest.fixture
    def slow_call(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return arguments of one whose checks do not end."""
        return {**call, "number": 7}


class TestUpdatePullRequestBranch(GitHubTaskContract):
    """update_pull_request_branch."""

    name = "github.update_pull_request_branch"
    arguments = {"number": 1347}


class _MutationContract(GitHubTaskContract):
    """A task whose mutation is answered."""

    arguments = {"number": 1347}
    before: ClassVar[Mapping[str, Any]] = {}
    after: ClassVar[Mapping[str, Any]] = {}

    def prepare(self, server: GitHubServer) -> None:
        """Answer how the pull request is before the mutation, and after it."""
        server.answer(f"GET {_PULL}", server.example(f"GET {_PULL}", **self.before))
        after = {"isDraft": False, "autoMergeRequest": None, **self.after}
        server.answer(GRAPHQL, {"data": {"changed": {"pullRequest": after}}})


class TestEnableAutoMerge(_MutationContract):
    """enable_auto_merge."""

    name = "github.enable_auto_merge"
    after = {"autoMergeRequest": {"mergeMethod": "SQUASH"}}


class TestDisableAutoMerge(_MutationContract):
    """disable_auto_merge."""

    name = "github.disable_auto_merge"
    before = {"auto_merge": None}


class TestMarkReadyForReview(_MutationContract):
    """mark_ready_for_review."""

    name = "github.mark_ready_for_review"
    before = {"draft": True}


class TestConvertToDraft(_MutationContract):
    """convert_to_draft."""

    name = "github.convert_to_draft"
    after = {"isDraft": True}


class TestListReviews(GitHubTaskContract):
    """list_reviews."""

    name = "github.list_reviews"
    arguments = {"number": 1347}


class TestCreateReview(GitHubTaskContract):
    """create_review."""

    name = "github.create_review"
    arguments = {"number": 1347, "body": "Please", "comments": [LineComment("a.py", 2, "Why?")]}

    @pytest.fixture
    def example_names(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what the example uses."""
        return {**call, "LineComment": LineComment}


class TestSubmitReview(GitHubTaskContract):
    """submit_review."""

    name = "github.submit_review"
    arguments = {"number": 1347, "review_id": 80, "event": "APPROVE"}

    def prepare(self, server: GitHubServer) -> None:
        """Answer that it is approved."""
        route = f"POST {_PULL}/reviews/{{review_id}}/events"
        server.answer(route, server.example(route, state="APPROVED"))


class TestDismissReview(GitHubTaskContract):
    """dismiss_review."""

    name = "github.dismiss_review"
    arguments = {"number": 1347, "review_id": 80, "message": "Fixed since"}


class TestRequestReviewers(GitHubTaskContract):
    """request_reviewers."""

    name = "github.request_reviewers"
    arguments = {"number": 1347, "reviewers": ["octocat"]}


class TestRemoveReviewers(GitHubTaskContract):
    """remove_reviewers."""

    name = "github.remove_reviewers"
    arguments = {"number": 1347, "team_reviewers": ["justice-league"]}


class TestListReviewComments(GitHubTaskContract):
    """list_review_comments."""

    name = "github.list_review_comments"
    arguments = {"number": 1347}


class TestCreateReviewComment(GitHubTaskContract):
    """create_review_comment."""

    name = "github.create_review_comment"
    arguments = {"number": 1347, "body": "Great stuff!", "path": "file1.txt"}


class TestReplyToReviewComment(GitHubTaskContract):
    """reply_to_review_comment."""

    name = "github.reply_to_review_comment"
    arguments = {"number": 1347, "comment_id": 8, "body": "Great stuff!"}

    def prepare(self, server: GitHubServer) -> None:
        """Answer with what is an answer."""
        route = f"POST {_PULL}/comments/{{comment_id}}/replies"
        server.answer(route, server.example(route, in_reply_to_id=8))


class TestUpdateReviewComment(GitHubTaskContract):
    """update_review_comment."""

    name = "github.update_review_comment"
    arguments = {"comment_id": 10, "body": "Great stuff!"}


class TestDeleteReviewComment(GitHubTaskContract):
    """delete_review_comment."""

    name = "github.delete_review_comment"
    arguments = {"comment_id": 10}
