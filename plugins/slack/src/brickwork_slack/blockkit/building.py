"""The builders: each gives one block as Slack takes it. What is too long is cut.

A ``str`` is shown as it is, but for codes of emoji such as ``:tada:``; a `Mrkdwn` is markup.
Addresses, values and ids are never cut: they would mean something else.
"""

from collections.abc import Iterable, Mapping

from brickwork_slack.blockkit import limits
from brickwork_slack.blockkit.cutting import cut, split
from brickwork_slack.blockkit.markup import (
    NO_WIDTH,
    Mrkdwn,
    Text,
    escape,
    is_link,
    markup_of,
    sound,
)
from brickwork_slack.blockkit.shapes import (
    Actions,
    Button,
    Confirmation,
    Context,
    Divider,
    Header,
    Image,
    MrkdwnText,
    PlainText,
    RichText,
    Section,
    Style,
    TextObject,
)
from brickwork_slack.errors import SlackInvalid

_FULL, _EMPTY = "\u2588", "\u2591"
_LONGEST_BAR = 60


def header(text: str) -> Header:
    """Return a header: one line in large letters, 150 characters.

    See https://docs.slack.dev/reference/block-kit/blocks/header-block.
    """
    return {"type": "header", "text": plain_text(on_one_line(text), limits.MOST_HEADER)}


def section(
    text: Text, *, accessory: Button | Image | None = None, expand: bool = False
) -> Section:
    """Return a text, 3,000 characters.

    See https://docs.slack.dev/reference/block-kit/blocks/section-block.

    Args:
        text: What it says.
        accessory: A button or an image beside it.
        expand: Show the whole of a long text at once.
    """
    made: Section = {"type": "section", "text": text_object(text, limits.MOST_SECTION)}
    if accessory is not None:
        made["accessory"] = accessory
    if expand:
        made["expand"] = True
    return made


def sections(text: Text) -> list[Section]:
    """Return a text of any length, in as many sections as it needs; none for one that is blank."""
    if isinstance(text, Mrkdwn):
        parts = split(sound(text.text), limits.MOST_SECTION, markup=True)
        return [section(Mrkdwn(part)) for part in parts]
    return [section(part) for part in split(sound(text), limits.MOST_SECTION)]


def fields(values: Mapping[str, object] | Iterable[Text]) -> list[Section]:
    """Return facts in two columns, ten to a section.

    See https://docs.slack.dev/reference/block-kit/blocks/section-block.

    Args:
        values: By name, which stands above the value in bold; or texts.
    """
    if isinstance(values, Mapping):
        texts: Iterable[Text] = [_fact(name, value) for name, value in values.items()]
    else:
        texts = values
    shown = [text_object(text, limits.MOST_FIELD) for text in texts]
    step = limits.MOST_FIELDS
    return [
        {"type": "section", "fields": shown[at : at + step]} for at in range(0, len(shown), step)
    ]


def code(text: str) -> RichText:
    """Return code: letters of one width, nothing in it is markup, 9,000 characters.

    See https://docs.slack.dev/reference/block-kit/blocks/rich-text-block.
    """
    shown = cut(sound(text).strip("\n"), limits.MOST_CODE) or " "
    return {
        "type": "rich_text",
        "elements": [
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": shown}]}
        ],
    }


def context(*elements: Text | Image) -> Context:
    """Return texts and images in small letters, ten; the rest is counted.

    See https://docs.slack.dev/reference/block-kit/blocks/context-block.

    Raises:
        SlackInvalid: There is none.
    """
    if not elements:
        raise SlackInvalid("A context has no element.", fix="Give a text or an image.")
    shown = list(elements)
    if len(shown) > limits.MOST_ELEMENTS:
        kept = limits.MOST_ELEMENTS - 1
        shown = [*shown[:kept], f"\u2026 {len(shown) - kept} more"]
    return {
        "type": "context",
        "elements": [
            text_object(each, limits.MOST_CONTEXT) if isinstance(each, str | Mrkdwn) else each
            for each in shown
        ],
    }


def divider() -> Divider:
    """Return a line. See https://docs.slack.dev/reference/block-kit/blocks/divider-block."""
    return {"type": "divider"}


def image(url: str, alt: str, *, title: str = "") -> Image:
    """Return an image.

    See https://docs.slack.dev/reference/block-kit/blocks/image-block.

    Args:
        url: Where Slack fetches it; a message with one that Slack cannot fetch is refused.
        alt: What it shows, in words.
        title: Above it; not in a context.

    Raises:
        SlackInvalid: The URL is none, or too long.
    """
    made: Image = {
        "type": "image",
        "image_url": _address(url, "image", web=True),
        "alt_text": cut(on_one_line(alt), limits.MOST_ALT) or "image",
    }
    if title:
        made["title"] = plain_text(on_one_line(title), limits.MOST_ALT)
    return made


