"""What receivers share: bounded bodies, handlers that end no server, an app that ends in order."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest
from hypothesis import given, strategies as st

from brickwork.errors import RequestRefused
from brickwork.receiving import (
    Bodies,
    Called,
    Calls,
    Disconnected,
    HttpAnswer,
    Message,
    Receive,
    ReceiverApp,
    Scope,
    StillRunning,
    headers_of,
    path_of,
)


def coming(*messages: Message) -> Receive:
    """Return what gives these messages, and then waits for ever."""
    rest = iter(messages)

    async def receive() -> Message:
        for message in rest:
            return message
        await asyncio.Event().wait()
        raise AssertionError

    return receive


def parts(*bodies: bytes) -> Receive:
    """Return what gives a body in parts, the last of which says that it is."""
    return coming(
        *({"type": "http.request", "body": body, "more_body": True} for body in bodies[:-1]),
        {"type": "http.request", "body": bodies[-1]},
    )


async def sent(answer: Callable[..., Awaitable[None]]) -> list[Message]:
    """Return what was sent."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    await answer(send)
    return messages


class TestBodies:
    """What a stranger can take of the memory and the time is bounded."""

    @given(st.lists(st.binary(max_size=9), min_size=1, max_size=5))
    def test_a_body_comes_whole_or_is_refused(self, given: list[bytes]) -> None:
        """Also in parts; the limit is one of the whole."""
        bodies = Bodies(20, 5, 100)
        whole = b"".join(given)
        if len(whole) <= 20:
            assert asyncio.run(bodies.read(parts(*given), str(len(whole)))) == whole
            assert asyncio.run(bodies.read(parts(*given), None)) == whole
        else:
            with pytest.raises(RequestRefused, match="larger than 20 bytes") as caught:
                asyncio.run(bodies.read(parts(*given), None))
            assert caught.value.status == 413

    @pytest.mark.parametrize("declared", ["21", "9" * 19, "9" * 5000])
    def test_what_says_that_it_is_too_large_is_not_read(self, declared: str) -> None:
        """Not a byte."""
        with pytest.raises(RequestRefused, match="larger than 20") as caught:
            asyncio.run(Bodies(20, 5, 100).read(coming(), declared))
        assert (caught.value.status, "max_body_bytes" in caught.value.fix) == (413, True)

    @pytest.mark.parametrize("declared", ["", "-1", "1e3", "٣", "0x10", " 1"])
    def test_a_length_that_is_none_is_refused(self, declared: str) -> None:
        """As no number."""
        with pytest.raises(RequestRefused, match="no number") as caught:
            asyncio.run(Bodies(20, 5, 100).read(coming(), declared))
        assert caught.value.status == 400

    def test_what_does_not_come_is_not_waited_for(self) -> None:
        """However often a byte of it comes."""
        begun = coming({"type": "http.request", "body": b"a", "more_body": True})
        with pytest.raises(RequestRefused, match=r"within 0\.01 s") as caught:
            asyncio.run(Bodies(20, 0.01, 100).read(begun, None))
        assert caught.value.status == 408

    def test_a_sender_that_is_gone_is_told(self) -> None:
        """It needs no answer."""
        gone = coming({"type": "http.disconnect"})
        with pytest.raises(Disconnected):
            asyncio.run(Bodies(20, 5, 100).read(gone, None))

    def test_all_together_are_bounded_and_give_their_room_back(self) -> None:
        """Also those that failed."""
        bodies = Bodies(20, 0.05, 30)

        async def both() -> tuple[bytes | BaseException, ...]:
            slow = coming({"type": "http.request", "body": b"a" * 20, "more_body": True})
            return await asyncio.gather(
                bodies.read(slow, None), bodies.read(parts(b"b" * 20), None),
                return_exceptions=True,
            )  # fmt: skip

        for _ in range(3):
            found = asyncio.run(both())
            assert [getattr(each, "status", each) for each in found] == [408, 503]
        assert asyncio.run(bodies.read(parts(b"b" * 20), None)) == b"b" * 20

    def test_the_error_is_the_plugin_s(self) -> None:
        """So that it is in its branch of the tree."""

        class AcmeRefused(RequestRefused):
            pass

        with pytest.raises(AcmeRefused, match="larger"):
            asyncio.run(Bodies(1, 5, 9, AcmeRefused).read(parts(b"ab"), None))


