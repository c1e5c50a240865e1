"""Golden documents: what releases have saved still loads, and a change that breaks it is named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, Field

from brickwork import (
    BasicAuth,
    Block,
    BlockError,
    Registry,
    Secret,
    Vault,
    block as block_module,
    migration,
)
from brickwork.block import defined_blocks
from brickwork.testing import BlockContract, write_golden
from brickwork.testing.golden import assert_golden_loads, golden_name, golden_paths

GOLDEN = Path(__file__).parent / "golden"

Define = Callable[..., type[Block]]


@pytest.fixture
def define(monkeypatch: pytest.MonkeyPatch) -> Define:
    """Let a test define one class in several releases."""
    monkeypatch.setattr(block_module, "defined_blocks", dict(defined_blocks))

    def define(version: int, name: str = "Account", **members: Any) -> type[Block]:
        kinds = {field: kind for field, (kind, *_) in members.pop("fields").items()}
        return type(
            name,
            (Block,),
            {
                "__module__": __name__,
                "__doc__": "An account.",
                "__annotations__": {**kinds, "slug": ClassVar[str]},
                "slug": f"goldentest-{name.lower()}",
                "schema_version": version,
                **members,
            },
        )

    return define


FIRST: dict[str, tuple[Any, ...]] = {
    "user": (str,),
    "token": (Secret[str],),
    "raw": (Secret[bytes],),
    "limits": (dict[str, int],),
}


@pytest.fixture
def golden(define: Define, tmp_path: Path) -> Path:
    """The document of the first release."""
    cls = define(1, fields=FIRST)
    block = cls(user="me", token="a-sample-token", raw=b"\xff\x00bytes", limits={"a": 1})
    return write_golden(block, tmp_path / "golden")


def refused(golden: Path, cls: type[Block]) -> str:
    """Return what is said of a class that breaks a golden document."""
    with pytest.raises(AssertionError) as caught:
        assert_golden_loads(golden, cls)
    told = str(caught.value)
    assert "Do not change goldentest-account@1.json" in told
    assert "a-sample-token" not in told
    return told


def test_a_golden_document_is_readable_json(golden: Path) -> None:
    """Public fields and secrets in clear, no key; a diff in review shows what changed."""
    assert golden.name == "goldentest-account@1.json"
    assert json.loads(golden.read_text()) == {
        "format": "brickwork.golden/1",
        "slug": "goldentest-account",
        "schema_version": 1,
        "fields": {"user": "me", "token": None, "raw": None, "limits": {"a": 1}},
        "secrets": {"/raw": {"base64": "/wBieXRlcw=="}, "/token": "a-sample-token"},
        "blocks": {},
    }


def test_what_was_written_stays(golden: Path, define: Define) -> None:
    """Writing again does not replace what a release has saved."""
    before = golden.read_text()
    cls = define(1, fields=FIRST)
    block = cls(user="other", token="another-token", raw=b"x", limits={})
    assert write_golden(block, golden.parent) == golden
    assert golden.read_text() == before


def test_a_change_that_breaks_nothing_passes(golden: Path, define: Define) -> None:
    """The same class, another order of fields, and a new field with a default."""
    assert_golden_loads(golden, define(1, fields=FIRST))
    assert_golden_loads(golden, define(1, fields=dict(reversed(FIRST.items()))))
    cls = define(1, fields={**FIRST, "port": (int,)}, port=22)
    assert_golden_loads(golden, cls)


def test_a_removed_and_a_renamed_field_are_named(golden: Path, define: Define) -> None:
    """The message says to raise schema_version, and which migration to write."""
    for fields in (
        {name: kind for name, kind in FIRST.items() if name != "user"},
        {"login" if name == "user" else name: kind for name, kind in FIRST.items()},
        {**FIRST, "needed": (str,)},
        {**FIRST, "limits": (list[int],)},
    ):
        told = refused(golden, define(1, fields=fields))
        assert "schema_version" in told
        assert "@migration(1)" in told


def test_a_value_that_reads_otherwise_is_named(golden: Path, define: Define) -> None:
    """A type that takes the old value, but changes it, loses it in silence otherwise."""
    told = refused(golden, define(1, fields={**FIRST, "limits": (dict[str, float],)}))
    assert "/limits/a" in told
    assert "schema_version of Account to 2" in told
    told = refused(golden, define(1, fields={**FIRST, "raw": (Secret[str],)}))
    assert "cannot be loaded" in told


def test_a_migration_mends_it(golden: Path, define: Define) -> None:
    """With the next schema version and its migration the old document is loaded again."""

    @migration(1)
    def rename(old: dict[str, Any]) -> dict[str, Any]:
        return {**{k: v for k, v in old.items() if k != "user"}, "login": old["user"]}

    fields = {"login": (str,), **{k: v for k, v in FIRST.items() if k != "user"}}
    assert_golden_loads(golden, define(2, fields=fields, _rename=rename))
    assert "no migration from 1 to 2" in refused(golden, define(2, fields=fields))


def test_a_block_inside_may_be_of_a_newer_schema(tmp_path: Path, define: Define) -> None:
    """The document of the one around it stays good when the one inside is migrated."""
    old = define(1, fields=FIRST)
    holder: Any = define(1, "Holder", fields={"inside": (Block,), "label": (str,)})
    account = old(user="me", token="a-sample-token", raw=b"x", limits={})
    path = write_golden(holder(inside=account, label="x"), tmp_path)
    assert_golden_loads(path, holder)

    @migration(1)
    def rename(fields: dict[str, Any]) -> dict[str, Any]:
        return {"login": fields["user"]}

    define(2, fields={"login": (str,)}, _rename=rename)
    assert_golden_loads(path, holder)


def test_a_saved_block_inside_cannot_be_golden(memory_vault: Vault, tmp_path: Path) -> None:
    """A golden document is whole: nothing in it leads to a vault."""

    class Keeper(Block):
        """Keeps another block."""

        slug: ClassVar[str] = "goldentest-keeper"
        inside: Block = Field(description="Another.")

    login = BasicAuth(username="u", password=Secret("a-password"))
    login.save("x")
    with pytest.raises(BlockError, match="saved in another vault"):
        write_golden(Keeper(inside=login), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_golden_document_is_refused(golden: Path, define: Define) -> None:
    """Neither another format nor a name that says otherwise passes for one."""
    cls = define(1, fields=FIRST)
    content = json.loads(golden.read_text())
    for change in ({"format": "other/1"}, {"schema_version": 2}, {"slug": "goldentest-x"}):
        golden.write_text(json.dumps({**content, **change}))
        with pytest.raises(AssertionError, match=golden.name):
            assert_golden_loads(golden, cls)


def test_every_block_of_the_core_has_its_golden_documents() -> None:
    """The folder has each block class in each schema version until today's, and nothing else."""
    core = Registry(discover=False)
    ours = [slug for slug, origin in core.names("blocks").items() if origin == "brickwork"]
    wanted: set[Path] = set()
    for slug in ours:
        paths = golden_paths(GOLDEN, slug)
        versions = range(1, core.block_class(slug).schema_version + 1)
        assert [GOLDEN / f"{slug}@{v}.json" in paths for v in versions] == [True] * len(versions)
        wanted |= set(paths)
    assert set(GOLDEN.iterdir()) == wanted


