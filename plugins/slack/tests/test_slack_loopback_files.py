"""The loopback Slack's files: uploads in two steps, and downloads for those who may."""

import hashlib
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from brickwork import Secret
from brickwork_slack.testing import SlackServer
from brickwork_slack.testing.faults import lost_answer, reset_before, server_error


@pytest.fixture
def client(slack_server: SlackServer) -> WebClient:
    """Slack's own client, with a bot's token."""
    return WebClient(slack_server.token().reveal(), base_url=f"{slack_server.url}/api/")


def error_of(call: Callable[..., object], **arguments: Any) -> str:
    """Return Slack's code for a call that it refuses."""
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return str(caught.value.response["error"])


def send(url: str, body: Any, headers: dict[str, str] | None = None) -> int:
    """Post bytes, and return the status."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request("POST", parts.path, body, headers or {})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def fetch(url: str, token: Secret[str] | None) -> tuple[str, bytes]:
    """Get a file, and return the content type and the bytes."""
    request = urllib.request.Request(url)
    if token is not None:
        request.add_header("Authorization", f"Bearer {token.reveal()}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.headers["Content-Type"], answer.read()


def test_slack_sdk_uploads_a_file(client: WebClient, slack_server: SlackServer) -> None:
    """files_upload_v2 takes its three steps, and the file is shown in the channel."""
    general = slack_server.general
    answer = client.files_upload_v2(
        channel=general.id, content=b"bricks", filename="wall.txt", initial_comment="Look"
    )
    file = slack_server.workspace.files[answer["file"]["id"]]
    assert file.read() == b"bricks"
    (message,) = general.posted
    assert (message.text, message.files) == ("Look", [file.id])
    assert file.shares == {general.id: [message.ts]}


def test_a_file_goes_to_a_thread(client: WebClient, slack_server: SlackServer) -> None:
    """With thread_ts the file is a reply."""
    parent = slack_server.say(slack_server.general, "parent")
    client.files_upload_v2(
        channel=slack_server.general.id, content="x", filename="x.txt", thread_ts=parent.ts
    )
    assert len(slack_server.general.replies(parent.ts)) == 1


def test_a_file_goes_to_several_channels(client: WebClient, slack_server: SlackServer) -> None:
    """Channels are given with commas, as Slack documents it."""
    other = slack_server.channel("other")
    ticket = client.files_getUploadURLExternal(filename="x.txt", length=1)
    assert send(ticket["upload_url"], b"x") == 200
    channels = [slack_server.general.id, other.id]
    client.files_completeUploadExternal(files=[{"id": ticket["file_id"]}], channels=channels)
    assert len(slack_server.general.posted) == len(other.posted) == 1


def test_what_was_not_sent_is_not_complete(client: WebClient, slack_server: SlackServer) -> None:
    """An upload must come in full before it is completed."""
    ticket = client.files_getUploadURLExternal(filename="x.txt", length=5)
    files = [{"id": ticket["file_id"]}]
    assert error_of(client.files_completeUploadExternal, files=files) == "file_not_found"
    assert send(ticket["upload_url"], b"four") == 400
    slack_server.expect_refusals()
    assert error_of(client.files_completeUploadExternal, files=files) == "file_not_found"
    assert error_of(client.files_info, file=ticket["file_id"]) == "file_not_found"


def test_a_large_upload_is_not_held_in_memory(client: WebClient, slack_server: SlackServer) -> None:
    """100 MB are taken in pieces, and arrive as they were sent."""
    import tracemalloc

    piece, count = b"brickwork" * 10_000, 1_166

    def pieces() -> Iterator[bytes]:
        for _ in range(count):
            yield piece

    length = len(piece) * count
    assert length > 100_000_000
    ticket = client.files_getUploadURLExternal(filename="large.bin", length=length)
    tracemalloc.start()
    assert send(ticket["upload_url"], pieces(), {"Content-Length": str(length)}) == 200
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000
    digest = hashlib.sha256()
    for each in pieces():
        digest.update(each)
    assert slack_server.workspace.files[ticket["file_id"]].sha256 == digest.hexdigest()


def test_a_download_needs_a_token_that_may_read_files(
    client: WebClient, slack_server: SlackServer
) -> None:
    """Others are led to the page where people log in, which is HTML, with status 200."""
    answer = client.files_upload_v2(
        channel=slack_server.general.id, content=b"bricks", filename="wall.txt"
    )
    url = client.files_info(file=answer["file"]["id"])["file"]["url_private_download"]
    assert fetch(url, slack_server.token())[1] == b"bricks"
    for stranger in (None, Secret("xoxb-1"), slack_server.token(scopes=["chat:write"])):
        kind, body = fetch(url, stranger)
        assert kind.startswith("text/html")
        assert b"bricks" not in body


def test_files_are_listed_and_deleted(client: WebClient, slack_server: SlackServer) -> None:
    """Newest first, in numbered pages; a deleted one is gone from its messages."""
    general = slack_server.general
    for name in ("a.txt", "b.txt", "c.txt"):
        client.files_upload_v2(channel=general.id, content="x", filename=name)
    page = client.files_list(count=2, page=1)
    assert [file["name"] for file in page["files"]] == ["c.txt", "b.txt"]
    assert (page["paging"]["total"], page["paging"]["pages"]) == (3, 2)
    client.files_delete(file=page["files"][0]["id"])
    assert not general.posted[-1].files
    assert error_of(client.files_delete, file=page["files"][0]["id"]) == "file_not_found"


def test_an_upload_may_fail(client: WebClient, slack_server: SlackServer) -> None:
    """A fault of uploads, or of downloads, happens once, and not to methods."""
    ticket = client.files_getUploadURLExternal(filename="x.txt", length=1)
    slack_server.fail("upload", server_error(503))
    slack_server.fail("upload", reset_before())
    assert send(ticket["upload_url"], b"x") == 503
    with pytest.raises(ConnectionError):
        send(ticket["upload_url"], b"x")
    assert send(ticket["upload_url"], b"x") == 200
    slack_server.fail("download", lost_answer(0))
    client.files_completeUploadExternal(files=[{"id": ticket["file_id"]}])
    url = client.files_info(file=ticket["file_id"])["file"]["url_private_download"]
    with pytest.raises(ConnectionError):
        fetch(url, slack_server.token())
