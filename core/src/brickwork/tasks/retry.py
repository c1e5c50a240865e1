"""When a failed attempt is tried again, and after how long."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

from brickwork.errors import TaskCancelled, TaskError

Delay = float | Sequence[float] | Callable[[int], float]
RetryOn = type[Exception] | tuple[type[Exception], ...] | Callable[[Exception], bool]


class exponential_backoff:  # noqa: N801 - called like a function, and Prefect's name for it
    """Delays that double: ``backoff_factor``, twice that, four times ... seconds.

    Args:
        backoff_factor: Seconds before the first retry.
        max_seconds: No delay is longer than this.
    """

    __slots__ = ("backoff_factor", "max_seconds")

    def __init__(self, backoff_factor: float, *, max_seconds: float = float("inf")) -> None:
        self.backoff_factor = backoff_factor
        self.max_seconds = max_seconds

    def __call__(self, attempt: int) -> float:
        """Return the seconds to wait after the attempt of that number, from 1."""
        # 2.0 ** 1024 overflows; nobody waits that long.
        return min(self.backoff_factor * 2.0 ** min(attempt - 1, 1000), self.max_seconds)

    def __repr__(self) -> str:
        return f"exponential_backoff({self.backoff_factor!r}, max_seconds={self.max_seconds!r})"


class FailedAttempt:
    """How an attempt ended, for ``retry_condition_fn``: a state as flows have them.

    Attributes:
        error: What the attempt raised.
        name: ``Failed``.
    """

    __slots__ = ("error",)

    name = "Failed"

    def __init__(self, error: Exception) -> None:
        self.error = error

    @property
    def message(self) -> str:
        """The class of the error; its text may hold what must not be shown."""
        return type(self.error).__qualname__

    def result(self, *, raise_on_failure: bool = True) -> Exception:
        """Raise what the attempt raised, or return it."""
        if raise_on_failure:
            raise self.error
        return self.error


Condition = Callable[[Any, Any, FailedAttempt], bool]


class RetryPolicy:
    """When a failed attempt is tried again.

    Attributes:
        retries: How often at most, after the first attempt.
        delay_seconds: A number, one number for each retry (the last one repeats), or a function
            from the number of the failed attempt, from 1, to seconds.
        jitter_factor: Each delay is spread evenly over this share of it, both ways: 0.5 turns
            10 s into 5 to 15 s. Never below 0 s.
        on: Exception classes, or a function that looks at the exception.
    """

    __slots__ = ("delay_seconds", "jitter_factor", "on", "retries")

    def __init__(
        self,
        retries: int = 0,
        delay_seconds: Delay = 0.0,
        jitter_factor: float = 0.0,
        on: RetryOn = Exception,
    ) -> None:
        checked_number("retries", retries, whole=True)
        checked_number("retry_jitter_factor", jitter_factor)
        self.retries = retries
        self.jitter_factor = jitter_factor
        if not callable(delay_seconds):
            numbers = delay_seconds if isinstance(delay_seconds, Sequence) else [delay_seconds]
            for number in numbers:
                checked_number("retry_delay_seconds", number)
            if not numbers:
                raise TaskError("retry_delay_seconds is empty.", fix="Give a number of seconds.")
        self.delay_seconds = delay_seconds
        self.on = on
        is_function = callable(on) and not isinstance(on, type)
        if not is_function and not _are_exceptions(on):
            raise TaskError(
                "retry_on holds something that is no exception class.",
                fix="Give exception classes, or one function from the exception to a bool.",
            )

    def delay_after(self, error: BaseException, attempt: int) -> float | None:
        """Return the seconds to wait before the next attempt; None when there is to be none.

        An exception's own ``retry_after_seconds`` (an answer 429 with ``Retry-After``) wins over
        the policy's delay, and has no jitter.

        Args:
            error: What the attempt raised. What ends a program (`KeyboardInterrupt`,
                `SystemExit`, asyncio's cancelling) and `TaskCancelled` are never retried.
            attempt: The number of the attempt that failed, from 1.
        """
        if attempt > self.retries or not isinstance(error, Exception):
            return None
        if isinstance(error, TaskCancelled) or not self._takes(error):
            return None
        own = getattr(error, "retry_after_seconds", None)
        if isinstance(own, int | float) and isfinite(own) and own >= 0:
            return float(own)
        return self._jittered(max(0.0, self._planned(attempt)))

    def _takes(self, error: Exception) -> bool:
        if isinstance(self.on, type | tuple):
            return isinstance(error, self.on)
        return bool(self.on(error))

    def _planned(self, attempt: int) -> float:
        plan = self.delay_seconds
        if callable(plan):
            return plan(attempt)
        if isinstance(plan, Sequence):
            return plan[min(attempt, len(plan)) - 1]
        return plan

    def _jittered(self, delay: float) -> float:
        if not delay or not self.jitter_factor:
            return delay
        from random import uniform

        return delay * uniform(max(0.0, 1 - self.jitter_factor), 1 + self.jitter_factor)  # noqa: S311 - spreads load


def _are_exceptions(classes: object) -> bool:
    each = classes if isinstance(classes, tuple) else (classes,)
    return all(isinstance(cls, type) and issubclass(cls, BaseException) for cls in each)


def checked_number(
    option: str, value: object, *, whole: bool = False, above_zero: bool = False
) -> None:
    """Check that an option is a finite number and not negative.

    Raises:
        TaskError: It is something else; names the option.
    """
    kinds = (int,) if whole else (int, float)
    finite = isinstance(value, kinds) and not isinstance(value, bool) and isfinite(value)
    if finite and (value > 0 or (value == 0 and not above_zero)):  # type: ignore[operator]  # a number
        return
    raise TaskError(
        f"{option} cannot be {value!r}.",
        fix=f"Give a {'whole ' * whole}number {'above 0' if above_zero else 'that is 0 or more'}.",
    )
