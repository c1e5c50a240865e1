"""The runner for work that keeps a processor busy: processes of this machine."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from brickwork import Task, TaskTimeout, check_cancelled
from brickwork_flows.context import current_run
from brickwork_flows.errors import WorkerDied
from brickwork_flows.finding import WORKER
from brickwork_flows.futures import scope_here
from brickwork_flows.runners.interface import Watching
from brickwork_flows.runners.remote import RemoteCall
from brickwork_flows.runners.threads import ThreadRunner
from brickwork_flows.runners.worker import LOOK_SECONDS, READY, work
from brickwork_flows.working import Work

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

OVERDUE_SECONDS = 5.0
"""How long after its time-out a task may run still, before its process is killed."""


class ProcessRunner(ThreadRunner):
    """Runs tasks in processes of this machine, which begin anew (``spawn``) and are kept.

    Tasks, arguments and results are pickled; functions that no other process can import, such as
    those defined inside others, need cloudpickle (``pip install 'brickwork[pickle]'``). A block
    that has an address goes as that, and the process loads it from its own vault; secrets are
    refused. This process records, what is logged and printed there too; retries and time-outs
    are done where the task runs; one that does not end when its time is up, such as one in C code,
    is killed with its process, and not tried again. Tasks that a task calls there are plain calls,
    which nobody records.

    As for every use of ``spawn``, a program must run its flow under
    ``if __name__ == "__main__":``.

    Args:
        max_workers: How many at once. Default: the number of processors.
    """

    in_loops = False

    def __init__(self, max_workers: int | None = None) -> None:
        import os

        super().__init__((os.cpu_count() or 1) if max_workers is None else max_workers)
        self._free: list[Worker] = []
        self._free_lock = threading.Lock()
        self._work: Work | None = None
        self._closed = False

    def fresh(self) -> Self:
        """Return a runner with the same settings."""
        return type(self)(self.max_workers)

    def perform(
        self,
        task: Task[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        watcher: Watching,
        /,
    ) -> Any:
        """Have a process do the work, and wait for it.

        Raises:
            NotSendable: The task, an argument or the result cannot be pickled.
            WorkerDied: The process was killed. One that dies before the task begins is replaced,
                unless it was begun for this very task.
            TaskTimeout: It had to be, since the task did not end when its time was up.
        """
        check_cancelled()
        call = RemoteCall(task, args, kwargs, watcher)
        while True:
            worker = self._worker()
            idle = worker.ready
            try:
                with scope_here().waking(worker.kill):
                    worker.send(call.order)
                    worker.answer(call, task)
            except BaseException as error:
                worker.end()
                check_cancelled()
                # It was dying already: a process whose last threads still end counts as alive.
                if idle and isinstance(error, WorkerDied) and not call.begun:
                    continue
                raise
            self._give_back(worker)
            return call.result()

    def _worker(self) -> "Worker":
        while True:
            with self._free_lock:
                if not self._free:
                    self._begin_work()
                    break
                worker = self._free.pop()
            if worker.alive():
                return worker
            worker.end()
        return Worker(self._work)

    def _give_back(self, worker: "Worker") -> None:
        with self._free_lock:
            if not self._closed:
                self._free.append(worker)
                return
        worker.end()

    def _begin_work(self) -> None:
        """Let who resumes the run know of processes that outlive this one for a moment."""
        context = current_run.get()
        if self._work is None and context is not None and not self._closed:
            self._work = Work(context.flow.runtime.place.folder, context.flow.root)

    def close(self, *, cancel: bool) -> None:
        """End the processes."""
        super().close(cancel=cancel)
        with self._free_lock:
            workers, self._free, self._closed = self._free, [], True
            done, self._work = self._work, None
        for worker in workers:
            worker.end()
        if done is not None:
            done.end()


class Worker:
    """A process that performs one task after the other.

    Args:
        of: What it works for; None for no run.

    Attributes:
        ready: Whether it has loaded the program, and has said so.
    """

    def __init__(self, of: Work | None) -> None:
        import select
        from multiprocessing import get_context

        context = get_context("spawn")
        self._pipe: Connection
        self._pipe, there = context.Pipe()
        held = None if of is None else _Held(of.file)
        self._process: SpawnProcess = context.Process(target=work, args=(there, held), name=WORKER)
        self._process.start()
        there.close()
        assert self._process.pid is not None  # noqa: S101  # it was started
        self._pid = self._process.pid
        if of is not None:
            of.begun(self._pid)
        self.ready = self._ended = False
        self._told = select.poll()
        self._told.register(self._pipe, select.POLLIN)

    def alive(self) -> bool:
        """Return whether it may be given work."""
        return self._process.is_alive()

    def send(self, order: bytes) -> None:
        """Give it a task."""
        try:
            self._pipe.send_bytes(order)
        except OSError:
            raise self._died() from None

    def answer(self, call: RemoteCall, task: Task[..., Any]) -> None:
        """Wait for the end of a call, and let it hear what happens meanwhile."""
        until: float | None = None
        while not call.ended:
            told = self._heard(task, until)
            if told == READY:
                self.ready = True
                continue
            kind = call.hear(told)
            if kind in ("begins", "attempt_begins") and task.timeout_seconds is not None:
                until = time.monotonic() + task.timeout_seconds + OVERDUE_SECONDS
            elif kind == "retry_planned":
                until = None

    def _heard(self, task: Task[..., Any], until: float | None) -> bytes:
        while not self._told.poll(LOOK_SECONDS * 1000):
            # What the task has forked may have the pipe open still when its process has died.
            if not self.alive() and not self._told.poll(0):
                raise self._died()
            if until is not None and time.monotonic() > until:
                raise TaskTimeout(
                    f"Task {task.name!r} did not end within {task.timeout_seconds:g} s, nor when "
                    "it was interrupted, so its process was killed.",
                    fix="Let its C code end by itself, or give it less to do.",
                )
        try:
            return self._pipe.recv_bytes()
        except (EOFError, OSError):
            raise self._died() from None

    def _died(self) -> WorkerDied:
        self._process.join(1.0)
        if not self.ready:
            return WorkerDied(
                f"The process that was to run the task ended before it began ({self._ending()}).",
                fix="See what it wrote to stderr while it loaded the program, which must run its "
                'flow under: if __name__ == "__main__":',
            )
        return WorkerDied(
            f"The process that ran the task ended in the middle of it ({self._ending()}).",
            fix="Look for what killed it: often the system, for want of memory.",
        )

    def _ending(self) -> str:
        import signal

        code = self._process.exitcode
        if code is not None and code < 0:
            return signal.Signals(-code).name
        return f"exit code {code}"

    def kill(self) -> None:
        """End it at once, whatever it does, with all that it has begun."""
        import os
        import signal

        if self._ended:
            return
        self._process.kill()
        with suppress(ProcessLookupError, PermissionError):  # it has come to have no group yet
            os.killpg(self._pid, signal.SIGKILL)

    def end(self) -> None:
        """End it, and wait for that."""
        self.kill()
        self._ended = True
        self._process.join()
        self._process.close()
        self._pipe.close()


class _Held:
    """A file that a process inherits when it is begun: pickled for it alone."""

    def __init__(self, file: int) -> None:
        self._file = file

    def __reduce__(self) -> tuple[Callable[[], int], tuple[()]]:
        from multiprocessing.reduction import DupFd

        return DupFd(self._file).detach, ()
