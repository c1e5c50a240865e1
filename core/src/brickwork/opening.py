"""By URL or name: storages, serializers and notifiers, with what they need from the vault."""

from typing import TYPE_CHECKING, TypeVar

from brickwork._default import current_vault
from brickwork.errors import UnknownName

if TYPE_CHECKING:
    from brickwork.block import Block
    from brickwork.crypto import NamedKey
    from brickwork.notifier import Notifier
    from brickwork.registry import Registry
    from brickwork.serializer import Chain
    from brickwork.storage import Storage

T = TypeVar("T")


def open_storage(url: str) -> "Storage":
    """Open a storage by its URL, or a saved one by its address.

    ``file:reports``, ``memory:``, ``s3://bucket/prefix``, ``aws-s3-bucket/reports``. Credentials
    are a saved block, named in the query: ``s3://bucket/prefix?block=aws-credentials/prod``.

    Raises:
        PluginMissing: The scheme's package is not installed; says which.
        UnknownName: No storage has that scheme.
        BlockNotFound: The block is not saved.
    """
    from brickwork.storage import Storage

    if not _scheme(url):
        return _interface(url, Storage, "storage")  # type: ignore[type-abstract]  # only compared with
    plain, block = _block_of(url)
    return _registry().storage(_scheme(url)).from_url(plain, block)


def open_notifier(target: str) -> "Notifier":
    """Open a notifier by its URL (``console:``), or a saved one by its address (``webhook/ops``).

    Raises like `open_storage`.
    """
    from brickwork.notifier import Notifier

    if not _scheme(target):
        return _interface(target, Notifier, "notifier")  # type: ignore[type-abstract]  # as above
    plain, block = _block_of(target)
    return _registry().notifier(_scheme(target)).from_url(plain, block)


def open_serializer(chain: str, *, allow_pickle: bool = False) -> "Chain":
    """Open a serializer chain such as ``json|zstd|aes256gcm``.

    Keys for encryption and for the signature of pickles come from the vault in use.

    Args:
        chain: Names from left to right, as the bytes go when a value is written.
        allow_pickle: Let a pickle be written and read; reading one can run code.

    Raises:
        UnknownName: No serializer or codec has that name.
    """
    from brickwork.serializer import build_chain

    return build_chain(chain, _registry().serializer, keys=_LazyKeys(), allow_pickle=allow_pickle)


def _registry() -> "Registry":
    # Who only may open something, as an engine does, has not paid for the plugins.
    from brickwork.registry.current import get_registry

    return get_registry()


def _scheme(text: str) -> str:
    # An address has no colon before its slash: slug/name.
    head = text.split("/", 1)[0]
    return head.split(":", 1)[0] if ":" in head else ""


def _block_of(url: str) -> "tuple[str, Block | None]":
    """Take ``?block=`` out of a URL, and load it."""
    if "block=" not in url:
        return url, None
    from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

    from brickwork.block import Block

    parts = urlsplit(url)
    query = parse_qs(parts.query, keep_blank_values=True)
    addresses = query.pop("block", [])
    if not addresses:
        return url, None
    rest = urlunsplit(parts._replace(query=urlencode(query, doseq=True)))
    return rest, Block.load(addresses[-1])


def _interface(address: str, interface: type[T], word: str) -> T:
    from brickwork.block import Block

    block: object = Block.load(address)
    if not isinstance(block, interface):
        raise UnknownName(
            f"{address} is a {type(block).__name__}, which is no {word}.",
            fix=f"Name a block that is a {word}, or a URL.",
        )
    return block


class _LazyKeys:
    """The keys of the vault in use, asked for only when something is encrypted or signed."""

    def current(self, purpose: str) -> "NamedKey":
        return current_vault().keys.current(purpose)

    def by_id(self, kid: bytes, purpose: str) -> bytes:
        return current_vault().keys.by_id(kid, purpose)
