"""Block classes of the program and of the project, beside those of the core and of plugins."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, ClassVar

import pytest

from brickwork import Block, DuplicateName, Registry, UnknownBlock, UnknownName
from brickwork.block import defined_blocks
from brickwork.registry import get_registry, use_registry
from brickwork.testing.distributions import write_distribution

CLASS = """
from typing import ClassVar
from brickwork import Block

class {name}(Block):
    slug: ClassVar[str] = "{slug}"
"""


@pytest.fixture(autouse=True)
def own_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test defines is forgotten after it."""
    monkeypatch.setattr(sys.modules["brickwork.block"], "defined_blocks", dict(defined_blocks))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a module of blocks, and a folder of plugins beside it."""
    app = tmp_path / "project" / "app"
    app.mkdir(parents=True)
    (app / "__init__.py").touch()
    (app / "blocks.py").write_text(CLASS.format(name="Mine", slug="mine-account"))
    (tmp_path / "project" / "brickwork.toml").write_text('modules = ["app.blocks"]\n')
    return tmp_path / "project"


def run(project: Path, code: str) -> Any:
    """Run code in the project, in a process of its own; return its ``result`` and the log."""
    start = """
        import json, logging, sys
        from brickwork.registry import get_registry
        logging.basicConfig(format="LOG %(message)s")
        registry = get_registry()
        def said(slug):
            try:
                found = registry.block_class(slug)
                return f"{found.__module__}.{found.__qualname__}"
            except Exception as error:
                return type(error).__name__ + ": " + str(error)
    """
    program = textwrap.dedent(start) + textwrap.dedent(code) + "\nprint(json.dumps(result))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env={
            **os.environ,
            "PYTHONPATH": str(project.parent / "plugins"),
            "BRICKWORK_PLUGINS_BLOCK": "brickwork-aws",
        },
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def plugin(project: Path, source: str) -> None:
    """Install a plugin ``mine`` with the block ``mine-account``."""
    write_distribution(
        project.parent / "plugins",
        "their-mine",
        entry_points={"brickwork": {"mine": "their_mine.plugin"}},
        modules={
            "their_mine.plugin": source,
            "their_mine.blocks": CLASS.format(name="Theirs", slug="mine-account"),
        },
    )


GOOD = """
from brickwork import hookimpl

@hookimpl
def brickwork_blocks():
    return {"mine-account": "their_mine.blocks:Theirs"}
