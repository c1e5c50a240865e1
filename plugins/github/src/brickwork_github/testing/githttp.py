"""Git over HTTP: clones, fetches and pushes of live repositories, by ``git http-backend``."""

import os
import re
import subprocess
from email.message import Message
from typing import TYPE_CHECKING

from brickwork.testing.listening import Reply
from brickwork_github.testing.live.gitdir import clean_environment
from brickwork_github.testing.messages import Asked, token_in

if TYPE_CHECKING:
    from brickwork_github.testing.server import GitHubServer

_PATH = re.compile(r"/([\w.-]+)/([\w.-]+?)(?:\.git)?(/(?:info/refs|git-(?:upload|receive)-pack))")


def serve_git(
    github: "GitHubServer", method: str, target: str, headers: "Message[str, str]", raw: bytes
) -> Reply | None:
    """Answer a request of git; None for any other.

    A private repository wants a token, as the password of any user; so does every push.
    """
    path, _, query = target.partition("?")
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    owner, name, service = found.groups()
    asked = Asked(f"{method} {path}", {"owner": owner, "repo": name}, {}, None, headers)  # type: ignore[arg-type]  # a mapping, to which a name's case is nothing
    with github.lock:
        github.requests.append(asked)
    pushes = "git-receive-pack" in target
    repo = github.repositories.get(asked.repository.lower())
    token = token_in(headers.get("Authorization"))
    known = token is not None and github.identities.of(token) is not None
    if not known and (pushes or token is not None or repo is None or repo.private):
        return Reply(401, {"WWW-Authenticate": 'Basic realm="GitHub"'}, b"Not authorized.")
    if repo is None:
        return Reply(404, {"Content-Type": "text/plain"}, b"Repository not found.")
    if pushes and repo.archived:
        told = b"This repository was archived so it is read-only."
        return Reply(403, {"Content-Type": "text/plain"}, told)
    environment = {
        "GIT_PROJECT_ROOT": str(repo.git.path),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": service,
        "REQUEST_METHOD": method,
        "QUERY_STRING": query,
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "HTTP_CONTENT_ENCODING": headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": headers.get("Git-Protocol", ""),
        "REMOTE_USER": "octocat",
        "REMOTE_ADDR": "127.0.0.1",
    }
    done = subprocess.run(
        ["git", "http-backend"],  # noqa: S607  # whichever git the machine has
        input=raw,
        capture_output=True,
        env={**clean_environment(environment), "HOME": os.devnull},
        check=False,
    )
    return _read(done.stdout)


def _read(output: bytes) -> Reply:
    head, _, content = output.partition(b"\r\n\r\n")
    lines = (line.split(": ", 1) for line in head.decode("latin-1").splitlines() if ": " in line)
    headers = dict(lines)
    status = int(headers.pop("Status", "200").split()[0])
    return Reply(status, headers, content)
