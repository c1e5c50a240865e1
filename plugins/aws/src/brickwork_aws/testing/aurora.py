"""Answers of Aurora's Data API, of whose transactions moto knows nothing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from brickwork_aws.credentials import AwsCredentials


class AuroraAnswers:
    """Gives answers that botocore's Stubber checks, as what is sent, against its description.

    ::

        with AuroraAnswers(credentials) as answers:
            answers.add("begin_transaction", {"transactionId": "t-1"})
            answers.add("commit_transaction", {"transactionStatus": "committed"})
            with rds_transaction(credentials, cluster_arn=..., secret_arn=...):
                pass

    Args:
        credentials: Whose requests are answered.
    """

    def __init__(self, credentials: "AwsCredentials") -> None:
        from botocore.stub import Stubber

        from brickwork_aws.operations import once_client
        from brickwork_aws.rds_data.database import SECONDS

        self._once = Stubber(once_client(credentials, "rds-data", SECONDS))
        self._again = Stubber(credentials.client("rds-data"))

    def __enter__(self) -> Self:
        self._once.activate()
        self._again.activate()
        return self

    def __exit__(self, *rest: object) -> None:
        self._once.deactivate()
        self._again.deactivate()

    def add(self, operation: str, answer: Mapping[str, Any], **asked: Any) -> None:
        """Answer the next request of an operation, ``execute_statement``.

        Args:
            operation: boto3's name of it.
            answer: The answer.
            asked: All that must be sent, the ARNs aside; if nothing is given, anything may be.
        """
        from botocore.stub import ANY

        expected = {"resourceArn": ANY, "secretArn": ANY, **asked} if asked else None
        self._of(operation).add_response(operation, dict(answer), expected)

    def fail(self, operation: str, code: str, message: str = "", status: int = 400) -> None:
        """Answer the next request of an operation with an error."""
        self._of(operation).add_client_error(operation, code, message, status)

    def all_given(self) -> None:
        """Raise AssertionError if there is an answer for which nobody has asked."""
        self._once.assert_no_pending_responses()
        self._again.assert_no_pending_responses()

    def _of(self, operation: str) -> Any:
        # What may be sent twice has another client, and so another stubber.
        again = operation in {"begin_transaction", "rollback_transaction"}
        return self._again if again else self._once
