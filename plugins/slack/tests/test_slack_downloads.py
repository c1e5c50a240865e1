"""Files that are read: whole, from Slack's own hosts, and never the page to log in."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, strategies as st

from brickwork import InvalidArguments, Progress, Secret, TaskTimeout, on_progress
from brickwork.testing.listening import Exchange, Reply, listening
from brickwork.testing.task import no_waiting
from brickwork_slack import (
    SlackConflict,
    SlackCredentials,
    SlackDenied,
    SlackError,
    SlackInvalid,
    SlackNotFound,
    SlackRateLimited,
    SlackTimeout,
    SlackUnavailable,
    delete_file,
    download_file,
    get_file,
    list_files,
    read_file,
    upload_file,
    wait_for_file,
)
from brickwork_slack.files.repeating import is_slacks
from brickwork_slack.testing import SlackServer
from brickwork_slack.testing.faults import (
    Fault,
    lost_answer,
    rate_limited,
    reset_before,
    server_error,
    slow,
)

MIB = 1 << 20
BRICKS = b"bricks, " * 100_000
PAGE = b"<html><title>Sign in | Slack</title></html>"

Fetch = Callable[..., Path]


@pytest.fixture(params=["plain", "aio"])
def fetch(request: pytest.FixtureRequest) -> Fetch:
    """download_file, called and awaited."""
    if request.param == "plain":
        return cast("Fetch", download_file)
    return lambda *args, **kwargs: asyncio.run(download_file.aio(*args, **kwargs))


@pytest.fixture
def file(slack_credentials: SlackCredentials) -> str:
    """The id of a file."""
    return upload_file(slack_credentials, BRICKS, "#general", name="wall.txt").id


def _info(server: SlackServer, file: str) -> dict[str, Any]:
    """Return what Slack says of a file."""
    return dict(server.credentials().client().files_info(file=file)["file"])


def told_of(server: SlackServer, file: str, **changes: Any) -> None:
    """Let Slack say something else of a file."""
    server.answer("files.info", {"file": {**_info(server, file), **changes}})


def test_a_file_comes_as_it_was_sent(
    slack_server: SlackServer,
    slack_credentials: SlackCredentials,
    file: str,
    fetch: Fetch,
    tmp_path: Path,
) -> None:
    """To a path in a new folder, or as bytes; only this request has the token."""
    target = tmp_path / "new" / "copy.txt"
    assert fetch(slack_credentials, file, target) == target
    assert target.read_bytes() == BRICKS
    assert [each.name for each in target.parent.iterdir()] == ["copy.txt"]
    assert read_file(slack_credentials, file) == BRICKS
    assert asyncio.run(read_file.aio(slack_credentials, file)) == BRICKS
    assert {asked.token for asked in slack_server.asked("download")} == {
        slack_credentials.token.reveal()
    }


def test_a_large_file_is_not_read_into_memory_by_accident(
    slack_server: SlackServer, slack_credentials: SlackCredentials, file: str
) -> None:
    """Not asked for at all, or not read to its end where Slack said too little."""
    with pytest.raises(SlackInvalid, match="800000 bytes, and max_bytes is 1000"):
        read_file(slack_credentials, file, max_bytes=1000)
    assert not slack_server.asked("download")
    told_of(slack_server, file, size=10)
    with pytest.raises(SlackInvalid, match="max_bytes is 1000"):
        read_file(slack_credentials, file, max_bytes=1000)


@pytest.mark.parametrize("fault", [reset_before(), lost_answer(0), lost_answer(500_000)])
def test_a_download_that_breaks_is_done_anew(
    slack_server: SlackServer,
    slack_credentials: SlackCredentials,
    file: str,
    fetch: Fetch,
    tmp_path: Path,
    fault: Fault,
) -> None:
    """What came in part is nowhere, and in the end the file is whole."""
    slack_server.fail("download", fault)
    with no_waiting():
        target = fetch(slack_credentials, file, tmp_path / "copy.txt")
    assert target.read_bytes() == BRICKS
    assert list(tmp_path.iterdir()) == [target]
    assert len(slack_server.asked("download")) == (1 if fault == reset_before() else 2)


@pytest.mark.parametrize("fault", [lost_answer(500_000), server_error(503)])
def test_a_file_is_replaced_by_a_whole_one_only(
    slack_server: SlackServer,
    slack_credentials: SlackCredentials,
    file: str,
    fetch: Fetch,
    tmp_path: Path,
    fault: Fault,
) -> None:
    """What breaks off each time leaves the old one, and no other."""
    old = tmp_path / "copy.txt"
    old.write_text("old")
    slack_server.fail("download", fault, times=100)
    with no_waiting(), pytest.raises(SlackUnavailable):
        fetch(slack_credentials, file, old)
    assert old.read_text() == "old"
    assert list(tmp_path.iterdir()) == [old]


def test_a_rate_limit_of_downloads_is_waited_out(
    slack_server: SlackServer,
    slack_credentials: SlackCredentials,
    file: str,
    fetch: Fetch,
    tmp_path: Path,
) -> None:
    """If there is time; otherwise the error says how long."""
    slack_server.fail("download", rate_limited(7))
    with no_waiting() as waits:
        fetch(slack_credentials, file, tmp_path / "copy.txt")
    assert sum(waits) == 7
    slack_server.fail("download", rate_limited(3600))
    with pytest.raises(SlackRateLimited):
        fetch(slack_credentials, file, tmp_path / "copy.txt")


def test_the_page_to_log_in_is_no_file(
    slack_server: SlackServer,
    slack_credentials: SlackCredentials,
    file: str,
    fetch: Fetch,
    tmp_path: Path,
) -> None:
    """Slack leads there who may not read the file, with status 200 in the end."""
    told_of(slack_server, file)
    elsewhere = slack_server.new_workspace("elsewhere", "T00000OTHER")
    stranger = slack_server.credentials(token=slack_server.token(workspace=elsewhere))
    target = tmp_path / "copy.txt"
    with pytest.raises(SlackDenied, match="asks to log in") as caught:
        fetch(stranger, file, target)
    assert "files:read" in caught.value.fix
    assert not list(tmp_path.iterdir())
    with pytest.raises(SlackDenied, match="asks to log in"):
        read_file(stranger, file)


@pytest.mark.parametrize(
    ("media_type", "headers", "taken"),
    [
        ("text/plain", {}, False),
        ("", {}, False),
        ("text/html", {}, False),
        ("text/plain", {"Content-Disposition": 'attachment; filename="a.html"'}, True),
    ],
)
def test_a_page_instead_of_the_file_is_known(
    slack_server: SlackServer,
    slack_credentials: SlackCredentials,
    file: str,
    media_type: str,
    headers: dict[str, str],
    taken: bool,
) -> None:
    """By its type and size; a file that is sent as one is taken, whatever its type."""
    told_of(slack_server, file, mimetype=media_type)
    page = Fault(200, PAGE, {"Content-Type": "text/html; charset=utf-8", **headers})
    slack_server.fail("download", page)
    if taken:
        assert read_file(slack_credentials, file) == PAGE
        return
    with pytest.raises(SlackDenied, match="asks to log in"):
        read_file(slack_credentials, file)


def test_a_page_that_is_the_file_is_taken(
    slack_server: SlackServer, slack_credentials: SlackCredentials, file: str
) -> None:
    """One of its type and size."""
    told_of(slack_server, file, mimetype="text/html", size=len(PAGE))
    slack_server.fail("download", Fault(200, PAGE, {"Content-Type": "text/html"}))
    assert read_file(slack_credentials, file) == PAGE


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_in_http_is_a_denial(
    slack_server: SlackServer, slack_credentials: SlackCredentials, file: str, status: int
) -> None:
    """It says what to do."""
    slack_server.fail("download", Fault(status, b"no", {"Content-Type": "text/plain"}))
    with pytest.raises(SlackDenied, match="may not read it"):
        read_file(slack_credentials, file)


@contextmanager
def other_host(*replies: Reply) -> Iterator[tuple[str, list[Exchange]]]:
    """Run another server, which gives these answers, and keeps what it was asked."""
    left, seen = list(replies), list[Exchange]()

    def serve(exchange: Exchange) -> Reply:
        exchange.body()
        seen.append(exchange)
        return left.pop(0)

    with listening(serve, threading.Event()) as url:
        yield url.replace("127.0.0.1", "localhost"), seen


def test_the_token_goes_to_no_other_host(
    slack_server: SlackServer,
    slack_credentials: SlackCredentials,
    file: str,
    fetch: Fetch,
    tmp_path: Path,
) -> None:
    """A file elsewhere is not asked for; where Slack leads to, it is fetched without the token."""
    info = _info(slack_server, file)
    with other_host(Reply(200, {}, b"elsewhere")) as (url, seen):
        told_of(slack_server, file, url_private_download=f"{url}/x")
        with pytest.raises(SlackError, match="which alone gets the token"):
            read_file(slack_credentials, file)
        assert not seen
    with other_host(Reply(200, {}, BRICKS)) as (url, seen):
        slack_server.answer("files.info", {"file": info})
        slack_server.fail("download", Fault(302, b"", {"Location": f"{url}/x"}))
        assert fetch(slack_credentials, file, tmp_path / "copy").read_bytes() == BRICKS
        assert [each.headers.get("Authorization") for each in seen] == [None]


def test_redirects_end(
    slack_server: SlackServer, slack_credentials: SlackCredentials, file: str
) -> None:
    """After some, and with an address that is none."""
    around = Fault(302, b"", {"Location": _info(slack_server, file)["url_private_download"]})
    slack_server.fail("download", around, times=4)
    with pytest.raises(SlackError, match="which alone gets the token"):
        read_file(slack_credentials, file)
    slack_server.fail("download", Fault(302, b"", {"Location": "file:///etc/passwd"}))
    with pytest.raises(SlackError, match="which alone gets the token"):
        read_file(slack_credentials, file)


@pytest.mark.parametrize(
    ("url", "token", "plain"),
    [
        ("https://files.slack.com/files-pri/T1-F1/a", True, True),
        ("https://slack.com/x", True, True),
        ("https://acme.enterprise.slack.com/x", True, True),
        ("https://slack-edge.com/x", False, True),
        ("https://evilslack.com/x", False, True),
        ("https://slack.com.evil.example/x", False, True),
        ("https://files.slack.com@evil.example/x", False, True),
        ("https://evil.example/?slack.com", False, True),
        ("http://files.slack.com/x", False, False),
        ("ftp://files.slack.com/x", False, False),
        ("file:///etc/passwd", False, False),
        ("//files.slack.com/x", False, False),
        ("https://[::1", False, False),
        ("", False, False),
    ],
)
def test_hosts_that_get_the_token_are_slacks(url: str, token: bool, plain: bool) -> None:
    """The API's and those below it, with encryption."""
    client = cast("Any", SimpleNamespace(url="https://slack.com/api/"))
    assert is_slacks(client, url, token=True) is token
    assert is_slacks(client, url, token=False) is plain


