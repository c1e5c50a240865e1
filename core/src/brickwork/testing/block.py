"""The contract of blocks."""

import copy
import inspect
import json
import logging
import os
import pickle
import re
import threading
import traceback
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, get_args

import pytest
from pydantic import BaseModel, ValidationError

from brickwork import (
    Block,
    BlockError,
    CheckReport,
    InvalidBlock,
    MigrationError,
    Secret,
    SecretExposed,
    Vault,
    WrongKey,
)
from brickwork.block import check_slug
from brickwork.testing.base import Contract
from brickwork.testing.import_probe import io_of_import
from brickwork.testing.leaks import leaks
from brickwork.vault.codec import build

_SECRET_NAME = re.compile(
    r"(^|_)(password|passwd|passphrase|secret|token|api_?key|private_?key|webhook_?url)$"
)


class GoldenDocument(NamedTuple):
    """A document of an old release.

    Attributes:
        schema_version: The one it was saved with.
        fields: Its fields: JSON values, `Secret` objects, blocks.
        expected: The block that it must become today.
    """

    schema_version: int
    fields: dict[str, Any]
    expected: Block


class BlockContract(Contract):
    """What every block must do. Give an instance with every field set::

        class TestSlackCredentials(BlockContract):
            @pytest.fixture
            def block(self):
                return SlackCredentials(token="xoxb-1234567890-abcdef")

    Its secrets are found by themselves; let each have 8 characters or more. What `check` talks to
    must be on 127.0.0.1, or nowhere.
    """

    unset: ClassVar[frozenset[str]] = frozenset()
    """Fields that `block` cannot set, since they exclude others."""
    public_fields: ClassVar[frozenset[str]] = frozenset()
    """Fields that are named like a secret, and are none."""
    check_seconds: ClassVar[float] = 30.0
    """The longest that `check` may take, in seconds."""

    @pytest.fixture
    def block(self) -> Block:
        """An instance with every field set."""
        raise NotImplementedError("the contract needs a fixture `block`")

    @pytest.fixture
    def secrets(self, block: Block) -> list[str]:
        """What must never show: by default the secrets that are found in the block."""
        return [_text(secret) for secret in _found(block, Secret)]

    @property
    def golden_documents(self) -> Sequence[GoldenDocument]:
        """Documents of old schema versions; one at least for each version before today's."""
        return ()

    # The class

    def test_the_example_sets_every_field(self, block: Block, secrets: list[str]) -> None:
        """The instance sets every field, so that no assertion passes for want of a value."""
        missing = set(type(block).model_fields) - block.model_fields_set - self.unset
        assert not missing, f"Set {sorted(missing)} in `block`, or name them in `unset`."
        assert all(len(secret) >= 8 for secret in secrets), (
            "Give secrets of 8 characters or more: shorter ones cannot be found in a leak."
        )

    def test_importing_the_class_does_no_io(self, block: Block) -> None:
        """Importing its module writes, connects and starts nothing, and reads no file of a user."""
        done = io_of_import(type(block))
        assert not done, (
            f"Importing {type(block).__module__} does {', '.join(done)}: move it into the method "
            "that needs it."
        )

    def test_slug(self, block: Block) -> None:
        """It has a slug of its own, which begins with its plugin's name."""
        cls = type(block)
        slug = cls.__dict__.get("slug")
        assert slug, f"Give {cls.__name__} a `slug: ClassVar[str]` of its own."
        check_slug(slug)
        plugins = _plugins_of(cls)
        assert not plugins or slug.partition("-")[0] in plugins, (
            f"The slug {slug!r} must begin with its plugin's entry-point name and a hyphen: "
            f"{' or '.join(f'{name}-' for name in sorted(plugins))}."
        )

    def test_the_slug_leads_to_the_class(self, block: Block) -> None:
        """Whoever loads the slug gets this class."""
        from brickwork.registry.current import get_registry

        assert get_registry().block_class(type(block).slug) is type(block), (
            f"{type(block).slug!r} leads to another class: offer it in the hook brickwork_blocks."
        )

    def test_it_is_described(self, block: Block) -> None:
        """The class has a docstring, and every field, at any depth, a description."""
        cls = type(block)
        assert cls.__dict__.get("__doc__"), f"Give {cls.__name__} a docstring: users see it."
        silent = [
            f"{model.__name__}.{name}"
            for model in _models(cls)
            for name, field in model.model_fields.items()
            if not (field.description or "").strip()
        ]
        assert not silent, f"Describe with Field(description=...): {', '.join(silent)}."

    def test_descriptions_cost_nothing_at_import(self, block: Block) -> None:
        """Descriptions stand in Field(): reading attribute docstrings parses source at import."""
        costly = [m.__name__ for m in _models(type(block)) if m.model_config.get(_ATTRIBUTE_DOCS)]
        assert not costly, f"Take use_attribute_docstrings out of {', '.join(costly)}."

    def test_secrets_are_typed_as_secrets(self, block: Block) -> None:
        """A field that is named like a secret is a `Secret`."""
        plain = [
            f"{model.__name__}.{name}"
            for model in _models(type(block))
            for name, field in model.model_fields.items()
            if _SECRET_NAME.search(name)
            and name not in self.public_fields
            and _holds_text(field.annotation)
        ]
        assert not plain, (
            f"{', '.join(plain)} would be stored and shown in clear: use Secret[str], or name it "
            "in `public_fields` if it is no secret."
        )

    def test_schema(self, block: Block) -> None:
        """Its JSON schema can be made, is closed, and marks the secrets."""
        schema = type(block).model_json_schema()
        assert json.loads(json.dumps(schema)) == schema, "The JSON schema is not JSON."
        assert schema["additionalProperties"] is False, "Unknown fields must be refused: 'forbid'."
        for name, field in type(block).model_fields.items():
            shown = schema["properties"][field.alias or name]
            marked = '"writeOnly": true' in json.dumps(shown)
            assert marked or not _is_secret(field.annotation), f"{name} must be marked writeOnly."

    def test_unknown_fields_are_refused(self, block: Block) -> None:
        """A misspelt field is an error that names it."""
        with pytest.raises(InvalidBlock) as caught:
            type(block)(**_fields(block), no_such_field_4711=1)
        assert "no_such_field_4711" in str(caught.value), "The error must name the field."

    # The value

    def test_it_cannot_be_changed(self, block: Block) -> None:
        """Assigning to a field raises, and changes nothing."""
        before = _fields(block)
        for name, value in before.items():
            with pytest.raises((InvalidBlock, AttributeError, ValidationError)):
                setattr(block, name, value)
        assert _fields(block) == before, "Keep the model frozen."

    def test_copies_are_equal(self, block: Block) -> None:
        """Copies, and a block made of the same fields, are equal and have the same hash."""
        for other in (
            copy.copy(block),
            copy.deepcopy(block),
            block.model_copy(),
            type(block)(**_fields(block)),
        ):
            assert other == block, "A copy is not equal: keep no state beside the fields."
            assert hash(other) == hash(block), "Equal blocks must have equal hashes."

    def test_secrets_never_show(self, block: Block, secrets: list[str]) -> None:
        """No secret is in repr, str, a dump, the schema, a log line, a traceback with locals."""
        shown = {
            "repr": repr(block),
            "str": str(block),
            "format": f"{block}",
            "the repr of its dump": repr(block.model_dump()),
            "its schema": json.dumps(type(block).model_json_schema()),
            "a log line": _logged(block),
            "a traceback with locals": _traceback_with(block),
            "what JSON makes of it": _refused_json(block),
        }
        for name in _fields(block):
            shown[f"the repr of .{name}"] = repr(getattr(block, name))
        _assert_hidden(secrets, shown)

    def test_errors_show_no_secret(self, block: Block, secrets: list[str]) -> None:
        """A mistake in one field shows no secret of the others."""
        shown: dict[str, str] = {}
        for name in _fields(block):
            try:
                type(block)(**{**_fields(block), name: object()})
            except InvalidBlock as error:
                chain = [error.__cause__, error.__context__]
                shown[f"the error for {name}"] = f"{error!r} {error} {error.problems} {chain}"
            except Exception as error:  # noqa: BLE001  # named by its type: it may quote a secret
                raise AssertionError(
                    f"A wrong {name} raised {type(error).__name__}: a validator must raise "
                    "ValueError, which becomes InvalidBlock."
                ) from None
        _assert_hidden(secrets, shown)

    # Saving and loading

    @pytest.mark.usefixtures("memory_vault")
    def test_it_comes_back_equal(self, block: Block) -> None:
        """What is saved is loaded equal, by its class and by its address."""
        block.save("contract")
        assert type(block).load("contract") == block, "It came back different."
        loaded = Block.load(f"{block.slug}/contract")
        assert type(loaded) is type(block), "It came back as another class."
        assert loaded.address == block.address, "It came back with another address."

    @pytest.mark.usefixtures("memory_vault")
    def test_saving_again_adds_no_version(self, block: Block) -> None:
        """Saving it again, or what was loaded, is no new version."""
        block.save("contract")
        assert type(block)(**_fields(block)).save("contract").version == 1
        assert type(block).load("contract").save("contract").version == 1, (
            "A loaded block is saved as something else: its fields change at each validation."
        )

    def test_a_document_shows_no_secret(
        self, block: Block, secrets: list[str], memory_vault: Vault
    ) -> None:
        """Listing a vault shows public fields only."""
        block.save("contract")
        document = memory_vault.document(f"{block.slug}/contract")
        record = memory_vault.store.get(block.slug, "contract")
        assert record is not None
        stored = f"{record.public!r} {record.sealed!r}"
        _assert_hidden(secrets, {"its document": repr(document.fields), "the database": stored})

    def test_blocks_inside_are_kept_as_references(self, block: Block, memory_vault: Vault) -> None:
        """A block inside that is saved on its own is kept as a reference to it."""
        children = list(_found(block, Block, inside=True))
        for number, child in enumerate(children):
            child.save(f"child-{number}")
        block.save("contract")
        uses = {use[:2] for use in memory_vault.document(f"{block.slug}/contract").uses}
        assert uses == {child.address[:2] for child in children if child.address}, (
            "A saved block inside is not kept as a reference."
        )
        loaded = type(block).load("contract")
        assert loaded == block, "It came back different with references inside."

    def test_another_key_is_a_typed_error(
        self, block: Block, memory_vault: Vault, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With another key loading raises WrongKey, and listing still works."""
        block.save("contract")
        monkeypatch.setenv("ANOTHER_KEY", urlsafe_b64encode(os.urandom(32)).decode())
        with Vault.open(memory_vault.store.location, keys="env:ANOTHER_KEY") as other:
            with pytest.raises(WrongKey):
                other.load(f"{block.slug}/contract")
            assert [each.name for each in other.documents(block.slug)] == ["contract"]

    @pytest.mark.usefixtures("memory_vault")
    def test_pickling(self, block: Block, secrets: list[str]) -> None:
        """A saved block pickles as its address; one with secrets that is not saved refuses."""
        fresh = type(block)(**_fields(block))
        if secrets:
            with pytest.raises(SecretExposed):
                pickle.dumps(fresh)
        else:
            assert pickle.loads(pickle.dumps(fresh)) == fresh  # noqa: S301  # our own
        block.save("contract")
        pickled = pickle.dumps(block)
        _assert_hidden(secrets, {"its pickle": pickled})
        assert pickle.loads(pickled) == block, "It is another block after pickling."  # noqa: S301  # our own

    def test_old_documents_still_load(self, block: Block) -> None:
        """Each document of an old release becomes the block that it stood for."""
        cls = type(block)
        golden = self.golden_documents
        missing = set(range(1, cls.schema_version)) - {each.schema_version for each in golden}
        assert not missing, (
            f"{cls.__name__} is at schema version {cls.schema_version}: give `golden_documents` of "
            f"the versions {sorted(missing)}."
        )
        for document in golden:
            try:
                lifted = build(cls, document.schema_version, copy.deepcopy(document.fields))
            except MigrationError as error:
                raise AssertionError(
                    f"A document of schema version {document.schema_version} is lost: {error}"
                ) from None
            assert lifted == document.expected, (
                f"A document of schema version {document.schema_version} became another block."
            )

    # Checking

    def test_check(self, block: Block, secrets: list[str]) -> None:
        """`check` answers in time with findings, raises nothing and shows no secret."""
        report = _in_time(block, self.check_seconds)
        assert isinstance(report, CheckReport), f"check() returned a {type(report).__name__}."
        assert report.findings, "check() must say what it looked at, if only that it skipped it."
        for finding in report.findings:
            assert finding.status in ("ok", "warning", "failed", "skipped"), finding.status
            assert finding.what, "A finding must say what was looked at."
            assert finding.fix or finding.status != "failed", (
                f"The finding {finding.what!r} failed and must say what to do next (fix=)."
            )
        _assert_hidden(secrets, {"its check": repr(report)})

    def test_async_twins_are_coroutines(self, block: Block) -> None:
        """asave, aload and acheck are coroutine functions: nothing guesses who is calling."""
        for name in ("asave", "aload", "acheck"):
            assert inspect.iscoroutinefunction(getattr(block, name)), f"Declare `async def {name}`."


_ATTRIBUTE_DOCS = "use_attribute_docstrings"


def _fields(block: BaseModel) -> dict[str, Any]:
    return {name: getattr(block, name) for name in type(block).model_fields}


def _found(value: object, kind: type[Any], *, inside: bool = False) -> Iterator[Any]:
    """Yield what is of a kind in a value, at any depth; ``inside`` leaves out the value itself."""
    if isinstance(value, kind) and not inside:
        yield value
    if isinstance(value, BaseModel):
        parts: list[Any] = list(_fields(value).values())
    elif isinstance(value, Mapping):
        parts = [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple | set | frozenset):
        parts = list(value)
    else:
        parts = []
    for part in parts:
        yield from _found(part, kind)


def _text(secret: Secret[Any]) -> str:
    value = secret.reveal()
    return value if isinstance(value, str) else value.decode("latin-1")


def _models(cls: type[BaseModel]) -> list[type[BaseModel]]:
    """Return a model and the models in its fields, at any depth."""
    found: dict[type[BaseModel], None] = {}
    waiting: list[Any] = [cls]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, type) and issubclass(each, BaseModel):
            if each not in found and each is not Block:
                found[each] = None
                waiting += [field.annotation for field in each.model_fields.values()]
        else:
            waiting += get_args(each)
    return list(found)


def _is_secret(annotation: Any) -> bool:
    if getattr(annotation, "__origin__", annotation) is Secret:
        return True
    return any(_is_secret(part) for part in get_args(annotation))


def _holds_text(annotation: Any) -> bool:
    """Tell whether a type takes a plain text; inside a model, its own fields are looked at."""
    if getattr(annotation, "__origin__", annotation) is Secret:
        return False
    return annotation in (str, bytes, Any) or any(map(_holds_text, get_args(annotation)))


def _plugins_of(cls: type[Block]) -> set[str]:
    """Return the entry-point names of the plugins that live in the package of a class."""
    from importlib.metadata import entry_points

    package = cls.__module__.partition(".")[0]
    return {
        point.name
        for point in entry_points(group="brickwork")
        if point.value.partition(".")[0] == package
    }


def _assert_hidden(secrets: list[str], shown: Mapping[str, str | bytes]) -> None:
    for secret in secrets:
        where = [name for name, text in shown.items() if leaks(secret, text)]
        assert not where, f"A secret shows in {', '.join(where)}."


def _logged(block: Block) -> str:
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]  # the smallest handler there is
    logger = logging.Logger("brickwork.contract")
    logger.addHandler(handler)
    logger.warning("the block %s %r", block, block)
    return "\n".join(lines)


def _traceback_with(block: Block) -> str:
    try:
        held = block  # noqa: F841  # a local variable, for the traceback to show
        raise LookupError("on purpose")
    except LookupError as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(told.format())


def _refused_json(block: Block) -> str:
    try:
        return block.model_dump_json()
    except BlockError as error:
        return f"{error} {error.__cause__!r} {error.__context__!r}"


def _in_time(block: Block, seconds: float) -> object:
    answers: list[object] = []

    def run() -> None:
        try:
            answers.append(block.check())
        except BaseException as error:  # noqa: BLE001  # told below, by its type
            answers.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert answers, f"check() took longer than {seconds} s: give everything in it a time-out."
    answer = answers[0]
    if isinstance(answer, BaseException):  # not `assert`, of which pytest shows the values
        raise AssertionError(
            f"check() raised {type(answer).__name__}: it must report that as a failed finding."
        )
    return answer
