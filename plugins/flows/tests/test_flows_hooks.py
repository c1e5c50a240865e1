"""Hooks: functions and notifiers that are called when runs begin and end."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from brickwork import Scope, Secret, TaskCancelled, Webhook
from brickwork.testing.loopback import LoopbackServer, Serve, reply
from brickwork_flows import (
    CurrentRun,
    Flow,
    State,
    StateType,
    current_flow_run,
    flow,
    get_run_logger,
    hooks,
    task,
)
from brickwork_flows.errors import InvalidFlow
from brickwork_flows.runtime import Runtime

SENTINEL = "Vb3-sentinel-of-hooks-91"
ENDS = ("on_completion", "on_failure", "on_cancellation", "on_crashed")

Hook = Callable[[Any, CurrentRun, State], None]


@pytest.fixture
def told() -> list[tuple[str, str]]:
    """What the hook `noted` was called with: names of the run's flow or task, and of the state."""
    return []


@pytest.fixture
def noted(told: list[tuple[str, str]]) -> Hook:
    """A hook that notes its calls."""
    return lambda _subject, run, state: told.append((run.name, state.name))


@pytest.fixture
def receiver() -> Iterator[Callable[..., LoopbackServer]]:
    """Start a receiver, and save ``webhook/NAME`` that posts to it."""

    def start(name: str = "ops", serve: Serve | None = None) -> LoopbackServer:
        server = stack.enter_context(LoopbackServer(serve or reply(204)))
        Webhook(
            url=f"http://127.0.0.1:{server.port}/hook",
            allow_private=True,
            allow_http=True,
            retry_seconds=0,
            timeout_seconds=30,
        ).save(name)
        return server

    with ExitStack() as stack:
        yield start


def test_a_flow_that_completes(noted: Hook, told: list[tuple[str, str]], runtime: Runtime) -> None:
    """Each hook is called once: when the run has begun, and when it has completed."""

    @flow(on_running=[noted], on_completion=noted, on_failure=noted, on_crashed=[noted])
    def main() -> int:
        assert told == [("main", "Running")], "called before the body"
        return 1

    assert main() == 1
    assert told == [("main", "Running"), ("main", "Completed")]


def test_hooks_see_the_flow_the_run_and_its_state(runtime: Runtime) -> None:
    """The state is recorded when the hook is called, and the run is known by its name and id."""
    seen: list[tuple[object, CurrentRun, State]] = []

    def hook(subject: Flow[Any, Any], run: CurrentRun, state: State) -> None:
        runtime.flush()
        assert runtime.history.run(run.id).state == state
        seen.append((subject, run, state))

    @flow(on_failure=[hook], flow_run_name="load-{day}", tags={"nightly"})
    def main(day: str) -> None:
        raise ValueError("no disk")

    with pytest.raises(ValueError, match="no disk"):
        main("monday")

    ((subject, run, state),) = seen
    assert subject is main
    assert (run.name, run.run_name, run.parameters, run.tags) == (
        "main",
        "load-monday",
        ("day",),
        ("nightly",),
    )
    assert (state.type, state.message) == (StateType.FAILED, "ValueError: no disk")


def test_a_failure_that_is_retried_calls_no_hook_before_the_last(
    noted: Hook, told: list[tuple[str, str]], runtime: Runtime
) -> None:
    """Neither the failed attempt nor the second beginning is told."""
    left = [1]

    @flow(retries=1, on_running=[noted], on_failure=[noted], on_completion=[noted])
    def main() -> None:
        if left[0]:
            left[0] -= 1
            raise OSError("busy")

    main()

    assert told == [("main", "Running"), ("main", "Completed")]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (KeyboardInterrupt(), "Cancelled"),
        (TaskCancelled("asked"), "Cancelled"),
        (SystemExit(3), "Crashed"),
        (TimeoutError("late"), "Failed"),
    ],
)
def test_every_end_has_its_hook(
    error: BaseException,
    expected: str,
    noted: Hook,
    told: list[tuple[str, str]],
    runtime: Runtime,
) -> None:
    """Ctrl-C and cancelling, an exit in the middle, and an error are told apart."""
    every: dict[str, Any] = dict.fromkeys(ENDS, noted)

    @flow(**every)
    def main() -> None:
        raise error

    with pytest.raises(type(error)):
        main()

    assert told == [("main", expected)]


