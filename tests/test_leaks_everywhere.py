"""No secret shows anywhere that the packages write to: bar 4 of the security page, end to end.

The core's own tests try what a secret, a log and a stream show. Here are the vault, tasks,
notifiers, serializers, AWS, and whole processes of the command line.
`brickwork.testing.leaks` says how to add a channel.
"""

import asyncio
import copy
import importlib.util
import io
import json
import logging
import os
import pickle
import pprint
import sqlite3
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import pytest
from pydantic import Field

from brickwork import (
    BasicAuth,
    Block,
    BrickworkError,
    DatabaseUrl,
    Notification,
    Secret,
    SecretBlock,
    Settings,
    Vault,
    Webhook,
    install_masking,
    migration,
    notify,
    on_progress,
    open_notifier,
    open_serializer,
    progress,
    task,
    use_vault,
)
from brickwork.builtin.wrapping import key_to_text
from brickwork.errors import InvalidArguments, TaskTimeout
from brickwork.testing.leaks import SENTINELS, UNKNOWN, Channel, Channels, leaks
from brickwork.testing.loopback import LoopbackServer, Peer, Request, reply
from brickwork.testing.task import no_waiting
from brickwork_aws import AwsCredentials, S3Bucket, s3_presign
from brickwork_github import GitHubCredentials, GitHubRepository, create_issue
from brickwork_slack import (
    SlackChannel,
    SlackCredentials,
    SlackWebhook,
    post_message,
    respond,
    send_webhook,
    upload_file,
)

if TYPE_CHECKING:
    from tests.conftest import Installation

ROOT = Path(__file__).resolve().parents[1]
NOBODY = "http://127.0.0.1:9"
"""A server that is not there."""

channels = Channels()
"""Channels inside this process: a secret goes in, and what shows comes out."""


@contextmanager
def a_vault() -> Iterator[tuple[Vault, Path]]:
    """A fresh vault, in use, and the folder that it and its key are in."""
    with tempfile.TemporaryDirectory() as name, redirect_stderr(io.StringIO()):
        folder = Path(name)
        vault = Vault.open(str(folder / "data" / "vault.db"), f"file:{folder / 'key' / 'key'}")
        with vault, use_vault(vault):
            yield vault, folder


def login(text: str) -> BasicAuth:
    """Return a block with a secret; the control, which is none, is its public field instead."""
    if text == UNKNOWN:
        return BasicAuth(username=text, password=Secret("nothing-in-particular"))
    return BasicAuth(username="me", password=Secret(text))


