"""AWS for Brickwork: credentials, S3 as a block and a storage, and prebuilt tasks.

The names are imported when they are asked for, so that a program that only loads credentials pays
for nothing else; boto3 is imported when the first client is made.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brickwork_aws.cloudwatch_logs import (
        LogEvent as LogEvent,
        logs_filter_events as logs_filter_events,
        logs_tail as logs_tail,
    )
    from brickwork_aws.cloudwatch_metrics import cloudwatch_put_metric as cloudwatch_put_metric
    from brickwork_aws.credentials import (
        AwsCredentials as AwsCredentials,
        ClientOptions as ClientOptions,
    )
    from brickwork_aws.dynamodb.items import (
        dynamodb_delete_item as dynamodb_delete_item,
        dynamodb_get_item as dynamodb_get_item,
        dynamodb_put_item as dynamodb_put_item,
        dynamodb_update_item as dynamodb_update_item,
        dynamodb_wait_for_item as dynamodb_wait_for_item,
    )
    from brickwork_aws.dynamodb.many import (
        dynamodb_query as dynamodb_query,
        dynamodb_read_items as dynamodb_read_items,
        dynamodb_scan as dynamodb_scan,
        dynamodb_write_items as dynamodb_write_items,
    )
    from brickwork_aws.errors import (
        AwsConflict as AwsConflict,
        AwsDenied as AwsDenied,
        AwsError as AwsError,
        AwsJobFailed as AwsJobFailed,
        AwsNotFound as AwsNotFound,
        AwsTimeout as AwsTimeout,
        S3Denied as S3Denied,
    )
    from brickwork_aws.eventbridge import (
        EventBridgeEvent as EventBridgeEvent,
        eventbridge_delete_rule as eventbridge_delete_rule,
        eventbridge_disable_rule as eventbridge_disable_rule,
        eventbridge_enable_rule as eventbridge_enable_rule,
        eventbridge_put_events as eventbridge_put_events,
        eventbridge_put_rule as eventbridge_put_rule,
    )
    from brickwork_aws.generic import aws_call as aws_call, aws_wait as aws_wait
    from brickwork_aws.jobs.athena import (
        AthenaQuery as AthenaQuery,
        athena_cancel_query as athena_cancel_query,
        athena_read_rows as athena_read_rows,
        athena_read_table as athena_read_table,
        athena_run_query as athena_run_query,
        athena_start_query as athena_start_query,
        athena_wait_query as athena_wait_query,
    )
    from brickwork_aws.jobs.batch import (
        batch_cancel_job as batch_cancel_job,
        batch_run_job as batch_run_job,
        batch_start_job as batch_start_job,
        batch_wait_job as batch_wait_job,
    )
    from brickwork_aws.jobs.batch_job import BatchJob as BatchJob
    from brickwork_aws.jobs.crawlers import (
        GlueCrawl as GlueCrawl,
        glue_cancel_crawler as glue_cancel_crawler,
        glue_run_crawler as glue_run_crawler,
        glue_start_crawler as glue_start_crawler,
        glue_wait_crawler as glue_wait_crawler,
    )
    from brickwork_aws.jobs.ecs import (
        ecs_cancel_task as ecs_cancel_task,
        ecs_run_task as ecs_run_task,
        ecs_start_task as ecs_start_task,
        ecs_wait_task as ecs_wait_task,
    )
    from brickwork_aws.jobs.ecs_job import EcsTask as EcsTask
    from brickwork_aws.jobs.emr import (
        emr_cancel_steps as emr_cancel_steps,
        emr_find_cluster as emr_find_cluster,
        emr_run_steps as emr_run_steps,
        emr_start_steps as emr_start_steps,
        emr_wait_cluster as emr_wait_cluster,
        emr_wait_steps as emr_wait_steps,
    )
    from brickwork_aws.jobs.emr_serverless import (
        emr_serverless_cancel_job as emr_serverless_cancel_job,
        emr_serverless_read_dashboard_url as emr_serverless_read_dashboard_url,
        emr_serverless_run_job as emr_serverless_run_job,
        emr_serverless_start_job as emr_serverless_start_job,
        emr_serverless_wait_job as emr_serverless_wait_job,
    )
    from brickwork_aws.jobs.emr_serverless_job import (
        EmrServerlessJob as EmrServerlessJob,
        EmrServerlessLogs as EmrServerlessLogs,
        HiveQuery as HiveQuery,
        SparkSubmit as SparkSubmit,
    )
    from brickwork_aws.jobs.emr_steps import (
        EmrCluster as EmrCluster,
        EmrStep as EmrStep,
        EmrStepConfig as EmrStepConfig,
    )
    from brickwork_aws.jobs.glue import (
        GlueJobRun as GlueJobRun,
        glue_cancel_job as glue_cancel_job,
        glue_run_job as glue_run_job,
        glue_start_job as glue_start_job,
        glue_wait_job as glue_wait_job,
    )
    from brickwork_aws.jobs.redshift import (
        redshift_cancel_statement as redshift_cancel_statement,
        redshift_read_rows as redshift_read_rows,
        redshift_read_table as redshift_read_table,
        redshift_run_statement as redshift_run_statement,
        redshift_start_statement as redshift_start_statement,
        redshift_wait_statement as redshift_wait_statement,
    )
    from brickwork_aws.jobs.redshift_statement import RedshiftStatement as RedshiftStatement
    from brickwork_aws.jobs.ssm_command import (
        ssm_cancel_command as ssm_cancel_command,
        ssm_run_command as ssm_run_command,
        ssm_start_command as ssm_start_command,
        ssm_wait_command as ssm_wait_command,
    )
    from brickwork_aws.jobs.ssm_command_job import (
        SsmCommand as SsmCommand,
        SsmOutput as SsmOutput,
    )
    from brickwork_aws.jobs.stepfunctions import (
        StepFunctionsExecution as StepFunctionsExecution,
        stepfunctions_cancel_execution as stepfunctions_cancel_execution,
        stepfunctions_list_executions as stepfunctions_list_executions,
        stepfunctions_run_execution as stepfunctions_run_execution,
        stepfunctions_run_express_execution as stepfunctions_run_express_execution,
        stepfunctions_start_execution as stepfunctions_start_execution,
        stepfunctions_wait_execution as stepfunctions_wait_execution,
    )
    from brickwork_aws.kms.provider import KmsKey as KmsKey
    from brickwork_aws.kms.tasks import (
        KmsDataKey as KmsDataKey,
        kms_decrypt as kms_decrypt,
        kms_encrypt as kms_encrypt,
        kms_generate_data_key as kms_generate_data_key,
        kms_sign as kms_sign,
        kms_verify as kms_verify,
    )
    from brickwork_aws.lambda_functions import (
        LambdaFunction as LambdaFunction,
        LambdaResult as LambdaResult,
        lambda_invoke as lambda_invoke,
        lambda_invoke_async as lambda_invoke_async,
        lambda_wait_active as lambda_wait_active,
    )
    from brickwork_aws.rds_data.database import (
        RdsBatchResult as RdsBatchResult,
        RdsResult as RdsResult,
    )
    from brickwork_aws.rds_data.tasks import (
        rds_execute as rds_execute,
        rds_execute_many as rds_execute_many,
    )
    from brickwork_aws.rds_data.transactions import (
        RdsTransaction as RdsTransaction,
        rds_transaction as rds_transaction,
    )
    from brickwork_aws.roles import AssumeRole as AssumeRole, WebIdentity as WebIdentity
    from brickwork_aws.s3.bucket import S3Bucket as S3Bucket
    from brickwork_aws.s3.buckets import (
        s3_create_bucket as s3_create_bucket,
        s3_delete_bucket as s3_delete_bucket,
    )
    from brickwork_aws.s3.looking import (
        s3_describe as s3_describe,
        s3_exists as s3_exists,
        s3_list as s3_list,
        s3_list_folders as s3_list_folders,
        s3_wait_for_key as s3_wait_for_key,
        s3_wait_until_unchanged as s3_wait_until_unchanged,
    )
    from brickwork_aws.s3.objects import (
        S3Details as S3Details,
        S3Object as S3Object,
        S3PostForm as S3PostForm,
        S3Version as S3Version,
    )
    from brickwork_aws.s3.presigning import (
        s3_presign as s3_presign,
        s3_presign_post as s3_presign_post,
    )
    from brickwork_aws.s3.tags import (
        s3_read_tags as s3_read_tags,
        s3_write_tags as s3_write_tags,
    )
    from brickwork_aws.s3.tasks import (
        s3_copy as s3_copy,
        s3_delete as s3_delete,
        s3_download_file as s3_download_file,
        s3_download_folder as s3_download_folder,
        s3_move as s3_move,
        s3_read as s3_read,
        s3_read_text as s3_read_text,
        s3_upload_file as s3_upload_file,
        s3_upload_folder as s3_upload_folder,
        s3_write as s3_write,
    )
    from brickwork_aws.s3.versions import (
        s3_delete_version as s3_delete_version,
        s3_list_versions as s3_list_versions,
        s3_read_version as s3_read_version,
        s3_restore_version as s3_restore_version,
    )
    from brickwork_aws.secrets.resolvers import (
        ParameterStoreResolver as ParameterStoreResolver,
        SecretsManagerResolver as SecretsManagerResolver,
    )
    from brickwork_aws.secrets.secretsmanager import (
        SecretInfo as SecretInfo,
        secretsmanager_delete_secret as secretsmanager_delete_secret,
        secretsmanager_list_secrets as secretsmanager_list_secrets,
        secretsmanager_read_binary as secretsmanager_read_binary,
        secretsmanager_read_secret as secretsmanager_read_secret,
        secretsmanager_write_secret as secretsmanager_write_secret,
    )
    from brickwork_aws.secrets.ssm import (
        SsmParameter as SsmParameter,
        ssm_delete_parameters as ssm_delete_parameters,
        ssm_read_parameter as ssm_read_parameter,
        ssm_read_parameters as ssm_read_parameters,
        ssm_write_parameter as ssm_write_parameter,
    )
    from brickwork_aws.ses import SesEmail as SesEmail
    from brickwork_aws.sns.notifier import SnsTopic as SnsTopic
    from brickwork_aws.sns.tasks import (
        sns_publish as sns_publish,
        sns_publish_many as sns_publish_many,
    )
    from brickwork_aws.sqs.consuming import sqs_consume as sqs_consume
    from brickwork_aws.sqs.messages import SqsMessage as SqsMessage
    from brickwork_aws.sqs.tasks import (
        sqs_delete_messages as sqs_delete_messages,
        sqs_receive_messages as sqs_receive_messages,
        sqs_send_message as sqs_send_message,
        sqs_send_messages as sqs_send_messages,
        sqs_wait_for_message as sqs_wait_for_message,
    )
    from brickwork_aws.sts import (
        StsIdentity as StsIdentity,
        sts_assume_role as sts_assume_role,
        sts_get_identity as sts_get_identity,
    )

_HOMES = {
    "cloudwatch_logs": "LogEvent logs_filter_events logs_tail",
    "cloudwatch_metrics": "cloudwatch_put_metric",
    "credentials": "AwsCredentials ClientOptions",
    "dynamodb.items": (
        "dynamodb_delete_item dynamodb_get_item dynamodb_put_item dynamodb_update_item"
        " dynamodb_wait_for_item"
    ),
    "dynamodb.many": "dynamodb_query dynamodb_read_items dynamodb_scan dynamodb_write_items",
    "errors": "AwsConflict AwsDenied AwsError AwsJobFailed AwsNotFound AwsTimeout S3Denied",
    "eventbridge": (
        "EventBridgeEvent eventbridge_delete_rule eventbridge_disable_rule eventbridge_enable_rule"
        " eventbridge_put_events eventbridge_put_rule"
    ),
    "generic": "aws_call aws_wait",
    "jobs.athena": (
        "AthenaQuery athena_cancel_query athena_read_rows athena_read_table athena_run_query"
        " athena_start_query athena_wait_query"
    ),
    "jobs.batch": "batch_cancel_job batch_run_job batch_start_job batch_wait_job",
    "jobs.batch_job": "BatchJob",
    "jobs.crawlers": (
        "GlueCrawl glue_cancel_crawler glue_run_crawler glue_start_crawler glue_wait_crawler"
    ),
    "jobs.ecs": "ecs_cancel_task ecs_run_task ecs_start_task ecs_wait_task",
    "jobs.ecs_job": "EcsTask",
    "jobs.emr": (
        "emr_cancel_steps emr_find_cluster emr_run_steps emr_start_steps emr_wait_cluster"
        " emr_wait_steps"
    ),
    "jobs.emr_serverless": (
        "emr_serverless_cancel_job emr_serverless_read_dashboard_url emr_serverless_run_job"
        " emr_serverless_start_job emr_serverless_wait_job"
    ),
    "jobs.emr_serverless_job": "EmrServerlessJob EmrServerlessLogs HiveQuery SparkSubmit",
    "jobs.emr_steps": "EmrCluster EmrStep EmrStepConfig",
    "jobs.glue": "GlueJobRun glue_cancel_job glue_run_job glue_start_job glue_wait_job",
    "jobs.redshift": (
        "redshift_cancel_statement redshift_read_rows redshift_read_table redshift_run_statement"
        " redshift_start_statement redshift_wait_statement"
    ),
    "jobs.redshift_statement": "RedshiftStatement",
    "jobs.ssm_command": "ssm_cancel_command ssm_run_command ssm_start_command ssm_wait_command",
    "jobs.ssm_command_job": "SsmCommand SsmOutput",
    "jobs.stepfunctions": (
        "StepFunctionsExecution stepfunctions_cancel_execution stepfunctions_list_executions"
        " stepfunctions_run_execution stepfunctions_run_express_execution"
        " stepfunctions_start_execution stepfunctions_wait_execution"
    ),
    "kms.provider": "KmsKey",
    "kms.tasks": "KmsDataKey kms_decrypt kms_encrypt kms_generate_data_key kms_sign kms_verify",
    "lambda_functions": (
        "LambdaFunction LambdaResult lambda_invoke lambda_invoke_async lambda_wait_active"
    ),
    "rds_data.database": "RdsBatchResult RdsResult",
    "rds_data.tasks": "rds_execute rds_execute_many",
    "rds_data.transactions": "RdsTransaction rds_transaction",
    "roles": "AssumeRole WebIdentity",
    "s3.bucket": "S3Bucket",
    "s3.buckets": "s3_create_bucket s3_delete_bucket",
    "s3.looking": (
        "s3_describe s3_exists s3_list s3_list_folders s3_wait_for_key s3_wait_until_unchanged"
    ),
    "s3.objects": "S3Details S3Object S3PostForm S3Version",
    "s3.presigning": "s3_presign s3_presign_post",
    "s3.tags": "s3_read_tags s3_write_tags",
    "s3.tasks": (
        "s3_copy s3_delete s3_download_file s3_download_folder s3_move s3_read s3_read_text"
        " s3_upload_file s3_upload_folder s3_write"
    ),
    "s3.versions": "s3_delete_version s3_list_versions s3_read_version s3_restore_version",
    "secrets.resolvers": "ParameterStoreResolver SecretsManagerResolver",
    "secrets.secretsmanager": (
        "SecretInfo secretsmanager_delete_secret secretsmanager_list_secrets"
        " secretsmanager_read_binary secretsmanager_read_secret secretsmanager_write_secret"
    ),
    "secrets.ssm": (
        "SsmParameter ssm_delete_parameters ssm_read_parameter ssm_read_parameters"
        " ssm_write_parameter"
    ),
    "ses": "SesEmail",
    "sns.notifier": "SnsTopic",
    "sns.tasks": "sns_publish sns_publish_many",
    "sqs.consuming": "sqs_consume",
    "sqs.messages": "SqsMessage",
    "sqs.tasks": (
        "sqs_delete_messages sqs_receive_messages sqs_send_message sqs_send_messages"
        " sqs_wait_for_message"
    ),
    "sts": "StsIdentity sts_assume_role sts_get_identity",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]  # lazy


def __getattr__(name: str) -> object:
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'brickwork_aws' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"brickwork_aws.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
