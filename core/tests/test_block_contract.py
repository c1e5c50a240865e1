"""The contract of blocks catches blocks that are broken, each by the assertion meant for it."""

import sys
import time
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_serializer, field_validator

from brickwork import Block, CheckReport, Finding, Secret, Vault, migration
from brickwork.testing import BlockContract, GoldenDocument

TOKEN = "xoxb-4711-0815-abcdef"


class Options(BaseModel):
    """Options of a service."""

    model_config = ConfigDict(frozen=True)

    timeout: float = Field(10.0, description="Seconds.")
    tokens: dict[str, Secret[str]] = Field(default_factory=dict, description="More tokens.")


class Login(Block):
    """Who logs in."""

    slug: ClassVar[str] = "contracttest-login"

    token: Secret[str] = Field(description="The token.")


class Service(Block):
    """A service, with everything that a block can have.

    Examples:
        >>> north = Service(
        ...     login={"token": "xoxb-in-an-example"},
        ...     others=[],
        ...     options={"timeout": 5},
        ...     region="north",
        ... )
        >>> north.save("north")
        Document('contracttest-service/north@1')
        >>> Service.load("north").login
        Login(token=Secret('********'))
    """

    slug: ClassVar[str] = "contracttest-service"
    schema_version: ClassVar[int] = 2

    login: Login = Field(description="Who logs in.")
    others: list[Login] = Field(description="Who else may.")
    options: Options = Field(description="How to connect.")
    region: str = Field(description="Where.")

    @migration(1)
    @staticmethod
    def _zone_became_region(fields: dict[str, Any]) -> dict[str, Any]:
        fields["region"] = fields.pop("zone")
        return fields


def service() -> Service:
    """Return a good one."""
    return Service.model_validate(
        {
            "login": {"token": TOKEN},
            "others": [{"token": TOKEN + "1"}],
            "options": {"timeout": 3, "tokens": {"a": TOKEN + "2"}},
            "region": "north",
        }
    )


class TestGoodBlock(BlockContract):
    """A block with nested blocks, secrets at depth and a migration keeps the contract."""

    @pytest.fixture
    def block(self) -> Block:
        return service()

    @property
    def golden_documents(self) -> list[GoldenDocument]:
        new = service()
        old = {
            "login": new.login,
            "others": new.others,
            "options": {"timeout": 3.0, "tokens": {"a": Secret(TOKEN + "2")}},
            "zone": "north",
        }
        return [GoldenDocument(1, old, new)]


CONTRACT = BlockContract()


def caught(assertion: str, block: Block, *more: Any, contract: BlockContract = CONTRACT) -> str:
    """Return what an assertion of the contract says of a block; fail if it says nothing."""
    with pytest.raises(AssertionError) as failed:
        getattr(contract, assertion)(block, *more)
    return str(failed.value)


def test_the_schema_describes_without_examples() -> None:
    """What editors and forms show of a block is what it is, at any depth; not how it is coded."""

    class Inner(Block):
        """Inside.

        Examples:
            >>> Inner()
        """

    class Outer(Block):
        """Outside, in two parts.

        The second.

        Examples:
            >>> Outer()
        """

        inner: Inner = Field(description="What is inside.")

    schema = Outer.model_json_schema()
    assert schema["description"] == "Outside, in two parts.\n\nThe second."
    assert schema["$defs"]["Inner"]["description"] == "Inside."


def test_an_example_that_lacks_or_lies_is_caught() -> None:
    """The docstring shows how the block is made, and what it shows is so."""

    class Untold(Block):
        """Untold."""

        slug: ClassVar[str] = "contracttest-untold"

    class Lying(Block):
        """Lying.

        Examples:
            >>> Lying().slug
            'contracttest-true'
        """

        slug: ClassVar[str] = "contracttest-lying"

    assertion = "test_its_example_does_what_it_says"
    assert "show in the docstring" in caught(assertion, Untold(), {})
    assert "'contracttest-lying'" in caught(assertion, Lying(), {})


