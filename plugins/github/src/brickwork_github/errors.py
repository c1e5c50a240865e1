"""What can go wrong with GitHub: one branch of Brickwork's tree.

::

    BrickworkError
    └── GitHubError              a request failed
        ├── GitHubNotFound       what it is about is not there, or may not be seen
        ├── GitHubDenied         these credentials may not do it
        ├── GitHubConflict       what is there is in a state that does not fit
        │   └── GitHubNotMergeable   a pull request cannot be merged
        ├── GitHubInvalid        GitHub does not take what was sent
        ├── GitHubRateLimited    too much was asked, and there is no time to wait
        ├── GitError             the command git failed, or lacks
        ├── GitHubUnavailable    no answer, or GitHub itself failed, also when asked again
        ├── GitHubRunFailed      a workflow run has ended, and not well
        ├── GitHubTimeout        what was waited for did not come in time
        └── GitHubWebhookRefused a delivery is not from GitHub, or not what GitHub sends
"""

from brickwork import BrickworkError, RequestRefused


class GitHubError(BrickworkError):
    """A request failed.

    Attributes:
        request: The method and the path: ``POST /repos/acme/api/issues``.
        status: The HTTP status; 0 where no answer came.
        request_id: The id that GitHub's support asks for; empty where no answer came.
        documentation_url: The page that GitHub names; empty where it names none.
    """

    request: str = ""
    status: int = 0
    request_id: str = ""
    documentation_url: str = ""


class GitHubNotFound(GitHubError, LookupError):
    """What a request is about is not there.

    GitHub says so as well of what these credentials may not see.
    """

    exit_code = 4


class GitHubDenied(GitHubError, PermissionError):
    """These credentials may not do it.

    Attributes:
        permissions: What a fine-grained token or an App needs, as GitHub says it, for example
            ``issues=write``; empty where it does not.
        sso_url: Where to authorize a classic token for an organization with single sign-on; empty
            where that is not the matter.
    """

    exit_code = 7
    permissions: str = ""
    sso_url: str = ""


class GitHubConflict(GitHubError):
    """What is there is in a state that does not fit: it cannot be merged, it was changed."""

    exit_code = 5


class GitHubNotMergeable(GitHubConflict):
    """A pull request cannot be merged, as it is now.

    Attributes:
        reason: Why: ``merged``, ``closed``, ``draft``, ``head_moved``, ``conflict``, ``behind``,
            ``blocked`` (checks or reviews lack), or ``refused`` for anything else.
    """

    reason: str = "refused"


class GitHubInvalid(GitHubError, ValueError):
    """GitHub does not take what was sent.

    Attributes:
        fields: What is wrong, as ``title: missing_field``; empty where GitHub says it in words.
    """

    exit_code = 2
    fields: tuple[str, ...] = ()


class GitHubRateLimited(GitHubError):
    """Too much was asked, and the task has no time to wait.

    Attributes:
        retry_after_seconds: How long to wait.
    """

    exit_code = 8
    retry_after_seconds: float = 0.0


class GitError(GitHubError):
    """The command git failed, lacks, or is too old."""

    exit_code = 8


class GitHubUnavailable(GitHubError):
    """No answer came, or GitHub itself failed, also when asked again."""

    exit_code = 8


class GitHubRunFailed(GitHubError):
    """A workflow run has ended, and not well.

    Attributes:
        conclusion: What GitHub calls how it ended, ``failure`` or ``cancelled``.
        url: Where to look at it.
        run_id: The run's id.
        jobs: The jobs that failed, each with its steps, for people.
        log: The ends of their logs, masked.
    """

    conclusion: str = ""
    url: str = ""
    run_id: int = 0
    jobs: tuple[str, ...] = ()
    log: tuple[str, ...] = ()


class GitHubTimeout(GitHubError, TimeoutError):
    """What was waited for did not come in time."""


class GitHubWebhookRefused(GitHubError, RequestRefused):
    """A webhook's delivery is not from GitHub, or not what GitHub sends.

    Attributes:
        status: The HTTP status to answer it with.
    """
