"""``brickwork catalog``: found, shown and checked, without what it is about being installed."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from click import Argument, Command as Completion, Context
from hypothesis import given, strategies as st

from brickwork.catalog.files import checked, content_of, text_of
from brickwork.catalog.generate import index_of
from brickwork.catalog.shipped import Catalog
from brickwork.cli import completion
from brickwork.cli.app import run
from brickwork.registry import Registry, known
from brickwork.registry.metadata import installed as all_installed
from brickwork.testing.commandline import Command, command_here
from brickwork.testing.distributions import write_plugin


@pytest.fixture
def brickwork(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command line here, with standard input that is no terminal."""
    return command_here(run, capsys)


@pytest.fixture
def only_acme(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Only what a test writes to a folder is installed."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(
        "brickwork.registry.installed.installed", lambda: all_installed([str(tmp_path)])
    )
    return tmp_path


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty folder in place of the catalog that the core ships."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    monkeypatch.setattr(known, "DATA", folder)
    known.index.cache_clear()
    yield folder
    known.index.cache_clear()


def ship(folder: Path, *contents: dict[str, Any]) -> None:
    """Write files and their index, as if the core shipped them."""
    files = [checked(each, "test") for each in contents]
    for file in files:
        path = folder / f"{file.distribution.name}.json"
        path.write_text(text_of(content_of(file, compact=True), compact=True))
    (folder / "index.json").write_text(text_of(index_of(files)))


def acme(*things: dict[str, Any], version: str = "1.0") -> dict[str, Any]:
    """Return the file of a distribution."""
    own = {"name": "brickwork-acme", "version": version, "plugins": ["acme"], "summary": "Acme"}
    return {"format": "brickwork.catalog/1", "distribution": own, "things": list(things)}


def acme_block(name: str = "acme-thing", **more: Any) -> dict[str, Any]:
    """Return the entry of a block."""
    return {"kind": "block", "name": name, "title": "Thing", "summary": "A thing.", **more}


@pytest.mark.usefixtures("nothing_installed")
def test_what_is_not_installed_is_shown_with_how_to_install_it(brickwork: Command) -> None:
    """All that one needs, from what the core ships."""
    shown = brickwork("catalog", "show", "aws-credentials")

    assert shown.code == 0
    assert shown.out.startswith("aws-credentials: Who to be on AWS, where, and how to connect.\n")
    assert "not installed: pip install brickwork-aws" in shown.out
    assert "secret_access_key" in shown.out
    assert "The access key's secret." in shown.out
    assert "  role_arn" in shown.out  # a field inside a field
    assert ">>> AwsCredentials(" in shown.out
    assert "Next: pip install brickwork-aws, then brickwork block create" in shown.out


def test_what_is_installed_says_so(brickwork: Command) -> None:
    """The core's own are always there, and what one needs beside it is said."""
    shown = brickwork("catalog", "show", "parquet")
    assert "serializer of brickwork " in shown.out
    assert "installed; needs pip install 'brickwork[arrow]'" in shown.out


@pytest.mark.usefixtures("nothing_installed")
def test_a_command_of_a_package_that_is_missing_says_what_to_install(brickwork: Command) -> None:
    """Another command that is not there stays a mistake in usage."""
    known_command, unknown = brickwork("flow", "ls"), brickwork("flwo", "ls")

    assert known_command.code == 7
    assert "pip install brickwork-flows" in known_command.err
    assert unknown.code == 2
    assert "no such command" in unknown.err


