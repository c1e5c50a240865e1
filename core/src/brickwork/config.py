"""Where settings come from: arguments, environment, the project's file, the user's file, defaults.

Each setting is taken from the first of these that has it. ``brickwork.toml`` of the project is the
first one found from the working directory upwards; the user's is in the configuration folder::

    vault = "postgresql://db.example/brickwork"   # a URL, or the path of an SQLite file
    keys = "file:~/keys/brickwork"                # key provider, colon, its setting
    modules = ["app.blocks"]                      # modules that define block classes
    plugins_allow = ["brickwork-aws"]             # load these distributions only
    plugins_block = ["brickwork-dask"]            # never load these
    keep_versions = 20                            # how many versions of a block to keep
    audit_loads = true                            # record loads in the audit trail too

Relative paths in a file count from its folder.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brickwork._config_file import (
    FILE_NAME,
    Layer,
    count_setting,
    existing,
    keys_setting,
    layer_of,
    normalise as normalise,
    path_setting,
    project_file,
    switch_setting,
    vault_setting,
)
from brickwork.errors import ConfigError

VARIABLES = {
    "BRICKWORK_VAULT": "the vault: a URL, or the path of an SQLite file",
    "BRICKWORK_KEY": "the vault's key itself: URL-safe base64 of 32 bytes",
    "BRICKWORK_KEY_FILE": "the path of the file that holds the key",
    "BRICKWORK_PASSPHRASE": "the passphrase that the key is made from",
    "BRICKWORK_HOME": "a folder for everything of the user's: config/ and data/ below it",
    "BRICKWORK_PROJECT": "the folder of the project's brickwork.toml, instead of searching for it",
    "BRICKWORK_PLUGINS_ALLOW": "distributions whose plugins may be loaded, with commas; no others",
    "BRICKWORK_PLUGINS_BLOCK": "distributions whose plugins are never loaded, with commas",
    "BRICKWORK_KEEP_VERSIONS": "how many versions of a block stay when one is added",
    "BRICKWORK_AUDIT_LOADS": "true or false: whether loads are recorded in the audit trail too",
    "BRICKWORK_ACTOR": "the job or service to name in the audit trail, beside user@host",
}
"""Every environment variable that the core reads."""

# In this order: who sets BRICKWORK_KEY for one run means it, whatever the image has set before. A
# variable that is set but empty counts: a missing secret must not turn into a fresh key file.
_KEY_VARIABLES = {
    "BRICKWORK_KEY": "env:BRICKWORK_KEY",
    "BRICKWORK_KEY_FILE": "file:",
    "BRICKWORK_PASSPHRASE": "passphrase:BRICKWORK_PASSPHRASE",
}


@dataclass(frozen=True)
class Config:
    """Settings, and where each came from. Holds no key; a password in the vault's URL is not shown.

    Attributes:
        vault: The vault's URL, or the absolute path of an SQLite file.
        keys: The key provider and its setting: ``env:NAME``, ``file:/path``, ``passphrase:NAME``.
        folders: The user's data and configuration folder; None for a user without a home.
        modules: Modules of the project that define block classes.
        modules_dir: The folder of the file that named them; they are imported from there.
        plugins_allow: Normalised names of the only distributions to load; None for all.
        plugins_block: Normalised names of distributions never to load.
        keep_versions: How many versions of a block stay when one is added; None for all.
        audit_loads: Whether loads are recorded in the audit trail too.
        home: ``BRICKWORK_HOME``, if set.
        project_file: The project's ``brickwork.toml``, if there is one.
        user_file: The user's ``brickwork.toml``, if there is one.
        sources: Setting to where it came from, in words.
    """

    vault: str = field(repr=False)
    keys: str
    folders: tuple[Path, Path] | None = None
    modules: tuple[str, ...] = ()
    modules_dir: Path | None = None
    plugins_allow: frozenset[str] | None = None
    plugins_block: frozenset[str] = frozenset()
    keep_versions: int | None = None
    audit_loads: bool = False
    home: Path | None = None
    project_file: Path | None = None
    user_file: Path | None = None
    sources: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(
        cls,
        *,
        vault: str | None = None,
        keys: str | None = None,
        cwd: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> "Config":
        """Read the settings. Creates nothing, and reads no key.

        Args:
            vault: The vault, before all other sources.
            keys: The key provider and its setting, before all other sources.
            cwd: Where the search for the project's file starts; the working directory.
            environ: The environment; ``os.environ``.

        Raises:
            ConfigError: A setting cannot be used, or a file is not safe to read settings from.
        """
        environment = os.environ if environ is None else environ
        start = _working_directory() if cwd is None else cwd
        home, folders = _folders(environment, start)
        project = project_file(environment, start)
        user = existing(folders[1] / FILE_NAME) if folders else None
        named = environment.get("BRICKWORK_PROJECT") is not None
        layers = [
            _from_arguments(vault, keys, start),
            _from_environment(environment, start),
        ]
        if project is not None:
            layers.append(layer_of(project, trusted=named))
        if user is not None and user != project:
            layers.append(layer_of(user))
        layers.append(_defaults(folders))
        merged: dict[str, Any] = {}
        sources: dict[str, str] = {}
        for source, values in layers:
            for name, value in values.items():
                if name not in merged:
                    merged[name] = value
                    sources[name] = source.get(name, source[""])
        if "vault" not in merged or "keys" not in merged:
            raise _homeless()
        _hide_password(merged["vault"])
        return cls(
            **merged,
            folders=folders,
            home=home,
            project_file=project,
            user_file=user,
            sources=sources,
        )

    @property
    def data_dir(self) -> Path:
        """The user's data folder: the default vault. Raises ConfigError where there is no home."""
        if self.folders is None:
            raise _homeless()
        return self.folders[0]

    @property
    def config_dir(self) -> Path:
        """The user's configuration folder: the user's file, the default key file.

        Raises ConfigError where there is no home.
        """
        if self.folders is None:
            raise _homeless()
        return self.folders[1]

    def describe(self) -> dict[str, str]:
        """Return setting to its value in words, with a password in the vault's URL hidden."""
        return {
            "vault": without_password(self.vault),
            "keys": self.keys,
            "modules": ", ".join(self.modules) or "none",
            "plugins_allow": "all" if self.plugins_allow is None else _listed(self.plugins_allow),
            "plugins_block": _listed(self.plugins_block),
            "keep_versions": "all" if self.keep_versions is None else str(self.keep_versions),
            "audit_loads": "yes" if self.audit_loads else "no",
            "data_dir": str(self.folders[0]) if self.folders else "none",
            "config_dir": str(self.folders[1]) if self.folders else "none",
            "project_file": str(self.project_file or "none"),
            "user_file": str(self.user_file or "none"),
        }


