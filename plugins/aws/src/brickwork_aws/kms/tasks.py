"""Prebuilt tasks on KMS.

Asymmetric keys take no encryption context, and no more than their size allows; symmetric ones take
4,096 bytes. Encrypt more with a data key: `kms_generate_data_key`.
"""

from dataclasses import dataclass
from typing import Any, Literal

from brickwork import Secret, register_type
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.tasks import retried_task

EncryptionAlgorithm = Literal[
    "SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"
]
SigningAlgorithm = Literal[
    "RSASSA_PSS_SHA_256",
    "RSASSA_PSS_SHA_384",
    "RSASSA_PSS_SHA_512",
    "RSASSA_PKCS1_V1_5_SHA_256",
    "RSASSA_PKCS1_V1_5_SHA_384",
    "RSASSA_PKCS1_V1_5_SHA_512",
    "ECDSA_SHA_256",
    "ECDSA_SHA_384",
    "ECDSA_SHA_512",
    "ED25519_SHA_512",
    "ED25519_PH_SHA_512",
    "ML_DSA_SHAKE_256",
    "SM2DSA",
]

_MAX_MESSAGE = 4096
_HASHED = ("RSASSA_PSS_", "RSASSA_PKCS1_V1_5_", "ECDSA_")


@register_type("aws.kms-data-key")
@dataclass(frozen=True)
class KmsDataKey:
    """A data key.

    Attributes:
        plaintext: The key, to encrypt with and then to forget; flows do not keep it.
        ciphertext: The same key as KMS has encrypted it, to keep beside the data.
        key_id: The ARN of the KMS key that did.
    """

    plaintext: Secret[bytes]
    ciphertext: bytes
    key_id: str


@retried_task("kms:Encrypt")
def kms_encrypt(
    credentials: AwsCredentials,
    key_id: str,
    plaintext: Secret[str] | Secret[bytes],
    *,
    context: dict[str, str] | None = None,
    algorithm: EncryptionAlgorithm = "SYMMETRIC_DEFAULT",
) -> bytes:
    """Encrypt up to 4,096 bytes by a key of KMS.

    See https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html.

    Args:
        credentials: Whose.
        key_id: The key's id, ARN or alias, ``alias/app``.
        plaintext: What to encrypt; a text in UTF-8.
        context: The encryption context: without the same one it cannot be decrypted. It is no
            secret, and stands in CloudTrail.
        algorithm: How; another than the default for asymmetric keys.

    Returns:
        The ciphertext.

    Raises:
        AwsNotFound: There is no such key.
        AwsError: The key is disabled, or is not for that.

    Examples:
        >>> from brickwork import Secret
        >>> from brickwork_aws import kms_decrypt
        >>> iban, context = Secret("DE89370400"), {"customer": "c1"}
        >>> sealed = kms_encrypt(credentials, key_id, iban, context=context)
        >>> kms_decrypt(credentials, sealed, context=context).reveal()
        b'DE89370400'
    """
    from brickwork_aws.kms.requests import call

    answer = call(
        credentials,
        "encrypt",
        KeyId=key_id,
        Plaintext=plaintext,
        EncryptionContext=context,
        EncryptionAlgorithm=algorithm,
    )
    return bytes(answer["CiphertextBlob"])


@retried_task("kms:Decrypt")
def kms_decrypt(
    credentials: AwsCredentials,
    ciphertext: bytes,
    *,
    context: dict[str, str] | None = None,
    key_id: str | None = None,
    algorithm: EncryptionAlgorithm = "SYMMETRIC_DEFAULT",
) -> Secret[bytes]:
    """Decrypt what a key of KMS has encrypted.

    See https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html.

    Args:
        credentials: Whose.
        ciphertext: What `kms_encrypt` returned, or the ciphertext of a data key.
        context: The encryption context that it was encrypted with.
        key_id: The key that must have encrypted it, by its id, ARN or alias. By default whichever
            did, if it is symmetric; name it where somebody else could have written the ciphertext.
        algorithm: How it was encrypted.

    Returns:
        The plaintext.

    Raises:
        AwsError: It was changed, the context is another one (``InvalidCiphertextException``), or
            another key encrypted it (``IncorrectKeyException``).
        AwsDenied: The key is not there, or not for these credentials.

    Examples:
        >>> iban = kms_decrypt(credentials, ciphertext, context={"customer": "c1"}, key_id=key_id)
        >>> iban, iban.reveal().decode()
        (Secret('********'), 'DE89370400')
    """
    from brickwork_aws.kms.requests import call

    answer = call(
        credentials,
        "decrypt",
        CiphertextBlob=ciphertext,
        EncryptionContext=context,
        KeyId=key_id,
        EncryptionAlgorithm=algorithm,
    )
    return Secret(bytes(answer["Plaintext"]))


