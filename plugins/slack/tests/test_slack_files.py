"""Files go up and come down whole or not at all, are shown once, and are not held in memory."""

import asyncio
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from brickwork import InvalidArguments, Progress, TaskTimeout, on_progress
from brickwork.testing.task import no_waiting
from brickwork_slack import (
    File,
    SlackCredentials,
    SlackDenied,
    SlackError,
    SlackInvalid,
    SlackNotFound,
    SlackRateLimited,
    SlackUnavailable,
    SlackUncertain,
    Upload,
    upload_file,
    upload_files,
)
from brickwork_slack.testing import SlackServer
from brickwork_slack.testing.faults import (
    Fault,
    lost_answer,
    rate_limited,
    reset_after,
    reset_before,
    says,
    server_error,
    slow,
)
from brickwork_slack.testing.state import File as KeptFile

COMPLETE, TICKET = "files.completeUploadExternal", "files.getUploadURLExternal"

Send = Callable[..., File]


@pytest.fixture(params=["plain", "aio"])
def send(request: pytest.FixtureRequest) -> Send:
    """upload_file, called and awaited."""
    if request.param == "plain":
        return cast("Send", upload_file)
    return lambda *args, **kwargs: asyncio.run(upload_file.aio(*args, **kwargs))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file to upload, of some pieces."""
    file = tmp_path / "data.csv"
    file.write_bytes(b"day,sum\n" * 100_000)
    return file


def complete(server: SlackServer) -> list[KeptFile]:
    """Return the files that somebody sees."""
    return [file for file in server.workspace.files.values() if file.complete]


def test_a_file_is_shown_in_a_channel(
    slack_server: SlackServer, slack_credentials: SlackCredentials, path: Path, send: Send
) -> None:
    """Bytes, name, title and comment; the address that takes the bytes gets no token."""
    file = send(slack_credentials, path, "#general", title="The data", comment="Look")
    (kept,) = complete(slack_server)
    assert kept.read() == path.read_bytes()
    assert (file.id, file.name, file.title, file.size) == (kept.id, "data.csv", "The data", 800_000)
    (message,) = slack_server.general.posted
    assert (message.text, message.files) == ("Look", [file.id])
    (asked,) = slack_server.asked("upload")
    assert asked.token is None
    assert asked.headers["Content-Length"] == "800000"


def test_a_file_goes_to_a_thread_or_to_nobody(
    slack_server: SlackServer, slack_credentials: SlackCredentials, send: Send
) -> None:
    """With thread_ts it is a reply; without a channel only its owner sees it."""
    parent = slack_server.say(slack_server.general, "parent")
    file = send(slack_credentials, b"x", "#general", name="x.txt", thread_ts=parent.ts)
    (reply,) = slack_server.general.replies(parent.ts)
    assert reply.files == [file.id]
    private = send(slack_credentials, b"y", name="y.txt")
    assert private.shares == ()
    assert [each.id for each in complete(slack_server)] == [file.id, private.id]


@pytest.mark.parametrize("person", ["@ada", "ada@example.com", "id"])
def test_a_file_goes_to_a_person(
    slack_server: SlackServer, slack_credentials: SlackCredentials, person: str
) -> None:
    """By name, by address, or by id: in the conversation with them."""
    whom = slack_server.ada.id if person == "id" else person
    file = upload_file(slack_credentials, b"x", whom, name="x.txt")
    direct = slack_server.direct(slack_server.workspace, [slack_server.bot.id, slack_server.ada.id])
    assert direct.posted[0].files == [file.id]


def test_a_snippet_and_an_image_say_what_they_are(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """As Slack's first step takes it."""
    upload_file(slack_credentials, b"print()", name="a.py", snippet_type="python")
    upload_file(slack_credentials, b"\x89PNG", name="a.png", alt_text="A wall of bricks")
    snippet, image = complete(slack_server)
    assert (snippet.snippet_type, image.alt_text) == ("python", "A wall of bricks")


