"""Settings come from arguments, environment, project, user and defaults, in that order."""

import os
import pwd
import subprocess
import sys
from pathlib import Path

import platformdirs
import platformdirs.macos
import platformdirs.unix
import pytest

from brickwork import Config, ConfigError
from brickwork.config import VARIABLES, unknown_variables, without_password
from brickwork.masking import masker


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder of BRICKWORK_HOME."""
    return tmp_path / "home"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty folder of a project."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    """An environment with nothing but BRICKWORK_HOME."""
    return {"BRICKWORK_HOME": str(home)}


def write_user_file(home: Path, text: str) -> Path:
    """Write the user's file; return its path."""
    path = home / "config" / "brickwork.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_with_nothing_set_vault_and_key_are_the_users(project: Path, home: Path) -> None:
    """The defaults: an SQLite vault in the data folder, the key file in the other folder."""
    config = Config.load(cwd=project, environ={"BRICKWORK_HOME": str(home)})

    assert config.vault == str(home / "data" / "vault.db")
    assert config.keys == f"file:{home / 'config' / 'key'}"
    assert (config.home, config.data_dir, config.config_dir) == (
        home,
        home / "data",
        home / "config",
    )
    assert config.sources["vault"] == config.sources["keys"] == "default"
    assert not home.exists(), "reading the settings creates nothing"


def test_each_source_comes_before_the_next(
    project: Path, home: Path, environ: dict[str, str]
) -> None:
    """Taking away the first source of a setting uncovers the next, down to the default."""
    user = write_user_file(home, 'vault = "/from/user.db"\n')
    file = project / "brickwork.toml"
    file.write_text('vault = "/from/project.db"\n')
    environ["BRICKWORK_VAULT"] = "/from/environment.db"

    def vault(argument: str | None = None) -> tuple[str, str]:
        config = Config.load(vault=argument, cwd=project, environ=environ)
        return config.vault, config.sources["vault"]

    assert vault("/from/argument.db") == ("/from/argument.db", "argument")
    assert vault() == ("/from/environment.db", "environment variable BRICKWORK_VAULT")
    del environ["BRICKWORK_VAULT"]
    assert vault() == ("/from/project.db", str(file))
    file.unlink()
    assert vault() == ("/from/user.db", str(user))
    user.unlink()
    assert vault() == (str(home / "data" / "vault.db"), "default")


def test_each_setting_has_its_own_source(
    project: Path, home: Path, environ: dict[str, str]
) -> None:
    """A file that sets one thing leaves the others to the sources after it."""
    write_user_file(home, 'vault = "/user.db"\nkeys = "env:USER_KEY"\nplugins_block = ["a"]\n')
    (project / "brickwork.toml").write_text('modules = ["app.blocks"]\nplugins_block = []\n')
    environ["BRICKWORK_KEY"] = "not read"

    config = Config.load(cwd=project, environ=environ)

    assert (config.vault, config.keys) == ("/user.db", "env:BRICKWORK_KEY")
    assert (config.modules, config.modules_dir) == (("app.blocks",), project)
    assert config.plugins_block == frozenset()
    assert "not read" not in repr(config)


@pytest.mark.parametrize(
    ("variables", "keys", "source"),
    [
        ({"BRICKWORK_KEY": "k"}, "env:BRICKWORK_KEY", "BRICKWORK_KEY"),
        ({"BRICKWORK_KEY": ""}, "env:BRICKWORK_KEY", "BRICKWORK_KEY"),
        ({"BRICKWORK_KEY_FILE": "/run/key"}, "file:/run/key", "BRICKWORK_KEY_FILE"),
        ({"BRICKWORK_KEY_FILE": "~/key"}, f"file:{Path.home()}/key", "BRICKWORK_KEY_FILE"),
        (
            {"BRICKWORK_PASSPHRASE": "p"},
            "passphrase:BRICKWORK_PASSPHRASE",
            "BRICKWORK_PASSPHRASE",
        ),
        (
            {"BRICKWORK_PASSPHRASE": "p", "BRICKWORK_KEY_FILE": "/f", "BRICKWORK_KEY": "k"},
            "env:BRICKWORK_KEY",
            "BRICKWORK_KEY",
        ),
    ],
)
def test_variables_choose_the_key_provider(
    project: Path, environ: dict[str, str], variables: dict[str, str], keys: str, source: str
) -> None:
    """A variable says where the key is; an empty one counts and never falls back to a file."""
    config = Config.load(cwd=project, environ={**environ, **variables})

    assert config.keys == keys
    assert config.sources["keys"] == f"environment variable {source}"


def test_relative_paths_count_from_where_they_are_written(
    project: Path, home: Path, environ: dict[str, str]
) -> None:
    """A path in a file counts from the file's folder, one in the environment from the cwd."""
    (project / "brickwork.toml").write_text('vault = "v.db"\nkeys = "file:../key"\n')
    sub = project / "sub"
    sub.mkdir()

    in_file = Config.load(cwd=sub, environ=environ)
    in_environment = Config.load(cwd=sub, environ={**environ, "BRICKWORK_VAULT": "./w.db"})

    assert in_file.vault == str(project / "v.db")
    assert in_file.keys == f"file:{project.parent / 'key'}"
    assert in_environment.vault == str(sub / "w.db")


