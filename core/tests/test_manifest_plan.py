"""Plans: what they say of each block, and what applying them does."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import Field

from brickwork import (
    ApplyRefused,
    BasicAuth,
    Block,
    InvalidManifest,
    KeyUnavailable,
    Notes,
    Secret,
    SecretBlock,
    Settings,
    StoreError,
    Vault,
    VersionConflict,
    migration,
)
from brickwork.block import defined_blocks
from brickwork.vault.manifest import Plan, Source, Step

SECRET = "Zq7!xK-not-to-be-seen"


class Service(Block):
    """A block that uses others."""

    slug: ClassVar[str] = "plantest-service"

    login: BasicAuth | None = Field(None, description="Who logs in.")
    next: "Service | None" = Field(None, description="Another service.")
    token: Secret[str] | None = Field(None, description="A token.")
    url: str = Field("", description="Where it is.")


def planned(vault: Vault, text: str, **options: Any) -> Plan:
    """Plan a manifest given as text."""
    return vault.plan(Source("blocks.yaml", text.encode()), **options)


def applied(vault: Vault, text: str, **options: Any) -> list[str]:
    """Apply a manifest given as text; return what was saved."""
    return [str(document.address) for document in planned(vault, text, **options).apply()]


def only(plan: Plan) -> Step:
    """Return the one step of a plan."""
    [step] = plan.steps
    return step


def told(step: Step) -> dict[str, tuple[str, Any, Any]]:
    """Return the changes of a step by pointer."""
    return {each.pointer: (each.kind, each.before, each.after) for each in step.changes}


def dumped(vault: Vault) -> list[str]:
    """Return all that is in the vault's database."""
    with closing(sqlite3.connect(vault.store.location)) as database:
        return list(database.iterdump())


def execute(vault: Vault, sql: str) -> None:
    """Write to the vault's database as somebody who has it could."""
    with closing(sqlite3.connect(vault.store.location)) as database, database:
        assert database.execute(sql).rowcount


def test_a_new_block_is_to_be_created(memory_vault: Vault) -> None:
    """What the manifest gives is shown, secrets only as set; defaults are not."""
    text = f"""
blocks:
  plantest-service/a: {{url: "https://${{env:HOST}}/", token: {SECRET}, $tags: [x]}}
"""
    plan = planned(memory_vault, text)
    step = only(plan)
    assert (step.action, plan.counts) == ("create", {"create": 1})
    assert told(step) == {
        "/token": ("added", None, "********"),
        "/url": ("added", None, "https://${env:HOST}/"),
    }
    assert [(each.pointer, each.after) for each in step.notes] == [("tags", ["x"])]
    assert SECRET not in repr(plan) + repr(plan.steps)
    assert memory_vault.documents() == []


def test_a_change_is_shown_field_by_field(memory_vault: Vault) -> None:
    """Public values old and new, references as their text, secrets only as changed."""
    applied(
        memory_vault,
        "blocks: {plantest-service/a: {url: one, token: first-token}, basic-auth/b:"
        " {username: ann, password: '${env:PASSWORD}'}}",
    )
    plan = planned(
        memory_vault,
        f"blocks: {{plantest-service/a: {{url: two, token: {SECRET}}}, basic-auth/b:"
        f" {{username: ann, password: '${{env:OTHER}}'}}}}",
    )
    assert [step.action for step in plan.steps] == ["change", "change"]
    assert told(plan.steps[0]) == {
        "/url": ("changed", "one", "two"),
        "/token": ("changed", "********", "********"),
    }
    assert told(plan.steps[1]) == {"/password": ("changed", "${env:PASSWORD}", "${env:OTHER}")}
    assert SECRET not in repr(plan.steps)


