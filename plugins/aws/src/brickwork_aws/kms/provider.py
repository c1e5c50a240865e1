"""The key provider ``aws-kms``: a key of KMS, which never leaves it, guards a vault's root keys.

A wrapped root key, by bytes::

    "BRKMS"    5   magic
    version    1   1
    checksum  32   SHA-256 of the context and all that follows: tells damage without asking KMS
    length     2   of the ARN, big-endian
    ARN            of the key that encrypted it
    blob           what KMS made of the root key, bound to the encryption context

The checksum needs no key, so it proves nothing against who can write it anew: then KMS refuses what
was changed, or bound to another context.
"""

import hashlib
import hmac
import re
from typing import ClassVar, Self
from urllib.parse import parse_qsl

from brickwork import (
    BrickworkError,
    ConfigError,
    KeyProvider,
    KeyUnavailable,
    Secret,
    TamperedCiphertext,
    TruncatedCiphertext,
    UnsupportedFormat,
    WrongKey,
)
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsDenied, AwsError
from brickwork_aws.roles import AssumeRole

_MAGIC, _VERSION = b"BRKMS", b"\x01"
_START = len(_MAGIC) + len(_VERSION)
_CHECKSUM_SIZE = 32
_ROOT_KEY_SIZE = 32
_MAX_BLOB = 6144
_PURPOSE = {"brickwork": "root-key"}

_KEY = re.compile(r"[A-Za-z0-9/_:-]{1,2048}")
_OPTIONS = ("region", "profile", "role", "endpoint_url")


class KmsKey(KeyProvider):
    """Has root keys encrypted by a key of KMS.

    The setting is the key's ARN, alias or id, and may say how to come to it, as in a URL::

        keys = "aws-kms:alias/brickwork?region=eu-west-1&profile=prod"

    ``region`` is by default that of the ARN, else boto3's; ``profile`` and ``role``, the ARN of a
    role to assume, say who asks; ``endpoint_url`` leads to another server. Secrets have no place
    here: without a profile boto3 looks in its usual places.

    Needs ``kms:Encrypt`` and ``kms:Decrypt``. The encryption context is ``brickwork`` =
    ``root-key``, which policies may require, and ``context``, the vault and the root key in hex.
    See https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html.
    """

    name: ClassVar[str] = "aws-kms"

    def __init__(self, key_id: str, credentials: AwsCredentials) -> None:
        self.key_id, self.credentials = key_id, credentials

    @classmethod
    def open(cls, setting: str) -> Self:
        """Make one from a key and options; asks nobody.

        Raises:
            ConfigError: It names no key, or an option that there is not, or not like that.
        """
        key_id, _, rest = setting.partition("?")
        try:
            pairs = parse_qsl(rest, keep_blank_values=True, strict_parsing=bool(rest))
        except ValueError:
            pairs = [("", "")]
        options = dict(pairs)
        if not _KEY.fullmatch(key_id) or len(options) < len(pairs) or options.keys() - {*_OPTIONS}:
            raise _no_setting("is not KEY?option=value")
        region = options.get("region") or _region_of(key_id)
        role = options.get("role")
        try:
            credentials = AwsCredentials(
                region=region,
                profile=options.get("profile"),
                endpoint_url=options.get("endpoint_url"),
                assume_role=() if role is None else (AssumeRole(role_arn=role),),
            )
        except (BrickworkError, ValueError):
            raise _no_setting("has an option with a value that it cannot have") from None
        return cls(key_id, credentials)

    def wrap(self, root_key: bytes, context: bytes) -> bytes:
        """See `KeyProvider`."""
        try:
            arn, blob = self._encrypt(root_key, _bound_to(context))
        except BrickworkError as error:
            raise self._unavailable(error) from None
        body = len(arn).to_bytes(2, "big") + arn + blob
        return _MAGIC + _VERSION + _checksum(context, body) + body

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """See `KeyProvider`."""
        from brickwork_aws.kms.requests import call

        arn, blob = _parts(wrapped, context)
        try:
            answer = call(
                self.credentials,
                "decrypt",
                # Never the key that is named beside the data: who writes there could name his own.
                KeyId=self.key_id,
                CiphertextBlob=blob,
                EncryptionContext=_bound_to(context),
            )
        except BrickworkError as error:
            raise self._refused(error, arn) from None
        root_key = bytes(answer["Plaintext"])
        if len(root_key) != _ROOT_KEY_SIZE or answer["KeyId"].encode() != arn:
            raise _tampered()
        return root_key

    def describe(self) -> str:
        """Name the key."""
        return f"AWS KMS key {self.key_id}"

    def __repr__(self) -> str:
        return f"KmsKey({self.key_id!r})"

    def _encrypt(self, plaintext: bytes, context: dict[str, str]) -> tuple[bytes, bytes]:
        from brickwork_aws.kms.requests import call

        answer = call(
            self.credentials,
            "encrypt",
            KeyId=self.key_id,
            Plaintext=Secret(plaintext),
            EncryptionContext=context,
        )
        return answer["KeyId"].encode(), bytes(answer["CiphertextBlob"])

    def _refused(self, error: BrickworkError, arn: bytes) -> BrickworkError:
        """Return the error for what KMS did not decrypt."""
        code = error.code if isinstance(error, AwsError) else ""
        if code == "InvalidCiphertextException":
            return _tampered()
        if code == "IncorrectKeyException" or (isinstance(error, AwsDenied) and self._is_not(arn)):
            return WrongKey(
                f"The vault was locked by the AWS KMS key {arn.decode()}, and the "
                f"{self.describe()} is another one.",
                fix="Name that key by its ARN; if an alias was moved, then: brickwork keys rewrap "
                "--provider aws-kms:alias/...",
            )
        return self._unavailable(error)

    def _is_not(self, arn: bytes) -> bool:
        """Tell whether the key is another one than this; False where it cannot be known."""
        try:
            mine, _ = self._encrypt(bytes(_ROOT_KEY_SIZE), {"brickwork": "probe"})
        except BrickworkError:
            return False
        return mine != arn

    def _unavailable(self, error: BrickworkError) -> KeyUnavailable:
        return KeyUnavailable(
            f"The {self.describe()} cannot be used: {error.what}",
            tried=[self.name],
            fix=error.fix or "See what AWS says.",
        )


