"""``discord-webhook``: what arrives, when it is sent again, threads of forums, and the check."""

import json
from typing import Any

import pytest

from brickwork import (
    Attachment,
    DiscordWebhook,
    InvalidBlock,
    Notification,
    Overflow,
    Receipt,
    Severity,
    Vault,
    use_vault,
)
from brickwork.builtin.notifiers.multipart import file_name, form_with_files
from brickwork.testing.loopback import LoopbackServer, Peer, Request, Serve, in_turn, reply
from brickwork.testing.services import Discord
from brickwork.testing.services.base import read_message

TOKEN = Discord.path.rsplit("/", 1)[1]
MESSAGE = json.dumps({"id": "991", "channel_id": "55"}).encode()


def block(server: LoopbackServer, **fields: Any) -> DiscordWebhook:
    """Make a block with the URL that Discord gives, which has no version."""
    url = f"http://127.0.0.1:{server.port}{Discord.path.replace('/v10', '')}"
    given = {"url": url, "allow_private": True, "allow_http": True, "timeout_seconds": 5}
    return DiscordWebhook.model_validate({**given, **fields})


def send(
    serve: Serve, notification: Notification | None = None, **fields: Any
) -> tuple[Receipt, list[Request]]:
    """Send one notification to a server that behaves like this."""
    with LoopbackServer(serve) as server:
        receipt = block(server, **fields).send(notification or Notification("hello"))
        return receipt, list(server.requests)


# What arrives


def test_an_embed_has_every_part() -> None:
    """Title, body, colour, fields, URL and tags have their places; links are lines of the body."""
    discord = Discord()
    receipt, requests = send(
        discord.serve,
        Notification(
            "Load failed",
            "3 of 40\nfiles",
            severity=Severity.ERROR,
            fields={"run": "1742"},
            url="https://example.com/1742",
            tags=frozenset({"etl", "db"}),
            links={"Runbook": "https://example.com/run_book"},
        ),
    )
    (message,) = discord.accepted
    (embed,) = message["embeds"]

    assert requests[0].line == f"POST {Discord.path}?wait=true HTTP/1.1"
    assert embed.pop("timestamp").endswith("Z")
    assert embed == {
        "title": "Load failed",
        "description": "3 of 40\nfiles\nRunbook: https://example.com/run_book",
        "url": "https://example.com/1742",
        "color": 0xE74C3C,
        "footer": {"text": "error \u00b7 db \u00b7 etl"},
        "fields": [{"name": "run", "value": "1742", "inline": True}],
    }
    assert (receipt.status, receipt.message_id, receipt.http_status) == ("delivered", "991", 200)


def test_nobody_is_alerted_unless_told_so() -> None:
    """No text alerts anybody; ``mentions`` does, and only those."""
    discord = Discord()
    text = Notification("@everyone", "@here <@1> <@&2>")
    send(discord.serve, text)
    send(discord.serve, text, mentions=["here", "role:2", "user:3", "role:2"])
    quiet, loud = discord.accepted

    assert quiet["allowed_mentions"] == {"parse": [], "roles": [], "users": []}
    assert "content" not in quiet
    assert loud["allowed_mentions"] == {"parse": ["everyone"], "roles": ["2"], "users": ["3"]}
    assert loud["content"] == "@here <@&2> <@3>"


def test_name_picture_and_thread() -> None:
    """A message can have another name and picture, and go to a thread of the channel."""
    discord = Discord()
    _, requests = send(
        discord.serve, username="ops", avatar_url="https://example.com/a.png", thread_id="77"
    )
    (message,) = discord.accepted

    assert (message["username"], message["avatar_url"]) == ("ops", "https://example.com/a.png")
    assert requests[0].line.split(" ")[1].endswith("?wait=true&thread_id=77")


def test_hosts_that_discord_refuses_are_text() -> None:
    """A URL whose host has no dot would have the whole message refused: it goes to the body."""
    discord = Discord()
    for url in ("http://grafana:3000/d/1", "http://localhost/x", "steam://run/1", "nonsense"):
        receipt, _ = send(discord.serve, Notification("x", "y", url=url))
        assert receipt.delivered
        assert "url" not in discord.accepted[-1]["embeds"][0]
        assert discord.accepted[-1]["embeds"][0]["description"] == f"y\n{url}"


def test_files_are_attached() -> None:
    """Files arrive byte for byte, whatever is in them and whatever they are called."""
    discord = Discord()
    files = (
        Attachment('a"b\\c.bin', bytes(range(256)) * 9, "x/y\r\nX-Evil: 1"),
        Attachment("日本.txt", b"--brickwork-\r\n", "text/plain; charset=utf-8"),
        Attachment("empty", b""),
    )
    receipt, requests = send(discord.serve, Notification("x", attachments=files))

    assert receipt.delivered
    assert list(discord.files.values()) == [each.content for each in files]
    assert [each["filename"] for each in discord.accepted[0]["attachments"]] == [
        'a"b\\c.bin',
        "日本.txt",
        "empty",
    ]
    assert b"X-Evil" not in requests[0].body


