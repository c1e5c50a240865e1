"""Follows a job on AWS to its end; stops it where that was asked for."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextvars import Context
from typing import Generic, NamedTuple, TypeVar

from brickwork import TaskCancelled, TaskTimeout, mask, progress
from brickwork_aws.errors import AwsJobFailed, AwsTimeout
from brickwork_aws.polling import turns

R = TypeVar("R")

SLOWEST_POLL_SECONDS = 15.0
"""Pauses between two looks grow up to this; or are as long as was asked for."""

SHOWN_CHARACTERS = 1000
"""How much of a reason is in the message of an error."""

LOG_LINES = 20
"""How many of the last lines of a job's log an error carries."""

_logger = logging.getLogger("brickwork.aws.jobs")


class Look(NamedTuple):
    """What a look at a job showed.

    Attributes:
        state: The service's word for it, ``RUNNING``.
        ended: Whether it has ended.
        failure: Why it did not end well; empty if it did.
        done: How much is done, in the job's own unit.
        total: How much there is to do, if that is known.
        code: The service's code of the failure, if it has one.
    """

    state: str
    ended: bool = False
    failure: str = ""
    done: float = 0
    total: float | None = None
    code: str = ""


class Job(ABC, Generic[R]):
    """A job that runs on AWS."""

    @property
    @abstractmethod
    def what(self) -> str:
        """What it is, for people: ``Athena query 6f2c``."""

    @abstractmethod
    def look(self) -> Look:
        """Ask how it is."""

    @abstractmethod
    def stop(self) -> None:
        """Tell the service to stop it; one that has ended stays as it is."""

    @abstractmethod
    def result(self) -> R:
        """Return what it gives, once it has ended well."""

    def new_lines(self) -> Iterable[str]:
        """Return the lines that it has logged since the last time."""
        return ()


def follow(
    job: Job[R],
    *,
    poll_seconds: float,
    max_wait_seconds: float | None,
    cancel_on_stop: bool,
) -> R:
    """Wait for a job's end, log what it logs, and return its result.

    Args:
        job: The job.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; None: as long as the task may run.
        cancel_on_stop: Whether the job is stopped when the task is: when it is cancelled, its time
            is up, or Ctrl-C is pressed.

    Raises:
        AwsJobFailed: It has ended, and not well.
        AwsTimeout: It did not end in time.
        AwsError: Nobody can say how it is.
        TaskCancelled: The task was cancelled.
        TaskTimeout: The task's time is up.
    """
    last: list[str] = []
    try:
        for _ in turns(poll_seconds, max_wait_seconds, SLOWEST_POLL_SECONDS):
            seen = job.look()
            for line in job.new_lines():
                last = [*last, mask(line)][-LOG_LINES:]
                _logger.info("%s: %s", job.what, line)
            progress(seen.done, seen.total, f"{job.what}: {seen.state}")
            if seen.ended and not seen.failure:
                return job.result()
            if seen.ended:
                raise failed(job.what, seen, last)
        raise AwsTimeout(
            f"{job.what} did not end within {max_wait_seconds:g} s.",
            fix="Give it longer by max_wait_seconds, or wait for it again: it was "
            + ("told to stop." if cancel_on_stop else "not stopped."),
        )
    except (TaskCancelled, TaskTimeout, AwsTimeout) as error:
        if cancel_on_stop:
            _stop(job, error)
        raise
    except Exception:
        raise  # it goes on, and can be waited for again
    except BaseException as error:
        if cancel_on_stop:
            _stop(job, error)
        raise


def _stop(job: Job[R], error: BaseException) -> None:
    try:
        # In a context of its own, since the task's time is over.
        Context().run(job.stop)
    except Exception as failed:  # noqa: BLE001  # what stopped the task is what its caller wants
        error.add_note(f"{job.what} may still run, it could not be stopped: {failed}")
        _logger.warning("%s may still run, it could not be stopped: %s", job.what, failed)
    else:
        _logger.info("%s was told to stop", job.what)


def failed(what: str, seen: Look, log: Sequence[str]) -> AwsJobFailed:
    """Return the error for a job that has ended, and not well.

    Args:
        what: The job, for people.
        seen: The last look at it.
        log: The last lines that it wrote, masked.
    """
    reason = mask(seen.failure)
    shown = reason[:SHOWN_CHARACTERS] + ("..." if len(reason) > SHOWN_CHARACTERS else "")
    error = AwsJobFailed(
        f"{what} ended as {seen.state}: {shown.rstrip('.')}.",
        fix="See the log lines of this error." if log else "See the service's console.",
    )
    error.state, error.code, error.reason, error.log = seen.state, seen.code, reason, tuple(log)
    for line in log:
        error.add_note(f"log: {line}")
    return error