def unknown_variables(
    environ: Mapping[str, str], plugins: Iterable[str] = ()
) -> list[tuple[str, str]]:
    """Return variables that look like Brickwork's and are not: name, and the likely right name.

    Args:
        environ: The environment.
        plugins: Names of plugins, whose own variables (``BRICKWORK_<PLUGIN>...``) are left out.
    """
    from difflib import get_close_matches

    theirs = tuple(f"BRICKWORK_{name.upper()}" for name in plugins)
    names = sorted(name for name in environ if name.startswith("BRICKWORK_"))
    return [
        (name, next(iter(get_close_matches(name, VARIABLES, n=1, cutoff=0.8)), ""))
        for name in names
        if name not in VARIABLES and not (theirs and name.startswith(theirs))
    ]


def without_password(vault: str) -> str:
    """Return a vault's URL with ``***`` for the password in it."""
    start, password = _password(vault)
    return f"{vault[:start]}***{vault[start + len(password) :]}" if password else vault


# The layers: each is where its settings come from ("" for all the others), and the settings.


def _from_arguments(vault: str | None, keys: str | None, cwd: Path) -> Layer:
    values: dict[str, Any] = {}
    if vault is not None:
        values["vault"] = vault_setting(vault, cwd, "the argument vault")
    if keys is not None:
        values["keys"] = keys_setting(keys, cwd, "the argument keys")
    return {"": "argument"}, values