def content(folder: Path) -> bytes:
    """Return the names and the bytes of all files below a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"\n".join(str(path).encode() + b"\n" + path.read_bytes() for path in files)


def traced(error: BaseException) -> str:
    """Return all that an error shows: texts, reprs, and tracebacks with local variables.

    The frames of this file are left out: they hold the plain text, on purpose.
    """
    shown = f"{error} {error!r} {error.args!r} {vars(error)!r}"
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        waiting.append(each.__cause__)
        if not each.__suppress_context__:
            waiting.append(each.__context__)
        frames = traceback.StackSummary.extract(
            (
                (frame, line)
                for frame, line in traceback.walk_tb(each.__traceback__)
                if frame.f_code.co_filename != __file__
            ),
            capture_locals=True,
        )
        # Only values count: source lines are in the repository.
        shown += repr([frame.locals for frame in frames]) + repr(each) + str(each)
        shown += repr(getattr(each, "__notes__", ()))
    return shown


def failing(call: Callable[[], object], kind: type[BaseException] = BrickworkError) -> str:
    """Call what must fail, and return all that its error shows."""
    with pytest.raises(kind) as caught:
        call()
    return traced(caught.value)


# The vault


@channels.add(carries=True)
def vault_files(text: str) -> bytes:
    """Database, write-ahead log and shared memory, while the vault is open."""
    with a_vault() as (_, folder):
        login(text).save("prod")
        assert (folder / "data" / "vault.db-wal").exists()
        return content(folder)


@channels.add(carries=True)
def vault_files_after_changes(text: str) -> bytes:
    """The same after a new version, a rename, a reference and a removal, open and closed."""
    with a_vault() as (vault, folder):
        block = login(text)
        block.save("prod")
        block.model_copy(update={"username": f"{block.username}2"}).save("prod", overwrite=True)
        login(text).save("other")
        vault.rename("basic-auth/prod", "renamed")
        vault.delete("basic-auth/other")
        shown = content(folder)
        vault.close()
        return shown + content(folder)


@channels.add(carries=True)
def vault_files_of_nested_blocks(text: str) -> bytes:
    """Blocks inside blocks, lists and dicts."""
    with a_vault() as (_, folder):
        Nested(inner=login(text), many=[login(text)], named={"x": login(text)}).save("prod")
        return content(folder)


@channels.add(carries=True)
def vault_sql_dump(text: str) -> str:
    """The database as SQL."""
    with a_vault() as (_, folder):
        login(text).save("prod")
        connection = sqlite3.connect(folder / "data" / "vault.db")
        shown = "\n".join(connection.iterdump())
        connection.close()
        blobs = [
            bytes.fromhex(part)
            for part in shown.split("X'")[1:]
            for part in [part.partition("'")[0]]
        ]
        return shown + b"\n".join(blobs).decode("utf-8", "replace")


@channels.add(carries=True)
def vault_documents(text: str) -> str:
    """Documents: listed, by version, their fields."""
    with a_vault() as (vault, _):
        saved = login(text).save("prod")
        listed = [saved, *vault.documents(), *vault.history("basic-auth/prod")]
        shown = [[each.fields, each.secrets, each.uses, str(each), repr(each)] for each in listed]
        return pprint.pformat(shown, width=10_000) + repr(vault) + repr(vault.store)


@channels.add()
def vault_of_keys(text: str) -> str:
    """Key ring, provider and their states."""
    with a_vault() as (vault, _):
        login(text).save("prod")
        shown = f"{vault.keys!r} {vault.keys.status()!r} {vault.keys.provider!r} {vars(vault)!r}"
        return shown + vault.keys.provider.describe()


@channels.add()
def vault_temporary_files(text: str) -> bytes:
    """Files that are opened for writing, anywhere but in the vault."""
    written: list[str] = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if listening and event == "open" and isinstance(arguments[2], int) and arguments[2] & 3:
            written.append(
                os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes) else ""
            )

    listening = True
    sys.addaudithook(hook)
    with a_vault() as (vault, _):
        login(text).save("prod")
        vault.load("basic-auth/prod")
        shown = b"\n".join(Path(name).read_bytes() for name in written if Path(name).is_file())
    listening = False
    return shown + "\n".join(written).encode()


@channels.add()
def load_with_wrong_key(text: str) -> str:
    """A load with another key."""
    with a_vault() as (vault, folder):
        login(text).save("prod")
        (folder / "key" / "key").write_text(key_to_text(os.urandom(32)))
        with Vault.open(vault.store.location, f"file:{folder / 'key' / 'key'}") as other:
            return failing(lambda: other.load("basic-auth/prod"))


@channels.add()
def load_of_tampered(text: str) -> str:
    """A load of what somebody changed."""
    with a_vault() as (vault, folder):
        login(text).save("prod")
        connection = sqlite3.connect(folder / "data" / "vault.db")
        connection.execute("UPDATE documents SET schema_version = 9, version = version")
        connection.commit()
        connection.close()
        return failing(lambda: vault.load("basic-auth/prod"))


@channels.add()
def load_of_old_fields(text: str) -> str:
    """A load of what does not fit the class any more: decrypted, then refused."""
    with a_vault() as (vault, _):
        Old(token=Secret(text), login="me").save("prod")
        with replaced(Old, New):
            return failing(lambda: vault.load("leaks-old/prod"))


@channels.add()
def load_by_migration_that_fails(text: str) -> str:
    """A load whose migration raises an error that quotes what it was given."""
    with a_vault() as (vault, _):
        Old(token=Secret(text), login="me").save("prod")
        with replaced(Old, Migrated):
            return failing(lambda: vault.load("leaks-old/prod"))


@channels.add()
def load_as_another_class(text: str) -> str:
    """A load as what it is not."""
    with a_vault() as (vault, _):
        login(text).save("prod")
        return failing(lambda: vault.load("basic-auth/prod", expect=SecretBlock))


@channels.add()
def save_over_another(text: str) -> str:
    """Saves under a name that is taken, and over a newer version."""
    with a_vault() as (_vault, _):
        first = SecretBlock(value=Secret("something-else"))
        first.save("prod")
        shown = failing(lambda: SecretBlock(value=Secret(text)).save("prod"))
        SecretBlock(value=Secret("third-thing")).save("prod", overwrite=True)
        changed = first.model_copy(update={"value": Secret(text)})
        return shown + failing(lambda: changed.save("prod", overwrite=True))


@channels.add()
def save_without_key(text: str) -> str:
    """A save without a key."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Vault.open(f"{folder}/vault.db", "env:NOT_SET_FOR_LEAKS") as vault,
    ):
        assert list(Path(folder).iterdir()) == []
        return failing(lambda: vault.save(login(text), "prod"))


@channels.add()
def save_of_what_cannot_be_stored(text: str) -> str:
    """A save of a block with a value that JSON cannot carry."""
    with a_vault():
        return failing(lambda: Odd(token=Secret(text), thing=object()).save("prod"))


