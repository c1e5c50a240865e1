"""What this package brings to Brickwork: names and dotted paths, nothing imported."""

from collections.abc import Mapping

from brickwork import hookimpl

brickwork_api = 1

_TASKS = {
    "cloudwatch_logs": "logs_filter_events logs_tail",
    "cloudwatch_metrics": "cloudwatch_put_metric",
    "dynamodb.items": (
        "dynamodb_delete_item dynamodb_get_item dynamodb_put_item dynamodb_update_item "
        "dynamodb_wait_for_item"
    ),
    "dynamodb.many": "dynamodb_query dynamodb_read_items dynamodb_scan dynamodb_write_items",
    "eventbridge": (
        "eventbridge_delete_rule eventbridge_disable_rule eventbridge_enable_rule "
        "eventbridge_put_events eventbridge_put_rule"
    ),
    "generic": "aws_call aws_wait",
    "jobs.athena": (
        "athena_cancel_query athena_read_rows athena_read_table athena_run_query "
        "athena_start_query athena_wait_query"
    ),
    "jobs.batch": "batch_cancel_job batch_run_job batch_start_job batch_wait_job",
    "jobs.crawlers": ("glue_cancel_crawler glue_run_crawler glue_start_crawler glue_wait_crawler"),
    "jobs.ecs": "ecs_cancel_task ecs_run_task ecs_start_task ecs_wait_task",
    "jobs.emr": (
        "emr_cancel_steps emr_find_cluster emr_run_steps emr_start_steps emr_wait_cluster "
        "emr_wait_steps"
    ),
    "jobs.emr_serverless": (
        "emr_serverless_cancel_job emr_serverless_read_dashboard_url emr_serverless_run_job "
        "emr_serverless_start_job emr_serverless_wait_job"
    ),
    "jobs.glue": "glue_cancel_job glue_run_job glue_start_job glue_wait_job",
    "rds_data.tasks": "rds_execute rds_execute_many",
    "s3.buckets": "s3_create_bucket s3_delete_bucket",
    "s3.looking": (
        "s3_describe s3_exists s3_list s3_list_folders s3_wait_for_key s3_wait_until_unchanged"
    ),
    "s3.presigning": "s3_presign s3_presign_post",
    "s3.tags": "s3_read_tags s3_write_tags",
    "jobs.redshift": (
        "redshift_cancel_statement redshift_read_rows redshift_read_table "
        "redshift_run_statement redshift_start_statement redshift_wait_statement"
    ),
    "jobs.ssm_command": ("ssm_cancel_command ssm_run_command ssm_start_command ssm_wait_command"),
    "jobs.stepfunctions": (
        "stepfunctions_cancel_execution stepfunctions_list_executions "
        "stepfunctions_run_execution stepfunctions_run_express_execution "
        "stepfunctions_start_execution stepfunctions_wait_execution"
    ),
    "lambda_functions": "lambda_invoke lambda_invoke_async lambda_wait_active",
    "kms.tasks": "kms_decrypt kms_encrypt kms_generate_data_key kms_sign kms_verify",
    "s3.tasks": (
        "s3_copy s3_delete s3_download_file s3_download_folder s3_move s3_read s3_read_text "
        "s3_upload_file s3_upload_folder s3_write"
    ),
    "s3.versions": "s3_delete_version s3_list_versions s3_read_version s3_restore_version",
    "secrets.secretsmanager": (
        "secretsmanager_delete_secret secretsmanager_list_secrets "
        "secretsmanager_read_binary secretsmanager_read_secret "
        "secretsmanager_write_secret"
    ),
    "secrets.ssm": (
        "ssm_delete_parameters ssm_read_parameter ssm_read_parameters ssm_write_parameter"
    ),
    "sns.tasks": "sns_publish sns_publish_many",
    "sqs.tasks": (
        "sqs_delete_messages sqs_receive_messages sqs_send_message sqs_send_messages "
        "sqs_wait_for_message"
    ),
    "sts": "sts_assume_role sts_get_identity",
}
"""The tasks of each module."""


@hookimpl
def brickwork_blocks() -> Mapping[str, str]:
    """The blocks."""
    return {
        "aws-credentials": "brickwork_aws.credentials:AwsCredentials",
        "aws-s3-bucket": "brickwork_aws.s3.bucket:S3Bucket",
        "aws-ses-email": "brickwork_aws.ses:SesEmail",
        "aws-sns-topic": "brickwork_aws.sns.notifier:SnsTopic",
    }


@hookimpl
def brickwork_commands() -> Mapping[str, str]:
    """The commands."""
    return {"aws": "brickwork_aws.cli.aws:group"}


@hookimpl
def brickwork_tasks() -> Mapping[str, str]:
    """The prebuilt tasks."""
    return {
        f"aws.{name}": f"brickwork_aws.{module}:{name}"
        for module, names in _TASKS.items()
        for name in names.split()
    }


@hookimpl
def brickwork_storages() -> Mapping[str, str]:
    """The storages that open by URL."""
    return {"s3": "brickwork_aws.s3.bucket:S3Bucket"}


@hookimpl
def brickwork_key_providers() -> Mapping[str, str]:
    """The key provider, as in ``keys = "aws-kms:alias/brickwork"``."""
    return {"aws-kms": "brickwork_aws.kms.provider:KmsKey"}


@hookimpl
def brickwork_resolvers() -> Mapping[str, str]:
    """The resolvers of ``${aws-sm:name#field}`` and ``${aws-ssm:/name}``."""
    return {
        "aws-sm": "brickwork_aws.secrets.resolvers:SecretsManagerResolver",
        "aws-ssm": "brickwork_aws.secrets.resolvers:ParameterStoreResolver",
    }
