"""What this package brings to Brickwork: names and dotted paths, nothing imported."""

from collections.abc import Mapping

from brickwork import hookimpl

brickwork_api = 1

_TASKS = (
    "s3_copy",
    "s3_delete",
    "s3_download_file",
    "s3_download_folder",
    "s3_list",
    "s3_move",
    "s3_presign",
    "s3_read",
    "s3_upload_file",
    "s3_upload_folder",
    "s3_write",
)


@hookimpl
def brickwork_blocks() -> Mapping[str, str]:
    """The blocks."""
    return {
        "aws-credentials": "brickwork_aws.credentials:AwsCredentials",
        "aws-s3-bucket": "brickwork_aws.s3:S3Bucket",
    }


@hookimpl
def brickwork_tasks() -> Mapping[str, str]:
    """The prebuilt tasks."""
    return {f"aws.{name}": f"brickwork_aws.tasks:{name}" for name in _TASKS}


@hookimpl
def brickwork_storages() -> Mapping[str, str]:
    """The storages that open by URL."""
    return {"s3": "brickwork_aws.s3:S3Bucket"}
