"""The contract of packages passes a good one, and says what is wrong with a bad one."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from brickwork.block import defined_blocks
from brickwork.testing import PackageContract
from brickwork.testing.distributions import write_distribution

PLUGIN = """
from brickwork import hookimpl

@hookimpl
def brickwork_blocks():
    return {"PREFIX-account": "PACKAGE.blocks:Account"}

@hookimpl
def brickwork_storages():
    return {"PREFIX": "PACKAGE.storage:Rooms"}
"""
BLOCKS = '''
from typing import ClassVar
from pydantic import Field
from brickwork import Block

class Account(Block):
    """An account."""

    slug: ClassVar[str] = "PREFIX-account"
    login: str = Field(description="Who logs in.")
'''
STORAGE = """
from brickwork import Storage

class Rooms(Storage):
    pass
"""

Install = Callable[..., str]


@pytest.fixture
def install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Install:
    """Install a package, good but for what is given; returns the distribution's name."""
    monkeypatch.setattr(sys.modules["brickwork.block"], "defined_blocks", dict(defined_blocks))

    def install(
        *,
        plugin: str = PLUGIN,
        blocks: str = BLOCKS,
        claims: Sequence[str] = ("PREFIX",),
        typed: bool = True,
        points: bool = True,
    ) -> str:
        prefix = f"t{abs(hash(request.node.nodeid))}"  # modules of another test stay imported
        package = f"their_{prefix}"

        def named(text: str) -> str:
            return text.replace("PREFIX", prefix).replace("PACKAGE", package)

        schemes = {named(claim): prefix for claim in claims}
        write_distribution(
            tmp_path,
            f"their-{prefix}",
            entry_points={
                "brickwork": {prefix: f"{package}.plugin"} if points else {},
                "brickwork.schemes": schemes,
            },
            modules={
                f"{package}.plugin": named(plugin),
                f"{package}.blocks": named(blocks),
                f"{package}.storage": STORAGE,
            },
        )
        if typed:
            (tmp_path / package / "py.typed").touch()
        monkeypatch.syspath_prepend(tmp_path)
        return f"Their_{prefix}"

    return install


class TestGoodPackage(PackageContract):
    """A package without a mistake passes everything."""

    @pytest.fixture
    def distribution(self, install: Install) -> str:
        return install()

    @pytest.fixture
    def forbidden_at_discovery(self) -> Sequence[str]:
        return ["pydantic", "sqlite3", "email"]


CHECK = PackageContract()


def test_what_is_not_installed_is_named() -> None:
    """A distribution that is not installed fails with the command that installs it."""
    with pytest.raises(AssertionError, match=r"no-such-thing is not installed.*pip install -e"):
        CHECK.test_is_installed_with_entry_points("no-such-thing")


def test_a_package_without_a_plugin_fails(install: Install) -> None:
    """Metadata without the plugin's entry point fail."""
    with pytest.raises(AssertionError, match="no entry point in the group 'brickwork'"):
        CHECK.test_is_installed_with_entry_points(install(points=False))


def test_a_misspelt_hook_fails(install: Install) -> None:
    """A hook that does not exist fails, and is named."""
    name = install(plugin=PLUGIN.replace("brickwork_blocks", "brickwork_bloks"))

    with pytest.raises(AssertionError, match="brickwork_bloks"):
        CHECK.test_plugins_load(name)


def test_a_package_with_nothing_fails(install: Install) -> None:
    """A plugin that offers nothing fails."""
    with pytest.raises(AssertionError, match="offers nothing"):
        CHECK.test_offers_something(install(plugin="", claims=()))


def test_a_path_that_leads_nowhere_fails(install: Install) -> None:
    """A dotted path without its target fails."""
    name = install(plugin=PLUGIN.replace("blocks:Account", "blocks:Acount"))

    with pytest.raises(Exception, match="no attribute 'Acount'"):
        CHECK.test_every_path_leads_to_what_it_should(name)


def test_a_claim_that_is_not_kept_fails(install: Install) -> None:
    """A scheme in the metadata that no hook offers fails."""
    with pytest.raises(AssertionError, match=r"claims 'ftp'.*no hook offers it"):
        CHECK.test_claims_are_kept(install(claims=("PREFIX", "ftp")))


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ('    """An account."""\n', "", "give Account a docstring"),
        ('Field(description="Who logs in.")', "Field()", r"describe Account\.login"),
    ],
)
def test_a_block_without_descriptions_fails(
    install: Install, good: str, bad: str, message: str
) -> None:
    """A class without docstring and a field without description fail."""
    assert good in BLOCKS

    with pytest.raises(AssertionError, match=message):
        CHECK.test_blocks_are_described(install(blocks=BLOCKS.replace(good, bad)))


def test_a_package_without_types_fails(install: Install) -> None:
    """A package without py.typed fails."""
    with pytest.raises(AssertionError, match=r"py\.typed"):
        CHECK.test_is_typed(install(typed=False))


def test_a_vendors_module_at_discovery_fails(install: Install) -> None:
    """A plugin's module that imports what is forbidden fails."""
    name = install(plugin="import email.message\n" + PLUGIN)

    with pytest.raises(AssertionError, match=r"imported \['email.message'\]"):
        CHECK.test_discovery_imports_no_vendor_module(name, ["email.message"])
