"""What a loopback Slack serves beside its methods: uploads, downloads, webhooks, answers."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from brickwork.testing.listening import Exchange, Reply
from brickwork_slack.testing.call import Call
from brickwork_slack.testing.methods.posting import content_of, put
from brickwork_slack.testing.state import Channel, File, Message, Workspace
from brickwork_slack.testing.tokens import BOT_SCOPES, Identity
from brickwork_slack.testing.traffic import Asked, Refusal, Refused, malformed

if TYPE_CHECKING:
    from brickwork_slack.testing.server import SlackServer

_TEXT = {"Content-Type": "text/plain; charset=utf-8"}
_HTML = {"Content-Type": "text/html; charset=utf-8"}
_STATUS = {
    "action_prohibited": 403,
    "channel_is_archived": 410,
    "channel_not_found": 404,
    "no_service": 404,
    "no_team": 404,
}
"""See https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks."""

_ANSWERED = ("response_type", "replace_original", "delete_original")
_IGNORED = ("channel", "username", "icon_emoji", "icon_url")
"""What only the webhooks of old, without an app, could choose."""


class Places:
    """Serves them.

    Args:
        slack: What it keeps.
    """

    def __init__(self, slack: "SlackServer") -> None:
        self._slack = slack
        self._folder: Path | None = None

    def find(self, path: str) -> tuple[str, Callable[[Exchange], Reply]] | None:
        """Return what a path is, by its name for faults, and what serves it."""
        if path.startswith("/upload/v1/"):
            return "upload", self.upload
        if path.startswith("/files-pri/"):
            return "download", self.download
        if path.startswith("/services/"):
            return "webhook", self.webhook
        if path.startswith(("/actions/", "/commands/")):
            return "response_url", self.respond
        return None

    def close(self) -> None:
        """Remove the files; done at the end of `slack_server`."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def upload(self, exchange: Exchange) -> Reply:
        """Take the bytes of a file, without holding them in memory."""
        key = urlsplit(exchange.target).path.rpartition("/")[2]
        found = [each.files[key] for each in self._slack.workspaces.values() if key in each.files]
        if exchange.method not in ("POST", "PUT") or not found or found[0].path is not None:
            exchange.body()
            return Reply(404, _TEXT, b"Not Found")
        file = found[0]
        self._note(exchange, "upload", {"file": file.id})
        with self._slack.lock:
            self._folder = self._folder or Path(tempfile.mkdtemp(prefix="slack-"))
        path = self._folder / key
        digest, size = hashlib.sha256(), 0
        with path.open("wb") as kept:
            for chunk in exchange.chunks():
                digest.update(chunk)
                size += kept.write(chunk)
        if exchange.headers.get_content_type() == "multipart/form-data":
            return self._refuse(exchange, "upload", "send the bytes as they are", 400)
        if size != file.size:
            reason = f"{file.size} bytes were announced, and {size} came"
            return self._refuse(exchange, "upload", reason, 400)
        file.path, file.sha256 = path, digest.hexdigest()
        return Reply(200, _TEXT, f"OK - {size}".encode())

    def download(self, exchange: Exchange) -> Reply:
        """Answer with a file's bytes, or lead a stranger to the page where people log in."""
        exchange.body()
        parts = urlsplit(exchange.target).path.split("/")
        team, _, key = parts[2].partition("-")
        workspace = self._slack.workspaces.get(team)
        file = workspace.files.get(key) if workspace is not None else None
        token = self._note(exchange, "download", {"file": key}).token
        identity = self._slack.identities.get(token or "")
        if identity is None or identity.gone or not self._may(identity, workspace, file):
            where = f"{self._slack.url}/?redir={quote(exchange.target)}"
            return Reply(302, {"Location": where, **_HTML})
        assert file is not None
        assert file.path is not None
        kind = {"Content-Type": "application/octet-stream", "X-Slack-File": file.id}
        return Reply(200, kind, file=file.path)

    def _may(self, identity: Identity, workspace: Workspace | None, file: File | None) -> bool:
        if workspace is not identity.workspace or file is None or file.path is None:
            return False
        channels = [identity.workspace.channels[each] for each in file.shares]
        seen = any(each.kind == "public" or identity.user in each.members for each in channels)
        return "files:read" in identity.scopes and (seen or file.user == identity.user)

    def webhook(self, exchange: Exchange) -> Reply:
        """Post what an incoming webhook is sent."""
        raw = exchange.body()
        hook = self._slack.hooks.get(urlsplit(exchange.target).path)
        try:
            if hook is None:
                raise Refused("no_service")
            workspace, channel, _, _ = hook
            payload = _payload(raw, exchange.headers.get_content_type())
            self._note(exchange, "webhook", payload)
            if channel.archived:
                raise Refused("channel_is_archived")
            text, content = self._content(workspace, channel, payload, "webhook")
            self._put(workspace, channel, text, content, payload)
        except Refused as refused:
            if refused.malformed:
                told = " ".join(refused.reasons)
                return self._refuse(exchange, "webhook", told, 400, refused.error)
            return Reply(_STATUS.get(refused.error, 400), _TEXT, refused.error.encode())
        return Reply(200, _TEXT, b"ok")

    def respond(self, exchange: Exchange) -> Reply:
        """Do what a response_url is sent: post, replace or delete."""
        raw = exchange.body()
        path = urlsplit(exchange.target).path
        hook = self._slack.hooks.get(path)
        try:
            if hook is None:
                raise Refused("expired_url")
            workspace, channel, message, left = hook
            if not left:
                raise Refused("used_url")
            if self._slack.now() > self._slack.hooks_until.get(path, float("inf")):
                raise Refused("expired_url")
            payload = _payload(raw, exchange.headers.get_content_type())
            self._note(exchange, "response_url", payload)
            self._answered(workspace, channel, message, payload)
            self._slack.hooks[path] = (workspace, channel, message, left - 1)
        except Refused as refused:
            if refused.malformed:
                self._refuse(
                    exchange, "response_url", " ".join(refused.reasons), 400, refused.error
                )
            told = json.dumps({"ok": False, "error": refused.error}).encode()
            status = 404 if refused.error in ("expired_url", "used_url") else 400
            return Reply(status, {"Content-Type": "application/json"}, told)
        return Reply(200, {"Content-Type": "application/json"}, b'{"ok":true}')

    def _answered(
        self,
        workspace: Workspace,
        channel: Channel,
        message: Message | None,
        payload: dict[str, Any],
    ) -> None:
        if payload.get("delete_original"):
            if message is None:
                raise Refused("no_original_message")
            channel.messages.pop(message.ts, None)
            self._slack.happened_message(workspace, channel, message, "message_deleted")
            return
        text, content = self._content(workspace, channel, payload, "response_url")
        if payload.get("replace_original") and message is not None:
            message.text, message.content = text, content
            message.edited = self._slack.new_ts()
            self._slack.happened_message(workspace, channel, message, "message_changed")
        elif payload.get("response_type") == "in_channel":
            self._put(workspace, channel, text, content, payload)
        else:
            made = self._message(workspace, channel, text, content, payload)
            made.to = "?"
            workspace.ephemeral.append(made)

    def _content(
        self, workspace: Workspace, channel: Channel, payload: dict[str, Any], place: str
    ) -> tuple[str, dict[str, Any]]:
        given = {
            name: value
            for name, value in payload.items()
            if name not in _ANSWERED and name not in _IGNORED
        }
        bot = next(iter(workspace.users))
        call = Call(self._slack, place, Identity("bot", workspace, bot, BOT_SCOPES), given)
        found = content_of(call)
        if self._slack.types is not None:
            faults = self._slack.types.argument_faults(
                "chat.postMessage", {"channel": channel.id, **given}
            )
            if faults:
                raise malformed("invalid_payload", *faults)
        if given.get("thread_ts") and given["thread_ts"] not in channel.messages:
            raise Refused("invalid_thread_ts")
        return found

    def _message(
        self,
        workspace: Workspace,
        channel: Channel,
        text: str,
        content: dict[str, Any],
        payload: dict[str, Any],
    ) -> Message:
        bot = next(iter(workspace.users.values()))
        return Message(
            self._slack.new_ts(),
            channel.id,
            bot.id,
            text,
            content,
            payload.get("thread_ts"),
            bot_id=bot.bot_id,
            app_id=self._slack.app_id,
            subtype="bot_message",
        )

    def _put(
        self,
        workspace: Workspace,
        channel: Channel,
        text: str,
        content: dict[str, Any],
        payload: dict[str, Any],
    ) -> None:
        with self._slack.lock:
            message = self._message(workspace, channel, text, content, payload)
            put(self._slack, workspace, channel, message)

    def _note(self, exchange: Exchange, place: str, arguments: dict[str, Any]) -> Asked:
        asked = Asked(place, arguments, "", exchange.headers)  # type: ignore[arg-type]  # a mapping, to which a name's case is nothing
        with self._slack.lock:
            self._slack.requests.append(asked)
        return asked

    def _refuse(
        self, exchange: Exchange, place: str, reason: str, status: int, error: str = ""
    ) -> Reply:
        asked = Asked(place, {}, "", exchange.headers)  # type: ignore[arg-type]  # a mapping, to which a name's case is nothing
        with self._slack.lock:
            self._slack.refusals.append(Refusal(asked, error or "invalid", (reason,)))
        return Reply(status, _TEXT, (error or reason).encode())


def _payload(raw: bytes, kind: str) -> dict[str, Any]:
    """Return what a webhook is sent: JSON, or a form with JSON in ``payload``."""
    text = raw.decode(errors="replace")
    if kind == "application/x-www-form-urlencoded":
        text = parse_qs(text).get("payload", [text])[0]
    try:
        read = json.loads(text)
    except ValueError:
        raise malformed("invalid_payload", "no valid JSON") from None
    if not isinstance(read, dict):
        raise malformed("invalid_payload", "no JSON object")
    return {name: value for name, value in read.items() if value is not None}
