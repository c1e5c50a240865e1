"""What can go wrong with Slack: one branch of Brickwork's tree.

::

    BrickworkError
    └── SlackError               a request failed
        ├── SlackNotFound        what it is about is not there, or may not be seen
        ├── SlackDenied          these credentials may not do it
        ├── SlackConflict        what is there is in a state that does not fit
        ├── SlackInvalid         Slack does not take what was sent
        ├── SlackRateLimited     too much was asked, and there is no time to wait
        ├── SlackUnavailable     no answer, or Slack itself failed, also when asked again
        ├── SlackUncertain       nobody knows whether it was done
        ├── SlackTimeout         what was waited for did not come in time
        └── SlackRequestRefused  a request is not from Slack, or not what Slack sends
"""

from brickwork import BrickworkError, RequestRefused


class SlackError(BrickworkError):
    """A request failed.

    Attributes:
        error: Slack's code, as ``channel_not_found``; empty where it gave none.
        method: The method of the Web API, as ``chat.postMessage``; empty where there is none.
        status: The HTTP status; 0 where no answer came.
    """

    error: str = ""
    method: str = ""
    status: int = 0


class SlackNotFound(SlackError, LookupError):
    """What a request is about is not there.

    Slack says so as well of what these credentials may not see.
    """

    exit_code = 4


class SlackDenied(SlackError, PermissionError):
    """These credentials may not do it.

    Attributes:
        needed: The scopes of which one lacks, as Slack says it; empty where that is not the matter.
        provided: The scopes that the token has, as Slack says it.
    """

    exit_code = 7
    needed: tuple[str, ...] = ()
    provided: tuple[str, ...] = ()


class SlackConflict(SlackError):
    """What is there is in a state that does not fit: a name is taken, a channel is archived."""

    exit_code = 5


class SlackInvalid(SlackError, ValueError):
    """Slack does not take what was sent.

    Attributes:
        messages: What is wrong, in Slack's words; empty where it gave none.
    """

    exit_code = 2
    messages: tuple[str, ...] = ()


class SlackRateLimited(SlackError):
    """Too much was asked, and the task has no time to wait.

    Attributes:
        retry_after_seconds: How long to wait.
    """

    exit_code = 8
    retry_after_seconds: float = 0.0


class SlackUnavailable(SlackError):
    """No answer came, or Slack itself failed, also when asked again.

    What changes something was then not done, or does no harm when it is done again.

    Attributes:
        never_sent: Whether surely nothing was sent, or Slack says that it took nothing of it.
        still_at_it: Whether Slack may still do it: no answer came in time.
    """

    exit_code = 8
    never_sent: bool = False
    still_at_it: bool = False


class SlackUncertain(SlackError):
    """The answer to a request that changes something was lost: nobody knows whether it was done.

    It was not sent again, since that might do it twice.

    Attributes:
        still_at_it: Whether Slack may still do it: no answer came in time.
    """

    exit_code = 8
    still_at_it: bool = False


class SlackTimeout(SlackError, TimeoutError):
    """What was waited for did not come in time."""


class SlackRequestRefused(SlackError, RequestRefused):
    """A request is not from Slack, or not what Slack sends.

    Attributes:
        status: The HTTP status to answer it with.
    """
