"""What all contracts share: inherited assertions cannot be dropped in silence."""

import os
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest

from brickwork.masking import masker

LACKING = "lacking: "
"""How the reason of a skip begins that is for what is not installed or cannot be reached."""


class Contract:
    """Base of every contract: subclass it, give its fixtures, inherit the assertions.

    An assertion that does not fit is not deleted or overridden but marked, in the subclass::

        @pytest.mark.xfail(
            reason="the service has no conditional write", raises=AssertionError, strict=True
        )
        def test_write_if_absent_refuses_to_overwrite(self, storage):
            super().test_write_if_absent_refuses_to_overwrite(storage)

    Anything else is refused when the class is defined, so a green contract means what it says.
    ``raises`` and ``strict`` keep the mark from hiding a broken fixture, or what holds by now.
    """

    @pytest.fixture(autouse=True)
    def only_own_secrets(self) -> Iterator[None]:
        """Forget the secrets of a test with it; those of fixtures with a wider scope stay."""
        with masker.forgetting():
            yield

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, value in vars(cls).items():
            if not name.startswith("test_"):
                continue
            inherited = any(name in vars(base) for base in cls.__mro__[1:])
            if inherited and not _excused(value):
                raise TypeError(
                    f"{cls.__qualname__}.{name} replaces an assertion of its contract. Remove it, "
                    'or mark it @pytest.mark.xfail(reason="why it cannot hold here").'
                )


def _excused(test: Any) -> bool:
    marks = getattr(test, "pytestmark", [])
    return any(mark.name == "xfail" and mark.kwargs.get("reason") for mark in marks)


def raised_by(function: Callable[[], object]) -> Exception | None:
    """Call a function, and return what it raised; so that a message can say what it should have."""
    try:
        function()
    except Exception as error:  # noqa: BLE001  # the assertion judges it
        return error
    return None


def assert_raises(
    kinds: type[Exception] | tuple[type[Exception], ...], function: Callable[[], object], when: str
) -> Exception:
    """Assert that a call raises such an error, and return it.

    Args:
        kinds: The error, or several.
        function: What to call.
        when: For the message: ``unwrapping with another key``.
    """
    error = raised_by(function)
    names = [kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,))]
    got = "nothing" if error is None else f"{type(error).__name__}: {error}"
    assert isinstance(error, kinds), f"{when} must raise {' or '.join(names)}, and raised {got}"
    return error


def lacking(reason: str) -> NoReturn:
    """Skip a test for what is not installed; in CI (``CI`` is set) that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(f"{LACKING}{reason}")