def test_a_long_body_becomes_a_file() -> None:
    """With ``attach`` the whole of a long body is there as a file."""
    discord = Discord()
    body = "a_b *c*\n" * 2000
    send(discord.serve, Notification("x", body), overflow=Overflow.ATTACH)

    assert discord.files == {"message.txt": body.encode()}
    assert "the whole text is in message.txt" in discord.accepted[0]["embeds"][0]["description"]


def test_escapes_count() -> None:
    """Of a body that Markdown doubles, half as much fits, and not a character more is lost."""
    discord = Discord()
    send(discord.serve, Notification("x", "_" * 2048), overflow=Overflow.CUT)
    send(discord.serve, Notification("x", "_" * 2049), overflow=Overflow.CUT)
    whole, cut = [message["embeds"][0]["description"] for message in discord.accepted]

    assert whole == "\\_" * 2048
    assert 4090 <= len(cut) <= 4096
    assert cut.endswith("more characters")


def test_a_long_file_name_keeps_its_ending() -> None:
    """The middle of a very long name is left out; the form stays readable."""
    file = Attachment("x" * 300 + ".tar.gz", b"1")
    body, media_type = form_with_files(b"{}", [file])

    assert len(file_name(file)) == 200
    assert file_name(file).endswith("xxx.tar.gz")
    request = Request("POST / HTTP/1.1", {"content-type": media_type}, body)
    assert read_message(request) == ({}, {"files[0]": (file_name(file), b"1")})


# When it is sent again


def test_wait_of_the_body_is_kept(waits: list[float]) -> None:
    """After 429 it waits as long as the body says, which is more exact than the header."""
    limited = {"message": "You are being rate limited.", "retry_after": 1.337, "global": False}
    receipt, requests = send(
        in_turn(reply(429, json.dumps(limited).encode(), {"Retry-After": "2"}), reply(200, MESSAGE))
    )

    assert (receipt.status, receipt.attempts, len(requests)) == ("delivered", 2, 2)
    assert waits == [1.337]


@pytest.mark.parametrize("said", ['"soon"', "true", "-1", "NaN", "1e400", "null", "[]"])
def test_wait_that_cannot_be_read(said: str, waits: list[float]) -> None:
    """A wait that is no number of seconds is left to the header."""
    body = f'{{"retry_after": {said}}}'.encode()
    receipt, _ = send(in_turn(reply(429, body, {"Retry-After": "3"}), reply(200, MESSAGE)))

    assert receipt.delivered
    assert waits == [3.0]


@pytest.mark.parametrize("status", [500, 502, 504])
def test_uncertain_is_not_sent_again(status: int, waits: list[float]) -> None:
    """Discord cannot recognise what it has had: what may have been taken is sent once."""
    receipt, requests = send(reply(status))

    assert (receipt.status, receipt.attempts, len(requests)) == ("failed", 1, 1)


def test_silence_is_not_sent_again(waits: list[float]) -> None:
    """Without an answer it is sent once, and not reported as delivered."""

    def silent(peer: Peer, _: Request) -> None:
        peer.pause()

    receipt, requests = send(silent, timeout_seconds=0.3)

    assert (receipt.status, len(requests)) == ("failed", 1)


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (400, b'{"message": "Invalid Form Body", "code": 50035}', "Invalid Form Body"),
        (404, b'{"message": "Unknown Webhook", "code": 10015}', "Unknown Webhook"),
        (401, b'{"message": "Invalid Webhook Token", "code": 50027}', "Invalid Webhook Token"),
        (200, b'{"message": "Unknown Webhook", "code": 10015}', "but: Unknown Webhook"),
    ],
)
def test_refused_is_final(status: int, body: bytes, says: str, waits: list[float]) -> None:
    """What Discord refuses, also with 200, is not sent again, and the receipt says why."""
    receipt, requests = send(reply(status, body))

    assert (receipt.status, receipt.attempts, receipt.http_status) == ("refused", 1, status)
    assert says in receipt.detail
    assert (len(requests), waits) == (1, [])


@pytest.mark.parametrize("body", [b"", b"ok", b"[]", b'{"id": 1}', b"<html>", b"\xff"])
def test_an_answer_without_the_message_is_no_delivery(body: bytes) -> None:
    """200 from something that is not Discord does not confirm anything."""
    receipt, _ = send(reply(200, body))

    assert (receipt.status, receipt.http_status) == ("failed", 200)
    assert receipt.message_id is None


# Forums


def test_a_thread_key_is_one_post_of_a_forum(memory_vault: Vault) -> None:
    """The first notification begins a post, those with the same key go there, others do not."""
    discord = Discord(forum=True)
    with LoopbackServer(discord.serve) as server, use_vault(memory_vault):
        block(server, forum=True).save("forum")
        for title, key in [("one", "load"), ("two", "load"), ("three", None), ("four", "other")]:
            loaded = DiscordWebhook.load("forum")  # as another process would
            assert loaded.send(Notification(title, thread_key=key)).delivered

    threads = [message.get("thread_name") for message in discord.accepted]
    assert threads == ["load", None, "three", "other"]
    assert discord.threads == ["771", "773", "774"]


