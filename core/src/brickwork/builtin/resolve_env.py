"""References to environment variables: ``${env:NAME}``, ``${env:NAME#field}``."""

import os
from typing import ClassVar

from brickwork.builtin.json_fields import pick
from brickwork.errors import ResolveError
from brickwork.resolver import Resolver
from brickwork.secret import Secret


class EnvResolver(Resolver):
    """Reads environment variables, each time anew.

    ``#field`` takes one entry of a variable that holds a JSON object.
    """

    scheme: ClassVar[str] = "env"
    ttl_seconds: ClassVar[float] = 0.0

    def resolve(self, path: str, field: str | None = None) -> Secret[str]:  # noqa: D102  # inherited
        try:
            value = os.environ.get(path)
        except ValueError:  # a NUL
            value = None
        if value is None:
            raise ResolveError(
                f"${{env:{path}}}: the environment variable {path!r} is not set.",
                fix=f"Set {path}, or correct the reference.",
            )
        return Secret(value if field is None else pick(value, field, f"${{env:{path}#{field}}}"))
