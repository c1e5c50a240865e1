"""No token, secret id, password or value shows: not in logs, errors, tracebacks or reprs."""

import logging
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType

import pytest

from brickwork import BlockError, Secret
from brickwork.testing.leaks import leaks
from brickwork_hashicorp import (
    AppRoleAuth,
    HashicorpVault,
    JwtAuth,
    TokenAuth,
    UserpassAuth,
    VaultResolver,
)
from brickwork_hashicorp.connection import connection_for
from brickwork_hashicorp.testing import BaoServer, Faults

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("memory_vault")]

Proxy = tuple[BaoServer, Faults]
VALUE = "sentinel-value-Zq7!xK-4711"
WRONG = "sentinel-wrong-Zq7!xK-4711"


@pytest.fixture
def logged() -> Iterator[Callable[[], str]]:
    """Everything that any logger says, DEBUG of hvac, requests and urllib3 included, unmasked."""
    lines: list[str] = []
    handler = logging.Handler(logging.DEBUG)
    handler.emit = lambda record: lines.append(f"{record.msg} {record.args}")  # type: ignore[method-assign]  # the smallest handler there is
    loggers = [logging.getLogger(name) for name in ("", "hvac", "requests", "urllib3")]
    levels = [logger.level for logger in loggers]
    loggers[0].addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    yield lambda: "\n".join(lines)
    loggers[0].removeHandler(handler)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def _shown(error: BaseException | None) -> str:
    """Return all that an error could show, local variables and whatever led to it included."""
    if error is None:
        return ""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    parts = [str(error), repr(error), repr(vars(error)), "".join(told.format())]
    return "\n".join([*parts, _shown(error.__cause__), _shown(error.__context__)])


def _assert_hidden(shown: str, *secrets: str) -> None:
    for secret in secrets:
        assert not leaks(secret, shown), f"a secret shows: {shown}"


def test_a_detector_that_finds_nothing_would_be_noticed() -> None:
    """A secret in a local variable of a frame is found by what the tests below use."""

    def fail() -> None:
        token = WRONG
        raise LookupError(len(token))

    with pytest.raises(LookupError) as caught:
        fail()
    assert leaks(WRONG, _shown(caught.value))


def test_reading_shows_nothing(faulty_server: Proxy, kv2: str, logged: Callable[[], str]) -> None:
    """A login, reads, retries and failures of every kind log neither secrets nor values."""
    server, faults = faulty_server
    server.write(kv2, "app", {"password": VALUE, "other": VALUE})
    policy = server.policy(f'path "{kv2}/data/app" {{ capabilities = ["read"] }}')
    auth = server.app_role(policy)
    block = server.block(auth)
    block.save("default")
    faults.refuse(f"{kv2}/", 503)
    faults.cut(f"{kv2}/")
    asked = [(f"{kv2}/app", "password"), (f"{kv2}/app", "x"), (f"{kv2}/app", None), ("/a/b", None)]
    resolver = VaultResolver()
    answers = resolver.resolve_many([*asked, (f"{kv2}/no", None)])
    assert answers[asked[0]] == Secret(VALUE)
    token = connection_for(block).keeper.last
    assert token is not None
    assert auth.secret_id is not None
    errors = [answer for answer in answers.values() if isinstance(answer, Exception)]
    assert len(errors) == 4
    shown = [logged(), repr(resolver), repr(answers), repr(block), repr(block.check())]
    shown += [_shown(error) for error in errors]
    assert "GET" in shown[0], "urllib3 logged the requests"
    _assert_hidden("\n".join(shown), VALUE, token.reveal(), auth.secret_id.reveal())


@pytest.mark.parametrize(
    "auth",
    [
        TokenAuth(token=Secret(WRONG)),
        AppRoleAuth(role_id="r", secret_id=Secret(WRONG)),
        UserpassAuth(username="ann", password=Secret(WRONG)),
        JwtAuth(role="r", jwt=Secret(WRONG)),
    ],
    ids=lambda auth: type(auth).__name__,
)
def test_a_login_that_fails_shows_nothing(
    bao_server: BaoServer, auth: TokenAuth, logged: Callable[[], str]
) -> None:
    """Neither the error nor its traceback with local variables has what we logged in with."""
    for url in (bao_server.url, "http://127.0.0.1:1", "https://127.0.0.1:1"):
        block = HashicorpVault(url=url, auth=auth, retries=0)
        with pytest.raises(BlockError) as caught:
            block.client()
        caught.value.__traceback__ = _without_this_test(caught.value)
        _assert_hidden(f"{_shown(caught.value)} {block.check()!r} {logged()}", WRONG)


def test_errors_of_the_client_do_not_show_the_token(
    bao_server: BaoServer, faulty_server: Proxy
) -> None:
    """What hvac and requests raise has no frame, request or response with the token."""
    from hvac.exceptions import Forbidden

    server, faults = faulty_server
    auth = bao_server.app_role()
    block = server.block(auth, retries=0)
    client = block.client()
    with pytest.raises(Forbidden) as refused:
        client.secrets.kv.v2.read_secret_version(
            "app", mount_point="secret", raise_on_deleted_version=True
        )
    faults.cut("secret/")
    with pytest.raises(OSError, match="Connection") as broken:
        client.secrets.kv.v2.read_secret_version(
            "app", mount_point="secret", raise_on_deleted_version=True
        )
    token = connection_for(block).keeper.last
    assert token is not None
    for error in (refused.value, broken.value):
        _assert_hidden(_shown(error), token.reveal())


def _without_this_test(error: BaseException) -> TracebackType | None:
    # The frame of the test has the sentinel as an argument.
    trace = error.__traceback__
    return None if trace is None else trace.tb_next
