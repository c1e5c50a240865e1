"""What people do with the app: buttons, menus, modals, shortcuts and slash commands.

https://docs.slack.dev/interactivity/handling-user-interaction/ and
https://docs.slack.dev/interactivity/implementing-slash-commands/
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from brickwork import register_type
from brickwork_slack.receivers.request import Hidden, Part, SlackRequest, Text, at


def chosen(element: Mapping[str, Any]) -> Any:
    """Return what somebody chose or wrote in an element, however its kind says it.

    A text for an input, a button, a date or one of several; a tuple of texts for several; None
    where nothing was. What is none of these, a rich text or files, is as Slack sends it.
    """
    for name, value in element.items():
        if value is None or not (name.startswith("selected_") or name in _WRITTEN):
            continue
        if isinstance(value, list):
            return tuple(_option(each) for each in value)
        return _option(value)
    return None


_WRITTEN = ("value", "rich_text_value", "files")


def _option(value: Any) -> Any:
    return value["value"] if isinstance(value, Mapping) and "value" in value else value


def _values(state: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        block: {action: chosen(element) for action, element in elements.items()}
        for block, elements in state.items()
    }


@register_type("slack.view")
class View(Part):
    """A modal, or a home.

    Attributes:
        view_id: What Slack knows it by.
        callback_id: What the app knows it by.
        kind: ``modal`` or ``home``.
        private_metadata: What the app wrote in it, and nobody sees.
        hash: What tells whether it was changed since.
        state: What was chosen and written, by block and action, as Slack sends it.
    """

    view_id: str = Field("", validation_alias="id")
    callback_id: str = ""
    kind: str = Field("modal", validation_alias="type")
    private_metadata: str = ""
    hash: str = ""
    state: Mapping[str, Mapping[str, Any]] = Field({}, validation_alias="state_values")

    @property
    def values(self) -> dict[str, dict[str, Any]]:
        """What was chosen and written, by block and action; see `chosen`."""
        return _values(self.state)


@register_type("slack.interaction")
class SlackInteraction(SlackRequest):
    """Something that somebody did with the app.

    Attributes:
        user_name: The user's name.
        trigger_id: What a modal is opened with, within three seconds.
        response_url: Where to reply to, up to five times within 30 minutes; None where nobody sees.
        view: The modal or home that it happened in; None for a message.
    """

    user_name: Text = at("user.username", "user.name", "user_name")
    trigger_id: Text = at("trigger_id")
    response_url: Hidden = at("response_url")
    view: View | None = at("view")


@register_type("slack.action")
class Action(Part):
    """A button that was pressed, or a menu or an input that was changed.

    Attributes:
        action_id: What the app knows the element by.
        block_id: What it knows the block by.
        kind: ``button``, ``static_select``, ``plain_text_input`` ...
        value: What was pressed, chosen or written; see `chosen`.
    """

    action_id: str
    block_id: str = ""
    kind: str = Field("", validation_alias="type")
    value: Any = None


@register_type("slack.block-actions")
class BlockActions(SlackInteraction):
    """Somebody pressed a button or chose something, in a message, a modal or a home.

    https://docs.slack.dev/reference/interaction-payloads/block_actions-payload

    Attributes:
        actions: What was pressed; one, nearly always.
        ts: What Slack knows the message by; None in a view.
        thread_ts: The thread that the message is in.
        message: The message, as Slack sends it; None in a view.
        state: What was chosen and written in the message's other elements, as Slack sends it.
    """

    actions: tuple[Action, ...] = Field(min_length=1)
    ts: Text = at("container.message_ts", "message.ts")
    thread_ts: Text = at("container.thread_ts", "message.thread_ts")
    message: Mapping[str, Any] | None = None
    state: Mapping[str, Mapping[str, Any]] = at("state.values", default={})

    @property
    def action(self) -> Action:
        """What was pressed first."""
        return self.actions[0]

    @property
    def values(self) -> dict[str, dict[str, Any]]:
        """What was chosen and written, by block and action; see `chosen`."""
        return _values(self.state) if self.view is None else self.view.values

    @property
    def handled_by(self) -> tuple[str, ...]:
        """``block_actions:ACTION_ID``, and ``block_actions``."""
        return (f"block_actions:{self.action.action_id}", self.type)


@register_type("slack.view-submission")
class ViewSubmission(SlackInteraction):
    """Somebody submitted a modal.

    https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload

    Attributes:
        view: The modal; ``view.values`` is what was written.
        response_urls: Where to reply to, for each input that asks for a channel with
            ``response_url_enabled``.
    """

    view: View = at("view", default=...)
    response_urls: tuple[Hidden, ...] = at("response_url_texts", default=())

    @property
    def handled_by(self) -> tuple[str, ...]:
        """``view_submission:CALLBACK_ID``, and ``view_submission``."""
        return (f"{self.type}:{self.view.callback_id}", self.type)


@register_type("slack.view-closed")
class ViewClosed(SlackInteraction):
    """Somebody closed a modal that has ``notify_on_close``.

    https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload

    Attributes:
        view: The modal.
        is_cleared: Whether all modals were closed, and not this one alone.
    """

    view: View = at("view", default=...)
    is_cleared: bool = False

    @property
    def handled_by(self) -> tuple[str, ...]:
        """``view_closed:CALLBACK_ID``, and ``view_closed``."""
        return (f"{self.type}:{self.view.callback_id}", self.type)


@register_type("slack.shortcut")
class Shortcut(SlackInteraction):
    """Somebody called a global shortcut.

    https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload

    Attributes:
        callback_id: What the app knows the shortcut by.
    """

    callback_id: str

    @property
    def handled_by(self) -> tuple[str, ...]:
        """``shortcut:CALLBACK_ID``, and ``shortcut``."""
        return (f"{self.type}:{self.callback_id}", self.type)


@register_type("slack.message-action")
class MessageAction(Shortcut):
    """Somebody called a shortcut on a message.

    https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload

    Attributes:
        message: The message, as Slack sends it.
        ts: What Slack knows the message by.
        text: The message's text.
    """

    message: Mapping[str, Any]
    ts: Text = at("message.ts", "message_ts")
    text: str = at("message.text", default="")


@register_type("slack.block-suggestion")
class BlockSuggestion(SlackInteraction):
    """Slack wants the options of a menu, for what somebody wrote into it.

    https://docs.slack.dev/reference/interaction-payloads/block_suggestion-payload

    Attributes:
        action_id: What the app knows the menu by.
        block_id: What it knows the block by.
        value: What was written.
    """

    action_id: str
    block_id: str = ""
    value: str = ""

    @property
    def handled_by(self) -> tuple[str, ...]:
        """``block_suggestion:ACTION_ID``, and ``block_suggestion``."""
        return (f"{self.type}:{self.action_id}", self.type)


@register_type("slack.slash-command")
class SlashCommand(SlackInteraction):
    """Somebody called a slash command; ``type`` is the command: ``/deploy``.

    https://docs.slack.dev/interactivity/implementing-slash-commands/

    Attributes:
        text: What was written behind it.
        channel_name: The channel's name; ``directmessage`` or ``privategroup`` for some.
    """

    type: str = Field(validation_alias="command", pattern="^/")
    text: str = ""
    channel_name: str = ""


INTERACTIONS: Mapping[str, type[SlackInteraction]] = {
    "block_actions": BlockActions,
    "block_suggestion": BlockSuggestion,
    "message_action": MessageAction,
    "shortcut": Shortcut,
    "view_closed": ViewClosed,
    "view_submission": ViewSubmission,
}
"""The class of each interaction, by Slack's name of it."""
