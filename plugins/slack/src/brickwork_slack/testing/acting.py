"""What people do in a loopback Slack, and the app is told of."""

from collections.abc import Iterator, Mapping
from typing import Any

from brickwork import BrickworkError
from brickwork_slack.testing.call import Call
from brickwork_slack.testing.delivering import Delivered, Delivering, message_event
from brickwork_slack.testing.keeping import Keeping
from brickwork_slack.testing.methods.shapes import message_shape
from brickwork_slack.testing.sockets import Sockets
from brickwork_slack.testing.state import Channel, Message, User, View, Workspace
from brickwork_slack.testing.tokens import BOT_SCOPES, Identity

TRIGGER_SECONDS = 3
"""How long a trigger is good: https://docs.slack.dev/interactivity/handling-user-interaction."""

_RESPONSE_SECONDS = 1800


class Acting(Keeping):
    """People, and what they do.

    Attributes:
        ada: The person who does it, if the test does not say who.
        general: The channel where, if the test does not say where.
        events: Delivers what happens: ``events.listen(url)`` for HTTP, else by Socket Mode.
        sockets: The sockets that the app opened.
    """

    ada: User
    general: Channel
    events: Delivering
    sockets: Sockets
    url: str

    def __init__(self) -> None:
        super().__init__()
        self.hooks: dict[str, tuple[Workspace, Channel, Message | None, int]] = {}
        self.hooks_until: dict[str, float] = {}

    def say(
        self, channel: Channel, text: str, *, user: User | None = None, thread_ts: str | None = None
    ) -> Message:
        """Let a person write a message.

        Args:
            channel: Where.
            text: What.
            user: Who; by default ``ada``.
            thread_ts: The message that it replies to.
        """
        workspace = self.workspace_of(channel)
        sender = user or self.ada
        message = Message(self.new_ts(), channel.id, sender.id, text, thread_ts=thread_ts)
        with self.lock:
            channel.messages[message.ts] = message
        self.happened_message(workspace, channel, message)
        return message

    def react(self, message: Message, name: str, *, user: User | None = None) -> None:
        """Let a person react to a message.

        Args:
            message: To which.
            name: The emoji's name, without colons.
            user: Who; by default ``ada``.
        """
        who = (user or self.ada).id
        with self.lock:
            users = message.reactions.setdefault(name, [])
            if who in users:
                return
            users.append(who)
        self.happened_reaction(self._home(message), message, name, who, added=True)

    def unreact(self, message: Message, name: str, *, user: User | None = None) -> None:
        """Let a person take a reaction back."""
        who = (user or self.ada).id
        with self.lock:
            message.reactions[name].remove(who)
            if not message.reactions[name]:
                del message.reactions[name]
        self.happened_reaction(self._home(message), message, name, who, added=False)

    def press_button(
        self, message: Message, action_id: str, *, user: User | None = None, **more: Any
    ) -> Delivered:
        """Let a person press a button of a message, or choose in one of its menus.

        Args:
            message: Which.
            action_id: The button's, or the menu's.
            user: Who; by default ``ada``.
            more: What was chosen: ``selected_option=...``.

        Raises:
            BrickworkError: The message has no such button.
        """
        found = [
            (block, element)
            for block in _blocks(message)
            for element in _elements(block)
            if element.get("action_id") == action_id
        ]
        if not found:
            raise BrickworkError(f"The message {message.ts} has no element {action_id!r}.")
        block, element = found[0]
        kept = ("action_id", "type", "text", "value", "style")
        action = {name: element[name] for name in kept if name in element}
        action |= {"block_id": block["block_id"], "action_ts": self.new_ts(), **more}
        who = user or self.ada
        return self.events.interaction(self._action_payload(message, who, action))

    def submit_view(self, view: View, values: Mapping[str, Mapping[str, Any]]) -> Delivered:
        """Let the person who sees a modal submit it.

        Args:
            view: Which.
            values: What is filled in, by block id and action id:
                ``{"b": {"a": {"type": "plain_text_input", "value": "x"}}}``.
        """
        workspace = next(each for each in self.workspaces.values() if view.id in each.views)
        shape = {**view.payload, "id": view.id, "state": {"values": dict(values)}}
        payload = {
            "type": "view_submission",
            **self._around(workspace, workspace.users[view.user]),
            "view": shape,
            "response_urls": [],
        }
        return self.events.interaction(payload)

    def command(
        self,
        command: str,
        text: str = "",
        *,
        channel: Channel | None = None,
        user: User | None = None,
    ) -> Delivered:
        """Let a person type a slash command.

        Args:
            command: With its slash.
            text: What is written behind it.
            channel: Where; by default ``general``.
            user: Who; by default ``ada``.
        """
        where, who = channel or self.general, user or self.ada
        workspace = self.workspace_of(where)
        fields = {
            "text": text,
            "team_id": workspace.id,
            "team_domain": workspace.domain,
            "channel_id": where.id,
            "channel_name": where.name,
            "user_id": who.id,
            "user_name": who.name,
            "api_app_id": self.app_id,
            "response_url": self.response_url(where),
            "trigger_id": self.trigger(who),
        }
        return self.events.command(command, fields)

    def trigger(self, user: User | None = None) -> str:
        """Return a trigger of something that a person just did: it opens one modal."""
        who = user or self.ada
        workspace = next(each for each in self.workspaces.values() if who.id in each.users)
        trigger = f"{self.new_ts()}.{self.short_id()}"
        workspace.triggers[trigger] = (who.id, self.now() + TRIGGER_SECONDS)
        return trigger

    def response_url(self, channel: Channel | None = None, message: Message | None = None) -> str:
        """Return a URL that takes five answers within 30 minutes, as interactions come with.

        Args:
            channel: Where they are posted; by default ``general``.
            message: What they may replace or delete.
        """
        where = channel or self.general
        workspace = self.workspace_of(where)
        path = f"/actions/{workspace.id}/{self.new_id('')}/{self.short_id()}{self.short_id()}"
        self.hooks[path] = (workspace, where, message, 5)
        self.hooks_until[path] = self.now() + _RESPONSE_SECONDS
        return self.url + path

    def workspace_of(self, channel: Channel) -> Workspace:
        """Return where a channel is."""
        for workspace in self.workspaces.values():
            if workspace.channels.get(channel.id) is channel:
                return workspace
        raise BrickworkError(f"The server has no channel {channel.id}.")

    def happened(self, workspace: Workspace, event: Mapping[str, Any]) -> None:
        """Tell the app soon that something happened, if it listens to that."""
        self.events.happened(workspace, event)

    def happened_message(
        self, workspace: Workspace, channel: Channel, message: Message, subtype: str = ""
    ) -> None:
        """Tell the app that there is a message, or that it changed."""
        event = message_event(channel, message, subtype)
        self.happened(workspace, event)
        bot = next(iter(workspace.users.values()))
        if f"<@{bot.id}>" in message.text and not subtype and bot.id in channel.members:
            mention = {name: event[name] for name in event if name != "channel_type"}
            self.happened(workspace, {**mention, "type": "app_mention"})

    def happened_reaction(
        self, workspace: Workspace, message: Message, name: str, user: str, *, added: bool
    ) -> None:
        """Tell the app of a reaction."""
        item = {"type": "message", "channel": message.channel, "ts": message.ts}
        event = {"user": user, "reaction": name, "item": item, "item_user": message.user}
        self.happened(workspace, {"type": f"reaction_{'added' if added else 'removed'}", **event})

    def _home(self, message: Message) -> Workspace:
        return next(each for each in self.workspaces.values() if message.channel in each.channels)

    def _around(self, workspace: Workspace, user: User) -> dict[str, Any]:
        person = {"id": user.id, "username": user.name, "name": user.name, "team_id": workspace.id}
        return {
            "team": {"id": workspace.id, "domain": workspace.domain},
            "user": person,
            "api_app_id": self.app_id,
            "token": "deprecated-verification-token",
            "trigger_id": self.trigger(user),
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _action_payload(
        self, message: Message, user: User, action: Mapping[str, Any]
    ) -> dict[str, Any]:
        workspace = self._home(message)
        channel = workspace.channels[message.channel]
        bot = next(iter(workspace.users))
        looking = Call(self, "", Identity("bot", workspace, bot, BOT_SCOPES), {})  # type: ignore[arg-type]  # the server is the only one of this kind
        container = {"type": "message", "message_ts": message.ts, "channel_id": channel.id}
        return {
            "type": "block_actions",
            **self._around(workspace, user),
            "container": {**container, "is_ephemeral": bool(message.to)},
            "channel": {"id": channel.id, "name": channel.name or "directmessage"},
            "message": message_shape(message, looking, within=False),
            "state": {"values": {}},
            "response_url": self.response_url(channel, message),
            "actions": [dict(action)],
        }


def _blocks(message: Message) -> Iterator[Mapping[str, Any]]:
    yield from message.blocks
    for attachment in message.attachments:
        yield from attachment.get("blocks", ())


def _elements(block: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for each in block.get("elements", ()):
        yield from (each, *each.get("elements", ())) if isinstance(each, dict) else ()
    if "accessory" in block:
        yield block["accessory"]
    if "element" in block:
        yield block["element"]
