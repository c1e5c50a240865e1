"""An ASGI app that receives requests; what they are, its subclass says."""

import asyncio
import logging
from abc import ABC, abstractmethod
from typing import Any

from brickwork.errors import RequestRefused
from brickwork.receiving.asgi import Disconnected, HttpAnswer, Receive, Scope, Send

_log = logging.getLogger(__name__)


class ReceiverApp(ABC):
    """Receives requests over ASGI.

    Run it with any server for ASGI, such as uvicorn and hypercorn, or mount it in an application of
    Starlette or FastAPI.
    """

    @abstractmethod
    async def answer(
        self, scope: Scope, receive: Receive
    ) -> tuple[HttpAnswer, asyncio.Task[Any] | None]:
        """Return what to answer a request with, and what goes on after that, if anything does.

        Raises:
            RequestRefused: It is not what the service sends.
            Disconnected: The sender is gone.
        """

    @abstractmethod
    async def finish(self) -> None:
        """End what is going on: the server shuts down."""

    def refused(self, error: RequestRefused) -> HttpAnswer:
        """Return what to answer a request with that is refused: its status, and no reason.

        The reason is logged: it would help whoever tries to pass for the service.
        """
        allow = (("allow", "POST"),) if error.status == 405 else ()
        return HttpAnswer(error.status, headers=allow)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Do what ASGI asks for."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:  # a websocket
            await receive()
            await send({"type": "websocket.close", "code": 1000})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            ends = message["type"] == "lifespan.shutdown"
            if ends:
                await self.finish()
            await send({"type": f"{message['type']}.complete"})
            if ends:
                return

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        task: asyncio.Task[Any] | None = None
        try:
            answer, task = await self.answer(scope, receive)
        except RequestRefused as error:
            _log.warning("a request was refused with %d: %s", error.status, error)
            answer = self.refused(error)
        except Disconnected:
            return
        try:
            await answer.send(send)
        finally:
            if task is not None:
                # A server that shuts down waits for this call, whether it knows lifespans or not.
                await asyncio.wait({task})