@channels.add()
def save_into_full_store(text: str) -> str:
    """A save whose transaction fails in the database."""
    with a_vault() as (vault, folder):
        login("nothing-in-particular").save("first")
        connection = sqlite3.connect(folder / "data" / "vault.db")
        connection.execute(
            "CREATE TRIGGER t BEFORE INSERT ON documents BEGIN SELECT RAISE(FAIL, 'no'); END"
        )
        connection.commit()
        connection.close()
        return failing(lambda: vault.save(login(text), "prod"))


@channels.add()
def first_save_note(text: str) -> str:
    """What the first save says on standard error."""
    with tempfile.TemporaryDirectory() as folder, redirect_stderr(io.StringIO()) as err:
        with Vault.open(f"{folder}/data/vault.db", f"file:{folder}/key/key") as vault:
            vault.save(login(text), "prod")
        assert "vault.db" in err.getvalue()
        return err.getvalue()


# Blocks


@channels.add(carries=True)
def block_texts(text: str) -> str:
    """A block as text, before and after it was saved and loaded."""
    with a_vault() as (vault, _):
        block = login(text)
        block.save("prod")
        blocks = [block, vault.load("basic-auth/prod"), copy.deepcopy(block)]
        shown = [f"{b} {b!r} {b.__dict__} {b.model_dump()}" for b in blocks]
        return "".join(shown) + pprint.pformat(blocks) + repr(vars(block))


@channels.add()
def block_pickle(text: str) -> bytes:
    """The pickle of a saved block is its address; that of an unsaved one is refused."""
    shown = failing(lambda: pickle.dumps(login(text))).encode()
    with a_vault() as (vault, _):
        login(text).save("prod")
        loaded: Block = vault.load("basic-auth/prod")
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            shown += pickle.dumps([loaded, {"x": loaded}], protocol)
        assert pickle.loads(pickle.dumps(loaded)) == loaded
    return shown


@channels.add()
def block_cloudpickle(text: str) -> bytes:
    """A function that closes over blocks, as an engine sends it to workers."""
    cloudpickle = pytest.importorskip("cloudpickle")
    with a_vault() as (vault, _):
        login(text).save("prod")
        loaded: Block = vault.load("basic-auth/prod")
        shown: bytes = cloudpickle.dumps(lambda: loaded)
    fresh = login(text)
    return shown + failing(lambda: cloudpickle.dumps(lambda: fresh), Exception).encode()


@channels.add()
def block_json(text: str) -> str:
    """JSON of a block is refused; its schema has no values."""
    block = login(text)
    shown = failing(block.model_dump_json) + failing(lambda: block.model_dump(mode="json"))
    return shown + json.dumps(type(block).model_json_schema())


@channels.add()
def block_errors(text: str) -> str:
    """Values that do not fit, in whatever field."""
    wrong: list[Callable[[], object]] = [
        lambda: BasicAuth(username="me", password=text, pasword=text),  # type: ignore[call-arg]  # wrong on purpose
        lambda: BasicAuth(username="me", password=[text]),
        lambda: BasicAuth(username=Secret(text), password="x"),
        lambda: DatabaseUrl(scheme="x", port=text),
        lambda: Settings(value={"x": Secret(text)}),
        lambda: Nested(inner={"username": "me", "password": [text]}),
        lambda: BasicAuth.model_validate_json(json.dumps({"password": [text]})),
        lambda: login(text).model_copy(update={"username": [text]}),
        lambda: AwsCredentials(access_key_id="AKIA", secret_access_key=text + " "),
    ]
    return "".join(map(failing, wrong))


@channels.add()
def block_check(text: str) -> str:
    """Reports of checks that fail."""
    database = DatabaseUrl(
        scheme="postgresql", host="127.0.0.1", port=9, username="me", password=Secret(text)
    )
    return f"{database.check()!r} {database.url()!r} {login(text).header()!r}"


@channels.add()
def block_async(text: str) -> str:
    """The async twins, on failure."""
    with a_vault():
        login(text).save("prod")
        return failing(lambda: asyncio.run(SecretBlock(value=Secret(text)).asave("no name")))


# Tasks


@channels.add()
def task_arguments(text: str) -> str:
    """Arguments that do not fit."""

    @task
    def count(number: int, token: Secret[str]) -> None: ...

    shown = failing(lambda: count(1, Secret(text), 3), TypeError)  # type: ignore[call-arg]  # wrong on purpose
    # Handed over as plain texts, they are in sight of whoever looks at local variables.
    for wrong in ({"token": text}, {"number": text, "token": [text]}, {"nummber": text}):
        with pytest.raises(InvalidArguments) as caught:
            count.coerce(wrong)
        shown += f"{caught.value} {caught.value!r} {caught.value.args!r} {vars(caught.value)!r}"
    return shown + repr(count)


@channels.add()
def task_timeout(text: str) -> str:
    """A task that does not end in time."""

    @task(timeout_seconds=0.02)
    def wait(token: Secret[str]) -> None:
        while True:
            pass

    return failing(lambda: wait(Secret(text)), TaskTimeout)


