"""``brickwork plan``, ``apply``, ``export`` and ``manifest schema``."""

import stat
from pathlib import Path

import pytest

from brickwork import BasicAuth, Secret, SecretBlock, Settings, Vault
from brickwork.cli.app import run
from brickwork.testing.commandline import Command, Conversation, command_here

SECRET = "Zq7!xK-not-to-be-seen"


@pytest.fixture
def brickwork(capfd: pytest.CaptureFixture[str]) -> Command:
    """Run a command line here, with standard input that is no terminal."""
    return command_here(run, capfd)


MANIFEST = f"""
manifest: shop
blocks:
  basic-auth/web: {{username: ann, password: {SECRET}}}
  settings/limits:
    $tags: [prod]
    value: {{rows: 10}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A manifest."""
    path = tmp_path / "blocks.yaml"
    path.write_text(MANIFEST)
    return path


def test_plan_shows_what_would_change(brickwork: Command, file: Path, memory_vault: Vault) -> None:
    """Sign, action and address of each block, its fields below; secrets as set; then the sums."""
    said = brickwork("plan", "-f", str(file))
    assert (
        said.out
        == """\
+ create     basic-auth/web
    + password   (a secret) set
    + username   ann
    + $manifest  shop
+ create     settings/limits
    + value.rows  10
    + $tags       ["prod"]
    + $manifest   shop

shop: 2 to create.
"""
    )
    assert (said.code, said.err) == (0, "")
    assert memory_vault.documents() == []


def test_plan_shows_changes_drift_deletions_and_refusals(
    brickwork: Command, file: Path, memory_vault: Vault
) -> None:
    """Old and new values, who changed it in between, what goes, and why something cannot."""
    brickwork("apply", "-f", str(file), "--yes")
    brickwork(
        "apply", "--yes", "-f", "-", stdin="manifest: other\nblocks: {settings/o: {value: 1}}"
    )
    Settings(value={"rows": 99}).save("limits", overwrite=True)
    file.write_text(
        "manifest: shop\nblocks: {settings/limits: {value: {rows: 20}}, settings/o: {}}"
    )
    said = brickwork("plan", "-f", str(file), "--prune")
    assert said.code == 2
    assert "settings/o: value: Field required" in said.err
    file.write_text(
        "manifest: shop\nblocks: {settings/limits: {value: {rows: 20}}, settings/o: {value: 1}}"
    )
    said = brickwork("plan", "-f", str(file), "--prune")
    assert said.code == 5
    assert "~ change     settings/limits@2\n    drift: version 2 was saved by " in said.out
    assert "this manifest saved version 1\n" in said.out
    assert "~ value.rows  99 -> 20\n" in said.out
    assert '- $tags       ["prod"]\n' in said.out
    assert "~ take over  settings/o@1\n" in said.out
    assert "refused: it belongs to the manifest other; to take it over, add --take-over" in said.out
    assert "- delete     basic-auth/web@1\n" in said.out
    assert said.out.endswith("shop: 1 to change, 1 to take over, 1 to delete.\n")


def test_plan_tells_scripts_whether_there_is_something_to_do(
    brickwork: Command, file: Path, memory_vault: Vault
) -> None:
    """With --exit-code: 9 for a change, 0 for none; without, 0 for both."""
    assert brickwork("plan", "-f", str(file)).code == 0
    assert brickwork("plan", "-f", str(file), "--exit-code").code == 9
    brickwork("apply", "-f", str(file), "--yes")
    said = brickwork("plan", "-f", str(file), "--exit-code")
    assert (said.code, said.out) == (0, "shop: 2 the same.\n")


def test_plan_as_json(brickwork: Command, file: Path, memory_vault: Vault) -> None:
    """The shape is named; every step is there, without a secret."""
    said = brickwork("plan", "-f", str(file), "--json")
    assert said.json["schema"] == "brickwork.plan/1"
    assert said.json["counts"] == {"create": 2}
    step = said.json["steps"][0]
    assert (step["address"], step["action"], step["refusal"]) == ("basic-auth/web", "create", None)
    assert step["changes"][0] == {
        "pointer": "/password", "kind": "added", "what": "secret", "before": None,
        "after": "********",
    }  # fmt: skip
    assert SECRET not in said.out + said.err


