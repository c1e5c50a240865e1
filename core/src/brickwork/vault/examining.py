"""What keeps documents from being loaded, found out without following what they refer to."""

from collections.abc import Iterable, Iterator

from brickwork.block import Address
from brickwork.errors import BrickworkError, KeyUnavailable, ResolveError, WrongKey
from brickwork.registry.current import get_registry
from brickwork.store import Record
from brickwork.vault.migrating import foreign, lifted, steps_of
from brickwork.vault.reading import Reader


def problems_of(reader: Reader, addresses: Iterable[Address]) -> Iterator[BrickworkError | None]:
    """Yield, for each document, why it cannot be loaded; None where no reason is known.

    A key that is not there is asked for once, and not for each document.
    """
    keys: dict[bytes, BrickworkError] = {}
    for address in addresses:
        kid = b""
        try:
            record = reader.record(address)
            kid = record.kid
            if kid in keys:
                yield keys[kid]
                continue
            _look_at(reader, record)
        except (WrongKey, KeyUnavailable) as error:
            yield keys.setdefault(kid, error)
        except ResolveError:
            yield None  # the world outside is for `check`
        except BrickworkError as error:
            yield error
        except Exception as error:  # noqa: BLE001  # the code of a plugin, or what is in the database
            yield foreign(str(address), address.slug, error)
        else:
            yield None


def _look_at(reader: Reader, record: Record) -> None:
    reader.secrets_of(record)
    if steps_of(record, get_registry().block_class):
        lifted(reader, record)
