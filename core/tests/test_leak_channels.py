"""No secret shows in what a secret, or a model that holds one, says of itself.

`brickwork.testing.leaks` says how to add a channel.
"""

import copy
import dataclasses
import io
import json
import pickle
import pprint
import reprlib
import traceback
import warnings
from collections.abc import Callable, Iterator

import pydantic
import pytest
import rich.console
import rich.logging
import rich.pretty
import rich.traceback

from brickwork import Secret, install_masking
from brickwork.errors import SecretExposed
from brickwork.testing.leaks import SENTINELS, Channel, Channels, forms, leaks

pytestmark = pytest.mark.attack

channels = Channels()


@pytest.fixture(autouse=True)
def masking() -> Iterator[None]:
    """What a program has that called `install_masking` once."""
    with install_masking():
        yield


@channels.add()
def secret_repr(text: str) -> str:
    """The repr of a secret, alone and inside containers."""
    return repr(Secret(text)) + repr([Secret(text)]) + repr({"k": Secret(text.encode())})


@channels.add()
def secret_str(text: str) -> str:
    """Its text."""
    return str(Secret(text)) + str(Secret(text.encode()))


@channels.add()
def secret_format(text: str) -> str:
    """Format strings, with and without a width."""
    return f"{Secret(text)} {Secret(text):>100} {Secret(text)!r} " + "{0} {0!s}".format(
        Secret(text)
    )


@channels.add()
def secret_percent(text: str) -> str:
    """Percent formatting, cut or not."""
    return "%s %r %.4s %a" % (Secret(text), Secret(text), Secret(text), Secret(text))  # noqa: UP031 - the channel


@channels.add()
def secret_json(text: str) -> str:
    """JSON, by default refused."""
    return _text_of(lambda: json.dumps(Secret(text))) + json.dumps(Secret(text), default=str)


@channels.add()
def secret_pickle(text: str) -> bytes:
    """Pickles of every protocol, refused; what was written so far."""
    shown = b""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        stream = io.BytesIO()
        with pytest.raises(SecretExposed) as caught:
            pickle.Pickler(stream, protocol).dump(["x", Secret(text)])
        shown += stream.getvalue() + str(caught.value).encode()
    return shown


@channels.add()
def secret_cloudpickle(text: str) -> str:
    """A closure over a secret, pickled by value."""
    cloudpickle = pytest.importorskip("cloudpickle")
    secret = Secret(text)
    return _text_of(lambda: repr(cloudpickle.dumps(lambda: secret)))


@channels.add()
def secret_copy(text: str) -> str:
    """Copies, which are the same object."""
    secret = Secret(text)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret
    return repr(copy.deepcopy({"k": secret}))


@channels.add()
def secret_pretty(text: str) -> str:
    """The pretty printers of the standard library."""
    return pprint.pformat([Secret(text)]) + reprlib.repr([Secret(text)])


@channels.add()
def secret_rich(text: str) -> str:
    """The pretty printer of rich."""
    console = _console()
    console.print(Secret(text), [Secret(text)], {"k": Secret(text)})
    rich.pretty.pprint(Secret(text), console=console, expand_all=True)
    return _file(console)


@channels.add()
def secret_attributes(text: str) -> str:
    """Attempts to change it or to look inside by name."""
    secret = Secret(text)

    def change() -> None:
        secret._value = "other"

    def delete() -> None:
        del secret._value

    return _text_of(change) + _text_of(delete) + _text_of(lambda: vars(secret)) + repr(dir(secret))


@channels.add()
def secret_compared(text: str) -> str:
    """Comparisons."""
    assert Secret(text) == Secret(text)
    assert Secret(text) != text
    return f"{Secret(text) == text} " + _text_of(lambda: Secret(text) < Secret(text))  # type: ignore[operator]  # wrong on purpose


@channels.add()
def secret_in_dataclass(text: str) -> str:
    """A dataclass that holds one."""

    @dataclasses.dataclass
    class Login:
        user: str
        password: Secret[str]

    login = Login("me", Secret(text))
    return repr(login) + repr(dataclasses.asdict(login)) + repr(dataclasses.astuple(login))


@channels.add()
def secret_in_locals(text: str) -> str:
    """A traceback with local variables."""
    secret = Secret(text)
    del text
    try:
        assert secret == 1, "no"
    except AssertionError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(shown.format())


@channels.add()
def secret_in_rich_locals(text: str) -> str:
    """A traceback of rich with local variables."""
    console = _console()
    secret = Secret(text)
    del text
    try:
        assert secret == 1, "no"
    except AssertionError:
        console.print_exception(show_locals=True)
    return _file(console)


@channels.add()
def secret_concatenated(text: str) -> str:
    """Type errors of use as a plain text."""
    return _text_of(lambda: "x" + Secret(text)) + _text_of(lambda: ",".join([Secret(text)]))  # type: ignore[operator,list-item]  # wrong on purpose