def _parts(wrapped: bytes, context: bytes) -> tuple[bytes, bytes]:
    """Return the ARN and the blob of a wrapped root key.

    Raises:
        UnsupportedFormat: Something newer made it, or another provider.
        TruncatedCiphertext: It ends too early.
        TamperedCiphertext: It was changed, or belongs to another context.
    """
    magic = _MAGIC + _VERSION
    if not wrapped.startswith(magic[: len(wrapped)]):
        raise UnsupportedFormat(
            "The vault's root key is not wrapped in a form that this key provider writes.",
            fix="Name the key provider that wrapped it, or upgrade brickwork-aws.",
        )
    body = wrapped[_START + _CHECKSUM_SIZE :]
    if len(body) < 2:
        raise TruncatedCiphertext(
            f"The vault's wrapped root key has {len(wrapped)} bytes, which is too few.",
            fix="Restore the vault's database from a backup.",
        )
    checksum = wrapped[_START : _START + _CHECKSUM_SIZE]
    end = 2 + int.from_bytes(body[:2], "big")
    arn, blob = body[2:end], body[end:]
    whole = hmac.compare_digest(checksum, _checksum(context, body))
    if not whole or not 0 < len(blob) <= _MAX_BLOB or not arn.isascii():
        raise _tampered()
    return arn, blob


def _checksum(context: bytes, body: bytes) -> bytes:
    return hashlib.sha256(len(context).to_bytes(8, "big") + context + body).digest()


def _bound_to(context: bytes) -> dict[str, str]:
    return {**_PURPOSE, "context": context.hex()}


def _region_of(key_id: str) -> str | None:
    parts = key_id.split(":")
    return parts[3] if parts[0] == "arn" and len(parts) > 3 else None


def _no_setting(why: str) -> ConfigError:
    return ConfigError(
        f"The setting of the key provider 'aws-kms' {why}.",
        fix="Write aws-kms:alias/brickwork or aws-kms:ARN, after it perhaps ? and "
        f"{', '.join(_OPTIONS)}: aws-kms:alias/brickwork?region=eu-west-1.",
    )


def _tampered() -> TamperedCiphertext:
    return TamperedCiphertext(
        "The vault's wrapped root key was changed, or belongs to another vault.",
        fix="Restore the vault's database from a backup.",
    )
