"""How a `SlackServer` understands a request, and answers it."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from brickwork.testing.listening import Exchange, Reply
from brickwork_slack.testing.call import Call
from brickwork_slack.testing.methods import METHODS, Method
from brickwork_slack.testing.tokens import Identity
from brickwork_slack.testing.traffic import Asked, Refusal, Refused, malformed

if TYPE_CHECKING:
    from brickwork_slack.testing.faults import Fault
    from brickwork_slack.testing.server import SlackServer


class Serving:
    """Answers requests for a server.

    Args:
        slack: What it keeps, and what the test wants.
    """

    def __init__(self, slack: "SlackServer") -> None:
        self._slack = slack

    def serve(self, exchange: Exchange) -> Reply | None:
        """Answer a request; what goes wrong here fails the test at its end."""
        try:
            return self._serve(exchange)
        except ConnectionError:
            raise  # the client broke off
        except Exception as error:  # noqa: BLE001  # raised again in the thread of the test
            if not self._slack.closing.is_set():  # then what it kept is being removed
                self._slack.lies.append(error)
            return Reply(500, {"Content-Type": "text/plain"}, repr(error).encode())

    def _serve(self, exchange: Exchange) -> Reply | None:
        parts = urlsplit(exchange.target)
        if parts.path.startswith("/api/"):
            return self._api(exchange, parts.path.removeprefix("/api/").strip("/"), parts.query)
        if parts.path == "/link/":
            return self._slack.sockets.serve(exchange)
        found = self._slack.places.find(parts.path)
        if found is not None:
            name, serve = found
            return self._failing(name, lambda: serve(exchange), exchange.body)
        exchange.body()
        page = b"<html><title>Sign in | Slack</title></html>"
        return Reply(200 if parts.path == "/" else 404, {"Content-Type": "text/html"}, page)

    def _failing(self, name: str, serve: Callable[[], Reply], drain: Callable[[], object]) -> Reply:
        """Serve a request, unless something is to go wrong with it."""
        planned = self._slack.next_fault(name)
        if planned is None:
            return serve()
        if planned.delay_seconds:
            self._slack.closing.wait(planned.delay_seconds)
        if planned.unserved or (planned.status and not planned.served):
            drain()
            return Reply(0, {}, cut_after=0) if planned.unserved else faulty(planned)
        reply = serve()
        return faulty(planned) if planned.status else replace(reply, cut_after=planned.cut_after)

    def _api(self, exchange: Exchange, method: str, query: str) -> Reply:
        slack = self._slack
        raw = exchange.body()
        kind = exchange.headers.get_content_type()
        arguments, fault = read_arguments(raw, kind, query)
        asked = Asked(method, arguments, "", exchange.headers)  # type: ignore[arg-type]  # a mapping, to which a name's case is nothing
        identity = slack.identities.get(asked.token or "")
        if identity is not None:
            asked = replace(asked, user=identity.user)
        with slack.lock:
            slack.requests.append(asked)
        answered = partial(self._answered, asked, identity, kind, fault)
        return self._failing(method, answered, lambda: None)

    def _answered(self, asked: Asked, identity: Identity | None, kind: str, fault: str) -> Reply:
        slack = self._slack
        found = METHODS.get(asked.method)
        headers = {}
        if identity is not None:
            headers["X-OAuth-Scopes"] = ",".join(identity.scopes)
        if found is not None and found.scopes:
            headers["X-Accepted-OAuth-Scopes"] = ",".join(found.scopes)
        try:
            with slack.lock:
                answer = self._done(asked, identity, kind, fault)
        except Refused as refused:
            answer = self._refusal(asked, refused)
        return json_reply(answer, headers)

    def _done(
        self, asked: Asked, identity: Identity | None, kind: str, fault: str
    ) -> dict[str, Any]:
        slack = self._slack
        method, planned = METHODS.get(asked.method), slack.planned(asked.method)
        if method is None and planned is None:
            raise malformed("unknown_method", self._unknown(asked.method), req_method=asked.method)
        identity = self._admitted(asked, identity, method)
        if fault:
            raise malformed(fault)
        arguments = dict(asked.arguments)
        arguments.pop("token", None)
        if kind == "application/json" and method is not None and not method.json:
            # What such a body says is not looked at.
            arguments = {}
        call = Call(slack, asked.method, identity, arguments)
        self._typed(call, method)
        if planned is not None:
            made = dict(planned(call) if callable(planned) else planned)
        else:
            assert method is not None
            made = method.serve(call) or {}
        answer = {"ok": True, **made}
        if slack.types is not None and asked.method in slack.types.methods:
            slack.types.check_answer(asked.method, answer)
        return answer

    def _typed(self, call: Call, method: Method | None) -> None:
        """Refuse arguments that Slack's types do not allow."""
        types = self._slack.types
        if types is None or call.method not in types.methods:
            return
        faults = types.argument_faults(call.method, call.arguments)
        if not faults:
            return
        if method is not None and method.check is not None:
            method.check(call)  # Slack's own code for it, if it has one
        within = [fault for fault in faults if "[json-pointer:/blocks" in fault]
        told = [f"[ERROR] {fault}" for fault in within or faults]
        if within:
            raise malformed("invalid_blocks", *told, errors=within)
        raise malformed("invalid_arguments", *told)

    def _unknown(self, name: str) -> str:
        types = self._slack.types
        if types is not None and name in types.methods:
            return f"[ERROR] {name} is not kept here: say what it answers, with SlackServer.answer"
        return f"[ERROR] Slack has no method {name}"

    def _admitted(self, asked: Asked, identity: Identity | None, method: Method | None) -> Identity:
        """Return whom the token stands for, if it may call the method."""
        if asked.token is None:
            raise malformed("not_authed")
        if identity is None:
            raise Refused("invalid_auth")
        if identity.expires_at is not None and identity.expires_at <= self._slack.now():
            raise Refused("token_expired")
        if identity.gone:
            raise Refused(identity.gone)
        if identity.workspace.users[identity.user].deleted:
            raise Refused("account_inactive")
        if method is None:
            return identity
        if identity.kind not in method.kinds:
            raise Refused("not_allowed_token_type")
        if method.scopes and not set(method.scopes) & set(identity.scopes):
            raise Refused(
                "missing_scope",
                needed=",".join(method.scopes),
                provided=",".join(identity.scopes),
            )
        return identity

    def _refusal(self, asked: Asked, refused: Refused) -> dict[str, Any]:
        if refused.malformed:
            with self._slack.lock:
                self._slack.refusals.append(Refusal(asked, refused.error, refused.reasons))
        answer: dict[str, Any] = {"ok": False, "error": refused.error, **refused.more}
        if refused.reasons:
            answer["response_metadata"] = {"messages": list(refused.reasons)}
        return answer


