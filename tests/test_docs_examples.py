"""Every example of the documentation is executed: a page that lies fails.

A page is run from top to bottom in a process, a folder and a ``BRICKWORK_HOME`` of its own; pages
that use AWS or GitHub find theirs on loopback. What is done with a fenced block:

- ``python``: executed; all blocks of a page share their names.
- ``console``: every line after ``$`` is run by bash and must end with 0, or with N where a comment
  at its end says ``# exit code N``; the lines below it, if any, are what it prints.
- ``text title="Output"``: what the block before it printed.
- any other block with a title: written to the file of that name.
- a ``<!-- setup`` comment: executed like ``python``, not shown.
- a ``<!-- not run: reason -->`` comment before a block: not executed.

``...`` in an output stands for any text.
"""

import contextlib
import io
import os
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from platformdirs import user_cache_path

from brickwork.testing.base import lacking

if TYPE_CHECKING:
    from brickwork_github.testing import GitHubServer

ROOT = Path(__file__).parents[1]
_SETUP = re.compile(r"<!-- setup\n(.*?)-->", re.DOTALL)
_FENCE = re.compile(
    r"(?:<!-- not run:(?P<reason>[^>]*)-->\n+)?"
    r"^```(?P<language>\w*)(?P<options>[^\n]*)\n(?P<body>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_TITLE = re.compile(r'title="([^"]+)"')
_EXIT_CODE = re.compile(r"# exit code (\d+)$")
_RUNS = ("python", "console")


class Example(NamedTuple):
    """A fenced block, or a hidden setup."""

    language: str
    title: str
    body: str
    line: int
    skipped: str | None = None

    @property
    def runs(self) -> bool:
        """Whether it is executed, and not only written to a file or compared."""
        return self.language in _RUNS and not self.title and self.skipped is None


def pages() -> list[Path]:
    """Return every page that users read."""
    found = [ROOT / "README.md", ROOT / "core" / "README.md"]
    found += sorted((ROOT / "plugins").glob("*/README.md"))
    found += sorted((ROOT / "docs").rglob("*.md"))
    return found


def examples(text: str) -> list[Example]:
    """Return the examples of a page, in order."""
    found = []
    for fence in _FENCE.finditer(text):
        title = _TITLE.search(fence["options"])
        line = text.count("\n", 0, fence.start("body")) + 1
        found.append(
            Example(
                fence["language"], title[1] if title else "", fence["body"], line, fence["reason"]
            )
        )
    for setup in _SETUP.finditer(text):
        line = text.count("\n", 0, setup.start(1)) + 1
        found.append(Example("python", "", setup[1], line))
    return sorted(found, key=lambda example: example.line)


@pytest.fixture
def environment(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The environment of a page's process: nothing of the user's, and services on loopback."""
    kept = {key: os.environ[key] for key in ("LANG", "TMPDIR", "PYTHONPATH") if key in os.environ}
    values = {
        **kept,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "user"),
        "BRICKWORK_HOME": str(tmp_path / "home"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "COLUMNS": "100",
        "PYTHONWARNINGS": "error",
    }
    text = request.getfixturevalue("page").read_text()
    with contextlib.ExitStack() as servers:
        if "brickwork_aws" in text:
            values |= servers.enter_context(aws())
        if "brickwork_github" in text:
            values |= servers.enter_context(github())
        yield values


@contextlib.contextmanager
def aws() -> Iterator[dict[str, str]]:
    """Run moto; give the variables by which pages find it."""
    from brickwork_aws.testing import moto_server

    with moto_server() as server:
        server.create_bucket("reports")
        yield {"AWS_ENDPOINT_URL": server.endpoint_url}


@contextlib.contextmanager
def github() -> Iterator[dict[str, str]]:
    """Run a loopback GitHub that knows the token of the pages; give the variables as above."""
    from brickwork_github.testing import DescriptionMissing, github_server
    from brickwork_github.testing.identities import Identity

    try:
        with github_server() as server:
            server.identities.add(Identity("fine-grained"), "github_pat_11AAAA...")
            issues = "GET /repos/{owner}/{repo}/issues"
            issue = server.example(issues)
            del issue["pull_request"]  # the description's example of an issue is one
            server.answer(issues, [issue])
            has_workflow(server)
            has_branch(server)
            has_files(server)
            yield {
                "BRICKWORK_GITHUB_API_URL": server.url,
                "EXAMPLE_APP_KEY": server.app.private_key.reveal(),
                # Where a page starts such a server itself, it finds the description as we do.
                "NODE_PATH": os.environ.get("NODE_PATH", ""),
                "XDG_CACHE_HOME": str(user_cache_path()),
            }
    except DescriptionMissing as error:
        lacking(str(error))


def has_workflow(server: "GitHubServer") -> None:
    """Let there be a repository with a workflow that fails at first."""
    from brickwork_github.testing.live.actions import RunPlan, actions_of

    inputs = "{day: {required: true}, marker: {required: false}}"
    load = f"name: Load\non: {{workflow_dispatch: {{inputs: {inputs}}}}}\njobs: {{}}\n"
    repo = server.repository("acme/data", {".github/workflows/load.yml": load})
    actions_of(repo).planned += [
        RunPlan("failure", log="##[error]warehouse is away\n"),
        RunPlan(artifacts={"reports": {"2026/may.csv": b"day,sum\n"}}),
    ]


def has_branch(server: "GitHubServer") -> None:
    """Let there be a repository whose main branch wants reviews, and a branch with a change."""
    repo = server.repository("acme/api", {"requirements.txt": "requests<3\n"})
    repo.commit({"requirements.txt": "requests>=3\n"}, "Use requests 3", branch="requests-3")
    repo.protected.add("main")


def has_files(server: "GitHubServer") -> None:
    """Let there be a repository with two files and a tag."""
    files = {"README.md": "# Docs\n", "site/index.html": "<h1>Docs</h1>\n"}
    repo = server.repository("acme/docs", files)
    repo.settings["permissions"] = {"admin": False, "push": True, "pull": True}
    repo.git.run("tag", "v1", "HEAD")


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_of_a_page_do_what_the_page_says(
    page: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    """All examples of a page run one after the other, and print what the page shows."""
    folder = tmp_path / "work"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, __file__, str(page)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{page.relative_to(ROOT)}\n{done.stdout}\n{done.stderr}"


def test_the_examples_were_found() -> None:
    """The tests above run what is there: pages, and examples on them."""
    found = [example for page in pages() for example in examples(page.read_text())]
    assert len(pages()) >= 18
    assert sum(example.runs for example in found) >= 60
    assert sum(example.title == "Output" for example in found) >= 15


def test_every_page_has_an_example() -> None:
    """Each page shows something that runs; reference pages are made from docstrings instead."""
    bare = [
        str(page.relative_to(ROOT))
        for page in pages()
        if page.parent.name != "reference"
        and not any(example.runs for example in examples(page.read_text()))
    ]
    assert bare == []


def test_what_is_not_run_says_why() -> None:
    """A block that is left out has a reason, and few are."""
    skipped = [
        example.skipped
        for page in pages()
        for example in examples(page.read_text())
        if example.skipped is not None
    ]
    assert all(len(reason.split()) >= 3 for reason in skipped), skipped
    assert len(skipped) <= 5


@pytest.mark.parametrize(
    "text",
    [
        "```python\nraise SystemError\n```\n",
        '```python\nprint(1)\n```\n\n```text title="Output"\n2\n```\n',
        "```console\n$ exit 3\n```\n",
        "```console\n$ echo one\ntwo\n```\n",
        "```console\n$ true  # exit code 1\n```\n",
    ],
)
def test_a_page_that_lies_is_found_out(text: str, tmp_path: Path) -> None:
    """An example that fails, or prints something else, fails its page."""
    page = tmp_path / "page.md"
    page.write_text(text)
    done = subprocess.run([sys.executable, __file__, str(page)], capture_output=True, check=False)
    assert done.returncode == 1


# What runs in the page's own process


def run(page: Path) -> None:
    """Execute the examples of a page; raises AssertionError, or what an example raises."""
    # A module of its own, so that pickle finds what the page defines.
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    printed = ""
    for example in examples(page.read_text()):
        where = f"{page.name}, line {example.line}"
        if example.skipped is not None:
            continue
        if example.title == "Output":
            expect(example.body, printed, where)
        elif example.title:
            Path(example.title).parent.mkdir(parents=True, exist_ok=True)
            Path(example.title).write_text(example.body)
        elif example.language == "python":
            # Tracebacks then name the page and its line.
            code = compile("\n" * (example.line - 1) + example.body, str(page), "exec")
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(code, vars(main))
            printed = out.getvalue()
        elif example.language == "console":
            printed = run_console(example.body, where)


def run_console(body: str, where: str) -> str:
    """Run the commands of a console block, and compare what they print."""
    printed = ""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        while command.endswith("\\"):
            more, _, expected = expected.partition("\n")
            command = f"{command}\n{more}"
        code = _EXIT_CODE.search(command)
        done = subprocess.run(
            ["bash", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        printed = done.stdout
        wanted = int(code[1]) if code else 0
        assert done.returncode == wanted, f"{where}: {command}: {done.returncode}\n{printed}"
        if expected.strip():
            expect(expected, printed, f"{where}: {command}")
    return printed


def expect(expected: str, printed: str, where: str) -> None:
    """Compare an output, with ``...`` for any text, and white space at line ends left out."""
    pattern = ".*?".join(map(re.escape, _trimmed(expected).split("...")))
    assert re.fullmatch(pattern, _trimmed(printed), re.DOTALL), (
        f"{where}: this was printed:\n{printed}\nand this was expected:\n{expected}"
    )


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


if __name__ == "__main__":
    run(Path(sys.argv[1]))
