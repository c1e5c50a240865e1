"""``stoppable``: how an engine interrupts what it runs in a thread."""

import threading

import pytest

from brickwork import Scope, TaskCancelled, stoppable


def test_a_call_is_interrupted_when_its_scope_is_cancelled() -> None:
    """Python code in another thread ends at its next bytecode, with the scope's error."""
    began = threading.Event()
    raised: list[str] = []

    def spin() -> None:
        began.set()
        while True:
            pass

    def work() -> None:
        with scope:
            try:
                stoppable(spin)
            except TaskCancelled as error:
                raised.append(error.what)

    scope = Scope("import")
    thread = threading.Thread(target=work)
    thread.start()
    assert began.wait(10)
    scope.cancel()
    thread.join(10)
    assert not thread.is_alive()
    assert len(raised) == 1
    assert "import" in raised[0]


def test_a_cancelled_scope_begins_nothing() -> None:
    """What is cancelled before the call is not called."""
    called: list[int] = []
    with Scope("import") as scope:
        scope.cancel()
        with pytest.raises(TaskCancelled):
            stoppable(called.append, 1)
    assert called == []


def test_without_a_scope_it_is_a_plain_call() -> None:
    """Results and errors pass through."""
    assert stoppable(int, "12") == 12
    with Scope("any"), pytest.raises(ValueError, match="invalid literal"):
        stoppable(int, "x")
