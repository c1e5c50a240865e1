"""Notifiers: what becomes of notifications on GitHub, and that each is there once."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from brickwork import DeliveryStatus, Notification, Receipt, Scope, Secret, Severity, notify
from brickwork.testing.task import no_waiting
from brickwork_github import (
    GitHubCheckNotifier,
    GitHubCommentNotifier,
    GitHubCredentials,
    GitHubIssueNotifier,
    GitHubStatusNotifier,
)
from brickwork_github.testing import GitHubServer
from brickwork_github.testing.faults import (
    cut,
    denied,
    not_found,
    reset,
    secondary_limit,
    server_error,
    slow,
)
from brickwork_github.testing.live import LiveRepository, issues_of, statuses_of
from brickwork_github.testing.live.issues import new_issue
from brickwork_github.testing.live.labels import label_of

REPO = "acme/reports"
LIST = "GET /repos/{owner}/{repo}/issues"
OPEN = "POST /repos/{owner}/{repo}/issues"
CHANGE = "PATCH /repos/{owner}/{repo}/issues/{issue_number}"
COMMENT = "POST /repos/{owner}/{repo}/issues/{issue_number}/comments"
STATUS = "POST /repos/{owner}/{repo}/statuses/{sha}"
CHECK = "POST /repos/{owner}/{repo}/check-runs"

Making = Callable[..., GitHubIssueNotifier]
FAILED = Notification("Load failed", "no such row", Severity.ERROR, dedupe_key="load")
LOADED = Notification("Loaded", "12 rows", Severity.SUCCESS, dedupe_key="load")


@pytest.fixture
def repo(github_server: GitHubServer) -> LiveRepository:
    """Return a repository with a commit."""
    return github_server.repository(REPO, {"README.md": "# Reports\n"})


@pytest.fixture
def issue_notifier(github_credentials: GitHubCredentials, repo: LiveRepository) -> Making:
    """Return what makes a notifier with other options."""
    return lambda **options: GitHubIssueNotifier(
        repository=repo.full_name, credentials=github_credentials, **options
    )


def issues(repo: LiveRepository) -> list[Mapping[str, Any]]:
    """Return the issues, in order."""
    return list(issues_of(repo).found.values())


def comments(repo: LiveRepository) -> list[str]:
    """Return the texts of all comments, in order."""
    return [each["body"] for each in issues_of(repo).comments.values()]


def delivered(receipt: Receipt) -> Receipt:
    """Return a receipt, which must be that of a delivery."""
    assert receipt.delivered, receipt
    return receipt


# Issues


def test_a_problem_has_one_issue(issue_notifier: Making, repo: LiveRepository) -> None:
    """The first notification opens it; the next ones comment on it; another has its own."""
    notifier = issue_notifier(labels=("data",), assignees=("octocat",))
    first = delivered(notifier.send(FAILED))
    second = delivered(notifier.send(FAILED))
    delivered(notifier.send(Notification("Load failed", dedupe_key="export")))
    one, other = issues(repo)
    assert (one["title"], one["comments"], other["comments"]) == ("Load failed", 1, 0)
    assert {label["name"] for label in one["labels"]} == {"brickwork", "data"}
    assert [user["login"] for user in one["assignees"]] == ["octocat"]
    assert first.message_id == one["html_url"]
    assert str(second.message_id).startswith(f"{one['html_url']}#issuecomment-")
    assert "no such row" in one["body"]
    assert "**ERROR** **Load failed**" in comments(repo)[0]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"dedupe_key": "a"}, {"dedupe_key": "a"}, True),
        ({"dedupe_key": "a"}, {"dedupe_key": "b"}, False),
        ({"dedupe_key": "a", "thread_key": "t"}, {"dedupe_key": "b", "thread_key": "t"}, False),
        ({"thread_key": "t"}, {"thread_key": "t"}, True),
        ({"thread_key": "t"}, {"thread_key": "u"}, False),
        ({}, {}, True),
    ],
)
def test_what_is_the_same_is_said_by_its_keys(
    issue_notifier: Making,
    repo: LiveRepository,
    one: dict[str, Any],
    other: dict[str, Any],
    same: bool,
) -> None:
    """The dedupe key, else the thread key, else the title."""
    for keys in (one, other):
        delivered(issue_notifier().send(Notification("Load failed", **keys)))
    assert len(issues(repo)) == (1 if same else 2)


def test_a_key_is_not_shown(issue_notifier: Making, repo: LiveRepository) -> None:
    """The marker has only its digest: more people may read the repository."""
    delivered(issue_notifier().send(Notification("Load failed", dedupe_key="host-7 of a customer")))
    assert "host-7" not in issues(repo)[0]["body"]


def test_an_issue_may_be_updated(issue_notifier: Making, repo: LiveRepository) -> None:
    """Its text is that of the last notification, with a count; its title stays."""
    notifier = issue_notifier(repeat="update")
    delivered(notifier.send(FAILED))
    issues_of(repo).found[1]["title"] = "Load fails each night"
    for n in range(2, 4):
        delivered(notifier.send(Notification("Load failed", f"row {n} lacks", dedupe_key="load")))
    (issue,) = issues(repo)
    assert (issue["title"], issue["comments"]) == ("Load fails each night", 0)
    assert "row 3 lacks" in issue["body"]
    assert "row 2 lacks" not in issue["body"]
    assert "Seen 3 times; this is the last." in issue["body"]


@pytest.mark.parametrize("repeat", ["comment", "update"])
def test_a_problem_that_is_over_closes_its_issue(
    issue_notifier: Making, repo: LiveRepository, repeat: str
) -> None:
    """With a word on that; when it comes back, the issue is opened again."""
    notifier = issue_notifier(close_on_success=True, repeat=repeat)
    delivered(notifier.send(FAILED))
    delivered(notifier.send(LOADED))
    (issue,) = issues(repo)
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
    assert "12 rows" in "\n".join([issue["body"], *comments(repo)])
    delivered(notifier.send(FAILED))
    (issue,) = issues(repo)
    assert (issue["state"], issue["state_reason"]) == ("open", "reopened")


def test_a_success_without_a_problem_is_not_told(
    issue_notifier: Making, repo: LiveRepository
) -> None:
    """Where success closes, no issue is opened for it; a second one has nothing to close."""
    notifier = issue_notifier(close_on_success=True)
    for _ in range(2):
        receipt = notifier.send(LOADED)
        assert (receipt.status, receipt.attempts) == (DeliveryStatus.SKIPPED, 0)
        assert not receipt.failed
        assert "no issue is open" in receipt.detail
    assert not issues(repo)
    delivered(issue_notifier().send(LOADED))
    assert len(issues(repo)) == 1


def test_what_was_closed_may_stay_so(issue_notifier: Making, repo: LiveRepository) -> None:
    """Without reopening, a problem that comes back has a new issue."""
    notifier = issue_notifier(reopen=False, close_on_success=True)
    for notification in (FAILED, LOADED, FAILED, FAILED):
        delivered(notifier.send(notification))
    assert [issue["state"] for issue in issues(repo)] == ["closed", "open"]
    assert [issue["comments"] for issue in issues(repo)] == [1, 1]


def test_an_issue_is_found_among_many(
    github_server: GitHubServer, issue_notifier: Making, repo: LiveRepository
) -> None:
    """On whatever page it is; pull requests and those without the label do not count."""
    notifier = issue_notifier()
    for n in range(120):
        new_issue(repo, f"old {n}", None, labels=[label_of(repo, "brickwork")])
    for title in ("labelled", "bare"):
        delivered(notifier.send(Notification(title)))
    issues_of(repo).found[122]["labels"] = []
    for title in ("labelled", "bare"):
        delivered(notifier.send(Notification(title)))
    assert [each["title"] for each in issues(repo)][120:] == ["labelled", "bare", "bare"]
    assert [each["comments"] for each in issues(repo)][120:] == [1, 0, 0]
    assert {asked.query["labels"] for asked in github_server.asked(LIST)} == {"brickwork"}


@pytest.mark.parametrize(
    ("association", "kind", "trusted"),
    [
        ("OWNER", "User", True),
        ("COLLABORATOR", "User", True),
        ("NONE", "Bot", True),
        ("NONE", "User", False),
        ("CONTRIBUTOR", "User", False),
    ],
)
def test_a_strangers_marker_does_not_count(
    issue_notifier: Making, repo: LiveRepository, association: str, kind: str, trusted: bool
) -> None:
    """Anybody can copy a marker; only what Apps and people of the repository wrote is taken."""
    delivered(issue_notifier().send(FAILED))
    issue = issues_of(repo).found[1]
    issue["author_association"] = association
    issue["user"] = {**issue["user"], "type": kind}
    delivered(issue_notifier().send(FAILED))
    assert len(issues(repo)) == (1 if trusted else 2)


def test_a_marker_in_a_text_is_none(issue_notifier: Making, repo: LiveRepository) -> None:
    """What stands in a notification is text, and leads no other to its issue."""
    delivered(issue_notifier().send(FAILED))
    marker = issues(repo)[0]["body"].partition("\n")[0]
    issues_of(repo).found.clear()
    delivered(issue_notifier().send(Notification("Other", marker, fields={"marker": marker})))
    delivered(issue_notifier().send(FAILED))
    assert [issue["comments"] for issue in issues(repo)] == [0, 0]


def test_nobody_is_mentioned(issue_notifier: Making, repo: LiveRepository) -> None:
    """Names of people, numbers of issues and Markdown in foreign texts are only text."""
    delivered(
        issue_notifier().send(
            Notification(
                "*Load* of @acme/data",
                "@octocat see #1 and GH-2\n# no heading\n<img src=x>",
                fields={"by @octocat": "a|b"},
                links={"of @octocat": "https://x.test/@octocat"},
                tags=frozenset({"@octocat"}),
            )
        )
    )
    body = issues(repo)[0]["body"].partition("-->")[2]
    assert "@o" not in body.replace("<https://x.test/@octocat>", "")
    assert "#1" not in body
    assert "GH-2" not in body
    assert "\\# no heading" in body
    assert "<img" not in body
    assert "a\\|b" in body
    assert "[of @\u200boctocat](<https://x.test/@octocat>)" in body


def test_secrets_do_not_get_to_an_issue(issue_notifier: Making, repo: LiveRepository) -> None:
    """They are hidden before anything is made of them."""
    Secret("a-password-of-the-database")
    delivered(issue_notifier().send(Notification("Failed", "with a-password-of-the-database")))
    assert "password" not in str(issues(repo))


def test_labels_that_are_left_out_are_told(
    github_server: GitHubServer, issue_notifier: Making
) -> None:
    """GitHub drops them in silence where one may not push; such an issue is not found again."""
    github_server.answer(OPEN, github_server.example(OPEN, labels=[]))
    receipt = delivered(issue_notifier().send(FAILED))
    assert "has no label brickwork" in receipt.detail


# What is lost is there once


@pytest.mark.parametrize("fault", [cut(0), server_error(502), reset()])
def test_a_lost_answer_makes_no_second_issue(
    github_server: GitHubServer, issue_notifier: Making, repo: LiveRepository, fault: Any
) -> None:
    """What may have been taken is looked for, and only then sent again."""
    github_server.fail(OPEN, fault)
    with no_waiting():
        receipt = delivered(issue_notifier().send(FAILED))
    assert receipt.attempts == 2
    assert [issue["comments"] for issue in issues(repo)] == [0]


@pytest.mark.parametrize("repeat", ["comment", "update"])
@pytest.mark.parametrize("route", [COMMENT, CHANGE])
def test_a_lost_answer_tells_nothing_twice(
    github_server: GitHubServer,
    issue_notifier: Making,
    repo: LiveRepository,
    repeat: str,
    route: str,
) -> None:
    """Neither a comment, nor a count; and the issue is closed in the end."""
    notifier = issue_notifier(close_on_success=True, repeat=repeat)
    delivered(notifier.send(FAILED))
    github_server.fail(route, cut(0))
    github_server.fail(route, server_error(502))
    with no_waiting():
        delivered(notifier.send(LOADED))
    (issue,) = issues(repo)
    assert issue["state"] == "closed"
    assert len(comments(repo)) == (1 if repeat == "comment" else 0)
    assert ("Seen 2 times" in issue["body"]) == (repeat == "update")


def test_a_rate_limit_in_between_tells_nothing_twice(
    github_server: GitHubServer, issue_notifier: Making, repo: LiveRepository
) -> None:
    """The comment is there already when the issue cannot be closed yet."""
    notifier = issue_notifier(close_on_success=True)
    delivered(notifier.send(FAILED))
    github_server.fail(CHANGE, secondary_limit(retry_after=1))
    delivered(notifier.send(LOADED))
    assert [(issue["state"], issue["comments"]) for issue in issues(repo)] == [("closed", 1)]


def test_an_issue_that_is_open_is_delivered(
    github_server: GitHubServer, issue_notifier: Making, repo: LiveRepository
) -> None:
    """Whatever becomes of the look whether another process was quicker."""
    github_server.fail(LIST, slow(0), times=2)
    github_server.fail(LIST, server_error(502))
    assert delivered(issue_notifier().send(FAILED)).attempts == 1
    assert github_server.faults_left == 0
    assert len(issues(repo)) == 1


def test_an_old_issue_is_not_told_of_a_lost_success(
    github_server: GitHubServer, issue_notifier: Making, repo: LiveRepository
) -> None:
    """Also when it was looked for twice, what is closed already is left alone."""
    notifier = issue_notifier(close_on_success=True)
    for notification in (FAILED, LOADED):
        delivered(notifier.send(notification))
    github_server.fail(LIST, reset())
    with no_waiting():
        assert notifier.send(LOADED).status is DeliveryStatus.SKIPPED
    assert len(comments(repo)) == 1


def test_threads_share_an_issue(issue_notifier: Making, repo: LiveRepository) -> None:
    """When many tasks fail for one reason at once, there is one issue."""
    notifier = issue_notifier()
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda _: notifier.send(FAILED), range(8)))
    assert all(receipt.delivered for receipt in receipts)
    assert [issue["comments"] for issue in issues(repo)] == [7]


@pytest.mark.parametrize("repeat", ["comment", "update"])
def test_a_process_yields_to_a_quicker_one(
    github_server: GitHubServer, issue_notifier: Making, repo: LiveRepository, repeat: str
) -> None:
    """Who finds an older issue after opening one, closes the own, and tells it on the other."""
    delivered(issue_notifier(repeat=repeat).send(FAILED))
    github_server.answer(LIST, [], times=2)  # it was not there yet when the other one looked
    receipt = delivered(issue_notifier(repeat=repeat).send(FAILED))
    one, other = issues(repo)
    assert (one["state"], other["state"], other["state_reason"]) == ("open", "closed", "duplicate")
    assert (one["comments"] == 1) == (repeat == "comment")
    assert ("Seen 2 times" in one["body"]) == (repeat == "update")
    assert "#2 was closed" in receipt.detail
    delivered(issue_notifier(repeat=repeat).send(FAILED))
    assert len(issues(repo)) == 2


def test_a_rate_limit_is_waited_out(
    github_server: GitHubServer, issue_notifier: Making, repo: LiveRepository
) -> None:
    """Wherever it comes, as long as it asks for; if that is too long, the receipt says so."""
    github_server.fail(LIST, secondary_limit(retry_after=1))
    receipt = delivered(issue_notifier(retry_seconds=60).send(FAILED))
    assert receipt.attempts == 2
    assert receipt.seconds >= 1
    github_server.fail(LIST, secondary_limit(retry_after=900))
    receipt = issue_notifier(retry_seconds=60).send(FAILED)
    assert (receipt.status, receipt.attempts) == (DeliveryStatus.FAILED, 1)
    assert "900 s" in receipt.detail


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (not_found(), 404, "Check the names"),
        (denied("issues=write"), 403, "permission issues=write"),
    ],
)
def test_a_refusal_is_told(
    github_server: GitHubServer, issue_notifier: Making, fault: Any, status: int, words: str
) -> None:
    """Once, with what to do."""
    github_server.fail(OPEN, fault)
    receipt = issue_notifier().send(FAILED)
    assert (receipt.status, receipt.attempts) == (DeliveryStatus.REFUSED, 1)
    assert receipt.http_status == status
    assert words in receipt.detail


def test_a_cancelled_task_waits_for_no_other(issue_notifier: Making) -> None:
    """It neither waits for another thread's issue, nor sends."""
    with Scope("load") as scope:
        scope.cancel()
        receipt = issue_notifier().send(FAILED)
    assert receipt.attempts == 1


