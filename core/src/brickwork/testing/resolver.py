"""The contract of resolvers."""

import re
from functools import partial
from typing import ClassVar

import pytest

from brickwork import ResolveError, Resolver, Secret
from brickwork.testing.base import Contract, assert_raises
from brickwork.testing.leaks import leaks

Reference = tuple[str, str | None]
"""What stands in a reference after the scheme: the path, and the field or None."""


class ResolverContract(Contract):
    """What every resolver must do.

    Give three fixtures: ``resolver``; ``known``, references that it can fetch, each with its value;
    ``unknown``, references to what does not exist::

        class TestEnvResolver(ResolverContract):
            @pytest.fixture
            def resolver(self, monkeypatch):
                monkeypatch.setenv("APP_PASSWORD", "correct horse battery")
                return EnvResolver()

            @pytest.fixture
            def known(self):
                return {("APP_PASSWORD", None): "correct horse battery"}

            @pytest.fixture
            def unknown(self):
                return [("APP_NOTHING", None)]
    """

    has_fields: ClassVar[bool] = False
    """True if a reference can name a field after ``#``; `known` then has one that does."""

    @pytest.fixture
    def resolver(self) -> Resolver:
        """The resolver, which has the values of `known` within reach."""
        raise NotImplementedError("the contract needs a fixture `resolver`")

    @pytest.fixture
    def known(self) -> dict[Reference, str]:
        """References that can be fetched, each with its value of at least 8 characters."""
        raise NotImplementedError("the contract needs a fixture `known`")

    @pytest.fixture
    def unknown(self) -> list[Reference]:
        """References to what does not exist."""
        raise NotImplementedError("the contract needs a fixture `unknown`")

    @pytest.fixture
    def writable(self) -> Reference | None:
        """A reference that can be written; None, the default, if the resolver only reads."""
        return None

    def test_the_examples_prove_something(
        self, known: dict[Reference, str], unknown: list[Reference]
    ) -> None:
        """There are references of both sorts, and values long enough to be looked for."""
        assert known, "Give at least one reference that can be fetched in `known`."
        assert unknown, "Give at least one reference to nothing in `unknown`."
        assert not set(known) & set(unknown), "A reference is in `known` and in `unknown`."
        short = [path for (path, _), value in known.items() if len(value) < 8]
        assert not short, f"Give values of 8 characters or more, to be found in a leak: {short}"
        if self.has_fields:
            assert any(field for _, field in known), "has_fields is set: name a field in `known`."

    def test_scheme(self, resolver: Resolver) -> None:
        """The scheme is a word that fits into a reference."""
        scheme = type(resolver).scheme
        assert re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme), (
            f"{scheme!r} is no scheme: use lower-case letters, digits and hyphens."
        )

    def test_ttl(self, resolver: Resolver) -> None:
        """Values and failures may be kept for a time that ends."""
        seconds = resolver.ttl_seconds
        assert 0 <= seconds <= 86_400, (
            f"ttl_seconds is {seconds}: a rotated secret must arrive within a day."
        )

    def test_it_fetches_values(self, resolver: Resolver, known: dict[Reference, str]) -> None:
        """Each known reference gives its value, as a secret."""
        for (path, field), value in known.items():
            found = resolver.resolve(path, field)
            assert isinstance(found, Secret), (
                f"resolve() returned a {type(found).__name__} for {path!r}: wrap it in Secret."
            )
            assert found.reveal() == value, f"resolve() returned another value for {path!r}."

    def test_fetching_again_gives_the_same(
        self, resolver: Resolver, known: dict[Reference, str]
    ) -> None:
        """Fetching changes nothing: a second time gives the same."""
        for path, field in known:
            assert resolver.resolve(path, field) == resolver.resolve(path, field), (
                f"Two calls of resolve({path!r}) differ, with nothing changed in between."
            )

    def test_what_is_missing_is_an_error(
        self, resolver: Resolver, unknown: list[Reference]
    ) -> None:
        """What does not exist raises ResolveError that names the reference and a fix."""
        for path, field in unknown:
            error = _error_of(resolver, path, field)
            assert path in str(error), f"ResolveError must name the reference {path!r}."
            assert error.fix, f"ResolveError for {path!r} must say what to do next (fix=)."
            assert error.__suppress_context__ or error.__context__ is None, (
                "Raise ResolveError `from None`: a vendor's error may quote what it read."
            )

    def test_a_field_of_nothing_is_an_error(
        self, resolver: Resolver, known: dict[Reference, str]
    ) -> None:
        """A field that is not there raises ResolveError, and never gives the whole value."""
        for path, _ in known:
            _error_of(resolver, path, "no-such-field-4711")

    def test_what_is_written_is_fetched(
        self, resolver: Resolver, writable: Reference | None
    ) -> None:
        """What was written is what the next fetch gives, over what was there too."""
        if writable is None:
            pytest.skip("no `writable` is given: the resolver only reads")
        for value in ("first written value", 'second: "quoted" {value}, \u00e9'):
            resolver.write(*writable, Secret(value))
            found = resolver.resolve(*writable).reveal()
            assert found == value, (
                f"After write() of {writable[0]!r}, resolve() gave another value: write where "
                "resolve() reads, as it is."
            )

    def test_writing_one_field_keeps_the_others(
        self, resolver: Resolver, known: dict[Reference, str], writable: Reference | None
    ) -> None:
        """A written field changes no other field of the same path."""
        if writable is None or writable[1] is None:
            pytest.skip("no `writable` with a field is given")
        beside = {
            (path, field): value
            for (path, field), value in known.items()
            if path == writable[0] and field not in (None, writable[1])
        }
        assert beside, f"Give in `known` another field of {writable[0]!r}, to see that it stays."
        resolver.write(*writable, Secret("another written value"))
        for (path, field), value in beside.items():
            assert resolver.resolve(path, field).reveal() == value, (
                f"write() of the field {writable[1]!r} changed the field {field!r} of {path!r}."
            )

    def test_what_cannot_be_written_is_an_error(
        self, resolver: Resolver, known: dict[Reference, str], writable: Reference | None
    ) -> None:
        """A resolver that only reads says so, and shows no value."""
        if writable is not None:
            pytest.skip("the resolver can write")
        (path, field), before = next(iter(known.items()))
        value = "a value that nobody wrote"
        write = partial(resolver.write, path, field, Secret(value))
        error = assert_raises(ResolveError, write, "writing where that cannot be done")
        assert getattr(error, "fix", ""), "ResolveError of write() must say what to do next (fix=)."
        assert value not in str(error), "ResolveError of write() shows the value."
        assert resolver.resolve(path, field).reveal() == before, "A refused write() has written."

    def test_a_hostile_path_is_an_error(self, resolver: Resolver) -> None:
        """Odd paths raise ResolveError, not what the service or the system makes of them."""
        for path in ("", "\0", "no/such\nthing", "../../../no-such-thing", "x" * 5000, "-h", "é#?"):
            _error_of(resolver, path, None)

    def test_many_at_once_are_as_one_by_one(
        self, resolver: Resolver, known: dict[Reference, str], unknown: list[Reference]
    ) -> None:
        """`resolve_many` answers every reference; those that fail hinder no other."""
        asked = [*unknown, *known, *known]
        answers = resolver.resolve_many(asked)
        assert set(answers) == set(asked), "resolve_many() must answer every reference, no others."
        for reference, value in known.items():
            answer = answers[reference]
            assert isinstance(answer, Secret), f"resolve_many() failed for {reference[0]!r}."
            assert answer.reveal() == value, f"resolve_many() mixed up {reference[0]!r}."
        for reference in unknown:
            assert isinstance(answers[reference], ResolveError), (
                f"resolve_many() must give the ResolveError of {reference[0]!r} as its answer."
            )
        assert not resolver.resolve_many([]), "resolve_many([]) has nothing to answer."

    def test_values_never_show(
        self, resolver: Resolver, known: dict[Reference, str], unknown: list[Reference]
    ) -> None:
        """Neither the resolver nor its errors show a value that it fetched."""
        answers = resolver.resolve_many(list(known))
        errors = [_error_of(resolver, path, field) for path, field in unknown]
        errors += [_error_of(resolver, path, "no-such-field-4711") for path, _ in known]
        shown = [repr(resolver), str(resolver), repr(answers)]
        for error in errors:
            shown += [str(error), repr(error), repr(error.__cause__), repr(vars(error))]
        for value in known.values():
            found = [text for text in shown if leaks(value, text)]
            assert not found, "A fetched value shows: in the resolver's repr or in an error."


def _error_of(resolver: Resolver, path: str, field: str | None) -> ResolveError:
    try:
        resolver.resolve(path, field)
    except ResolveError as error:
        return error
    except Exception as error:  # noqa: BLE001  # named by its type: its text may show a value
        raise AssertionError(
            f"resolve({path[:50]!r}, {field!r}) raised {type(error).__name__}: turn it into "
            "ResolveError, `from None`."
        ) from None
    raise AssertionError(
        f"resolve({path[:50]!r}, {field!r}) returned a value where there is none: raise "
        "ResolveError."
    )
