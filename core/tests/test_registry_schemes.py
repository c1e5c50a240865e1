"""Schemes with a plus: what has the whole of one, and what opens the part before it."""

from pathlib import Path

import pytest

from brickwork import BrickworkError, Registry, UnknownName
from brickwork.builtin.file_storage import FileStorage
from brickwork.builtin.notifiers.apprise.block import AppriseTarget
from brickwork.testing.distributions import PLUGIN, run_with, write_plugin


def test_a_prefix_opens_what_nobody_has() -> None:
    """``prefix+anything`` leads to the storage or the notifier called ``prefix``."""
    registry = Registry(discover=False)
    assert registry.notifier("apprise+tgram") is AppriseTarget
    assert registry.notifier("apprise+a+b") is AppriseTarget
    assert registry.storage("file+x") is FileStorage


@pytest.mark.parametrize("scheme", ["nosuch+x", "+x", "+", "x+apprise"])
def test_a_prefix_that_nobody_has_is_named_whole(scheme: str) -> None:
    """The error is about the scheme that was asked for."""
    with pytest.raises(UnknownName) as caught:
        Registry(discover=False).notifier(scheme)
    assert repr(scheme) in caught.value.what


@pytest.mark.parametrize(("kind", "name"), [("stores", "sqlite+x"), ("resolvers", "env+x")])
def test_only_storages_and_notifiers_have_prefixes(kind: str, name: str) -> None:
    """A vault's URL, or a reference, with a plus is not taken for something else."""
    with pytest.raises(BrickworkError):
        Registry(discover=False).get(kind, name)


def test_the_whole_scheme_comes_first(tmp_path: Path) -> None:
    """A plugin that has ``acme+own`` opens it; all else with ``acme+`` goes to ``acme``."""
    one = PLUGIN.format(name="acme", package="brickwork_acme")
    store = '"acme": "brickwork_acme.things:Store"'
    two = one.replace(store, store + ', "acme+own": "brickwork_acme.things:Own"')
    assert two != one
    write_plugin(tmp_path, "acme", two, schemes={"acme": "acme", "acme+own": "acme"})
    things = tmp_path / "brickwork_acme" / "things.py"
    things.write_text(things.read_text() + "\nclass Own(Store):\n    pass\n")
    result, _ = run_with(
        tmp_path,
        """
        result = [registry.storage(each).__name__ for each in ("acme", "acme+own", "acme+gs")]
        """,
    )
    assert result == ["Store", "Own", "Store"]


def test_a_prefix_of_a_blocked_plugin_says_so(tmp_path: Path) -> None:
    """Who asks for ``acme+x`` learns why ``acme`` is not there."""
    write_plugin(tmp_path, "acme")
    result, _ = run_with(
        tmp_path,
        """
        try:
            registry.storage("acme+x")
        except Exception as error:
            result = [type(error).__name__, str(error)]
        """,
        BRICKWORK_PLUGINS_BLOCK="brickwork-acme",
    )
    assert result[0] == "PluginBroken"
    assert "blocked" in result[1]
