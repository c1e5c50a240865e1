"""Conformance of what this package brings, for ``brickwork plugin check`` and its own tests.

Each class starts a server on 127.0.0.1, moto where nothing else is said.
"""

from brickwork_aws.testing.contracts.athena import (
    TestAthenaCancelQuery,
    TestAthenaReadRows,
    TestAthenaReadTable,
    TestAthenaRunQuery,
    TestAthenaStartQuery,
    TestAthenaWaitQuery,
)
from brickwork_aws.testing.contracts.cloudwatch import (
    TestCloudwatchPutMetric,
    TestLogsFilterEvents,
    TestLogsTail,
)
from brickwork_aws.testing.contracts.credentials import (
    TestAwsCredentials,
    TestAwsCredentialsOfRoles,
)
from brickwork_aws.testing.contracts.generic import (
    TestAwsCall,
    TestAwsWait,
)
from brickwork_aws.testing.contracts.s3 import (
    TestS3Bucket,
    TestS3BucketOnMoto,
    TestS3BucketOnSeaweedfs,
    TestS3Copy,
    TestS3Delete,
    TestS3DownloadFile,
    TestS3DownloadFolder,
    TestS3List,
    TestS3Move,
    TestS3Presign,
    TestS3Read,
    TestS3UploadFile,
    TestS3UploadFolder,
    TestS3Write,
)
from brickwork_aws.testing.contracts.secrets import (
    TestParameterStoreResolver,
    TestSecretsmanagerDeleteSecret,
    TestSecretsmanagerListSecrets,
    TestSecretsmanagerReadBinary,
    TestSecretsmanagerReadSecret,
    TestSecretsManagerResolver,
    TestSecretsmanagerWriteSecret,
    TestSsmDeleteParameters,
    TestSsmReadParameter,
    TestSsmReadParameters,
    TestSsmWriteParameter,
)
from brickwork_aws.testing.contracts.sqs import (
    TestSqsDeleteMessages,
    TestSqsReceiveMessages,
    TestSqsSendMessage,
    TestSqsSendMessages,
    TestSqsWaitForMessage,
)
from brickwork_aws.testing.fixtures import (
    no_aws_settings,
    s3_bucket,
    s3_credentials,
    s3_server,
    strict_s3_bucket,
    strict_s3_server,
)

# The fixtures too: pytest finds them where the classes are.
__all__ = [
    "TestAthenaCancelQuery",
    "TestAthenaReadRows",
    "TestAthenaReadTable",
    "TestAthenaRunQuery",
    "TestAthenaStartQuery",
    "TestAthenaWaitQuery",
    "TestAwsCall",
    "TestAwsCredentials",
    "TestAwsCredentialsOfRoles",
    "TestAwsWait",
    "TestCloudwatchPutMetric",
    "TestLogsFilterEvents",
    "TestLogsTail",
    "TestParameterStoreResolver",
    "TestS3Bucket",
    "TestS3BucketOnMoto",
    "TestS3BucketOnSeaweedfs",
    "TestS3Copy",
    "TestS3Delete",
    "TestS3DownloadFile",
    "TestS3DownloadFolder",
    "TestS3List",
    "TestS3Move",
    "TestS3Presign",
    "TestS3Read",
    "TestS3UploadFile",
    "TestS3UploadFolder",
    "TestS3Write",
    "TestSecretsManagerResolver",
    "TestSecretsmanagerDeleteSecret",
    "TestSecretsmanagerListSecrets",
    "TestSecretsmanagerReadBinary",
    "TestSecretsmanagerReadSecret",
    "TestSecretsmanagerWriteSecret",
    "TestSqsDeleteMessages",
    "TestSqsReceiveMessages",
    "TestSqsSendMessage",
    "TestSqsSendMessages",
    "TestSqsWaitForMessage",
    "TestSsmDeleteParameters",
    "TestSsmReadParameter",
    "TestSsmReadParameters",
    "TestSsmWriteParameter",
    "no_aws_settings",
    "s3_bucket",
    "s3_credentials",
    "s3_server",
    "strict_s3_bucket",
    "strict_s3_server",
]
