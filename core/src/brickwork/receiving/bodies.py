"""Bodies of requests that nobody has verified yet: what they hold of the memory is bounded."""

from brickwork.errors import RequestRefused
from brickwork.receiving.asgi import Disconnected, Receive

_DIGITS = 18  # of a number of bytes


class Bodies:
    """Reads bodies, each of a bounded size and time, all together of a bounded size.

    Args:
        limit: How many bytes one may have.
        seconds: How long one may take to come.
        together: How many bytes all may have that come at the same time.
        refusal: What is raised.
        fix: What to do where the service sends larger ones.
    """

    def __init__(
        self,
        limit: int,
        seconds: float,
        together: int,
        refusal: type[RequestRefused] = RequestRefused,
        fix: str = "Raise max_body_bytes to take larger ones.",
    ) -> None:
        self._limit = limit
        self._seconds = seconds
        self._room = together
        self._refusal = refusal
        self._fix = fix

    async def read(self, receive: Receive, declared: str | None) -> bytes:
        """Return a request's body.

        Args:
            receive: ASGI's.
            declared: The header ``Content-Length``; None where there is none.

        Raises:
            RequestRefused: It is too large, or too slow, or others take all the room.
            Disconnected: The sender is gone.
        """
        import asyncio

        if declared is not None:
            self._check(declared)
        parts = bytearray()
        try:
            async with asyncio.timeout(self._seconds):
                while await self._more(receive, parts):
                    pass
        except TimeoutError:
            raise self._refusal(
                f"The body did not come within {self._seconds:g} s.", status=408
            ) from None
        finally:
            self._room += len(parts)
        return bytes(parts)

    def _check(self, declared: str) -> None:
        if not (declared.isascii() and declared.isdigit()):
            raise self._refusal("The header Content-Length is no number.", status=400)
        if len(declared) > _DIGITS or int(declared) > self._limit:
            raise self._too_large()

    async def _more(self, receive: Receive, parts: bytearray) -> bool:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        part = message.get("body", b"")
        parts += part
        self._room -= len(part)
        if len(parts) > self._limit:
            raise self._too_large()
        if self._room < 0:
            raise self._refusal("Too much is being received.", status=503)
        return bool(message.get("more_body", False))

    def _too_large(self) -> RequestRefused:
        return self._refusal(
            f"The body is larger than {self._limit} bytes.", status=413, fix=self._fix
        )
