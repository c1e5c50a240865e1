"""Makes the payloads of views, and looks at them before they are sent.

See https://docs.slack.dev/reference/views.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from brickwork_slack.blockkit import Block, problems
from brickwork_slack.blockkit.limits import size
from brickwork_slack.errors import SlackInvalid

MOST_BLOCKS = 100
_LENGTHS = {"title": 24, "submit": 24, "close": 24}
_TEXTS = {"private_metadata": 3000, "callback_id": 255, "external_id": 255}


def home(blocks: Sequence[Block], **more: Any) -> dict[str, Any]:
    """Return the payload of a home tab.

    Args:
        blocks: At most 100.
        more: ``private_metadata``, ``callback_id``, ``external_id``; None is left out.
    """
    return _view("home", blocks, more)


def modal(
    title: str,
    blocks: Sequence[Block],
    *,
    submit: str | None = None,
    close: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return the payload of a modal.

    Args:
        title: At most 24 characters.
        blocks: At most 100; with inputs, it needs ``submit``.
        submit: What stands on the button that sends it; at most 24 characters.
        close: What stands on the button that closes it; at most 24 characters.
        more: ``private_metadata``, ``callback_id``, ``external_id``, ``clear_on_close``,
            ``notify_on_close``; None is left out.

    Examples:
        >>> from brickwork_slack.blockkit import section
        >>> modal("Deploy", [section("Sure?")], submit="Yes")["submit"]["text"]
        'Yes'
    """
    texts = {"title": title, "submit": submit, "close": close}
    shown = {
        name: {"type": "plain_text", "text": text}
        for name, text in texts.items()
        if text is not None
    }
    return _view("modal", blocks, {**shown, **more})


def _view(kind: str, blocks: Sequence[Block], more: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in more.items() if value is not None}
    return {"type": kind, "blocks": list(blocks), **given}


def checked_view(view: Mapping[str, Any], kind: str | None = None) -> dict[str, Any]:
    """Return a view that keeps Slack's limits.

    Args:
        view: The payload.
        kind: What it must be: ``home`` or ``modal``; None: any.

    Raises:
        SlackInvalid: It does not; with what is wrong, and where.
    """
    found = tuple(view_problems(view, kind))
    if not found:
        return dict(view)
    error = SlackInvalid(
        f"Slack would not take this view: {'; '.join(found[:5])}"
        + (f"; and {len(found) - 5} more." if len(found) > 5 else "."),
        fix="Mend the view; home() and modal() of brickwork_slack make some.",
    )
    error.error = "invalid_arguments"
    error.messages = tuple(f"[ERROR] {each}" for each in found)
    raise error


def view_problems(view: Mapping[str, Any], kind: str | None = None) -> Iterator[str]:
    """Yield what is wrong with a view, in Slack's words; nothing if all is well."""
    is_kind = view.get("type")
    if is_kind not in ("home", "modal") or kind not in (None, is_kind):
        yield f"must be {kind or 'home or modal'} [json-pointer:/view/type]"
    if is_kind == "modal" and "title" not in view:
        yield "missing required field: title [json-pointer:/view]"
    for name, most in _LENGTHS.items():
        if name not in view:
            continue
        if not isinstance(view[name], Mapping):
            yield f"must provide an object [json-pointer:/view/{name}]"
            continue
        text = str(view[name].get("text") or "")
        if not text:
            yield f"must be more than 0 characters [json-pointer:/view/{name}/text]"
        if size(text) > most:
            yield f"must be less than {most + 1} characters [json-pointer:/view/{name}/text]"
    for name, most in _TEXTS.items():
        given = view.get(name) or ""
        if not isinstance(given, str):
            yield f"must provide a string [json-pointer:/view/{name}]"
        elif size(given) > most:
            yield f"must be less than {most + 1} characters [json-pointer:/view/{name}]"
    blocks = view.get("blocks")
    if not isinstance(blocks, Sequence) or isinstance(blocks, str):
        yield "missing required field: blocks [json-pointer:/view]"
        return
    inputs = [each for each in blocks if isinstance(each, Mapping) and each.get("type") == "input"]
    if is_kind == "modal" and inputs and "submit" not in view:
        yield "a modal with inputs needs submit [json-pointer:/view/submit]"
    yield from problems(blocks, most=MOST_BLOCKS, place="/view/blocks")
