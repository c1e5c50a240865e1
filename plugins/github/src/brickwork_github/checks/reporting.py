"""Tells GitHub that work has begun, and how it ended, also if it failed or was stopped.

::

    with check_run(credentials, "acme/reports", "nightly load", sha) as check:
        rows = load()
        check.summary = f"Loaded {rows} rows."
"""

from brickwork_github.checks.deployments import create_deployment, create_deployment_status
from brickwork_github.checks.models import (
    AnnotationLevel,
    CheckAnnotation,
    CheckConclusion,
    CheckRun,
    CommitState,
    Deployment,
    DeploymentState,
)
from brickwork_github.checks.reported import Outcome, Reported, short
from brickwork_github.checks.runs import create_check_run, update_check_run
from brickwork_github.checks.statuses import create_commit_status
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.markdown import fenced

_MOST_ERROR = 20_000


class RunningCheck(Reported):
    """A check run that is in progress; made by `check_run`.

    Attributes:
        run: What GitHub said of it last.
        title: Of its output.
        summary: Of its output, in Markdown.
        text: More of it, likewise.
        conclusion: How it ends if nothing fails: ``success``, or another one that you set.
    """

    run: CheckRun

    def __init__(
        self,
        credentials: GitHubCredentials,
        repository: str,
        name: str,
        head_sha: str,
        *,
        title: str | None,
        summary: str | None,
        details_url: str | None,
        external_id: str | None,
    ) -> None:
        self._credentials, self._repository = credentials, repository
        self._name, self._head_sha = name, head_sha
        self._details_url, self._external_id = details_url, external_id
        self._annotations: list[CheckAnnotation] = []
        self.title, self.summary, self.text = title, summary, None
        self.conclusion: CheckConclusion = "success"

    title: str | None
    summary: str | None
    text: str | None

    def begin(self) -> None:
        """See `Reported`."""
        self.run = create_check_run.fn(
            self._credentials,
            self._repository,
            self._name,
            self._head_sha,
            title=self.title,
            summary=self.summary,
            details_url=self._details_url,
            external_id=self._external_id,
        )

    def annotate(
        self,
        path: str,
        start_line: int,
        message: str,
        *,
        level: AnnotationLevel = "warning",
        end_line: int | None = None,
        title: str | None = None,
    ) -> None:
        """Remark something on lines of a file; sent with `update`, or at the end.

        Args:
            path: The file, from the root of the repository.
            start_line: The first line, from 1.
            message: The remark.
            level: ``notice``, ``warning`` or ``failure``.
            end_line: The last line; None: the first one.
            title: Of the remark.
        """
        self._annotations.append(
            CheckAnnotation(path, start_line, message, level, end_line, title=title)
        )

    def update(self) -> None:
        """Say what is known by now: title, summary, text and annotations.

        Raises:
            GitHubError: It was not said.
        """
        self._say(None, self.summary)

    def end(self, outcome: Outcome, problem: str) -> None:
        """See `Reported`."""
        if outcome == "success":
            self._say(self.conclusion, self.summary)
            return
        told = fenced(problem, _MOST_ERROR)
        self._say(outcome, f"{self.summary}\n\n{told}" if self.summary else told)

    def _say(self, conclusion: CheckConclusion | None, summary: str | None) -> None:
        new, self._annotations = self._annotations, []
        if summary is None and (new or self.text is not None):
            summary = f"{self.run.annotations + len(new)} annotations."
        self.run = update_check_run.fn(
            self._credentials,
            self._repository,
            self.run.id,
            conclusion=conclusion,
            title=None if summary is None else (self.title or self._name),
            summary=summary,
            text=self.text,
            annotations=new,
        )


def check_run(
    credentials: GitHubCredentials,
    repository: str,
    name: str,
    head_sha: str,
    *,
    title: str | None = None,
    summary: str | None = None,
    details_url: str | None = None,
    external_id: str | None = None,
) -> RunningCheck:
    """Show work as a check of a commit: in progress on enter, concluded on leave.

    It ends as ``success`` or as the ``conclusion`` that you set; as ``failure`` with the error,
    masked, if one is raised; as ``timed_out`` when the time of the task around is up; as
    ``cancelled`` when the task was cancelled, or by Ctrl-C. When that cannot be said, the error of
    the work is raised all the same, with a note. Only a GitHub App may create checks.

    Args:
        credentials: Whose: an App's.
        repository: ``owner/name``.
        name: What is checked.
        head_sha: The whole id of the commit.
        title: Of its output; by default the name.
        summary: Of its output, in Markdown.
        details_url: Where more is said.
        external_id: What to call it.

    Returns:
        A context manager, also an asynchronous one, which gives itself.

    Raises:
        GitHubError: On enter: it was not begun. On leave: the work is done, and that was not said.

    Examples:
        >>> sha = "ce587453ced02b1526dfb4cb910479d431683101"
        >>> with check_run(credentials, repository, "lint", sha) as check:
        ...     check.annotate("README.md", 2, "Spelling: banaas")
        ...     check.conclusion = "neutral"
        >>> check.run.conclusion
        'neutral'
    """
    return RunningCheck(
        credentials,
        repository,
        name,
        head_sha,
        title=title,
        summary=summary,
        details_url=details_url,
        external_id=external_id,
    )


