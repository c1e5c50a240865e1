"""What does not fit in a message is cut, split or attached, and nothing is lost in silence."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import example, given, settings, strategies as st

from brickwork import Attachment, Notification, NotifierError
from brickwork.notifier import Limits, Overflow, Unit, fitted
from brickwork.notifier.limits import MAX_MESSAGES, WHOLE_TEXT

# All of Unicode with lone surrogates, and more of what is cut at: spaces and ends of lines.
ANY_CHARACTER = st.one_of(
    st.characters(exclude_categories=()), st.sampled_from("\n \t\r\u2028é€\U0001f44d\u0301\\<&")
)
TEXTS = st.text(ANY_CHARACTER, max_size=60)
BODIES = st.one_of(
    TEXTS,
    st.builds(lambda part, times: part * times, st.text(ANY_CHARACTER, min_size=1), st.just(200)),
    st.lists(st.text("ab é€\U0001f44d", max_size=90), max_size=80).map("\n".join),
)
LENGTHS = st.one_of(st.none(), st.integers(0, 40), st.integers(40, 4000))


def escaped(text: str) -> int:
    """Measure a text as a service does that counts what it becomes in JSON."""
    return len(json.dumps(text)) - 2


LIMITS = st.builds(
    Limits,
    title=st.one_of(st.none(), st.integers(1, 40), st.integers(40, 4000)),
    body=LENGTHS,
    fields=st.one_of(st.none(), st.integers(0, 5)),
    field_name=LENGTHS,
    field_value=LENGTHS,
    total=st.one_of(st.none(), st.integers(1, 40), st.integers(40, 4000)),
    unit=st.sampled_from(Unit),
    links=st.one_of(st.none(), st.integers(0, 3)),
    attachments=st.integers(0, 3),
    attachment_bytes=LENGTHS,
    overflow=st.sampled_from(Overflow),
)
# A measure may count a character six times: where nothing fits, nothing can be made to.
MEASURED = st.builds(
    Limits,
    title=st.one_of(st.none(), st.integers(12, 400)),
    body=LENGTHS,
    total=st.one_of(st.none(), st.integers(48, 4000)),
    measure=st.just(escaped),
    overflow=st.sampled_from(Overflow),
)
ATTACHMENTS = st.lists(
    st.builds(Attachment, st.sampled_from(["a.txt", "b.csv", WHOLE_TEXT]), st.binary(max_size=60)),
    max_size=4,
)
NOTIFICATIONS = st.builds(
    Notification,
    title=TEXTS.filter(str.strip),
    body=BODIES,
    fields=st.dictionaries(TEXTS, TEXTS, max_size=8),
    url=st.one_of(st.none(), st.just("https://example.com/run")),
    thread_key=st.one_of(st.none(), TEXTS),
    dedupe_key=st.one_of(st.none(), TEXTS),
    tags=st.frozensets(TEXTS, max_size=2),
    links=st.dictionaries(TEXTS, st.just("https://example.com/more"), max_size=4),
    html=st.one_of(st.none(), st.just("<p>x</p>")),
    attachments=ATTACHMENTS.map(tuple),
)
LEFT_OUT = re.compile(r"… ([\d,]+) more characters$")


def measured(text: str, limits: Limits) -> int:
    """Count as the service does, by another way than the code."""
    if limits.measure is not None:
        return limits.measure(text)
    counts = {
        Unit.CHARACTERS: sum(1 for _ in text),
        Unit.UTF16: sum(2 if ord(each) > 0xFFFF else 1 for each in text),
        Unit.BYTES: sum(len(each.encode()) for each in text),
    }
    return counts[limits.unit]


def texts(message: Notification) -> Iterator[str]:
    """Return every text of a message."""
    yield message.title
    yield message.body
    yield from (text for pair in message.fields.items() for text in pair)
    yield from (text for pair in message.links.items() for text in pair)
    yield from message.tags
    yield from (text for text in (message.url, message.html) if text is not None)
    yield from (key for key in (message.thread_key, message.dedupe_key) if key is not None)


def excess(message: Notification, limits: Limits) -> list[str]:
    """Return in what a message is larger than the service takes."""
    pairs = list(message.fields.items())
    shown = [*pairs, *message.links.items(), ("", message.url or "")]
    parts = sum(measured(a, limits) + measured(b, limits) for a, b in shown)
    sizes: dict[str, tuple[int, int | None]] = {
        "title": (measured(message.title, limits), limits.title),
        "body": (measured(message.body, limits), limits.body),
        "fields": (len(pairs), limits.fields),
        "field_name": (max((measured(n, limits) for n, _ in pairs), default=0), limits.field_name),
        "field_value": (
            max((measured(v, limits) for _, v in pairs), default=0),
            limits.field_value,
        ),
        "total": (
            measured(message.title, limits) + measured(message.body, limits) + parts,
            limits.total,
        ),
        "links": (len(message.links), limits.links),
        "attachments": (len(message.attachments), limits.attachments),
        "attachment_bytes": (
            sum(len(each.content) for each in message.attachments),
            limits.attachment_bytes,
        ),
    }
    return [
        f"{name}: {size} > {limit}"
        for name, (size, limit) in sizes.items()
        if limit is not None and size > limit
    ]


@settings(max_examples=600, deadline=None)
@given(NOTIFICATIONS, st.one_of(LIMITS, MEASURED))
def test_everything_fits(notification: Notification, limits: Limits) -> None:
    """Whatever is sent and whatever the limits are, each message is within every one of them."""
    messages = fitted(notification, limits)

    assert 1 <= len(messages) <= MAX_MESSAGES
    for message in messages:
        assert excess(message, limits) == []
        assert message.title.strip()


@settings(max_examples=300, deadline=None)
@given(NOTIFICATIONS, st.one_of(LIMITS, MEASURED))
def test_no_character_is_broken(notification: Notification, limits: Limits) -> None:
    """Every text of every message can be encoded; no half of an emoji is left."""
    for message in fitted(notification, limits):
        for text in texts(message):
            text.encode("utf-8")


@settings(max_examples=300, deadline=None)
@given(NOTIFICATIONS, st.one_of(LIMITS, MEASURED))
def test_what_fits_is_left_alone(notification: Notification, limits: Limits) -> None:
    """A message that was made to fit once is not changed by doing it again."""
    for message in fitted(notification, limits):
        assert fitted(message, limits) == [message]


@settings(max_examples=300, deadline=None)
@given(NOTIFICATIONS)
@example(Notification("title", "\ud83d\ude00"))  # two halves of one character, which are joined
def test_no_limits_change_no_text(notification: Notification) -> None:
    """Without limits a notification is sent as it is, but for its title on one line."""
    (message,) = fitted(notification, Limits(attachments=9))

    if all(text.encode("utf-8", "replace").decode() == text for text in texts(notification)):
        links = {words or url: url for words, url in notification.links.items()}
        title = " ".join(notification.title.split())
        assert message == replace(notification, title=title, links=links)


@settings(max_examples=300, deadline=None)
@given(BODIES, LIMITS)
def test_cut_says_how_much(body: str, limits: Limits) -> None:
    """Where there is room to say so, the number of characters that were left out is exact."""
    limits = replace(limits, overflow=Overflow.CUT, title=None, fields=None)
    plain = fitted(Notification("title", body), Limits())[0].body
    (message,) = fitted(Notification("title", body), limits)
    if message.body == plain:
        return
    found = LEFT_OUT.search(message.body)
    if found is None:
        # There was no room for a sentence.
        room = min(each for each in (limits.body, limits.total) if each is not None)
        assert room < 5 + 4 * len(f"… {len(body):,} more characters")
        return
    head = message.body[: found.start()].removesuffix("\n")
    assert plain.startswith(head)
    assert int(found[1].replace(",", "")) == len(plain) - len(head)


def rejoined(messages: list[Notification], body: str) -> int:
    """Return how far the pieces of a body lead, in order, with at most one space between two."""
    at = 0
    for message in messages:
        if not body.startswith(message.body, at) or (not message.body and at < len(body)):
            assert body[at] in "\n "
            at += 1
        assert body.startswith(message.body, at)
        at += len(message.body)
    return at


@settings(max_examples=400, deadline=None)
@given(BODIES, st.dictionaries(TEXTS, TEXTS, max_size=8), LIMITS)
def test_split_loses_nothing(body: str, fields: dict[str, str], limits: Limits) -> None:
    """The messages of a split, one after another, are the whole text, in order and numbered."""
    limits = replace(limits, overflow=Overflow.SPLIT)
    # What found no place is in the body, too: as one message it is all of it.
    unlimited = replace(limits, body=None, total=None)
    if limits.total is not None:
        fields = {}
    notification = Notification("title", body, fields=fields)
    whole = fitted(notification, unlimited)[0].body
    messages = fitted(notification, limits)
    if len(messages) == 1:
        return
    for number, message in enumerate(messages, 1):
        assert message.title.endswith(f"({number}/{len(messages)})")
        assert number == 1 or (message.fields, message.attachments, message.url) == ({}, (), None)
    last = messages[-1].body
    found = LEFT_OUT.search(last)
    if found is None:
        assert rejoined(messages, whole) == len(whole)
        return
    assert len(messages) == MAX_MESSAGES
    messages[-1] = replace(messages[-1], body=last[: found.start()].removesuffix("\n"))
    assert len(whole) - rejoined(messages, whole) == int(found[1].replace(",", ""))


@settings(max_examples=300, deadline=None)
@given(BODIES, LIMITS)
def test_attach_loses_nothing(body: str, limits: Limits) -> None:
    """A body that is too long is in the file as a whole, where a file is taken."""
    total = limits.total and max(limits.total, 40)  # so that the title stays where it is
    limits = replace(limits, overflow=Overflow.ATTACH, title=None, total=total)
    limits = replace(limits, attachments=1, attachment_bytes=None)
    plain = fitted(Notification("title", body), replace(limits, body=None, total=None))[0].body
    (message,) = fitted(Notification("title", body), limits)

    if message.body != plain:
        (file,) = message.attachments
        assert (file.name, file.content.decode()) == (WHOLE_TEXT, plain)


@settings(max_examples=300, deadline=None)
@given(NOTIFICATIONS, LIMITS)
def test_files_arrive_or_are_named(notification: Notification, limits: Limits) -> None:
    """Every file is attached, or a line names it, as long as there is room for lines."""
    limits = replace(limits, body=None, total=None)
    (message,) = fitted(notification, limits)

    kept = [each.name for each in message.attachments]
    named = re.findall(r"^Not attached: (\S+) \(", message.body, re.MULTILINE)
    assert sorted(kept + named) == sorted(each.name for each in notification.attachments)


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.integers(-3, 80), st.sampled_from(Unit))
def test_head_is_the_longest(text: str, limit: int, unit: Unit) -> None:
    """`Limits.head` takes whole characters, and as many as there is room for."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    limits = Limits(unit=unit)
    head = limits.head(text, limit)

    assert text.startswith(head)
    assert measured(head, limits) <= max(0, limit)
    if len(head) < len(text):
        assert measured(text[: len(head) + 1], limits) > limit


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.integers(-3, 80), st.sampled_from(Unit))
def test_cut_is_within_its_limit(text: str, limit: int, unit: Unit) -> None:
    """`Limits.cut` keeps what fits, and marks what it cut where a mark fits."""
    limits = Limits(unit=unit)
    cut = limits.cut(text, limit)

    assert cut == text or limits.size(cut) <= max(0, limit)
    if limits.size(text) <= limit:
        assert cut == text
    elif limit >= 3:
        assert cut.endswith("…")


