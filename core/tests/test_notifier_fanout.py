"""``notify`` with every part of a notification, dry runs, event loops, and many at once."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable

import pytest

from brickwork import Notification, Notifier, NotifierError, Receipt, Secret, anotify, notify
from brickwork.notifier import Attachment, DeliveryStatus, Limits, Overflow, Severity


class Recorder(Notifier):
    """Keeps what it is given, and answers as it is told."""

    def __init__(self, name: str = "recorder", status: str = "delivered") -> None:
        self._name = name
        self._status = DeliveryStatus(status)
        self.given: list[Notification] = []

    def deliver(self, notification: Notification) -> Receipt:
        self.given.append(notification)
        return Receipt(self._name, self._status)

    def describe(self) -> str:
        return self._name

    def limits(self) -> Limits:
        return Limits(attachments=9)


def test_every_part_reaches_the_target() -> None:
    """What is given by name is the notification that a target gets, and the same as given whole."""
    parts = {
        "title": "Load failed",
        "body": "3 of 40 files",
        "severity": Severity.ERROR,
        "fields": {"run": "1742"},
        "url": "https://example.com/1742",
        "thread_key": "run-1742",
        "dedupe_key": "load",
        "tags": frozenset({"etl", "db"}),
        "links": {"Runbook": "https://example.com/runbook"},
        "html": "<p>3 of 40 files</p>",
        "attachments": (Attachment("log.txt", b"lines"),),
    }
    recorder = Recorder()
    notify(recorder, **parts)  # type: ignore[arg-type]  # a mapping of all kinds of values
    notify(recorder, Notification(**parts))  # type: ignore[arg-type]  # as above

    assert recorder.given == [Notification(**parts)] * 2  # type: ignore[arg-type]  # as above


def test_parts_may_be_any_iterable() -> None:
    """Tags and attachments may come from a generator, and one tag may be a text alone."""
    recorder = Recorder()
    files = (Attachment(f"{n}.txt", b"") for n in range(2))
    notify(recorder, title="x", tags=(each for each in "ab"), attachments=files)
    notify(recorder, title="x", tags="etl")

    assert recorder.given[0].tags == {"a", "b"}
    assert [each.name for each in recorder.given[0].attachments] == ["0.txt", "1.txt"]
    assert recorder.given[1].tags == {"etl"}


def test_parts_are_masked() -> None:
    """Secrets in tags, links, HTML and text files are hidden for every target."""
    secret = Secret("correct-horse-battery").reveal()
    recorder = Recorder()
    notify(
        [recorder, recorder],
        title="x",
        tags=[secret],
        links={secret: f"https://example.com/{secret}"},
        html=f"<p>{secret}</p>",
        attachments=[Attachment(f"{secret}.txt", secret.encode())],
    )

    assert len(recorder.given) == 2
    for given in recorder.given:
        assert secret not in repr(given)
        assert secret.encode() not in given.attachments[0].content


def test_dry_run_reaches_no_target() -> None:
    """Each target has a receipt that says what would be, and one that is none still says so."""
    recorders = [Recorder("first"), Recorder("second", "failed")]
    receipts = notify([*recorders, "no-such-scheme:x"], title="x", dry_run=True)

    assert [(each.status.value, each.attempts) for each in receipts] == [
        ("dry-run", 0),
        ("dry-run", 0),
        ("refused", 0),
    ]
    assert receipts[0].detail == "would be sent"
    assert not any(each.delivered for each in receipts)
    assert [recorder.given for recorder in recorders] == [[], []]


def test_dry_run_counts_messages() -> None:
    """A dry run says into how many messages a long body would be split."""

    class Short(Recorder):
        def limits(self) -> Limits:
            return Limits(body=100, overflow=Overflow.SPLIT)

    (receipt,) = notify(Short(), title="x", body="word " * 60, dry_run=True)

    assert receipt.detail == "would be sent in 3 messages"


def test_anotify_takes_the_same() -> None:
    """The coroutine sends the same, with parts by name or a whole notification, and dry runs."""
    recorder = Recorder()
    notification = Notification("x", tags=frozenset({"etl"}), links={"a": "b"})

    async def send() -> list[Receipt]:
        return [
            *await anotify(recorder, notification),
            *await anotify([recorder], title="x", tags=["etl"], links={"a": "b"}),
            *await anotify(recorder, notification, dry_run=True),
        ]

    statuses = [receipt.status.value for receipt in asyncio.run(send())]

    assert statuses == ["delivered", "delivered", "dry-run"]
    assert recorder.given == [notification] * 2
    with pytest.raises(NotifierError, match="either a notification or a title"):
        asyncio.run(anotify(recorder))


def test_anotify_leaves_the_loop_free() -> None:
    """While targets are sent to, other coroutines run."""
    begun, go_on = threading.Event(), threading.Event()

    class Slow(Recorder):
        def deliver(self, notification: Notification) -> Receipt:
            begun.set()
            assert go_on.wait(10), "the loop was blocked"
            return super().deliver(notification)

    async def send() -> list[Receipt]:
        sending = asyncio.create_task(anotify([Slow(), Slow()], title="x"))
        while not begun.is_set():
            await asyncio.sleep(0.001)
        go_on.set()
        return await sending

    assert all(receipt.delivered for receipt in asyncio.run(send()))


def in_threads(work: Callable[[int], object], count: int) -> None:
    """Run it in so many threads, each with its number."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_thousand_from_eight_threads() -> None:
    """None is lost or doubled, each thread's arrive in order, and no thread stays behind."""
    up, down = Recorder("up"), Recorder("down", "failed")

    class Raising(Recorder):
        def deliver(self, notification: Notification) -> Receipt:
            super().deliver(notification)
            raise RuntimeError

    raising = Raising("raising")
    receipts: list[list[Receipt]] = []
    before = threading.active_count()

    def send(thread: int) -> None:
        for number in range(125):
            receipts.append(notify([up, down, raising], title=f"{thread}/{number}"))

    in_threads(send, 8)

    assert len(receipts) == 1000
    expected = ["delivered", "failed", "failed"]
    assert all([each.status.value for each in three] == expected for three in receipts)
    for recorder in (up, down, raising):
        titles = [each.title for each in recorder.given]
        assert Counter(titles) == Counter(f"{t}/{n}" for t in range(8) for n in range(125))
        for thread in range(8):
            mine = [title for title in titles if title.startswith(f"{thread}/")]
            assert mine == [f"{thread}/{number}" for number in range(125)]
    assert threading.active_count() == before
