"""A brickwork.toml with a mistake, or one that somebody else could have written, is refused."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from brickwork import Config, ConfigError
from brickwork._config_file import layer_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The path of a project's file; not written yet."""
    (tmp_path / "project").mkdir()
    return tmp_path / "project" / "brickwork.toml"


def load(file: Path, **environ: str) -> Config:
    """Read the settings in the file's folder."""
    home = {"BRICKWORK_HOME": str(file.parent.parent / "home")}
    return Config.load(cwd=file.parent, environ={**home, **environ})


@pytest.mark.parametrize(
    ("text", "problem", "fix"),
    [
        ("vualt = 'x'", "unknown key 'vualt'", "Did you mean 'vault'?"),
        ("zzz = 1", "unknown key 'zzz'", "Known are vault, keys, modules"),
        ("[plugins]\nallow = []", "unknown key 'plugins'", "plugins_"),
        ("vault = 5", "vault in .* must be a text in quotes, not a number", "vault ="),
        ("vault = true", "not a true or false", "vault ="),
        ("keys = ['x']", "keys in .* must be a text", "keys ="),
        ("modules = 'app'", "modules in .* must be a list of texts, not a text", "modules = ["),
        ("modules = ['a', 1]", "must be a list of texts, not a list of other things", "modules ="),
        ("modules = [['a']]", "must be a list of texts", "modules ="),
        ("plugins_allow = 2026-01-01", "not a date or time", "plugins_allow ="),
        ("plugins_block = {a = 1}", "not a table", "plugins_block ="),
        ("modules = ['app/blocks.py']", "'app/blocks.py' is not the name of a module", "import"),
        ("modules = ['app.']", "not the name of a module", "import"),
        ("vault = ''", "vault in .* is empty", "path"),
        ("keys = ''", "does not name a key provider", "env:BRICKWORK_KEY"),
        ("keys = 'MY KEY'", "does not name a key provider", "Never the key itself"),
        ("vault = \nkeys = 'a'", "is not TOML: a mistake at line 1, column 9", "toml.io"),
        ("vault = '", "is not TOML: a mistake at end of document", "toml.io"),
    ],
)
def test_a_mistake_is_named(file: Path, text: str, problem: str, fix: str) -> None:
    """The error names the file and the key, says what is wrong, and what to write."""
    file.write_text(text)

    with pytest.raises(ConfigError, match=problem) as caught:
        load(file)

    assert str(file) in caught.value.what
    assert fix in caught.value.fix


@pytest.mark.parametrize("text", ["keys = 'hunter2 hunter2'", "keys = hunter2", "hunter2 hunter2"])
def test_an_error_quotes_no_value(file: Path, text: str) -> None:
    """A key written where its provider should be named does not show up in the error."""
    file.write_text(text)

    with pytest.raises(ConfigError) as caught:
        load(file)

    assert "hunter2" not in str(caught.value).replace(str(file), "")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_file_that_is_no_text_is_refused(file: Path) -> None:
    """Bytes that are no UTF-8, and a folder of that name, are named."""
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load(file)

    file.unlink()
    file.mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        load(file)


def test_a_link_that_leads_nowhere_is_refused(file: Path) -> None:
    """A dangling link is a mistake, not the absence of a file."""
    file.symlink_to("nothing.toml")

    with pytest.raises(ConfigError, match="cannot be read"):
        load(file)


@pytest.mark.parametrize("which", ["file", "folder"])
def test_what_anybody_can_write_is_refused(file: Path, which: str) -> None:
    """A file, or a folder around it, that anybody can write is not trusted, unless it is named."""
    file.write_text("vault = '/named.db'")
    (file if which == "file" else file.parent).chmod(0o777)

    with pytest.raises(ConfigError, match="can be written by anybody") as caught:
        load(file)

    assert "chmod o-w" in caught.value.fix
    assert load(file, BRICKWORK_PROJECT=str(file.parent)).vault == "/named.db"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("which", ["file", "folder", "link"])
def test_what_belongs_to_somebody_else_is_refused(file: Path, which: str) -> None:
    """Another user's file, folder or link is not trusted: it names code to import."""
    if which == "link":
        real = file.with_name("real.toml")
        real.write_text("")
        file.symlink_to(real)
        os.lchown(file, 12345, -1)
    else:
        file.write_text("vault = '/named.db'")
        os.chown(file if which == "file" else file.parent, 12345, -1)

    with pytest.raises(ConfigError, match="belongs to another user") as caught:
        load(file)

    assert f"BRICKWORK_PROJECT={file.parent}" in caught.value.fix
    assert load(file, BRICKWORK_PROJECT=str(file.parent)).project_file == file


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_by_sudo_uses_the_callers_project(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with git, root on behalf of a user trusts that user's files, and no third one's."""
    file.write_text("vault = '/named.db'")
    os.chown(file, 12345, -1)

    monkeypatch.setenv("SUDO_UID", "12345")
    assert load(file).vault == "/named.db"
    monkeypatch.setenv("SUDO_UID", "12346")
    with pytest.raises(ConfigError, match="belongs to another user"):
        load(file)


values = st.recursive(
    st.one_of(st.booleans(), st.integers(-9, 9), st.text("ab.-_:/ ", max_size=8).map(repr)),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
keys = st.sampled_from(["vault", "keys", "modules", "plugins_allow", "plugins_block", "other"])


@given(st.dictionaries(keys, values, max_size=4))
def test_any_content_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, Any]
) -> None:
    """Whatever the keys and values are, the file is read or there is a ConfigError."""
    path = tmp_path_factory.getbasetemp() / "any.toml"
    lines = [f"{key} = {str(value).lower()}" for key, value in content.items()]
    path.write_text("\n".join(lines))
    known = {"vault", "keys", "modules", "modules_dir", "plugins_allow", "plugins_block"}

    try:
        _, settings = layer_of(path)
    except ConfigError as error:
        refused = str(error)
    else:
        refused = str(path)
        assert set(settings) <= known
        assert all(isinstance(name, str) for name in settings.get("modules", ()))
    assert str(path) in refused
