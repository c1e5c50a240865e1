"""Finding the run that a text on the command line stands for."""

from brickwork_flows.errors import RunNotFound
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.runtime import Runtime

_SHOWN = 5


def found(runtime: Runtime, text: str) -> RunRecord:
    """Return a run by its id, the unique beginning or end of one, or its name.

    A run within a flow's is called after that one: ``ID.load-0``.

    Raises:
        RunNotFound: There is none, or more than one.
    """
    runtime.flush()
    inside = ""
    matching = runtime.history.matching(text) if text else ()
    if not matching and "." in text:  # a name may hold a dot, too
        text, _, inside = text.partition(".")
        matching = runtime.history.matching(text)
    if text in matching:
        matching = [text]
    if len(matching) > 1:
        some = "\n  ".join(matching[:_SHOWN])
        raise RunNotFound(f"{text!r} stands for several runs:\n  {some}", fix="Write more of it.")
    if not matching:
        return runtime.history.run(text)  # which says that there is none
    return runtime.history.run(f"{matching[0]}.{inside}" if inside else matching[0])
