"""A plugin that fails is set aside with its reason, and everything else works."""

from pathlib import Path

import pytest

from brickwork.testing.distributions import run_with, write_plugin

pytestmark = pytest.mark.attack


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
    write_plugin(tmp_path, "acme", source)
    write_plugin(tmp_path, "good")

    result, log = run_with(
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
    write_plugin(tmp_path, "acme", source)
    (tmp_path / "token").write_text("hunter2-hunter2")

    result, log = run_with(
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
    write_plugin(tmp_path, "acme", HOOK.format("blocks", f"return {names}"))

    result, _ = run_with(
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
