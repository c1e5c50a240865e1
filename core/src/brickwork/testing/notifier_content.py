"""The part of the contract of notifiers that is about what arrives, and what is said to be cut."""

import re

import pytest

from brickwork.fanout import notify
from brickwork.notifier import (
    Attachment,
    MessageTemplate,
    Notification,
    Notifier,
    Overflow,
    Severity,
    fitted,
)
from brickwork.testing.notifier_counterpart import Behaviour, Counterpart
from brickwork.testing.notifier_inputs import (
    LONG_BODY,
    ODD_TEXTS,
    READABLE,
    body_to_split,
    left_out,
    words,
)
from brickwork.testing.notifier_setting import NotifierSetting

_LARGEST_TRIED = 64 * 1024 * 1024
_FEWEST_SEVERITIES = 3
_TIMES = re.compile(r"\d{4}-\d\d-\d\d\S*|\d\d:\d\d:\d\d\S*|\b1[6-9]\d{8}(?:\d{3})?(?:\.\d+)?\b")


class ContentNotifierContract(NotifierSetting):
    """What must arrive; a part of `NotifierContract`, with its fixture."""

    def test_title_alone_delivers(self, counterpart: Counterpart) -> None:
        """Everything but the title may be left out."""
        self._delivered(counterpart.notifier(Behaviour.OK), Notification("just this"))

        assert "just this" in counterpart.received(), "the title did not arrive"

    @pytest.mark.parametrize("severity", list(Severity))
    def test_takes_every_severity(self, counterpart: Counterpart, severity: Severity) -> None:
        """A service that knows fewer severities maps them; none is an error."""
        receipt = counterpart.notifier(Behaviour.OK).send(Notification("x", severity=severity))

        assert receipt.delivered, f"severity {severity}: {receipt}"

    def test_severities_can_be_told_apart(self, counterpart: Counterpart) -> None:
        """At least three of the five look different, by a word, a colour or an icon."""
        notifier = counterpart.notifier(Behaviour.OK)
        # Each twice: what differs between two of one severity is an id or a time.
        rounds = [
            {each: self._look(counterpart, notifier, each) for each in Severity} for _ in range(2)
        ]
        looks = {frozenset(rounds[0][each] & rounds[1][each]) for each in Severity}
        assert len(looks) >= _FEWEST_SEVERITIES, (
            f"the five severities arrive in {len(looks)} forms; show the severity, by its name, a "
            "colour or the levels of the service"
        )

    def test_links_and_tags_arrive(self, counterpart: Counterpart) -> None:
        """Links arrive with their words and their addresses, and tags by name."""
        self._delivered(
            counterpart.notifier(Behaviour.OK),
            Notification(
                "title-5e5",
                links={"runbook-5e6": "https://example.com/5e7"},
                tags=frozenset({"tag-5e8"}),
            ),
        )
        arrived = counterpart.received()
        for part in ("runbook-5e6", "https://example.com/5e7"):
            assert part in arrived, (
                f"{part} did not arrive; send links as buttons, or as lines of the body"
            )
        assert "tag-5e8" in arrived, "the tag did not arrive; send tags, or put them in the body"

    def test_texts_arrive_as_they_are(self, counterpart: Counterpart) -> None:
        """Letters of any script, and emoji, arrive unchanged."""
        self._delivered(
            counterpart.notifier(Behaviour.OK),
            Notification(f"title-3a0 {READABLE}", body=f"body-3a1 {READABLE}"),
        )
        for part in (f"title-3a0 {READABLE}", f"body-3a1 {READABLE}"):
            assert part in counterpart.received(), (
                f"{part!r} did not arrive in this form; send UTF-8, and say so to the service"
            )

    @pytest.mark.parametrize("kind", list(ODD_TEXTS))
    def test_odd_texts_are_delivered(self, counterpart: Counterpart, kind: str) -> None:
        """No text is an error, wherever it stands, and what stands around it arrives."""
        odd = ODD_TEXTS[kind]
        notification = Notification(
            f"title-4b1 {odd} title-4b2",
            body=f"body-4b3 {odd}\n{odd} body-4b4",
            fields={f"name {odd}": odd, "": "", "empty": ""},
            thread_key=f"thread {odd}",
            dedupe_key=f"dedupe {odd}",
            tags=frozenset({odd}),
            links={f"words {odd}": "https://example.com/"},
        )
        self._delivered(counterpart.notifier(Behaviour.OK), notification)

        arrived = counterpart.received()
        for part in ("title-4b1", "title-4b2", "body-4b3", "body-4b4"):
            assert part in arrived, f"{part} is missing: {kind} around it hid what follows"

    def test_many_fields_and_a_long_title_arrive(self, counterpart: Counterpart) -> None:
        """60 fields and a title of 2,000 characters arrive, or it is said that they do not."""
        title = LONG_BODY[:2000].replace("\n", " ")
        fields = {f"name-{n:02d}x": f"value-{n:02d}x" for n in range(60)}
        self._delivered(
            counterpart.notifier(Behaviour.OK), Notification(title, body="short-6c1", fields=fields)
        )
        arrived = counterpart.received()
        if left_out(arrived) is not None:
            assert words(arrived)[:1] == [0], "not even the start of a long title arrived"
            return
        assert words(arrived) == list(range(200)), (
            "a part of a long title was dropped in silence; return limits(), which moves it to the "
            "body"
        )
        missing = [part for pair in fields.items() for part in pair if part not in arrived]
        assert not missing, (
            f"{len(missing)} names and values of 60 fields were dropped in silence, the first is "
            f"{missing[0]}; return limits(), which moves what is too much to the body"
        )

    def test_template_that_fails_is_left_out(self, counterpart: Counterpart) -> None:
        """When a template fails, the notification arrives in its own words, and that is said."""
        notification = Notification("title-5b1 {{", body="body-5b2 }}")
        (receipt,) = notify(
            counterpart.notifier(Behaviour.OK),
            notification,
            template=MessageTemplate(title="{% if %}", body="{{ fields.none.of.these }}"),
        )
        assert receipt.delivered, f"a template failed, so nothing was sent: {receipt}"
        assert "template" in receipt.detail, f"the receipt does not say so: {receipt.detail!r}"
        for part in (notification.title, notification.body):
            assert part in counterpart.received(), (
                f"{part} did not arrive; deliver texts as they are, and fill in no templates"
            )

    # What does not fit

    def test_long_body_is_cut(self, counterpart: Counterpart) -> None:
        """Of 100,000 characters the start arrives, and how many were left out is said exactly."""
        notifier = self._overflowing(counterpart, Overflow.CUT)
        self._delivered(notifier, Notification("long-1a1", body=LONG_BODY))

        _check_left_out(counterpart.received())

    def test_long_body_is_split(self, counterpart: Counterpart) -> None:
        """What fits in ten messages arrives in full, in order, and the messages are numbered."""
        notifier = self._overflowing(counterpart, Overflow.SPLIT)
        title = "long-1b1"
        body = body_to_split(title, notifier.limits())
        count = len(fitted(Notification(title, body), notifier.limits()))
        receipt = self._delivered(notifier, Notification(title, body=body))

        arrived = counterpart.received()
        assert words(arrived) == words(body), (
            f"{len(words(body))} words were sent in {count} messages, and {len(words(arrived))} "
            "arrived, or in another order; deliver() must send all that it is given"
        )
        numbers = [f"({number}/{count})" for number in range(1, count + 1)]
        missing = [each for each in numbers if count > 1 and each not in arrived]
        assert not missing, f"{missing} does not arrive; send the title of each message"
        assert receipt.attempts >= count, f"{count} messages were sent: {receipt}"

    def test_body_too_long_to_split_says_so(self, counterpart: Counterpart) -> None:
        """Of 100,000 characters what is beyond the last message is left out, and that is said."""
        notifier = self._overflowing(counterpart, Overflow.SPLIT)
        self._delivered(notifier, Notification("long-1c1", body=LONG_BODY))

        _check_left_out(counterpart.received())

    def test_long_body_is_attached(self, counterpart: Counterpart) -> None:
        """Of 100,000 characters every one arrives, what is too long as a file."""
        notifier = self._overflowing(counterpart, Overflow.ATTACH)
        if not notifier.limits().attachments:
            pytest.skip("declared: the service takes no files")
        self._delivered(notifier, Notification("long-1d1", body=LONG_BODY))

        found = words(counterpart.received())
        assert sorted(found) == words(LONG_BODY), (
            f"10,000 words were sent and {len(found)} arrived; deliver() must send the attachments"
        )

    # Attachments and HTML

    def test_attachments_arrive_or_are_named(self, counterpart: Counterpart) -> None:
        """A file arrives; where the service takes none, its name does, with a word on that."""
        notifier = counterpart.notifier(Behaviour.OK)
        file = Attachment("report-6f7.txt", b"content-6f8 and more", "text/plain; charset=utf-8")
        binary = Attachment("image-6f9.bin", bytes(range(256)))
        self._delivered(notifier, Notification("title-6f6", attachments=(file, binary)))

        arrived = counterpart.received()
        takes = min(notifier.limits().attachments, 2)
        for each in (file, binary)[:takes]:
            assert each.name in arrived, f"the name of {each.name} did not arrive with it"
        if takes:
            assert "content-6f8" in arrived, (
                "limits() says that files are taken, and their content did not arrive; send "
                "notification.attachments in deliver(), or leave attachments out of limits()"
            )
        for each in (file, binary)[takes:]:
            _check_named(arrived, each.name)

    def test_attachments_that_are_too_much_are_named(self, counterpart: Counterpart) -> None:
        """Files that are too many, or too large, are named; the message arrives."""
        notifier = counterpart.notifier(Behaviour.OK)
        limits = notifier.limits()
        files = [Attachment(f"small-8a{n}.txt", b"small") for n in range(12)]
        largest = limits.attachment_bytes
        if largest is not None and largest <= _LARGEST_TRIED:
            files.append(Attachment("large-8b1.txt", bytes(largest + 1)))
        self._delivered(notifier, Notification("title-8a0", attachments=tuple(files)))

        arrived = counterpart.received()
        assert "title-8a0" in arrived
        for each in files:
            assert each.name in arrived, (
                f"{each.name} was dropped in silence; return limits() with attachments and "
                "attachment_bytes, which names in the body what is not attached"
            )
        if len(files) > len(range(12)):
            _check_named(arrived, "large-8b1.txt")

    def test_html_is_shown_or_left_out(self, counterpart: Counterpart) -> None:
        """HTML arrives where it is shown; elsewhere the plain body does, and no tag."""
        self._delivered(
            counterpart.notifier(Behaviour.OK),
            Notification("title-7c0", body="plain-7c1", html="<p>with <b>bold-7c2</b></p>"),
        )
        arrived = counterpart.received()
        assert "plain-7c1" in arrived, "beside HTML, the plain body must arrive, too"
        if self.shows_html:
            assert "<b>bold-7c2</b>" in arrived, (
                "the HTML did not arrive; send notification.html, or let shows_html be False"
            )
        else:
            assert "bold-7c2" not in arrived, (
                "HTML was sent to a service that shows it as text; send the body, or let "
                "shows_html be True"
            )

    def _look(self, counterpart: Counterpart, notifier: Notifier, severity: Severity) -> set[str]:
        """Return the words of what arrives of a notification with this severity."""
        before = len(counterpart.received())
        self._delivered(notifier, Notification("same title", "same body", severity=severity))
        arrived = counterpart.received()[before:]
        return set(re.findall(r"[^\s\"',:;{}\[\]]+", _TIMES.sub("", arrived)))


def _check_left_out(arrived: str) -> None:
    """Assert that a start of the long body arrived, and that what did not is counted."""
    found = words(arrived)
    assert found == list(range(len(found))), "what arrived of a long body is not its start"
    assert found, "nothing of a long body arrived"
    if len(found) == len(words(LONG_BODY)):
        return
    told = left_out(arrived)
    assert told is not None, (
        f"{len(found)} of 10,000 words arrived, and it is not said that the rest did not; return "
        "limits(), and let it cut instead of deliver()"
    )
    missing = len(LONG_BODY) - len(found) * 10
    assert abs(told - missing) <= 10, (
        f"{missing} characters are missing, and what arrives says {told}; deliver() must not cut "
        "what it is given"
    )


def _check_named(arrived: str, name: str) -> None:
    assert f"Not attached: {name}" in arrived, (
        f"{name} did not go with it, and no word says so; return limits() with attachments and "
        "attachment_bytes, which names in the body what is not attached"
    )


_TIMES = re.compile(r"\d{4}-\d\d-\d\d\S*|\d\d:\d\d:\d\d\S*|\b1[6-9]\d{8}(?:\d{3})?(?:\.\d+)?\b")