class RunningStatus(Reported):
    """A commit status that is pending; made by `commit_status`.

    Attributes:
        description: What is said of it at the end, in 140 characters.
        target_url: Where to read more.
    """

    def __init__(
        self,
        credentials: GitHubCredentials,
        repository: str,
        sha: str,
        context: str,
        description: str | None,
        target_url: str | None,
    ) -> None:
        self._where = (credentials, repository, sha)
        self._context = context
        self.description, self.target_url = description, target_url

    def begin(self) -> None:
        """See `Reported`."""
        self._say("pending", self.description)

    def end(self, outcome: Outcome, problem: str) -> None:
        """See `Reported`."""
        states: dict[Outcome, CommitState] = {"success": "success", "failure": "failure"}
        self._say(states.get(outcome, "error"), problem or self.description)

    def _say(self, state: CommitState, text: str | None) -> None:
        create_commit_status.fn(
            *self._where,
            state,
            context=self._context,
            description=None if text is None else short(text),
            target_url=self.target_url,
        )


def commit_status(
    credentials: GitHubCredentials,
    repository: str,
    sha: str,
    *,
    context: str = "default",
    description: str | None = None,
    target_url: str | None = None,
) -> RunningStatus:
    """Show work as a status of a commit: pending on enter, and how it ended on leave.

    That is ``success``; ``failure`` if an error is raised, which is the description then, masked;
    ``error`` when the time of the task around is up, when it was cancelled, or by Ctrl-C. When that
    cannot be said, the error of the work is raised all the same, with a note.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        sha: The whole id of the commit.
        context: Who says it.
        description: In some words; cut to 140 characters.
        target_url: Where to read more.

    Returns:
        A context manager, also an asynchronous one, which gives itself.

    Raises:
        GitHubError: On enter: it was not said. On leave: the work is done, and that was not said.

    Examples:
        >>> sha = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
        >>> with commit_status(credentials, repository, sha, context="load") as status:
        ...     status.description = "Loaded 12,000 rows."
    """
    return RunningStatus(credentials, repository, sha, context, description, target_url)


class RunningDeployment(Reported):
    """A deployment that is in progress; made by `deployment`.

    Attributes:
        deployment: The deployment.
        description: What is said of it at the end, in 140 characters.
        environment_url: Where what was deployed can be seen.
        log_url: Where the log can be read.
    """

    deployment: Deployment

    def __init__(
        self,
        credentials: GitHubCredentials,
        repository: str,
        ref: str,
        *,
        environment: str,
        description: str | None,
        required_contexts: list[str] | None,
        environment_url: str | None,
        log_url: str | None,
    ) -> None:
        self._credentials, self._repository, self._ref = credentials, repository, ref
        self._environment, self._required = environment, required_contexts
        self.description = description
        self.environment_url, self.log_url = environment_url, log_url

    def begin(self) -> None:
        """See `Reported`."""
        self.deployment = create_deployment.fn(
            self._credentials,
            self._repository,
            self._ref,
            environment=self._environment,
            description=self.description,
            required_contexts=self._required,
        )
        self._say("in_progress", self.description)

    def end(self, outcome: Outcome, problem: str) -> None:
        """See `Reported`."""
        states: dict[Outcome, DeploymentState] = {"success": "success", "failure": "failure"}
        self._say(states.get(outcome, "error"), problem or self.description)

    def _say(self, state: DeploymentState, text: str | None) -> None:
        create_deployment_status.fn(
            self._credentials,
            self._repository,
            self.deployment.id,
            state,
            description=None if text is None else short(text),
            environment_url=self.environment_url,
            log_url=self.log_url,
        )


def deployment(
    credentials: GitHubCredentials,
    repository: str,
    ref: str,
    *,
    environment: str = "production",
    description: str | None = None,
    required_contexts: list[str] | None = None,
    environment_url: str | None = None,
    log_url: str | None = None,
) -> RunningDeployment:
    """Show work as a deployment: in progress on enter, and how it ended on leave.

    That is ``success``, ``failure`` or ``error``, as of `commit_status`.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        ref: The branch, tag or commit.
        environment: Where to.
        description: In some words.
        required_contexts: As of `create_deployment`.
        environment_url: Where what was deployed can be seen.
        log_url: Where the log can be read.

    Returns:
        A context manager, also an asynchronous one, which gives itself.

    Raises:
        GitHubError: On enter: it was not begun. On leave: the work is done, and that was not said.

    Examples:
        >>> with deployment(credentials, repository, "main", environment="staging") as running:
        ...     running.environment_url = "https://staging.example.com"
        >>> running.deployment.id
        1
    """
    return RunningDeployment(
        credentials,
        repository,
        ref,
        environment=environment,
        description=description,
        required_contexts=required_contexts,
        environment_url=environment_url,
        log_url=log_url,
    )