@given(st.text(max_size=40))
def test_no_name_of_a_host_is_taken_for_slacks(name: str) -> None:
    """Whatever stands before, behind or in it."""
    client = cast("Any", SimpleNamespace(url="https://slack.com/api/"))
    for url in (f"https://{name}", f"https://x{name}slack.com.evil.example/", f"http://{name}/"):
        assert is_slacks(client, url, token=True) is False or ".slack.com" in f".{name}".lower()


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"mode": "tombstone"}, SlackNotFound, "was deleted"),
        ({"mode": "hidden_by_limit"}, SlackConflict, "plan"),
        ({"mode": "external"}, SlackConflict, "kept elsewhere"),
        ({"url_private": "", "url_private_download": ""}, SlackConflict, "kept elsewhere"),
    ],
)
def test_what_slack_does_not_have_is_not_asked_for(
    slack_server: SlackServer,
    slack_credentials: SlackCredentials,
    file: str,
    changes: dict[str, Any],
    error: type[SlackError],
    words: str,
) -> None:
    """Each says why."""
    told_of(slack_server, file, **changes)
    with pytest.raises(error, match=words):
        read_file(slack_credentials, file)
    assert not slack_server.asked("download")


def test_a_path_that_cannot_be_written_is_told(
    slack_server: SlackServer,
    slack_credentials: SlackCredentials,
    file: str,
    fetch: Fetch,
    tmp_path: Path,
) -> None:
    """Before anything is fetched; a folder is left as it is."""
    (tmp_path / "file").touch()
    with pytest.raises(InvalidArguments, match="cannot be written"):
        fetch(slack_credentials, file, tmp_path / "file" / "copy.txt")
    assert not slack_server.asked("download")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InvalidArguments, match="cannot be written"):
        fetch(slack_credentials, file, tmp_path / "folder")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "folder"]


