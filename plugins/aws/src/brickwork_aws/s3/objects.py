"""What the tasks tell about an object."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from brickwork import register_type


@register_type("aws.s3-object")
@dataclass(frozen=True)
class S3Object:
    """One object in a bucket.

    Attributes:
        bucket: The bucket's name.
        key: The key that the block knows it by: without the block's prefix.
        size: In bytes.
        etag: Changes whenever the object is written anew; no hash that can be relied on.
        url: ``s3://bucket/key``, with the block's prefix; for people and other tools, as it is
            written there: nothing is percent-encoded.
        version_id: Its version, in a bucket with versioning, where S3 told it.
        modified: When it was last written, where S3 told it.
    """

    bucket: str
    key: str
    size: int
    etag: str
    url: str
    version_id: str | None = None
    modified: datetime | None = None


@register_type("aws.s3-details")
@dataclass(frozen=True)
class S3Details(S3Object):
    """One object in a bucket, and all that S3 tells of it without its content.

    Attributes:
        content_type: What its content is, ``text/csv``.
        content_encoding: How its content is packed, ``gzip``; empty if it is not.
        metadata: What its writer gave with it.
        storage_class: Where S3 keeps it, ``STANDARD_IA``.
        encryption: How S3 encrypts it, ``aws:kms``; None where S3 did not tell.
        kms_key_id: The ARN of the KMS key, where one encrypts it.
    """

    content_type: str = ""
    content_encoding: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    storage_class: str = "STANDARD"
    encryption: str | None = None
    kms_key_id: str | None = None


@register_type("aws.s3-version")
@dataclass(frozen=True)
class S3Version:
    """One version of an object, or the marker of its deletion.

    Attributes:
        bucket: The bucket's name.
        key: The key that the block knows it by: without the block's prefix.
        version_id: S3's name of the version; ``null`` for one from before versioning.
        size: In bytes; 0 for a marker.
        etag: As that of `S3Object`; empty for a marker.
        modified: When it was written.
        is_latest: Whether readers who name no version get it.
        is_delete_marker: Whether it says that the object was deleted then.
    """

    bucket: str
    key: str
    version_id: str
    size: int
    etag: str
    modified: datetime
    is_latest: bool
    is_delete_marker: bool = False


@register_type("aws.s3-post-form")
@dataclass(frozen=True)
class S3PostForm:
    """A form by which anybody can upload one object: a secret while it works.

    Attributes:
        url: Where to post it, as ``multipart/form-data``.
        fields: The form's fields; the last one after them is the file, by the name ``file``.
    """

    url: str
    fields: Mapping[str, str] = field(repr=False)
