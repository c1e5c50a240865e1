"""Plugins are found lazily, by prefix or by metadata, unless they are blocked."""

import hashlib
from pathlib import Path

import pytest

from brickwork.testing.distributions import PLUGIN, run_with, write_plugin


def test_a_good_plugin_works(tmp_path: Path) -> None:
    """What a plugin offers is found by slug and by scheme, and its names have their origin."""
    write_plugin(tmp_path, "acme")

    result, log = run_with(
        tmp_path,
        """
        result = [said("storages", "acme"), said("blocks", "acme-thing"),
                  registry.names("blocks")["acme-thing"], statuses()["acme"]]
        """,
    )

    assert result == ["Store", "Thing", "brickwork-acme 1.0", "ok"]
    assert "LOG" not in log


@pytest.mark.parametrize(("kind", "name"), [("storages", "p007"), ("blocks", "p007-thing")])
def test_with_200_plugins_one_is_imported(tmp_path: Path, kind: str, name: str) -> None:
    """A lookup by scheme or by slug imports the plugin it needs and no other."""
    for number in range(200):
        write_plugin(tmp_path, f"p{number:03d}")

    result, _ = run_with(
        tmp_path,
        f"""
        found = said({kind!r}, {name!r})
        imported = sorted(m for m in sys.modules if m.startswith("brickwork_p"))
        listed = sum(each.startswith("p") for each in statuses())
        result = [found, imported, listed, len(registry.names("storages")) > 200]
        """,
    )

    thing = "Store" if kind == "storages" else "Thing"
    package = ["brickwork_p007", "brickwork_p007.plugin", "brickwork_p007.things"]
    assert result == [thing, package, 200, True]


def test_a_scheme_of_the_core_imports_no_plugin_and_no_pydantic(tmp_path: Path) -> None:
    """The core's own names are found without looking at plugins, blocks or pydantic."""
    write_plugin(tmp_path, "acme", "raise RuntimeError('never imported')")

    result, _ = run_with(
        tmp_path,
        """
        found = [said("storages", "file"), said("key_providers", "env")]
        result = [found, [m for m in ("pydantic", "brickwork_acme", "tomllib", "importlib.metadata")
                          if m in sys.modules]]
        """,
    )

    assert result == [["FileStorage", "EnvKey"], []]


def test_listing_plugins_imports_none(tmp_path: Path) -> None:
    """The list of plugins comes from metadata alone: version, module, folder, hash."""
    write_plugin(tmp_path, "acme", "raise RuntimeError('never imported')")
    (tmp_path / "brickwork_acme-1.0.dist-info" / "RECORD").write_bytes(b"record")

    result, _ = run_with(
        tmp_path,
        """
        infos = [list(each) for each in registry.plugins() if each.name == "acme"]
        result = [infos, [m for m in sys.modules if m.startswith("brickwork_")]]
        """,
    )

    folder = str(tmp_path / "brickwork_acme")
    module = "brickwork_acme.plugin"
    record = hashlib.sha256(b"record").hexdigest()
    assert result == [
        [["acme", "brickwork-acme", "1.0", module, folder, "not loaded", "", "", record]],
        [],
    ]


