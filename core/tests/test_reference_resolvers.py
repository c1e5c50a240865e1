"""The core's own resolvers: environment variables and files."""

import os
from pathlib import Path

import pytest

from brickwork import ResolveError, Resolver
from brickwork.builtin.resolve_env import EnvResolver
from brickwork.builtin.resolve_file import MAX_BYTES, FileResolver
from brickwork.registry import get_registry
from brickwork.testing import ResolverContract

VALUE = "correct horse battery"
JSON = '{"user": "somebody else", "port": 5432, "deep": {"a": [1]}}'


class TestEnvResolver(ResolverContract):
    """`${env:...}` keeps the contract."""

    has_fields = True

    @pytest.fixture
    def resolver(self, monkeypatch: pytest.MonkeyPatch) -> Resolver:
        """Two variables: text and JSON."""
        monkeypatch.setenv("APP_PASSWORD", VALUE)
        monkeypatch.setenv("APP_JSON", JSON)
        return EnvResolver()

    @pytest.fixture
    def known(self) -> dict[tuple[str, str | None], str]:
        """What is set."""
        return {
            ("APP_PASSWORD", None): VALUE,
            ("APP_JSON", "user"): "somebody else",
            ("APP_JSON", None): JSON,
        }

    @pytest.fixture
    def unknown(self) -> list[tuple[str, str | None]]:
        """What is not."""
        return [("APP_NOTHING", None), ("APP_NOTHING", "user")]


class TestFileResolver(ResolverContract):
    """`${file:...}` keeps the contract."""

    has_fields = True

    @pytest.fixture
    def resolver(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Resolver:
        """Files in the folder where the process runs."""
        monkeypatch.chdir(tmp_path)
        Path("password").write_text(f"{VALUE}\n")
        Path("app.json").write_text(JSON)
        return FileResolver()

    @pytest.fixture
    def known(self) -> dict[tuple[str, str | None], str]:
        """What is there."""
        return {("password", None): VALUE, ("app.json", "user"): "somebody else"}

    @pytest.fixture
    def unknown(self) -> list[tuple[str, str | None]]:
        """What is not."""
        return [("nothing", None), ("no/such/file", "user"), ("/no/such/file", None)]


def test_the_core_brings_both() -> None:
    """They come by the same hook as those of plugins."""
    assert get_registry().resolver("env") is EnvResolver
    assert get_registry().resolver("file") is FileResolver


def test_fields_that_are_no_text_come_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number as its digits, a map as JSON."""
    monkeypatch.setenv("APP_JSON", JSON)
    assert EnvResolver().resolve("APP_JSON", "port").reveal() == "5432"
    assert EnvResolver().resolve("APP_JSON", "deep").reveal() == '{"a": [1]}'


def test_a_variable_is_read_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed variable counts at once: nothing is kept."""
    monkeypatch.setenv("APP_PASSWORD", "before-it-changed")
    resolver = EnvResolver()
    assert resolver.resolve("APP_PASSWORD").reveal() == "before-it-changed"
    monkeypatch.setenv("APP_PASSWORD", "after-it-changed")
    assert resolver.resolve("APP_PASSWORD").reveal() == "after-it-changed"


@pytest.mark.parametrize(
    ("content", "value"),
    [(b"", ""), (b"a\n", "a"), (b"a\r\n", "a"), (b"a\n\n", "a\n"), (b" a ", " a ")],
)
def test_one_line_break_at_the_end_is_left_out(tmp_path: Path, content: bytes, value: str) -> None:
    """Editors and `echo` add it; nothing else is changed."""
    path = tmp_path / "value"
    path.write_bytes(content)
    assert FileResolver().resolve(str(path)).reveal() == value


def test_links_are_followed(tmp_path: Path) -> None:
    """Kubernetes mounts a secret as a link to a link."""
    (tmp_path / "data").write_text(VALUE)
    (tmp_path / "link").symlink_to("data")
    (tmp_path / "password").symlink_to("link")
    assert FileResolver().resolve(str(tmp_path / "password")).reveal() == VALUE


def test_what_is_no_small_text_file_is_refused(tmp_path: Path) -> None:
    """A folder, a pipe that nobody writes to, a device, a large file, bytes: at once, by name."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"a" * (MAX_BYTES + 1))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00secret")
    for path in (tmp_path, tmp_path / "pipe", "/dev/zero", tmp_path / "large", tmp_path / "bytes"):
        with pytest.raises(ResolveError) as caught:
            FileResolver().resolve(str(path))
        assert str(path) in caught.value.what
        assert "secret" not in caught.value.what.replace(str(tmp_path), "")


def test_the_home_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` is the user's home, as in a shell."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "token").write_text(VALUE)
    assert FileResolver().resolve("~/token").reveal() == VALUE
