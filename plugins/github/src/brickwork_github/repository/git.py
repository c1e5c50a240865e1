"""Runs git: with settings of its own, and a token that only GitHub gets to see.

Git asks for a password by a credential helper, which is set for the one host alone and reads from a
pipe. So the token stands in no argument, no environment and no file, and neither another host nor a
hook or filter is given it. The settings of the user and of the machine do not count.
"""

import os
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from brickwork import mask
from brickwork_github.clients import web_url as web_url
from brickwork_github.errors import GitError, GitHubDenied, GitHubNotFound, GitHubUnavailable
from brickwork_github.repository.process import run_command
from brickwork_github.repository.token_pipe import TokenPipe

if TYPE_CHECKING:
    from brickwork_github.credentials import GitHubCredentials

OLDEST = (2, 31)
"""The first git that takes settings from its environment, on which all guards depend."""

_KEPT = ("PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_STALLED_SECONDS = 60
_INSTALL = "Install git: apt install git, brew install git, or https://git-scm.com/downloads."

_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.askPass": "",
    "core.sshCommand": "false",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "credential.helper": "",  # none of those before
    "credential.interactive": "false",
    "advice.detachedHead": "false",
    "init.defaultBranch": "main",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "fetch.recurseSubmodules": "false",
    "fetch.parallel": "1",
    "submodule.fetchJobs": "1",  # the token's pipe serves one at a time
    "http.followRedirects": "initial",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": str(_STALLED_SECONDS),
}

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_MISSING = re.compile(r"repository .*not found|returned error: 404|Repository not found")
_REFUSED = re.compile(
    r"Authentication failed|could not read (?:Username|Password)|returned error: 40[13]"
    r"|terminal prompts disabled|unable to get password|Permission to .* denied|archived"
)
_AWAY = re.compile(
    r"Could not resolve|Failed to connect|Connection (?:refused|reset|timed out)|early EOF"
    r"|RPC failed|unexpected disconnect|returned error: (?:429|5\d\d)|Operation too slow|hung up"
    r"|Recv failure|Empty reply|Couldn't connect|SSL_ERROR_SYSCALL"
)


def check_git() -> None:
    """Make sure of a git that is new enough.

    Raises:
        GitError: There is none, or too old a one.
    """
    found = _version(os.environ.get("PATH"))
    if found is None:
        raise GitError("The command git is not installed, or not on PATH.", fix=_INSTALL)
    if found < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise GitError(
            f"git is of version {'.'.join(map(str, found))}; {needed} is the oldest that will do.",
            fix=_INSTALL,
        )


@cache
def _version(path: str | None) -> tuple[int, ...] | None:
    """Return the version of the git that a PATH leads to."""
    import subprocess

    environment = {"LC_ALL": "C"} if path is None else {"LC_ALL": "C", "PATH": path}
    try:
        done = subprocess.run(
            ["git", "version"],  # noqa: S607  # whichever git the machine has
            env=environment,
            capture_output=True,
            check=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    numbers = re.search(rb"(\d+)\.(\d+)", done.stdout)
    return None if numbers is None else (int(numbers[1]), int(numbers[2]))


class Git:
    """Git, for some commands on the repositories of one host; a context manager.

    Args:
        credentials: Whose token the host gets, and how to connect.
        anonymous: Give no token.

    Raises:
        GitError: Git is not installed, or too old.
        BlockError: The credentials have no token.
        GitHubError: GitHub gives an App no token.
    """

    def __init__(self, credentials: "GitHubCredentials", *, anonymous: bool = False) -> None:
        check_git()
        self._credentials, self._host_url = credentials, web_url(credentials)
        self._pipe = None if anonymous else TokenPipe(credentials)

    def __enter__(self) -> Self:
        from tempfile import TemporaryDirectory

        self._folder = TemporaryDirectory(prefix="brickwork-git-")
        helper = None if self._pipe is None else self._pipe.open(Path(self._folder.name))
        self._environment = self._made_environment(helper, self._folder.name)
        return self

    def __exit__(self, *_: object) -> None:
        if self._pipe is not None:
            self._pipe.close()
        self._folder.cleanup()

    def url_of(self, repository: str) -> str:
        """Return where git finds a repository, ``owner/name``."""
        return f"{self._host_url}/{repository}.git"

    def run(self, *arguments: str, cwd: str, data: bytes = b"") -> str:
        """Run a command, report its progress, and return what it prints.

        Args:
            arguments: The command, and what belongs to it.
            cwd: Where.
            data: What it reads.

        Raises:
            GitError: It failed, for no reason that another class stands for.
            GitHubError: GitHub refused, or did not answer; the class says how.
            TaskCancelled, TaskTimeout: The task was stopped; so was git, with all that it started.
        """
        done = run_command(["git", *arguments], cwd=cwd, environment=self._environment, data=data)
        if self._pipe is not None and self._pipe.failure is not None:
            raise self._pipe.failure
        if done.code:
            raise failed(arguments[0], done.errors)
        return done.output

    def _made_environment(self, helper: str | None, home: str) -> dict[str, str]:
        options = self._credentials.client_options
        scheme, host = urlsplit(self._host_url)[:2]
        settings = [*_SETTINGS.items()]
        # Submodules are often named by ssh, for which there is no key here.
        aliases = (f"git@{host}:", f"ssh://git@{host}/")
        settings += [(f"url.{self._host_url}/.insteadOf", alias) for alias in aliases]
        if helper is not None:
            settings.append((f"credential.{self._host_url}.helper", helper))
        names = (*_KEPT, *_PROXIES, *map(str.upper, _PROXIES))
        kept = {name: os.environ[name] for name in names if name in os.environ}
        if options.proxy is not None:
            kept |= dict.fromkeys(("http_proxy", "https_proxy"), options.proxy.reveal())
        if options.ca_bundle is not None:
            kept["GIT_SSL_CAINFO"] = os.path.abspath(options.ca_bundle)  # noqa: PTH100  # links stay
        if not options.verify:
            kept["GIT_SSL_NO_VERIFY"] = "1"
        numbered = {"GIT_CONFIG_COUNT": str(len(settings))}
        for number, (name, value) in enumerate(settings):
            numbered |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        return {
            **kept,
            "HOME": home,  # nobody's .netrc, .ssh or .gitconfig
            "XDG_CONFIG_HOME": home,
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "GIT_ALLOW_PROTOCOL": "https" if scheme == "https" else "http:https",
            **numbered,
        }


def failed(command: str, said: str) -> Exception:
    """Return the error for a command of git that failed.

    Args:
        command: Which.
        said: What it said.
    """
    lines = [_CONTROL.sub(" ", mask(line)).strip() for line in said.splitlines()]
    told = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))] or lines
    what = f"git {command}: {' '.join(told[-3:])[:500].rstrip('.') or 'it does not say why'}."
    if _REFUSED.search(said):
        return GitHubDenied(
            what, fix="Give the token or the App the permission contents:read for the repository."
        )
    if _MISSING.search(said):
        return GitHubNotFound(
            what, fix="Check the name. GitHub answers the same where the token may not read it."
        )
    if _AWAY.search(said):
        return GitHubUnavailable(what, fix="Check the network and `host`; then try again.")
    return GitError(what, fix="See what git says; the repository may have what it refuses.")
