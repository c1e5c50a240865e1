"""The registry: from a slug, a scheme or another name to the class or function behind it."""

import sys
import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from brickwork.config import Config
from brickwork.errors import BlockError, BrickworkError, DuplicateName, PluginBroken
from brickwork.registry import lookup_errors
from brickwork.registry.installed import Installed, find
from brickwork.registry.kinds import KINDS, RESERVED, Kind
from brickwork.registry.metadata import Distribution
from brickwork.registry.modules import ProjectModules
from brickwork.registry.plugins import CORE, Offers, Plugin, PluginInfo, ask, told

if TYPE_CHECKING:
    from brickwork.block import Block
    from brickwork.keyprovider import KeyProvider
    from brickwork.notifier import Notifier
    from brickwork.resolver import Resolver
    from brickwork.serializer import Serializer
    from brickwork.storage import Storage
    from brickwork.store import Store
    from brickwork.tasks import Task


class Offer(NamedTuple):
    """A dotted path and the plugin that offers it; None for the core."""

    path: str
    plugin: Plugin | None


class Registry:
    """Finds what plugins, the project and the program define. Safe to use from many threads.

    Nothing is read or imported before it is needed: a name leads to its plugin by prefix or by
    metadata, and only that plugin's module, then only the module of the thing itself, is imported.
    A plugin that fails is set aside with its reason; everything else works.

    Args:
        discover: Look for installed plugins and modules of the project; without, only the core and
            the program's own block classes are known (``--no-plugins``).
        config: Settings; `Config.load` where none are given, when they are first needed.
    """

    def __init__(self, *, discover: bool = True, config: Config | None = None) -> None:
        self._discover = discover
        self._config = config
        self._lock = threading.RLock()
        self._core_offers: Offers | None = None
        self._found: Installed | None = None
        self._project: ProjectModules | None = None
        self._resolved: dict[tuple[str, str], Any] = {}
        self._confirmed: dict[str, type[Block]] = {}

    # One thing by its name. All raise PluginMissing, PluginBroken, DuplicateName or UnknownName.

    def block_class(self, slug: str) -> "type[Block]":
        """Return the class of a slug.

        Raises:
            UnknownBlock: No class is known for it.
            PluginMissing: Its plugin is not installed.
            PluginBroken: Its plugin was set aside, or the class cannot be imported.
            DuplicateName: Two plugins, or a plugin and the program, define it.
        """
        defined = _defined_blocks().get(slug)
        if defined is not None and self._confirmed.get(slug) is defined:
            return defined
        if defined is None:
            defined = self._block_from_outside(slug)
        self._refuse_second_class(slug, defined)
        self._confirmed[slug] = defined
        return defined

    def task(self, name: str) -> "Task[..., Any]":
        """Return a prebuilt task: ``aws.s3_upload_file``."""
        return cast("Task[..., Any]", self.get("tasks", name))

    def storage(self, scheme: str) -> "type[Storage]":
        """Return the storage that opens URLs of a scheme, as ``s3``, or of ``fsspec+anything``."""
        return cast("type[Storage]", self._opener("storages", scheme))

    def serializer(self, name: str) -> "type[Serializer]":
        """Return a serializer by its name."""
        return cast("type[Serializer]", self.get("serializers", name))

    def notifier(self, scheme: str) -> "type[Notifier]":
        """Return the notifier that opens URLs of a scheme, or of ``apprise+anything``."""
        return cast("type[Notifier]", self._opener("notifiers", scheme))

    def resolver(self, scheme: str) -> "type[Resolver]":
        """Return the resolver of references of a scheme."""
        return cast("type[Resolver]", self.get("resolvers", scheme))

    def key_provider(self, name: str) -> "type[KeyProvider]":
        """Return a key provider by its name."""
        return cast("type[KeyProvider]", self.get("key_providers", name))

    def store(self, scheme: str) -> "type[Store]":
        """Return the store that opens a vault's URLs of a scheme."""
        return cast("type[Store]", self.get("stores", scheme))

    def get(self, kind: str, name: str) -> Any:
        """Return one thing of any kind.

        Args:
            kind: A hook's name without ``brickwork_``: ``blocks``, ``tasks``, ``storages``,
                ``serializers``, ``notifiers``, ``resolvers``, ``key_providers``, ``stores``,
                ``commands``.
            name: Its name.

        Raises:
            PluginMissing: Its plugin is not installed.
            PluginBroken: Its plugin was set aside, or the thing cannot be imported.
            DuplicateName: Two plugins claim it.
            UnknownName: Nothing of that kind has that name (UnknownBlock for blocks).
        """
        if kind == "blocks":
            return self.block_class(name)
        found = self._resolved.get((kind, name))
        if found is None:
            offer = self._offer(kind, name)
            if offer is None:
                raise self._unknown(kind, name)
            found = self._resolved[kind, name] = _imported(kind, name, offer)
        return found

    def _opener(self, kind: str, scheme: str) -> Any:
        """Return what opens a scheme; of ``prefix+rest`` that nobody has, what opens ``prefix``."""
        prefix, plus, _ = scheme.partition("+")
        if plus and self._offer(kind, scheme) is None and self._offer(kind, prefix) is not None:
            return self.get(kind, prefix)
        return self.get(kind, scheme)

    # What there is

    def names(self, kind: str) -> dict[str, str]:
        """Return every name of a kind, and where each is from: ``brickwork-aws 0.1.0``.

        Asks all plugins, which imports their modules but none of the classes; those that are set
        aside are left out. Names of serializers and commands are in the metadata: nothing is
        imported for them.
        """
        origins = dict.fromkeys(self._core().get(kind, ()), CORE)
        group = KINDS[kind].group
        if group in ("brickwork.serializers", "brickwork.commands"):
            for name, plugins in self._installed().claims[group].items():
                origins.setdefault(name, " and ".join(str(each.distribution) for each in plugins))
            return dict(sorted(origins.items()))
        for plugin in self._installed().plugins:
            for name in self._loaded(plugin).offers.get(kind, ()):
                origin = str(plugin.distribution)
                origins[name] = f"{origins[name]} and {origin}" if name in origins else origin
        if kind == "blocks":
            self._modules().load()
            for slug, cls in _defined_blocks().items():
                origins.setdefault(slug, cls.__module__)
        return dict(sorted(origins.items()))

    def plugins(self) -> list[PluginInfo]:
        """Return what is known of every plugin and module of the project; imports none."""
        found = [plugin.info() for plugin in self._installed().plugins]
        return found + self._modules().infos()

    def distributions(self) -> list[Distribution]:
        """Return the installed distributions that have plugins; imports none."""
        found = {each.distribution.name: each.distribution for each in self._installed().plugins}
        return list(found.values())

    def load_all(self) -> list[PluginInfo]:
        """Load every plugin and module of the project, and return what is known of them then."""
        for plugin in self._installed().plugins:
            self._loaded(plugin)
        self._modules().load()
        return self.plugins()

    # How a name leads to its plugin

    def _offer(self, kind: str, name: str) -> Offer | None:
        """Return who offers a name, or None. Raises PluginBroken and DuplicateName."""
        core = self._core().get(kind, {}).get(name)
        if core is not None:
            return Offer(core, None)
        plugin = self._plugin_of(kind, name)
        if plugin is None:
            return None
        if plugin.status == "not loaded":
            self._loaded(plugin)
        if plugin.status in ("blocked", "broken"):
            raise lookup_errors.set_aside(KINDS[kind].word, name, plugin)
        path = plugin.offers.get(kind, {}).get(name)
        return None if path is None else Offer(path, plugin)

    def _plugin_of(self, kind: str, name: str) -> Plugin | None:
        """Return the plugin that a name belongs to, from metadata alone."""
        _, _, separator, group, _ = KINDS[kind]
        installed = self._installed()
        if separator:
            prefix = name.partition(separator)[0]
            usable = installed.by_name.get(prefix, [])
            rest = None if usable else installed.unusable(prefix)
        else:
            usable = installed.claims[group].get(name, [])
            rest = None if usable else installed.unusable_claim(group, name)
        if len(usable) > 1 or any(plugin.status == "duplicate" for plugin in usable):
            raise lookup_errors.claimed_twice(KINDS[kind].word, name, usable)
        return usable[0] if usable else rest

    def _unknown(self, kind: str, name: str) -> BrickworkError:
        """Return what to raise for a name that nobody offers."""
        return lookup_errors.unknown(
            kind,
            name,
            known=self.names(kind),
            plugin=self._plugin_of(kind, name),
            failures=self._modules().failures() if kind == "blocks" else {},
            discover=self._discover,
        )

    # Blocks

    def _block_from_outside(self, slug: str) -> "type[Block]":
        """Import the class of a slug that the process has not defined yet."""
        offer, failure = None, None
        try:
            offer = self._offer("blocks", slug)
        except (PluginBroken, DuplicateName) as error:
            failure = error
        if offer is not None:
            return cast("type[Block]", _imported("blocks", slug, offer))
        self._modules().load()
        defined = _defined_blocks().get(slug)
        if defined is not None:
            return defined
        raise failure or self._unknown("blocks", slug)

    def _refuse_second_class(self, slug: str, cls: "type[Block]") -> None:
        """Refuse a class if the core or a plugin offers another one for the slug."""
        try:
            offer = self._offer("blocks", slug)
        except (PluginBroken, DuplicateName):
            return  # who cannot be used cannot be meant
        own = f"{cls.__module__}:{cls.__qualname__}"
        if offer is None:
            if slug in RESERVED["blocks"]:
                raise lookup_errors.two_classes(slug, own, "brickwork, which reserves it")
            return
        if offer.path == own or _leads_to(offer, cls):
            return
        origin = CORE if offer.plugin is None else str(offer.plugin.distribution)
        raise lookup_errors.two_classes(slug, own, f"{offer.path} of {origin}")

    # What is found once

    def _core(self) -> Offers:
        if self._core_offers is None:
            # By name, not by import: the core's own things are a plugin, and a layer above.
            self._core_offers = ask("brickwork.builtin.plugin")
        return self._core_offers

    def _installed(self) -> Installed:
        if self._found is None:
            with self._lock:
                if self._found is None:
                    self._found = find(self._settings()) if self._discover else Installed()
        return self._found

    def _modules(self) -> ProjectModules:
        if self._project is None:
            with self._lock:
                if self._project is None:
                    self._project = ProjectModules(self._settings() if self._discover else None)
        return self._project

    def _settings(self) -> Config:
        if self._config is None:
            self._config = Config.load()
        return self._config

    def _loaded(self, plugin: Plugin) -> Plugin:
        with self._lock:
            plugin.load(self._core())
        return plugin


