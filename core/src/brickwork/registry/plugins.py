"""One plugin: what its metadata say, and what its hooks say once it is loaded."""

import importlib
import re
from collections.abc import Mapping
from types import FunctionType, ModuleType
from typing import Any, Literal, NamedTuple

import pluggy

from brickwork import hookspecs
from brickwork.registry.kinds import KINDS, RESERVED
from brickwork.registry.metadata import Distribution

Status = Literal["ok", "not loaded", "blocked", "broken", "duplicate"]
Offers = dict[str, dict[str, str]]
"""Kind to name to dotted path."""

CORE = "brickwork"
_HERE = __file__.rpartition("/")[0]
_NOT_THEIRS = ("<frozen", str(importlib.__file__), str(pluggy.__path__[0]), _HERE)
_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*\Z")


class PluginInfo(NamedTuple):
    """What is known of one plugin, or of one module of the project.

    Attributes:
        name: The entry point's name, for example ``aws``; a module's own name.
        distribution: The distribution it came with; empty for a module of the project.
        version: The distribution's version.
        module: The module that has the hooks, or the classes.
        path: The folder that it is imported from; empty if it cannot be found.
        status: ``ok`` (loaded), ``not loaded`` (nothing has asked for it yet), ``blocked`` (by the
            settings), ``broken`` (set aside), ``duplicate`` (claims what another one claims too).
        reason: Why it is blocked, broken or a duplicate.
        fix: What to do about that.
        record: The SHA-256 of the distribution's RECORD, which lists its files and their hashes;
            empty if it has none.
    """

    name: str
    distribution: str
    version: str
    module: str
    path: str
    status: Status
    reason: str = ""
    fix: str = ""
    record: str = ""