@pytest.mark.usefixtures("nothing_installed")
def test_names_of_the_catalog_are_completed(shipped: Path) -> None:
    """Also of what is not installed; silent where the catalog is damaged."""
    group = Context(Completion("catalog"))
    ship(shipped, acme(acme_block()))
    assert completion.catalog(group, Argument(["name"]), "acme") == ["acme-thing"]
    known.index.cache_clear()
    (shipped / "index.json").write_text("")
    assert completion.catalog(group, Argument(["name"]), "acme") == []


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize("name", ["brickwork", "brickwork-aws", "Brickwork_AWS"])
def test_a_distribution_is_shown_as_pip_knows_it(brickwork: Command, name: str) -> None:
    """The core too, and whichever way its name is written."""
    done = brickwork("catalog", "show", name)
    assert done.code == 0, done.err
    assert done.out.startswith(f"{name.lower().replace('_', '-')} ")


def test_what_cannot_be_exported_says_why(brickwork: Command) -> None:
    """What is installed already is not to be installed."""
    pytest_itself = brickwork("catalog", "export", "pytest")
    nothing = brickwork("catalog", "export", "brickwork-nothing")
    assert "is installed, and brings no plugin" in pytest_itself.err
    assert "entry-points.brickwork" in pytest_itself.err
    assert "pip install brickwork-nothing" in nothing.err


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ({"name": "their-aws", "plugins": ["aws"]}, "plugin 'aws' of brickwork-aws"),
        ({"name": "brickwork-aws", "plugins": ["acme"]}, "whose plugins are aws"),
        (
            {"name": "their-files", "plugins": ["acme"], "schemes": ["s3"]},
            "scheme 's3' of brickwork-aws",
        ),
    ],
)
def test_a_file_with_names_of_others_is_refused(
    brickwork: Command, tmp_path: Path, own: dict[str, object], told: str
) -> None:
    """Names belong to who came first."""
    about = {"version": "1.0", "summary": "Files.", "requires_python": ">=3.11", **own}
    path = tmp_path / "theirs.json"
    path.write_text(
        json.dumps({"format": "brickwork.catalog/1", "distribution": about, "things": []})
    )
    done = brickwork("catalog", "check", path)
    assert done.code != 0
    assert told in done.err, done.err


@pytest.mark.usefixtures("nothing_installed")
def test_what_to_begin_with_is_yaml_and_python(brickwork: Command) -> None:
    """A manifest of a block; a program of a block or of a task's example."""
    manifest = brickwork("catalog", "show", "aws-credentials", "--yaml")
    program = brickwork("catalog", "show", "aws-credentials", "--python")
    call = brickwork("catalog", "show", "aws.s3_read", "--python")

    (address,) = yaml.safe_load(manifest.out)["blocks"]
    assert address.startswith("aws-credentials/")
    assert "from brickwork_aws import AwsCredentials" in program.out
    compile(program.out, "program", "exec")
    assert ">>>" not in call.out
    compile(call.out, "call", "exec")
    lines = call.out.splitlines()
    assert lines[0] == "from brickwork_aws import S3Bucket, s3_read"
    assert any(line.startswith("bucket = S3Bucket.load(") for line in lines), "what it needs"
    assert "repository = ..." in brickwork("catalog", "show", "github.create_issue", "--python").out
    assert brickwork("catalog", "show", "aws.s3_read", "--yaml").code == 7
    assert brickwork("catalog", "show", "plan", "--python").code == 7
    assert brickwork("catalog", "show", "brickwork-aws", "--yaml").code == 2
    assert brickwork("catalog", "show", "secret", "--yaml", "--json").code == 2


@pytest.mark.usefixtures("nothing_installed")
def test_json_has_what_is_shown(brickwork: Command) -> None:
    """The entry, the distribution, and the state of it."""
    (thing,) = brickwork("catalog", "show", "aws.s3_upload_file", "--json").json["things"]

    assert thing["kind"] == "task"
    assert thing["distribution"]["name"] == "brickwork-aws"
    assert "s3:PutObject" in thing["permissions"]
    assert (thing["installed"], thing["live"]) == (None, False)
    assert thing["install"] == "pip install brickwork-aws"


