"""The interface of resolvers: they fetch what references such as ``${env:NAME}`` stand for."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from brickwork.errors import ResolveError
from brickwork.secret import Secret


class Resolver(ABC):
    """Fetches the values of references of one scheme: ``${scheme:path#field}``.

    Attributes:
        scheme: The text before the colon.
        ttl_seconds: How long a fetched value, or a failure, may be kept.
    """

    scheme: ClassVar[str]
    ttl_seconds: ClassVar[float] = 300.0

    @abstractmethod
    def resolve(self, path: str, field: str | None = None) -> Secret[str]:
        """Fetch one value.

        Args:
            path: What stands between the colon and ``#``.
            field: What stands after ``#``, for values that are maps.

        Raises:
            ResolveError: It does not exist, or cannot be fetched; names the reference, not a value.
        """

    def resolve_many(
        self, references: Sequence[tuple[str, str | None]]
    ) -> Mapping[tuple[str, str | None], Secret[str] | ResolveError]:
        """Fetch many, in as few calls as the service allows; the default asks one by one.

        A reference that fails has its error as its value, so that it hinders no other.
        """
        answers: dict[tuple[str, str | None], Secret[str] | ResolveError] = {}
        for path, field in references:
            try:
                answers[path, field] = self.resolve(path, field)
            except ResolveError as error:
                answers[path, field] = error
        return answers

    def write(self, path: str, field: str | None, value: Secret[str]) -> None:  # noqa: ARG002  # for those that can
        """Write a value where `resolve` finds it; by default refused, for many can only read.

        What is not there is made; other fields of the same path stay as they are.

        Args:
            path: What stands between the colon and ``#``.
            field: What stands after ``#``; None for the whole.
            value: The value.

        Raises:
            ResolveError: It cannot be written; names the reference, not the value.
        """
        named = f"{self.scheme}:{path}" + ("" if field is None else f"#{field}")
        raise ResolveError(
            f"${{{named}}} can be read, not written.", fix="Change the value where it is kept."
        )