def test_a_post_that_was_deleted_is_begun_again() -> None:
    """When the remembered post is gone, a new one is begun, and that one is remembered."""
    discord = Discord(forum=True)
    with LoopbackServer(discord.serve) as server:
        sender = block(server, forum=True)
        sender.send(Notification("one", thread_key="load"))
        discord.threads.clear()
        second = sender.send(Notification("two", thread_key="load"))
        third = sender.send(Notification("three", thread_key="load"))

    assert (second.status, second.attempts) == ("delivered", 2)
    assert (third.status, third.attempts) == ("delivered", 1)
    assert ["thread_name" in message for message in discord.accepted] == [True, True, False]


def test_a_webhook_that_was_deleted_is_refused() -> None:
    """When not the post but the webhook is gone, that is the end of it."""
    discord = Discord(forum=True)
    answers: list[Serve] = [discord.serve, reply(404), reply(404)]
    with LoopbackServer(in_turn(*answers)) as server:
        sender = block(server, forum=True)
        sender.send(Notification("one", thread_key="load"))
        receipt = sender.send(Notification("two", thread_key="load"))

    assert (receipt.status, receipt.http_status, receipt.attempts) == ("refused", 404, 2)


def test_a_vault_that_cannot_remember_does_not_hold_a_message_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The message matters more than its thread."""
    from brickwork import StoreError, ledger

    def broken(_: object) -> None:
        raise StoreError("The disk is full.", fix="Make room.")

    monkeypatch.setattr(ledger, "ledger_of", broken)
    discord = Discord(forum=True)
    receipt, _ = send(discord.serve, Notification("x", thread_key="k"), forum=True)

    assert receipt.delivered


# The check


def test_check_asks_discord() -> None:
    """The check finds the webhook's name, and posts nothing."""
    discord = Discord()
    with LoopbackServer(discord.serve) as server:
        report = block(server).check()

    assert [(each.status, each.detail) for each in report.findings] == [("ok", "ops alerts")]
    assert discord.accepted == []
    assert server.requests[0].line == f"GET {Discord.path} HTTP/1.1"


@pytest.mark.parametrize(
    ("serve", "says"),
    [
        (reply(404, b'{"message": "Unknown Webhook", "code": 10015}'), "HTTP 404: "),
        (reply(401, f"Cannot GET {Discord.path}".encode()), "HTTP 401: Cannot GET"),
        (reply(429, b"{}", {"Retry-After": "5"}), "HTTP 429"),
        (reply(200, b"<html>welcome"), "HTTP 200: <html>"),
        (reply(302, b"", {"Location": "http://169.254.169.254/"}), "HTTP 302"),
        (lambda peer, _: peer.reset(), "did not answer"),
    ],
)
def test_check_notices_what_is_wrong(serve: Serve, says: str) -> None:
    """A webhook that is unknown, and a server that is not Discord, fail, with a fix, no token."""
    with LoopbackServer(serve) as server:
        (finding,) = block(server).check().findings

    assert finding.status == "failed"
    assert says in finding.detail
    assert finding.fix
    assert TOKEN not in repr(finding)


# Fields


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"url": "https://discord.com.example\\@evil/"}, "backslashes"),
        ({"url": "http://discord.com/x", "allow_http": False}, "is http"),
        ({"username": "Discord bot"}, "discord"),
        ({"username": ""}, "username"),
        ({"avatar_url": "http://localhost/a.png"}, "avatar_url"),
        ({"mentions": ["@everyone"]}, "mentions"),
        ({"mentions": ["role:x"]}, "mentions"),
        ({"thread_id": "x"}, "thread_id"),
        ({"thread_id": "1", "forum": True}, "thread_id or forum"),
    ],
)
def test_unusable_fields_are_refused(fields: dict[str, Any], says: str) -> None:
    """A block that could never send is not made."""
    with LoopbackServer(reply()) as server, pytest.raises(InvalidBlock, match=says):
        block(server, **fields)


def test_names() -> None:
    """A webhook that is not saved is named by its host, never by its path."""
    made = DiscordWebhook.model_validate({"url": f"https://discord.com/api/webhooks/1/{TOKEN}"})

    assert made.describe() == "discord-webhook:https://discord.com"
    assert TOKEN not in repr(made)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/api/webhooks/1/x", "/api/v10/webhooks/1/x"),
        ("/api/v6/webhooks/1/x?thread_id=5", "/api/v10/webhooks/1/x"),
        ("/proxy/1/x", "/proxy/1/x"),
    ],
)
def test_path_gets_a_version(path: str, asked: str) -> None:
    """The version of the API is fixed, whatever the URL has; other paths stay as they are."""
    with LoopbackServer(reply(200, MESSAGE)) as server:
        block(server, url=f"http://127.0.0.1:{server.port}{path}").check()

    assert server.requests[0].line == f"GET {asked} HTTP/1.1"