def test_a_name_of_several_kinds_shows_them_all(brickwork: Command) -> None:
    """``--kind`` chooses one."""
    every = brickwork("catalog", "show", "file", "--json").json["things"]
    one = brickwork("catalog", "show", "file", "--kind", "resolver", "--json").json["things"]
    none = brickwork("catalog", "show", "file", "--kind", "task")

    assert [each["kind"] for each in every] == ["key-provider", "resolver", "storage"]
    assert [each["kind"] for each in one] == ["resolver"]
    assert none.code == 7
    assert "It is a key-provider and a resolver" in none.err


def test_every_kind_is_shown(brickwork: Command) -> None:
    """Each kind of thing has its own form, with what to type next."""
    for name in ("console", "env", "memory", "sqlite", "zstd", "block", "github.get_issue"):
        shown = brickwork("catalog", "show", name)
        assert shown.code == 0, shown.err
        assert "\nNext: " in shown.out


def test_a_name_that_nobody_has_says_what_comes_near(brickwork: Command) -> None:
    """Or how to search."""
    near = brickwork("catalog", "show", "aws-credential")
    far = brickwork("catalog", "show", "zzzzzzz")

    assert near.code == far.code == 7
    assert "Did you mean 'aws-credentials'" in near.err
    assert "catalog search" in far.err


