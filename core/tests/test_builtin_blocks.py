"""What the plain blocks are for: secrets, logins, settings, addresses of databases."""

import base64
import contextlib
import socket
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given, strategies as st

from brickwork import InvalidBlock, Secret
from brickwork.builtin.blocks import BasicAuth, DatabaseUrl, SecretBlock, Settings
from brickwork.testing.leaks import leaks


def test_a_secret_is_kept_as_given() -> None:
    """White space, line ends and what looks like a reference are part of the secret."""
    for text in (" a ", "a\n", "${env:HOME}", "", "\u00e4"):
        assert SecretBlock(value=Secret(text)).reveal() == text


def test_basic_auth_makes_the_header_of_the_rfc() -> None:
    """The example of RFC 7617, and its one with UTF-8."""
    auth = BasicAuth(username="Aladdin", password=Secret("open sesame"))
    assert auth.header().reveal() == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert "open sesame" not in repr(auth)
    header = BasicAuth(username="test", password=Secret("123\u00a3")).header()
    assert header.reveal() == "Basic dGVzdDoxMjPCow=="


def test_a_colon_in_a_user_name_is_refused() -> None:
    """HTTP could not tell where the password begins; a password may have colons."""
    with pytest.raises(InvalidBlock, match="cannot contain a colon"):
        BasicAuth(username="a:b", password=Secret("x"))
    header = BasicAuth(username="a", password=Secret("b:c")).header().reveal()
    assert base64.b64decode(header.removeprefix("Basic ")) == b"a:b:c"


def test_settings_are_any_json() -> None:
    """Settings give their entries, and refuse secrets."""
    assert Settings(value={"limit": 5})["limit"] == 5
    with pytest.raises(KeyError):
        Settings(value={})["limit"]
    with pytest.raises(TypeError, match="are a list"):
        Settings(value=[1])["limit"]
    wrong: Any = {"token": Secret("hunter2hunter2")}
    with pytest.raises(InvalidBlock):
        Settings(value=wrong)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:secret-pw@db.example:5432/sales",
        "postgresql+psycopg://app@db.example/sales?sslmode=verify-full",
        "mysql://u:p%40ss%2Fw%3Ard@h/d?charset=utf8mb4&ssl=1",
        "postgresql://u:p@[::1]:5432/d",
        "sqlite:////var/lib/app.db",
        "sqlite:///relative.db",
        "sqlite://",
        "postgresql://db.example",
        "postgresql://u:@h/d",
    ],
)
def test_a_url_is_taken_apart_and_put_together(url: str) -> None:
    """A database's URL comes back as it was, and the password is a secret."""
    block = DatabaseUrl.from_url(url)
    assert block.url().reveal() == url
    assert isinstance(block.url(), Secret)


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=10)


@given(WORDS, st.none() | WORDS, WORDS, st.dictionaries(WORDS, WORDS, max_size=3))
def test_any_login_survives_the_url(
    username: str, password: str | None, database: str, options: dict[str, str]
) -> None:
    """Whatever characters are in it, each part means the same in the URL."""
    block = DatabaseUrl(
        scheme="postgresql",
        host="h",
        username=username,
        password=None if password is None else Secret(password),
        database=database,
        options=options,
    )
    url = block.url().reveal()
    parts = urlsplit(url)
    assert unquote(parts.username or "") == username
    assert (None if parts.password is None else unquote(parts.password)) == password
    assert unquote(parts.path[1:]) == database
    assert dict(parse_qsl(parts.query, keep_blank_values=True)) == options
    assert DatabaseUrl.from_url(url) == block


@pytest.mark.parametrize(
    "url",
    [
        "",
        "no url with s3nt1nel-4711",
        "postgresql://u:s3nt1nel-4711@h:port/d",
        "postgresql://u:s3nt1nel-4711@h:99999/d",
        "postgresql://u:s3nt1nel-4711@[::1/d",
        "9://u:s3nt1nel-4711@h/d",
    ],
)
def test_what_is_no_url_is_refused_without_showing_it(url: str) -> None:
    """A text that is no URL of a database is InvalidBlock, and shows nothing of the password."""
    with pytest.raises(InvalidBlock) as caught:
        DatabaseUrl.from_url(url)
    error = caught.value
    shown = f"{error!r} {error} {error.problems} {error.__cause__!r} {error.__context__!r}"
    assert not leaks("s3nt1nel-4711", shown)


def test_checking_a_database_connects() -> None:
    """A port that listens is found, one that does not fails with what to do."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        report = DatabaseUrl(scheme="postgresql", host="127.0.0.1", port=port).check()
        assert [finding.status for finding in report.findings] == ["ok", "skipped"]
        assert report.ok
    report = DatabaseUrl(scheme="postgresql", host="127.0.0.1", port=port).check()
    assert not report.ok
    assert report.findings[0].fix
    assert DatabaseUrl(scheme="sqlite", database="/a.db").check().findings[0].status == "skipped"


@pytest.mark.parametrize("host", ["", "a b", "x" * 300, "\u00e4" * 80, "a..b", "\0"])
def test_checking_never_raises(host: str) -> None:
    """A host that cannot be one is a failed finding, or refused when the block is made."""
    try:
        block = DatabaseUrl(scheme="postgresql", host=host, port=1)
    except InvalidBlock:
        return
    assert not block.check().ok
