"""The program that writes the catalog: it writes what is stale, and refuses what does not fit."""

import json
import shutil
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from brickwork import BrickworkError

ROOT = Path(__file__).resolve().parents[1]


def program() -> ModuleType:
    """Load the program."""
    spec = spec_from_file_location("catalog_generate", ROOT / "scripts" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def generate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program, at work on a copy of the catalog, with what is there for what is installed."""
    module = program()
    shutil.copytree(ROOT / "blocks-catalog", tmp_path / "blocks-catalog")
    shutil.copytree(ROOT / "core/src/brickwork/catalog/data", tmp_path / "data")
    names = {"CATALOG": "blocks-catalog", "THIRD_PARTY": "blocks-catalog/third-party"}
    names |= {"LEVELS": "blocks-catalog/levels.json", "SHIPPED": "data"}
    for name, folder in names.items():
        monkeypatch.setattr(module, name, tmp_path / folder)

    def entry_of(_registry: object, name: str) -> object:
        return module.read(ROOT / "blocks-catalog" / f"{name}.json")

    monkeypatch.setattr(module, "entry_of", entry_of)
    monkeypatch.setattr(module, "refuse_old_metadata", lambda _project: None)
    return module


def run(generate: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the program."""
    monkeypatch.setattr(sys, "argv", ["generate.py", *arguments])
    code: int = generate.main()
    return code


def acme(name: str = "brickwork-acme", slug: str = "acme-account") -> str:
    """Return the file of a third party."""
    thing = {"kind": "block", "name": slug, "title": "Account", "summary": "An account."}
    own = {"name": name, "version": "1.0", "plugins": ["acme"]}
    return json.dumps({"format": "brickwork.catalog/1", "distribution": own, "things": [thing]})


def test_a_file_that_is_changed_or_too_many_is_told_and_mended(
    generate: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The check fails with the difference and writes nothing; the program without it mends."""
    run(generate, monkeypatch)
    aws, extra = tmp_path / "blocks-catalog/brickwork-aws.json", tmp_path / "data/gone.json"
    good = aws.read_text()
    assert run(generate, monkeypatch, "--check") == 0
    capsys.readouterr()

    aws.write_text(good.replace("Who to be on AWS", "Whom to be on AWS"))
    extra.write_text("{}")
    assert run(generate, monkeypatch, "--check") == 1
    said = capsys.readouterr().out

    assert '-   "summary": "Whom to be on AWS' in said
    assert "gone.json is out of date" in said
    assert "hatch run generate" in said
    assert extra.exists()
    assert run(generate, monkeypatch) == 0
    assert aws.read_text() == good
    assert not extra.exists()


def test_a_third_party_is_checked_indexed_and_shipped(
    generate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file adds a package, with the level that was measured of it."""
    (tmp_path / "blocks-catalog/third-party/brickwork-acme.json").write_text(acme())
    (tmp_path / "blocks-catalog/levels.json").write_text('{"brickwork-acme": "silver"}')

    assert run(generate, monkeypatch) == 0

    index = json.loads((tmp_path / "data/index.json").read_text())
    assert index["names"]["acme-account"][0]["distribution"] == "brickwork-acme"
    assert index["distributions"]["brickwork-acme"]["level"] == "silver"
    assert (tmp_path / "data/brickwork-acme.json").exists()
    assert not (tmp_path / "blocks-catalog/brickwork-acme.json").exists()


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("brickwork-acme.json", "{", "is no JSON"),
        ("brickwork-other.json", acme(), "Name it brickwork-acme.json"),
        ("brickwork-acme.json", acme(slug="aws-credentials"), "does not begin with a plugin"),
        ("brickwork-aws.json", acme(name="brickwork-aws"), "both bring the distribution"),
        ("acme.json", acme(name="acme").replace('["acme"]', '["aws", "acme"]'), "the plugin 'aws'"),
    ],
)
def test_a_third_party_that_does_not_fit_is_refused(
    generate: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    file: str,
    text: str,
    said: str,
) -> None:
    """Nothing is written, and the check fails."""
    run(generate, monkeypatch)
    before = (tmp_path / "data/index.json").read_text()
    (tmp_path / "blocks-catalog/third-party" / file).write_text(text)

    assert run(generate, monkeypatch) == 1
    assert said in capsys.readouterr().out
    assert (tmp_path / "data/index.json").read_text() == before


def test_metadata_that_are_older_than_the_project_are_refused() -> None:
    """What is generated would not be what is in the repository."""
    project = {"name": "brickwork-hashicorp", "description": "Something else"}

    with pytest.raises(BrickworkError, match="older than its pyproject"):
        program().refuse_old_metadata(project)