@pytest.mark.parametrize(
    ("environment", "blocked"),
    [
        ({"BRICKWORK_PLUGINS_BLOCK": "Brickwork_Acme"}, ["acme"]),
        ({"BRICKWORK_PLUGINS_ALLOW": "brickwork-zeta, other"}, ["acme", "aws"]),
        (
            {
                "BRICKWORK_PLUGINS_ALLOW": "brickwork-acme,brickwork-zeta",
                "BRICKWORK_PLUGINS_BLOCK": "brickwork-acme",
            },
            ["acme", "aws"],
        ),
        ({"BRICKWORK_PLUGINS_ALLOW": ""}, ["acme", "aws", "zeta"]),
    ],
)
def test_plugins_are_blocked_by_distribution(
    tmp_path: Path, environment: dict[str, str], blocked: list[str]
) -> None:
    """The variables take distributions' names in any spelling; the one that blocks wins."""
    write_plugin(tmp_path, "acme", "raise RuntimeError('never imported')")
    write_plugin(tmp_path, "zeta")

    result, log = run_with(
        tmp_path,
        """
        error = said("blocks", "acme-thing")
        registry.load_all()
        result = [error, sorted(name for name, status in statuses().items()
                                if status == "blocked" and name in ("acme", "aws", "zeta")),
                  "brickwork_acme" in sys.modules]
        """,
        **environment,
    )

    error, names, imported = result
    assert names == blocked
    assert error.startswith("PluginBroken: ")
    assert "blocked" in error
    assert "BRICKWORK_PLUGINS_" in error
    assert not imported
    assert "brickwork-acme" not in log


def test_without_discovery_only_the_core_is_known(tmp_path: Path) -> None:
    """Without plugins nothing installed is looked at, not even settings that are broken."""
    write_plugin(tmp_path, "acme", "raise RuntimeError('never imported')")
    (tmp_path / "brickwork.toml").write_text("this is not TOML")

    result, _ = run_with(
        tmp_path,
        """
        registry = Registry(discover=False)
        result = [said("storages", "file"), said("blocks", "acme-thing"), said("storages", "s3"),
                  registry.plugins(), registry.load_all(), list(registry.names("storages"))]
        """,
    )

    core, slug, scheme, plugins, loaded, names = result
    assert core == "FileStorage"
    assert slug.startswith("UnknownBlock")
    assert scheme.startswith("UnknownName")
    assert "plugins are switched off" in slug
    assert "--no-plugins" in scheme
    assert plugins == loaded == []
    assert names == ["file", "memory"]


@pytest.mark.parametrize(
    ("kind", "name", "error", "hint"),
    [
        ("blocks", "webhok", "UnknownBlock", "Did you mean 'webhook'"),
        ("blocks", "acme-thong", "UnknownBlock", "Did you mean 'acme-thing'?"),
        ("blocks", "zzz", "UnknownBlock", 'modules = ["app.blocks"]'),
        ("storages", "fil", "UnknownName", "Did you mean 'file'?"),
        ("serializers", "jsn", "UnknownName", "Did you mean 'json'?"),
        ("key_providers", "zzz", "UnknownName", "Known are env, file, keyring, passphrase"),
        ("notifiers", "acme", "UnknownName", "The plugin acme (brickwork-acme 1.0) has no"),
        ("tasks", "nonsense", "UnknownName", "Install"),
    ],
)
def test_a_name_that_is_not_there_says_what_to_do(
    tmp_path: Path, kind: str, name: str, error: str, hint: str
) -> None:
    """What is only missing names the package to install; a typing error, the likely name."""
    write_plugin(tmp_path, "acme")

    result, _ = run_with(tmp_path, f"result = said({kind!r}, {name!r})")

    assert result.startswith(f"{error}: ")
    assert hint in result
    assert name in result


def test_many_threads_load_a_plugin_once(tmp_path: Path) -> None:
    """Threads that ask at the same time get the same class, and the hooks are asked once."""
    counted = PLUGIN.format(name="acme", package="brickwork_acme").replace(
        "def brickwork_blocks():", "def brickwork_blocks():\n    print('asked')"
    )
    write_plugin(tmp_path, "acme", counted)

    result, _ = run_with(
        tmp_path,
        """
        import contextlib, io, threading
        found, out, gate = [], io.StringIO(), threading.Barrier(16)
        def ask():
            gate.wait()
            found.append(registry.get("storages", "acme"))
        with contextlib.redirect_stdout(out):
            threads = [threading.Thread(target=ask) for _ in range(16)]
            for each in threads: each.start()
            for each in threads: each.join()
        result = [len(found), len(set(found)), out.getvalue().count("asked")]
        """,
    )

    assert result == [16, 1, 1]
