"""The runner for work that keeps a processor busy: processes of this machine."""

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from brickwork import Task, check_cancelled, progress, remaining
from brickwork_flows.context import current_run
from brickwork_flows.errors import WorkerDied
from brickwork_flows.futures import scope_here
from brickwork_flows.runners.far import here
from brickwork_flows.runners.interface import Watching
from brickwork_flows.runners.threads import ThreadRunner
from brickwork_flows.runners.worker import Packed, packed, unpacked, work

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess


class ProcessRunner(ThreadRunner):
    """Runs tasks in processes of this machine, which begin anew (``spawn``) and are kept.

    Tasks, arguments and results are pickled; functions that no other process can import, such as
    those defined inside others, need cloudpickle (``pip install 'brickwork[pickle]'``). A block
    that has an address goes as that, and the process loads it from its own vault; secrets are
    refused. This process records, what is logged and printed there too; retries and time-outs
    are done where the task runs. Tasks that a task calls there are plain calls, which nobody
    records.

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
            WorkerDied: The process was killed.
        """
        check_cancelled()
        order = packed(task, args, kwargs, remaining(), here())
        worker = self._worker()
        try:
            with scope_here().waking(worker.kill):
                worker.send(order)
                outcome = worker.answer(watcher)
        except BaseException:
            worker.end()
            check_cancelled()
            raise
        with self._free_lock:
            self._free.append(worker)
        return unpacked(outcome)

    def _worker(self) -> "Worker":
        while True:
            with self._free_lock:
                worker = self._free.pop() if self._free else None
            if worker is None:
                return Worker()
            if worker.alive():
                return worker

    def close(self, *, cancel: bool) -> None:
        """End the processes."""
        super().close(cancel=cancel)
        with self._free_lock:
            workers, self._free = self._free, []
        for worker in workers:
            worker.end()


class Worker:
    """A process that performs one task after the other."""

    def __init__(self) -> None:
        from multiprocessing import get_context

        context = get_context("spawn")
        self._pipe: Connection
        self._pipe, there = context.Pipe()
        self._process: SpawnProcess = context.Process(
            target=work, args=(there,), name="brickwork-task"
        )
        self._process.start()
        there.close()

    def alive(self) -> bool:
        """Return whether it may be given work."""
        return self._process.is_alive()

    def send(self, order: bytes) -> None:
        """Give it a task."""
        try:
            self._pipe.send_bytes(order)
        except OSError:
            raise self._died() from None

    def answer(self, watcher: Watching) -> Packed:
        """Wait for the task's end; tell the watcher of retries meanwhile."""
        import pickle

        while True:
            try:
                kind, *rest = pickle.loads(self._pipe.recv_bytes())  # noqa: S301  # from our process
            except (EOFError, OSError):
                raise self._died() from None
            if kind == "ended":
                return Packed(*rest)
            _take(kind, rest, watcher)

    def _died(self) -> WorkerDied:
        self._process.join(1.0)
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
        """End it at once, whatever it does."""
        self._process.kill()

    def end(self) -> None:
        """End it, and wait for that."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self._pipe.close()


def _take(kind: str, what: list[Any], watcher: Watching) -> None:
    """Do what a process tells: of what was logged, made or reported, or of an attempt."""
    context = current_run.get()
    if kind == "progress":
        progress(*what)
    elif kind not in ("line", "artifact", "record"):
        getattr(watcher, kind)(*what)
    elif context is not None:
        flow = context.flow
        if kind == "line":
            flow.log.add(context.id, *what)
        elif kind == "artifact":
            flow.artifact(*what)
        else:
            flow.write(*what)