def _defined_blocks() -> "dict[str, type[Block]]":
    """Return the block classes of this process, without importing what defines blocks."""
    module = sys.modules.get("brickwork.block")
    return {} if module is None else module.defined_blocks


def _attribute(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)


def _leads_to(offer: Offer, cls: "type[Block]") -> bool:
    """Tell whether an offer is this class, by another path; or a plugin's that leads nowhere."""
    try:
        return _attribute(offer.path) is cls
    except BlockError:
        return False  # defining it was refused, since the slug was taken
    except (Exception, SystemExit):  # noqa: BLE001  # foreign code may raise anything
        return offer.plugin is not None


def _imported(kind: str, name: str, offer: Offer) -> Any:
    """Import what a dotted path names and check that it is what the kind asks for."""
    described = KINDS[kind]
    try:
        found = _attribute(offer.path)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # foreign code may raise anything
        problem = f"importing it failed with {told(error)}"
    else:
        problem = _misfit(described, name, found)
    if problem:
        raise lookup_errors.unusable(described.word, name, offer.path, offer.plugin, problem)
    return found


def _misfit(kind: Kind, name: str, found: Any) -> str:
    """Say why something is not what its kind asks for; nothing if it is."""
    interfaces = tuple(_attribute(path) for path in kind.interfaces)
    if kind.word == "task":
        return "" if isinstance(found, interfaces) else "it is not made with @task"
    if interfaces and not (isinstance(found, type) and issubclass(found, interfaces)):
        return f"it is no subclass of {' or '.join(each.__name__ for each in interfaces)}"
    if kind.word == "block" and found.__dict__.get("slug") != name:
        return f"its slug is {found.__dict__.get('slug')!r}"
    return ""