def _from_environment(environment: Mapping[str, str], cwd: Path) -> Layer:
    values: dict[str, Any] = {}
    source = {
        "": "environment",
        "vault": "environment variable BRICKWORK_VAULT",
        "plugins_allow": "environment variable BRICKWORK_PLUGINS_ALLOW",
        "plugins_block": "environment variable BRICKWORK_PLUGINS_BLOCK",
    }
    if "BRICKWORK_VAULT" in environment:
        values["vault"] = vault_setting(environment["BRICKWORK_VAULT"], cwd, "BRICKWORK_VAULT")
    for variable, keys in _KEY_VARIABLES.items():
        if variable in environment:
            if variable == "BRICKWORK_KEY_FILE":
                keys += str(path_setting(environment[variable], cwd, variable))
            values["keys"] = keys
            source["keys"] = f"environment variable {variable}"
            break
    for name in ("plugins_allow", "plugins_block"):
        text = environment.get(f"BRICKWORK_{name.upper()}")
        if text is not None:
            values[name] = frozenset(normalise(part) for part in text.split(",") if part.strip())
    if "BRICKWORK_KEEP_VERSIONS" in environment:
        text = environment["BRICKWORK_KEEP_VERSIONS"]
        values["keep_versions"] = count_setting(text, "BRICKWORK_KEEP_VERSIONS")
        source["keep_versions"] = "environment variable BRICKWORK_KEEP_VERSIONS"
    if "BRICKWORK_AUDIT_LOADS" in environment:
        text = environment["BRICKWORK_AUDIT_LOADS"]
        values["audit_loads"] = switch_setting(text, "BRICKWORK_AUDIT_LOADS")
        source["audit_loads"] = "environment variable BRICKWORK_AUDIT_LOADS"
    return source, values


def _defaults(folders: tuple[Path, Path] | None) -> Layer:
    values: dict[str, Any] = {
        "modules": (),
        "modules_dir": None,
        "plugins_allow": None,
        "plugins_block": frozenset(),
        "keep_versions": None,
        "audit_loads": False,
    }
    if folders is not None:
        data_dir, config_dir = folders
        values |= {"vault": str(data_dir / "vault.db"), "keys": f"file:{config_dir / 'key'}"}
    return {"": "default"}, values


# Values


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _password(vault: str) -> tuple[int, str]:
    """Return where the password of a URL starts, and the password."""
    scheme, separator, rest = vault.partition("://")
    authority = rest.partition("/")[0]
    user, at, _ = authority.rpartition("@")
    name, colon, password = user.partition(":")
    if not (separator and at and colon):
        return 0, ""
    return len(scheme) + len(separator) + len(name) + 1, password


def _hide_password(vault: str) -> None:
    password = _password(vault)[1]
    if password:
        from urllib.parse import unquote

        from brickwork.masking import masker

        masker.add(password)
        masker.add(unquote(password))


# Folders


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError:
        raise ConfigError(
            "The working directory does not exist any more.", fix="Change to one that does."
        ) from None


def _folders(
    environment: Mapping[str, str], cwd: Path
) -> tuple[Path | None, tuple[Path, Path] | None]:
    """Return home, and the data and the configuration folder."""
    if "BRICKWORK_HOME" in environment:
        home = path_setting(environment["BRICKWORK_HOME"], cwd, "BRICKWORK_HOME")
        return home, (home / "data", home / "config")
    import platformdirs

    try:
        data = platformdirs.user_data_path("brickwork", appauthor=False)
        config = platformdirs.user_config_path("brickwork", appauthor=False)
    except RuntimeError:
        return None, None  # no home, as in a container: enough if vault and keys are named
    if not (data.is_absolute() and config.is_absolute()):
        return None, None  # how older versions of platformdirs say the same
    if data == config:  # as on macOS; the key must not lie beside the data
        data, config = data / "data", config / "config"
    return None, (data, config)


def _homeless() -> ConfigError:
    return ConfigError(
        "The user has no home folder, so there is no place for the vault and the key.",
        fix="Set BRICKWORK_HOME to a folder, or both BRICKWORK_VAULT and BRICKWORK_KEY.",
    )