# Comments


def test_a_comment_is_changed(github_credentials: GitHubCredentials, repo: LiveRepository) -> None:
    """What is about the same is one comment, with a count; what is not, is another."""
    new_issue(repo, "Migration", None)
    notifier = GitHubCommentNotifier(repository=REPO, number=1, credentials=github_credentials)
    for text in ("one half", "all of it"):
        receipt = delivered(notifier.send(Notification("Copied", text)))
    delivered(notifier.send(Notification("Verified")))
    one, other = comments(repo)
    assert "all of it" in one
    assert "Seen 2 times" in one
    assert "Verified" in other
    assert str(receipt.message_id).startswith(f"https://github.com/{REPO}/issues/1#issuecomment-")


def test_comments_may_follow_each_other(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """One for each notification, also when an answer is lost."""
    new_issue(repo, "Migration", None)
    notifier = GitHubCommentNotifier(
        repository=REPO, number=1, credentials=github_credentials, repeat="comment"
    )
    delivered(notifier.send(Notification("Copied")))
    github_server.fail(COMMENT, cut(0))
    with no_waiting():
        delivered(notifier.send(Notification("Copied")))
    assert len(comments(repo)) == 2


def test_a_comment_is_found_on_any_page(
    github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """Though GitHub lists the oldest first."""
    new_issue(repo, "Migration", None)
    notifier = GitHubCommentNotifier(repository=REPO, number=1, credentials=github_credentials)
    delivered(notifier.send(Notification("first")))
    kept = issues_of(repo).comments
    (first,) = kept.values()
    kept.clear()
    kept.update({n: {**first, "id": n, "body": "+1"} for n in range(120)})
    kept[first["id"]] = first
    delivered(notifier.send(Notification("first")))
    assert len(comments(repo)) == 121
    assert "Seen 2 times" in comments(repo)[-1]


# Commits


@pytest.mark.parametrize(
    ("severity", "state", "conclusion"),
    [
        (Severity.INFO, "success", "neutral"),
        (Severity.SUCCESS, "success", "success"),
        (Severity.WARNING, "success", "neutral"),
        (Severity.ERROR, "failure", "failure"),
        (Severity.CRITICAL, "error", "failure"),
    ],
)
def test_a_commit_says_how_it_went(
    github_credentials: GitHubCredentials,
    repo: LiveRepository,
    severity: Severity,
    state: str,
    conclusion: str,
) -> None:
    """By a status, in short, and by a check, at length."""
    where: dict[str, Any] = {"repository": REPO, "credentials": github_credentials, "ref": "main"}
    notification = Notification(
        "Load", "of May\nof June", severity, {"rows": "12"}, "https://x.test/1"
    )
    status = GitHubStatusNotifier(**where, context="nightly")
    check = GitHubCheckNotifier(**where, name="nightly")
    for each in (status, check):
        delivered(each.send(notification))
    (said,) = statuses_of(repo).statuses[repo.git.resolve("main") or ""]
    assert (said["state"], said["context"], said["target_url"]) == (
        state,
        "nightly",
        "https://x.test/1",
    )
    assert said["description"] == f"[{severity.upper()}] Load; of May; of June; rows: 12"
    (run,) = statuses_of(repo).checks.values()
    assert (run["name"], run["conclusion"], run["details_url"]) == (
        "nightly",
        conclusion,
        "https://x.test/1",
    )
    assert run["output"]["title"] == "Load"
    assert "| rows | 12 |" in run["output"]["summary"]


def test_a_check_is_changed(github_credentials: GitHubCredentials, repo: LiveRepository) -> None:
    """What is about the same is one check of the commit."""
    notifier = GitHubCheckNotifier(repository=REPO, ref="main", credentials=github_credentials)
    for notification in (FAILED, LOADED, Notification("Other")):
        delivered(notifier.send(notification))
    one, other = statuses_of(repo).checks.values()
    assert (one["conclusion"], other["conclusion"]) == ("success", "neutral")
    assert "12 rows" in one["output"]["summary"]


def test_a_lost_answer_makes_no_second_check(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """It is found by its key."""
    github_server.fail(CHECK, cut(0))
    notifier = GitHubCheckNotifier(repository=REPO, ref="main", credentials=github_credentials)
    with no_waiting():
        delivered(notifier.send(FAILED))
    assert len(statuses_of(repo).checks) == 1


def test_the_commit_of_a_workflow_is_known(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    repo: LiveRepository,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a ref it is that of GITHUB_SHA; without that, the receipt says what lacks."""
    notifier = GitHubStatusNotifier(repository=REPO, credentials=github_credentials)
    monkeypatch.delenv("GITHUB_SHA", raising=False)
    receipt = notifier.send(FAILED)
    assert receipt.status is DeliveryStatus.FAILED
    assert "Give ref, or set GITHUB_SHA" in receipt.detail
    sha = repo.git.resolve("main") or ""
    monkeypatch.setenv("GITHUB_SHA", sha)
    delivered(notifier.send(FAILED))
    assert [asked.path["sha"] for asked in github_server.requests if "sha" in asked.path] == [sha]


@pytest.mark.parametrize("text", ["x" * 500, "\u00e9\n" * 300, "a \u202e b \x00 " * 40])
def test_a_status_is_never_too_long(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    repo: LiveRepository,
    text: str,
) -> None:
    """It is cut to what GitHub takes, and says how much is left out."""
    notifier = GitHubStatusNotifier(
        repository=repo.full_name, ref="main", credentials=github_credentials
    )
    notification = Notification(text, text, tags=frozenset({text}), fields={text: text})
    delivered(notifier.send(notification))
    said = github_server.asked(STATUS)[0].body["description"]
    assert len(said) <= 140
    assert "more characters" in said


# Looking, and being found


def test_a_check_of_a_notifier_looks_at_all_it_needs(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """The repository, its issues, the issue to comment on, the commit; an archive is refused."""
    where: dict[str, Any] = {"repository": REPO, "credentials": github_credentials}
    new_issue(repo, "Migration", None)["locked"] = True
    found = GitHubCommentNotifier(**where, number=1).check()
    assert [each.status for each in found.findings] == ["ok", "warning", "skipped"]
    assert not GitHubCommentNotifier(**where, number=9).check().ok
    assert GitHubStatusNotifier(**where, ref="main").check().ok
    assert not GitHubStatusNotifier(**where, ref="gone").check().ok
    assert "a person's token" in str(GitHubCheckNotifier(**where, ref="main").check())
    assert GitHubIssueNotifier(**where).check().ok
    repo.settings["has_issues"] = False
    assert "no issues" in str(GitHubIssueNotifier(**where).check())
    repo.archived = True
    assert "archived" in str(GitHubStatusNotifier(**where, ref="main").check())


def test_a_saved_notifier_is_a_target(issue_notifier: Making, repo: LiveRepository) -> None:
    """By its address, as any other; its receipt names it so."""
    issue_notifier().save("incidents")
    (receipt,) = notify("github-issue-notifier/incidents", title="Load failed")
    assert (delivered(receipt).target, len(issues(repo))) == ("github-issue-notifier/incidents", 1)