def test_a_secret_held_as_text_is_caught() -> None:
    """A field named like a secret must be a Secret, also inside a model of its own."""

    class Inner(BaseModel):
        """Inner."""

        api_key: str | None = Field(None, description="The key.")

    class Plain(Block):
        """Plain."""

        slug: ClassVar[str] = "contracttest-plain"
        password: str = Field(description="The password.")
        token_count: int = Field(1, description="How many.")
        inner: Inner = Field(default=Inner(), description="More.")

    told = caught("test_secrets_are_typed_as_secrets", Plain(password=TOKEN))
    assert "Plain.password" in told
    assert "Inner.api_key" in told
    assert "token_count" not in told


def test_an_undescribed_field_is_caught() -> None:
    """A field without a description, at any depth, is named; so is a class without a docstring."""

    class Inner(BaseModel):
        """Inner."""

        size: int = 1

    class Undescribed(Block):
        """Undescribed."""

        slug: ClassVar[str] = "contracttest-undescribed"
        inners: dict[str, list[Inner]] = Field(default_factory=dict, description="Inners.")

    class Silent(Block):
        slug: ClassVar[str] = "contracttest-silent"

    assert "Inner.size" in caught("test_it_is_described", Undescribed())
    assert "docstring" in caught("test_it_is_described", Silent())


def test_a_field_that_the_example_leaves_out_is_caught() -> None:
    """An example that leaves a field to its default would prove nothing about it."""
    partial = Service.model_validate({**dict(service()), "options": {}})
    fewer = partial.model_copy(update={})
    fewer.model_fields_set.discard("region")
    assert "region" in caught("test_the_example_sets_every_field", fewer, [])
    assert "8 characters" in caught("test_the_example_sets_every_field", service(), ["short"])


def test_a_repr_that_leaks_is_caught() -> None:
    """A repr that reveals a secret fails the contract."""

    class Leaky(Block):
        """Leaky."""

        slug: ClassVar[str] = "contracttest-leaky"
        token: Secret[str] = Field(description="The token.")

        def __repr__(self) -> str:
            return f"Leaky({self.token.reveal()})"

    told = caught("test_secrets_never_show", Leaky(token=Secret(TOKEN)), [TOKEN])
    assert "repr" in told
    assert TOKEN not in told


def test_a_serializer_that_leaks_is_caught(memory_vault: object) -> None:
    """A serializer that reveals a secret fails: it would be stored and dumped in clear."""

    class Revealing(Block):
        """Revealing."""

        slug: ClassVar[str] = "contracttest-revealing"
        token: Secret[str] = Field(description="The token.")

        @field_serializer("token")
        def _reveal(self, token: Secret[str]) -> str:
            return token.reveal()

    block = Revealing(token=Secret(TOKEN))
    assert "dump" in caught("test_secrets_never_show", block, [TOKEN])
    assert "document" in caught("test_a_document_shows_no_secret", block, [TOKEN], memory_vault)


def test_an_error_that_leaks_is_caught() -> None:
    """A validator that raises something with the secret in it fails the contract."""

    class Quoting(Block):
        """Quoting."""

        slug: ClassVar[str] = "contracttest-quoting"
        size: int = Field(description="A size.")

        @field_validator("size", mode="before")
        @classmethod
        def _whole(cls, size: object) -> object:
            if not isinstance(size, int):
                raise RuntimeError("not a number")
            return size

    assert "RuntimeError" in caught("test_errors_show_no_secret", Quoting(size=1), [])


def test_a_wrong_prefix_is_caught() -> None:
    """The slug of a class in a plugin's package must begin with the plugin's name."""

    class Stray(Block):
        """Stray."""

        slug: ClassVar[str] = "contracttest-stray"

    Stray.__module__ = "brickwork_aws.stray"
    assert "aws-" in caught("test_slug", Stray())

    class Nameless(Login):
        """Has only its parent's slug."""

    assert "of its own" in caught("test_slug", Nameless(token=Secret(TOKEN)))


def test_a_class_that_nobody_offers_is_caught() -> None:
    """A slug that leads to another class fails the contract."""

    class Twin(Block):
        """Twin."""

        slug: ClassVar[str] = "contracttest-twin"

    first = Twin()

    class Twin(Block):  # type: ignore[no-redef]  # on purpose: a second of that name
        """Twin."""

        slug: ClassVar[str] = "contracttest-twin"

    assert "another class" in caught("test_the_slug_leads_to_the_class", first)