def test_long_title_goes_to_the_body() -> None:
    """A title that is too long is marked as cut, and is whole as the first line of the body."""
    (message,) = fitted(Notification("word " * 60, body="the body"), Limits(title=50, body=4000))

    assert message.title == ("word " * 60)[:49] + "…"
    assert message.body == ("word " * 60).strip() + "\nthe body"


def test_files_are_named_before_a_body_that_is_cut() -> None:
    """What found no place comes before a long body, since its end is what is left out."""
    notification = Notification(
        "title",
        body="line\n" * 500,
        fields={"run": "1742", "host": "db-1"},
        attachments=(Attachment("log.txt", b"12345"),),
    )
    (message,) = fitted(notification, Limits(body=200, fields=1))

    lines = message.body.split("\n")
    assert lines[:3] == ["host: db-1", "Not attached: log.txt (5 bytes)", "line"]
    assert LEFT_OUT.search(lines[-1])
    (short,) = fitted(replace(notification, body="line"), Limits(body=200, fields=1))
    assert short.body.split("\n") == ["line", "host: db-1", "Not attached: log.txt (5 bytes)"]


def test_surrogates_that_belong_together_are_joined() -> None:
    """Two halves of an emoji become one; a half alone becomes the replacement character."""
    (message,) = fitted(Notification("\ud83d\udc4d \ud83d", body="a\udfffb"), Limits())

    assert (message.title, message.body) == ("\U0001f44d \ufffd", "a\ufffdb")


