"""Plugins are found lazily, and one that fails is set aside with its reason."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from brickwork.testing.distributions import write_distribution

PLUGIN = """
from brickwork import hookimpl

@hookimpl
def brickwork_storages():
    return {{"{name}": "brickwork_{name}.things:Store"}}

@hookimpl
def brickwork_blocks():
    return {{"{name}-thing": "brickwork_{name}.things:Thing"}}
"""
THINGS = """
from typing import ClassVar
from brickwork import Block
from brickwork.storage import Storage

class Store(Storage):
    pass

class Thing(Block):
    slug: ClassVar[str] = "{name}-thing"
"""


def add(
    folder: Path,
    name: str,
    source: str = PLUGIN,
    *,
    distribution: str = "",
    schemes: dict[str, str] | None = None,
    serializers: dict[str, str] | None = None,
) -> None:
    """Install a plugin: by default a good one, with a storage and a block."""
    distribution = distribution or f"brickwork-{name}"
    package = distribution.replace("-", "_")
    points = {
        "brickwork": {name: f"{package}.plugin"},
        "brickwork.schemes": {name: name} if schemes is None else schemes,
        "brickwork.serializers": serializers or {},
    }
    write_distribution(
        folder,
        distribution,
        entry_points=points,
        modules={
            f"{package}.plugin": source.format(name=name) if source == PLUGIN else source,
            f"{package}.things": THINGS.format(name=name),
        },
    )


def run(folder: Path, code: str, **environment: str) -> Any:
    """Run code in a process that has the plugins; return the value of its ``result`` and the log.

    ``said(kind, name)`` is the name of what is found, or the type and the text of the error.
    """
    start = """
        import json, logging, sys
        from brickwork.registry import Registry, get_registry
        logging.basicConfig(format="LOG %(message)s")
        registry = get_registry()
        def said(kind, name):
            try:
                return registry.get(kind, name).__name__
            except Exception as error:
                return type(error).__name__ + ": " + str(error)
        def statuses():
            return {info.name: info.status for info in registry.plugins()}
    """
    program = textwrap.dedent(start) + textwrap.dedent(code) + "\nprint(json.dumps(result))"
    blocked = {"BRICKWORK_PLUGINS_BLOCK": "brickwork-aws"}  # whatever is installed beside the core
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(folder), **blocked, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def test_a_good_plugin_works(tmp_path: Path) -> None:
    """What a plugin offers is found by slug and by scheme, and its names have their origin."""
    add(tmp_path, "acme")

    result, log = run(
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
        add(tmp_path, f"p{number:03d}")

    result, _ = run(
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
    add(tmp_path, "acme", "raise RuntimeError('never imported')")

    result, _ = run(
        tmp_path,
        """
        found = [said("storages", "file"), said("key_providers", "env")]
        result = [found, [m for m in ("pydantic", "brickwork_acme", "tomllib", "importlib.metadata")
                          if m in sys.modules]]
        """,
    )

    assert result == [["FileStorage", "EnvKey"], []]


def test_listing_plugins_imports_none(tmp_path: Path) -> None:
    """The list of plugins comes from metadata alone, with version, module and folder."""
    add(tmp_path, "acme", "raise RuntimeError('never imported')")

    result, _ = run(
        tmp_path,
        """
        infos = [list(each) for each in registry.plugins() if each.name == "acme"]
        result = [infos, [m for m in sys.modules if m.startswith("brickwork_")]]
        """,
    )

    folder = str(tmp_path / "brickwork_acme")
    module = "brickwork_acme.plugin"
    assert result == [
        [["acme", "brickwork-acme", "1.0", module, folder, "not loaded", "", ""]],
        [],
    ]


HOOK = "from brickwork import hookimpl\n@hookimpl\ndef brickwork_{}():\n    {}\n"
BROKEN = {
    "an import error": ("import no_such_module_at_all", "No module named 'no_such_module_at_all'"),
    "a syntax error": ("def x(:", "SyntaxError"),
    "an error at import": ("1 / 0", "ZeroDivisionError: division by zero"),
    "an exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "an error that cannot be printed": (
        "class Odd(Exception):\n    def __str__(self):\n        raise ValueError\nraise Odd",
        "failed with Odd",
    ),
    "a misspelt hook": (HOOK.format("bloks", "return {}"), "unknown hook 'brickwork_bloks'"),
    "an argument too many": (
        "from brickwork import hookimpl\n@hookimpl\ndef brickwork_blocks(registry): ...",
        "registry",
    ),
    "a hook without its mark": (
        "def brickwork_blocks():\n    return {}",
        "brickwork_blocks is not marked as a hook",
    ),
    "a hook that raises": (HOOK.format("blocks", "1 / 0"), "ZeroDivisionError"),
    "a hook that exits": (HOOK.format("blocks", "raise SystemExit"), "SystemExit"),
    "a list": (HOOK.format("blocks", "return ['acme-thing']"), "returned list, not a mapping"),
    "a class, not its path": (HOOK.format("blocks", "return {'acme-x': dict}"), "no dotted path"),
    "a path without a colon": (
        HOOK.format("blocks", "return {'acme-x': 'acme.things.X'}"),
        "no dotted path",
    ),
    "a name that is none": (HOOK.format("blocks", "return {'Acme X': 'a:B'}"), "names no block"),
    "a slug of another plugin": (
        HOOK.format("blocks", "return {'other-x': 'a:B'}"),
        "does not begin with its own name, 'acme'",
    ),
    "a slug that only looks like its own": (
        HOOK.format("blocks", "return {'acmex-y': 'a:B'}"),
        "does not begin with its own name",
    ),
    "a slug of the core": (HOOK.format("blocks", "return {'secret': 'a:B'}"), "the core's own"),
    "a scheme of the core": (HOOK.format("storages", "return {'file': 'a:B'}"), "the core's own"),
    "a cipher": (HOOK.format("serializers", "return {'aes256gcm': 'a:B'}"), "the core's own"),
    "a task of another plugin": (
        HOOK.format("tasks", "return {'other.run': 'a:b'}"),
        "does not begin with its own name",
    ),
    "a scheme that its metadata lack": (
        HOOK.format("storages", "return {'ftp': 'a:B'}"),
        "without an entry point",
    ),
    "a newer interface": ("brickwork_api = 99", "built for version 99"),
    "an older interface": ("brickwork_api = 0", "built for version 0"),
    "an odd version": ("brickwork_api = 'one'", "not a number"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_set_aside(tmp_path: Path, case: str) -> None:
    """A plugin that fails says why when it is asked for; the core and other plugins work."""
    source, reason = BROKEN[case]
    add(tmp_path, "acme", source)
    add(tmp_path, "good")

    result, log = run(
        tmp_path,
        """
        states = {each.name: each.status for each in registry.load_all()}
        [reason] = [each.reason for each in registry.plugins() if each.name == "acme"]
        result = [said("blocks", "acme-thing"), said("storages", "acme"), states["acme"], reason,
                  said("blocks", "good-thing"), said("storages", "file"),
                  "good" in registry.names("storages"), "acme" in registry.names("storages")]
        """,
    )

    by_slug, by_scheme, state, told, *others = result
    assert state == "broken"
    assert reason in told
    for error in (by_slug, by_scheme):
        assert error.startswith("PluginBroken: ")
        assert reason in error
        assert "acme (brickwork-acme 1.0)" in error
        assert "fix: " in error
    assert others == ["Thing", "FileStorage", True, False]
    assert log.count("LOG") == 1, "the failure is logged once"
    assert reason in log


def test_the_reason_names_the_place_and_no_secret(tmp_path: Path) -> None:
    """The reason has the file and line, and a known secret in it is masked before it is cut."""
    source = f"token = 'x' * 290 + open({str(tmp_path / 'token')!r}).read()\nraise OSError(token)"
    add(tmp_path, "acme", source)
    (tmp_path / "token").write_text("hunter2-hunter2")

    result, log = run(
        tmp_path,
        """
        from brickwork import Secret
        secret = Secret(open("token").read())
        result = said("blocks", "acme-thing")
        """,
    )

    assert "brickwork_acme/plugin.py, line 2" in result
    assert "hunter2" not in result + log
    assert "xxx***" in result


def test_what_is_offered_and_cannot_be_used_says_so(tmp_path: Path) -> None:
    """A path that leads nowhere, or to the wrong thing, breaks only its own name."""
    names = {
        "acme-gone": "brickwork_acme.gone:X",
        "acme-lost": "brickwork_acme.things:Lost",
        "acme-store": "brickwork_acme.things:Store",
        "acme-other": "brickwork_acme.things:Thing",
        "acme-thing": "brickwork_acme.things:Thing",
    }
    add(tmp_path, "acme", HOOK.format("blocks", f"return {names}"))

    result, _ = run(
        tmp_path, f"result = [said('blocks', slug) for slug in {list(names)}] + [statuses()]"
    )

    reasons = ["No module named", "no attribute 'Lost'", "no subclass of Block", "'acme-thing'"]
    *found, states = result
    assert all(
        error.startswith("PluginBroken") and reason in error and "brickwork-acme 1.0" in error
        for error, reason in zip(found[:4], reasons, strict=True)
    ), found
    assert found[4] == "Thing"
    assert states["acme"] == "ok"


def test_two_distributions_with_one_plugin_name_are_refused(tmp_path: Path) -> None:
    """Neither of two plugins of one name is used; the error and the list name both."""
    add(tmp_path, "acme")
    add(tmp_path, "acme", distribution="acme-clone")
    add(tmp_path, "good")

    result, _ = run(
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
    add(tmp_path, "acme")
    add(tmp_path, "acme", distribution="acme-clone")

    result, _ = run(
        tmp_path,
        "result = [said('blocks', 'acme-thing'), said('storages', 'acme')]",
        BRICKWORK_PLUGINS_BLOCK="brickwork-aws,Acme.Clone",
    )

    assert result == ["Thing", "Store"]


def test_two_plugins_with_one_scheme_are_refused(tmp_path: Path) -> None:
    """A scheme that two plugins claim opens neither; what else they have works."""
    add(tmp_path, "acme", schemes={"acme": "acme", "ftp": "acme"})
    add(tmp_path, "zeta", schemes={"zeta": "zeta", "ftp": "zeta"})

    result, _ = run(
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
        add(tmp_path, name, serializers={"toon": name})

    result, _ = run(
        tmp_path,
        "result = [said('serializers', 'toon'), registry.names('serializers')['toon']]",
    )

    assert result[0].startswith("DuplicateName: brickwork-acme 1.0 and brickwork-zeta 1.0")
    assert result[1] == "brickwork-acme 1.0 and brickwork-zeta 1.0"


def test_a_claim_for_another_distributions_plugin_is_void(tmp_path: Path) -> None:
    """Nobody can redirect or jam a scheme of somebody else's plugin."""
    add(tmp_path, "acme")
    write_distribution(
        tmp_path, "meddler", entry_points={"brickwork.schemes": {"acme": "acme", "new": "acme"}}
    )

    result, _ = run(
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


@pytest.mark.parametrize("name", ["Acme", "acme-two", "brickwork", "core", "2acme"])
def test_a_plugin_with_an_odd_name_is_set_aside(tmp_path: Path, name: str) -> None:
    """An entry point's name is one word, since it is the prefix of slugs."""
    write_distribution(tmp_path, "odd", entry_points={"brickwork": {name: "odd.plugin"}})

    result, _ = run(tmp_path, "result = [list(each) for each in registry.plugins()]")

    [info] = [info for info in result if info[1] == "odd"]
    assert info[5] == "broken"
    assert "cannot be the name of a plugin" in info[6]


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
    add(tmp_path, "acme", "raise RuntimeError('never imported')")
    add(tmp_path, "zeta")

    result, log = run(
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
    add(tmp_path, "acme", "raise RuntimeError('never imported')")
    (tmp_path / "brickwork.toml").write_text("this is not TOML")

    result, _ = run(
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
        ("blocks", "slack-webhook", "PluginMissing", "pip install brickwork-slack"),
        ("tasks", "github.create_issue", "PluginMissing", "pip install brickwork-github"),
        ("stores", "postgresql", "PluginMissing", "pip install brickwork-postgres"),
        ("key_providers", "hashicorp-transit", "PluginMissing", "brickwork-hashicorp"),
        ("blocks", "webhok", "UnknownBlock", "Did you mean 'webhook'?"),
        ("blocks", "acme-thong", "UnknownBlock", "Did you mean 'acme-thing'?"),
        ("blocks", "zzz", "UnknownBlock", 'modules = ["app.blocks"]'),
        ("storages", "fil", "UnknownName", "Did you mean 'file'?"),
        ("serializers", "jsn", "UnknownName", "Did you mean 'json'?"),
        ("key_providers", "zzz", "UnknownName", "Known are env, file, passphrase"),
        ("notifiers", "acme", "UnknownName", "The plugin acme (brickwork-acme 1.0) has no"),
        ("tasks", "nonsense", "UnknownName", "Install"),
    ],
)
def test_a_name_that_is_not_there_says_what_to_do(
    tmp_path: Path, kind: str, name: str, error: str, hint: str
) -> None:
    """What is only missing names the package to install; a typing error, the likely name."""
    add(tmp_path, "acme")

    result, _ = run(tmp_path, f"result = said({kind!r}, {name!r})")

    assert result.startswith(f"{error}: ")
    assert hint in result
    assert name in result


def test_many_threads_load_a_plugin_once(tmp_path: Path) -> None:
    """Threads that ask at the same time get the same class, and the hooks are asked once."""
    counted = PLUGIN.format(name="acme").replace(
        "def brickwork_blocks():", "def brickwork_blocks():\n    print('asked')"
    )
    add(tmp_path, "acme", counted)

    result, _ = run(
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
