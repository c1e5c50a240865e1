"""Typed input: what a run may be given, how it is checked and kept, and what runs send."""

import asyncio
import json
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel, Field, field_validator

from brickwork import BasicAuth, Secret
from brickwork_flows import (
    Message,
    RunInput,
    flow,
    receive_input,
    send_input,
    task,
)
from brickwork_flows.errors import InvalidInput, NotPausable, NotResumable, RunNotFound
from brickwork_flows.pausing.inputs import (
    Wanted,
    fields_of,
    holds_secret,
    outlined,
    packed,
    unpacked,
)
from brickwork_flows.runtime import Runtime


class Approval(RunInput):
    """Whether the report goes out."""

    approved: bool = Field(description="Yes or no.")
    limit: int = Field(10, ge=1)


class Login(RunInput):
    """A user."""

    user: str
    password: Secret[str]

    @field_validator("user")
    @classmethod
    def known(cls, user: str) -> str:
        """Refuse a user, and quote it."""
        if user.startswith("x"):
            raise ValueError(f"nobody is called {user}")
        return user


class Order(BaseModel):
    """A model that knows nothing of runs."""

    day: date
    amount: Decimal


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


# Types


def test_models_and_plain_types_are_read() -> None:
    """What pydantic takes from JSON is taken."""
    assert Wanted(Approval).read('{"approved": "yes"}') == Approval(approved=True)
    assert Wanted(int).read("3") == 3
    assert Wanted(list[date]).read('["2026-01-01"]') == [date(2026, 1, 1)]
    order = Wanted(Order).read('{"day": "2026-01-01", "amount": "1.50"}')
    assert order == Order(day=date(2026, 1, 1), amount=Decimal("1.50"))
    assert Wanted(Literal["a", "b"]).read('"a"') == "a"


def test_nothing_is_the_defaults_of_a_model() -> None:
    """A model whose fields all have defaults needs no input; a plain type does."""

    class Optional(RunInput):
        note: str = "none"

    assert Wanted(Optional).read(None) == Optional()
    with pytest.raises(InvalidInput, match="nothing was given"):
        Wanted(int).read(None)


def test_the_error_names_every_field_and_shows_no_value() -> None:
    """One line for each; the fix says what it takes; unknown fields are refused."""
    with pytest.raises(InvalidInput) as refused:
        Wanted(Approval).read('{"limit": 0, "aproved": "sentinel-1"}')
    assert refused.value.what.split("\n  - ") == [
        "The input does not fit Approval",
        "approved: Field required",
        "limit: Input should be greater than or equal to 1",
        "aproved: Extra inputs are not permitted",
    ]
    assert refused.value.fix == "It takes: Approval(approved, [limit])."
    assert "sentinel" not in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_validator_that_quotes_is_not_quoted_where_a_secret_may_be() -> None:
    """With a secret in the model, only pydantic's own messages are shown."""
    with pytest.raises(InvalidInput, match="user: the value was refused") as refused:
        Wanted(Login).read('{"user": "x-sentinel-2", "password": "p"}')
    assert "sentinel" not in str(refused.value)


def test_with_initial_data_gives_defaults_and_a_description() -> None:
    """Fields keep their types, constraints and descriptions; what is asked is in the schema."""
    model = Approval.with_initial_data(description="Send it?", approved=True)
    wanted = Wanted(model)
    assert wanted.read(None) == model(approved=True, limit=10)
    assert isinstance(wanted.read("{}"), Approval)
    assert wanted.schema["description"] == "Send it?"
    assert wanted.schema["properties"]["approved"]["description"] == "Yes or no."
    assert outlined(wanted.name, wanted.schema) == "Approval([approved], [limit])"
    with pytest.raises(InvalidInput, match="has no field approvd"):
        Approval.with_initial_data(approvd=True)


def test_initial_data_of_a_wrong_type_is_told() -> None:
    """A default is checked as what is given is."""
    with pytest.raises(InvalidInput, match="limit: Input should be greater"):
        Wanted(Approval.with_initial_data(limit=0, approved=True)).read(None)


def test_a_type_that_cannot_be_given_is_refused_at_once() -> None:
    """A class without a form in JSON, before anything waits."""

    class Strange:
        pass

    with pytest.raises(InvalidInput, match="Strange is no type"):
        Wanted(Strange)


def test_the_schema_shows_fields_and_no_secret_default() -> None:
    """Also where somebody gives a secret as a default."""
    model = Login.with_initial_data(password=Secret("sentinel-3-default"))
    wanted = Wanted(model)
    assert "sentinel" not in json.dumps(wanted.schema)
    assert holds_secret(wanted.schema)
    needed = {name: needed for name, _, needed in fields_of(wanted.schema)}
    assert needed == {"user": True, "password": False}
    assert wanted.read('{"user": "ada"}').password.reveal() == "sentinel-3-default"


# How it is kept


