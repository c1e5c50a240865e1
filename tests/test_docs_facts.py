"""What the documentation says of the code is what the code says of itself."""

import inspect
import re
import textwrap
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from scripts.packages import git

import brickwork
import brickwork_aws.plugin
import brickwork_github.errors
import brickwork_github.plugin
import brickwork_hashicorp.plugin
import brickwork_slack.errors
import brickwork_slack.plugin
from brickwork import errors, hookspecs
from brickwork.cli.exit_codes import MEANINGS, errors_of
from brickwork.config import VARIABLES
from brickwork_flows.states import LEGAL, REPEATABLE, StateType

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
HOOKS = {name: spec for name, spec in vars(hookspecs).items() if name.startswith("brickwork_")}
MARKDOWN = [
    path for line in git("ls-files", "*.md").splitlines() if (path := ROOT / line).is_file()
]
"""All that is tracked."""
_SCRIPT = re.compile(r"hatch run ([\w:-]+)")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def page(name: str) -> str:
    """Return the text of a page of the site."""
    return (DOCS / name).read_text()


def table(text: str, heading: str) -> dict[str, list[str]]:
    """Return the table below a row of headings: first cell to the other cells."""
    lines = iter(text.splitlines())
    for line in lines:
        if line == heading:
            break
    next(lines, None)  # the rule
    rows: dict[str, list[str]] = {}
    for line in lines:
        if not line.startswith("|"):
            break
        first, *others = (cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])
        rows[first.strip("`")] = others
    return rows


def test_hooks_page_has_every_hook_as_it_is() -> None:
    """Each hook has its section, with its exact signature and its docstring."""
    parts = page("hooks.md").split("\n## ")
    sections = {part.partition("\n")[0]: part for part in parts[1:]}
    assert list(sections) == list(HOOKS)
    for name, spec in HOOKS.items():
        signature = inspect.signature(spec)
        assert f"{name}{signature}".replace("collections.abc.", "") in sections[name]
        said = " ".join((inspect.getdoc(spec) or "").replace("``", "`").split())
        assert said in " ".join(sections[name].split())


def test_errors_page_has_the_tree() -> None:
    """The tree on the page is the one in errors.py."""
    drawn = (errors.__doc__ or "").split("::\n\n")[1].split("\n\nEach says")[0]
    assert textwrap.dedent(drawn) in page("errors.md")


def test_the_tree_is_drawn_right() -> None:
    """Every error class stands in the drawn tree, below its base."""
    above: dict[int, str] = {}
    drawn: dict[str, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"    ([│├└─ ]*)([A-Z]\w+)", line)
        if found:
            depth = len(found[1]) // 4
            drawn[found[2]] = above.get(depth - 1, "")
            above[depth] = found[2]
    classes = [
        cls
        for cls in vars(errors).values()
        if isinstance(cls, type) and issubclass(cls, errors.BrickworkError)
    ]
    assert set(drawn) == {cls.__name__ for cls in classes}
    for cls in classes[1:]:
        base = next(base for base in cls.__bases__ if issubclass(base, errors.BrickworkError))
        assert drawn[cls.__name__] == base.__name__
        assert hasattr(brickwork, cls.__name__)


def test_configuration_page_has_every_variable() -> None:
    """The table of variables is `brickwork.config.VARIABLES`."""
    rows = table(page("configuration.md"), "| variable | meaning |")
    assert {name: cells[0] for name, cells in rows.items()} == VARIABLES


def test_command_line_page_has_every_exit_code() -> None:
    """The table of exit codes is the command line's own, with the errors of each code."""
    rows = table(page("command-line.md"), "| code | meaning | errors |")
    assert {int(code): cells[0] for code, cells in rows.items()} == MEANINGS
    for code, (_, names) in rows.items():
        expected = errors_of(int(code)) if int(code) > 1 else []
        assert re.findall(r"`(\w+)`", names) == expected


def test_flows_page_has_the_table_of_states() -> None:
    """What may follow what is what the engine allows; the other names are ones that it gives."""
    rows = table(page("flows.md"), "| type | other names | may be followed by |")
    drawn = {kind: set(re.findall(r"\b[a-z]+", cells[1])) for kind, cells in rows.items()}
    assert drawn == {kind.value if kind else "(new)": set(after) for kind, after in LEGAL.items()}
    source = "".join(path.read_text() for path in (ROOT / "plugins/flows/src").rglob("*.py"))
    names = [name for cells in rows.values() for name in re.findall(r"`(\w+)`", cells[0])]
    assert len(names) == 7
    assert [name for name in names if f'"{name}"' not in source] == []
    assert {kind for kind in StateType if kind.final or kind is StateType.PAUSED} == REPEATABLE


