"""What a handler answers Slack itself, within the three seconds that Slack waits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from brickwork import InvalidArguments
from brickwork_slack.receivers.interactions import BlockSuggestion, SlashCommand
from brickwork_slack.receivers.request import SlackRequest

Handler = Callable[[Any], object]
"""Takes a request; what it returns is awaited if it can be."""


@dataclass(frozen=True)
class Answering:
    """A handler whose result is the answer; made by `answers`.

    Attributes:
        handler: The handler.
    """

    handler: Handler

    def __call__(self, request: Any) -> object:
        """Call the handler."""
        return self.handler(request)


def answers(handler: Handler) -> Answering:
    """Let a handler give the answer itself: Slack waits for it, for three seconds.

    Without this, Slack is told that a request came, and the handler runs after it. With it, what
    the handler returns is the answer:

    - for a slash command a text that only the caller sees, or a message as Slack describes it;
    - for a modal that was submitted `view_errors`, `view_update`, `view_push` or `views_clear`;
    - for the options of a menu (where no ``answers`` is needed) texts, a mapping from text to
      value, or options as Slack describes them;
    - for all others nothing: Slack is told that it failed where the handler raises, and so sends
      an event again.

    A handler that takes longer goes on, but its result reaches nobody: reply by ``response_url``.

    Args:
        handler: The function; usable as a decorator.
    """
    return Answering(handler)


def view_errors(errors: Mapping[str, str]) -> dict[str, Any]:
    """Answer a modal that was submitted: it stays, with these errors.

    Args:
        errors: What to say below an input, by its block's ``block_id``.
    """
    return {"response_action": "errors", "errors": dict(errors)}


def view_update(view: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a modal that was submitted: it becomes this view."""
    return {"response_action": "update", "view": dict(view)}


def view_push(view: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a modal that was submitted: this view comes on top of it."""
    return {"response_action": "push", "view": dict(view)}


def views_clear() -> dict[str, Any]:
    """Answer a modal that was submitted: it is closed, with those below it."""
    return {"response_action": "clear"}


def answer_of(request: SlackRequest, result: object) -> Any:
    """Return what to send as JSON for what a handler returned.

    Raises:
        InvalidArguments: That is nothing that this request can be answered with.
    """
    if result is None:
        return None
    if isinstance(request, BlockSuggestion) and not _is_answer(result):
        return {"options": [_option(text, value) for text, value in _pairs(request, result)]}
    if isinstance(request, SlashCommand) and isinstance(result, str):
        return {"response_type": "ephemeral", "text": result}
    if isinstance(result, Mapping):
        return dict(result)
    raise InvalidArguments(
        f"The handler of {request.handled_by[0]!r} returned a {type(result).__name__}, which is no"
        " answer.",
        fix="Return nothing, or what `answers` describes.",
    )


def _is_answer(result: object) -> bool:
    return isinstance(result, Mapping) and ("options" in result or "option_groups" in result)


def _pairs(request: SlackRequest, result: object) -> list[tuple[str, Any]]:
    if isinstance(result, Mapping):
        return list(result.items())
    if isinstance(result, Sequence) and not isinstance(result, str):
        return [("", each) if isinstance(each, Mapping) else (each, each) for each in result]
    raise InvalidArguments(
        f"The handler of {request.handled_by[0]!r} returned a {type(result).__name__}, which is no"
        " list of options.",
        fix="Return texts, or a mapping from text to value.",
    )


def _option(text: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    return {"text": {"type": "plain_text", "text": text}, "value": str(value)}