@given(JSON)
def test_plain_values_come_back(value: Any) -> None:
    """Whatever JSON holds is kept and read as it was."""
    assert json.loads(unpacked(packed(value))) == value


def test_models_and_dates_are_given_as_they_are() -> None:
    """A model instance fits its own type."""
    order = Order(day=date(2026, 1, 1), amount=Decimal("1.50"))
    assert Wanted(Order).read(unpacked(packed(order))) == order
    assert Wanted(list[Order]).read(unpacked(packed([order]))) == [order]


def test_what_has_no_form_in_json_is_refused() -> None:
    """The error names the type alone."""
    with pytest.raises(InvalidInput, match="A object cannot be given"):
        packed(object())


def test_secrets_are_sealed_and_come_back() -> None:
    """In a model, in a mapping, as a field that the schema calls a secret, or known before."""
    BasicAuth(username="any", password=Secret("makes the vault")).save("any")
    schema = Wanted(Login).schema
    secret = Secret("sentinel-4-secret")
    for value, of in (
        (Login(user="ada", password=secret), None),
        ({"user": "ada", "password": secret}, None),
        ({"user": "ada", "password": "sentinel-5-unknown"}, schema),
        (["a text with sentinel-4-secret in it"], None),
    ):
        kept = packed(value, of)
        assert list(kept) == ["sealed"]
        assert "sentinel" in unpacked(kept)


# Messages


class Number(BaseModel):
    """What two flows send each other."""

    number: int


@flow
def takes_three() -> list[int]:
    """Receive three."""
    receiver = receive_input(int, timeout=20)
    return [receiver.next() for _ in range(3)]


broken = [True]


@flow
def takes_and_breaks() -> list[int]:
    """Receive two, break, and receive one more."""
    receiver = receive_input(int, timeout=20)
    first = [receiver.next(), receiver.next()]
    if broken.pop():
        raise OSError("no disk")
    return [*first, receiver.next()]


def newest(runtime: Runtime) -> str:
    """Return the id of the newest run."""
    runtime.flush()
    return runtime.history.runs()[0].id


def test_what_is_sent_is_received_in_order_and_once(runtime: Runtime) -> None:
    """Of one queue, each goes to one receiver."""

    @flow
    def main() -> list[list[str]]:
        here = newest(runtime)
        for text in "abcd":
            send_input(text, here)
        first = receive_input(str, timeout=5)
        second = receive_input(str, timeout=0.01)
        return [[first.next(), first.next()], [second.next()], list(second)]

    assert main() == [["a", "b"], ["c"], ["d"]]


def test_queues_are_apart(runtime: Runtime) -> None:
    """A key prefix makes a queue; none begins as another one does."""

    @flow
    def main() -> list[list[int]]:
        here = newest(runtime)
        for number, prefix in enumerate([None, "a", "a|", "1|a"]):
            send_input(number, here, key_prefix=prefix)
        return [
            list(receive_input(int, timeout=0, key_prefix=prefix))
            for prefix in (None, "a", "a|", "1|a", "b")
        ]

    assert main() == [[0], [1], [2], [3], []]


def test_a_body_that_is_resumed_is_given_what_it_took(runtime: Runtime) -> None:
    """What was taken comes back in its place, and what was not waits for the next call."""
    broken[:] = [False, True]

    @flow
    def sender(to: str) -> None:
        for number in (1, 2, 3):
            send_input(number, to)

    sent: list[str] = []

    @task
    def begin() -> None:
        sent.append(newest(runtime))
        sender(sent[0])

    @flow
    def main() -> list[int]:
        begin()
        return takes_and_breaks.fn()

    with pytest.raises(OSError, match="no disk"):
        main()
    from brickwork_flows.resuming import resume_flow

    record = runtime.history.run(sent[0])
    runtime.flush()
    assert resume_flow(main, runtime.history.run(record.id), {}) == [1, 2, 3]


def test_a_retried_body_is_given_what_it_took(runtime: Runtime) -> None:
    """The next attempt receives the same."""
    left = [1]

    @flow(retries=1)
    def main() -> list[int]:
        if left[0]:
            for number in (1, 2):
                send_input(number, newest(runtime))
        receiver = receive_input(int, timeout=5)
        taken = [receiver.next(), receiver.next()]
        if left[0]:
            left[0] = 0
            raise OSError("busy")
        return taken

    assert main() == [1, 2]


def test_the_sender_is_told_and_can_be_answered(runtime: Runtime) -> None:
    """With metadata, a receiver knows whom to answer."""

    @flow
    def squares() -> None:
        message: Message[int] = receive_input(int, timeout=5, with_metadata=True).next()
        send_input(message.value**2, message.sender)

    @flow
    def asks() -> int:
        here = newest(runtime)

        @flow
        def inner() -> None:
            send_input(7, f"{here}.squares-0")

        send_input(7, here)
        message = receive_input(int, timeout=5, with_metadata=True).next()
        send_input(message.value**2, message.sender)
        return receive_input(int, timeout=5).next()

    assert asks() == 49