@pytest.mark.parametrize("plugin", [brickwork_github.plugin, brickwork_slack.plugin])
def test_pages_of_a_service_name_every_task(plugin: ModuleType) -> None:
    """Who reads the pages finds each task, by its name."""
    folder = DOCS / plugin.__name__.split(".")[0].removeprefix("brickwork_")
    pages = "".join(path.read_text() for path in folder.glob("*.md"))
    names = {name.partition(".")[2] for name in plugin.brickwork_tasks()}
    assert names - set(re.findall(r"\w+", pages)) == set()


PLUGINS = [
    brickwork_aws.plugin,
    brickwork_github.plugin,
    brickwork_hashicorp.plugin,
    brickwork_slack.plugin,
]


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.__name__)
def test_the_reference_has_every_module_of_tasks_and_every_block(plugin: ModuleType) -> None:
    """What a package brings is on its page of the reference, which is made of the docstrings."""
    name = plugin.__name__.split(".")[0]
    shown = set(re.findall(r"^::: (\S+)$", page(f"reference/{name[10:]}.md"), re.MULTILINE))
    offered = getattr(plugin, "brickwork_tasks", dict[str, str])()
    tasks = {path.partition(":")[0] for path in offered.values()}
    blocks = {path.replace(":", ".") for path in plugin.brickwork_blocks().values()}
    assert (tasks | blocks) - shown == set()


@pytest.mark.parametrize(
    ("index", "module", "base"),
    [
        ("github/index.md", brickwork_github.errors, brickwork_github.errors.GitHubError),
        ("slack/index.md", brickwork_slack.errors, brickwork_slack.errors.SlackError),
    ],
)
def test_pages_of_a_service_name_every_error(index: str, module: ModuleType, base: type) -> None:
    """The table of errors has each class that a program may catch."""
    rows = table(page(index), "| error | when |")
    named = set(re.findall(r"\w+", repr(rows)))
    classes = {
        name
        for name, each in vars(module).items()
        if isinstance(each, type) and issubclass(each, base)
    }
    assert classes - named == {base.__name__}


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_somewhere(path: Path) -> None:
    """Each link to a file of the repository leads to one."""
    for link in _LINK.findall(path.read_text()):
        target = link.partition("#")[0]
        if target and "://" not in target and not target.startswith("mailto:"):
            assert (path.parent / target).exists(), f"{path.name} links to {link}"


LIMITS = [
    "Rollback.",
    "What blocks remember",
    "The audit trail",
    "What stands in clear.",
    "Listings are not verified.",
    "One key, all secrets.",
    "Backups and old wraps.",
    "Passphrases",
    "Masking prevents accidents only.",
    "Memory.",
    "Installed plugins are code.",
    "Modules of a project.",
    "Unencrypted envelopes",
    "Signed webhooks",
    "GitHub's webhooks",
    "Presigned URLs",
    "Outbound rules hold for the core's own targets.",
    "Templates",
    "Name, version and address of a block",
    "What flows record",
    "Files to import from.",
    "Approvals in Slack",
    "Secrets that you reveal",
]


def test_security_lists_every_limit() -> None:
    """SECURITY.md says what is not promised, each point, and the site shows the same text."""
    text = (ROOT / "SECURITY.md").read_text()
    limits = text.partition("## Limits")[2].partition("\n## ")[0]
    assert re.findall(r"^- \*\*(.+?)\*\*", limits, re.MULTILINE) == LIMITS
    assert "under 6 characters" in limits
    assert '--8<-- "SECURITY.md"' in page("security.md")


def test_security_names_tests_that_exist() -> None:
    """Each bar in SECURITY.md names the test files that hold it."""
    named = re.findall(r"`(test_\w+\.py)`", (ROOT / "SECURITY.md").read_text())
    assert len(named) >= 10
    assert [name for name in named if not (ROOT / "core" / "tests" / name).is_file()] == []


def test_the_scripts_that_are_named_exist() -> None:
    """Each `hatch run NAME` that a page tells to type is a script of the workspace."""
    workspace = tomllib.loads((ROOT / "pyproject.toml").read_text())
    scripts = workspace["tool"]["hatch"]["envs"]["default"]["scripts"]
    named = {name for path in MARKDOWN for name in _SCRIPT.findall(path.read_text())}
    assert {"demo", "test", "check", "docs"} <= named
    assert named <= set(scripts)


def test_every_page_is_in_the_navigation() -> None:
    """No page is left out of mkdocs.yml, and none there is missing."""
    named = set(re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text()))
    assert named == {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}