class Refused(Exception):  # does not leave this package
    """A plugin cannot be used; says why."""

    def __init__(self, reason: str, fix: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix


class Plugin:
    """One entry point of the group ``brickwork``.

    Attributes:
        name: The entry point's name; the prefix of the plugin's slugs.
        module: The module that it names.
        distribution: The distribution that it came with.
        status: See `PluginInfo`.
        reason: Why the status is what it is.
        fix: What to do about that.
        conflicts: Single names that another plugin claims too, each with the fix.
        offers: What its hooks returned, once it is loaded.
    """

    def __init__(self, name: str, module: str, distribution: Distribution) -> None:
        self.name = name
        self.module = module
        self.distribution = distribution
        self.status: Status = "not loaded"
        self.reason = ""
        self.fix = ""
        self.conflicts: list[tuple[str, str]] = []
        self.offers: Offers = {}

    def __str__(self) -> str:
        return f"{self.name} ({self.distribution})"

    def mark(self, status: Status, reason: str, fix: str) -> None:
        """Note what is wrong with it."""
        self.status, self.reason, self.fix = status, reason, fix

    def info(self) -> PluginInfo:
        """Return what is known of it."""
        status, reason, fix = self.status, self.reason, self.fix
        if self.conflicts and not reason:
            status = "duplicate"
            reason = " ".join(what for what, _ in self.conflicts)
            fix = self.conflicts[0][1]
        distribution = self.distribution
        return PluginInfo(
            name=self.name,
            distribution=distribution.name,
            version=distribution.version,
            module=self.module,
            path=_folder(self.module) or distribution.path,
            status=status,
            reason=reason,
            fix=fix,
            record=distribution.record_hash(),
        )

    def load(self, reserved: Mapping[str, Mapping[str, str]]) -> None:
        """Import its module and ask its hooks; a failure is noted, and logged, never raised.

        Args:
            reserved: The offers of the core, whose names no plugin may claim.
        """
        if self.status != "not loaded":
            return
        try:
            offers = ask(self.module)
            for kind, names in offers.items():
                for name in names:
                    self._check_claim(kind, name, reserved)
        except Refused as refused:
            fix = refused.fix or self._remedy()
            self.mark("broken", refused.reason, fix)
            warn(f"The plugin {self} is set aside: {refused.reason}", fix)
        else:
            self.offers = offers
            self.status = "ok"

    def _check_claim(self, kind: str, name: str, reserved: Mapping[str, Mapping[str, str]]) -> None:
        word, _, separator, group, _ = KINDS[kind]
        if name in reserved.get(kind, ()) or name in RESERVED.get(kind, ()):
            raise Refused(f"it claims the {word} {name!r}, which is the core's own.")
        if separator and name.partition(separator)[0] != self.name:
            raise Refused(
                f"it claims the {word} {name!r}, which does not begin with its own name, "
                f"{self.name!r}."
            )
        if group and self.distribution.groups.get(group, {}).get(name) != self.name:
            raise Refused(
                f"it claims the {word} {name!r} without an entry point in its metadata.",
                f'Its author adds {name} = "{self.name}" below [project.entry-points."{group}"];'
                " an editable installation must then be installed again.",
            )

    def _remedy(self) -> str:
        name = self.distribution.name
        return (
            f"Upgrade or reinstall it: pip install --upgrade --force-reinstall {name}. "
            f"To be rid of the warning, set BRICKWORK_PLUGINS_BLOCK={name}."
        )


def ask(module_name: str) -> Offers:
    """Import a plugin's module and return what its hooks offer. Raises Refused."""
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # foreign code may raise anything
        raise Refused(f"importing {module_name} failed with {told(error)}.") from None
    _check_api(module)
    _check_unmarked(module)
    # A manager for each plugin: what one does wrong cannot reach another.
    manager = pluggy.PluginManager("brickwork")
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(module, module_name)
        manager.check_pending()
    except Exception as error:  # noqa: BLE001  # pluggy's errors are of several types
        raise Refused(f"its hooks do not fit: {told(error)}.") from None
    offers: Offers = {}
    for kind in KINDS:
        try:
            answers = getattr(manager.hook, f"brickwork_{kind}")()
        except (Exception, SystemExit) as error:  # noqa: BLE001  # foreign code may raise anything
            raise Refused(f"its hook brickwork_{kind} failed with {told(error)}.") from None
        if answers:
            offers[kind] = _checked(kind, answers[0])
    return offers


def _folder(module: str) -> str:
    """Return the folder of a module's package, without importing it."""
    from importlib.util import find_spec

    try:
        spec = find_spec(module.partition(".")[0])
    except (ImportError, ValueError, AttributeError):
        return ""
    return "" if spec is None or spec.origin is None else spec.origin.rpartition("/")[0]


def _check_api(module: ModuleType) -> None:
    versions = hookspecs.API_VERSIONS
    api = getattr(module, "brickwork_api", 1)
    if not isinstance(api, int):
        raise Refused("its brickwork_api is not a number.", "Its author writes brickwork_api = 1.")
    if api not in versions:
        newer = api >= versions.stop
        raise Refused(
            f"it is built for version {api} of the plugin interface, this Brickwork has "
            f"{versions.start} to {versions.stop - 1}.",
            "Upgrade Brickwork: pip install --upgrade brickwork." if newer else "",
        )


def _check_unmarked(module: ModuleType) -> None:
    for name, value in vars(module).items():
        if (
            name.startswith("brickwork_")
            and isinstance(value, FunctionType)
            and not hasattr(value, "brickwork_impl")
        ):
            raise Refused(
                f"its function {name} is not marked as a hook.",
                f"Its author puts @hookimpl on {name}.",
            )


def _checked(kind: str, answer: Any) -> dict[str, str]:
    word, pattern = KINDS[kind][:2]
    if not isinstance(answer, Mapping):
        raise Refused(
            f"its hook brickwork_{kind} returned {type(answer).__name__}, not a mapping of names "
            "to dotted paths."
        )
    for name, path in answer.items():
        if not isinstance(name, str) or not re.match(pattern, name):
            raise Refused(f"its hook brickwork_{kind} returned {name!r}, which names no {word}.")
        if not isinstance(path, str) or not _DOTTED.match(path):
            raise Refused(
                f"its hook brickwork_{kind} returned for {name!r} no dotted path, module:attribute."
            )
    return dict(answer)


def told(error: BaseException) -> str:
    """Return an error as one short line, with the place it was raised at, and no secret in it."""
    from brickwork.masking import masker

    try:
        text = str(error)
    except Exception:  # noqa: BLE001  # foreign code
        text = ""
    place, trace = "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith(_NOT_THEIRS):
            place = f" ({file}, line {trace.tb_lineno})"
        trace = trace.tb_next
    # Masked whole, then changed and cut: part of a secret would not be found.
    masked = " ".join(masker.mask(text).split())
    cut = masked if len(masked) <= 300 else f"{masked[:300]}..."
    return f"{type(error).__name__}: {cut}{place}" if cut else f"{type(error).__name__}{place}"


def warn(message: str, fix: str) -> None:
    """Log a warning that a plugin or a module was set aside."""
    import logging

    logging.getLogger("brickwork.registry").warning("%s\n  fix: %s", message, fix)