def test_a_url_stays_as_it_is(project: Path, environ: dict[str, str]) -> None:
    """URLs of vaults, and settings of other key providers, are not taken for paths."""
    config = Config.load(
        vault="postgresql://db/x", keys="aws-kms:alias/key", cwd=project, environ=environ
    )

    assert (config.vault, config.keys) == ("postgresql://db/x", "aws-kms:alias/key")


def test_the_project_is_found_upwards_and_the_first_counts(
    project: Path, environ: dict[str, str]
) -> None:
    """The search goes up from the working directory and stops at the first file."""
    deep = project / "a" / "b"
    deep.mkdir(parents=True)
    (project / "brickwork.toml").write_text('vault = "/outer.db"\n')
    (project / "a" / "brickwork.toml").write_text("")

    config = Config.load(cwd=deep, environ=environ)

    assert config.project_file == project / "a" / "brickwork.toml"
    assert config.sources["vault"] == "default"


def test_the_project_can_be_named(project: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    """BRICKWORK_PROJECT names the folder, whatever the working directory is."""
    (project / "brickwork.toml").write_text('vault = "/named.db"\n')

    config = Config.load(cwd=tmp_path, environ={**environ, "BRICKWORK_PROJECT": str(project)})

    assert config.vault == "/named.db"
    with pytest.raises(ConfigError, match=r"BRICKWORK_PROJECT.*has no brickwork\.toml"):
        Config.load(cwd=tmp_path, environ={**environ, "BRICKWORK_PROJECT": str(tmp_path / "x")})


def test_folders_of_the_platform(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without BRICKWORK_HOME the platform's folders are used."""
    monkeypatch.setenv("XDG_DATA_HOME", "/x/data")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/x/config")
    monkeypatch.setattr(platformdirs, "PlatformDirs", platformdirs.unix.Unix)

    config = Config.load(cwd=project, environ={})

    assert config.home is None
    assert config.data_dir == Path("/x/data/brickwork")
    assert config.config_dir == Path("/x/config/brickwork")


def test_where_both_folders_are_one_the_key_is_not_beside_the_data(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On macOS data and configuration share a folder; the vault and its key do not."""
    monkeypatch.setattr(platformdirs, "PlatformDirs", platformdirs.macos.MacOS)

    config = Config.load(cwd=project, environ={})

    assert config.data_dir.parent == config.config_dir.parent
    assert config.data_dir != config.config_dir


def test_without_a_home_named_settings_are_enough(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container without a home folder BRICKWORK_VAULT and BRICKWORK_KEY are enough."""
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)

    def nobody(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)

    config = Config.load(
        cwd=project, environ={"BRICKWORK_VAULT": "/data/v.db", "BRICKWORK_KEY": "k"}
    )

    assert (config.vault, config.keys) == ("/data/v.db", "env:BRICKWORK_KEY")
    with pytest.raises(ConfigError, match="Set BRICKWORK_HOME"):
        _ = config.data_dir
    with pytest.raises(ConfigError, match="no home folder"):
        Config.load(cwd=project, environ={"BRICKWORK_VAULT": "/data/v.db"})


@pytest.mark.parametrize("name", ["BRICKWORK_VAULT", "BRICKWORK_KEY_FILE", "BRICKWORK_HOME"])
def test_an_empty_path_is_an_error(project: Path, environ: dict[str, str], name: str) -> None:
    """A variable that should hold a path and is empty is named, not passed over."""
    with pytest.raises(ConfigError, match=name):
        Config.load(cwd=project, environ={**environ, name: ""})


def test_a_password_in_the_vaults_url_is_hidden(project: Path, environ: dict[str, str]) -> None:
    """The password is in no text about the settings, and known to the masker in both forms."""
    url = "postgresql://app:hunter%2B2-long@db.example:5432/x?a=b@c"
    config = Config.load(cwd=project, environ={**environ, "BRICKWORK_VAULT": url})

    assert config.vault == url
    shown = f"{config!r} {config} {config.describe()} {dict(config.sources)}"
    assert "hunter" not in shown
    assert config.describe()["vault"] == "postgresql://app:***@db.example:5432/x?a=b@c"
    assert "hunter" not in masker.mask("hunter%2B2-long and hunter+2-long")


@pytest.mark.parametrize(
    "plain", ["/a/v.db", "sqlite:///a/v.db", "postgresql://app@db/x", "postgresql://db/x:y@z", "x"]
)
def test_a_url_without_a_password_is_shown_whole(plain: str) -> None:
    """Nothing is hidden where there is no password."""
    assert without_password(plain) == plain


def test_unknown_variables_are_reported_with_the_likely_name() -> None:
    """A misspelt variable is found for doctor; those of plugins and all known ones are not."""
    environ = dict.fromkeys([*VARIABLES, "BRICKWORK_KEYFILE", "BRICKWORK_FLOWS_DB", "PATH"], "x")

    assert unknown_variables(environ, plugins=["flows"]) == [
        ("BRICKWORK_KEYFILE", "BRICKWORK_KEY_FILE")
    ]
    assert ("BRICKWORK_FLOWS_DB", "") in unknown_variables(environ)


def test_toml_and_platformdirs_are_imported_only_when_needed(project: Path, home: Path) -> None:
    """Reading settings from the environment alone imports neither of the two."""
    code = (
        "import sys; from brickwork.config import Config; Config.load();"
        "print([m for m in ('tomllib', 'platformdirs', 'pydantic', 'difflib') if m in sys.modules])"
    )
    environ = {**os.environ, "BRICKWORK_HOME": str(home)}

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env=environ, capture_output=True, check=True
    )

    assert done.stdout == b"[]\n"