def test_progress_is_told_in_bytes(
    slack_credentials: SlackCredentials, file: str, fetch: Fetch, tmp_path: Path
) -> None:
    """From none to all."""
    told: list[Progress] = []
    with on_progress(told.append):
        fetch(slack_credentials, file, tmp_path / "copy.txt")
    steps = [each.done for each in told if each.text == "wall.txt"]
    assert steps == sorted(steps)
    assert (steps[0], steps[-1], told[-1].total) == (0, 800_000, 800_000)
    assert len(steps) > 3


def test_a_download_ends_with_its_time(
    slack_server: SlackServer, slack_credentials: SlackCredentials, file: str, tmp_path: Path
) -> None:
    """Slack answers late: the task's time-out is what the caller hears of."""
    timed = download_file.with_options(timeout_seconds=0.5)
    slack_server.fail("download", slow(30), times=10)
    with pytest.raises(TaskTimeout):
        timed(slack_credentials, file, tmp_path / "copy.txt")
    with pytest.raises(TaskTimeout):
        asyncio.run(timed.aio(slack_credentials, file, tmp_path / "copy.txt"))
    assert not list(tmp_path.iterdir())


def test_no_traceback_shows_the_token(
    slack_server: SlackServer, file: str, fetch: Fetch, tmp_path: Path
) -> None:
    """Also with the values of all variables, when the connection breaks."""
    import traceback

    token = slack_server.token()
    credentials = slack_server.credentials(token=Secret(token.reveal()))
    slack_server.fail("download", reset_before(), times=100)
    with no_waiting(), pytest.raises(SlackUnavailable) as caught:
        fetch(credentials, file, tmp_path / "copy.txt")
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert token.reveal() not in "".join(shown.format())


