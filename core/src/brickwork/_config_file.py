"""The settings in one ``brickwork.toml``: found, judged safe to use, read and checked."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from brickwork.errors import ConfigError

FILE_NAME = "brickwork.toml"

Layer = tuple[Mapping[str, str], dict[str, Any]]
"""Where each setting comes from, ``""`` standing for all the others, and the settings."""

_FILE_KEYS = (
    *("vault", "keys", "modules", "plugins_allow", "plugins_block"),
    *("keep_versions", "audit_loads"),
)
_KEYS = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*(:.*)?\Z", re.DOTALL)
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*\Z")


def layer_of(path: Path, *, trusted: bool = False) -> Layer:
    """Return the settings in a file.

    Args:
        path: The file.
        trusted: The user named it: whoever owns it, it is meant.

    Raises:
        ConfigError: It is not safe to use, cannot be read, or has a mistake.
    """
    if not trusted:
        _refuse_unsafe(path)
    content = _read(path)
    values: dict[str, Any] = {}
    for name, value in content.items():
        if name not in _FILE_KEYS:
            _unknown_key(path, name)
        where = f"{name} in {path}"
        if name in ("vault", "keys"):
            if not isinstance(value, str):
                _wrong_type(path, name, "a text in quotes", value)
            convert = vault_setting if name == "vault" else keys_setting
            values[name] = convert(value, path.parent, where)
            continue
        if name == "audit_loads":
            if not isinstance(value, bool):
                _wrong_type(path, name, "true or false", value)
            values[name] = value
            continue
        if name == "keep_versions":
            if not isinstance(value, int) or isinstance(value, bool):
                _wrong_type(path, name, "a whole number", value)
            values[name] = count_setting(str(value), where)
            continue
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            _wrong_type(path, name, "a list of texts", value)
        values[name] = tuple(value) if name == "modules" else frozenset(map(normalise, value))
    for module in values.get("modules", ()):
        if not _MODULE.match(module):
            raise ConfigError(
                f"modules in {path}: {module!r} is not the name of a module.",
                fix='Write names as in an import: modules = ["app.blocks"].',
            )
    if "modules" in values:
        values["modules_dir"] = path.parent
    return {"": str(path)}, values


# Values, from wherever they come


def vault_setting(text: str, base: Path, where: str) -> str:
    """Return a URL as it is, and a path as an absolute one."""
    if "://" in text:
        return text
    return str(path_setting(text, base, where))


def keys_setting(text: str, base: Path, where: str) -> str:
    """Return ``provider:setting`` with a relative path in it made absolute."""
    if not _KEYS.match(text):
        raise ConfigError(
            f"{where} does not name a key provider.",
            fix='Write the provider, a colon and its setting: "file:~/keys/brickwork", '
            '"env:BRICKWORK_KEY" or "passphrase:BRICKWORK_PASSPHRASE". Never the key itself.',
        )
    provider, _, setting = text.partition(":")
    if provider == "file" and setting:
        return f"file:{path_setting(setting, base, where)}"
    return text


def path_setting(text: str, base: Path, where: str) -> Path:
    """Return an absolute path: a relative one counts from ``base``, ``~`` is the home folder."""
    if not text or "\0" in text:
        raise ConfigError(f"{where} is empty or no path.", fix=f"Give {where} a path, or unset it.")
    return Path(os.path.normpath(base / Path(os.path.expanduser(text))))  # noqa: PTH111  # pathlib raises for an unknown user


def count_setting(text: str, where: str) -> int:
    """Return a whole number of 1 or more."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if number < 1:
        raise ConfigError(
            f"{where} is not a whole number of 1 or more.", fix=f"Give {where} one, or unset it."
        )
    return number


def switch_setting(text: str, where: str) -> bool:
    """Return what a word such as ``true`` or ``off`` stands for."""
    known = {"1": True, "true": True, "yes": True, "on": True}
    known |= {"0": False, "false": False, "no": False, "off": False}
    found = known.get(text.strip().lower())
    if found is None:
        raise ConfigError(
            f"{where} is neither true nor false.", fix=f"Set {where} to true or false, or unset it."
        )
    return found


