"""The key provider ``env``: the key is in an environment variable."""

import os
from typing import ClassVar, Self

from brickwork.builtin import wrapping
from brickwork.builtin.text_key import TextKey
from brickwork.errors import KeyUnavailable


class EnvKey(TextKey):
    """Takes the key from an environment variable, by default ``BRICKWORK_KEY``.

    The value is the URL-safe base64 of 32 bytes; padding and white space around it do not matter.
    The setting is the variable's name, in capitals. The variable is read whenever a root key is
    wrapped or unwrapped, and its value is kept nowhere.
    """

    name: ClassVar[str] = "env"
    default_variable: ClassVar[str] = "BRICKWORK_KEY"

    def __init__(self, variable: str = default_variable) -> None:
        self.variable = variable

    @classmethod
    def open(cls, setting: str) -> Self:
        """Make one from the name of a variable; an empty setting means the default one.

        Raises:
            ConfigError: The setting is not the name of an environment variable.
        """
        return cls(wrapping.variable_name(setting, default=cls.default_variable, provider=cls.name))

    def describe(self) -> str:
        """Name the variable."""
        return f"environment variable {self.variable}"

    def __repr__(self) -> str:
        return f"EnvKey({self.variable!r})"

    def _key(self) -> bytes:
        text = os.environ.get(self.variable)
        if text is None:
            raise KeyUnavailable(
                f"The environment variable {self.variable} is not set, and it should hold the key.",
                tried=[self.name],
                fix=f"Set {self.variable} to the vault's key. One for a new vault is made by: "
                f"{wrapping.MAKE_KEY}",
            )
        return wrapping.key_from_text(
            text, f"The environment variable {self.variable}", provider=self.name
        )