@channels.add()
def task_async_timeout(text: str) -> str:
    """An async one."""

    @task(timeout_seconds=0.02)
    async def wait(token: Secret[str]) -> None:
        await asyncio.sleep(60)

    return failing(lambda: asyncio.run(wait.aio(Secret(text))), TaskTimeout)


@channels.add(carries=True)
def task_retries_logged(text: str) -> str:
    """What is logged about a task that fails and is tried again."""

    @task(retries=1, retry_delay_seconds=0)
    def fail() -> None:
        raise ValueError(f"refused: {text}")

    with logged("brickwork") as stream, suppress(ValueError):
        fail()
    with logged("leaks") as more:
        logging.getLogger("leaks").error("the task failed", exc_info=ValueError(f"{text}"))
    return stream.getvalue() + more.getvalue()


@channels.add(carries=True)
def task_progress(text: str) -> str:
    """The text of a progress report, as the listener of a program gets it and logs it."""
    with logged("leaks") as stream, on_progress(lambda p: logging.getLogger("leaks").info("%s", p)):

        @task
        def work() -> None:
            progress(1, 2, f"sending {text}")

        work()
    return stream.getvalue()


# Notifiers


@channels.add(carries=True)
def webhook_received(text: str) -> bytes:
    """All that arrives at a webhook's receiver, where every part of a message has a secret."""
    with LoopbackServer(reply(204)) as server:
        hook = Webhook(
            url=Secret(f"http://127.0.0.1:{server.port}/hook"),
            signing_secret=Secret("whsec_" + "c2lnbmluZy1zZWNyZXQtb2YtdGhlLXRlc3Rz"),
            allow_private=True,
            allow_http=True,
        )
        receipts = notify(hook, message(text))
        assert receipts[0].delivered, receipts
        (request,) = server.requests
    return f"{request!r} {receipts!r}".encode() + request.body


