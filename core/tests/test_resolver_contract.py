"""The contract of resolvers: one that keeps it, and broken ones that are caught."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

from brickwork import ResolveError, Resolver, Secret
from brickwork.testing import ResolverContract
from brickwork.testing.resolver import Reference

VALUES = {"app/db": {"": "correct horse battery", "user": "reports-login"}}


class DictResolver(Resolver):
    """Fetches from a dict: path to field to value."""

    scheme: ClassVar[str] = "dict"

    def resolve(self, path: str, field: str | None = None) -> Secret[str]:
        value = VALUES.get(path, {}).get(field or "")
        if value is None:
            raise ResolveError(
                f"${{dict:{path}{'#' + field if field else ''}}} does not exist.",
                fix="Name one that does.",
            )
        return Secret(value)


class TestDictResolver(ResolverContract):
    has_fields = True

    @pytest.fixture
    def resolver(self) -> Resolver:
        return DictResolver()

    @pytest.fixture
    def known(self) -> dict[Reference, str]:
        return KNOWN

    @pytest.fixture
    def unknown(self) -> list[Reference]:
        return UNKNOWN


KNOWN: dict[Reference, str] = {
    ("app/db", None): "correct horse battery",
    ("app/db", "user"): "reports-login",
}
UNKNOWN: list[Reference] = [("app/nothing", None), ("nothing", "user")]
WRITABLE: Reference = ("app/db", "host")


class WritableResolver(DictResolver):
    """Writes into its dict."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, str]] = {path: {**VALUES[path]} for path in VALUES}

    def resolve(self, path: str, field: str | None = None) -> Secret[str]:
        value = self.values.get(path, {}).get(field or "")
        return super().resolve(path, field) if value is None else Secret(value)

    def write(self, path: str, field: str | None, value: Secret[str]) -> None:
        self.values.setdefault(path, {})[field or ""] = value.reveal()


class TestWritableResolver(TestDictResolver):
    @pytest.fixture
    def resolver(self) -> Resolver:
        return WritableResolver()

    @pytest.fixture
    def writable(self) -> Reference:
        return WRITABLE


class Plain(DictResolver):
    """Returns the text itself."""

    def resolve(self, path: str, field: str | None = None) -> Any:
        return super().resolve(path, field).reveal()


class Forgetful(DictResolver):
    """Ignores the field."""

    def resolve(self, path: str, field: str | None = None) -> Secret[str]:
        return super().resolve(path)


class Untyped(DictResolver):
    """Raises what Python raises."""

    def resolve(self, path: str, field: str | None = None) -> Secret[str]:
        return Secret(VALUES[path][field or ""])


class Chained(DictResolver):
    """Raises with the vendor's error as the cause."""

    def resolve(self, path: str, field: str | None = None) -> Secret[str]:
        try:
            return Secret(VALUES[path][field or ""])
        except KeyError:
            raise ResolveError(f"{path} is missing in {VALUES}", fix="Mend it.")  # noqa: B904  # on purpose


class Vague(DictResolver):
    """Says neither what nor how to mend it."""

    def resolve(self, path: str, field: str | None = None) -> Secret[str]:
        try:
            return super().resolve(path, field)
        except ResolveError:
            pass
        raise ResolveError("It could not be fetched.")


class Empty(DictResolver):
    """Gives an empty value for what is missing."""

    def resolve(self, path: str, field: str | None = None) -> Secret[str]:
        return Secret(VALUES.get(path, {}).get(field or "", ""))


class AllOrNothing(DictResolver):
    """Fails as a whole."""

    def resolve_many(
        self, references: Sequence[Reference]
    ) -> Mapping[Reference, Secret[str] | ResolveError]:
        return {reference: self.resolve(*reference) for reference in references}


class Mixing(DictResolver):
    """Mixes up fields of one path."""

    def resolve_many(
        self, references: Sequence[Reference]
    ) -> Mapping[Reference, Secret[str] | ResolveError]:
        answers = super().resolve_many(references)
        return {
            (path, field): answers.get((path, None), answers[path, field])
            for path, field in answers
        }


class Showing(DictResolver):
    """Keeps what it fetched where a repr shows it."""

    def __repr__(self) -> str:
        return f"Showing({VALUES})"


class Misnamed(DictResolver):
    """Has no scheme that fits into a reference."""

    scheme = "My Dict"


class Eternal(DictResolver):
    """Keeps values for ever."""

    ttl_seconds = float("inf")


class Losing(WritableResolver):
    """Says that it has written."""

    def write(self, path: str, field: str | None, value: Secret[str]) -> None:
        pass


class Replacing(WritableResolver):
    """Writes a field over all of them."""

    def write(self, path: str, field: str | None, value: Secret[str]) -> None:
        self.values[path] = {"user": value.reveal(), field or "": value.reveal()}


class Telling(DictResolver):
    """Shows what it does not write."""

    def write(self, path: str, field: str | None, value: Secret[str]) -> None:
        raise ResolveError(f"{path} cannot become {value.reveal()}", fix="Do without.")


BROKEN: list[tuple[type[Resolver], str, str]] = [
    (Plain, "test_it_fetches_values", "wrap it in Secret"),
    (Forgetful, "test_a_field_of_nothing_is_an_error", "raise ResolveError"),
    (Forgetful, "test_it_fetches_values", "another value"),
    (Untyped, "test_what_is_missing_is_an_error", "KeyError"),
    (Untyped, "test_a_hostile_path_is_an_error", "KeyError"),
    (Chained, "test_what_is_missing_is_an_error", "from None"),
    (Chained, "test_values_never_show", "fetched value shows"),
    (Vague, "test_what_is_missing_is_an_error", "must name"),
    (Empty, "test_what_is_missing_is_an_error", "returned a value"),
    (AllOrNothing, "test_many_at_once_are_as_one_by_one", ""),
    (Mixing, "test_many_at_once_are_as_one_by_one", "mixed up"),
    (Showing, "test_values_never_show", "fetched value shows"),
    (Misnamed, "test_scheme", "no scheme"),
    (Eternal, "test_ttl", "within a day"),
    (Losing, "test_what_is_written_is_fetched", "${dict:app/db#host} does not exist"),
    (Replacing, "test_writing_one_field_keeps_the_others", "changed the field 'user'"),
    (Telling, "test_what_cannot_be_written_is_an_error", "shows the value"),
]


@pytest.mark.parametrize(("resolver", "assertion", "told"), BROKEN)
def test_a_broken_resolver_is_caught(resolver: type[Resolver], assertion: str, told: str) -> None:
    """Each broken resolver fails the assertion that is meant for it, with words that help."""
    writes = issubclass(resolver, WritableResolver)
    given: dict[str, Any] = {
        "resolver": resolver(),
        "known": KNOWN,
        "unknown": UNKNOWN,
        "writable": WRITABLE if writes else None,
    }
    test = getattr(ResolverContract(), assertion)
    names = test.__func__.__code__.co_varnames[1 : test.__func__.__code__.co_argcount]
    with pytest.raises((AssertionError, ResolveError)) as failed:
        test(**{name: given[name] for name in names})
    assert told in str(failed.value)


def test_examples_that_prove_nothing_are_caught() -> None:
    """No references, or values too short to be found in a leak, are refused."""
    contract = ResolverContract()
    short: dict[Reference, str] = {("a", None): "short"}
    for known, unknown in (({}, UNKNOWN), (KNOWN, []), (short, UNKNOWN)):
        with pytest.raises(AssertionError):
            contract.test_the_examples_prove_something(known, unknown)
