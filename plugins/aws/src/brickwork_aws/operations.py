"""Any operation of any service: checked before it is sent, with all its pages, and its waiters.

What there is, and what it takes, is botocore's own description of the services:
https://boto3.amazonaws.com/v1/documentation/api/latest/reference/services/index.html.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from brickwork import BrickworkError, InvalidArguments, Secret, check_cancelled, mask
from brickwork_aws.errors import AwsTimeout, explained, never_so

if TYPE_CHECKING:
    from brickwork_aws.credentials import AwsCredentials

_SHOWN = 5
_NAMING = ("name", "id", "arn", "queueurl", "identifier", "bucket", "cluster")
_NO_TEXTS = {"structure", "list", "map", "integer", "long", "float", "double", "boolean"}


class Operation:
    """An operation of a service, and who calls it.

    Args:
        credentials: Whose.
        service: boto3's name of the service, ``sqs``.
        name: ``send_message`` or ``SendMessage``.
        once_seconds: Send each request just once, and wait so long for its answer: for what must
            not be done twice, and takes its time. None: as the client options say.

    Attributes:
        client: boto3's client.
        method: boto3's name of the operation, ``send_message``.
        name: The service and AWS's name of the operation, ``sqs:SendMessage``; what IAM calls the
            permission, with few exceptions.

    Raises:
        InvalidArguments: There is no such operation.
        BlockError: No such service or profile, no region.
    """

    __slots__ = ("client", "credentials", "method", "model", "name")

    def __init__(
        self,
        credentials: "AwsCredentials",
        service: str,
        name: str,
        *,
        once_seconds: float | None = None,
    ) -> None:
        self.credentials = credentials
        self.client = (
            credentials.client(service)
            if once_seconds is None
            else once_client(credentials, service, once_seconds)
        )
        names: dict[str, str] = self.client.meta.method_to_api_mapping
        self.method = known(
            _snake(name), names, f"The service {service!r} has no operation {name!r}"
        )
        self.model = self.client.meta.service_model.operation_model(names[self.method])
        self.name = f"{self.client.meta.service_model.signing_name}:{self.model.name}"

    def call(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Send one request, and return its answer.

        Args:
            parameters: As botocore describes them; those that are None are left out, secrets go
                in clear, and texts for what is no text are read as JSON.

        Raises:
            InvalidArguments: It does not take that; nothing was sent.
            AwsError: It failed.
        """
        return bare(self.answer(parameters))

    def answer(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """As `call`, with what botocore says of the transport: the id of the request."""
        sent = self.checked(parameters)
        with self.failing(sent):
            return with_streams_read(getattr(self.client, self.method)(**sent))

    def pages(self, parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Give each page of the answer; of an operation that has none, the one answer.

        The task is cancelled between pages. Arguments and errors are those of `call`.
        """
        if not self.client.can_paginate(self.method):
            yield self.call(parameters)
            return
        sent = self.checked(parameters)
        with self.failing(sent):
            for page in _Pages(self, sent):
                yield bare(page)

    def everything(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer with the lists of all its pages joined. As `pages`."""
        if not self.client.can_paginate(self.method):
            return self.call(parameters)
        from botocore.paginate import PageIterator

        sent = self.checked(parameters)
        with self.failing(sent):
            joined: dict[str, Any] = PageIterator.build_full_result(_Pages(self, sent))
        return bare(joined)

    def checked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters as they are sent.

        Raises:
            InvalidArguments: The operation does not take them; all that is wrong is said, without
                the values.
        """
        from botocore.validate import ParamValidator

        sent = {name: revealed(value) for name, value in parameters.items() if value is not None}
        problems: list[str] = []
        shape = self.model.input_shape
        if shape is None:
            problems = [f"{name} is unknown; it takes no parameters" for name in sent]
        else:
            for name in sent.keys() & shape.members.keys():
                sent[name] = _read(sent[name], shape.members[name].type_name)
            # By these a service knows a request that is sent again; botocore would make them later.
            for name in self.model.idempotent_members:
                sent.setdefault(name, str(uuid4()))
            report = ParamValidator().validate(sent, shape)
            # Its public report shows the values.
            problems = [_problem(*each) for each in report._errors]  # noqa: SLF001  # as said
        if problems:
            raise InvalidArguments(
                f"{self.name}: {'; '.join(problems)}.",
                fix="See the operation's page in boto3's reference.",
            )
        return sent

    @contextmanager
    def failing(self, sent: Mapping[str, Any]) -> Iterator[None]:
        """Turn errors of boto3 in the block into those of Brickwork.

        Args:
            sent: The parameters of the request, by which the error says what it is about.
        """
        from brickwork_aws.faults import is_of_boto

        try:
            yield
        except BrickworkError:
            raise
        except Exception as error:
            if is_of_boto(error):
                about = self._about(sent)
                raise explained(error, self.credentials, self.name, about=about) from error
            error.add_note(f"in {self.name}")
            raise

    def _about(self, sent: Mapping[str, Any]) -> str:
        """Name what a request is about, and where: many services do not, in their errors."""
        shape = self.model.input_shape
        members = {} if shape is None else shape.members
        names = [
            f"{name} {mask(value)!r}"
            for name, value in sent.items()
            if isinstance(value, str)
            and name.lower().endswith(_NAMING)
            and name not in self.model.idempotent_members
            and not members[name].metadata.get("sensitive")
        ]
        return f"{', '.join(names)} in {self.client.meta.region_name}".lstrip()


def once_client(credentials: "AwsCredentials", service: str, seconds: float) -> Any:
    """Return a client that sends each request just once, and waits so long for its answer.

    Not much longer than the task may run, though; for the rest, see `AwsCredentials.client`.
    """
    from brickwork import remaining
    from brickwork_aws.clients import client_for

    options = credentials.client_options
    times = (options.connect_timeout, max(seconds, options.read_timeout))
    return client_for(credentials, service, seconds=remaining(), timeouts=times, attempts=1)


class _Pages:
    """The pages of botocore, between which a task that was cancelled stops."""

    def __init__(self, operation: Operation, sent: Mapping[str, Any]) -> None:
        paginator = operation.client.get_paginator(operation.method)
        self._pages = paginator.paginate(**sent)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for page in self._pages:
            yield page
            check_cancelled()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pages, name)


def wait(
    credentials: "AwsCredentials",
    service: str,
    waiter: str,
    parameters: Mapping[str, Any],
    *,
    poll_seconds: float | None = None,
    max_wait_seconds: float | None = None,
) -> dict[str, Any]:
    """Wait until one of botocore's waiters says that it is so.

    Args:
        credentials: Whose.
        service: boto3's name of the service.
        waiter: The waiter's name, ``bucket_exists`` or ``BucketExists``.
        parameters: As the operation that it asks takes them.
        poll_seconds: Seconds between two questions; the waiter's own by default.
        max_wait_seconds: How long to wait at most; the waiter's own by default. The time-out of the
            task counts as well.

    Returns:
        The answer that said so.

    Raises:
        InvalidArguments: There is no such waiter, or it does not take that; nothing was sent.
        AwsTimeout: It was not so in time.
        AwsError: It failed, or never will be so.
        TaskCancelled: The task was cancelled meanwhile.
    """
    from botocore.exceptions import ClientError

    from brickwork_aws.polling import turns

    client = credentials.client(service)
    name = known(_snake(waiter), client.waiter_names, f"{service!r} has no waiter {waiter!r}")
    config = client.get_waiter(name).config
    operation = Operation(credentials, service, config.operation)
    every = config.delay if poll_seconds is None else poll_seconds
    most = config.delay * config.max_attempts if max_wait_seconds is None else max_wait_seconds
    sent = operation.checked(parameters)
    what = f"{service} {name.replace('_', ' ')}"
    for _ in turns(every, most):
        failed: ClientError | None = None
        answer: dict[str, Any] = {}
        with operation.failing(sent):
            try:
                answer = getattr(client, operation.method)(**sent)
            except ClientError as error:  # for which a waiter may have waited
                failed, answer = error, error.response
            accepted = next((a for a in config.acceptors if a.matcher_func(answer)), None)
            if accepted is None and failed is not None:
                raise failed
        if accepted is not None and accepted.state == "success":
            return bare(answer)
        if accepted is not None and accepted.state == "failure":
            raise never_so(what, operation.name, accepted.explanation)
    raise AwsTimeout(
        f"It took longer than {most:g} s: {what}.",
        fix="Give it longer by max_wait_seconds, or look at what it waits for.",
    )


def known(name: str, names: Any, refusal: str) -> str:
    """Return a name that there is.

    Raises:
        InvalidArguments: There is none; the refusal is the message, and like ones are named.
    """
    if name in names:
        return name
    like = get_close_matches(name, list(names), _SHOWN, 0.5)
    fix = f"Perhaps: {', '.join(like)}." if like else f"There are: {', '.join(sorted(names))}."
    raise InvalidArguments(f"{refusal}.", fix=fix)


def bare(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without what botocore says of the transport, and with its streams read."""
    answer.pop("ResponseMetadata", None)
    return with_streams_read(answer)


def with_streams_read(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer, its streams read to the end."""
    for name, value in answer.items():
        if hasattr(value, "read"):
            answer[name] = value.read()
    return answer


def revealed(value: Any) -> Any:
    """Return a value with the secrets in it in clear, as it is sent."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {name: revealed(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [revealed(each) for each in value]
    return value


def _read(value: Any, kind: str) -> Any:
    """Return what a text means for a parameter that wants none, as from the command line."""
    if not isinstance(value, str) or kind not in _NO_TEXTS:
        return value
    import json

    try:
        return json.loads(value)
    except ValueError:
        return value  # said to be wrong with what else is


def _snake(name: str) -> str:
    from botocore import xform_name

    found: str = xform_name(name.replace("-", "_"))
    return found


def _problem(reason: str, name: str, more: Mapping[str, Any]) -> str:
    """Say what botocore has against a parameter, without its value."""
    where = name.removeprefix(".") or "the parameters"
    if reason == "missing required field":
        return f"{_inside(name)}{more['required_name']} lacks"
    if reason == "unknown field":
        unknown = str(more["unknown_param"])
        like = get_close_matches(unknown, more["valid_names"], _SHOWN, 0.5)
        others = like or more["valid_names"]
        return f"{_inside(name)}{unknown} is unknown; there is {_listed(others)}"
    if reason in {"invalid type", "invalid type for document"}:
        kinds = [kind.partition("'")[2].rstrip("'>") for kind in more["valid_types"]]
        return f"{where} is a {type(more['param']).__name__}, and wants {_listed(kinds or ['?'])}"
    if reason == "invalid range":
        return f"{where} is below {more['min_allowed']}"
    if reason == "invalid length":
        return f"{where} is shorter than {more['min_allowed']}"
    if reason in {"more than one input", "empty input"}:
        return f"{where} wants just one of {_listed(more['members'])}"
    return f"{where}: {reason}"


def _inside(name: str) -> str:
    return f"{name.removeprefix('.')}." if name else ""


def _listed(names: Sequence[str]) -> str:
    return " or ".join(str(name) for name in names)
