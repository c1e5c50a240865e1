"""What can go wrong with flows: one branch of Brickwork's tree.

::

    BrickworkError
    └── FlowError
        ├── InvalidFlow          a function or an option cannot be used
        ├── InvalidExtension     a history or runner cannot be found or used
        ├── InvalidParameters    the parameters of a flow are wrong, missing or unknown
        ├── FlowTimeout          a flow did not end in its time
        ├── IllegalTransition    a state that may not follow
        ├── RunNotFound          no run has that id
        ├── NotResumable         a run cannot be resumed, cancelled or removed now
        ├── MissingResult        a run has no result that can be given back
        ├── NotPausable          a run cannot be paused here
        ├── PauseTimeout         a run was paused, and not resumed in its time
        ├── InvalidInput         what a run is given does not fit what it waits for
        ├── InvalidArtifact      an artifact cannot be made so
        ├── ArtifactNotFound     there is no such artifact
        ├── InvalidVariable      a variable cannot have that name or value
        ├── VariableNotFound     there is no such variable
        ├── ReplayDiverged       a resumed flow does not do what it did before
        ├── NotCacheable         a call has no key that could be trusted
        ├── UnfinishedDependency a task cannot begin, since what it waits for did not complete
        ├── EndlessWait          a wait for a future that would never end
        ├── LimitTimeout         no slot of a limit was free in time
        ├── LimitRefused         more is wanted than a limit ever allows
        ├── LimitNotFound        there is no such limit
        ├── NotSendable          a task, argument or result cannot go to another process
        ├── WorkerDied           the process that ran a task was killed
        ├── InvalidEvent         an event cannot be emitted
        ├── HistoryError         the history of runs cannot be read or written
        ├── EntryConflict        something in the history was changed by somebody else
        ├── TransactionError     a transaction is used in a way in which it cannot be
        └── TransactionConflict  another run commits a transaction with the same key

`FlowSuspended` is none of them: it ends the body of a flow, and nothing went wrong.
"""

from brickwork import BrickworkError


class FlowError(BrickworkError):
    """Base of every error of flows."""


class InvalidFlow(FlowError):
    """A function cannot be a flow, or an option cannot be used."""

    exit_code = 2


class InvalidExtension(FlowError, LookupError):
    """A history or a runner, asked for by its name, cannot be found or used."""

    exit_code = 2


class InvalidParameters(FlowError, TypeError):
    """The parameters of a flow are wrong, missing or unknown; names them, and no values."""

    exit_code = 2


class FlowTimeout(FlowError, TimeoutError):
    """A flow did not end in its time."""


class IllegalTransition(FlowError):
    """A state that may not follow the one that a run is in."""

    exit_code = 5


class RunNotFound(FlowError, LookupError):
    """No run has that id."""

    exit_code = 4


class NotResumable(FlowError):
    """A run is not in a state in which it can be resumed, cancelled or removed."""

    exit_code = 5


class MissingResult(FlowError):
    """A run has no result that can be given back."""

    exit_code = 4


class NotPausable(FlowError):
    """A run cannot be paused here: outside of a flow, inside a task."""

    exit_code = 5


class PauseTimeout(FlowError, TimeoutError):
    """A run was paused, and not resumed in its time."""


class InvalidInput(FlowError):
    """What a run is given does not fit what it waits for; names fields, and no values."""

    exit_code = 2


class InvalidArtifact(FlowError, ValueError):
    """An artifact cannot have that key or content."""

    exit_code = 2


class ArtifactNotFound(FlowError, LookupError):
    """No artifact, or no version of one, is kept under that key."""

    exit_code = 4


class InvalidVariable(FlowError, ValueError):
    """A variable cannot have that name, that value or those tags."""

    exit_code = 2


class VariableNotFound(FlowError, LookupError):
    """No variable has that name."""

    exit_code = 4


class ReplayDiverged(FlowError):
    """A flow that is resumed does not call the tasks that it called before."""


class UnfinishedDependency(FlowError):
    """A task cannot begin, since something that it waits for did not complete."""


class EndlessWait(FlowError):
    """A wait for a future would never end: it waits for who waits for it."""


class LimitTimeout(FlowError, TimeoutError):
    """No slot of a limit was free in time; says who holds them."""


class LimitRefused(FlowError):
    """More slots are wanted than a limit has, or it is 0."""


class LimitNotFound(FlowError, LookupError):
    """There is no limit of that name."""

    exit_code = 4


class NotSendable(FlowError):
    """A task, one of its arguments, or its result cannot be sent to another process."""


class WorkerDied(FlowError):
    """The process that ran a task was killed, or ended in the middle of it."""


class InvalidEvent(FlowError, ValueError):
    """The name of an event is none, or what it says is no JSON, or too much."""

    exit_code = 2


class HistoryError(FlowError):
    """The history of runs cannot be read or written."""

    exit_code = 8


class EntryConflict(FlowError):
    """Something that is kept beside the runs has another version than the one that was expected."""

    exit_code = 5


class TransactionError(FlowError):
    """A transaction is used in a way in which it cannot be, or has no such value."""

    exit_code = 2


class TransactionConflict(FlowError):
    """Another run commits, or has just committed, a transaction with the same key."""

    exit_code = 5


class FlowSuspended(BaseException):
    """Ends the body of a flow that `suspend_flow_run` suspended, and reaches who called the flow.

    No `Exception`, so that nothing in the body deals with it by mistake.

    Attributes:
        run_id: The run, to be resumed.
        refused: Why what it was given was not taken; None where it was given nothing.
    """

    def __init__(self, run_id: str, refused: InvalidInput | None = None) -> None:
        super().__init__(f"The run {run_id} is suspended. To go on: brickwork run resume {run_id}")
        self.run_id = run_id
        self.refused = refused
