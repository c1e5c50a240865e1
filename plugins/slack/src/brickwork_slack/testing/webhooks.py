"""What stands for Slack's incoming webhooks in the contract of notifiers."""

import json

from brickwork.testing.notifier import Answer, Asked, Behaviour, HttpCounterpart

_CODES = {Behaviour.REFUSING: (404, b"no_service"), Behaviour.BROKEN: (500, b"rollup_error")}


class WebhookCounterpart(HttpCounterpart):
    """Slack's webhooks: answers in Slack's words, and looks at a message before it takes it."""

    def message_of(self, asked: Asked) -> str | None:
        """Return the message; None for one that says nothing, as checks send."""
        return None if _is_empty(asked.body) else super().message_of(asked)

    def answer_to(self, asked: Asked, behaviour: Behaviour, *, limited: bool) -> Answer:
        """Return Slack's answer."""
        if behaviour in _CODES:
            return Answer(*_CODES[behaviour])
        if behaviour is Behaviour.OK:
            refused = _refused(asked.body)
            if refused:
                return Answer(400, refused.encode())
        return super().answer_to(asked, behaviour, limited=limited)


def _is_empty(body: bytes) -> bool:
    message = json.loads(body)
    if message.get("delete_original"):
        return False
    return not (message.get("text") or message.get("blocks") or message.get("attachments"))


def _refused(body: bytes) -> str:
    """Return Slack's code for a message that it does not take; an empty one for others."""
    from slack_sdk.models.blocks import Block

    from brickwork_slack.blockkit import problems

    if _is_empty(body):
        return "no_text"
    message = json.loads(body)
    for place in [message, *message.get("attachments", ())]:
        blocks = place.get("blocks") or []
        if list(problems(blocks)):
            return "invalid_blocks" if place is message else "invalid_attachments"
        for block in blocks:
            read = Block.parse(block)
            if read is None:
                return "invalid_blocks"
            read.validate_json()
    return ""