@channels.add(carries=True)
def webhook_refused(text: str) -> str:
    """The receipt of a service that answers with what it was sent."""

    def echo(peer: Peer, request: Request) -> None:
        body = f"bad token {text}".encode()
        peer.send(b"HTTP/1.1 400 X\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    with LoopbackServer(echo) as server:
        url = f"http://127.0.0.1:{server.port}/hook"
        hook = Webhook(url=Secret(url), allow_private=True, allow_http=True)
        (receipt,) = notify(hook, message(text))
        assert not receipt.delivered
        return repr(receipt) + receipt.detail


@channels.add()
def webhook_url(text: str) -> str:
    """A URL that is a secret: in receipts, errors, checks, and what the block says of itself."""
    path = quote(text, safe="")
    url = f"{NOBODY}/{path}"
    hook = Webhook(url=Secret(url), allow_private=True, allow_http=True)
    shown = f"{hook!r} {hook} {hook.describe()} {hook.check()!r}"
    refused = Webhook(url=Secret(f"https://127.0.0.1/{path}"))
    receipts = notify([refused, f"webhook:https://127.0.0.1/{path}"], title="hello")
    with pytest.raises(BrickworkError) as caught:
        open_notifier(f"no-such:{path}")
    return f"{shown} {receipts!r} {caught.value} {caught.value!r}"


@channels.add(carries=True)
def notifier_console(text: str) -> str:
    """What the console's notifier writes."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        (receipt,) = notify("console:", message(text))
    assert receipt.delivered, receipt
    return out.getvalue() + err.getvalue() + repr(receipt)


# Serializers


@channels.add()
def serializer_json(text: str) -> str:
    """JSON refuses secrets and blocks that hold some."""
    json_chain = open_serializer("json")
    values = [Secret(text), {"x": [Secret(text)]}, login(text), [login(text)]]
    return "".join(failing(partial(json_chain.dumps, value)) for value in values)


@channels.add()
def serializer_pickle(text: str) -> bytes:
    """So does pickle, and a saved block is its address."""
    with a_vault():
        chain = open_serializer("pickle", allow_pickle=True)
        block = login(text)
        block.save("prod")
        shown = failing(lambda: chain.dumps(login(text))) + failing(
            lambda: chain.dumps(Secret(text))
        )
        return shown.encode() + chain.dumps(block)


@channels.add()
def envelope_sealed(text: str) -> bytes:
    """Envelopes that are encrypted, compressed before or not."""
    with a_vault():
        login("nothing-in-particular").save("prod")
        value = {"secret": text, "many": [text] * 3}
        shown = b""
        for chain in ("json|aes256gcm", "json|zstd|aes256gcm", "json|gzip|aes256gcm"):
            serializer = open_serializer(chain)
            data = serializer.dumps(value)
            assert serializer.loads(data) == value
            shown += data
        changed = bytearray(data)
        changed[-1] ^= 1
        return shown + failing(lambda: serializer.loads(bytes(changed))).encode()


@channels.add(carries=True)
def stored_exception(text: str) -> bytes:
    """An exception as a result: its text is masked."""
    return open_serializer("json").dumps(ValueError(f"refused {text}"))


# AWS


def credentials(text: str) -> AwsCredentials:
    """Return credentials whose secret parts are the text, as a URL has it: a header takes that."""
    return AwsCredentials(
        region="eu-west-1",
        access_key_id="AKIAEXAMPLE",
        secret_access_key=Secret(quote(text, safe="")),
        session_token=Secret(quote(text, safe="")),
        endpoint_url=NOBODY,
        client_options={"connect_timeout": 1, "max_attempts": 1},
    )


@channels.add()
def aws_texts(text: str) -> str:
    """Credentials, bucket and clients as text."""
    block = credentials(text)
    bucket = S3Bucket(bucket="reports", credentials=block)
    client = block.client("s3")
    parts = [block, bucket, client, client.meta, client.meta.config, block.session(), bucket.url]
    return "".join(f"{part} {part!r}" for part in parts) + repr(bucket.model_dump())


@channels.add()
def aws_debug_log(text: str) -> str:
    """What boto3 and all below it log at level DEBUG of signed requests, to a plain handler."""
    bucket = S3Bucket(bucket="reports", credentials=credentials(text))
    with logged("") as stream:
        with suppress(BrickworkError):
            bucket.write("key", b"data")
        with suppress(BrickworkError):
            list(bucket.keys())
    assert "AWS4-HMAC-SHA256" in stream.getvalue()  # it did log signed requests
    return stream.getvalue()


@channels.add()
def aws_errors(text: str) -> str:
    """Requests that fail, checks and presigning that do."""
    bucket = S3Bucket(bucket="reports", credentials=credentials(text))
    calls: list[Callable[[], object]] = [
        lambda: bucket.read("key"),
        lambda: bucket.write("key", b"data"),
        lambda: list(bucket.keys()),
        lambda: s3_presign(bucket, "key", expires_seconds=10**9),
    ]
    shown = "".join(failing(call, Exception) for call in calls)
    return shown + repr(bucket.check()) + repr(bucket.credentials.check())


# GitHub


def robot(text: str, url: str = NOBODY) -> GitHubCredentials:
    """Return credentials whose token is the text, as a URL has it: a header takes that."""
    return GitHubCredentials(
        token=Secret(quote(text, safe="")), api_url=url, client_options={"retries": 0}
    )


GITHUB_CALLS: tuple[Callable[[GitHubCredentials], object], ...] = (
    lambda block: create_issue.fn(block, "acme/api", "Crack"),
    lambda block: block.graphql("{ viewer { login } }"),
    lambda block: block.client().get_user().login,
    lambda block: GitHubRepository(repository="acme/api", credentials=block).read("README.md"),
    lambda block: GitHubRepository(repository="acme/api", credentials=block).clone("no-folder"),
)


@channels.add()
def github_texts(text: str) -> str:
    """Credentials, repository and client as text."""
    block = robot(text)
    whole = GitHubRepository(repository="acme/api", credentials=block)
    client = block.client()
    parts = [block, whole, client, client.requester, client.requester.auth, block.access_token()]
    return "".join(f"{part} {part!r}" for part in parts) + repr(whole.model_dump())


@channels.add()
def github_errors(text: str) -> str:
    """Requests and clones that fail, and checks that do; with the variables of all frames."""
    block = robot(text)
    return "".join(failing(partial(call, block)) for call in GITHUB_CALLS) + repr(block.check())


@channels.add()
def github_debug_log(text: str) -> str:
    """What all below PyGithub logs at level DEBUG, and errors, where the server says the token."""
    from github import GithubException

    body = json.dumps({"message": f"{quote(text, safe='')} may not, nor may {text}"}).encode()
    refuse = reply(403, body, {"Connection": "close"})
    with LoopbackServer(refuse) as server, logged("") as stream, logged("github") as inner:
        block = robot(text, f"http://127.0.0.1:{server.port}")
        for call in GITHUB_CALLS:
            try:
                call(block)
            except BrickworkError as error:
                stream.write(f"{error} {error!r}")
            except GithubException:
                continue  # PyGithub's says all that GitHub does
    assert "may not" in inner.getvalue()  # PyGithub did log whole answers
    return stream.getvalue() + inner.getvalue()


# Slack


def bot(text: str, url: str = NOBODY) -> SlackCredentials:
    """Return credentials whose token is the text, as a URL has it: a header takes that."""
    return SlackCredentials(
        token=Secret(quote(text, safe="")),
        app_token=Secret(quote(text, safe="")),
        signing_secret=Secret(quote(text, safe="")),
        base_url=url,
        client_options={"retries": 0},
    )


def hook(text: str, url: str = NOBODY) -> Secret[str]:
    """Return a webhook's URL, whose path is the text."""
    return Secret(f"{url}/services/T0/B0/{quote(text, safe='')}")


def slack_calls(text: str, url: str = NOBODY) -> list[Callable[[], object]]:
    """Return what asks Slack, in both ways."""
    block, secret = bot(text, url), hook(text, url)
    webhook = SlackWebhook(url=secret, timeout_seconds=1, retry_seconds=0)
    channel = SlackChannel(channel="C0000000001", credentials=block, retry_seconds=0)
    return [
        lambda: post_message.fn(block, "C0000000001", "Deployed"),
        lambda: asyncio.run(post_message.aio(block, "C0000000001", "Deployed")),
        lambda: upload_file.fn(block, b"day,sum", "C0000000001", name="report.csv"),
        lambda: asyncio.run(upload_file.aio(block, b"day,sum", name="report.csv")),
        lambda: send_webhook.fn(webhook, "Deployed"),
        lambda: asyncio.run(send_webhook.aio(webhook, "Deployed")),
        lambda: respond.fn(secret, "Deployed"),
        lambda: asyncio.run(respond.aio(secret, "Deployed")),
        lambda: webhook.send(Notification("Deployed")),
        lambda: channel.send(Notification("Deployed")),
    ]


@channels.add()
def slack_texts(text: str) -> str:
    """Credentials, webhook, channel and clients as text."""
    block = bot(text)
    webhook = SlackWebhook(url=hook(text))
    channel = SlackChannel(channel="C0000000001", credentials=block)
    parts = [block, webhook, channel, webhook.describe(), block.client(), block.async_client()]
    return "".join(f"{part} {part!r}" for part in parts) + repr(channel.model_dump())


@channels.add()
def slack_errors(text: str) -> str:
    """Requests and checks that fail, where nobody listens; with the variables of all frames."""
    with no_waiting():
        shown = "".join(failing(call) for call in slack_calls(text)[:-2])
        receipts = repr([call() for call in slack_calls(text)[-2:]])
        return (
            shown + receipts + repr(bot(text).check()) + repr(SlackWebhook(url=hook(text)).check())
        )


@channels.add()
def slack_debug_log(text: str) -> str:
    """What all below the tasks logs at level DEBUG, and errors, where the server says the token."""
    words = {"messages": [f"[ERROR] {text} and {quote(text, safe='')} are none"]}
    answer = {"ok": False, "error": "invalid_arguments", "response_metadata": words}
    said = json.dumps(answer).encode()
    refuse = reply(403, said, {"Connection": "close", "Content-Type": "application/json"})
    with LoopbackServer(refuse) as server, logged("") as stream, no_waiting():
        for call in slack_calls(text, f"http://127.0.0.1:{server.port}"):
            try:
                stream.write(repr(call()))
            except BrickworkError as error:
                stream.write(f"{error} {error!r}")
    assert "are none). Look at" in stream.getvalue()  # errors did quote the server
    return stream.getvalue()


# Whole processes, which know nothing of what is a secret before they decrypt it

COMMANDS: dict[str, tuple[str, ...]] = {
    "block ls": ("block", "ls"),
    "block ls --json": ("block", "ls", "--json"),
    "block show": ("block", "show", "basic-auth/control"),
    "block show --json": ("block", "show", "basic-auth/control", "--json"),
    "export": ("export",),
    "manifest schema": ("manifest", "schema"),
    "block history": ("block", "history", "basic-auth/s0", "--json"),
    "block check": ("block", "check"),
    "block check --json": ("block", "check", "--json"),
    "block types": ("block", "types", "--json"),
    "block edit": ("block", "edit", "basic-auth/s1", "--set", "username=you", "--json"),
    "block edit refused": ("--debug", "block", "edit", "basic-auth/s2", "--set", "username=a:b"),
    "block create taken": ("--debug", "block", "create", "basic-auth", "s3"),
    "block rename": ("block", "rename", "basic-auth/s4", "t4"),
    "block delete": ("block", "delete", "basic-auth/s5", "--yes"),
    "block not found": ("--debug", "block", "show", "basic-auth/none"),
    "keys status": ("keys", "status"),
    "keys status --json": ("keys", "status", "--json"),
    "plugin ls": ("plugin", "ls", "--load", "--json"),
    "task ls": ("task", "ls", "--json"),
    "notify": ("notify", "basic-auth/s6", "console:", "-m", "test", "--json"),
    "doctor": ("doctor",),
    "doctor --json": ("doctor", "--json"),
    "help": ("help", "variables"),
    # Of plugins: these import the file, which holds a secret, and see the run that `populated` made
    "aws policy": ("aws", "policy", "flows.py", "aws.s3_read"),
    "github permissions": ("github", "permissions", "flows.py", "--json"),
    "slack manifest": ("slack", "manifest", "flows.py", "--json"),
    "flow ls": ("flow", "ls", "flows.py", "--json"),
    "flow run": ("flow", "run", "flows.py:report", "-p", "login=basic-auth/s7", "--json"),
    "flow run failed": ("--debug", "flow", "run", "flows.py:fails", "-p", "login=basic-auth/s8"),
    "flow run refused": ("--debug", "flow", "run", "flows.py:fails", "-p", "login=basic-auth/none"),
    "run ls": ("run", "ls", "--json"),
    "run show": ("run", "show", "kept-run", "--json"),
    "run logs": ("run", "logs", "kept-run", "--json"),
    "run result": ("run", "result", "kept-run"),
}
CARRYING = {"block show", "block show --json", "flow run", "run show", "run logs", "run result"}
FLOWS = """
import logging
from brickwork import BasicAuth
from brickwork_aws import s3_presign
from brickwork_flows import flow
from brickwork_github import create_issue
from brickwork_slack import post_message

HELD = BasicAuth.load("basic-auth/s0")
CONTROL = BasicAuth.load("basic-auth/control")

def told(login: BasicAuth) -> list[str]:
    return [CONTROL.username, repr(login), repr(HELD), login.password.reveal()]

@flow
def report(login: BasicAuth) -> str:
    print(told(login))
    logging.getLogger("flows").warning("%s", told(login))
    return CONTROL.username

@flow(flow_run_name="kept-run", log_prints=True)
def keep(login: BasicAuth, note: str) -> str:
    return report.fn(login)

@flow
def fails(login: BasicAuth) -> None:
    raise ValueError(f"cannot take {login.password.reveal()}")

@flow
def uses() -> None:
    s3_presign(create_issue(post_message()))
"""


@pytest.fixture(scope="module")
def populated(tmp_path_factory: pytest.TempPathFactory, installations: Any) -> "Installation":
    """An installation whose vault holds every sentinel, and the control as a public field."""
    installation: Installation = installations(tmp_path_factory.mktemp("populated"))
    code = f"""
from brickwork import BasicAuth, Secret
from brickwork.testing.leaks import SENTINELS
for number, sentinel in enumerate(SENTINELS):
    BasicAuth(username="me", password=Secret(sentinel)).save(f"s{{number}}")
BasicAuth(username={UNKNOWN!r}, password=Secret("x" * 20)).save("control")
"""
    answer, _ = installation.attempt(code)
    assert "error" not in answer, answer
    (installation.work / "flows.py").write_text(FLOWS)
    given = ("-p", "login=basic-auth/s9", "-p", f"note={UNKNOWN}")
    done = installation.brickwork("flow", "run", "flows.py:keep", *given)
    assert done.code == 0, done.shown
    return installation


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_shows_a_sentinel(command: str, populated: "Installation") -> None:
    """No command of the command line shows any secret of the vault."""
    done = populated.brickwork(*COMMANDS[command], stdin="")
    for sentinel in SENTINELS:
        assert not leaks(sentinel, done.shown), done.shown
    assert done.shown
    if command in CARRYING:
        assert leaks(UNKNOWN, done.shown), "the channel carries nothing"


def test_secrets_given_to_commands_show_nowhere(populated: "Installation") -> None:
    """A secret from standard input shows in no output, whether the command works or fails."""
    for number, sentinel in enumerate(SENTINELS):
        if "\n" in sentinel or "\x1b" in sentinel:
            continue  # a line of input is one line
        secrets = json.dumps({"password": sentinel})
        create = ("--debug", "block", "create", "basic-auth", f"n{number}")
        for arguments in (
            (*create, "--set", "username=me", "--secrets-from-stdin"),
            (*create, "--set", "username=a:b", "--secrets-from-stdin"),
        )[number % 2 :][:1]:
            done = populated.brickwork(*arguments, stdin=secrets)
            assert done.code == (0 if number % 2 == 0 else 2), done
            assert not leaks(sentinel, done.shown), done.shown


def test_nothing_but_the_vault_holds_a_sentinel(populated: "Installation", tmp_path: Path) -> None:
    """After all this no file of the installation or its temporary folder shows any."""
    populated.environ["TMPDIR"] = str(tmp_path)
    populated.brickwork("block", "edit", "basic-auth/s6", "--set", "username=you")
    for folder in (populated.home, populated.work, tmp_path):
        shown = content(folder)
        for sentinel in SENTINELS:
            assert not leaks(sentinel, shown)
    assert leaks(UNKNOWN, content(populated.home)), "the control must be found"


def test_no_process_shows_a_sentinel(populated: "Installation") -> None:
    """Command lines and environments of all processes that a program starts show none."""
    code = """
import subprocess, sys, os, pathlib
from brickwork import Block
blocks = [Block.load(f"basic-auth/s{number}") for number in (0, 7, 8, 9, 10)]
started = []
def hook(event, arguments):
    if event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.putenv"):
        started.append(repr(arguments))
sys.addaudithook(hook)
from brickwork import notify, open_serializer
from brickwork_aws import AwsCredentials
for block in blocks:
    block.check()
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
folder = pathlib.Path("/proc") / str(child.pid)
shown = [each.read_bytes().decode("utf-8", "replace")
         for pid in (child.pid, os.getpid())
         for each in [pathlib.Path("/proc") / str(pid) / name for name in ("cmdline", "environ")]
         if each.exists()]
child.communicate(b"\\n")
result = [shown, started, dict(os.environ)]
"""
    answer, done = populated.attempt(code)
    assert "error" not in answer, answer
    shown = json.dumps(answer, ensure_ascii=False) + done.err
    assert "input()" in shown
    for sentinel in SENTINELS:
        assert not leaks(sentinel, shown)


# All of it


@pytest.mark.parametrize("channel", channels, ids=str)
def test_no_sentinel_shows(channel: Channel) -> None:
    """No channel shows any of the sentinels in any form; those that carry texts do carry."""
    with install_masking():
        channel.check()


def test_there_are_enough() -> None:
    """With the core's: at least 40 channels, with 20 sentinels each; the names are unique."""
    core = [
        load(path).channels for path in (ROOT / "core" / "tests").glob("test_leak_channels*.py")
    ]
    names = [channel.name for group in [channels, *core] for channel in group]
    assert len(channels) >= 40 - len(COMMANDS)
    assert len(set(names)) == len(names)
    assert len(names) + len(COMMANDS) >= 100
    assert len(set(SENTINELS)) >= 20


def test_a_planted_leak_in_files_is_found() -> None:
    """A secret that is stored where it is public is found in the files."""
    for sentinel in SENTINELS:
        with a_vault() as (_, folder):
            Settings(value={"oops": sentinel}).save("prod")
            assert leaks(sentinel, content(folder)), sentinel


def test_a_planted_leak_in_local_variables_is_found() -> None:
    """What tells whether local variables show does see them."""

    def plant(text: str) -> None:
        json.loads(text)  # fails in a frame that is not of this file

    for sentinel in SENTINELS:
        with pytest.raises(ValueError, match=r".") as caught:
            plant("{" + sentinel)
        assert leaks(sentinel, traced(caught.value)), sentinel


# Helpers


class Nested(Block):
    """Blocks in every place."""

    slug: ClassVar[str] = "leaks-nested"

    inner: BasicAuth = Field(description="One.")
    many: list[BasicAuth] = Field(default=[], description="Several.")
    named: dict[str, BasicAuth] = Field(default={}, description="By name.")


class Odd(Block):
    """Holds what cannot be stored."""

    slug: ClassVar[str] = "leaks-odd"

    token: Secret[str] = Field(description="A secret.")
    thing: Any = Field(description="Anything.")


class Old(Block):
    """What was saved once."""

    slug: ClassVar[str] = "leaks-old"

    token: Secret[str] = Field(description="A secret.")
    login: str = Field(description="Public.")


class New(Block):
    """What the same class is today, without a migration."""

    slug: ClassVar[str] = "leaks-new"

    token: int = Field(description="No secret any more.")


class Migrated(Block):
    """What the same class is today, with a migration that fails."""

    slug: ClassVar[str] = "leaks-migrated"
    schema_version: ClassVar[int] = 2

    token: Secret[str] = Field(description="A secret.")

    @migration(1)
    @staticmethod
    def _quotes(fields: dict[str, Any]) -> dict[str, Any]:
        raise ValueError(f"cannot take {fields['token'].reveal()}")


@contextmanager
def replaced(old: type[Block], new: type[Block]) -> Iterator[None]:
    """Let another class stand for a slug."""
    from brickwork.block import defined_blocks

    slug = new.slug
    new.slug = old.slug
    defined_blocks[old.slug] = new
    try:
        yield
    finally:
        defined_blocks[old.slug] = old
        new.slug = slug


@contextmanager
def logged(name: str) -> Iterator[io.StringIO]:
    """Collect what a logger and its children write, by a plain handler."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger(name)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def message(text: str) -> Notification:
    """Return a message with a text in every part."""
    return Notification(
        title=f"title {text.splitlines()[0]}" if text else "title",
        body=f"body {text}",
        fields={"plain": text, text: "as a name"},
        url=f"https://example.com/?q={quote(text)}",
        thread_key=text,
        dedupe_key=text,
    )


@cache
def load(path: Path) -> ModuleType:
    """Import a test module by its path."""
    spec = importlib.util.spec_from_file_location(f"leaks_of_core_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
