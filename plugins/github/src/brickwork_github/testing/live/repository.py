"""A repository that lives in a `GitHubServer`: what is created in it is there afterwards."""

import itertools
import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brickwork_github.testing.live.gitdir import Commit, GitDirectory, Person
from brickwork_github.testing.messages import Answer, Asked, problem
from brickwork_github.testing.validation import Json

if TYPE_CHECKING:
    from brickwork_github.testing.server import GitHubServer

LOGIN = "octocat"
"""Who the server's tokens are; the description's examples know no other."""

AUTHOR = Person("Monalisa Octocat", "octocat@github.com", "2026-01-02T03:04:05Z")
"""Who makes commits, unless a request says otherwise."""

_REPOSITORY = "GET /repos/{owner}/{repo}"
_OF_FORKS = {"parent", "source", "organization", "template_repository"}
_UPDATE_HOOK = """#!/bin/sh
for name in {names}; do
  if [ "$1" = "$name" ]; then
    echo "GH006: Protected branch update failed for $1." >&2
    exit 1
  fi
done
"""
_ids = itertools.count(1_000_001)


class Rejected(Exception):
    """A request fails for the state of the repository.

    Args:
        status: The HTTP status.
        message: What GitHub says.
        errors: What it says of the fields, with a 422.
    """

    def __init__(self, status: int, message: str = "Not Found", *errors: Mapping[str, str]) -> None:
        super().__init__(message)
        told = problem(status, message)
        body = {**told.body, "errors": [*errors]} if errors else told.body
        self.answer = Answer(body, status)


