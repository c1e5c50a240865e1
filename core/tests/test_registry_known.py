"""What known plugins bring: told when a name leads nowhere, and read only then."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from brickwork import PluginMissing, Registry, UnknownBlock, UnknownName
from brickwork.registry import known
from brickwork.testing.distributions import run_with, write_plugin


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The core ships no catalog."""
    monkeypatch.setattr(known, "DATA", tmp_path)
    known.index.cache_clear()
    yield
    known.index.cache_clear()


@pytest.mark.parametrize(
    ("kind", "name", "package"),
    [
        ("blocks", "aws-s3-bucket", "brickwork-aws"),
        ("blocks", "hashicorp-vault", "brickwork-hashicorp"),
        ("tasks", "github.create_issue", "brickwork-github"),
        ("storages", "s3", "brickwork-aws"),
        ("storages", "github", "brickwork-github"),
        ("resolvers", "vault", "brickwork-hashicorp"),
        ("resolvers", "aws-sm", "brickwork-aws"),
        ("key_providers", "aws-kms", "brickwork-aws"),
        ("commands", "flow", "brickwork-flows"),
    ],
)
@pytest.mark.usefixtures("nothing_installed")
def test_what_is_known_and_missing_says_what_to_install(kind: str, name: str, package: str) -> None:
    """A thing of any kind leads to its distribution."""
    with pytest.raises(PluginMissing, match=f"belongs to {package}, which is not inst") as caught:
        Registry().get(kind, name)
    assert caught.value.fix == f"pip install {package}"


@pytest.mark.usefixtures("nothing_installed")
def test_a_name_of_a_missing_plugin_that_is_mistyped_says_both() -> None:
    """The distribution by the prefix, and the name that was meant."""
    with pytest.raises(PluginMissing, match="would belong to brickwork-aws") as caught:
        Registry().block_class("aws-credntials")
    assert caught.value.fix == "pip install brickwork-aws; or did you mean 'aws-credentials'?"


def test_what_an_installed_plugin_does_not_have_yet_says_upgrade(tmp_path: Path) -> None:
    """The shipped catalog knows of a newer version."""
    write_plugin(tmp_path, "github")
    result, _ = run_with(
        tmp_path,
        "result = [said('blocks', 'github-credentials'), said('blocks', 'github-nothing')]",
        BRICKWORK_PLUGINS_BLOCK="",
    )
    assert "has no block 'github-credentials' yet" in result[0]
    assert "pip install --upgrade brickwork-github" in result[0]
    assert "upgrade" not in result[1]


@pytest.mark.usefixtures("nothing_installed", "no_index")
def test_without_a_catalog_an_unknown_name_is_an_unknown_name() -> None:
    """A damaged installation changes no error into another one."""
    with pytest.raises(UnknownBlock, match="No block has the name 'aws-credentials'"):
        Registry().block_class("aws-credentials")
    with pytest.raises(UnknownName, match="No storage has the name 's3'"):
        Registry().storage("s3")


def test_a_lookup_that_succeeds_reads_no_catalog(tmp_path: Path) -> None:
    """Neither the index nor the module that reads it is touched before a name leads nowhere."""
    write_plugin(tmp_path, "acme")
    result, _ = run_with(
        tmp_path,
        """
        found = [said("blocks", "acme-thing"), said("storages", "file")]
        before = "brickwork.registry.known" in sys.modules
        said("blocks", "nosuch-thing")
        result = [found, before, "brickwork.registry.known" in sys.modules]
        """,
    )
    assert result == [["Thing", "FileStorage"], False, True]