def test_search_finds_names_before_lines_before_other_text(brickwork: Command) -> None:
    """All words must be somewhere; case does not matter."""
    found = brickwork("catalog", "search", "S3", "bucket", "--json").json["things"]
    names = [each["name"] for each in found]

    assert names.index("aws-s3-bucket") < names.index("aws.s3_presign")
    by_permission = brickwork("catalog", "search", "s3:putobject", "--kind", "task", "--json").json
    assert "aws.s3_upload_file" in {each["name"] for each in by_permission["things"]}
    by_field = brickwork("catalog", "search", "mfa_serial", "--json").json["things"]
    assert [each["name"] for each in by_field] == ["aws-credentials", "aws.sts_assume_role"]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The shipped catalog, beside no plugin."""
    return Catalog(Registry(discover=False))


@given(st.sampled_from(sorted(known.index().names)), st.randoms())
def test_whatever_is_known_is_found_by_its_name(
    catalog: Catalog, name: str, random: Random
) -> None:
    """A name finds its things first; parts of it in any order and case find them too."""
    first = catalog.search([name])[0]
    assert first.thing["name"] == name

    parts = [part for part in re.split(r"[-_.]", name) if part]
    random.shuffle(parts)
    found = catalog.search([random.choice((str.upper, str.lower))(part) for part in parts])
    assert name in {each.thing["name"] for each in found}


@given(st.lists(st.text(max_size=8), max_size=3))
def test_any_words_can_be_searched(catalog: Catalog, words: list[str]) -> None:
    """No word is odd: what is found has all of them, and more words find no more."""
    found = {(each.thing["kind"], each.thing["name"]) for each in catalog.search(words)}
    fewer = {(each.thing["kind"], each.thing["name"]) for each in catalog.search(words[1:])}
    assert found <= fewer


def test_search_says_when_there_is_nothing_or_more(brickwork: Command) -> None:
    """The number of those left out is told."""
    none = brickwork("catalog", "search", "no-such-word-anywhere")
    some = brickwork("catalog", "search", "list", "--limit", "2")

    assert none.code == 0
    assert none.out == ""
    assert "Nothing" in none.err
    assert len(some.out.splitlines()) == 3
    assert " more: --limit" in some.err
    assert brickwork("catalog", "search").code == 2


def test_ls_lists_distributions_and_their_things(brickwork: Command) -> None:
    """By kind, by distribution, or the distributions themselves."""
    rows = brickwork("catalog", "ls", "--json").json["distributions"]
    stores = brickwork("catalog", "ls", "--kind", "store", "--json").json["things"]
    own = brickwork("catalog", "ls", "Brickwork_AWS", "--kind", "storage", "--json").json["things"]

    assert {"brickwork", "brickwork-aws", "brickwork-github"} <= {row["name"] for row in rows}
    assert "sqlite" in {each["name"] for each in stores}
    assert [each["name"] for each in own] == ["s3"]
    assert "brickwork-aws" in brickwork("catalog", "ls").out
    assert "aws-s3-bucket" in brickwork("catalog", "show", "brickwork-aws").out
    assert brickwork("catalog", "ls", "no-such-thing").code == 7


def test_a_plugin_that_the_catalog_does_not_know_tells_of_itself(
    brickwork: Command, only_acme: Path
) -> None:
    """It is found and shown, and marked."""
    write_plugin(only_acme, "catalogfive")

    shown = brickwork("catalog", "show", "catalogfive-thing")
    found = brickwork("catalog", "search", "catalogfive", "--json").json["things"]
    rows = brickwork("catalog", "ls", "--json").json["distributions"]

    assert (
        "block of brickwork-catalogfive 1.0, installed, told by the installed plugin" in shown.out
    )
    assert [(each["name"], each["live"]) for each in found] == [
        ("catalogfive", True),
        ("catalogfive-thing", True),
    ]
    (row,) = [row for row in rows if row["name"] == "brickwork-catalogfive"]
    assert (row["installed"], row["things"], row["live"]) == ("1.0", 2, True)


def test_another_version_than_the_shipped_one_tells_of_itself(
    brickwork: Command, only_acme: Path, shipped: Path
) -> None:
    """What is installed counts, when it is newer or older than what was known."""
    ship(shipped, acme(acme_block(summary="Of old."), version="0.9"))
    write_plugin(only_acme, "acme")

    (thing,) = brickwork("catalog", "show", "acme-thing", "--json").json["things"]

    assert thing["live"]
    assert thing["distribution"]["version"] == "1.0"
    assert thing.get("summary") != "Of old."


def test_showing_what_is_known_imports_no_plugin(
    brickwork: Command, only_acme: Path, shipped: Path
) -> None:
    """The shipped file is enough, also beside plugins that are not known."""
    known = acme(acme_block("catalognine-thing"))
    known["distribution"] |= {"name": "brickwork-catalognine", "plugins": ["catalognine"]}
    ship(shipped, known)
    write_plugin(only_acme, "catalognine", "raise RuntimeError('never imported')")
    write_plugin(only_acme, "catalogsix", "raise RuntimeError('never imported')")

    shown = brickwork("catalog", "show", "catalognine-thing")

    assert "block of brickwork-catalognine 1.0, installed" in shown.out
    assert shown.err == ""
    assert not {"brickwork_catalognine", "brickwork_catalogsix"} & {*sys.modules}


def test_a_plugin_that_is_broken_is_noted_and_the_rest_listed(
    brickwork: Command, only_acme: Path
) -> None:
    """A listing never fails for one of many."""
    write_plugin(only_acme, "catalogseven", "raise RuntimeError('broken')")

    for words in (["ls"], ["search", "bucket"]):
        done = brickwork("catalog", *words)
        assert done.code == 0
        assert "brickwork-catalogseven" in done.err
        assert "broken" in done.err
        assert "brickwork-aws" in done.out
    shown = brickwork("catalog", "show", "catalogseven-thing")
    assert shown.code == 7
    assert "RuntimeError: broken" in shown.err


def test_without_plugins_the_shipped_catalog_is_shown(brickwork: Command) -> None:
    """What is installed is not looked at, and that is said."""
    shown = brickwork("--no-plugins", "catalog", "show", "aws-credentials")
    assert shown.code == 0
    assert "switched off" in shown.err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("index.json", ""),
        ("index.json", "{}"),
        ("index.json", '{"format": "brickwork.catalog.index/9", "names": {}, "distributions": {}}'),
        ("index.json", "[" * 100_000),
        ("brickwork-acme.json", ""),
        ("brickwork-acme.json", "[]"),
        ("brickwork-acme.json", '{"distribution": {"name": "brickwork-acme"}, "things": [{}]}'),
        ("brickwork-acme.json", '{"distribution": {"name": "other"}, "things": []}'),
    ],
)
@pytest.mark.usefixtures("nothing_installed")
def test_damage_is_an_error_with_a_fix(
    brickwork: Command, shipped: Path, name: str, content: str
) -> None:
    """What is shipped may be damaged: no traceback, but what to do."""
    ship(shipped, acme(acme_block()))
    (shipped / name).write_text(content)

    done = brickwork("catalog", "show", "acme-thing")

    assert done.code == 6, done.err
    assert "pip install --force-reinstall brickwork" in done.err


@pytest.mark.parametrize(
    "odd",
    [
        {"fields": [{}]},
        {"fields": 3},
        {"interfaces": 3},
        {"fields": ["x"]},
        {"kind": 3},
        {"name": "acme-other"},
    ],
)
@pytest.mark.usefixtures("nothing_installed")
def test_an_odd_entry_is_an_error_with_a_fix(
    brickwork: Command, shipped: Path, odd: dict[str, Any]
) -> None:
    """An entry that is not in the format is damage, too."""
    ship(shipped, acme(acme_block()))
    path = shipped / "brickwork-acme.json"
    content = json.loads(path.read_text())
    content["things"][0] |= odd
    path.write_text(json.dumps(content))

    assert brickwork("catalog", "show", "acme-thing").code == 6
    assert brickwork("catalog", "search", "elsewhere").code in (0, 6)


@pytest.mark.usefixtures("nothing_installed")
def test_what_others_wrote_cannot_move_the_cursor(brickwork: Command, shipped: Path) -> None:
    """Control and direction characters are written out, wherever they stand."""
    ship(shipped, acme(acme_block()))
    path = shipped / "brickwork-acme.json"
    bad = "a\x1b[2Jb\u202ec\u2066"
    field = {"name": bad, "type": bad, "description": bad, "default": bad}
    content = json.loads(path.read_text())
    content["things"][0] |= {
        **dict.fromkeys(("summary", "description", "example", "manifest", "usage"), bad),
        "fields": [field],
        "interfaces": [bad],
        "extra": bad,
    }
    path.write_text(json.dumps(content))

    for words in ([], ["--json"], ["--yaml"], ["--python"]):
        done = brickwork("catalog", "show", "acme-thing", *words)
        assert done.code == 0, done.err
        for character in "\x1b\u202e\u2066":
            assert character not in done.out + done.err
    assert "\x1b" not in brickwork("catalog", "search", "thing").out


def test_an_export_is_a_file_that_the_check_takes(brickwork: Command, only_acme: Path) -> None:
    """As the guide for third parties has it."""
    write_plugin(only_acme, "catalogeight")
    file = only_acme / "brickwork-catalogeight.json"

    file.write_text(brickwork("catalog", "export", "brickwork-catalogeight").out)
    good = brickwork("catalog", "check", file)

    assert good.code == 0
    assert good.out == "brickwork-catalogeight 1.0: good. It brings 1 block, 1 storage.\n"
    file.write_text(file.read_text().replace("catalogeight-thing", "aws-thing"))
    bad = brickwork("catalog", "check", file)
    assert bad.code == 6
    assert "does not begin with a plugin of its own" in bad.err
    assert brickwork("catalog", "export", "no-such-thing").code == 7


def test_a_known_block_costs_no_pydantic_and_no_class() -> None:
    """Showing what is known imports neither models nor the plugin."""
    program = (
        "import sys; from brickwork.cli.app import run;"
        "run(['catalog', 'show', 'aws-credentials']);"
        "print([m for m in ('pydantic', 'brickwork_aws', 'brickwork.block', 'rich', 'yaml')"
        " if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr == "[]\n"