def test_apply_does_it_and_the_second_time_nothing(
    brickwork: Command, file: Path, memory_vault: Vault
) -> None:
    """The plan is shown, then applied; again there is nothing to do."""
    said = brickwork("apply", "-f", str(file), "--yes")
    assert (said.code, said.err) == (0, "Applied: shop: 2 to create.\n")
    assert "+ create     basic-auth/web" in said.out
    assert SECRET not in said.out
    assert memory_vault.load("basic-auth/web", expect=BasicAuth).password.reveal() == SECRET
    said = brickwork("apply", "-f", str(file), "--yes")
    assert (said.code, said.out, said.err) == (0, "shop: 2 the same.\n", "")
    said = brickwork("apply", "-f", str(file), "--json")
    assert said.json["schema"] == "brickwork.apply/1"
    assert said.json["saved"] == []


def test_apply_needs_a_yes(brickwork: Command, file: Path, memory_vault: Vault) -> None:
    """Without a terminal to ask on and without --yes, nothing is applied."""
    said = brickwork("apply", "-f", str(file))
    assert said.code == 2
    assert "Nothing is applied without a yes." in said.err
    assert memory_vault.documents() == []


@pytest.mark.parametrize("answer", ["y", "n"])
def test_apply_asks_on_a_terminal(file: Path, memory_vault: Vault, answer: str) -> None:
    """The plan is shown before the question; a no changes nothing."""
    with Conversation("apply", "-f", str(file)) as talk:
        talk.answer("Apply this to ", answer)
        code = talk.end()
    assert "basic-auth/web" in talk.shown
    assert SECRET not in talk.shown
    assert (code, len(memory_vault.documents())) == ((0, 2) if answer == "y" else (130, 0))


def test_apply_reports_all_mistakes(
    brickwork: Command, tmp_path: Path, memory_vault: Vault
) -> None:
    """Each with file, line and column; the end is 2, and no value of a secret is quoted."""
    path = tmp_path / "bad.yaml"
    path.write_text(f"blocks:\n  basic-auth/a: {{usr: a, password: [{SECRET}]}}\n  nope/b: {{}}\n")
    said = brickwork("apply", "-f", str(path), "--yes")
    assert said.code == 2
    assert f"{path}:2:18: basic-auth/a: usr: no such field" in said.err
    assert f"{path}:3:3: nope/b: " in said.err
    assert SECRET not in said.err + said.out
    assert memory_vault.documents() == []


def test_overlays_and_standard_input(
    brickwork: Command, tmp_path: Path, memory_vault: Vault
) -> None:
    """- is standard input; an overlay changes fields of it."""
    over = tmp_path / "prod.yaml"
    over.write_text("blocks: {settings/limits: {value: {rows: 1000}}}")
    said = brickwork("apply", "-f", "-", "--overlay", str(over), "--yes", stdin=MANIFEST)
    assert said.code == 0
    assert memory_vault.load("settings/limits", expect=Settings).value == {"rows": 1000}
    said = brickwork("plan", "-f", "-", stdin="blocks: [")
    assert said.code == 2
    assert "<stdin>:2:1: " in said.err
    assert brickwork("plan", "-f", "-", "-f", "-").code == 2


def test_progress_of_many_is_shown(brickwork: Command, memory_vault: Vault) -> None:
    """A large manifest says how far it is, unless --quiet is given."""
    blocks = "".join(f"  settings/s{n}: {{value: {n}}}\n" for n in range(150))
    said = brickwork("apply", "-f", "-", "--yes", stdin=f"blocks:\n{blocks}")
    assert "apply 150 of 150" in said.err
    blocks = blocks.replace("value: ", "value: 1")
    said = brickwork("apply", "-f", "-", "--yes", "--quiet", stdin=f"blocks:\n{blocks}")
    assert said.err == "Applied: 150 to change.\n"


