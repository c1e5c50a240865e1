"""Only what Slack signed with the app's signing secret, within five minutes, is taken."""

import hmac

import pytest
from hypothesis import given, strategies as st
from slack_sdk.signature import SignatureVerifier

from brickwork import Secret
from brickwork_slack.errors import SlackRequestRefused
from brickwork_slack.receivers.signature import sign, verify, well_formed

SECRET = Secret("8f742231b10e8888abcd99yyyzzz85a5")
OTHER = Secret("another-signing-secret-altogether")
NOW = 1531420618
BODY = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"


def test_slacks_own_example_is_verified() -> None:
    """The values that Slack's page publishes to test one's implementation with are right here."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
        b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    verify(body, "1531420618", signature, [SECRET], now=NOW)


@given(body=st.text().map(str.encode), moment=st.integers(0, 10**11))
def test_the_sdk_agrees(body: bytes, moment: int) -> None:
    """What is signed here, slack_sdk takes, and the other way round."""
    sdk = SignatureVerifier(SECRET.reveal())
    signature = sdk.generate_signature(timestamp=str(moment), body=body)
    assert signature == sign(body, str(moment), SECRET)
    verify(body, str(moment), signature, [SECRET], now=moment)


@given(body=st.binary(min_size=1), data=st.data())
def test_one_changed_bit_is_refused(body: bytes, data: st.DataObject) -> None:
    """Whichever bit of the body it is."""
    changed = bytearray(body)
    changed[data.draw(st.integers(0, len(body) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SlackRequestRefused) as caught:
        verify(bytes(changed), str(NOW), sign(body, str(NOW), SECRET), [SECRET], now=NOW)
    assert caught.value.status == 401


def test_the_time_is_signed_too() -> None:
    """A newer time on an old signature makes it no newer."""
    signature = sign(BODY, str(NOW), SECRET)
    with pytest.raises(SlackRequestRefused) as caught:
        verify(BODY, str(NOW + 400), signature, [SECRET], now=NOW + 400)
    assert caught.value.status == 401


@pytest.mark.parametrize("away", [-301, 301, -86400, 10**9])
def test_what_is_signed_at_another_time_is_refused(away: int) -> None:
    """More than five minutes ago, and more than five minutes from now."""
    signature = sign(BODY, str(NOW), SECRET)
    with pytest.raises(SlackRequestRefused, match="from now" if away < 0 else "ago") as caught:
        verify(BODY, str(NOW), signature, [SECRET], now=NOW + away)
    assert caught.value.status == 403
    assert caught.value.fix


@pytest.mark.parametrize("away", [-300, -1, 0, 299.5, 300])
def test_within_five_minutes_both_ways_it_is_taken(away: float) -> None:
    """Clocks differ, and networks take their time."""
    verify(BODY, str(NOW), sign(BODY, str(NOW), SECRET), [SECRET], now=NOW + away)


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "v0=",
        "v1=" + sign(BODY, str(NOW), SECRET)[3:],
        sign(BODY, str(NOW), SECRET)[:-1],
        sign(BODY, str(NOW), SECRET) + "0",
        sign(BODY, str(NOW), SECRET) + "\n",
        sign(BODY, str(NOW), SECRET).upper(),
        "v0=" + "é" * 64,
        "v0=" + "\ud800" * 64,
        "v0=" + "٣" * 64,
        b"v0=" + b"\xff" * 64,
        "v0=" + "0" * 64,
    ],
)
def test_what_is_no_signature_is_refused(signature: str | bytes | None) -> None:
    """Missing, of another version, cut, longer, not ASCII, wrong: 401, and no other error."""
    with pytest.raises(SlackRequestRefused) as caught:
        verify(BODY, str(NOW), signature, [SECRET], now=NOW)
    assert caught.value.status == 401
    assert caught.value.fix


@pytest.mark.parametrize(
    "timestamp", [None, "", "soon", "-5", "1e9", "1531420618.5", " 1531420618", "٣" * 9, "9" * 400]
)
def test_what_is_no_time_is_refused(timestamp: str | None) -> None:
    """Missing, negative, no integer, not ASCII, endless: 401, also where it is signed so."""
    signature = sign(BODY, timestamp or "", SECRET)
    with pytest.raises(SlackRequestRefused, match="Timestamp") as caught:
        verify(BODY, timestamp, signature, [SECRET], now=NOW)
    assert caught.value.status == 401


def test_the_clock_counts_where_no_time_is_given() -> None:
    """Slack's published example is from 2018."""
    with pytest.raises(SlackRequestRefused, match="ago"):
        well_formed(str(NOW), sign(BODY, str(NOW), SECRET))


def test_without_a_secret_nothing_is_verified() -> None:
    """No list of secrets lets a request in that nobody signed."""
    with pytest.raises(SlackRequestRefused):
        verify(BODY, str(NOW), sign(BODY, str(NOW), Secret("")), [], now=NOW)


def test_several_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Either fits while it is replaced; which of them, and where it differs, shows in no time."""
    compared = []
    compare = hmac.compare_digest

    def seen(mine: bytes, theirs: bytes) -> bool:
        compared.append(mine.decode())
        return compare(mine, theirs)

    monkeypatch.setattr(hmac, "compare_digest", seen)
    for secret in (SECRET, OTHER):
        verify(BODY, str(NOW), sign(BODY, str(NOW), secret), [SECRET, OTHER], now=NOW)
    both = [sign(BODY, str(NOW), each) for each in (SECRET, OTHER)]
    assert compared == both + both
    third = sign(BODY, str(NOW), Secret("a-third-secret-of-somebody"))
    with pytest.raises(SlackRequestRefused):
        verify(BODY, str(NOW), third, [SECRET, OTHER], now=NOW)


def test_no_refusal_shows_a_secret_or_the_signature_that_would_fit() -> None:
    """What is logged helps nobody to sign."""
    with pytest.raises(SlackRequestRefused) as caught:
        verify(BODY, str(NOW), sign(BODY, str(NOW), OTHER), [SECRET], now=NOW)
    shown = f"{caught.value!r} {caught.value} {caught.value.__context__!r}"
    assert SECRET.reveal() not in shown
    assert sign(BODY, str(NOW), SECRET)[3:] not in shown