def button(
    text: str,
    *,
    url: str | None = None,
    value: str | None = None,
    action_id: str | None = None,
    style: Style | None = None,
    confirm: Confirmation | None = None,
) -> Button:
    """Return a button, with at most 75 characters.

    See https://docs.slack.dev/reference/block-kit/block-elements/button-element.

    Args:
        text: What is on it.
        url: What it opens.
        value: What the app is told when it is pressed.
        action_id: Which button it is, for the app.
        style: ``primary`` is green, ``danger`` red.
        confirm: What is asked before.

    Raises:
        SlackInvalid: The URL is none, or something is too long.
    """
    made: Button = {"type": "button", "text": plain_text(on_one_line(text), limits.MOST_BUTTON)}
    if url is not None:
        made["url"] = _address(url, "button")
    if value is not None:
        made["value"] = _whole(value, limits.MOST_VALUE, "value of a button")
    if action_id is not None:
        made["action_id"] = _whole(action_id, limits.MOST_ID, "action_id")
    if style is not None:
        made["style"] = style
    if confirm is not None:
        made["confirm"] = confirm
    return made


def confirmation(
    text: Text,
    *,
    title: str = "Are you sure?",
    confirm: str = "Yes",
    deny: str = "No",
    style: Style | None = None,
) -> Confirmation:
    """Return a dialog that asks before a button acts.

    See https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object.

    Args:
        text: What it says, 300 characters.
        title: Its title, 100 characters.
        confirm: The button that goes on, 30 characters.
        deny: The button that does not.
        style: Of the button that goes on.
    """
    made: Confirmation = {
        "title": plain_text(on_one_line(title), limits.MOST_CONFIRM_TITLE),
        "text": text_object(text, limits.MOST_CONFIRM_TEXT),
        "confirm": plain_text(on_one_line(confirm), limits.MOST_CONFIRM_BUTTON),
        "deny": plain_text(on_one_line(deny), limits.MOST_CONFIRM_BUTTON),
    }
    if style is not None:
        made["style"] = style
    return made


def actions(*buttons: Button, block_id: str | None = None) -> Actions:
    """Return a row of buttons, 25 at the most.

    See https://docs.slack.dev/reference/block-kit/blocks/actions-block.

    Raises:
        SlackInvalid: There is none, there are too many, or two have one action_id.
    """
    if not 1 <= len(buttons) <= limits.MOST_BUTTONS:
        raise SlackInvalid(
            f"A row has {len(buttons)} buttons.", fix=f"Give 1 to {limits.MOST_BUTTONS}."
        )
    ids = [each["action_id"] for each in buttons if "action_id" in each]
    if len(set(ids)) < len(ids):
        raise SlackInvalid("Two buttons of a row have one action_id.", fix="Give each its own.")
    made: Actions = {"type": "actions", "elements": list(buttons)}
    if block_id is not None:
        made["block_id"] = _whole(block_id, limits.MOST_ID, "block_id")
    return made


def progress_bar(done: float, total: float, *, width: int = 20) -> str:
    """Return how much of something is done, as text: a bar and percents.

    Args:
        done: How much is done; below 0 and above the total counts as these.
        total: How much there is; of nothing all is done.
        width: How many characters the bar has, 1 to 60.

    Examples:
        >>> progress_bar(3, 4, width=8)
        '██████░░ 75 %'
    """
    share = min(max(done / total, 0.0), 1.0) if total > 0 else 1.0
    width = min(max(width, 1), _LONGEST_BAR)
    full = int(share * width)  # not rounded: a full bar means that all is done
    return f"{_FULL * full}{_EMPTY * (width - full)} {int(share * 100)} %"


def progress(done: float, total: float, text: Text = "", *, width: int = 20) -> Section:
    """Return a section with a bar, and a text before it.

    Args:
        done: As for `progress_bar`.
        total: As above.
        text: What is done.
        width: As above.
    """
    bar = progress_bar(done, total, width=width)
    if not str(text):
        return section(bar)
    if isinstance(text, Mrkdwn):
        return section(Mrkdwn(f"{cut(text.text, 2900, markup=True)}\n{escape(bar)}"))
    return section(f"{cut(text, 2900)}\n{bar}")


def plain_text(text: str, limit: int) -> PlainText:
    """Return a text object that shows a text as it is, cut."""
    # Slack refuses empty texts.
    return {"type": "plain_text", "text": cut(sound(text), limit) or NO_WIDTH, "emoji": True}


def text_object(text: Text, limit: int) -> TextObject:
    """Return a text object, cut."""
    if not isinstance(text, Mrkdwn):
        return plain_text(text, limit)
    made: MrkdwnText = {
        "type": "mrkdwn",
        "text": cut(sound(text.text), limit, markup=True) or NO_WIDTH,
        "verbatim": True,
    }
    return made


def on_one_line(text: str) -> str:
    """Return a text without line breaks."""
    return " ".join(sound(text).split())


def _fact(name: str, value: object) -> Mrkdwn:
    text = markup_of(value if isinstance(value, Mrkdwn) else str(value))
    return Mrkdwn(f"*{cut(escape(on_one_line(name)), 500, markup=True)}*\n{text}")


def _address(url: str, whose: str, *, web: bool = False) -> str:
    url = sound(url).strip()
    if not is_link(url) or (web and not url.lower().startswith("http")):
        raise SlackInvalid(
            f"The URL of {'an' if whose == 'image' else 'a'} {whose} is none that Slack takes.",
            fix=f"Give one with https://, without spaces, of {limits.MOST_URL} characters at most.",
        )
    return url


def _whole(text: str, limit: int, what: str) -> str:
    if not 1 <= limits.size(text) <= limit:
        raise SlackInvalid(
            f"The {what} has {limits.size(text)} characters.", fix=f"Give 1 to {limit}."
        )
    return text
