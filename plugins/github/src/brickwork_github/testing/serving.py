"""How a `GitHubServer` understands a request, and answers it."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from email.message import Message
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from brickwork.testing.listening import Exchange, Reply
from brickwork_github.testing import builtin, graphql
from brickwork_github.testing.description import Description, Operation
from brickwork_github.testing.faults import primary_limit
from brickwork_github.testing.githttp import serve_git
from brickwork_github.testing.identities import Identity
from brickwork_github.testing.live.mutations import mutated
from brickwork_github.testing.messages import (
    Answer,
    Asked,
    Refusal,
    problem,
    read_json,
    written,
)
from brickwork_github.testing.pages import page_of
from brickwork_github.testing.validation import request_faults

if TYPE_CHECKING:
    from brickwork_github.testing.server import GitHubServer, Planned

API, UPLOADS = "/api/v3", "/api/uploads"
"""Where a GitHub Enterprise Server has what github.com has on hosts of its own."""

VERSIONS = ("2022-11-28", "2026-03-10")
"""The versions of the API that there are."""

_PREFIXES = (API, UPLOADS, "/api")
_FREE = {"GET /rate_limit"}
_CLONE_URL = re.compile(rb"https://github\.com/([\w.-]+/[\w.-]+\.git)")
_Found = tuple[Operation, dict[str, str]] | None


class Serving:
    """Answers requests for a server.

    Args:
        github: What it knows, and what the test wants.
    """

    def __init__(self, github: "GitHubServer") -> None:
        self._github = github

    def serve(self, exchange: Exchange) -> Reply:
        """Answer a request as it comes."""
        method = "GET" if exchange.method == "HEAD" else exchange.method
        return self.reply_to(method, exchange.target, exchange.headers, exchange.body())

    def reply_to(self, method: str, target: str, headers: "Message[str, str]", raw: bytes) -> Reply:
        """Answer a request; what goes wrong here fails the test at its end."""
        try:
            git = serve_git(self._github, method, target, headers, raw)
            return git or self._serve(method, target, headers, raw)
        except Exception as error:  # noqa: BLE001  # raised again in the thread of the test
            self._github.lies.append(error)
            return Reply(500, {"Content-Type": "text/plain"}, repr(error).encode())

    def _serve(self, method: str, target: str, headers: "Message[str, str]", raw: bytes) -> Reply:
        github = self._github
        parts = urlsplit(target)
        prefix = next((each for each in _PREFIXES if parts.path.startswith(each + "/")), "")
        path = parts.path[len(prefix) :] or "/"
        found = github.description.find(method, path)
        query = parse_qs(parts.query, keep_blank_values=True)
        asked = Asked(
            found[0].route if found else f"{method} {path}",
            found[1] if found else {},
            {name: texts[-1] for name, texts in query.items()},
            read_json(raw),
            headers,  # type: ignore[arg-type]  # a mapping, to which a name's case is nothing
            github.url + (API if prefix else ""),
            raw,
        )
        if path == "/graphql" and method == "POST":
            asked = replace(asked, route=graphql.ROUTE)
        with github.lock:
            github.requests.append(asked)
        refused = self._refused(asked, found, path, query)
        if refused is not None:
            return self._finished(asked, refused)
        fault = github.next_fault(asked.route)
        if fault is None:
            return self._finished(asked, self._limited(asked) or self._answer(asked))
        if fault.delay_seconds:
            github.closing.wait(fault.delay_seconds)
        if fault.unserved:
            return Reply(0, {}, b"", cut_after=0)
        if fault.status:
            return self._finished(asked, Answer(fault.body, fault.status, fault.headers))
        reply = self._finished(asked, self._answer(asked))
        return replace(reply, cut_after=fault.cut_after)

    def _refused(
        self, asked: Asked, found: _Found, path: str, query: Mapping[str, list[str]]
    ) -> Answer | None:
        github = self._github
        if "User-Agent" not in asked.headers:
            return self._refuse(asked, 403, ["Please make sure your request has a User-Agent."])
        version = asked.headers.get("X-GitHub-Api-Version", VERSIONS[0])
        if version not in VERSIONS:
            return self._refuse(asked, 400, [f"{version!r} is not a supported API version."])
        if asked.token is None:
            return self._refuse(asked, 401, ["Requires authentication"])
        if found is None and asked.route != graphql.ROUTE:
            others = ", ".join(github.description.methods(path))
            why = f"Not Found: {asked.route}" + (f"; there is {others}" if others else "")
            return self._refuse(asked, 404, [why])
        stranger = self._stranger(asked)
        if stranger is not None:
            return stranger  # no fault of the request: tokens do end
        if asked.repository.lower() in github.renamed:
            return self._moved(asked, path)
        if found is None:
            return self._refused_query(asked)
        operation, given = found
        if isinstance(asked.body, bytes) and _takes_only_json(operation):
            return self._refuse(asked, 400, ["Problems parsing JSON"], operation)
        foreign = _kind_not_taken(github.description, operation, asked)
        if foreign:
            return self._refuse(asked, 415, [f"{foreign!r} is no kind of body that it takes."])
        faults = request_faults(
            github.schemas, github.description, operation, given, query, asked.body
        )
        return self._refuse(asked, 422, faults, operation) if faults else None

    def _refused_query(self, asked: Asked) -> Answer | None:
        faults = graphql.query_faults(asked.body)
        if not faults:
            return None
        self._refuse(asked, 200, faults)
        return Answer({"errors": [{"message": fault} for fault in faults]}, 200)

    def _refuse(
        self, asked: Asked, status: int, reasons: list[str], operation: Operation | None = None
    ) -> Answer:
        with self._github.lock:
            self._github.refusals.append(Refusal(asked, status, tuple(reasons)))
        text = "\n\n".join(["Invalid request.", *reasons]) if status == 422 else reasons[0]
        return problem(status, text, operation.page) if operation else problem(status, text)

    def _stranger(self, asked: Asked) -> Answer | None:
        github, token = self._github, asked.token or ""
        if builtin.signed_by_app(asked.route):
            fault = github.app.fault(token, github.now())
            return None if fault is None else problem(401, fault)
        return None if github.identities.of(token) else problem(401, "Bad credentials")

    def _moved(self, asked: Asked, path: str) -> Answer:
        new = self._github.renamed[asked.repository.lower()]
        there = "/".join([asked.base_url, "repos", new, *path.split("/")[4:]])
        status = 301 if asked.route.startswith("GET ") else 307
        moved = problem(status, "Moved Permanently")
        return Answer({**moved.body, "url": there}, status, {"Location": there})

    def _limited(self, asked: Asked) -> Answer | None:
        github, quota = self._github, self._github.quota
        with quota.lock:
            if quota.reset <= github.now():
                builtin.refill(github)
            if quota.remaining > 0 or asked.route in _FREE:
                return None
        fault = primary_limit()
        headers = {**fault.headers, "X-RateLimit-Reset": str(int(quota.reset))}
        return Answer(fault.body, fault.status, headers)

    def _answer(self, asked: Asked) -> Answer:
        github = self._github
        planned = github.next_planned(asked.route)
        if asked.route == graphql.ROUTE:
            return self._answer_query(asked, planned)
        operation = github.description.operation(asked.route)
        made = builtin.answer(github, asked) if planned is None else _planned_answer(planned, asked)
        answer = made or Answer(github.examples.of(operation, github.success(operation)))
        # The examples are valid, and a constant was checked when the test said it.
        if callable(planned.answer) if planned else made is not None:
            answer = github.checked(operation, answer, asked.headers.get("Accept", ""))
        answer = replace(answer, status=answer.status or github.success(operation))
        if 300 <= (answer.status or 0) < 400 and "Location" not in answer.headers:
            there = github.files.add(answer.body or b"a file")
            return Answer(None, answer.status, {**answer.headers, "Location": there})
        return answer

    def _answer_query(self, asked: Asked, planned: "Planned | None") -> Answer:
        if planned is None:
            repositories = self._github.repositories.values()
            mutate = partial(mutated, repositories)
            return Answer(graphql.example(asked.body, mutate), 200)
        answer = _planned_answer(planned, asked)
        return Answer(graphql.checked(asked.body, answer.body), 200, answer.headers)

    def _finished(self, asked: Asked, answer: Answer) -> Reply:
        github = self._github
        operation = github.description.operations.get(asked.route)
        body, link = page_of(operation, asked, answer.body)
        status = answer.status or 200
        content = self._rewritten(asked, written(body))
        headers = {"X-GitHub-Request-Id": ":".join(secrets.token_hex(2) for _ in range(5)).upper()}
        headers["Date"] = formatdate(github.now(), usegmt=True)
        if content:
            headers["Content-Type"] = "application/json; charset=utf-8"
        if isinstance(body, bytes):
            headers["Content-Type"] = "application/octet-stream"
        if link:
            headers["Link"] = link
        if asked.route.startswith("GET ") and status == 200:
            headers["ETag"] = etag = f'W/"{hashlib.sha256(content).hexdigest()}"'
            if etag in asked.headers.get("If-None-Match", ""):
                status, content = 304, b""
        identity = github.identities.of(asked.token or "")
        headers |= self._told(status, identity, free=asked.route in _FREE)
        return Reply(status, {**headers, **answer.headers}, content)

    def _told(self, status: int, identity: Identity | None, *, free: bool) -> dict[str, str]:
        quota = self._github.quota
        with quota.lock:
            if status != 304 and not free:
                quota.remaining = max(0, quota.remaining - 1)
            return {**builtin.limit_headers(quota), **(identity.headers() if identity else {})}

    def _rewritten(self, asked: Asked, content: bytes) -> bytes:
        github = self._github
        content = content.replace(b"https://api.github.com", asked.base_url.encode())
        content = content.replace(b"https://uploads.github.com", f"{github.url}{UPLOADS}".encode())
        return _CLONE_URL.sub(github.url.encode() + rb"/\1", content)


def _planned_answer(planned: "Planned", asked: Asked) -> Answer:
    made = planned.answer(asked) if callable(planned.answer) else planned.answer
    return made if isinstance(made, Answer) else Answer(made, planned.status, planned.headers)


_BYTES = "application/octet-stream"
"""Of an upload, which may say what it is: ``image/png``."""


def _kind_not_taken(description: Description, operation: Operation, asked: Asked) -> str | None:
    """Return the kind of a body that the operation does not take."""
    wanted = description.resolved(operation.raw.get("requestBody")) or {}
    kinds = wanted.get("content", {})
    kind = asked.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    taken = not kinds or kind in kinds or _BYTES in kinds
    return None if asked.body is None or taken else kind or "nothing"


def _takes_only_json(operation: Operation) -> bool:
    kinds = operation.raw.get("requestBody", {}).get("content", {})
    return list(kinds) == ["application/json"]