def read_arguments(raw: bytes, kind: str, query: str) -> tuple[dict[str, Any], str]:
    """Return the arguments of a call, and Slack's code where they cannot be read.

    Args:
        raw: The body.
        kind: Its content type.
        query: Of the URL.
    """
    arguments: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True))
    if kind == "application/json":
        try:
            read = json.loads(raw or b"{}")
        except ValueError:
            return arguments, "invalid_json"
        if not isinstance(read, dict):
            return arguments, "json_not_object"
        return arguments | {name: value for name, value in read.items() if value is not None}, ""
    if kind == "application/x-www-form-urlencoded":
        return arguments | dict(parse_qsl(raw.decode(), keep_blank_values=True)), ""
    return arguments, "invalid_post_type" if raw else ""


def json_reply(answer: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Reply:
    """Return an answer of the Web API."""
    told = {"Content-Type": "application/json; charset=utf-8", **_request_id(), **(headers or {})}
    return Reply(200, told, json.dumps(answer, separators=(",", ":")).encode())


def faulty(fault: "Fault") -> Reply:
    """Return what is answered when something goes wrong."""
    if isinstance(fault.body, bytes):
        return Reply(fault.status, {**_request_id(), **fault.headers}, fault.body)
    reply = json_reply(fault.body, fault.headers)
    return replace(reply, status=fault.status)


def _request_id() -> dict[str, str]:
    return {"X-Slack-Req-Id": secrets.token_hex(16)}
