"""The plugins that are installed, sorted out from metadata alone: none is imported."""

import re
from collections.abc import Iterable

from brickwork.config import Config
from brickwork.registry.kinds import RESERVED_PLUGINS
from brickwork.registry.metadata import (
    COMMANDS,
    PLUGINS,
    SCHEMES,
    SERIALIZERS,
    Distribution,
    installed,
)
from brickwork.registry.plugins import Plugin

CLAIMS = (SCHEMES, SERIALIZERS, COMMANDS)
_NAME = re.compile(r"[a-z][a-z0-9]*\Z")
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*\Z")


class Installed:
    """The plugins that are installed, and what their metadata claim.

    Attributes:
        plugins: All of them, also those that cannot be used, in the order of `sys.path`.
        by_name: Those of each name that may be used; more than one of a name is a conflict.
        claims: Group to name to those plugins that claim the name and may be used.
    """

    def __init__(
        self, distributions: Iterable[Distribution] = (), config: Config | None = None
    ) -> None:
        self.plugins: list[Plugin] = []
        self.by_name: dict[str, list[Plugin]] = {}
        self.claims: dict[str, dict[str, list[Plugin]]] = {group: {} for group in CLAIMS}
        for distribution in distributions:
            self._add(distribution, config)
        self._mark_conflicts()

    def unusable(self, name: str) -> Plugin | None:
        """Return the plugin of that name that is blocked or broken by its metadata."""
        return next((plugin for plugin in self.plugins if plugin.name == name), None)

    def unusable_claim(self, group: str, name: str) -> Plugin | None:
        """Return a plugin that claims the name and is blocked or broken by its metadata."""
        for plugin in self.plugins:
            if plugin.distribution.groups.get(group, {}).get(name) == plugin.name:
                return plugin
        return None

    def _add(self, distribution: Distribution, config: Config | None) -> None:
        own = {
            name: Plugin(name, module, distribution)
            for name, module in distribution.groups.get(PLUGINS, {}).items()
        }
        for group in CLAIMS:
            for claimed, name in distribution.groups.get(group, {}).items():
                if name not in own:
                    own[name] = stray = Plugin(name, "", distribution)
                    stray.mark(
                        "broken",
                        f"its metadata claim {claimed!r} in {group} for the plugin {name!r}, which "
                        "it does not have.",
                        "Its author corrects the entry points in pyproject.toml.",
                    )
        for plugin in own.values():
            self.plugins.append(plugin)
            if config is not None:
                _mark_blocked(plugin, config)
            _mark_misnamed(plugin)
            if plugin.status == "not loaded":
                self.by_name.setdefault(plugin.name, []).append(plugin)
                for group in CLAIMS:
                    for claimed, name in distribution.groups.get(group, {}).items():
                        if name == plugin.name:
                            self.claims[group].setdefault(claimed, []).append(plugin)

    def _mark_conflicts(self) -> None:
        for name, plugins in self.by_name.items():
            _mark_conflict(f"the plugin name {name!r}", plugins)
        for group, claims in self.claims.items():
            for name, plugins in claims.items():
                what = {SCHEMES: "scheme", SERIALIZERS: "serializer", COMMANDS: "command"}[group]
                _mark_conflict(f"the {what} {name!r}", plugins, alone=False)


def find(config: Config) -> Installed:
    """Look for what is installed."""
    return Installed(installed(), config)


def conflict(what: str, plugins: list[Plugin]) -> tuple[str, str]:
    """Return what to say of several plugins that claim one thing, and the fix."""
    names = sorted(str(plugin.distribution) for plugin in plugins)
    return (
        f"{' and '.join(names)} both claim {what}."
        if len(names) == 2
        else f"{', '.join(names)} all claim {what}.",
        f"Uninstall all but one, or set BRICKWORK_PLUGINS_BLOCK={plugins[-1].distribution.name}.",
    )


def _mark_conflict(what: str, plugins: list[Plugin], *, alone: bool = True) -> None:
    """Note a conflict on each; one over a single name leaves the rest of a plugin usable."""
    if len(plugins) < 2:
        return
    reason, fix = conflict(what, plugins)
    for plugin in plugins:
        if alone:
            plugin.mark("duplicate", reason, fix)
        else:
            plugin.conflicts.append((reason, fix))


def _mark_blocked(plugin: Plugin, config: Config) -> None:
    name = plugin.distribution.name
    for setting, blocked in (
        ("plugins_block", name in config.plugins_block),
        ("plugins_allow", config.plugins_allow is not None and name not in config.plugins_allow),
    ):
        if blocked:
            source = config.sources.get(setting, setting)
            listed = "is named in" if setting == "plugins_block" else "is not named in"
            remedy = "Take it out there" if setting == "plugins_block" else "Add it there"
            plugin.mark(
                "blocked", f"{name} {listed} {setting} ({source}).", f"{remedy} to use the plugin."
            )
            return


def _mark_misnamed(plugin: Plugin) -> None:
    if plugin.status != "not loaded":
        return
    if not _NAME.match(plugin.name) or plugin.name in RESERVED_PLUGINS:
        plugin.mark(
            "broken",
            f"{plugin.name!r} cannot be the name of a plugin.",
            "Its author chooses one word of lower-case letters and digits, not 'brickwork'.",
        )
    elif not _MODULE.match(plugin.module):
        plugin.mark(
            "broken",
            f"its entry point names {plugin.module!r}, which is no module.",
            'Its author writes the module alone: aws = "brickwork_aws.plugin".',
        )