# The contract


class Sample(Block):
    """A block of a package with golden documents.

    Examples:
        >>> Sample(token="an-example-token").save("quick")
        Document('goldentest-sample/quick@1')
        >>> Sample.load("quick").options.timeout
        10.0
    """

    slug: ClassVar[str] = "goldentest-sample"

    class Options(BaseModel):
        """Options."""

        timeout: float = Field(10.0, description="Seconds.")

    token: Secret[str] = Field(description="A token.")
    options: Options = Field(default=Options(), description="How.")


class TestSample(BlockContract):
    """A contract without a folder asks for nothing."""

    @pytest.fixture
    def block(self) -> Block:
        return Sample(token=Secret("a-sample-token"), options=Sample.Options(timeout=3))


class Configured:
    """Stands for pytest's settings."""

    def __init__(self, *, write: bool) -> None:
        self.write = write

    def getoption(self, name: str, *, default: bool) -> bool:
        """Return whether to write."""
        assert name == "write_golden_documents"
        return self.write


def test_the_contract_asks_for_todays_document(tmp_path: Path) -> None:
    """Without it the message says how to write it; the option writes it, and it then holds."""
    sample = Sample(token=Secret("a-sample-token"))

    class Kept(BlockContract):
        golden_folder = tmp_path / "golden"

    def hold(*, write: bool = False) -> None:
        config: Any = Configured(write=write)
        Kept().test_golden_documents_still_load(sample, config)

    with pytest.raises(AssertionError, match="--write-golden-documents"):
        hold()
    assert not (tmp_path / "golden").exists()
    hold(write=True)
    hold()
    path = tmp_path / "golden" / golden_name(Sample)
    path.write_text(path.read_text().replace('"timeout"', '"seconds"'))
    with pytest.raises(AssertionError, match="reads otherwise now: /options/seconds"):
        hold()
    (tmp_path / "golden" / "goldentest-sample@1-older.json").write_text("{}")
    with pytest.raises(AssertionError, match="no golden document"):
        hold()


def test_the_option_of_pytest_writes_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an author runs it: the first run fails, one with the option writes, the next holds."""
    import subprocess
    import sys

    (tmp_path / "test_mine.py").write_text(
        "from pathlib import Path\n"
        "from typing import ClassVar\n"
        "import pytest\n"
        "from pydantic import Field\n"
        "from brickwork import Block\n"
        "from brickwork.testing import BlockContract\n"
        "class Mine(Block):\n"
        '    """Mine."""\n'
        '    slug: ClassVar[str] = "minetest-mine"\n'
        '    size: int = Field(description="Size.")\n'
        "class TestMine(BlockContract):\n"
        '    golden_folder = Path(__file__).parent / "golden"\n'
        "    @pytest.fixture\n"
        "    def block(self):\n"
        "        return Mine(size=3)\n"
    )

    def run(*options: str) -> int:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
        selected = ["-k", "golden_documents_still", "test_mine.py"]
        done = subprocess.run([*command, *selected], cwd=tmp_path, capture_output=True, check=False)
        return done.returncode

    assert run() == 1
    assert run("--write-golden-documents") == 0
    assert [path.name for path in (tmp_path / "golden").iterdir()] == ["minetest-mine@1.json"]
    assert run() == 0
