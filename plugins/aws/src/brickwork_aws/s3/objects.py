"""What the tasks tell about an object."""

from dataclasses import dataclass
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