def test_a_field_that_is_gone_gets_its_default(memory_vault: Vault) -> None:
    """The manifest is all of the block: what it leaves out is not kept."""
    applied(memory_vault, "blocks: {plantest-service/a: {url: one, token: first-token}}")
    plan = planned(memory_vault, "blocks: {plantest-service/a: {}}")
    changes = told(only(plan))
    assert changes["/url"] == ("changed", "one", "")
    assert changes["/token"][1:] == ("********", None)
    plan.apply()
    assert memory_vault.load("plantest-service/a") == Service()


def test_a_secret_that_becomes_a_reference_of_the_same_text_is_a_change(
    memory_vault: Vault,
) -> None:
    """A literal that looks like a reference is not taken for one."""
    applied(memory_vault, "blocks: {secret/a: {value: 'x $${env:NOT_SET}'}}")
    plan = planned(memory_vault, "blocks: {secret/a: {value: 'x ${env:NOT_SET}'}}")
    assert told(only(plan)) == {"/value": ("changed", "********", "********")}


def test_applying_twice_changes_nothing(memory_vault: Vault) -> None:
    """The second time there is nothing to do: no version, no entry in the audit trail."""
    text = """
manifest: shop
blocks:
  plantest-service/a: {login: {$block: basic-auth/b}, token: a-long-token, $tags: [y, x]}
  basic-auth/b: {username: ann, password: '${env:PASSWORD}', $expires_at: 2027-06-30}
  settings/c: {value: {deep: [1, {er: null}]}}
"""
    assert applied(memory_vault, text) == ["basic-auth/b@1", "plantest-service/a@1", "settings/c@1"]
    before = dumped(memory_vault)
    assert planned(memory_vault, text).counts == {"same": 3}
    assert applied(memory_vault, text) == []
    assert dumped(memory_vault) == before


def test_children_come_before_parents(memory_vault: Vault) -> None:
    """The order in the file does not matter, also for references to fields of other blocks."""
    text = """
blocks:
  plantest-service/a: {next: {$block: plantest-service/b}}
  plantest-service/b: {next: {$block: plantest-service/c}, login: {$block: basic-auth/d}}
  plantest-service/c: {url: "${block:settings/e#value}"}
  basic-auth/d: {username: ann, password: ann-password}
  settings/e: {value: there}
"""
    order = ["settings/e@1", "plantest-service/c@1", "basic-auth/d@1"]
    assert applied(memory_vault, text) == [*order, "plantest-service/b@1", "plantest-service/a@1"]
    loaded: Any = memory_vault.load("plantest-service/a")
    assert loaded.next.next.url == "there"


@pytest.mark.parametrize("reference", ["next: {$block: X}", "url: '${block:X#url}'"])
def test_a_circle_is_named(memory_vault: Vault, reference: str) -> None:
    """Blocks that lead back to themselves are a mistake, with the way there."""
    a, b, c = (f"plantest-service/{name}" for name in "abc")
    fields = [reference.replace("X", target) for target in (b, c, a)]
    text = "blocks:\n" + "".join(
        f"  {address}: {{{given}}}\n" for address, given in zip((a, b, c), fields, strict=True)
    )
    with pytest.raises(InvalidManifest) as caught:
        planned(memory_vault, text)
    [problem] = caught.value.problems
    assert problem.message == f"a circle: {a} -> {b} -> {c} -> {a}"
    assert (problem.line, problem.column) == (2, 3)


def test_a_circle_through_a_saved_block_is_named(memory_vault: Vault) -> None:
    """A block that is not in the manifest can close a circle, too."""
    a, b = "plantest-service/a", "plantest-service/b"
    applied(memory_vault, f"blocks: {{{a}: {{}}, {b}: {{next: {{$block: {a}}}}}}}")
    with pytest.raises(InvalidManifest, match=f"a circle: {a} -> {b} -> {a}"):
        planned(memory_vault, f"blocks: {{{a}: {{next: {{$block: {b}}}}}}}")


