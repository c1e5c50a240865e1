"""What every package of plugins must do, as assertions to inherit."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from brickwork.config import Config, normalise
from brickwork.registry import PluginInfo, Registry
from brickwork.registry.kinds import KINDS
from brickwork.registry.metadata import PLUGINS, Distribution, installed
from brickwork.testing.base import Contract

_NO_CLAIMS = {PLUGINS, "brickwork.contracts"}
"""Groups of entry points whose names are those of plugins."""

_START = """
import json, sys
from brickwork.config import Config
from brickwork.registry import Registry
from brickwork.registry.kinds import KINDS
[distribution, given] = json.loads(sys.argv[1])
registry = Registry(config=Config("", "", plugins_allow=frozenset([distribution])))
"""
_DISCOVER = """
registry.plugins()
listing = [name for name in given if name in sys.modules]
found = [name for kind in KINDS for name in registry.names(kind)]
asking = [name for name in given if name in sys.modules]
print(json.dumps([listing, asking, len(found)]))
"""
_BREAK = """
class Break:
    def find_spec(self, name, path=None, target=None):
        if name in given:
            raise ImportError("broken on purpose")
sys.meta_path.insert(0, Break())
states = {each.module: each.status for each in registry.load_all()}
core = [registry.storage("memory").__name__, registry.serializer("json").__name__]
print(json.dumps([[states.get(name) for name in given], core]))
"""


class PackageContract(Contract):
    """What every package of plugins must do. Subclass it and name the distribution::

    class TestPackage(PackageContract):
        @pytest.fixture
        def distribution(self):
            return "brickwork-slack"

        @pytest.fixture
        def forbidden_at_discovery(self):
            return ["slack_sdk"]
    """

    @pytest.fixture
    def distribution(self) -> str:
        """Return the distribution's name, as pip knows it."""
        raise NotImplementedError("Give a fixture `distribution` that returns its name for pip.")

    @pytest.fixture
    def forbidden_at_discovery(self) -> Sequence[str]:
        """Return modules that must not be imported to find out what the package has."""
        raise NotImplementedError(
            "Give a fixture `forbidden_at_discovery`: the vendor's modules, and whatever else is "
            "slow to import; an empty list if there are none."
        )

    def test_is_installed_with_entry_points(self, distribution: str) -> None:
        """The distribution is installed, and its metadata name its plugin."""
        found = _metadata(distribution)
        assert found.groups.get(PLUGINS), (
            f"{distribution} has no entry point in the group {PLUGINS!r}; add to pyproject.toml: "
            f'[project.entry-points.{PLUGINS}] name = "package.plugin", and install it again'
        )

    def test_plugins_load(self, distribution: str) -> None:
        """Each plugin is imported, its hooks are known, and its names are its own."""
        for info in _plugins(distribution):
            assert info.status == "ok", (
                f"the plugin {info.name} is {info.status}: {info.reason} {info.fix}"
            )

    def test_offers_something(self, distribution: str) -> None:
        """The package brings at least one block, task, storage or other thing."""
        assert list(_offers(distribution)), (
            f"{distribution} offers nothing; implement a hook of brickwork.hookspecs"
        )

    def test_every_path_leads_to_what_it_should(self, distribution: str) -> None:
        """Each dotted path can be imported and is of the right kind."""
        registry = _registry(distribution)
        for kind, name in _offers(distribution):
            registry.get(kind, name)

    def test_names_carry_the_prefix(self, distribution: str) -> None:
        """Slugs, tasks and key providers begin with the name of one of the plugins."""
        prefixes = set(_metadata(distribution).groups.get(PLUGINS, {}))
        for kind, name in _offers(distribution):
            separator = KINDS[kind].separator
            assert not separator or name.partition(separator)[0] in prefixes, (
                f"the {KINDS[kind].word} {name!r} must begin with one of {sorted(prefixes)}"
            )

    def test_claims_are_kept(self, distribution: str) -> None:
        """Each scheme, serializer and command that the metadata claim is offered by a hook."""
        offered = {(KINDS[kind].group, name) for kind, name in _offers(distribution)}
        for group, claims in _metadata(distribution).groups.items():
            for name in claims if group not in _NO_CLAIMS else ():
                assert (group, name) in offered, (
                    f"pyproject.toml claims {name!r} in {group!r}, and no hook offers it; "
                    "offer it, or take the claim out"
                )

    def test_blocks_are_described(self, distribution: str) -> None:
        """Each block has a docstring and each of its fields a description: forms show them."""
        registry = _registry(distribution)
        for kind, slug in _offers(distribution):
            if kind != "blocks":
                continue
            cls = registry.block_class(slug)
            name = cls.__qualname__
            assert (cls.__dict__.get("__doc__") or "").strip(), f"give {name} a docstring"
            for field, info in cls.model_fields.items():
                assert (info.description or "").strip(), (
                    f"describe {name}.{field}: Field(description=...)"
                )

    def test_is_typed(self, distribution: str) -> None:
        """The package tells type checkers that it has types."""
        for package in sorted({_package(module) for module in _modules(distribution)}):
            spec = find_spec(package)
            folders = [] if spec is None else list(spec.submodule_search_locations or ())
            assert any((Path(folder) / "py.typed").is_file() for folder in folders), (
                f"add an empty file py.typed to the package {package}"
            )

    def test_discovery_imports_no_vendor_module(
        self, distribution: str, forbidden_at_discovery: Sequence[str]
    ) -> None:
        """Listing plugins imports none; asking for their names imports no vendor's module."""
        given = [*_modules(distribution), *forbidden_at_discovery]
        listing, asking, names = _in_subprocess(_DISCOVER, distribution, given)
        assert names, f"{distribution} offers nothing in a process of its own"
        assert not listing, f"listing the plugins imported {listing}"
        vendor = [name for name in asking if name in forbidden_at_discovery]
        assert not vendor, (
            f"importing the plugin imported {vendor}; its module, and the package's __init__, must "
            "import nothing but hookimpl: move vendor imports into the methods that use them"
        )

    def test_a_broken_plugin_leaves_the_core_working(self, distribution: str) -> None:
        """Where its module cannot be imported the plugin is set aside, and the core works."""
        modules = _modules(distribution)
        states, core = _in_subprocess(_BREAK, distribution, modules)
        assert states == ["broken"] * len(modules), (
            f"with {modules} broken the plugins are {states}; the package's __init__ must not "
            "import the plugin's module"
        )
        assert core == ["MemoryStorage", "JsonSerializer"], f"the core has {core}"


