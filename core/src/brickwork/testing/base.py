"""What all contracts share: inherited assertions cannot be dropped in silence."""

import os
from typing import Any, NoReturn


class Contract:
    """Base of every contract: subclass it, give its fixtures, inherit the assertions.

    An assertion that does not fit is not deleted or overridden but marked, in the subclass::

        @pytest.mark.xfail(reason="the service has no conditional write", strict=True)
        def test_write_if_absent_refuses(self, storage):
            super().test_write_if_absent_refuses(storage)

    Anything else is refused when the class is defined, so a green contract means what it says.
    """

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


def lacking(reason: str) -> NoReturn:
    """Skip a test for what is not installed; in CI (``CI`` is set) that is a failure."""
    import pytest

    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