def test_several_files_are_shown_in_one_message(
    slack_server: SlackServer, slack_credentials: SlackCredentials, path: Path
) -> None:
    """In their order, each under its name, by a call and by an await."""
    uploads = [Upload(path, title="Data"), Upload(b"ok", "log.txt"), Upload(io.BytesIO(b"s"), "s")]
    files = upload_files(slack_credentials, uploads, "#general", comment="All")
    again = asyncio.run(upload_files.aio(slack_credentials, uploads, "#general"))
    assert (
        [file.title for file in files]
        == [file.title for file in again]
        == [
            "Data",
            "log.txt",
            "s",
        ]
    )
    first, second = slack_server.general.posted
    assert (first.text, first.files) == ("All", [file.id for file in files])
    assert second.files == [file.id for file in again]
    assert [each.size for each in complete(slack_server)] == [800_000, 2, 1] * 2


class Pipe(io.RawIOBase):
    """A stream that cannot be rewound, and gives little at once."""

    def __init__(self, content: bytes) -> None:
        self._left = content

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        count = min(len(buffer), len(self._left), 1000)
        buffer[:count], self._left = self._left[:count], self._left[count:]
        return count


def test_streams_are_sent_from_where_they_stand(
    slack_server: SlackServer, slack_credentials: SlackCredentials, path: Path, send: Send
) -> None:
    """Open files, bytes in memory, pipes; the stream stays open, and stands where it stood."""
    with path.open("rb") as file:
        file.seek(8)
        assert send(slack_credentials, file).name == "data.csv"
        assert file.tell() == 8
    send(slack_credentials, io.BytesIO(b"bricks"), name="b")
    send(slack_credentials, cast("BinaryIO", Pipe(b"water" * 1000)), name="w")
    contents = [each.read() for each in complete(slack_server)]
    assert contents == [path.read_bytes()[8:], b"bricks", b"water" * 1000]


class Watched(io.BytesIO):
    """A stream that keeps how much it was asked for at once."""

    def __init__(self, content: bytes, *, seekable: bool) -> None:
        super().__init__(content)
        self._seekable, self.asked = seekable, list[int | None]()

    def seekable(self) -> bool:
        return self._seekable

    def read(self, size: int | None = -1, /) -> bytes:
        self.asked.append(size)
        return super().read(size)


@pytest.mark.parametrize("seekable", [True, False], ids=["file", "pipe"])
def test_streams_are_read_piece_by_piece(
    slack_server: SlackServer, slack_credentials: SlackCredentials, send: Send, seekable: bool
) -> None:
    """Never the whole of one, and no piece is larger than 256 KiB."""
    stream = Watched(bytes(2 << 20), seekable=seekable)
    send(slack_credentials, stream, name="large.bin")
    assert [each.size for each in complete(slack_server)] == [2 << 20]
    assert len(stream.asked) >= 8
    assert all(size is not None and 0 < size <= 256 << 10 for size in stream.asked)