class TestHeadersAndPaths:
    """What is read of a request before its body."""

    def test_a_header_that_counts_is_there_once(self) -> None:
        """Else nobody knows which one a proxy looked at."""
        pairs = [("X-Sign", "a"), ("Accept", "b"), ("accept", "c")]
        assert headers_of(pairs, {"x-sign"}, RequestRefused) == {"x-sign": "a", "accept": "c"}
        with pytest.raises(RequestRefused, match="two headers x-sign") as caught:
            headers_of([*pairs, ("x-SIGN", "a")], {"x-sign"}, RequestRefused)
        assert caught.value.status == 400

    @pytest.mark.parametrize(
        ("root", "path", "found"),
        [
            ("", "/", ("", "")),
            ("", "/hooks/", ("", "/hooks")),
            ("/api", "/api/hooks", ("/api", "/hooks")),  # the mount is left in
            ("/api/", "/hooks", ("/api", "/hooks")),  # it is taken out
            ("/api", "/apis/hooks", ("/api", "/apis/hooks")),
            ("/api", "/api", ("/api", "")),
        ],
    )
    def test_where_the_app_is_mounted_does_not_matter(
        self, root: str, path: str, found: tuple[str, str]
    ) -> None:
        """Some servers leave the mount in the path, some take it out."""
        assert path_of({"root_path": root, "path": path}) == found

    def test_an_answer_is_json_or_nothing(self) -> None:
        """With its length, and the headers given."""
        start, body = asyncio.run(sent(HttpAnswer(200, {"é": 1}, (("allow", "POST"),)).send))
        assert body["body"] == b'{"\\u00e9": 1}'
        assert dict(start["headers"]) == {
            b"content-length": b"13",
            b"allow": b"POST",
            b"content-type": b"application/json",
        }
        start, body = asyncio.run(sent(HttpAnswer(404).send))
        assert (start["status"], start["headers"], body["body"]) == (
            404,
            [(b"content-length", b"0")],
            b"",
        )


class Async:
    """An object whose call gives a coroutine."""

    async def __call__(self, request: str) -> str:
        await asyncio.sleep(0)
        return f"{request} {threading.current_thread() is threading.main_thread()}"