def test_async_flows_and_hooks(told: list[tuple[str, str]], runtime: Runtime) -> None:
    """A coroutine function is a hook too, of async flows in their loop, and of sync ones."""
    loops: list[object] = []

    async def hook(subject: Flow[Any, Any], run: CurrentRun, state: State) -> None:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())
        told.append((run.name, state.name))

    def plain(subject: Flow[Any, Any], run: CurrentRun, state: State) -> None:
        told.append(("plain", state.name))

    @flow(on_running=[hook], on_completion=[hook, plain], on_cancellation=hook, on_crashed=hook)
    async def main() -> None:
        loops.append(asyncio.get_running_loop())

    @flow(on_completion=[hook])
    def sync() -> None:
        """Do nothing."""

    asyncio.run(main())
    assert told == [("main", "Running"), ("main", "Completed"), ("plain", "Completed")]
    assert len(set(loops)) == 1
    sync()
    assert told[3:] == [("sync", "Completed")]


def test_a_hook_that_fails_breaks_nothing(
    noted: Hook, told: list[tuple[str, str]], runtime: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged with the run, masked; the flow's result and the other hooks are as ever."""
    secret = Secret(SENTINEL)

    def broken(*_: object) -> None:
        raise RuntimeError(f"broken {secret.reveal()}")

    @flow(on_running=[broken], on_completion=[broken, noted])
    def main() -> int:
        return 7

    assert main() == 7
    assert told == [("main", "Completed")]
    runtime.flush()
    lines = runtime.history.logs(runtime.history.runs()[0].id)
    assert [line.level for line in lines] == [logging.WARNING] * 2
    assert all("broken failed" in line.message and "***" in line.message for line in lines)
    assert SENTINEL not in caplog.text + "".join(line.message for line in lines)


def test_a_hook_logs_into_its_run_and_its_tasks_are_plain_calls(runtime: Runtime) -> None:
    """A hook knows its run; a task that it calls is not part of the run any more."""

    @task
    def clean_up() -> str:
        return "clean"

    def hook(*_: object) -> None:
        run = current_flow_run()
        get_run_logger().info("%s: %s", "" if run is None else run.name, clean_up())

    @flow(on_completion=[hook])
    def main() -> None:
        """Do nothing."""

    main()

    runtime.flush()
    run = runtime.history.runs()[0]
    assert [line.message for line in runtime.history.logs(run.id)] == ["main: clean"]
    assert not runtime.history.children(run.id)


def test_tasks_have_hooks(noted: Hook, told: list[tuple[str, str]], runtime: Runtime) -> None:
    """A task's hooks are called for its end, after the last retry; sync and async."""

    @task(on_completion=[noted], on_failure=noted)
    def works() -> None:
        """Do nothing."""

    @task(retries=1, on_completion=[noted], on_failure=noted)
    def fails() -> None:
        raise OSError("busy")

    @task(on_completion=[noted], on_failure=noted)
    async def later() -> None:
        """Do nothing."""

    @flow
    async def main() -> None:
        works()
        works.submit().result()
        await later()
        fails()

    with pytest.raises(OSError, match="busy"):
        asyncio.run(main())

    assert told == [
        ("works", "Completed"),
        ("works", "Completed"),
        ("later", "Completed"),
        ("fails", "Failed"),
    ]


def test_what_is_no_hook_is_refused() -> None:
    """A hook that is neither a function nor a text is found when the flow is defined."""
    for wrong in (3, [3], [None]):
        with pytest.raises(InvalidFlow, match="on_failure of main"):

            @flow(on_failure=wrong)  # type: ignore[arg-type]  # that is the test
            def main() -> None:
                """Do nothing."""


# Notifications


def test_a_failure_is_notified(receiver: Callable[..., LoopbackServer], runtime: Runtime) -> None:
    """The notification names the run, its first failed task and its parameters; hides secrets."""
    ops = receiver("ops")
    secret = Secret(SENTINEL)

    @task
    def upload(target: str) -> None:
        raise ConnectionError(f"refused {secret.reveal()}")

    @flow(on_failure=["webhook/ops"], flow_run_name="publish-{day}", tags=["web"])
    def publish(day: str, token: str) -> None:
        upload(token)

    with pytest.raises(ConnectionError):
        publish("monday", "tok-1234567")

    runtime.flush()
    run = runtime.history.runs()[0]
    (body,) = ops.bodies()
    assert body["title"] == "publish failed"
    assert body["body"] == "ConnectionError: refused ***"
    assert body["severity"] == "error"
    assert body["thread_key"] == body["dedupe_key"] == "publish"
    assert body["fields"].pop("duration").endswith(" s")
    assert body["fields"] == {
        "run": "publish-monday",
        "id": run.id,
        "parameters": "day, token",
        "first failed task": "upload-0",
    }
    assert SENTINEL not in str(ops.requests)
    assert "tok-1234567" not in str(ops.requests)


@pytest.mark.parametrize(
    ("error", "title", "severity"),
    [
        (None, "main completed", "success"),
        (TaskCancelled("asked"), "main was cancelled", "warning"),
        (SystemExit(3), "main crashed", "critical"),
    ],
)
def test_severity_follows_the_state(
    error: BaseException | None,
    title: str,
    severity: str,
    receiver: Callable[..., LoopbackServer],
    runtime: Runtime,
) -> None:
    """How a run ended decides the title and the severity."""
    ops = receiver("ops")
    every: dict[str, Any] = dict.fromkeys(ENDS, "webhook/ops")

    @flow(**every)
    def main() -> None:
        if error is not None:
            raise error

    try:
        main()
    except BaseException as raised:  # noqa: BLE001  # an exit, too
        assert raised is error  # noqa: PT017  # whichever it is

    (body,) = ops.bodies()
    assert (body["title"], body["severity"]) == (title, severity)


def test_an_async_flow_notifies_beside_its_loop(
    receiver: Callable[..., LoopbackServer], runtime: Runtime
) -> None:
    """While a notification is under way, the loop's other work goes on."""
    go_on = threading.Event()

    def serve(peer: Any, request: Any) -> None:
        go_on.wait(10)
        reply(204)(peer, request)

    ops = receiver("ops", serve)

    @flow(on_running="webhook/ops")
    async def main() -> None:
        """Do nothing."""

    async def both() -> None:
        async def other() -> None:
            while not ops.requests:
                await asyncio.sleep(0.005)
            go_on.set()

        await asyncio.wait_for(asyncio.gather(main(), other()), 8)

    asyncio.run(both())
    assert [body["title"] for body in ops.bodies()] == ["main began"]


def test_a_notification_that_is_not_delivered_is_logged(
    receiver: Callable[..., LoopbackServer], runtime: Runtime
) -> None:
    """A receiver that refuses, and an address that nobody saved, break nothing."""
    receiver("ops", reply(403))

    @flow(on_completion=["webhook/ops", "webhook/nobody"])
    def main() -> int:
        return 1

    assert main() == 1

    runtime.flush()
    first, second = runtime.history.logs(runtime.history.runs()[0].id)
    assert "webhook/ops was not delivered" in first.message
    assert "webhook/nobody was not delivered" in second.message


def test_a_receiver_that_hangs_holds_up_no_longer_than_the_limit(
    receiver: Callable[..., LoopbackServer],
    runtime: Runtime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After Ctrl-C, a notification that does not get through is given up in time."""
    monkeypatch.setattr(hooks, "SECONDS", 0.3)
    receiver("ops", lambda peer, _request: peer.pause() and None)

    @flow(on_cancellation=["webhook/ops"])
    def main() -> None:
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        main()

    assert time.monotonic() - began < 5
    runtime.flush()
    (line,) = runtime.history.logs(runtime.history.runs()[0].id)
    assert "webhook/ops" in line.message


def test_the_time_around_limits_a_notification(runtime: Runtime) -> None:
    """What is left of a scope is the limit, but never less than what a short message takes."""
    assert hooks._limit() == 30
    with Scope(seconds=12):
        assert 11 < hooks._limit() <= 12
    with Scope(seconds=0.001):
        assert hooks._limit() == 5


def test_the_news_of_a_cancelled_scope_is_sent(
    receiver: Callable[..., LoopbackServer], runtime: Runtime
) -> None:
    """A flow that is stopped from around still tells so."""
    ops = receiver("ops")

    @flow(on_cancellation=["webhook/ops"])
    def main(scope: Any) -> None:
        scope.cancel()
        scope.check()

    with Scope("all") as scope, pytest.raises(TaskCancelled):
        main(scope)

    assert [body["title"] for body in ops.bodies()] == ["main was cancelled"]
