"""``pickle``: any Python value; only where it was allowed, and only what was signed here."""

import pickle

from brickwork.errors import BrickworkError, CorruptData, UnsupportedType
from brickwork.serializer import UnsafeSerializer

_PROTOCOL = 5


class PickleSerializer(UnsafeSerializer):
    """Pickles with cloudpickle if it is installed (``brickwork[pickle]``), else the standard way.

    cloudpickle also takes lambdas, closures and classes of ``__main__``. Both write the same
    format, and reading needs cloudpickle only for what it alone can write. See
    https://docs.python.org/3/library/pickle.html for why reading can run code.
    """

    name = "pickle"

    def unsafe_dumps(self, value: object) -> bytes:
        """Return the value as a pickle. Raises UnsupportedType, SecretExposed."""
        try:
            from cloudpickle import dumps
        except ImportError:
            from pickle import dumps
        try:
            data: bytes = dumps(value, protocol=_PROTOCOL)
        except (BrickworkError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - __reduce__ of any class may raise anything
            raise UnsupportedType(
                f"A {type(value).__name__} cannot be pickled ({type(error).__name__}).",
                fix="Return plain data, or install brickwork[pickle] for lambdas and closures.",
            ) from None
        return data

    def unsafe_loads(self, data: bytes) -> object:
        """Return the value of a pickle whose MAC was checked.

        Raises:
            UnsupportedType: It needs a module or class that is not here.
            CorruptData: It is none.
        """
        try:
            return pickle.loads(data)  # noqa: S301 - consent and MAC were checked by the chain
        except (BrickworkError, MemoryError):
            raise
        except (ImportError, AttributeError) as error:
            missing = getattr(error, "name", None) or "a class of it"
            raise UnsupportedType(
                f"The pickle needs {missing!r}, which is not importable here.",
                fix="Install what wrote it, in the version that wrote it.",
            ) from None
        except Exception as error:  # noqa: BLE001 - a pickle may raise anything
            raise CorruptData(f"The pickle cannot be read ({type(error).__name__}).") from None
