"""A service of AWS that answers as it is told to, for contracts of notifiers."""

from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Self

import pytest

from brickwork import Notifier, Secret
from brickwork.testing.notifier import Answer, Asked, Behaviour, HttpCounterpart
from brickwork_aws import notifying
from brickwork_aws.credentials import AwsCredentials

_KEY = "counterpart-secret-access-key-4d1f"


class Service(NamedTuple):
    """How a service answers; its format is its own.

    Attributes:
        make: Makes the notifier of some credentials.
        read: Returns the message of a request as people would read it; None if it sends none.
        accept: Returns the answer to what is taken.
        refuse: Returns the answer with this error code.
        content_type: Of answers.
    """

    make: Callable[[AwsCredentials], Notifier]
    read: Callable[[Asked], str | None]
    accept: Callable[[Asked], str]
    refuse: Callable[[str], str]
    content_type: str


class AwsCounterpart(HttpCounterpart):
    """A server on 127.0.0.1 which stands for a service.

    As long as it runs, notifiers have time to send again: botocore's first request loads much, and
    takes seconds on a busy machine.
    """

    secrets = (_KEY,)
    wait_seconds = 0.0  # AWS throttles, and never says how long to wait

    def __init__(self, service: Service) -> None:
        super().__init__(lambda url: service.make(_credentials(url)))
        self._service = service
        self._patch = pytest.MonkeyPatch()

    def __enter__(self) -> Self:
        self._patch.setattr(notifying, "RETRY_SECONDS", 60.0)
        return super().__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        self._patch.undo()

    def message_of(self, asked: Asked) -> str | None:
        """Return the message of a request as people would read it; None if it sends none."""
        return self._service.read(asked)

    def answer_to(self, asked: Asked, behaviour: Behaviour, *, limited: bool) -> Answer:
        """Return the answer to a request, in the service's format."""
        status, text = 200, ""
        if behaviour is Behaviour.REFUSING:
            status, text = 404, self._service.refuse("NotFoundException")
        elif behaviour is Behaviour.BROKEN:
            status, text = 500, self._service.refuse("InternalFailure")
        elif limited:
            status, text = 400, self._service.refuse("ThrottlingException")
        else:
            text = self._service.accept(asked)
        return Answer(status, text.encode(), {"Content-Type": self._service.content_type})


def _credentials(url: str) -> AwsCredentials:
    return AwsCredentials(
        access_key_id="AKIAIOSFODNN7EXAMPLE",
        secret_access_key=Secret(_KEY),
        region="eu-west-1",
        endpoint_url=url,
    )
