"""Modules of the project that define block classes, as ``brickwork.toml`` names them."""

import sys
from importlib import import_module

from brickwork.config import Config
from brickwork.registry.plugins import PluginInfo, told, warn


class ProjectModules:
    """The modules named in ``brickwork.toml``, each imported on its own.

    Their folder goes to the end of `sys.path`: a file of the project must not take the place of a
    module that Brickwork itself imports later.
    """

    def __init__(self, config: Config | None = None) -> None:
        self._all = () if config is None else config.modules
        self._folder = "" if config is None else str(config.modules_dir or "")
        self._source = "" if config is None else config.sources.get("modules", "brickwork.toml")
        self._waiting = list(self._all)
        self._failed: dict[str, str] = {}

    def load(self) -> None:
        """Import those that are not imported yet; a failure is noted, and logged, never raised."""
        if not self._waiting:
            return
        if self._folder and self._folder not in sys.path:
            sys.path.append(self._folder)
        while self._waiting:
            name = self._waiting.pop(0)
            try:
                import_module(name)
            except (Exception, SystemExit) as error:  # noqa: BLE001  # the user's code may raise anything
                self._failed[name] = f"importing it failed with {told(error)}."
                warn(f"The module {name} is left out: {self._failed[name]}", self._fix(name))

    def failures(self) -> dict[str, str]:
        """Return the modules that could not be imported, each with the reason."""
        return self._failed

    def infos(self) -> list[PluginInfo]:
        """Return what is known of each."""
        return [self._info(name) for name in self._all]

    def _info(self, name: str) -> PluginInfo:
        if name in self._failed:
            reason = self._failed[name]
            return PluginInfo(name, "", "", name, self._folder, "broken", reason, self._fix(name))
        waiting = name in self._waiting
        return PluginInfo(name, "", "", name, self._folder, "not loaded" if waiting else "ok")

    def _fix(self, name: str) -> str:
        return f"Correct {name}, or take it out of modules in {self._source}."
