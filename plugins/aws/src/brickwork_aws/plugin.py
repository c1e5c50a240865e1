"""What this package brings to Brickwork: names and dotted paths, nothing imported."""

from collections.abc import Mapping

from brickwork import hookimpl

brickwork_api = 1


@hookimpl
def brickwork_blocks() -> Mapping[str, str]:
    """The blocks."""
    return {
        "aws-credentials": "brickwork_aws.credentials:AwsCredentials",
        "aws-s3-bucket": "brickwork_aws.s3.bucket:S3Bucket",
    }


@hookimpl
def brickwork_commands() -> Mapping[str, str]:
    """The commands."""
    return {"aws": "brickwork_aws.cli.aws:group"}


@hookimpl
def brickwork_tasks() -> Mapping[str, str]:
    """The prebuilt tasks."""
    return {
        "aws.athena_cancel_query": "brickwork_aws.jobs.athena:athena_cancel_query",
        "aws.athena_read_rows": "brickwork_aws.jobs.athena:athena_read_rows",
        "aws.athena_read_table": "brickwork_aws.jobs.athena:athena_read_table",
        "aws.athena_run_query": "brickwork_aws.jobs.athena:athena_run_query",
        "aws.athena_start_query": "brickwork_aws.jobs.athena:athena_start_query",
        "aws.athena_wait_query": "brickwork_aws.jobs.athena:athena_wait_query",
        "aws.aws_call": "brickwork_aws.generic:aws_call",
        "aws.aws_wait": "brickwork_aws.generic:aws_wait",
        "aws.s3_copy": "brickwork_aws.s3.tasks:s3_copy",
        "aws.s3_delete": "brickwork_aws.s3.tasks:s3_delete",
        "aws.s3_download_file": "brickwork_aws.s3.tasks:s3_download_file",
        "aws.s3_download_folder": "brickwork_aws.s3.tasks:s3_download_folder",
        "aws.s3_list": "brickwork_aws.s3.tasks:s3_list",
        "aws.s3_move": "brickwork_aws.s3.tasks:s3_move",
        "aws.s3_presign": "brickwork_aws.s3.tasks:s3_presign",
        "aws.s3_read": "brickwork_aws.s3.tasks:s3_read",
        "aws.s3_upload_file": "brickwork_aws.s3.tasks:s3_upload_file",
        "aws.s3_upload_folder": "brickwork_aws.s3.tasks:s3_upload_folder",
        "aws.s3_write": "brickwork_aws.s3.tasks:s3_write",
        "aws.sqs_delete_messages": "brickwork_aws.sqs.tasks:sqs_delete_messages",
        "aws.sqs_receive_messages": "brickwork_aws.sqs.tasks:sqs_receive_messages",
        "aws.sqs_send_message": "brickwork_aws.sqs.tasks:sqs_send_message",
        "aws.sqs_send_messages": "brickwork_aws.sqs.tasks:sqs_send_messages",
        "aws.sqs_wait_for_message": "brickwork_aws.sqs.tasks:sqs_wait_for_message",
    }


@hookimpl
def brickwork_storages() -> Mapping[str, str]:
    """The storages that open by URL."""
    return {"s3": "brickwork_aws.s3.bucket:S3Bucket"}