def test_export_round_trips(brickwork: Command, file: Path, memory_vault: Vault) -> None:
    """What it prints can be applied; without secrets, and with them where they are revealed."""
    brickwork("apply", "-f", str(file), "--yes")
    kept = brickwork("export")
    assert (kept.code, kept.err) == (0, "")
    assert SECRET not in kept.out
    assert "password: {$kept: secret}" in kept.out
    assert brickwork("plan", "-f", "-", "--exit-code", stdin=kept.out).code == 0

    shown = brickwork("export", "basic-auth/*", "--reveal")
    assert shown.code == 0
    assert SECRET in shown.out
    assert "settings/limits" not in shown.out
    tagged = brickwork("export", "--tag", "prod", "--manifest", "shop")
    assert "manifest: shop\n" in tagged.out
    assert "basic-auth" not in tagged.out


def test_an_export_is_exact(brickwork: Command, memory_vault: Vault) -> None:
    """A public text that equals a secret is not masked in it: the manifest would be another."""
    SecretBlock(value=Secret("reports-of-today")).save("a")
    Settings(value="reports-of-today").save("b")
    assert "value: reports-of-today" in brickwork("export", "settings/*", "secret/*").out


def test_export_to_a_file(brickwork: Command, tmp_path: Path, memory_vault: Vault) -> None:
    """One with secrets is for its owner only; it replaces what was there, or nothing is written."""
    SecretBlock(value=Secret(SECRET)).save("a")
    path = tmp_path / "out.yaml"
    path.write_text("old")
    said = brickwork("export", "-o", str(path))
    assert (said.code, said.out) == (0, "")
    assert "Wrote 1 block(s)" in said.err
    assert SECRET not in path.read_text()
    assert brickwork("export", "-o", str(path), "--reveal").code == 0
    assert SECRET in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out.yaml"]
    assert brickwork("export", "-o", str(tmp_path / "no" / "out.yaml")).code == 1


def test_export_asks_before_it_reveals(tmp_path: Path, memory_vault: Vault) -> None:
    """On a terminal, secrets are not written to it, and to a file only after a yes."""
    SecretBlock(value=Secret(SECRET)).save("a")
    with Conversation("export", "--reveal") as talk:
        assert talk.end() == 2
    assert SECRET not in talk.shown
    path = tmp_path / "out.yaml"
    with Conversation("export", "--reveal", "-o", str(path)) as talk:
        talk.answer("Write secrets in clear?", "n")
        assert talk.end() == 130
    assert not path.exists()
    assert [each for each in memory_vault.audit.entries() if each.action == "export"] == []


def test_export_of_what_cannot_be_read_ends_with_6(brickwork: Command, memory_vault: Vault) -> None:
    """The rest is written, and what is left out is named."""
    from brickwork.block import defined_blocks

    Settings(value=1).save("fine")
    cls = type(
        "Gone",
        (Settings,),
        {"slug": "clitest-gone", "__doc__": "x", "__module__": __name__, "__annotations__": {}},
    )
    cls(value=1).save("g")
    del defined_blocks["clitest-gone"]
    said = brickwork("export")
    assert said.code == 6
    assert "  settings/fine:\n" in said.out
    assert "# clitest-gone/g is left out: " in said.out
    assert "warning: clitest-gone/g is left out: " in said.err


def test_manifest_schema_prints_json_schema(brickwork: Command, memory_vault: Vault) -> None:
    """For all that is installed, or one slug."""
    said = brickwork("manifest", "schema")
    assert said.code == 0
    assert said.json["$schema"].endswith("2020-12/schema")
    one = brickwork("manifest", "schema", "--slug", "basic-auth")
    [pattern] = one.json["properties"]["blocks"]["patternProperties"]
    assert pattern.startswith("^basic-auth/")
    assert brickwork("manifest", "schema", "--slug", "nope").code == 7