def test_a_file_is_read_listed_and_deleted(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """What Slack says of it is typed."""
    before = datetime.now(UTC) - timedelta(seconds=2)
    sent = upload_file(slack_credentials, b"day,sum", "#general", name="report.csv", title="Sums")
    found = get_file(slack_credentials, sent.id)
    assert (found.name, found.title, found.media_type) == ("report.csv", "Sums", "text/csv")
    assert (found.kind, found.size, found.mode, found.is_public) == ("csv", 7, "hosted", True)
    assert found.channels == (slack_server.general.id,)
    assert found.shares[0].ts == slack_server.general.posted[0].ts
    assert found.created_at is not None
    assert found.created_at > before
    assert found.user == slack_server.bot.id
    assert list_files(slack_credentials) == [found]
    delete_file(slack_credentials, sent.id)
    assert list_files(slack_credentials) == []
    for task in (get_file, delete_file):
        with pytest.raises(SlackNotFound, match="file_not_found"):
            task(slack_credentials, sent.id)


def test_files_are_listed_to_the_end(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """All pages, each file once, though one is uploaded meanwhile; or as many as one asks for."""
    for number in range(130):
        _put(slack_server, f"{number}.txt")
    names = [f"{number}.txt" for number in range(129, -1, -1)]

    def add(report: Progress) -> None:
        if report.text == "files.list" and report.done == 100:
            _put(slack_server, "late.txt")

    with on_progress(add):
        found = list_files(slack_credentials)
    assert [each.name for each in found] == names
    assert [each.name for each in list_files(slack_credentials, limit=2)] == ["late.txt", names[0]]
    assert len(list_files(slack_credentials, limit=120)) == 120
    assert list_files(slack_credentials, limit=0) == []
    with pytest.raises(SlackInvalid, match="negative"):
        list_files(slack_credentials, limit=-1)


def _put(server: SlackServer, name: str) -> None:
    from brickwork_slack.testing.state import File as Kept

    key = server.new_id("F")
    server.workspace.files[key] = Kept(key, name, name, server.bot.id, 1, 1, complete=True)


def test_files_are_chosen(slack_server: SlackServer, slack_credentials: SlackCredentials) -> None:
    """By channel, user, kind and time."""
    upload_file(slack_credentials, b"x", "#general", name="a.txt")
    upload_file(slack_credentials, b"y", name="b.txt")
    now = datetime.now(UTC)

    def names(**given: Any) -> list[str]:
        return [each.name for each in list_files(slack_credentials, **given)]

    assert names(channel="#general") == ["a.txt"]
    assert names(user="@ada") == []
    assert names(user=slack_server.bot.id) == ["b.txt", "a.txt"]
    assert names(since=now + timedelta(hours=1)) == []
    assert names(until=now - timedelta(hours=1)) == []
    assert names(since=now - timedelta(hours=1), until=now + timedelta(hours=1)) == [
        "b.txt",
        "a.txt",
    ]
    names(kinds=["images", "pdfs"])
    assert slack_server.asked("files.list")[-1].arguments["types"] == "images,pdfs"
    with pytest.raises(SlackInvalid, match="zone"):
        names(since=datetime(2026, 1, 1))


def test_only_who_may_deletes(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Another's file stays."""
    file = upload_file(slack_credentials, b"x", "#general", name="a.txt")
    other = slack_server.credentials(token=slack_server.token(kind="user"))
    with pytest.raises(SlackError, match="cant_delete_file"):
        delete_file(other, file.id)


def test_one_can_wait_until_a_file_is_shown(
    slack_server: SlackServer, slack_credentials: SlackCredentials, file: str
) -> None:
    """Slack does not know it at first, then it is shown nowhere, then where one waits for it."""
    shown = _info(slack_server, file)
    stages = [{**shown, "shares": {}}, {**shown, "shares": {}}, shown]
    slack_server.answer("files.info", lambda _: {"file": stages.pop(0)})
    with no_waiting() as waits:
        found = wait_for_file(slack_credentials, file, "#general")
    assert waits == [0.5, 1.0]
    assert found.shares[0].ts == slack_server.general.posted[0].ts


def test_a_file_that_is_never_shown_is_a_time_out(
    slack_server: SlackServer, slack_credentials: SlackCredentials, file: str
) -> None:
    """Also one that is shown elsewhere, and one that is not there at all."""
    with no_waiting() as waits, pytest.raises(SlackTimeout, match="after 20 s in #random"):
        wait_for_file(slack_credentials, file, "#random", timeout_seconds=20)
    assert sum(waits) <= 20
    with no_waiting(), pytest.raises(SlackTimeout):
        asyncio.run(wait_for_file.aio(slack_credentials, "F0NOWHERE", timeout_seconds=20))


_MEASURED = """
import asyncio, resource, subprocess, sys
from brickwork_slack import SlackCredentials, download_file, upload_file

url, token, path, kind = sys.argv[1:]
here = SlackCredentials(token=token, base_url=url)


def once(source, target):
    if kind == "plain":
        download_file(here, upload_file(here, source).id, target)
    elif kind == "pipe":
        with subprocess.Popen(["cat", source], stdout=subprocess.PIPE) as cat:
            download_file(here, upload_file(here, cat.stdout, name="large.bin").id, target)
    else:
        sent = asyncio.run(upload_file.aio(here, source))
        asyncio.run(download_file.aio(here, sent.id, target))


once(path + ".small", path + ".copy")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
once(path, path + ".copy")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("kind", ["plain", "aio", "pipe"])
def test_large_files_take_no_more_memory(
    slack_server: SlackServer, tmp_path: Path, kind: str
) -> None:
    """100 MiB go up and come back with less than 16 MiB."""
    path = tmp_path / "large.bin"
    with path.open("wb") as large:
        large.truncate(100 * MIB)
    path.with_name("large.bin.small").write_bytes(b"small")
    token = slack_server.token().reveal()
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, f"{slack_server.url}/api/", token, str(path), kind],
        capture_output=True,
        text=True,
        check=True,
    )
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(done.stdout) * unit < 16 * MIB
    assert path.with_name("large.bin.copy").stat().st_size == 100 * MIB
