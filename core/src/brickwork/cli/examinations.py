"""What `brickwork doctor` looks at. Nothing here may fail, whatever is broken."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from brickwork.errors import BrickworkError
from brickwork.masking import masker
from brickwork.registry.plugins import told

if TYPE_CHECKING:
    from brickwork.cli.invocation import Invocation

Status = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        area: ``versions``, ``settings``, ``vault``, ``key``, ``blocks``, ``plugins``, ``modules``,
            ``disk`` or ``masking``.
        status: As in `brickwork.Finding`.
        what: What was looked at.
        detail: What was found.
        fix: What to do next.
    """

    area: str
    status: Status
    what: str
    detail: str = ""
    fix: str = ""


Findings = Iterator[Finding]


def examine(invocation: "Invocation") -> list[Finding]:
    """Look at everything; what cannot be looked at is a finding, too."""
    from brickwork.cli import examined_vault

    areas: dict[str, Callable[[Invocation], Findings]] = {
        "versions": _versions,
        "settings": _settings,
        "vault": examined_vault.vault,
        "key": examined_vault.key,
        "blocks": examined_vault.blocks,
        "disk": examined_vault.disk,
        "plugins": _plugins,
        "modules": _modules,
        "masking": _masking,
    }
    found: list[Finding] = []
    for area, look in areas.items():
        try:
            for each in look(invocation):
                found.append(each)  # noqa: PERF402  # those before a failure count
        except BrickworkError as error:
            known = any(error.what == each.detail for each in found)
            again = Finding(area, "skipped", area, "needs what has failed above")
            found.append(again if known else from_error(area, area, error))
        except Exception as error:  # noqa: BLE001  # a doctor must not die of what it finds
            found.append(Finding(area, "failed", area, f"could not be examined: {told(error)}"))
    return found


def from_error(area: str, what: str, error: BrickworkError, status: Status = "failed") -> Finding:
    """Return an error as a finding."""
    return Finding(area, status, what, error.what, error.fix)


def _versions(_invocation: "Invocation") -> Findings:
    import platform
    import sqlite3
    from importlib.metadata import PackageNotFoundError, version

    yield Finding("versions", "ok", "python", f"{platform.python_version()} at {sys.executable}")
    for name in ("brickwork", "pydantic", "cryptography", "pluggy", "click"):
        try:
            yield Finding("versions", "ok", name, version(name))
        except PackageNotFoundError:
            yield Finding(
                "versions", "warning", name, "has no metadata", f"pip install --upgrade {name}"
            )
    yield Finding("versions", "ok", "sqlite", sqlite3.sqlite_version)


def _settings(invocation: "Invocation") -> Findings:
    from brickwork.config import Config, unknown_variables

    plugins: list[str] = []
    try:
        config = Config.load(vault=invocation.vault_url, keys=invocation.keys)
    except BrickworkError as error:
        yield from_error("settings", "settings", error)
    else:
        for name, value in config.describe().items():
            source = config.sources.get(name)
            yield Finding("settings", "ok", name, f"{value} (from {source})" if source else value)
        plugins = [info.name for info in invocation.registry().plugins() if info.distribution]
    for variable, right in unknown_variables(os.environ, plugins):
        fix = f"Rename it to {right}." if right else "Unset it; `brickwork help variables`."
        yield Finding("settings", "warning", variable, "is set, and no setting has that name", fix)


def _plugins(invocation: "Invocation") -> Findings:
    if not invocation.plugins:
        yield Finding("plugins", "skipped", "plugins", "switched off by --no-plugins")
        return
    registry = invocation.registry()
    infos = [info for info in registry.load_all() if info.distribution]
    if not infos:
        yield Finding("plugins", "ok", "plugins", "none is installed")
    for info in infos:
        status: Status = {"ok": "ok", "blocked": "skipped"}.get(info.status, "failed")  # type: ignore[assignment]  # both are
        origin = f"{info.distribution} {info.version} at {info.path}"
        detail = f"{info.status}: {info.reason}" if info.reason else origin
        yield Finding("plugins", status, info.name, detail, info.fix)
        if info.status == "ok":
            yield from _offers(invocation, info.name)


def _offers(invocation: "Invocation", plugin: str) -> Findings:
    """Look whether each thing that a plugin offers can be imported."""
    registry = invocation.registry()
    for kind in ("blocks", "tasks"):
        for name, origin in registry.names(kind).items():
            separator = "-" if kind == "blocks" else "."
            if name.partition(separator)[0] != plugin or origin == "brickwork":
                continue
            try:
                registry.get(kind, name)
            except BrickworkError as error:
                yield from_error("plugins", name, error)


def _modules(invocation: "Invocation") -> Findings:
    infos = [info for info in invocation.registry().load_all() if not info.distribution]
    if not infos:
        yield Finding("modules", "ok", "modules of the project", "none is named")
    for info in infos:
        status: Status = "ok" if info.status == "ok" else "failed"
        yield Finding("modules", status, info.name, info.reason or info.path, info.fix)


def _masking(_invocation: "Invocation") -> Findings:
    probe = f"probe-{os.urandom(12).hex()}"
    masker.add(probe)
    hidden = probe not in masker.mask(f"text with {probe} in it")
    if hidden:
        detail = "on for this command; a program calls brickwork.install_masking()"
        yield Finding("masking", "ok", "masking", detail)
    else:
        yield Finding("masking", "failed", "masking", "a secret was not hidden", "Reinstall it.")