class Login(pydantic.BaseModel):
    """A model that is not ours, with secrets of ours."""

    user: str = "me"
    password: Secret[str]
    also: Secret[bytes] | None = None
    union: Secret[str] | Secret[bytes] | None = None


class Nested(pydantic.BaseModel):
    """Secrets at depth."""

    login: Login | None = None
    by_name: dict[str, Secret[str]] = {}
    many: list[tuple[int, Secret[str]]] = []


def _errors(call: Callable[[], object]) -> str:
    with pytest.raises(pydantic.ValidationError) as caught:
        call()
    error = caught.value
    return f"{error} {error!r} {error.errors()} {error.json()} {_traced(error)}"


@channels.add()
def model_error_of_type(text: str) -> str:
    """Validation errors of a wrong type."""
    return _errors(lambda: Login.model_validate({"password": [text]})) + _errors(
        lambda: Login.model_validate({"password": {"x": text}, "also": [text.encode()]})
    )


@channels.add()
def model_error_in_union(text: str) -> str:
    """Validation errors inside unions of secrets."""
    return _errors(lambda: Login(password=Secret("x"), union={text: text}))


@channels.add()
def model_error_in_json(text: str) -> str:
    """Validation errors of JSON."""
    return _errors(lambda: Login.model_validate_json(json.dumps({"password": [text]})))


@channels.add()
def model_error_at_depth(text: str) -> str:
    """Validation errors of nested models, dicts and tuples."""
    shown = _errors(lambda: Nested.model_validate({"login": {"password": [text]}}))
    shown += _errors(lambda: Nested.model_validate({"by_name": {"k": [text]}}))
    return shown + _errors(lambda: Nested.model_validate({"many": [(1, [text])]}))


@channels.add()
def model_error_in_adapter(text: str) -> str:
    """Validation errors of a type adapter."""
    adapter = pydantic.TypeAdapter(list[Secret[str]])
    return _errors(lambda: adapter.validate_python([[text]]))


@channels.add()
def model_repr(text: str) -> str:
    """Representations and dumps of a model."""
    login = Login.model_validate({"password": text, "also": text.encode(), "union": text})
    assert login.password.reveal() == text
    return f"{login} {login!r} {login.model_dump()} {login.model_copy()!r} {login.__dict__}"


@channels.add()
def model_json(text: str) -> str:
    """JSON of a model, refused, and its schema."""
    login = Login.model_validate({"password": text})
    shown = _text_of(login.model_dump_json) + _text_of(lambda: login.model_dump(mode="json"))
    return shown + json.dumps(Login.model_json_schema())


@channels.add()
def model_pickle(text: str) -> str:
    """The pickle of a model, refused."""
    return _text_of(lambda: repr(pickle.dumps(Login.model_validate({"password": text}))))


@channels.add()
def model_serialisation_warning(text: str) -> str:
    """Warnings about values of another type than the field."""
    login = Login.model_construct(password=Secret(text), user=Secret(text))  # type: ignore[arg-type]  # wrong on purpose
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        shown = _text_of(login.model_dump) + _text_of(login.model_dump_json)
    return shown + "".join(str(each.message) for each in caught)


@pytest.mark.parametrize("channel", channels, ids=str)
def test_no_sentinel_shows(channel: Channel) -> None:
    """No channel shows any of the sentinels in any form; those that carry texts do carry."""
    channel.check()


def test_there_are_channels() -> None:
    """The list is not empty, and its names are unique."""
    assert len({channel.name for channel in channels}) == len(channels) >= 25


@pytest.mark.parametrize("kind", forms("x" * 20))
def test_the_detector_hits(kind: str) -> None:
    """A control that leaks, in whatever form, is noticed for every sentinel."""
    assert len(SENTINELS) == 20
    for sentinel in SENTINELS:
        for text in forms(sentinel)[kind]:
            assert kind in leaks(sentinel, f"... {text} ...")
            assert kind in leaks(sentinel, f"... {text} ...".encode())


def test_a_leaking_channel_fails() -> None:
    """The check fails for a channel that leaks, and for one that carries nothing."""
    with pytest.raises(AssertionError, match="shows a secret"):
        Channel("leaking", lambda text: f"<{text}>", carries=True).check()
    with pytest.raises(AssertionError, match="carries nothing"):
        Channel("silent", lambda text: "nothing", carries=True).check()


def _text_of(call: Callable[[], object]) -> str:
    """Return what a call returns, or all that its error shows."""
    try:
        return repr(call())
    except Exception as error:  # noqa: BLE001 - any error is what is looked at
        return _traced(error)


def _traced(error: BaseException) -> str:
    lines = traceback.TracebackException.from_exception(error, capture_locals=False).format()
    # The lines of the source are ours; what the error itself carries is what counts.
    return f"{error!r} {error} {error.args!r} {error.__context__!r} " + "".join(lines)


def _console() -> rich.console.Console:
    return rich.console.Console(file=io.StringIO(), width=2000)


def _file(console: rich.console.Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
