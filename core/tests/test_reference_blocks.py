"""Blocks with references: defined, loaded, saved again, renamed, protected, explained."""

import json
import pickle
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import pytest
from pydantic import Field

from brickwork import (
    Block,
    BlockError,
    BlockExists,
    BlockInUse,
    BlockNotFound,
    InvalidBlock,
    Notes,
    Registry,
    ResolveError,
    Resolver,
    Secret,
    Vault,
    migration,
)
from brickwork.registry import use_registry
from brickwork.vault.rewriting import written_fields


class Account(Block):
    """A block with fields of many types."""

    slug: ClassVar[str] = "reftest-account"
    login: str = "nobody"
    port: int = 1
    verify: bool = True
    password: Secret[str] | None = None
    raw: Secret[bytes] | None = None
    hosts: list[str] = Field(default_factory=list)
    tokens: dict[str, Secret[str]] = Field(default_factory=dict)
    more: dict[str, Any] = Field(default_factory=dict)


class Holder(Block):
    """A block that holds others."""

    slug: ClassVar[str] = "reftest-holder"
    account: Account
    either: Account | None = None
    any_block: Block | None = None


class Remote(Resolver):
    """Counts what it is asked for."""

    scheme: ClassVar[str] = "remote"
    ttl_seconds: ClassVar[float] = 60.0
    calls: ClassVar[list[list[str]]] = []
    known: ClassVar[dict[str, str]] = {}

    def resolve(self, path: str, field: str | None = None) -> Secret[str]:
        """Return what is known."""
        return _only(self.resolve_many([(path, field)]))

    def resolve_many(
        self, references: Sequence[tuple[str, str | None]]
    ) -> Mapping[tuple[str, str | None], Secret[str] | ResolveError]:
        """Return what is known, in one call."""
        self.calls.append([path for path, _ in references])
        return {
            (path, field): Secret(self.known[path])
            if path in self.known
            else ResolveError(f"${{remote:{path}}}: there is none.", fix="Make it.")
            for path, field in references
        }


def _only(answers: Mapping[tuple[str, str | None], Secret[str] | ResolveError]) -> Secret[str]:
    [answer] = answers.values()
    if isinstance(answer, ResolveError):
        raise answer
    return answer


class _WithRemote(Registry):
    def resolver(self, scheme: str) -> type[Resolver]:
        return Remote if scheme == "remote" else super().resolver(scheme)


@pytest.fixture
def remote() -> Iterator[type[Remote]]:
    """The resolver of ``${remote:...}``, fresh."""
    Remote.calls.clear()
    Remote.known.clear()
    Remote.known.update(token="a-remote-token", user="remote-user")
    with use_registry(_WithRemote(discover=False)):
        yield Remote