def _metadata(distribution: str) -> Distribution:
    for found in installed():
        if found.name == normalise(distribution):
            return found
    raise AssertionError(
        f"{distribution} is not installed, or its metadata have nothing for Brickwork; "
        "run pip install -e . in its folder"
    )


def _registry(distribution: str) -> Registry:
    # Neither settings of this machine nor other plugins matter here.
    allowed = frozenset([_metadata(distribution).name])
    return Registry(config=Config("", "", plugins_allow=allowed))


def _plugins(distribution: str) -> list[PluginInfo]:
    name = normalise(distribution)
    found = [info for info in _registry(name).load_all() if info.distribution == name]
    assert found, f"{distribution} has no plugin"
    return found


def _offers(distribution: str) -> Iterator[tuple[str, str]]:
    """Yield kind and name of everything that the package offers."""
    registry = _registry(distribution)
    origin = str(_metadata(distribution))
    for kind in KINDS:
        for name, each in registry.names(kind).items():
            if each == origin:
                yield kind, name


def _modules(distribution: str) -> list[str]:
    modules = sorted(set(_metadata(distribution).groups.get(PLUGINS, {}).values()))
    assert modules, f"{distribution} has no plugin"
    return modules


def _package(module: str) -> str:
    return module.partition(".")[0]


def _in_subprocess(code: str, distribution: str, given: Sequence[str]) -> Any:
    """Run code in a fresh process that sees the same packages; return what it prints."""
    done = subprocess.run(  # noqa: S603  # this interpreter, our own code
        [sys.executable, "-c", _START + code, json.dumps([normalise(distribution), list(given)])],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"a process that looks for plugins failed: {done.stderr}"
    return json.loads(done.stdout.splitlines()[-1])