def test_a_pipe_of_the_system_is_sent(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Which has a number for a name, and no size."""
    reading, writing = os.pipe()
    os.write(writing, b"bricks")
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        upload_file(slack_credentials, pipe, name="p")
    assert [each.read() for each in complete(slack_server)] == [b"bricks"]


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (b"bricks", {}),
        (b"", {"name": "empty"}),
        (Path("missing.csv"), {}),
        (Path(), {"name": "folder"}),
        (io.BytesIO(b"x"), {}),
        (cast("BinaryIO", Pipe(b"")), {"name": "empty"}),
    ],
)
def test_what_cannot_be_sent_is_told_before_anything_is(
    slack_server: SlackServer, slack_credentials: SlackCredentials, content: Any, options: Any
) -> None:
    """Bytes and streams without a name, nothing at all, no file, a folder."""
    with pytest.raises(InvalidArguments):
        upload_file(slack_credentials, content, "#general", **options)
    assert slack_server.requests == []


def test_closed_and_text_streams_are_refused(
    slack_server: SlackServer, slack_credentials: SlackCredentials, send: Send
) -> None:
    """In words, and nothing is shown."""
    closed = io.BytesIO(b"x")
    closed.close()
    for content in (closed, cast("BinaryIO", io.StringIO("text"))):
        with pytest.raises(InvalidArguments, match="x cannot be read"):
            send(slack_credentials, content, "#general", name="x")
    assert not slack_server.general.posted


@pytest.mark.parametrize("options", [{"comment": "Look"}, {"thread_ts": "1.000001"}])
def test_a_comment_needs_a_channel(
    slack_server: SlackServer, slack_credentials: SlackCredentials, options: Any
) -> None:
    """Nothing is sent that could not be shown as it was meant."""
    with pytest.raises(SlackInvalid, match="none is given"):
        upload_file(slack_credentials, b"x", name="x", **options)
    with pytest.raises(SlackInvalid, match="no file"):
        upload_files(slack_credentials, [], "#general")
    assert not slack_server.requests


@pytest.mark.parametrize(
    "fault", [reset_before(), reset_after(), server_error(503), server_error(500, served=True)]
)
@pytest.mark.parametrize("kind", ["path", "stream"])
def test_an_upload_that_breaks_is_sent_anew(
    slack_server: SlackServer,
    slack_credentials: SlackCredentials,
    path: Path,
    send: Send,
    fault: Fault,
    kind: str,
) -> None:
    """To another address; of the first, nobody sees anything."""
    slack_server.fail("upload", fault)
    with no_waiting(), path.open("rb") as stream:
        send(slack_credentials, path if kind == "path" else stream, "#general")
    assert [each.read() for each in complete(slack_server)] == [path.read_bytes()]
    assert len(slack_server.asked(TICKET)) == 2
    (message,) = slack_server.general.posted
    assert len(message.files) == 1


def test_an_upload_that_breaks_for_good_is_an_error(
    slack_server: SlackServer, slack_credentials: SlackCredentials, path: Path, send: Send
) -> None:
    """After the retries of the requests and of the task; the address is not shown."""
    slack_server.fail("upload", reset_before(), times=100)
    with no_waiting(), pytest.raises(SlackUnavailable) as caught:
        send(slack_credentials, path, "#general")
    assert len(slack_server.asked(TICKET)) == 12
    assert "/upload/v1" not in str(caught.value)
    assert not complete(slack_server)


def test_a_stream_that_is_used_up_is_not_sent_by_halves(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Within the task it is repeated from the copy; the task itself is not."""
    slack_server.fail("upload", reset_before())
    with no_waiting():
        upload_file(slack_credentials, cast("BinaryIO", Pipe(b"water")), name="w")
    assert [each.read() for each in complete(slack_server)] == [b"water"]
    slack_server.fail("upload", reset_before(), times=100)
    with no_waiting(), pytest.raises(SlackError, match="no answer") as caught:
        upload_file(slack_credentials, cast("BinaryIO", Pipe(b"water")), name="w")
    assert not isinstance(caught.value, SlackUnavailable)
    assert "anew" in caught.value.fix


def test_a_rate_limit_of_uploads_is_waited_out(
    slack_server: SlackServer, slack_credentials: SlackCredentials, send: Send
) -> None:
    """If there is time; otherwise the error says how long."""
    slack_server.fail("upload", rate_limited(9))
    with no_waiting() as waits:
        send(slack_credentials, b"x", name="x")
    assert sum(waits) == 9
    slack_server.fail("upload", rate_limited(3600))
    with pytest.raises(SlackRateLimited) as caught:
        send(slack_credentials, b"x", name="x")
    assert caught.value.retry_after_seconds == 3600


def test_what_the_upload_address_refuses_is_told(
    slack_server: SlackServer, slack_credentials: SlackCredentials, send: Send
) -> None:
    """In its words; it is not sent again."""
    slack_server.fail("upload", Fault(413, b"too large", {"Content-Type": "text/plain"}))
    with pytest.raises(SlackInvalid, match=r"HTTP 413 from Slack \(too large\)"):
        send(slack_credentials, b"x", "#general", name="x")
    assert len(slack_server.asked(TICKET)) == 1


@pytest.mark.parametrize(
    "fault", [reset_after(), lost_answer(3), server_error(500, served=True), reset_before()]
)
def test_a_file_is_shown_once_though_the_answer_is_lost(
    slack_server: SlackServer,
    slack_credentials: SlackCredentials,
    send: Send,
    fault: Fault,
) -> None:
    """Slack is asked for the file, and shows it only if it did not."""
    slack_server.fail(COMPLETE, fault)
    with no_waiting():
        file = send(slack_credentials, b"x", "#general", name="x.txt", comment="Look")
    (message,) = slack_server.general.posted
    assert message.files == [file.id]
    assert len(slack_server.asked("upload")) == 1
    assert len(slack_server.asked(COMPLETE)) == (2 if fault == reset_before() else 1)


def test_who_may_not_look_learns_that_nobody_knows(slack_server: SlackServer, send: Send) -> None:
    """Without files:read it is not shown again, and not sent again."""
    bare = slack_server.credentials(token=slack_server.token(scopes=["files:write"]))
    slack_server.fail(COMPLETE, reset_after())
    with no_waiting(), pytest.raises(SlackUncertain, match="Nobody knows") as caught:
        send(bare, b"x", slack_server.general.id, name="x.txt")
    assert "files:read" in caught.value.fix
    assert len(slack_server.general.posted) == 1


def test_a_file_that_is_never_known_to_be_shown_is_uncertain(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """After some tries."""
    slack_server.fail(COMPLETE, reset_before(), times=100)
    with no_waiting(), pytest.raises(SlackUncertain):
        upload_file(slack_credentials, b"x", "#general", name="x.txt")
    assert len(slack_server.asked(COMPLETE)) == 3


def test_nothing_is_shown_again_while_slack_may_be_at_it(
    slack_server: SlackServer, send: Send
) -> None:
    """No answer came in time: it is looked for longer, and then nobody knows."""
    hasty = slack_server.credentials(client_options={"timeout": 0.3})
    slack_server.fail(COMPLETE, slow(30))
    with no_waiting() as waits, pytest.raises(SlackUncertain):
        send(hasty, b"x", "#general", name="x.txt")
    assert waits == [2.0, 10.0, 20.0]
    assert len(slack_server.asked(COMPLETE)) == 1


def test_refusals_say_what_lacks(
    slack_server: SlackServer, slack_credentials: SlackCredentials, send: Send
) -> None:
    """The channel, the membership, the scope."""
    with pytest.raises(SlackNotFound, match="#nowhere"):
        send(slack_credentials, b"x", "#nowhere", name="x")
    assert not slack_server.asked("upload")
    with pytest.raises(SlackDenied, match="not_in_channel"):
        send(slack_credentials, b"x", "#random", name="x")
    bare = slack_server.credentials(token=slack_server.token(scopes=["files:read"]))
    with pytest.raises(SlackDenied) as caught:
        send(bare, b"x", name="x")
    assert caught.value.needed == ("files:write",)
    slack_server.fail(TICKET, says("file_upload_size_restricted"))
    with pytest.raises(SlackInvalid, match="file_upload_size_restricted"):
        send(slack_credentials, b"x", name="x")


def test_an_answer_that_says_little_is_enough(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Slack documents ids and titles only; what was sent is known."""
    slack_server.answer(
        COMPLETE, lambda call: {"files": [{"id": each["id"]} for each in call.json("files")]}
    )
    file = upload_file(slack_credentials, b"bricks", "#general", name="x.txt", title="X")
    assert (file.name, file.title, file.size, file.shares) == ("x.txt", "X", 6, ())


def test_bytes_go_to_no_address_without_encryption(
    slack_server: SlackServer, slack_credentials: SlackCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the API itself has one."""
    from brickwork_slack.files import repeating

    client = type("Client", (), {"url": "https://slack.com/api/"})()
    for url in ("http://files.slack.com/upload", "ftp://files.slack.com/x", "file:///x", "//x"):
        assert not repeating.is_slacks(client, url, token=False)
    assert repeating.is_slacks(client, "https://elsewhere.example/upload", token=False)
    monkeypatch.setattr("brickwork_slack.files.uploading.is_slacks", lambda *_, **__: False)
    with pytest.raises(SlackError, match="without encryption"):
        upload_file(slack_credentials, b"x", name="x")
    assert not slack_server.asked("upload")


def test_progress_is_told_in_bytes_of_all_files(
    slack_credentials: SlackCredentials, path: Path, send: Send
) -> None:
    """It grows to the whole."""
    told: list[Progress] = []
    with on_progress(told.append):
        send(slack_credentials, path, "#general")
    steps = [(each.done, each.total) for each in told if each.text == "data.csv"]
    assert steps == sorted(steps)
    assert len(steps) > 3
    assert [each == 800_000 for each in steps[-1]] == [True, True]
    told.clear()
    with on_progress(told.append):
        upload_files(slack_credentials, [Upload(b"x" * 10, "a"), Upload(b"y" * 20, "b")])
    assert [(each.done, each.total, each.text) for each in told] == [(10, 30, "a"), (30, 30, "b")]


class Shrinking(io.BytesIO):
    """A file that somebody empties while it is sent."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size) if self.tell() == 0 else b""


class Failing(io.BytesIO):
    """A disk that breaks in the midst."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() == 0:
            return super().read(size)
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize(
    ("kind", "words"), [(Shrinking, "became shorter"), (Failing, "Input/output error")]
)
def test_a_file_that_fails_in_the_midst_is_no_failure_of_slack(
    slack_server: SlackServer,
    slack_credentials: SlackCredentials,
    send: Send,
    kind: type[io.BytesIO],
    words: str,
) -> None:
    """The error names the file; it is not sent again, and not shown."""
    with pytest.raises(InvalidArguments, match=words):
        send(slack_credentials, kind(b"x" * 600_000), "#general", name="x")
    assert len(slack_server.asked(TICKET)) == 1
    assert not slack_server.general.posted


def test_what_is_added_meanwhile_is_not_sent(
    slack_server: SlackServer, slack_credentials: SlackCredentials, path: Path, send: Send
) -> None:
    """A log that grows is cut where it ended at the begin."""
    before = path.read_bytes()

    def grow(_: Progress) -> None:
        with path.open("ab") as file:
            file.write(b"more\n")

    with on_progress(grow):
        send(slack_credentials, path, "#general")
    assert [each.read() for each in complete(slack_server)] == [before]


def test_an_upload_ends_with_its_time(
    slack_server: SlackServer, slack_credentials: SlackCredentials, path: Path
) -> None:
    """Slack answers late: the task's time-out is what the caller hears of."""
    timed = upload_file.with_options(timeout_seconds=0.5)
    slack_server.fail("upload", slow(30), times=10)
    with pytest.raises(TaskTimeout):
        timed(slack_credentials, path)
    with pytest.raises(TaskTimeout):
        asyncio.run(timed.aio(slack_credentials, path))


def test_a_server_that_takes_nothing_is_given_up(
    slack_server: SlackServer, path: Path, send: Send
) -> None:
    """After the time-out of the credentials, which counts for each piece."""
    options = {"timeout": 0.3, "retries": 0}
    hasty = slack_server.credentials(client_options=options)
    slack_server.fail("upload", slow(30), times=10)
    with no_waiting(), pytest.raises(SlackUnavailable, match="took too long"):
        send(hasty, path)


def test_an_upload_stops_when_its_coroutine_is_cancelled(
    slack_server: SlackServer, slack_credentials: SlackCredentials, tmp_path: Path
) -> None:
    """Between two pieces, before all is sent; the loop goes on meanwhile."""
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(64 << 20)

    async def cancelled() -> None:
        begun = asyncio.Event()

        def hold(_: Progress) -> None:
            begun.set()

        with on_progress(hold):
            task = asyncio.create_task(upload_file.aio(slack_credentials, large))
            await begun.wait()
            task.cancel()
            await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    assert not complete(slack_server)


def test_uploads_in_one_loop_go_on_together(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Eight at once, and all arrive as they were."""

    async def all_of_them() -> list[File]:
        return await asyncio.gather(
            *(
                upload_file.aio(slack_credentials, bytes([n]) * 300_000, "#general", name=f"{n}")
                for n in range(8)
            )
        )

    asyncio.run(all_of_them())
    assert {each.name: each.read()[:1] for each in complete(slack_server)} == {
        f"{n}": bytes([n]) for n in range(8)
    }


def test_uploads_in_threads_do_not_disturb_each_other(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Eight at once, with one client."""

    def one(number: int) -> None:
        upload_file(slack_credentials, bytes([number]) * 300_000, name=str(number))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.name: each.read()[:1] for each in complete(slack_server)} == {
        f"{n}": bytes([n]) for n in range(8)
    }