@pytest.mark.parametrize("overflow", list(Overflow))
def test_a_title_without_room_for_numbers_is_cut(overflow: Overflow) -> None:
    """Where a title cannot take its number, the body is cut and not split."""
    (message,) = fitted(
        Notification("a title", body="x" * 900), Limits(title=7, body=100, overflow=overflow)
    )

    assert message.title == "a title"
    assert message.body == "x" * 78 + "\n… 822 more characters"


@pytest.mark.parametrize("name", ["title", "total"])
def test_limits_need_room(name: str) -> None:
    """A limit that leaves no room for a title is an error that says so."""
    with pytest.raises(NotifierError, match=name):
        Limits(**{name: 0})  # type: ignore[arg-type]  # a number for either


@pytest.mark.parametrize(
    "name",
    ["body", "fields", "field_name", "field_value", "links", "attachments", "attachment_bytes"],
)
def test_limits_are_not_negative(name: str) -> None:
    """A limit below zero is an error that names it."""
    with pytest.raises(NotifierError, match=name):
        Limits(**{name: -1})  # type: ignore[arg-type]  # a number for each


def test_html_goes_where_the_text_is_not_whole() -> None:
    """Once the body says more or less than the HTML, the HTML is not sent."""
    notification = Notification("title", body="x" * 90, html="<p>x</p>")

    assert fitted(notification, Limits(body=90))[0].html == "<p>x</p>"
    assert fitted(notification, Limits(body=50))[0].html is None
    assert fitted(replace(notification, fields={"a": "b"}), Limits(fields=0))[0].html is None


def test_keys_of_a_split() -> None:
    """All messages stay in the thread; only the first one is about the incident."""
    notification = Notification("title", body="x" * 300, thread_key="run", dedupe_key="incident")
    messages = fitted(notification, Limits(body=100, overflow=Overflow.SPLIT))

    assert [each.thread_key for each in messages] == ["run"] * 3
    assert [each.dedupe_key for each in messages] == ["incident", None, None]