def test_a_message_that_does_not_fit_is_told_and_gone(runtime: Runtime) -> None:
    """The next call gets the next one."""

    @flow
    def main() -> tuple[str, Number]:
        send_input({"number": "many"}, newest(runtime))
        send_input(Number(number=2), newest(runtime))
        receiver = receive_input(Number, timeout=5)
        with pytest.raises(InvalidInput, match="number: Input should be a valid integer") as error:
            receiver.next()
        return error.value.what.split("\n")[0], receiver.next()

    assert main() == ("The input does not fit Number", Number(number=2))


def test_nothing_in_time_ends_the_iteration_or_is_an_error(runtime: Runtime) -> None:
    """As it was asked for; next() always raises."""

    @flow
    def main() -> list[int]:
        with pytest.raises(TimeoutError, match=r"nothing was sent within 0\.01 s"):
            receive_input(int, timeout=0.01).next()
        with pytest.raises(TimeoutError):
            list(receive_input(int, timeout=0.01, raise_timeout_error=True))
        return list(receive_input(int, timeout=0.01))

    assert main() == []


def test_async_flows_receive_without_blocking(runtime: Runtime) -> None:
    """One receives while another one of the same loop sends."""

    @flow
    async def receives() -> list[int]:
        return [number async for number in receive_input(int, timeout=0.5)]

    async def main() -> list[int]:
        running = asyncio.create_task(receives())
        await asyncio.to_thread(runtime.flush)
        while not await asyncio.to_thread(runtime.history.runs):
            await asyncio.sleep(0.02)
        for number in range(3):
            await asyncio.to_thread(send_input, number, newest(runtime))
        return await running

    assert asyncio.run(main()) == [0, 1, 2]


def test_programs_receive_and_send_too(runtime: Runtime) -> None:
    """A program that is no run names the run; what it takes is gone for the run."""

    @flow
    def main() -> list[int]:
        here = newest(runtime)
        send_input(1, here)
        send_input(2, here)
        from brickwork_flows.context import current_run

        token = current_run.set(None)
        try:
            taken = receive_input(int, timeout=1, flow_run_id=here).next()
        finally:
            current_run.reset(token)
        return [taken, receive_input(int, timeout=1).next()]

    assert main() == [1, 2]
    with pytest.raises(NotPausable, match="no flow runs"):
        receive_input(int)


def test_nothing_is_sent_to_what_takes_nothing(runtime: Runtime) -> None:
    """Completed runs, runs of tasks and unknown ones are refused."""

    @task
    def one() -> int:
        return 1

    @flow
    def main() -> int:
        return one()

    main()
    run_id = newest(runtime)
    with pytest.raises(NotResumable, match="it is completed"):
        send_input(1, run_id)
    with pytest.raises(NotResumable, match="it is a task's"):
        send_input(1, f"{run_id}.one-0")
    with pytest.raises(RunNotFound):
        send_input(1, "nobody")


def test_many_senders_lose_nothing(runtime: Runtime) -> None:
    """Eight threads that send at once, and four that receive: each is received once."""
    from concurrent.futures import ThreadPoolExecutor
    from contextvars import copy_context

    @flow
    def main() -> list[int]:
        here = newest(runtime)

        def send(first: int) -> None:
            for number in range(first, first + 10):
                send_input(number, here)

        def receive(_: int) -> list[int]:
            return list(receive_input(int, timeout=0.2, flow_run_id=here))

        with ThreadPoolExecutor(12) as pool:
            sending = [pool.submit(copy_context().run, send, 10 * each) for each in range(8)]
            taken = [pool.submit(copy_context().run, receive, each) for each in range(4)]
            for future in sending:
                future.result()
            found = [number for future in taken for number in future.result()]
        return sorted([*found, *receive_input(int, timeout=0)])

    assert main() == list(range(80))


def test_messages_go_with_their_run(runtime: Runtime) -> None:
    """Removing a run removes what was sent to it."""

    @flow
    def main() -> None:
        send_input(1, newest(runtime))

    main()
    run_id = newest(runtime)
    assert len(runtime.history.entries("messages", prefix=run_id)) == 1
    runtime.history.remove(run_id)
    assert len(runtime.history.entries("messages", prefix=run_id)) == 0
    assert len(runtime.history.entries("messages-last", prefix=run_id)) == 0


def test_a_secret_that_is_sent_is_sealed(runtime: Runtime) -> None:
    """It is in no entry in clear, and comes back as it was."""
    BasicAuth(username="any", password=Secret("makes the vault")).save("any")

    @flow
    def main() -> str:
        send_input({"token": Secret("sentinel-6-token")}, newest(runtime))
        kept = runtime.history.entries("messages")
        assert "sentinel" not in str(kept)
        return receive_input(dict[str, str], timeout=5).next()["token"]

    assert main() == "sentinel-6-token"