IO = {
    "connect": "import socket; socket.socket().connect_ex(('127.0.0.1', 9))",
    "open for writing": "open('/tmp/brickwork-contract-probe', 'w').close()",
    "mkdir": "import os; os.path.isdir('x') or os.mkdir('x')",
    "subprocess": "import subprocess; subprocess.run(['true'], check=True)",
    "user": "import os\ntry: open(os.path.expanduser('~/.netrc'))\nexcept OSError: pass",
    "sqlite3": "import sqlite3; sqlite3.connect(':memory:').close()",
    "environment (ACME)": "import os; os.environ['ACME'] = 'on'",
    "threads": "import threading as t; t.Thread(target=t.Event().wait, daemon=True).start()",
    "logging": "import logging; logging.basicConfig()",
    "fails": "import no_such_module_4711",
    "ended the process": "import os; os._exit(0)",
}


@pytest.mark.parametrize("what", IO)
def test_io_at_import_is_caught(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that connects, writes, starts a process or reads a user's file is named for it."""
    name = f"contracttest_{list(IO).index(what)}"
    source = f"""
from typing import ClassVar
from brickwork import Block
import sys
if "pytest" not in sys.modules:
    exec({IO[what]!r})
class Busy(Block):
    slug: ClassVar[str] = "{name.replace("_", "-")}"
"""
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    module = __import__(name)
    try:
        told = caught("test_importing_the_class_does_no_io", module.Busy())
    finally:
        del sys.modules[name]
    assert what in told


@pytest.mark.parametrize("default", [Secret("changeme"), "changeme", b"changeme"])
def test_a_secret_in_the_code_is_caught(default: Any) -> None:
    """Everybody who uses the package would have the same, and know it."""

    class Shared(Block):
        """Shared."""

        slug: ClassVar[str] = "contracttest-shared"

        token: Secret[Any] = Field(default, description="The token.")

    assert "Shared.token" in caught("test_no_secret_has_a_default", Shared())


def test_state_beside_the_fields_is_caught() -> None:
    """A block that is not equal to its copies, or that can be changed, fails the contract."""

    class Stateful(Block):
        """Stateful."""

        slug: ClassVar[str] = "contracttest-stateful"
        _id: int = PrivateAttr(default_factory=time.perf_counter_ns)

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Stateful) and self._id == other._id

        def __hash__(self) -> int:
            return self._id

    class Loose(Block):
        """Loose."""

        slug: ClassVar[str] = "contracttest-loose"
        size: int = Field(description="A size.")

        def __setattr__(self, name: str, value: object) -> None:
            self.__dict__[name] = value

    assert "not equal" in caught("test_copies_are_equal", Stateful())
    with pytest.raises(AssertionError, match="size can be assigned to"):
        CONTRACT.test_it_cannot_be_changed(Loose(size=1))


@pytest.mark.usefixtures("memory_vault")
def test_a_field_that_changes_at_each_validation_is_caught() -> None:
    """A validator that is not idempotent makes a new version of what was only loaded."""

    class Growing(Block):
        """Growing."""

        slug: ClassVar[str] = "contracttest-growing"
        path: str = Field(description="A path.")

        @field_validator("path")
        @classmethod
        def _slash(cls, path: str) -> str:
            return path + "/"

    with pytest.raises(Exception, match="would not come back"):
        CONTRACT.test_it_comes_back_equal(Growing(path="a"))