def test_turning_a_reference_round_is_no_circle(memory_vault: Vault) -> None:
    """Only how it will be counts."""
    a, b = "plantest-service/a", "plantest-service/b"
    applied(memory_vault, f"blocks: {{{a}: {{next: {{$block: {b}}}}}, {b}: {{}}}}")
    saved = applied(memory_vault, f"blocks: {{{a}: {{}}, {b}: {{next: {{$block: {a}}}}}}}")
    assert saved == [f"{a}@2", f"{b}@2"]


def test_a_reference_that_cannot_be_fetched_here_hinders_nothing(
    memory_vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan says what it could not check; what is saved is the same as where it could."""
    text = "blocks: {plantest-service/a: {url: '${env:PLAN_HOST}', token: a-long-token}}"
    plan = planned(memory_vault, text)
    assert "PLAN_HOST" in only(plan).missing["url"]
    plan.apply()
    monkeypatch.setenv("PLAN_HOST", "there")
    assert planned(memory_vault, text).counts == {"same": 1}
    loaded: Any = memory_vault.load("plantest-service/a")
    assert loaded.url == "there"


def test_kept_secrets_stay(memory_vault: Vault) -> None:
    """{$kept: secret} is the secret that is saved, be it a literal or a reference."""
    applied(
        memory_vault,
        "blocks: {plantest-service/a: {url: one, token: a-long-token}, secret/b:"
        " {value: 'x-${env:B}'}}",
    )
    text = """
blocks:
  plantest-service/a: {url: two, token: {$kept: secret}}
  secret/b: {value: {$kept: secret}, $description: B}
"""
    plan = planned(memory_vault, text)
    assert told(plan.steps[0]) == {"/url": ("changed", "one", "two")}
    assert told(plan.steps[1]) == {}
    plan.apply()
    loaded: Any = memory_vault.load("plantest-service/a")
    assert loaded.token.reveal() == "a-long-token"
    [field] = memory_vault.explain("secret/b")
    assert "${env:B}" in str(field)


# Who owns what


def test_a_block_of_nobody_is_adopted(memory_vault: Vault) -> None:
    """A named manifest becomes the owner of the blocks in it, as the plan says."""
    Settings(value=1).save("a")
    text = "manifest: shop\nblocks: {settings/a: {value: 1}}"
    step = only(planned(memory_vault, text))
    assert (step.action, step.changes) == ("change", ())
    assert [(each.pointer, each.before, each.after) for each in step.notes] == [
        ("manifest", None, "shop")
    ]
    applied(memory_vault, text)
    assert memory_vault.document("settings/a").notes == Notes(manifest="shop", applied=2)


def test_a_block_of_another_manifest_is_not_touched(memory_vault: Vault) -> None:
    """Only when it is said to be taken over does it change, and its owner with it."""
    applied(memory_vault, "manifest: one\nblocks: {settings/a: {value: 1}, settings/b: {value: 1}}")
    text = "manifest: two\nblocks: {settings/a: {value: 2}, settings/c: {value: 1}}"

    plan = planned(memory_vault, text)
    assert plan.counts == {"take over": 1, "create": 1}
    [refused] = plan.refused
    assert "belongs to the manifest one" in refused.refusal
    with pytest.raises(ApplyRefused, match="settings/a: it belongs to the manifest one"):
        plan.apply()
    assert memory_vault.document("settings/a").version == 1

    assert applied(memory_vault, text, take_over=True) == ["settings/a@2", "settings/c@1"]
    assert memory_vault.document("settings/a").notes.manifest == "two"


def test_a_manifest_without_a_name_owns_nothing(memory_vault: Vault) -> None:
    """It may repeat what another manifest owns, and change only what is nobody's."""
    applied(memory_vault, "manifest: one\nblocks: {settings/a: {value: 1}}")
    assert planned(memory_vault, "blocks: {settings/a: {value: 1}}").counts == {"same": 1}
    assert planned(memory_vault, "blocks: {settings/a: {value: 2}}").refused
    applied(memory_vault, "blocks: {settings/a: {value: 2}}", take_over=True)
    assert memory_vault.document("settings/a").notes == Notes()


def test_drift_is_shown(memory_vault: Vault) -> None:
    """A block that others saved since, with another content, is shown with who did that."""
    text = "manifest: shop\nblocks: {settings/a: {value: 1}}"
    applied(memory_vault, text)
    Settings(value=2).save("a", overwrite=True)

    step = only(planned(memory_vault, text))
    assert told(step) == {"/value": ("changed", 2, 1)}
    assert step.drift is not None
    assert (step.drift.applied, step.drift.version) == (1, 2)
    assert step.drift.saved_by == memory_vault.document("settings/a").saved_by

    applied(memory_vault, text)
    changed = only(planned(memory_vault, text.replace("1", "3")))
    assert (changed.action, changed.drift) == ("change", None)


def test_no_drift_where_it_is_what_the_manifest_says(memory_vault: Vault) -> None:
    """Others may have saved what the manifest has; there is nothing to do then."""
    text = "manifest: shop\nblocks: {settings/a: {value: 1}}"
    applied(memory_vault, text)
    Settings(value=2).save("a", overwrite=True)
    Settings(value=1).save("a", overwrite=True)
    step = only(planned(memory_vault, text))
    assert (step.action, step.drift) == ("same", None)


# Pruning


def test_prune_deletes_what_the_manifest_owns_and_nothing_else(memory_vault: Vault) -> None:
    """Blocks of nobody, and of other manifests, stay; without --prune all stay."""
    applied(memory_vault, "manifest: other\nblocks: {settings/others: {value: 1}}")
    Settings(value=1).save("nobodys")
    a, b, c = (f"plantest-service/{name}" for name in "abc")
    applied(
        memory_vault,
        f"manifest: shop\nblocks: {{{a}: {{next: {{$block: {b}}}}}, {b}: {{next: {{$block: {c}}}}},"
        f" {c}: {{}}, settings/kept: {{value: 1}}}}",
    )
    text = "manifest: shop\nblocks: {settings/kept: {value: 1}}"
    assert planned(memory_vault, text).counts == {"same": 1}

    plan = planned(memory_vault, text, prune=True)
    assert [(str(step.address), step.action) for step in plan.steps] == [
        ("settings/kept", "same"),
        (a, "delete"),
        (b, "delete"),
        (c, "delete"),
    ]
    plan.apply()
    left = [f"{each.slug}/{each.name}" for each in memory_vault.documents()]
    assert left == ["settings/kept", "settings/nobodys", "settings/others"]


def test_prune_is_refused_while_others_use_it(memory_vault: Vault) -> None:
    """The users are named, in the manifest or not, and nothing is deleted."""
    a, b, c = (f"plantest-service/{name}" for name in "abc")
    applied(memory_vault, f"manifest: shop\nblocks: {{{a}: {{}}, {b}: {{}}}}")
    applied(memory_vault, f"blocks: {{{c}: {{next: {{$block: {a}}}}}}}")
    text = f"manifest: shop\nblocks: {{{b}: {{next: {{$block: {a}}}}}}}"
    plan = planned(memory_vault, text, prune=True)
    [refused] = plan.refused
    assert refused.refusal == f"{b}, {c} would still use it"
    with pytest.raises(ApplyRefused, match="would still use it"):
        plan.apply()
    assert len(memory_vault.documents()) == 3


def test_a_reference_that_goes_frees_what_is_pruned(memory_vault: Vault) -> None:
    """A block can go in the same step in which its last user stops using it."""
    a, b = "plantest-service/a", "plantest-service/b"
    applied(memory_vault, f"manifest: m\nblocks: {{{a}: {{next: {{$block: {b}}}}}, {b}: {{}}}}")
    plan = planned(memory_vault, f"manifest: m\nblocks: {{{a}: {{}}}}", prune=True)
    assert plan.counts == {"change": 1, "delete": 1}
    plan.apply()
    assert [str(each.address) for each in memory_vault.documents()] == [f"{a}@2"]


def test_prune_needs_a_name(memory_vault: Vault) -> None:
    """Without an owner there is nothing that could be pruned."""
    with pytest.raises(InvalidManifest, match="give the manifest a name"):
        planned(memory_vault, "blocks: {}", prune=True)


# What cannot be read


@pytest.fixture
def damaged(memory_vault: Vault) -> Vault:
    """A vault with one block that was changed in the database, and one whose class is gone."""
    for name in ("damaged", "whole"):
        BasicAuth(username="ann", password=Secret("first-password")).save(name)

    class Gone(Block):
        """A block whose class goes."""

        slug: ClassVar[str] = "plantest-gone"
        size: int = Field(1, description="A number.")

    Gone().save("g")
    del defined_blocks["plantest-gone"]
    execute(
        memory_vault,
        "UPDATE documents SET public = CAST(replace(CAST(public AS TEXT), 'ann', 'eve') AS BLOB)"
        " WHERE id = (SELECT id FROM blocks WHERE name = 'damaged')",
    )
    return memory_vault


DAMAGED = """
blocks:
  basic-auth/damaged: {username: ann, password: second-password}
  basic-auth/whole: {username: ann, password: second-password}
  plantest-gone/g: {size: 2}
"""


def test_unreadable_blocks_hinder_no_other(damaged: Vault) -> None:
    """Each is shown with its reason; the plan of the others is made; applying is refused."""
    plan = planned(damaged, DAMAGED)
    steps = {step.address.name: step for step in plan.steps}
    assert steps["whole"].action == "change"
    assert steps["damaged"].action == steps["g"].action == "unreadable"
    assert "changed" in steps["damaged"].reason
    assert "plantest-gone" in steps["g"].reason
    before = dumped(damaged)
    with pytest.raises(ApplyRefused) as caught:
        plan.apply()
    assert [address for address, _ in caught.value.refusals] == [
        "basic-auth/damaged",
        "plantest-gone/g",
    ]
    assert dumped(damaged) == before


def test_unreadable_blocks_can_be_replaced(damaged: Vault) -> None:
    """With --replace-unreadable, one that the manifest gives as a whole is written anew."""
    text = DAMAGED.partition("  plantest-gone")[0]
    plan = planned(damaged, text, replace_unreadable=True)
    assert [step.action for step in plan.steps] == ["replace", "change"]
    assert "changed" in plan.steps[0].reason
    plan.apply()
    loaded: Any = damaged.load("basic-auth/damaged")
    assert loaded.password.reveal() == "second-password"
    assert planned(damaged, text).counts == {"same": 2}


def test_an_unreadable_block_whose_secrets_are_kept_cannot_be_replaced(damaged: Vault) -> None:
    """What cannot be read cannot be kept."""
    text = "blocks: {basic-auth/damaged: {username: ann, password: {$kept: secret}}}"
    plan = planned(damaged, text, replace_unreadable=True)
    assert only(plan).action == "unreadable"
    assert "keeps secrets of it" in only(plan).refusal


def test_without_a_key_there_is_no_plan(
    memory_vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that is not there is one error, not one for each block."""
    text = "blocks: {settings/a: {value: 1}, settings/b: {value: 1}}"
    applied(memory_vault, text)
    monkeypatch.delenv("BRICKWORK_KEY")
    monkeypatch.setenv("BRICKWORK_KEY", "")
    with Vault.open(memory_vault.store.location) as locked, pytest.raises(KeyUnavailable):
        planned(locked, text)


# Applying


def test_a_plan_makes_no_vault(tmp_path: Path) -> None:
    """Planning on a vault that is not there changes nothing; applying makes it."""
    with Vault.open(str(tmp_path / "new.db")) as vault:
        plan = planned(vault, "blocks: {settings/a: {value: 1}}")
        assert not (tmp_path / "new.db").exists()
        plan.apply()
        assert vault.load("settings/a") == Settings(value=1)


@pytest.mark.parametrize("what", ["saved", "deleted", "created", "only read"])
def test_what_changed_since_the_plan_stops_it(memory_vault: Vault, what: str) -> None:
    """A block that is not any more what it was when planned: nothing at all is changed."""
    Settings(value=1).save("a")
    Settings(value=1).save("same")
    text = "blocks: {settings/a: {value: 2}, settings/new: {value: 2}, settings/same: {value: 1}}"
    plan = planned(memory_vault, text)
    if what == "saved":
        Settings(value=3).save("a", overwrite=True)
    elif what == "deleted":
        memory_vault.delete("settings/a")
    elif what == "created":
        Settings(value=2).save("new")
    else:
        Settings(value=4).save("same", overwrite=True)
    before = dumped(memory_vault)
    with pytest.raises(VersionConflict, match="nothing was changed"):
        plan.apply()
    assert dumped(memory_vault) == before


def test_all_of_it_or_nothing(memory_vault: Vault) -> None:
    """A failure at the last block leaves the vault as it was."""
    Settings(value=1).save("a")
    refuse_z = (
        "CREATE TRIGGER no_z BEFORE INSERT ON blocks WHEN NEW.name = 'z'"
        " BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    with closing(sqlite3.connect(memory_vault.store.location)) as database, database:
        database.execute(refuse_z)
    before = dumped(memory_vault)
    text = "blocks: {settings/a: {value: 2}, settings/b: {value: 1}, settings/z: {value: 1}}"
    with pytest.raises(StoreError):
        applied(memory_vault, text)
    assert dumped(memory_vault) == before


def test_a_short_secret_is_warned_of(memory_vault: Vault) -> None:
    """As when it is saved from Python."""
    from brickwork.masking import MaskingWarning

    with pytest.warns(MaskingWarning, match="secret/a: /value is too short"):
        applied(memory_vault, "blocks: {secret/a: {value: abc}}")
    assert memory_vault.load("secret/a", expect=SecretBlock).reveal() == "abc"


# Schema versions


class Old(Block):
    """A block as it was."""

    slug: ClassVar[str] = "plantest-moved"
    key: Secret[str] = Field(description="A secret.")
    size: int = Field(1, description="A number.")


class New(Block):
    """A block as it is."""

    __qualname__ = "Old"
    slug: ClassVar[str] = "plantest-moved"
    schema_version: ClassVar[int] = 2
    token: Secret[str] = Field(description="A secret.")
    size: int = Field(1, description="A number.")

    @migration(1)
    @staticmethod
    def _key_became_token(fields: dict[str, Any]) -> dict[str, Any]:
        if fields["size"] == 13:
            raise RuntimeError("not this one")
        fields["token"] = fields.pop("key")
        return fields


def test_documents_of_old_schema_versions_are_compared_as_they_are_today(
    memory_vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only needs its migration is the same; kept secrets are found where they moved."""
    monkeypatch.setitem(defined_blocks, "plantest-moved", Old)
    Old(key=Secret("a-long-token")).save("a")
    Old(key=Secret("a-long-token"), size=13).save("bad")
    monkeypatch.setitem(defined_blocks, "plantest-moved", New)
    kept = "blocks: {plantest-moved/a: {token: {$kept: secret}, size: %s}}"
    assert planned(memory_vault, kept % 1).counts == {"same": 1}
    step = only(planned(memory_vault, kept % 2))
    assert told(step) == {"/size": ("changed", 1, 2)}
    applied(memory_vault, kept % 2)
    loaded: Any = memory_vault.load("plantest-moved/a")
    assert loaded.token.reveal() == "a-long-token"

    bad = "blocks: {plantest-moved/bad: {token: another-token}}"
    assert "migration" in only(planned(memory_vault, bad)).reason
    applied(memory_vault, bad, replace_unreadable=True)
    assert planned(memory_vault, bad).counts == {"same": 1}
