"""The contract of blocks."""

import copy
import inspect
import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from brickwork import (
    Block,
    CheckReport,
    InvalidBlock,
    MigrationError,
    Secret,
)
from brickwork.block import check_slug
from brickwork.testing.base import assert_raises, raised_by
from brickwork.testing.block_looks import (
    ATTRIBUTE_DOCS,
    assert_hidden,
    checked_in_time,
    clear_text,
    fields_of,
    found_in,
    holds_text,
    is_secret,
    logged,
    models_in,
    plugins_of,
    refused_json,
    traceback_with,
)
from brickwork.testing.block_saving import SavingContract
from brickwork.testing.examples import examples_in, run_examples
from brickwork.testing.golden import (
    GoldenDocument,
    assert_golden_loads,
    golden_name,
    golden_paths,
    version_of,
    write_golden,
)
from brickwork.testing.import_probe import io_of_import
from brickwork.vault.codec import build

_SECRET_NAME = re.compile(
    r"(^|_)(password|passwd|passphrase|secret|token|api_?key|private_?key|webhook_?url)$"
)


class BlockContract(SavingContract):
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
        return [clear_text(secret) for secret in found_in(block, Secret)]

    golden_folder: ClassVar[Path | None] = None
    """Where the package keeps documents of its releases, as `write_golden` writes them: one at
    least for each schema version, today's too. Give it once the package is released::

        golden_folder = Path(__file__).parent / "golden"
    """

    @pytest.fixture
    def golden_block(self, block: Block) -> Block:
        """What is written as the golden document of today; no value in it may be a real one."""
        return block

    @property
    def golden_documents(self) -> Sequence[GoldenDocument]:
        """Documents of old schema versions, and what each must become today."""
        return ()

    @pytest.fixture
    def example_names(self) -> Mapping[str, Any]:
        """Return what the docstring's example uses without importing it, beside the class."""
        return {}

    # The class

    @pytest.mark.usefixtures("memory_vault")
    def test_its_example_does_what_it_says(
        self, block: Block, example_names: Mapping[str, Any]
    ) -> None:
        """The docstring has an example, which runs, and gives what stands below it."""
        cls = type(block)
        assert any(cls.__name__ in each.source for each in examples_in(cls.__doc__)), (
            f"{cls.__name__}: show in the docstring how it is made and used, under Examples: after "
            ">>>, and in the next line what that gives."
        )
        run_examples(cls.__name__, cls.__doc__, {cls.__name__: cls, **example_names})

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
        plugins = plugins_of(cls)
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
            for model in models_in(cls)
            for name, field in model.model_fields.items()
            if not (field.description or "").strip()
        ]
        assert not silent, f"Describe with Field(description=...): {', '.join(silent)}."

    def test_descriptions_cost_nothing_at_import(self, block: Block) -> None:
        """Descriptions stand in Field(): reading attribute docstrings parses source at import."""
        costly = [m.__name__ for m in models_in(type(block)) if m.model_config.get(ATTRIBUTE_DOCS)]
        assert not costly, f"Take use_attribute_docstrings out of {', '.join(costly)}."

    def test_secrets_are_typed_as_secrets(self, block: Block) -> None:
        """A field that is named like a secret is a `Secret`."""
        plain = [
            f"{model.__name__}.{name}"
            for model in models_in(type(block))
            for name, field in model.model_fields.items()
            if _SECRET_NAME.search(name)
            and name not in self.public_fields
            and holds_text(field.annotation)
        ]
        assert not plain, (
            f"{', '.join(plain)} would be stored and shown in clear: use Secret[str], or name it "
            "in `public_fields` if it is no secret."
        )

    def test_no_secret_has_a_default(self, block: Block) -> None:
        """A secret that stands in the code is none, and every user has the same."""
        given = [
            f"{model.__name__}.{name}"
            for model in models_in(type(block))
            for name, field in model.model_fields.items()
            if is_secret(field.annotation)
            and any(
                clear_text(each) if isinstance(each, Secret) else each
                for each in found_in(field.default, Secret | str | bytes)
            )
        ]
        assert not given, f"Let {', '.join(given)} be required, or None by default."

    def test_schema(self, block: Block) -> None:
        """Its JSON schema can be made, is closed, and marks the secrets."""
        schema = type(block).model_json_schema()
        assert json.loads(json.dumps(schema)) == schema, "The JSON schema is not JSON."
        assert schema["additionalProperties"] is False, "Unknown fields must be refused: 'forbid'."
        for name, field in type(block).model_fields.items():
            shown = schema["properties"][field.alias or name]
            marked = '"writeOnly": true' in json.dumps(shown)
            assert marked or not is_secret(field.annotation), f"{name} must be marked writeOnly."

    def test_unknown_fields_are_refused(self, block: Block) -> None:
        """A misspelt field is an error that names it."""
        make = partial(type(block), **fields_of(block), no_such_field_4711=1)
        error = assert_raises(InvalidBlock, make, "a field that there is not")
        assert "no_such_field_4711" in str(error), "The error must name the field."

    # The value

    def test_it_cannot_be_changed(self, block: Block) -> None:
        """Assigning to a field raises, and changes nothing."""
        before = fields_of(block)
        for name, value in before.items():
            error = raised_by(partial(setattr, block, name, value))
            assert isinstance(error, InvalidBlock | AttributeError | ValidationError), (
                f"{name} can be assigned to: define no __setattr__, and keep the model frozen."
            )
        assert fields_of(block) == before, "Keep the model frozen."

    def test_copies_are_equal(self, block: Block) -> None:
        """Copies, and a block made of the same fields, are equal and have the same hash."""
        for other in (
            copy.copy(block),
            copy.deepcopy(block),
            block.model_copy(),
            type(block)(**fields_of(block)),
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
            "a log line": logged(block),
            "a traceback with locals": traceback_with(block),
            "what JSON makes of it": refused_json(block),
        }
        for name in fields_of(block):
            shown[f"the repr of .{name}"] = repr(getattr(block, name))
        assert_hidden(secrets, shown)

    def test_errors_show_no_secret(self, block: Block, secrets: list[str]) -> None:
        """A mistake in one field shows no secret of the others."""
        shown: dict[str, str] = {}
        for name in fields_of(block):
            try:
                type(block)(**{**fields_of(block), name: object()})
            except InvalidBlock as error:
                chain = [error.__cause__, error.__context__]
                shown[f"the error for {name}"] = f"{error!r} {error} {error.problems} {chain}"
            except Exception as error:  # noqa: BLE001  # named by its type: it may quote a secret
                raise AssertionError(
                    f"A wrong {name} raised {type(error).__name__}: a validator must raise "
                    "ValueError, which becomes InvalidBlock."
                ) from None
        assert_hidden(secrets, shown)

    def test_old_documents_still_load(self, block: Block) -> None:
        """Each document of an old release becomes the block that it stood for."""
        cls = type(block)
        golden = self.golden_documents
        known = {each.schema_version for each in golden}
        known |= {version_of(path) for path in golden_paths(self.golden_folder, cls.slug)}
        missing = set(range(1, cls.schema_version)) - known
        assert not missing, (
            f"{cls.__name__} is at schema version {cls.schema_version}: give `golden_documents` of "
            f"the versions {sorted(missing)}, or keep their files in `golden_folder`."
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

    def test_golden_documents_still_load(
        self, golden_block: Block, pytestconfig: pytest.Config
    ) -> None:
        """Documents in `golden_folder` load; those of today's schema version as what they were."""
        folder, cls = self.golden_folder, type(golden_block)
        if folder is None:
            pytest.skip("the package keeps no golden documents: see golden_folder")
        today = folder / golden_name(cls)
        if pytestconfig.getoption("write_golden_documents", default=False) and not today.exists():
            write_golden(golden_block, folder)
        assert today.exists(), (
            f"There is no document of {cls.__name__} in schema version {cls.schema_version}, "
            f"{today.name}: run `python -m pytest --write-golden-documents`, and keep the file."
        )
        for path in golden_paths(folder, cls.slug):
            assert_golden_loads(path, cls)

    # Checking

    def test_check(self, block: Block, secrets: list[str]) -> None:
        """`check` answers in time with findings, raises nothing and shows no secret."""
        report = checked_in_time(block, self.check_seconds)
        assert isinstance(report, CheckReport), f"check() returned a {type(report).__name__}."
        assert report.findings, "check() must say what it looked at, if only that it skipped it."
        for finding in report.findings:
            assert finding.status in ("ok", "warning", "failed", "skipped"), finding.status
            assert finding.what, "A finding must say what was looked at."
            assert finding.fix or finding.status != "failed", (
                f"The finding {finding.what!r} failed and must say what to do next (fix=)."
            )
        assert_hidden(secrets, {"its check": repr(report)})

    def test_async_twins_are_coroutines(self, block: Block) -> None:
        """asave, aload and acheck are coroutine functions: nothing guesses who is calling."""
        for name in ("asave", "aload", "acheck"):
            assert inspect.iscoroutinefunction(getattr(block, name)), f"Declare `async def {name}`."