def test_a_secret_that_no_reference_can_stand_for_is_caught(
    memory_vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A validator that changes each text is not the same for one that was fetched."""

    class Prefixed(Block):
        """Prefixed."""

        slug: ClassVar[str] = "contracttest-prefixed"
        token: Secret[str] = Field(description="The token.")

        @field_validator("token")
        @classmethod
        def _prefixed(cls, token: Secret[str]) -> Secret[str]:
            return Secret(f"Bearer {token.reveal()}")

    with pytest.raises(AssertionError, match="With references for its secrets it came back"):
        CONTRACT.test_secrets_can_be_references(
            Prefixed.model_validate({"token": "a-long-token"}), memory_vault, monkeypatch
        )


@pytest.mark.usefixtures("memory_vault")
def test_a_field_that_cannot_be_stored_is_caught() -> None:
    """A field of a type that JSON cannot carry fails the contract."""

    class Opaque(Block):
        """Opaque."""

        model_config = ConfigDict(arbitrary_types_allowed=True)
        slug: ClassVar[str] = "contracttest-opaque"
        thing: object = Field(description="Anything.")

    with pytest.raises(Exception, match="cannot be stored"):
        CONTRACT.test_it_comes_back_equal(Opaque(thing=object()))


def test_a_pickle_with_a_secret_is_caught() -> None:
    """A block that pickles its secrets fails the contract."""

    class Open(Block):
        """Open."""

        slug: ClassVar[str] = "contracttest-open"
        token: Secret[str] = Field(description="The token.")

        def __reduce_ex__(self, protocol: Any) -> Any:
            return (str, (self.token.reveal(),))

    with pytest.raises(AssertionError, match="must raise SecretExposed"):
        CONTRACT.test_pickling(Open(token=Secret(TOKEN)), [TOKEN])


def test_old_documents_that_are_lost_are_caught() -> None:
    """A schema version without its golden document, and one that does not load, are named."""

    class Missing(BlockContract):
        """Gives no golden document."""

    class Lost(BlockContract):
        """Gives one that the class cannot read."""

        golden_documents = [GoldenDocument(1, {"zone": 1, "more": 2}, service())]

    class Wrong(BlockContract):
        """Expects another block."""

        golden_documents = [
            GoldenDocument(1, {**dict(service()), "zone": "south"}, service()),
        ]

    told = caught("test_old_documents_still_load", service(), contract=Missing())
    assert "[1]" in told
    assert "is lost" in caught("test_old_documents_still_load", service(), contract=Lost())
    told = caught("test_old_documents_still_load", service(), contract=Wrong())
    assert "is lost" in told or "another block" in told


class Checked(Block):
    """Answers what it is told to."""

    slug: ClassVar[str] = "contracttest-checked"
    how: str = Field(description="How to answer.")

    def check(self) -> CheckReport:
        """Answer."""
        if self.how == "hang":
            time.sleep(3)
        if self.how == "raise":
            raise ConnectionError(TOKEN)
        if self.how == "leak":
            return CheckReport((Finding("ok", "login", f"as {TOKEN}"),))
        if self.how == "no fix":
            return CheckReport((Finding("failed", "login"),))
        return CheckReport() if self.how == "empty" else None  # type: ignore[return-value]  # on purpose


class Hasty(BlockContract):
    """Waits for a short time only."""

    check_seconds = 0.2


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("hang", "took longer"),
        ("raise", "raised ConnectionError"),
        ("leak", "shows in its check"),
        ("no fix", "what to do next"),
        ("empty", "what it looked at"),
        ("none", "NoneType"),
    ],
)
def test_a_bad_check_is_caught(how: str, told: str) -> None:
    """A check that hangs, raises, leaks, or says nothing of use fails the contract."""
    said = caught("test_check", Checked(how=how), [TOKEN], contract=Hasty())
    assert told in said
    assert TOKEN not in said


def test_a_twin_that_is_no_coroutine_is_caught() -> None:
    """An async twin that returns an awaitable without being a coroutine fails the contract."""

    class Guessing(Block):
        """Guessing."""

        slug: ClassVar[str] = "contracttest-guessing"

        def acheck(self) -> Any:
            return self.check()

    assert "acheck" in caught("test_async_twins_are_coroutines", Guessing())


def test_an_open_schema_is_caught() -> None:
    """A block that takes unknown fields fails the contract."""

    class Open(Block):
        """Open."""

        model_config = ConfigDict(extra="ignore")
        slug: ClassVar[str] = "contracttest-ignoring"

    with pytest.raises((AssertionError, KeyError)):
        CONTRACT.test_schema(Open())
    with pytest.raises(AssertionError, match="must raise InvalidBlock"):
        CONTRACT.test_unknown_fields_are_refused(Open())