def normalise(distribution: str) -> str:
    """Return the normalised form of a distribution's name, after PEP 503."""
    return re.sub(r"[-_.]+", "-", distribution.strip()).lower()


# The file


def project_file(environment: Mapping[str, str], cwd: Path) -> Path | None:
    """Return the project's file: the first one from the working directory upwards."""
    named = environment.get("BRICKWORK_PROJECT")
    if named is not None:
        path = path_setting(named, cwd, "BRICKWORK_PROJECT") / FILE_NAME
        if not path.is_file():
            raise ConfigError(
                f"BRICKWORK_PROJECT names {path.parent}, which has no {FILE_NAME}.",
                fix=f"Point it at the folder that holds {FILE_NAME}, or unset it.",
            )
        return path
    return next(
        (found for folder in (cwd, *cwd.parents) if (found := existing(folder / FILE_NAME))), None
    )


def existing(path: Path) -> Path | None:
    """Return the path if something is there, be it a link that leads nowhere."""
    return path if os.path.lexists(path) else None


def _read(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}.", fix="Make it a file that you can read."
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text.", fix="Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{path} is not TOML: {_position(error)}.", fix="See https://toml.io for the format."
        ) from None


def _position(error: ValueError) -> str:
    """Return what tomllib says without the text that it quotes, which could be a secret."""
    found = re.search(r"\(at [^()]*\)\Z", str(error))
    return f"a mistake {found[0].strip('()')}" if found else "a mistake"


def _refuse_unsafe(path: Path) -> None:
    """Refuse a file that somebody else could have written: it names code to import.

    As git does for a repository (https://git-scm.com/docs/git-config, ``safe.directory``): the
    file and its folder belong to the user or root. A folder named by ``BRICKWORK_PROJECT`` is the
    user's own word and is not asked, as git does not where ``GIT_DIR`` is set.
    """
    for each, follow in ((path, False), (path, True), (path.parent, True)):
        try:
            status = each.stat(follow_symlinks=follow)
        except OSError as error:
            raise ConfigError(
                f"{path} cannot be read: {error.strerror}.", fix="Remove it, or mend the link."
            ) from None
        _refuse_writable(path, each, status, link=not follow)


def _refuse_writable(path: Path, each: Path, status: os.stat_result, *, link: bool) -> None:
    owned = status.st_uid in (0, os.geteuid(), _sudo_uid())
    if owned and (link or not status.st_mode & 0o002):
        return
    what = "can be written by anybody" if owned else "belongs to another user"
    raise ConfigError(
        f"{path} is not safe to use: {each} {what}.",
        fix=(f"chmod o-w {each}" if owned else f"chown it to yourself, if you trust {path}")
        + f", or set BRICKWORK_PROJECT={path.parent} to say that it is meant.",
    )


def _sudo_uid() -> int:
    """Return who called sudo: root on a user's behalf uses the user's project."""
    text = os.environ.get("SUDO_UID", "")
    return int(text) if os.geteuid() == 0 and text.isdigit() else 0


def _unknown_key(path: Path, name: str) -> NoReturn:
    from difflib import get_close_matches

    close = get_close_matches(name, _FILE_KEYS, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"Known are {', '.join(_FILE_KEYS)}."
    raise ConfigError(f"{path} has the unknown key {name!r}.", fix=hint)


_SAMPLES = {
    "a text in quotes": '"..."',
    "a list of texts": '["...", "..."]',
    "a whole number": "20",
    "true or false": "true",
}


def _wrong_type(path: Path, name: str, wanted: str, value: object) -> NoReturn:
    kinds = {bool: "a true or false", int: "a number", float: "a number", dict: "a table"}
    kinds |= {str: "a text", list: "a list of other things"}
    raise ConfigError(
        f"{name} in {path} must be {wanted}, not {kinds.get(type(value), 'a date or time')}.",
        fix=f"Write {name} = {_SAMPLES[wanted]}",
    )
