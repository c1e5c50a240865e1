"""``S3Bucket``: a bucket, or a part of one, as a block and as a storage."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from brickwork import (
    Block,
    CheckReport,
    InvalidBlock,
    InvalidKey,
    ObjectInfo,
    Storage,
    StorageError,
    check_key,
    check_prefix,
)
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.s3.objects import S3Object

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_KEY_BYTES = 1024
MAX_PRESIGN_SECONDS = 7 * 24 * 3600


class S3Bucket(Block, Storage):
    """A bucket on S3, or what lies below a prefix in one; also a storage, ``s3://bucket/prefix``.

    It works with AWS and with servers that speak the same protocol, such as MinIO, Ceph, R2 and
    SeaweedFS. Keys are relative to the prefix and cannot leave it. Objects beyond 16 MiB move by
    many connections at once; the memory for that does not grow with their size, up to 80 GB.

    Examples:
        >>> from brickwork_aws import AwsCredentials, S3Bucket
        >>> prod = AwsCredentials(profile="prod", region="eu-central-1")
        >>> S3Bucket(bucket="acme-invoices", prefix="2026", credentials=prod).save("invoices")
        Document('aws-s3-bucket/invoices@1')
        >>> S3Bucket.load("invoices").url
        's3://acme-invoices/2026'
    """

    slug: ClassVar[str] = "aws-s3-bucket"

    bucket: str = Field(
        pattern=r"^(?:[a-zA-Z0-9._-]{3,255}|arn:[a-zA-Z0-9/:._-]{1,500})$",
        description="The bucket's name, without s3://; or the ARN of an access point.",
    )
    prefix: str = Field(
        "", description="All keys begin with it; a slash goes between. Empty: the whole bucket."
    )
    credentials: AwsCredentials = Field(
        default_factory=AwsCredentials,
        description="Who to be; without it, boto3 looks in its usual places.",
    )
    storage_class: str | None = Field(
        None,
        pattern=r"^[A-Z0-9_]+$",
        description="The storage class of what is written, such as STANDARD_IA.",
    )
    server_side_encryption: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = Field(
        None, description="How S3 encrypts what is written; by default as the bucket says."
    )
    kms_key_id: str | None = Field(
        None, min_length=1, description="The KMS key, by id, ARN or alias, for aws:kms encryption."
    )
    content_type: str | None = Field(
        None, min_length=1, description="The type of what is written; by default as its key tells."
    )
    metadata: dict[str, str] = Field(
        default_factory=dict, description="What is noted with each object that is written."
    )
    tags: dict[str, str] = Field(
        default_factory=dict, description="The tags of what is written, up to ten."
    )
    requester_pays: bool = Field(False, description="Agree to pay for the requests.")
    expected_owner: str | None = Field(
        None,
        pattern=r"^\d{12}$",
        description="The account that must own the bucket; in another's nothing is done.",
    )

    @field_validator("bucket", mode="before")
    @classmethod
    def _bare_name(cls, value: object) -> object:
        if isinstance(value, str) and "://" in value:
            raise ValueError("give the bare name, without s3://, and the rest as prefix")
        return value

    @field_validator("prefix")
    @classmethod
    def _as_prefix(cls, value: str) -> str:
        value = value.rstrip("/")
        try:
            return check_key(value) if value else value
        except InvalidKey as error:
            raise ValueError(error.what) from None

    @model_validator(mode="after")
    def _key_needs_kms(self) -> Self:
        if self.kms_key_id is not None and self.server_side_encryption not in (
            "aws:kms",
            "aws:kms:dsse",
        ):
            raise ValueError("kms_key_id is given: set server_side_encryption to aws:kms")
        return self

    @classmethod
    def from_url(cls, url: str, block: object | None = None) -> Self:
        """Open ``s3://bucket/prefix``; percent-encoding counts.

        Args:
            url: The URL.
            block: An `AwsCredentials`; without one, boto3 looks in its usual places.

        Raises:
            StorageError: The URL or the block is another.
        """
        from urllib.parse import unquote

        scheme, _, rest = url.partition("://")
        bucket, _, prefix = rest.partition("/")
        if scheme != "s3" or not bucket:
            raise StorageError(f"{url!r} names no bucket.", fix="Write s3://bucket/prefix.")
        if not isinstance(block, AwsCredentials | None):
            raise StorageError(
                f"{url!r} cannot be opened with a {type(block).__name__}.",
                fix="Name a block of the kind aws-credentials: ?block=aws-credentials/name.",
            )
        try:
            return cls(bucket=bucket, prefix=unquote(prefix), credentials=block or AwsCredentials())
        except InvalidBlock as error:
            raise StorageError(
                f"{url!r} cannot be opened: {'; '.join(map(str, error.problems))}",
                fix="Write s3://bucket/prefix.",
            ) from None

    @property
    def url(self) -> str:
        """``s3://bucket/prefix``, percent-encoded; not whose credentials or which endpoint."""
        from urllib.parse import quote

        return f"s3://{self.bucket}" + (f"/{quote(self.prefix)}" if self.prefix else "")

    # Reading

    def open_read(self, key: str) -> BinaryIO:
        """Open an object for reading; it can seek, and goes on when a connection breaks."""
        import io

        from brickwork_aws.s3.reading import S3Reader

        return io.BufferedReader(S3Reader(self, check_key(key)), 256 * 1024)

    def read(self, key: str) -> bytes:
        """Return an object's bytes; boto3's checksums are verified."""
        from brickwork_aws.s3.reading import S3Reader

        with S3Reader(self, check_key(key)) as reader:
            return reader.read()

    def stat(self, key: str) -> ObjectInfo:
        """Return size, time and etag of an object."""
        found = self.describe_object(key)
        assert found.modified is not None  # noqa: S101  # HEAD always tells
        return ObjectInfo(key, found.size, found.modified, found.etag)

    def describe_object(self, key: str) -> S3Object:
        """Return what HEAD tells of an object; raises as `stat`."""
        from brickwork_aws.s3.requests import head

        found = head(self, check_key(key))
        return self.object_from(key, found, found["ContentLength"])

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that begin with a text, page by page, in the server's order.

        S3 sorts by code point; its directory buckets, and some other servers, do not.
        """
        from brickwork_aws.s3.listing import listed

        return (key for key, _ in listed(self, check_prefix(prefix)))

    def objects(self, prefix: str = "") -> Iterator[S3Object]:
        """Yield what a listing tells of the objects whose keys begin with a text; as `keys`.

        Raises:
            InvalidKey: No key can begin with the prefix.
        """
        from brickwork_aws.s3.listing import listed

        found = listed(self, check_prefix(prefix))
        return (self.object_from(key, answer, answer["Size"]) for key, answer in found)

    # Writing

    def open_write(self, key: str, *, if_absent: bool = False) -> AbstractContextManager[BinaryIO]:
        """Open an object for writing that appears when the block ends.

        Beyond 8 MiB it is a multipart upload. One that is neither ended nor left by an exception,
        since the process was killed, stays invisible in the bucket and is paid for: give buckets a
        lifecycle rule that aborts incomplete uploads.
        """
        from brickwork_aws.s3.writing import open_write

        return open_write(self, check_key(key), if_absent=if_absent)

    def write(
        self, key: str, data: bytes | bytearray | memoryview, *, if_absent: bool = False
    ) -> None:
        """Write an object by one request; with ``if_absent`` a conditional one."""
        from brickwork_aws.s3.writing import put

        put(self, check_key(key), data, if_absent=if_absent)

    def delete(self, key: str) -> None:
        """Delete an object; one that does not exist is fine. Versions of it may stay."""
        from brickwork_aws.s3.errors import Explained

        with Explained(self, "s3:DeleteObject", check_key(key)):
            self.client().delete_object(**self.arguments(key))

    def delete_many(self, keys: Iterable[str]) -> int:
        """Delete objects, a thousand by each request; those that do not exist are fine.

        Args:
            keys: The objects; taken as they are needed.

        Returns:
            How many keys were given.

        Raises:
            InvalidKey: One of them is no key.
            StorageError: Some were not deleted; the first is named.
        """
        from brickwork_aws.s3.requests import delete_many

        return delete_many(self, keys)

    def delete_prefix(self, prefix: str, *, everything: bool = False) -> int:
        """Delete the objects whose keys begin with a text.

        Args:
            prefix: The text; ``"a"`` deletes ``ab`` too, ``"a/"`` only what is below ``a/``.
            everything: Must be set to delete all, by an empty prefix.

        Returns:
            How many were deleted.

        Raises:
            InvalidKey: The prefix is empty, and ``everything`` is not set.
            StorageError: Some were not deleted; the first is named.
        """
        if not prefix and not everything:
            raise InvalidKey(
                f"An empty prefix would delete all of {self.url}.",
                fix="Give a prefix; or, if that is meant, everything=True.",
            )
        return self.delete_many(self.keys(prefix))

    def copy_to(self, key: str, target: Storage, target_key: str | None = None) -> None:
        """Copy an object; inside S3 with the same credentials, its bytes do not come here."""
        new_key = check_key(key if target_key is None else target_key)
        if not isinstance(target, S3Bucket) or target.credentials != self.credentials:
            super().copy_to(check_key(key), target, new_key)
            return
        from brickwork_aws.s3.requests import copy

        if self._is_same_object(check_key(key), target, new_key):
            self.stat(key)  # S3 refuses to copy an object onto itself
        else:
            copy(self, key, target, new_key)

    def move_to(self, key: str, target: Storage, target_key: str | None = None) -> None:
        """Copy an object, then delete it here; moving it onto itself changes nothing."""
        new_key = check_key(key if target_key is None else target_key)
        if not isinstance(target, S3Bucket):
            super().move_to(key, target, new_key)
        elif self._is_same_object(check_key(key), target, new_key):
            self.stat(key)
        else:
            self.copy_to(key, target, new_key)
            self.delete(key)

    def _is_same_object(self, key: str, target: "S3Bucket", target_key: str) -> bool:
        return (
            self.credentials.endpoint("s3") == target.credentials.endpoint("s3")
            and self.bucket == target.bucket
            and self.full_key(key) == target.full_key(target_key)
        )

    def _read_into(self, key: str, file: BinaryIO, advance: "Callable[[int], None]") -> None:
        from brickwork_aws.s3.reading import read_into

        read_into(self, key, file, advance)

    def _write_from(self, file: BinaryIO, key: str, advance: "Callable[[int], None]") -> None:
        from brickwork_aws.s3.writing import put_file

        put_file(self, key, file, advance)

    # More than a storage

    def presign(
        self, key: str, *, expires_seconds: int = 3600, method: Literal["GET", "PUT"] = "GET"
    ) -> str:
        """Return a URL by which anybody can read or write one object, for a while.

        Nothing is sent for it, so the object need not exist. Who has the URL has the right: treat
        it as a secret. With temporary credentials it ends when they do. See
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html.

        Args:
            key: The object.
            expires_seconds: How long it works, 1 second to 7 days.
            method: To read it or to write it; the reader or writer must use the same.

        Raises:
            InvalidKey: It is no key.
            StorageError: The time is out of bounds, or there are no credentials to sign with.
        """
        from brickwork_aws.s3.presigning import presign

        return presign(self, key, expires_seconds, method)

    def check(self) -> CheckReport:
        """Ask whether the bucket exists, and try what is permitted; bounded in time, never raises.

        Each permission that lacks is a finding of its own: a warning, or a failure if nothing is
        permitted. One object is read in part, and one upload is begun and aborted, below the
        prefix: nothing is left in the bucket.
        """
        from brickwork_aws.s3.checking import check_bucket

        return check_bucket(self)

    # For this package

    def client(self) -> Any:
        """Return the boto3 client for S3; shared, and for many threads."""
        return self.credentials.client("s3")

    def full_key(self, key: str) -> str:
        """Return an object's key in the bucket. Raises InvalidKey."""
        full = f"{self.prefix}/{check_key(key)}" if self.prefix else check_key(key)
        if len(full) * 4 > MAX_KEY_BYTES and len(full.encode()) > MAX_KEY_BYTES:
            raise InvalidKey(
                f"{full!r:.200} is longer than {MAX_KEY_BYTES} bytes, with the prefix.",
                fix="Shorten the key or the prefix.",
            )
        return full

    def object_url(self, key: str) -> str:
        """Return ``s3://bucket/key`` of an object, as people write it."""
        return f"s3://{self.bucket}/{self.full_key(key)}"

    def common(self) -> dict[str, Any]:
        """Return the arguments of every request."""
        arguments: dict[str, Any] = {"Bucket": self.bucket}
        if self.requester_pays:
            arguments["RequestPayer"] = "requester"
        if self.expected_owner is not None:
            arguments["ExpectedBucketOwner"] = self.expected_owner
        return arguments

    def arguments(self, key: str) -> dict[str, Any]:
        """Return the arguments of every request on an object."""
        return {**self.common(), "Key": self.full_key(key)}

    def settings(self) -> dict[str, Any]:
        """Return the arguments of every request that makes an object."""
        given = {
            "StorageClass": self.storage_class,
            "ServerSideEncryption": self.server_side_encryption,
            "SSEKMSKeyId": self.kms_key_id,
        }
        return {name: value for name, value in given.items() if value is not None}

    def writing(self, key: str) -> dict[str, Any]:
        """Return the arguments of a request that makes an object that did not exist."""
        from brickwork_aws.s3.writing import description

        return {**self.settings(), **description(self, key)}

    def object_from(self, key: str, answer: dict[str, Any], size: int) -> S3Object:
        """Return what an answer of S3 tells of an object."""
        return S3Object(
            bucket=self.bucket,
            key=key,
            size=size,
            etag=answer["ETag"].strip('"'),
            url=self.object_url(key),
            version_id=answer.get("VersionId"),
            modified=answer.get("LastModified"),
        )