@retried_task("kms:GenerateDataKey")
def kms_generate_data_key(
    credentials: AwsCredentials,
    key_id: str,
    *,
    context: dict[str, str] | None = None,
    size: int = 32,
) -> KmsDataKey:
    """Have KMS make a random key, to encrypt data with that KMS need not see.

    `kms_decrypt` gives the key back from its ciphertext. See
    https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html.

    Args:
        credentials: Whose.
        key_id: The KMS key that is to encrypt it, by its id, ARN or alias; a symmetric one.
        context: The encryption context: without the same one it cannot be decrypted.
        size: Its bytes, 1 to 1,024; 32 for AES-256.

    Returns:
        The data key.

    Raises:
        AwsNotFound: There is no such KMS key.
        AwsError: The KMS key is disabled, or is not for that.

    Examples:
        >>> made = kms_generate_data_key(credentials, key_id, context={"table": "invoices"})
        >>> made.plaintext, len(made.plaintext.reveal())
        (Secret('********'), 32)
    """
    from brickwork_aws.kms.requests import call

    answer = call(
        credentials,
        "generate_data_key",
        KeyId=key_id,
        EncryptionContext=context,
        NumberOfBytes=size,
    )
    return KmsDataKey(
        Secret(bytes(answer["Plaintext"])), bytes(answer["CiphertextBlob"]), str(answer["KeyId"])
    )


@retried_task("kms:Sign")
def kms_sign(
    credentials: AwsCredentials, key_id: str, message: bytes, algorithm: SigningAlgorithm
) -> bytes:
    """Sign a message by an asymmetric key of KMS.

    Of a message of more than 4,096 bytes only the hash is sent; it is the same signature. See
    https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html.

    Args:
        credentials: Whose.
        key_id: The key's id, ARN or alias.
        message: What to sign.
        algorithm: How, ``RSASSA_PSS_SHA_256`` for example; one that the key has.

    Returns:
        The signature: for ECDSA in DER, else raw.

    Raises:
        AwsNotFound: There is no such key.
        AwsError: The key is not for that, or the algorithm takes no message that long.

    Examples:
        >>> from brickwork_aws import kms_verify
        >>> signature = kms_sign(credentials, key_id, b"invoice 1742", "ECDSA_SHA_256")
        >>> kms_verify(credentials, key_id, b"invoice 1742", signature, "ECDSA_SHA_256")
        True
    """
    from brickwork_aws.kms.requests import call

    answer = call(
        credentials, "sign", KeyId=key_id, SigningAlgorithm=algorithm, **_signed(message, algorithm)
    )
    return bytes(answer["Signature"])


@retried_task("kms:Verify")
def kms_verify(
    credentials: AwsCredentials,
    key_id: str,
    message: bytes,
    signature: bytes,
    algorithm: SigningAlgorithm,
) -> bool:
    """Tell whether a signature is that of a message, by a key of KMS.

    See https://docs.aws.amazon.com/kms/latest/APIReference/API_Verify.html.

    Args:
        credentials: Whose.
        key_id: The key's id, ARN or alias.
        message: What was signed.
        signature: What `kms_sign` returned.
        algorithm: How it was signed.

    Returns:
        Whether it is.

    Raises:
        AwsNotFound: There is no such key.
        AwsError: The key is not for that, or the algorithm takes no message that long.

    Examples:
        >>> kms_verify(credentials, key_id, b"invoice 1742", signature, "ECDSA_SHA_256")
        True
        >>> kms_verify(credentials, key_id, b"invoice 1743", signature, "ECDSA_SHA_256")
        False
    """
    from brickwork_aws.errors import AwsError
    from brickwork_aws.kms.requests import call

    try:
        answer = call(
            credentials,
            "verify",
            KeyId=key_id,
            Signature=signature,
            SigningAlgorithm=algorithm,
            **_signed(message, algorithm),
        )
    except AwsError as error:
        if error.code == "KMSInvalidSignatureException":
            return False
        raise
    return bool(answer["SignatureValid"])


def _signed(message: bytes, algorithm: str) -> dict[str, Any]:
    """Return a message as KMS takes it: one that is too long as its hash, where that is the same.

    The pre-hashed kind of Ed25519 takes a hash only.
    """
    hashed = algorithm.startswith(_HASHED) and len(message) > _MAX_MESSAGE
    if not hashed and algorithm != "ED25519_PH_SHA_512":
        return {"Message": message, "MessageType": "RAW"}
    from hashlib import new

    digest = new(f"sha{algorithm.rpartition('_')[2]}", message).digest()
    return {"Message": digest, "MessageType": "DIGEST"}