class TestCalls:
    """Handlers: on the loop or in threads, and none of them ends the server."""

    @pytest.mark.parametrize("handler", [Async(), Async().__call__, partial(Async().__call__)])
    def test_what_is_async_runs_on_the_loop(self, handler: Callable[[Any], object]) -> None:
        """Whatever its form."""
        assert self._called(handler) == Called(False, "asked True")

    def test_the_others_run_in_threads_with_the_variables_of_here(self) -> None:
        """As if they were called here."""
        variable: ContextVar[str] = ContextVar("variable")

        async def run() -> Called:
            variable.set("of here")
            return await Calls(1, "acme").call(handler, "asked", "a request")

        def handler(request: str) -> str:
            name = threading.current_thread().name
            return f"{request} {variable.get()} {name.startswith('acme')}"

        assert asyncio.run(run()) == Called(False, "asked of here True")

    def test_what_can_be_awaited_is_awaited(self) -> None:
        """Of a handler that only returns it."""
        assert self._called(lambda request: Async()(request)) == Called(False, "asked True")

    @pytest.mark.parametrize(
        "error", [ValueError("bad"), SystemExit(3), StopIteration(), asyncio.CancelledError()]
    )
    def test_what_a_handler_raises_is_logged(
        self, error: BaseException, caplog: pytest.LogCaptureFixture
    ) -> None:
        """And the next one is called."""

        def handler(request: str) -> None:
            raise error

        assert self._called(handler) == Called(True)
        assert "the handler of a request failed" in caplog.text
        assert type(error).__name__ in caplog.text

    def test_a_result_that_cannot_be_read_is_the_handler_s_fault(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is logged with it."""

        def read(result: object) -> object:
            raise TypeError(f"no answer: {result}")

        async def run() -> Called:
            return await Calls(1, "acme").call(str.upper, "asked", "a request", read)

        assert asyncio.run(run()) == Called(True)
        assert "no answer: ASKED" in caplog.text

    def test_it_is_waited_for_what_runs_and_the_late_is_cancelled(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A coroutine ends at once; of a thread it is told that it goes on."""
        go, begun = threading.Event(), threading.Event()

        def thread(request: str) -> None:
            begun.set()
            go.wait(10)

        async def hangs(request: str) -> None:
            await asyncio.Event().wait()

        seen: dict[str, type[BaseException]] = {}

        async def handle(calls: Calls, handler: Callable[[str], object], what: str) -> None:
            try:
                await calls.call(handler, "asked", what)
            except BaseException as error:
                seen[what] = type(error)
                raise

        async def run() -> None:
            calls = Calls(2, "acme")
            calls.start(handle(calls, thread, "a thread"), "a thread")
            calls.start(handle(calls, hangs, "a coroutine"), "a coroutine")
            while not begun.is_set():
                await asyncio.sleep(0)
            assert len(calls) == 2
            await calls.finish(0.01)
            assert len(calls) == 0

        with caplog.at_level(logging.ERROR):
            asyncio.run(run())
        go.set()
        assert seen == {"a thread": StillRunning, "a coroutine": asyncio.CancelledError}
        assert "the handler of a thread did not end within 0.01 s" in caplog.text
        assert "the handler of a coroutine did not end" in caplog.text

    def test_what_waits_for_a_thread_is_cancelled_before_it_begins(self) -> None:
        """Then it is known how it ended: it never began."""
        go = threading.Event()
        asked: list[str] = []

        def handler(request: str) -> None:
            go.wait(10)
            asked.append(request)

        async def run() -> object:
            calls = Calls(1, "acme")
            first = calls.start(calls.call(handler, "first", "first"), "first")
            await asyncio.sleep(0)
            second = calls.start(calls.call(handler, "second", "second"), "second")
            await asyncio.sleep(0)
            second.cancel()
            found = (await asyncio.gather(second, return_exceptions=True))[0]
            go.set()
            await first
            await calls.finish(5)
            return found

        assert type(asyncio.run(run())) is asyncio.CancelledError
        assert asked == ["first"]

    def _called(self, handler: Callable[[Any], object]) -> Called:
        return asyncio.run(Calls(1, "acme").call(handler, "asked", "a request"))


class App(ReceiverApp):
    """Answers as it is told."""

    def __init__(self, told: HttpAnswer | BaseException, work: Iterable[str] = ()) -> None:
        self.told = told
        self.work = work
        self.done: list[str] = []

    async def answer(
        self, scope: Scope, receive: Receive
    ) -> tuple[HttpAnswer, asyncio.Task[Any] | None]:
        if isinstance(self.told, BaseException):
            raise self.told
        return self.told, asyncio.create_task(self._work()) if self.work else None

    async def _work(self) -> None:
        await asyncio.sleep(0)
        self.done += self.work

    async def finish(self) -> None:
        self.done.append("finished")


def asked(app: App, kind: str = "http", *messages: Message) -> list[Message]:
    """Return what an app sends."""
    return asyncio.run(sent(lambda send: app({"type": kind}, coming(*messages), send)))


class TestReceiverApp:
    """The app does what ASGI asks for; what a request is, its subclass says."""

    def test_what_goes_on_is_waited_for_after_the_answer(self) -> None:
        """A server that shuts down waits for it, whether it knows lifespans or not."""
        app = App(HttpAnswer(202), ["worked"])
        assert [message.get("status") for message in asked(app)] == [202, None]
        assert app.done == ["worked"]

    def test_who_is_refused_is_not_told_why(self, caplog: pytest.LogCaptureFixture) -> None:
        """It would help whoever tries to pass for the service; the log has it."""
        start, body = asked(App(RequestRefused("The signature is another.", status=401)))
        assert (start["status"], body["body"]) == (401, b"")
        assert "401: The signature is another." in caplog.text
        start, _ = asked(App(RequestRefused("By POST.", status=405)))
        assert (b"allow", b"POST") in start["headers"]

    def test_who_is_gone_gets_no_answer(self) -> None:
        """There is nobody to send it to."""
        assert asked(App(Disconnected())) == []

    def test_it_starts_and_ends_with_its_server(self) -> None:
        """What is going on is ended before the end is confirmed."""
        app = App(HttpAnswer(200))
        starts: Message = {"type": "lifespan.startup"}
        ends: Message = {"type": "lifespan.shutdown"}
        told = asked(app, "lifespan", starts, ends)
        assert [each["type"] for each in told] == [
            "lifespan.startup.complete",
            "lifespan.shutdown.complete",
        ]
        assert app.done == ["finished"]

    def test_a_websocket_is_closed(self) -> None:
        """It is for something else."""
        opens: Message = {"type": "websocket.connect"}
        assert asked(App(HttpAnswer(200)), "websocket", opens) == [
            {"type": "websocket.close", "code": 1000}
        ]
