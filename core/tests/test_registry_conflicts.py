"""Two that claim one name are both named, and neither gets it by luck."""

from pathlib import Path

import pytest

from brickwork.testing.distributions import (
    PLUGIN,
    THINGS,
    run_with,
    write_distribution,
    write_plugin,
)


def test_two_distributions_with_one_plugin_name_are_refused(tmp_path: Path) -> None:
    """Neither of two plugins of one name is used; the error and the list name both."""
    write_plugin(tmp_path, "acme")
    write_plugin(tmp_path, "acme", distribution="acme-clone")
    write_plugin(tmp_path, "good")

    result, _ = run_with(
        tmp_path,
        """
        errors = [said("blocks", "acme-thing"), said("storages", "acme")]
        infos = [each for each in registry.load_all() if each.name == "acme"]
        loaded = [m for m in sys.modules if m.startswith(("brickwork_acme", "acme_clone"))]
        result = [*errors, loaded, [(each.status, each.reason) for each in infos],
                  said("blocks", "good-thing")]
        """,
    )

    by_slug, by_scheme, loaded, infos, good = result
    both = "acme-clone 1.0 and brickwork-acme 1.0 both claim the plugin name 'acme'"
    assert by_slug.startswith("DuplicateName: ")
    assert by_scheme.startswith("DuplicateName: ")
    assert both in by_slug
    assert both in by_scheme
    assert "BRICKWORK_PLUGINS_BLOCK=" in by_slug
    assert [status for status, _ in infos] == ["duplicate", "duplicate"]
    assert all(both in reason for _, reason in infos)
    assert (loaded, good) == ([], "Thing")


def test_blocking_one_of_two_ends_the_conflict(tmp_path: Path) -> None:
    """The fix that a conflict proposes works: the one that is left is used."""
    write_plugin(tmp_path, "acme")
    write_plugin(tmp_path, "acme", distribution="acme-clone")

    result, _ = run_with(
        tmp_path,
        "result = [said('blocks', 'acme-thing'), said('storages', 'acme')]",
        BRICKWORK_PLUGINS_BLOCK="brickwork-aws,Acme.Clone",
    )

    assert result == ["Thing", "Store"]


def test_two_plugins_with_one_scheme_are_refused(tmp_path: Path) -> None:
    """A scheme that two plugins claim opens neither; what else they have works."""
    write_plugin(tmp_path, "acme", schemes={"acme": "acme", "ftp": "acme"})
    write_plugin(tmp_path, "zeta", schemes={"zeta": "zeta", "ftp": "zeta"})

    result, _ = run_with(
        tmp_path,
        """
        result = [said("storages", "ftp"), said("storages", "acme"), said("blocks", "zeta-thing"),
                  [each.reason for each in registry.plugins() if each.status == "duplicate"]]
        """,
    )

    error, acme, zeta, reasons = result
    both = "brickwork-acme 1.0 and brickwork-zeta 1.0 both claim the"
    assert error.startswith("DuplicateName: ")
    assert both in error
    assert (acme, zeta) == ("Store", "Thing")
    assert len(reasons) == 2
    assert all(reason.startswith(f"{both} scheme 'ftp'") for reason in reasons)


def test_two_plugins_with_one_serializer_name_are_refused(tmp_path: Path) -> None:
    """A serializer's name is found by metadata; two that claim it are both named."""
    for name in ("acme", "zeta"):
        write_plugin(tmp_path, name, serializers={"toon": name})

    result, _ = run_with(
        tmp_path,
        "result = [said('serializers', 'toon'), registry.names('serializers')['toon']]",
    )

    assert result[0].startswith("DuplicateName: brickwork-acme 1.0 and brickwork-zeta 1.0")
    assert result[1] == "brickwork-acme 1.0 and brickwork-zeta 1.0"


def test_a_claim_for_another_distributions_plugin_is_void(tmp_path: Path) -> None:
    """Nobody can redirect or jam a scheme of somebody else's plugin."""
    write_plugin(tmp_path, "acme")
    write_distribution(
        tmp_path, "meddler", entry_points={"brickwork.schemes": {"acme": "acme", "new": "acme"}}
    )

    result, _ = run_with(
        tmp_path,
        """
        result = [said("storages", "acme"), said("storages", "new"),
                  [each.status for each in registry.plugins() if each.distribution == "meddler"]]
        """,
    )

    assert result[0] == "Store"
    assert result[1].startswith("PluginBroken")
    assert "meddler 1.0" in result[1]
    assert result[2] == ["broken"]


def test_one_distribution_may_have_two_plugins(tmp_path: Path) -> None:
    """Each scheme of a distribution leads to the plugin that its metadata name for it."""
    names = ("one", "two")
    write_distribution(
        tmp_path,
        "brickwork-pair",
        entry_points={
            "brickwork": {name: f"brickwork_{name}.plugin" for name in names},
            "brickwork.schemes": {name: name for name in names},
        },
        modules={
            f"brickwork_{name}.plugin": PLUGIN.format(name=name, package=f"brickwork_{name}")
            for name in names
        }
        | {f"brickwork_{name}.things": THINGS.format(name=name) for name in names},
    )

    result, _ = run_with(
        tmp_path,
        """
        found = [said("storages", "two"), said("blocks", "two-thing")]
        result = [found, "brickwork_one" in sys.modules, said("storages", "one")]
        """,
    )

    assert result == [["Store", "Thing"], False, "Store"]


@pytest.mark.parametrize("name", ["Acme", "acme-two", "brickwork", "core", "2acme"])
def test_a_plugin_with_an_odd_name_is_set_aside(tmp_path: Path, name: str) -> None:
    """An entry point's name is one word, since it is the prefix of slugs."""
    write_distribution(tmp_path, "odd", entry_points={"brickwork": {name: "odd.plugin"}})

    result, _ = run_with(tmp_path, "result = [list(each) for each in registry.plugins()]")

    [info] = [info for info in result if info[1] == "odd"]
    assert info[5] == "broken"
    assert "cannot be the name of a plugin" in info[6]
