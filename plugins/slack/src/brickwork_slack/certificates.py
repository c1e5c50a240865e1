"""Which certificates of servers are trusted."""

from functools import lru_cache
from ssl import CERT_NONE, SSLContext, SSLError, create_default_context

from brickwork import BlockError


@lru_cache(maxsize=8)
def context(verify: bool, ca_bundle: str | None) -> SSLContext:
    """Return what a client takes; it is read from files once.

    Args:
        verify: Whether to verify at all.
        ca_bundle: File with the authorities to trust, in PEM; None: those of the system.

    Raises:
        BlockError: The file cannot be read.
    """
    try:
        found = create_default_context(cafile=ca_bundle)
    except (OSError, SSLError) as error:
        raise BlockError(
            f"client_options.ca_bundle: {ca_bundle} cannot be read ({type(error).__name__}).",
            fix="Give a file with certificates in PEM.",
        ) from None
    if not verify:
        found.check_hostname = False
        found.verify_mode = CERT_NONE
    return found
