"""What the message of an approval says: while it is open, and after."""

from collections.abc import Sequence
from typing import Any

from brickwork_slack.approvals.waiting import (
    APPROVE,
    COMMENT,
    COMMENT_BLOCK,
    REFUSE,
    Decision,
    Waiting,
    Way,
)
from brickwork_slack.blockkit import (
    Block,
    Mrkdwn,
    Text,
    actions,
    button,
    checked,
    context,
    date,
    fallback,
    mention,
    mrkdwn,
    sections,
)

YES, NO = "white_check_mark", "x"
"""The reactions that approve and refuse."""


def question(
    text: Text, blocks: Sequence[Block], waiting: Waiting, by: Way, *, comment: bool
) -> dict[str, Any]:
    """Return the message that asks, as arguments of ``chat.postMessage``."""
    shown = [*sections(text), *blocks]
    if by == "reactions":
        how = mrkdwn("React with :{}: to approve, with :{}: to refuse.", Mrkdwn(YES), Mrkdwn(NO))
        shown.append(context(_needing(how, waiting.needed)))
    else:
        if comment:
            shown.append(_input())
        shown.append(
            actions(
                button("Approve", value=waiting.key, action_id=APPROVE, style="primary"),
                button("Refuse", value=waiting.key, action_id=REFUSE, style="danger"),
            )
        )
        if waiting.needed > 1:
            shown.append(context(_needing(Mrkdwn(""), waiting.needed)))
    return _arguments(shown)


def outcome(
    text: Text, blocks: Sequence[Block], approved: bool | None, decisions: Sequence[Decision]
) -> dict[str, Any]:
    """Return what the message says after, without buttons, as arguments of ``chat.update``."""
    decisive = [each for each in decisions if each.approved is approved]
    word = ":white_check_mark: Approved" if approved else ":x: Refused"
    told: list[Block] = [context(_said(word, each)) for each in decisive]
    return _arguments([*sections(text), *blocks, *told])


def ended(text: Text, blocks: Sequence[Block], why: str) -> dict[str, Any]:
    """Return what the message says where nothing was decided."""
    return _arguments([*sections(text), *blocks, context(f":hourglass: {why}")])


def _said(word: str, decision: Decision) -> Mrkdwn:
    return mrkdwn(
        "{} by {}, {}{}",
        Mrkdwn(word),
        mention(decision.by),
        date(decision.at),
        f": {decision.comment}" if decision.comment else "",
    )


def _needing(how: Mrkdwn, needed: int) -> Mrkdwn:
    if needed == 1:
        return how
    return Mrkdwn(f"{how.text} {needed} people have to approve; one refusal is enough.".strip())


def _input() -> Block:
    return {
        "type": "input",
        "block_id": COMMENT_BLOCK,
        "optional": True,
        "label": {"type": "plain_text", "text": "Comment"},
        "element": {"type": "plain_text_input", "action_id": COMMENT, "multiline": True},
    }


def _arguments(blocks: Sequence[Block]) -> dict[str, Any]:
    return {"text": fallback(blocks), "blocks": checked(blocks)}
