"""KMS against moto: encryption bound to its context, signatures, and a vault guarded by a key."""

import hashlib
import logging
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from brickwork import (
    ConfigError,
    KeyUnavailable,
    Secret,
    SecretBlock,
    TamperedCiphertext,
    Vault,
    WrongKey,
    mask,
)
from brickwork_aws import (
    AwsCredentials,
    AwsDenied,
    AwsError,
    AwsNotFound,
    KmsKey,
    aws_call,
    kms_decrypt,
    kms_encrypt,
    kms_generate_data_key,
    kms_sign,
    kms_verify,
)
from brickwork_aws.kms import provider as layout
from brickwork_aws.testing.contracts.kms import make_key

STUBBED = "kms"
TEXT = Secret("a-text-to-encrypt")


@pytest.fixture
def key(s3_credentials: AwsCredentials) -> str:
    """The ARN of a fresh key."""
    return make_key(s3_credentials)


@pytest.fixture
def signing_key(s3_credentials: AwsCredentials) -> str:
    """The ARN of a fresh key that signs."""
    return make_key(s3_credentials, KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")


# Tasks


@pytest.mark.parametrize("text", [TEXT, Secret(b"\x00bytes-to-encrypt\xff")])
def test_what_was_encrypted_is_decrypted(
    s3_credentials: AwsCredentials, key: str, text: Secret[str] | Secret[bytes]
) -> None:
    """Text as UTF-8, and bytes; always to a secret of bytes."""
    plain = text.reveal()
    ciphertext = kms_encrypt(s3_credentials, key, text, context={"app": "billing"})
    raw = plain.encode() if isinstance(plain, str) else plain
    assert raw not in ciphertext
    back = kms_decrypt(s3_credentials, ciphertext, context={"app": "billing"}, key_id=key)
    assert back == Secret(raw)


def test_a_ciphertext_is_bound(s3_credentials: AwsCredentials, key: str) -> None:
    """To its context, and to the key that is named."""
    ciphertext = kms_encrypt(s3_credentials, key, TEXT, context={"app": "billing"})
    for context in (None, {"app": "other"}):
        with pytest.raises(AwsError, match="kms:Decrypt") as caught:
            kms_decrypt(s3_credentials, ciphertext, context=context)
        assert caught.value.code == "InvalidCiphertextException"
    other = make_key(s3_credentials)
    with pytest.raises(AwsDenied, match="kms:Decrypt"):  # AWS says IncorrectKeyException
        kms_decrypt(s3_credentials, ciphertext, context={"app": "billing"}, key_id=other)
    with pytest.raises(AwsNotFound, match="kms:Encrypt"):
        kms_encrypt(s3_credentials, "alias/no-such-key", TEXT)


def test_a_data_key_can_be_had_again(s3_credentials: AwsCredentials, key: str) -> None:
    """From its ciphertext; each one is another."""
    made = kms_generate_data_key(s3_credentials, key, context={"app": "billing"})
    assert len(made.plaintext.reveal()) == 32
    assert made.key_id == key
    again = kms_decrypt(s3_credentials, made.ciphertext, context={"app": "billing"})
    assert again == made.plaintext
    other = kms_generate_data_key(s3_credentials, key, size=16)
    assert len(other.plaintext.reveal()) == 16
    assert made.plaintext.reveal().hex() not in repr(made)


class _Kept(logging.Handler):
    """Keeps what is logged, masked at the moment when it is."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(mask(record.getMessage()))


def test_answers_are_masked_before_botocore_logs_them(
    s3_credentials: AwsCredentials, key: str
) -> None:
    """At the level DEBUG it logs whole answers, keys in them included."""
    logger, kept = logging.getLogger("botocore.parsers"), _Kept()
    level = logger.level
    logger.addHandler(kept)
    logger.setLevel(logging.DEBUG)
    try:
        made = kms_generate_data_key(s3_credentials, key)
    finally:
        logger.removeHandler(kept)
        logger.setLevel(level)
    logged = "\n".join(kept.lines)
    assert b64encode(made.ciphertext).decode() in logged  # so the answer was logged
    assert b64encode(made.plaintext.reveal()).decode() not in logged


def test_a_signature_is_one_for_others(s3_credentials: AwsCredentials, signing_key: str) -> None:
    """It is verified without KMS, by the public key; and by KMS."""
    signature = kms_sign(s3_credentials, signing_key, b"hello", "ECDSA_SHA_256")
    answer = aws_call(s3_credentials, "kms", "get_public_key", KeyId=signing_key)
    public = load_der_public_key(answer["PublicKey"])
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(signature, b"hello", ec.ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        public.verify(signature, b"other", ec.ECDSA(SHA256()))
    verify = (s3_credentials, signing_key)
    assert kms_verify(*verify, b"hello", signature, "ECDSA_SHA_256") is True
    assert kms_verify(*verify, b"other", signature, "ECDSA_SHA_256") is False


@pytest.mark.parametrize(
    ("algorithm", "size", "message_type"),
    [
        ("ECDSA_SHA_384", 4096, "RAW"),
        ("ECDSA_SHA_384", 4097, "DIGEST"),
        ("RSASSA_PSS_SHA_256", 5000, "DIGEST"),
        ("RSASSA_PKCS1_V1_5_SHA_512", 5000, "DIGEST"),
        ("ED25519_SHA_512", 5000, "RAW"),
        ("ED25519_PH_SHA_512", 5, "DIGEST"),
        ("SM2DSA", 5, "RAW"),
    ],
)
def test_of_a_long_message_the_hash_is_sent(
    s3_credentials: AwsCredentials, stubbed: Stubber, algorithm: Any, size: int, message_type: str
) -> None:
    """The algorithm's own hash; moto would hash the hash, so botocore's description checks it."""
    message = b"x" * size
    sent = message
    if message_type == "DIGEST":
        sent = hashlib.new(f"sha{algorithm[-3:]}", message).digest()
    expected = {
        "KeyId": "k",
        "Message": sent,
        "MessageType": message_type,
        "SigningAlgorithm": algorithm,
    }
    stubbed.add_response("sign", {"Signature": b"s"}, expected)
    stubbed.add_response("verify", {"SignatureValid": True}, {**expected, "Signature": b"s"})
    assert kms_sign(s3_credentials, "k", message, algorithm) == b"s"
    assert kms_verify(s3_credentials, "k", message, b"s", algorithm)


def test_a_wrong_signature_is_no_error(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """AWS answers one; other errors are errors."""
    stubbed.add_client_error("verify", "KMSInvalidSignatureException", "", 400)
    assert kms_verify(s3_credentials, "k", b"hello", b"s", "SM2DSA") is False
    stubbed.add_client_error("verify", "DisabledException", "k is disabled.", 400)
    with pytest.raises(AwsError, match="k is disabled"):
        kms_verify(s3_credentials, "k", b"hello", b"s", "SM2DSA")


# The key provider


@pytest.fixture
def where(s3_credentials: AwsCredentials, monkeypatch: pytest.MonkeyPatch) -> str:
    """The options of a setting that lead to moto; the keys are in the environment."""
    assert s3_credentials.secret_access_key is not None
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_credentials.access_key_id or "")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_credentials.secret_access_key.reveal())
    return f"?region={s3_credentials.region}&endpoint_url={s3_credentials.endpoint_url}"


def test_a_vault_is_guarded_by_kms(
    s3_credentials: AwsCredentials, key: str, where: str, tmp_path: Path
) -> None:
    """What is saved is loaded by who may use the key, by its alias too; by others not."""
    alias = f"alias/brickwork-{key[-12:]}"
    aws_call(s3_credentials, "kms", "create_alias", AliasName=alias, TargetKeyId=key)
    url = str(tmp_path / "vault.db")
    with Vault.open(url, keys=f"aws-kms:{alias}{where}") as vault:
        vault.save(SecretBlock(value="guarded-by-kms"), "token")
    with Vault.open(url, keys=f"aws-kms:{key}{where}") as vault:
        assert vault.load("secret/token") == SecretBlock(value="guarded-by-kms")
    other = make_key(s3_credentials)
    with (
        Vault.open(url, keys=f"aws-kms:{other}{where}") as vault,
        pytest.raises(WrongKey, match=key),
    ):
        vault.load("secret/token")
    with (
        Vault.open(url, keys=f"aws-kms:alias/no-such-key{where}") as vault,
        pytest.raises(KeyUnavailable, match="alias/no-such-key"),
    ):
        vault.load("secret/token")


def test_a_vault_moves_to_kms_and_back(key: str, where: str, tmp_path: Path) -> None:
    """By rewrapping its root keys; the key of before opens it no more."""
    url, file = str(tmp_path / "vault.db"), f"file:{tmp_path / 'key'}"
    with Vault.open(url, keys=file) as vault:
        vault.save(SecretBlock(value="moved-to-kms"), "token")
        vault.keys.rewrap(KmsKey.open(f"{key}{where}"))
    with Vault.open(url, keys=f"aws-kms:{key}{where}") as vault:
        assert vault.load("secret/token") == SecretBlock(value="moved-to-kms")
    with Vault.open(url, keys=file) as vault, pytest.raises(KeyUnavailable, match="aws-kms"):
        vault.load("secret/token")


def test_kms_itself_refuses_another_context(key: str, where: str) -> None:
    """Also from somebody who writes the checksum anew."""
    guard = KmsKey.open(f"{key}{where}")
    wrapped = guard.wrap(bytes(range(32)), b"vault one")
    start = len(b"BRKMS\x01") + 32
    body = wrapped[start:]
    forged = wrapped[:6] + layout._checksum(b"vault two", body) + body  # as an attacker would
    with pytest.raises(TamperedCiphertext):
        guard.unwrap(forged, b"vault two")
    renamed = body.replace(key.encode(), key[:-1].encode() + b"?")
    forged = wrapped[:6] + layout._checksum(b"vault one", renamed) + renamed  # as above
    with pytest.raises(TamperedCiphertext):
        guard.unwrap(forged, b"vault one")


def test_what_aws_says_is_told_apart(key: str, where: str) -> None:
    """Another key, and a key that may not be used; moto says neither as AWS does."""
    guard = KmsKey.open(f"{key}{where}")
    wrapped = guard.wrap(bytes(32), b"vault")
    with Stubber(guard.credentials.client("kms")) as stubber:
        stubber.add_client_error("decrypt", "IncorrectKeyException", "", 400)
        with pytest.raises(WrongKey, match=f"locked by the AWS KMS key {key}") as wrong:
            guard.unwrap(wrapped, b"vault")
        assert "rewrap" in (wrong.value.fix or "")
        said = "User is not authorized to perform: kms:Decrypt on this resource"
        stubber.add_client_error("decrypt", "AccessDeniedException", said, 400)
        stubber.add_response("encrypt", {"CiphertextBlob": b"x", "KeyId": key})
        with pytest.raises(KeyUnavailable) as denied:
            guard.unwrap(wrapped, b"vault")
        assert "Allow kms:Decrypt" in (denied.value.fix or "")
        stubber.add_client_error("decrypt", "AccessDeniedException", said, 400)
        stubber.add_client_error("encrypt", "AccessDeniedException", said, 400)
        with pytest.raises(KeyUnavailable):
            guard.unwrap(wrapped, b"vault")
        stubber.add_client_error("decrypt", "DisabledException", "It is disabled.", 400)
        with pytest.raises(KeyUnavailable, match="It is disabled"):
            guard.unwrap(wrapped, b"vault")
        stubber.add_response("decrypt", {"Plaintext": b"short", "KeyId": key})
        with pytest.raises(TamperedCiphertext):
            guard.unwrap(wrapped, b"vault")


def test_a_setting_says_how_to_come_to_the_key() -> None:
    """The region of an ARN counts, unless another one is named; roles and profiles too."""
    arn = "arn:aws:kms:eu-west-1:123456789012:key/mrk-1234"
    assert KmsKey.open(arn).credentials == AwsCredentials(region="eu-west-1")
    assert KmsKey.open(f"{arn}?region=eu-west-2").credentials.region == "eu-west-2"
    role = "arn:aws:iam::123456789012:role/vault"
    opened = KmsKey.open(f"alias/a?profile=prod&role={role}")
    assert opened.key_id == "alias/a"
    assert opened.credentials.profile == "prod"
    assert [each.role_arn for each in opened.credentials.assume_role] == [role]
    assert opened.describe() == "AWS KMS key alias/a"


@pytest.mark.parametrize(
    "setting",
    [
        "",
        "?region=eu-west-1",
        "alias/a b",
        "alias/a?region",
        "alias/a?secret_access_key=hunter-two",
        "alias/a?region=eu-west-1&region=eu-west-2",
        "alias/a?region=Hunter-Two",
        "alias/a?role=hunter-two",
        "alias/a?endpoint_url=hunter-two",
    ],
)
def test_a_setting_that_is_none_is_refused(setting: str) -> None:
    """Without quoting it: by mistake a secret may stand there."""
    with pytest.raises(ConfigError, match="aws-kms") as caught:
        KmsKey.open(setting)
    assert "hunter" not in str(caught.value).lower()
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