class LiveRepository:
    """A repository whose issues, files and the like are there as they were created.

    Attributes:
        full_name: ``owner/name``.
        default_branch: The branch that HEAD is.
        private: Whether git, too, wants a token.
        archived: Whether nothing may be changed.
        git: Its commits.
        settings: Fields of the repository that were changed.
        protected: The branches that `protect` named.
    """

    def __init__(
        self,
        github: "GitHubServer",
        full_name: str,
        folder: Path,
        *,
        default_branch: str = "main",
        private: bool = True,
        archived: bool = False,
    ) -> None:
        self.github = github
        self.full_name = full_name
        self.owner, self.name = full_name.split("/")
        self.default_branch = default_branch
        self.private = private
        self.archived = archived
        self.git = GitDirectory(folder, default_branch)
        self.settings: dict[str, Json] = {}
        self.protected: set[str] = set()
        self.lock = threading.RLock()
        self.numbers = itertools.count(1)
        self._areas: dict[type, Any] = {}

    def commit(
        self,
        files: Mapping[str, str | bytes | None],
        message: str = "Add files",
        *,
        branch: str = "",
    ) -> str:
        """Commit files to a branch, which is made of the default one where it is not there.

        Args:
            files: Paths and contents; None removes a file.
            message: The commit's.
            branch: By default the default branch.

        Returns:
            The commit's id.
        """
        ref = f"refs/heads/{branch or self.default_branch}"
        parent = self.git.resolve(ref) or self.git.resolve(f"refs/heads/{self.default_branch}")
        changes = [
            ("100644", path, None if content is None else self.git.write_blob(_bytes(content)))
            for path, content in files.items()
        ]
        tree = self.git.write_tree(parent, changes)
        sha = self.git.write_commit(tree, [parent] if parent else [], message, self.author())
        self.git.update_ref(ref, sha)
        return sha

    def protect(self, branch: str, *, protected: bool = True) -> None:
        """Let a branch be changed only by an approved pull request; git, too, refuses to push."""
        (self.protected.add if protected else self.protected.discard)(branch)
        hook = self.git.path / "hooks" / "update"
        names = " ".join(f"refs/heads/{name}" for name in sorted(self.protected))
        hook.write_text(_UPDATE_HOOK.format(names=names))
        hook.chmod(0o755)

    def author(self) -> Person:
        """Return who commits now."""
        return Person(AUTHOR.name, AUTHOR.email, self.now())

    def read(self, path: str, ref: str = "HEAD") -> bytes:
        """Return the content of a file. Raises KeyError."""
        tree = self.git.resolve(ref, "tree")
        entry = self.git.entry(tree, path) if tree else None
        if entry is None:
            raise KeyError(path)
        return self.git.blob(entry.sha)

    def area(self, kind: "Callable[[], Any]") -> Any:
        """Return what a part of the API keeps here; made when it is first asked for."""
        with self.lock:
            if kind not in self._areas:
                self._areas[kind] = kind()  # type: ignore[index]  # classes are callable
            return self._areas[kind]  # type: ignore[index]  # as above

    # What answers are made of

    def now(self) -> str:
        """Return the server's time, as GitHub writes it."""
        return f"{datetime.fromtimestamp(self.github.now(), UTC):%Y-%m-%dT%H:%M:%SZ}"

    def new_id(self) -> int:
        """Return an id that nothing else has."""
        return next(_ids)

    def url(self, path: str = "") -> str:
        """Return a URL of the API."""
        return f"https://api.github.com/repos/{self.full_name}{path}"

    def html_url(self, path: str = "") -> str:
        """Return a URL for people."""
        return f"https://github.com/{self.full_name}{path}"

    def example(self, route: str, **changes: Json) -> Any:
        """Return an example of the description, as of this repository, with fields changed."""
        found = self.github.example(route)
        text = json.dumps(found)
        for name in ("octocat/Hello-World", "octocat/hello-world", "octocat/example"):
            text = text.replace(name, self.full_name)
        return {**json.loads(text), **changes}

    def described(self) -> dict[str, Any]:
        """Return the repository, as ``GET /repos/{owner}/{repo}`` does."""
        found = self.example(_REPOSITORY)
        made = {name: value for name, value in found.items() if name not in _OF_FORKS}
        return {
            **made,
            "name": self.name,
            "full_name": self.full_name,
            "owner": self.person(self.owner),
            "private": self.private,
            "visibility": "private" if self.private else "public",
            "archived": self.archived,
            "default_branch": self.default_branch,
            "fork": False,
            "permissions": dict.fromkeys(("admin", "maintain", "push", "triage", "pull"), True),
            **self.settings,
        }

    def person(self, login: str) -> dict[str, Any]:
        """Return somebody, as issues and commits show people."""
        user = self.github.example("GET /repos/{owner}/{repo}/issues/{issue_number}")["user"]
        text = json.dumps(user).replace("octocat", login)
        found: dict[str, Any] = json.loads(text)
        return {**found, "id": 1 if login == LOGIN else 1000 + sum(login.encode())}

    def commit_described(self, commit: Commit) -> dict[str, Any]:
        """Return a commit, as lists of commits show it."""
        made: dict[str, Any] = self.example("GET /repos/{owner}/{repo}/commits")
        return {
            **made,
            "url": self.url(f"/commits/{commit.sha}"),
            "sha": commit.sha,
            "html_url": self.html_url(f"/commit/{commit.sha}"),
            "comments_url": self.url(f"/commits/{commit.sha}/comments"),
            "commit": {
                **made["commit"],
                "url": self.url(f"/git/commits/{commit.sha}"),
                "author": commit.author._asdict(),
                "committer": commit.committer._asdict(),
                "message": commit.message,
                "tree": {"sha": commit.tree, "url": self.url(f"/git/trees/{commit.tree}")},
            },
            "parents": [
                {
                    "sha": parent,
                    "url": self.url(f"/commits/{parent}"),
                    "html_url": self.html_url(f"/commit/{parent}"),
                }
                for parent in commit.parents
            ],
        }


Handler = Callable[[LiveRepository, Asked], Json | Answer]
"""Answers an operation; raises `Rejected`."""


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
