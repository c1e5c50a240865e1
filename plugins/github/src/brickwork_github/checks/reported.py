"""Work that GitHub is told of: what all kinds of reports have in common."""

from abc import ABC, abstractmethod
from contextvars import Context
from typing import Literal, Self

from brickwork import Scope, TaskCancelled, TaskTimeout, mask, remaining
from brickwork_github.checks.statuses import MOST_DESCRIPTION
from brickwork_github.markdown import on_one_line

LAST_WORD_SECONDS = 30.0
"""How long it may take to say that the work failed; the work's own time may be over."""

Outcome = Literal["success", "failure", "cancelled", "timed_out"]


class Reported(ABC):
    """Work that is reported; ``with`` or ``async with`` it."""

    @abstractmethod
    def begin(self) -> None:
        """Say that it has begun."""

    @abstractmethod
    def end(self, outcome: Outcome, problem: str) -> None:
        """Say how it ended.

        Args:
            outcome: How.
            problem: The error, masked; empty for a success.
        """

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or _is_success(error):
            self.end("success", "")
            return
        try:
            # In a context of its own, since the time of the task around may be over.
            outcome, problem = outcome_of(error), problem_of(error)
            Context().run(self._end_in_time, outcome, problem)
        except Exception as failed:  # noqa: BLE001  # the error of the work is what matters
            error.add_note(f"GitHub could not be told of this: {mask(str(failed))}")

    async def __aenter__(self) -> Self:
        import asyncio

        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import asyncio

        await asyncio.to_thread(self.__exit__, kind, error, trace)

    def _end_in_time(self, outcome: Outcome, problem: str) -> None:
        with Scope("report", seconds=LAST_WORD_SECONDS):
            self.end(outcome, problem)


def outcome_of(error: BaseException) -> Outcome:
    """Return how work ended that raised this."""
    if isinstance(error, TaskTimeout):
        return "timed_out"
    if isinstance(error, TaskCancelled):
        return "cancelled"
    if isinstance(error, Exception | SystemExit):
        return "failure"
    # Ctrl-C, a cancelled coroutine, or the interrupt of a task, whose time may be up.
    return "timed_out" if remaining() == 0 else "cancelled"


def problem_of(error: BaseException) -> str:
    """Return the kind of an error and what it says, masked."""
    if isinstance(error, Exception):
        return mask(f"{type(error).__name__}: {error}")
    return {"failure": f"Exit {mask(str(error))}", "timed_out": "Its time was up."}.get(
        outcome_of(error), "It was stopped."
    )


def short(text: str) -> str:
    """Return a text on one line, cut to what GitHub takes as a description."""
    text = on_one_line(text)
    return text if len(text) <= MOST_DESCRIPTION else text[: MOST_DESCRIPTION - 1] + "\u2026"


def _is_success(error: BaseException) -> bool:
    return isinstance(error, SystemExit) and error.code in (None, 0)