@pytest.fixture
def vault(memory_vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Vault:
    """A vault, and variables to refer to."""
    monkeypatch.setenv("APP_PASSWORD", "correct horse battery")
    monkeypatch.setenv("APP_PORT", "5432")
    monkeypatch.setenv("APP_HOST", "db.example.com")
    return memory_vault


def test_references_are_fetched_at_load_into_fields_of_every_type(vault: Vault) -> None:
    """Text, number, bool, secret, bytes, in lists and maps; whole and inside text."""
    vault.define(
        "reftest-account/a",
        {
            "login": "me@${env:APP_HOST}:${env:APP_PORT}",
            "port": "${env:APP_PORT}",
            "password": "${env:APP_PASSWORD}",
            "raw": "${env:APP_PASSWORD}",
            "hosts": ["first", "${env:APP_HOST}"],
            "tokens": {"a": "${env:APP_PASSWORD}", "b": "literal-token"},
            "more": {"deep": [{"x": "${env:APP_PORT}"}]},
        },
    )
    found = vault.load("reftest-account/a", expect=Account)
    assert found == Account(
        login="me@db.example.com:5432",
        port=5432,
        password=Secret("correct horse battery"),
        raw=Secret(b"correct horse battery"),
        hosts=["first", "db.example.com"],
        tokens={"a": Secret("correct horse battery"), "b": Secret("literal-token")},
        more={"deep": [{"x": "5432"}]},
    )


def test_a_changed_value_reaches_the_next_load(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is saved is the reference, not what it gave when it was saved."""
    vault.define("reftest-account/a", {"login": "${env:APP_HOST}"})
    monkeypatch.setenv("APP_HOST", "other.example.com")
    assert vault.load("reftest-account/a", expect=Account).login == "other.example.com"


def test_literal_text_stays_literal(vault: Vault) -> None:
    """In a block that is saved as a value, and in written fields by `$${`."""
    tricky = "$${a} ${env:APP_HOST} ${"
    vault.save(Account(login=tricky, password=Secret(tricky)), "value")
    assert vault.load("reftest-account/value") == Account(login=tricky, password=Secret(tricky))
    vault.define("reftest-account/written", {"login": "$${env:APP_HOST} costs $5"})
    loaded = vault.load("reftest-account/written", expect=Account)
    assert loaded.login == "${env:APP_HOST} costs $5"


def test_saving_a_loaded_block_keeps_its_references(vault: Vault) -> None:
    """Under another name, and as a changed copy; a changed field loses its own."""
    vault.define(
        "reftest-account/a", {"login": "${env:APP_HOST}", "password": "${env:APP_PASSWORD}"}
    )
    loaded = vault.load("reftest-account/a", expect=Account)
    vault.save(loaded, "b")
    vault.save(loaded.model_copy(update={"login": "somebody"}), "a", overwrite=True)
    vault.save(loaded.model_copy(), "c")
    texts = {d.name: (d.fields["login"], d.fields["password"]) for d in vault.documents()}
    assert texts == {
        "a": ("somebody", "${env:APP_PASSWORD}"),
        "b": ("${env:APP_HOST}", "${env:APP_PASSWORD}"),
        "c": ("${env:APP_HOST}", "${env:APP_PASSWORD}"),
    }


def test_saving_what_was_loaded_adds_no_version(vault: Vault) -> None:
    """Neither as a block nor as the same written fields."""
    fields = {"login": "x ${env:APP_HOST}", "password": "p-${env:APP_PASSWORD}", "hosts": ["a"]}
    vault.define("reftest-account/a", fields)
    assert vault.save(vault.load("reftest-account/a"), "a", overwrite=True).version == 1
    assert vault.define("reftest-account/a", fields).version == 1


def test_references_of_inner_blocks_stay_with_them(vault: Vault) -> None:
    """An inner block without an address is saved inside with its references; alone too."""
    vault.define(
        "reftest-holder/h",
        {
            "account": {"login": "${env:APP_HOST}", "port": "7"},
            "any_block": {"$type": "reftest-account", "password": "${env:APP_PASSWORD}"},
        },
    )
    held = vault.load("reftest-holder/h", expect=Holder)
    assert held.account == Account(login="db.example.com", port=7)
    assert held.any_block == Account(password=Secret("correct horse battery"))
    vault.save(held, "again")
    assert (
        vault.document("reftest-holder/again").fields == vault.document("reftest-holder/h").fields
    )
    vault.save(held.account, "alone")
    assert vault.document("reftest-account/alone").fields["login"] == "${env:APP_HOST}"


def test_secret_text_beside_a_reference_is_sealed(vault: Vault) -> None:
    """It may be half of a password: it stands nowhere in clear, and neither does its length."""
    vault.define("reftest-account/a", {"password": "hunter2-${env:APP_PASSWORD}-tail"})
    record = vault.store.get("reftest-account", "a")
    assert record is not None
    assert b"hunter2" not in record.public
    assert b"APP_PASSWORD" not in record.public
    loaded = vault.load("reftest-account/a", expect=Account)
    assert loaded.password == Secret("hunter2-correct horse battery-tail")
    vault.save(loaded, "b")
    vault.rename("reftest-account/b", "c")
    assert vault.load("reftest-account/c") == loaded


def test_a_block_can_be_defined_where_its_references_cannot_be_fetched(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is stored is the same as where they can be; loading there says what lacks."""
    fields = {
        "port": "${env:APP_PORT}",
        "login": "u-${env:APP_HOST}",
        "tokens": {"a": "${env:APP_PASSWORD}", "b": "literal"},
        "verify": "no",
    }
    here = vault.define("reftest-account/here", fields)
    for name in ("APP_PORT", "APP_HOST"):
        monkeypatch.delenv(name)
    there = vault.define("reftest-account/there", fields)
    assert there.fields == here.fields
    assert vault.define("reftest-account/here", fields).version == 1
    with pytest.raises(ResolveError) as caught:
        vault.load("reftest-account/there")
    text = str(caught.value)
    assert "port: ${env:APP_PORT}" in text
    assert "login: ${env:APP_HOST}" in text
    assert "reftest-account/there@1" in text
    assert "Set APP_HOST" in text


@pytest.mark.parametrize("set_", [True, False], ids=["fetched", "not fetched"])
def test_wrong_fields_are_refused_all_at_once(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, *, set_: bool
) -> None:
    """Unknown names, wrong types, broken references; nothing is saved."""
    if not set_:
        monkeypatch.delenv("APP_HOST")
    with pytest.raises(InvalidBlock) as caught:
        vault.define(
            "reftest-account/a",
            {
                "login": "${env:APP_HOST}",
                "prot": 1,
                "hosts": ["${env"],
                "password": {"$kept": "secret"},
            },
        )
    assert {problem.path for problem in caught.value.problems} == {"prot", "hosts.0", "password"}
    with pytest.raises(InvalidBlock) as caught:
        vault.define(
            "reftest-account/a", {"login": "${env:APP_HOST}", "port": "many", "verify": []}
        )
    assert {problem.path for problem in caught.value.problems} == {"port", "verify"}
    assert vault.documents() == []


def test_a_value_that_does_not_fit_is_named_without_showing_it(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text that a reference gave may be a secret, also where a number belongs."""
    vault.define("reftest-account/a", {"port": "${env:APP_PORT}"})
    monkeypatch.setenv("APP_PORT", "hunter2-is-no-port")
    with pytest.raises(BlockError) as caught:
        vault.load("reftest-account/a")
    text = "".join([str(caught.value), *caught.value.__notes__])
    assert "port" in text
    assert "reftest-account/a@1" in text
    assert "hunter2" not in text


def test_what_is_not_there_yet_can_be_kept_as_a_child(vault: Vault) -> None:
    """A child must be saved first, and then protects from its deletion."""
    fields = {"account": {"$block": "reftest-account/a"}}
    with pytest.raises(BlockNotFound, match="reftest-account/a"):
        vault.define("reftest-holder/h", fields)
    vault.define("reftest-account/a", {"login": "${env:APP_HOST}"})
    vault.define("reftest-holder/h", fields)
    assert vault.load("reftest-holder/h", expect=Holder).account.login == "db.example.com"
    with pytest.raises(BlockInUse, match="reftest-holder/h"):
        vault.delete("reftest-account/a")


def test_kept_secrets_stay(vault: Vault) -> None:
    """`$kept` is what is saved there now, literal or with references; written fields say so."""
    vault.define(
        "reftest-account/a",
        {
            "password": "p-${env:APP_HOST}",
            "tokens": {"t": "literal"},
            "raw": {"$bytes": "AP8B/gL9"},
        },
    )
    record = vault.store.get("reftest-account", "a")
    assert record is not None
    written = written_fields(record)
    kept = {"$kept": "secret"}
    assert (written["password"], written["tokens"], written["raw"]) == (kept, {"t": kept}, kept)
    assert vault.define("reftest-account/a", written).version == 1
    changed = vault.define("reftest-account/a", {**written, "login": "new"}, overwrite=True)
    assert changed.version == 2
    loaded = vault.load("reftest-account/a", expect=Account)
    assert loaded.password == Secret("p-db.example.com")
    assert loaded.tokens == {"t": Secret("literal")}
    assert loaded.raw == Secret(b"\x00\xff\x01\xfe\x02\xfd")


def test_written_fields_with_their_secrets_make_an_equal_block(vault: Vault) -> None:
    """Every kind of value, keys with signs in them, and inner blocks."""
    original = Holder(
        account=Account(
            login="${env:X} $${y}",
            password=Secret("${env:Z}"),
            raw=Secret(b"\x00\xff\x01\xfe\x02\xfd"),
            more={"$block": "no block", "$$x": [{"a/b~c": None}], "n": 1.5},
        ),
        any_block=Account(tokens={"$a": Secret("t" * 8)}),
    )
    vault.save(original, "a")
    record = vault.store.get("reftest-holder", "a")
    assert record is not None
    written = written_fields(record, vault._reader.secrets_of(record))
    vault.define("reftest-holder/b", json.loads(json.dumps(written)))
    assert vault.load("reftest-holder/b") == original


def test_a_field_of_another_block_can_be_referred_to(vault: Vault) -> None:
    """The newest or one version of it; the only field needs no name; other types come as JSON."""
    vault.define("reftest-account/a", {"password": "first-password", "hosts": ["x", "y"]})
    vault.define("reftest-account/a", {"password": "second-password"}, overwrite=True)
    vault.define("secret/s", {"value": "the-only-field"})
    vault.define(
        "reftest-account/b",
        {
            "login": "${block:reftest-account/a@1#hosts.1}",
            "port": "${block:reftest-account/a#port}",
            "password": "${block:reftest-account/a#password}!",
            "tokens": {"a": "${block:secret/s}", "b": "${block:reftest-account/a@1#password}"},
            "hosts": ["${block:reftest-account/a@1#hosts}"],
        },
    )
    assert vault.load("reftest-account/b") == Account(
        login="y",
        password=Secret("second-password!"),
        tokens={"a": Secret("the-only-field"), "b": Secret("first-password")},
        hosts=['["x", "y"]'],
    )


def test_blocks_referred_to_are_protected_and_renamed(vault: Vault) -> None:
    """Also where the reference stands in sealed text."""
    vault.define("secret/s", {"value": "the-password"})
    vault.define(
        "reftest-account/a",
        {"login": "${block:secret/s}", "password": "sealed ${block:secret/s#value}"},
    )
    assert [str(each) for each in vault.used_by("secret/s")] == ["reftest-account/a@1"]
    with pytest.raises(BlockInUse):
        vault.delete("secret/s")
    vault.rename("secret/s", "renamed")
    loaded = vault.load("reftest-account/a", expect=Account)
    assert loaded.password == Secret("sealed the-password")
    assert vault.document("reftest-account/a").fields["login"] == "${block:secret/renamed}"
    assert [str(each) for each in vault.document("reftest-account/a").uses] == ["secret/renamed"]
    with pytest.raises(BlockInUse):
        vault.delete("secret/renamed")


def test_circles_of_references_are_refused(vault: Vault) -> None:
    """A block cannot refer to itself, nor through another one."""
    vault.define("reftest-account/a", {"login": "x"})
    vault.define("reftest-account/b", {"login": "${block:reftest-account/a#login}"})
    for target in ("a", "b"):
        with pytest.raises(BlockError, match="itself"):
            vault.define(
                "reftest-account/a",
                {"login": f"${{block:reftest-account/{target}#login}}"},
                overwrite=True,
            )
    assert vault.document("reftest-account/a").version == 1


@pytest.mark.parametrize(
    "reference",
    ["secret/no", "reftest-account/a", "reftest-account/a#no", "reftest-account/a#hosts.9"],
)
def test_a_reference_to_no_field_says_what_there_is(vault: Vault, reference: str) -> None:
    """Or that there is no such block."""
    vault.define("reftest-account/a", {"login": "x"})
    vault.define("secret/no", {"value": "x" * 8})
    vault.define("reftest-account/b", {"login": f"${{block:{reference}}}"})
    if reference == "secret/no":
        with vault.store.transaction():
            record = vault.store.get("secret", "no")
            assert record is not None
            vault.store.remove(record.block_id)
    with pytest.raises(ResolveError, match=reference.partition("#")[0]):
        vault.load("reftest-account/b")


def test_a_thousand_blocks_make_one_call(vault: Vault, remote: type[Remote]) -> None:
    """Distinct blocks with one remote reference: fetched once, also by many threads."""
    for number in range(1000):
        vault.define(f"reftest-account/n{number}", {"login": "${remote:user}", "port": number})
    vault._reader.resolutions.forget()
    remote.calls.clear()
    numbers = iter(range(1000))
    lock = threading.Lock()
    loaded: list[str] = []

    def load() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            loaded.append(vault.load(f"reftest-account/n{number}", expect=Account).login)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loaded == ["remote-user"] * 1000
    assert remote.calls == [["user"]]


def test_references_of_one_block_are_fetched_in_one_call(
    vault: Vault, remote: type[Remote]
) -> None:
    """Each once, whatever the number of fields."""
    vault.define(
        "reftest-account/a",
        {"login": "${remote:user}", "password": "${remote:token}", "hosts": ["${remote:user}"]},
    )
    vault._reader.resolutions.forget()
    remote.calls.clear()
    vault.load("reftest-account/a")
    assert remote.calls == [["user", "token"]]


def test_values_and_failures_are_kept_for_a_while(
    vault: Vault, remote: type[Remote], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values as long as the resolver says, failures for seconds; closing the vault forgets."""
    vault.define("reftest-account/a", {"login": "${remote:user}"})
    vault.define("reftest-account/b", {"login": "${remote:nothing}"})
    vault.load("reftest-account/a")
    with pytest.raises(ResolveError):
        vault.load("reftest-account/b")
    remote.calls.clear()
    remote.known.update(user="changed", nothing="there-now")
    with pytest.raises(ResolveError):
        vault.load("reftest-account/b")
    assert vault.load("reftest-account/a", expect=Account).login == "remote-user"
    assert remote.calls == []

    import time

    at = time.monotonic()
    monkeypatch.setattr("brickwork.vault.resolving.time.monotonic", lambda: at + 11)
    assert vault.load("reftest-account/b", expect=Account).login == "there-now"
    assert vault.load("reftest-account/a", expect=Account).login == "remote-user"
    monkeypatch.setattr("brickwork.vault.resolving.time.monotonic", lambda: at + 61)
    assert vault.load("reftest-account/a", expect=Account).login == "changed"
    remote.known["user"] = "again"
    vault.close()
    assert vault.load("reftest-account/a", expect=Account).login == "again"


def test_a_resolver_that_needs_itself_is_an_error(
    vault: Vault, remote: type[Remote], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when it takes its credentials from a block whose fields refer to it."""
    vault.define("reftest-account/own", {"login": "${remote:user}"})
    vault._reader.resolutions.forget()

    def resolve_many(self: Remote, references: object) -> object:
        del self, references
        return vault.load("reftest-account/own")

    monkeypatch.setattr(remote, "resolve_many", resolve_many)
    with pytest.raises(ResolveError, match="needs"):
        vault.load("reftest-account/own")


def test_an_unknown_scheme_says_what_to_install(vault: Vault) -> None:
    """At load; a manifest may be written where the plugin is not."""
    vault.define("reftest-account/a", {"login": "${nosuch:thing}"})
    with pytest.raises(ResolveError, match="nosuch"):
        vault.load("reftest-account/a")


def test_no_value_of_a_reference_is_stored(vault: Vault) -> None:
    """Neither in clear nor sealed: the document of the block knows the reference alone."""
    vault.define("reftest-account/a", {"password": "${env:APP_PASSWORD}"})
    record = vault.store.get("reftest-account", "a")
    assert record is not None
    assert vault._reader.secrets_of(record) == {}
    assert b"correct horse" not in record.public
    loaded = vault.load("reftest-account/a", expect=Account)
    assert pickle.loads(pickle.dumps(loaded)) == loaded  # our own
    assert b"correct horse" not in pickle.dumps(loaded)


def test_notes_stay_when_a_block_is_defined_anew(vault: Vault) -> None:
    """As they do when one is saved."""
    vault.define("reftest-account/a", {"login": "x"}, notes=Notes("what for", ("t",)))
    with pytest.raises(BlockExists):
        vault.define("reftest-account/a", {"login": "y"})
    document = vault.define("reftest-account/a", {"login": "${env:APP_HOST}"}, overwrite=True)
    assert document.notes == Notes("what for", ("t",))
    assert (document.version, document.fields["login"]) == (2, "${env:APP_HOST}")


class Moved(Block):
    """A block whose field was renamed in schema version 2."""

    slug: ClassVar[str] = "reftest-moved"
    schema_version: ClassVar[int] = 2
    host: str = ""

    @migration(1)
    @staticmethod
    def rename_server(fields: dict[str, Any]) -> dict[str, Any]:
        """`server` became `host`."""
        fields["host"] = fields.pop("server")
        return fields


def test_a_reference_moves_with_its_field(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration sees what the reference gave; saving keeps the reference in the new place."""
    vault.define("reftest-moved/m", {"host": "${env:APP_HOST}"})
    record = vault.store.get("reftest-moved", "m")
    assert record is not None
    old = record.public.replace(b"host", b"server")
    with vault.store.transaction():
        identity = vault._reader.identity_of(record)._replace(schema_version=1)
        sealed = vault._writer()._sealed(identity, old, vault._reader.secrets_of(record), ())
        vault.store.replace(sealed)
    monkeypatch.setenv("APP_HOST", "moved.example.com")
    loaded = vault.load("reftest-moved/m", expect=Moved)
    assert loaded.host == "moved.example.com"
    assert vault.save(loaded, "m", overwrite=True).fields == {"host": "${env:APP_HOST}"}


def test_explain_tells_where_each_value_comes_from(vault: Vault) -> None:
    """Saved, sealed, by reference, by another block and what that says; never a value."""
    vault.define(
        "reftest-account/a",
        {
            "login": "me@${env:APP_HOST}",
            "password": "half-${env:APP_PASSWORD}",
            "tokens": {"t": "x" * 9},
        },
    )
    vault.define("reftest-holder/h", {"account": {"$block": "reftest-account/a"}})
    found = {each.path: each for each in vault.explain("reftest-holder/h")}
    told = {path: (each.origin, each.source, each.secret) for path, each in found.items()}
    assert told == {
        "account": ("block", "reftest-account/a", False),
        "account.login": ("reference", "me@${env:APP_HOST}", False),
        "account.port": ("saved", "", False),
        "account.verify": ("saved", "", False),
        "account.password": ("reference", "${env:APP_PASSWORD}", True),
        "account.raw": ("saved", "", False),
        "account.hosts": ("saved", "", False),
        "account.tokens.t": ("sealed", "", True),
        "account.more": ("saved", "", False),
        "either": ("saved", "", False),
        "any_block": ("saved", "", False),
    }
    assert str(found["account.login"].saved_in) == "reftest-account/a@1"
    assert "half" not in repr(found)
    assert "x" * 9 not in repr(found)


def test_a_text_can_be_resolved_alone(vault: Vault) -> None:
    """Without a block; what is literal stays so, and what fails says why."""
    vault.define("secret/s", {"value": "the-password"})
    assert vault.resolve("${env:APP_HOST}:${block:secret/s}").reveal() == (
        "db.example.com:the-password"
    )
    assert vault.resolve("plain $${x}").reveal() == "plain ${x}"
    with pytest.raises(ResolveError, match=r"^\$\{env:APP_NOTHING\}"):
        vault.resolve("${env:APP_NOTHING}")