"""


def test_a_class_of_the_program_is_found() -> None:
    """Defining a class is enough for it to be found by its slug."""

    class Mine(Block):
        slug: ClassVar[str] = "registry-mine"

    registry = Registry(discover=False)

    assert registry.block_class("registry-mine") is Mine
    assert registry.get("blocks", "registry-mine") is Mine
    assert registry.names("blocks")["registry-mine"] == __name__


def test_a_class_that_is_defined_again_replaces_itself() -> None:
    """As in a notebook: after a cell has run again the new class is found, not the old one."""
    registry = Registry(discover=False)

    def cell() -> type[Block]:
        class Mine(Block):
            slug: ClassVar[str] = "registry-cell"

        return Mine

    first = cell()
    assert registry.block_class("registry-cell") is first
    second = cell()
    assert registry.block_class("registry-cell") is second


@pytest.mark.parametrize("reserved", ["settings", "notify-route"])
def test_the_slugs_of_the_core_are_reserved(reserved: str) -> None:
    """A class of the program with a slug of the core is refused, also for blocks to come."""
    # As if the core's own had not been imported yet, whatever other tests did.
    sys.modules["brickwork.block"].defined_blocks.pop(reserved, None)

    class Imposter(Block):
        slug: ClassVar[str] = reserved

    with pytest.raises(DuplicateName, match=f"(?s){reserved}.*Imposter.*brickwork"):
        Registry(discover=False).block_class(reserved)


def test_modules_of_the_project_are_found(project: Path) -> None:
    """A module that brickwork.toml names is imported when a slug is not known otherwise."""
    (project / "sub").mkdir()

    result, log = run(
        project,
        """
        import os
        os.chdir("sub")
        before = "app" in sys.modules
        result = [said("mine-account"), before, registry.names("blocks")["mine-account"],
                  [list(each)[0:6:5] for each in registry.plugins() if not each.distribution]]
        """,
    )

    assert result == ["app.blocks.Mine", False, "app.blocks", [["app.blocks", "ok"]]]
    assert "LOG" not in log


@pytest.mark.parametrize(
    ("source", "reason"),
    [("1 / 0", "ZeroDivisionError"), ("raise SystemExit(1)", "SystemExit"), ("(", "SyntaxError")],
)
def test_each_module_is_imported_on_its_own(project: Path, source: str, reason: str) -> None:
    """A module that fails is left out with its reason; those after it are imported."""
    (project / "app" / "bad.py").write_text(source)
    (project / "brickwork.toml").write_text('modules = ["app.bad", "app.blocks"]\n')

    result, log = run(
        project,
        """
        result = [said("mine-account"), said("mine-other"),
                  {each.name: each.status for each in registry.load_all()}["app.bad"]]
        """,
    )

    found, missing, status = result
    assert (found, status) == ("app.blocks.Mine", "broken")
    assert missing.startswith("UnknownBlock")
    assert "app.bad" in missing
    assert reason in missing
    assert log.count("LOG") == 1


def test_a_file_of_the_project_does_not_take_the_place_of_another_module(project: Path) -> None:
    """The project's folder comes last on the path: its email.py does not hide Python's."""
    (project / "email.py").write_text("raise RuntimeError('the wrong one')")

    result, _ = run(project, "result = said('mine-account'); import email.message")

    assert result == "app.blocks.Mine"


def test_a_program_and_a_plugin_with_one_slug_are_refused(project: Path) -> None:
    """A slug that the program and an installed plugin define by two classes is no good."""
    plugin(project, GOOD)

    result, _ = run(
        project,
        "import sys; sys.path.append('.'); import app.blocks; result = said('mine-account')",
    )

    assert result.startswith("DuplicateName: ")
    assert "app.blocks:Mine" in result
    assert "their_mine.blocks:Theirs of their-mine 1.0" in result


def test_a_plugins_own_class_is_no_second_one(project: Path) -> None:
    """A plugin's class that the program has imported itself is the one that the plugin offers."""
    plugin(project, GOOD + "\n")
    (project / "brickwork.toml").unlink()

    result, _ = run(
        project,
        """
        from their_mine.blocks import Theirs
        result = [said("mine-account"), registry.block_class("mine-account") is Theirs]
        """,
    )

    assert result == ["their_mine.blocks.Theirs", True]


def test_a_broken_plugin_does_not_hide_the_programs_class(project: Path) -> None:
    """Where the plugin of a prefix is broken, the project's own class of the slug is used."""
    plugin(project, "1 / 0")

    result, log = run(project, "result = [said('mine-account'), said('mine-other')]")

    assert result[0] == "app.blocks.Mine"
    assert result[1].startswith("PluginBroken")
    assert log.count("LOG") == 1


def test_use_registry_is_for_the_whole_process() -> None:
    """Inside use_registry everybody gets that registry, afterwards the one before."""
    before = get_registry()
    other = Registry(discover=False)

    with use_registry(other) as used:
        assert used is other
        assert get_registry() is other
    assert get_registry() is before


def test_errors_can_be_told_apart() -> None:
    """A slug that nobody has is an UnknownBlock, any other name an UnknownName (a LookupError)."""
    registry = Registry(discover=False)

    with pytest.raises(UnknownBlock):
        registry.block_class("nothing-like-it")
    with pytest.raises(LookupError) as caught:
        registry.storage("nothing")
    assert isinstance(caught.value, UnknownName)


def test_threads_wait_for_the_modules_of_the_project(project: Path) -> None:
    """One that asks for a class while another thread imports its module gets the class too."""
    (project / "app" / "blocks.py").write_text(
        "import threading\n"
        "begun, go_on = threading.Event(), threading.Event()\n"
        "import sys; sys.events = (begun, go_on)\n"
        "begun.set(); go_on.wait(60)\n" + CLASS.format(name="Mine", slug="mine-account")
    )
    result, _ = run(
        project,
        """
        import threading
        result = []
        ask = lambda: result.append(said("mine-account"))
        first, second = threading.Thread(target=ask), threading.Thread(target=ask)
        first.start()
        while not hasattr(sys, "events"):
            pass
        sys.events[0].wait(60)
        second.start()
        second.join(0.3)  # time enough to give a wrong answer
        sys.events[1].set()
        first.join()
        second.join()
        """,
    )
    assert result == ["app.blocks.Mine"] * 2
