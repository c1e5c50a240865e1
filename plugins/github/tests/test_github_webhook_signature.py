"""Only what GitHub signed with the webhook's secret is taken."""

import hashlib
import hmac

import pytest
from hypothesis import given, strategies as st

from brickwork import InvalidBlock, Secret
from brickwork_github import GitHubWebhook, GitHubWebhookRefused
from brickwork_github.webhooks.signature import sign, verify

SECRET = Secret("a-secret-of-the-webhook")
OTHER = Secret("another-secret-altogether")
BODY = b'{"zen":"Speak like a human."}'


def test_githubs_own_example_is_verified() -> None:
    """The values that GitHub publishes to test one's implementation with are right here."""
    secret = Secret("It's a Secret to Everybody")
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    verify(b"Hello, World!", signature, [secret])
    assert sign(b"Hello, World!", secret) == signature


@given(body=st.binary(), secret=st.text(min_size=1))
def test_what_is_signed_is_verified(body: bytes, secret: str) -> None:
    """Any body and any secret, also ones that are no text of Unicode."""
    verify(body, sign(body, Secret(secret)), [Secret(secret)])


@given(body=st.binary(min_size=1), data=st.data())
def test_one_changed_bit_is_refused(body: bytes, data: st.DataObject) -> None:
    """Whichever bit of the body it is."""
    changed = bytearray(body)
    changed[data.draw(st.integers(0, len(body) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(GitHubWebhookRefused) as caught:
        verify(bytes(changed), sign(body, SECRET), [SECRET])
    assert caught.value.status == 401


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=",
        "sha1=" + hmac.new(SECRET.reveal().encode(), BODY, hashlib.sha1).hexdigest(),
        sign(BODY, SECRET).removeprefix("sha256="),
        sign(BODY, SECRET)[:-1],
        sign(BODY, SECRET) + "0",
        sign(BODY, SECRET) + "\n",
        sign(BODY, SECRET).upper(),
        f"{sign(BODY, SECRET)}, {sign(BODY, OTHER)}",
        "sha256=" + "é" * 64,
        "sha256=" + "\ud800" * 64,
        "sha256=" + "٣" * 64,
        b"sha256=" + b"\xff" * 64,
        "sha256=" + "0" * 64,
    ],
)
def test_what_is_no_signature_is_refused(signature: str | bytes | None) -> None:
    """Missing, of SHA-1, cut, longer, not ASCII, wrong: 401 each time, and no other error."""
    with pytest.raises(GitHubWebhookRefused) as caught:
        verify(BODY, signature, [SECRET])
    assert caught.value.status == 401
    assert caught.value.fix


def test_without_a_secret_nothing_is_verified() -> None:
    """No list of secrets lets a delivery in that nobody signed."""
    with pytest.raises(GitHubWebhookRefused):
        verify(BODY, sign(BODY, Secret("")), [])


def test_the_secret_before_is_taken_while_it_is_replaced() -> None:
    """Both the new and the old secret fit, a third one does not."""
    webhook = GitHubWebhook(secret=SECRET, previous_secrets=(OTHER,))
    webhook.verify(BODY, sign(BODY, SECRET))
    webhook.verify(BODY, sign(BODY, OTHER))
    with pytest.raises(GitHubWebhookRefused):
        webhook.verify(BODY, sign(BODY, Secret("a-third-secret-of-somebody")))


def test_all_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which of the secrets fits, and where a signature differs, shows in no time."""
    compared = []
    compare = hmac.compare_digest

    def seen(mine: bytes, theirs: bytes) -> bool:
        compared.append((mine, theirs))
        return compare(mine, theirs)

    monkeypatch.setattr(hmac, "compare_digest", seen)
    verify(BODY, sign(BODY, SECRET), [SECRET, OTHER])
    assert [mine for mine, _ in compared] == [sign(BODY, each).encode() for each in (SECRET, OTHER)]


@pytest.mark.parametrize("secret", ["", " ", "a-secret-with-its-line-end\n", " padded-secret"])
def test_a_secret_that_is_empty_or_badly_pasted_is_refused(secret: str) -> None:
    """With an empty one everybody could sign; one with a line's end fits nothing."""
    with pytest.raises(InvalidBlock, match="white space"):
        GitHubWebhook(secret=Secret(secret))
    with pytest.raises(InvalidBlock, match="white space"):
        GitHubWebhook(secret=SECRET, previous_secrets=(Secret(secret),))


def test_no_refusal_shows_a_secret_or_the_signature_that_would_fit() -> None:
    """What is answered and logged helps nobody to sign."""
    with pytest.raises(GitHubWebhookRefused) as caught:
        verify(BODY, sign(BODY, OTHER), [SECRET])
    shown = f"{caught.value!r} {caught.value} {caught.value.__context__!r}"
    assert SECRET.reveal() not in shown
    assert sign(BODY, SECRET)[7:] not in shown


def test_the_check_warns_of_a_short_secret() -> None:
    """A short secret can be guessed from one signature."""
    assert [each.status for each in GitHubWebhook(secret=SECRET).check().findings] == [
        "ok",
        "skipped",
    ]
    (warning, _) = GitHubWebhook(secret=Secret("hunter2")).check().findings
    assert warning.status == "warning"
    assert "openssl rand" in warning.fix
