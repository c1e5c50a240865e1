"""Modules of the project that define block classes, as ``brickwork.toml`` names them."""

import sys
import threading
from importlib import import_module

from brickwork.config import Config
from brickwork.registry.plugins import PluginInfo, told, warn

_LONGEST_WAIT = 60.0


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
        self._loaded = not self._waiting
        self._importing = False
        self._lock = threading.RLock()
        self._failed: dict[str, str] = {}

    def load(self) -> None:
        """Import those that are not imported yet; a failure is noted, and logged, never raised.

        Threads wait until the one that imports them is done.
        """
        # Not for ever: a module that is imported elsewhere, and needs the others at its import,
        # would wait for us while we wait for it.
        if self._loaded or not self._lock.acquire(timeout=_LONGEST_WAIT):
            return
        try:
            outermost, self._importing = not self._importing, True
            self._import_all()
            if outermost:  # else a module is being imported that asks for blocks meanwhile
                self._loaded, self._importing = True, False
        finally:
            self._lock.release()

    def _import_all(self) -> None:
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
