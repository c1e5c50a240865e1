"""What must not be started twice: Glue's jobs and crawlers, commands on instances."""

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from brickwork import Scope, TaskCancelled
from brickwork.testing.task import no_waiting
from brickwork_aws import (
    AwsCredentials,
    AwsError,
    ClientOptions,
    aws_call,
    glue_run_job,
    glue_start_crawler,
    glue_start_job,
    ssm_start_command,
)
from brickwork_aws.jobs.starting import SECONDS
from brickwork_aws.operations import once_client
from brickwork_aws.testing import AwsServer
from brickwork_aws.testing.contracts.crawlers import new_crawler
from brickwork_aws.testing.contracts.glue import new_glue_job
from brickwork_aws.testing.faulty import faulty

AT_ONCE = ClientOptions(retry_mode="standard")
"""By default botocore itself also pauses for some seconds once it was throttled."""

PERHAPS = "It may have been started: look, before you start it again."


def test_a_job_of_which_the_answer_is_lost_runs_once(
    s3_server: AwsServer, s3_credentials: AwsCredentials
) -> None:
    """Neither botocore starts it again, nor the task; the error says that it may run."""
    job = new_glue_job(s3_credentials)
    with faulty(s3_server) as (through, faults):
        faults.cut("POST")
        with pytest.raises(AwsError, match="glue:StartJobRun") as caught, no_waiting():
            glue_run_job(through.credentials(), job)
        assert [method for method, _ in faults.requests] == ["POST"]
    assert PERHAPS in caught.value.__notes__
    runs = aws_call(s3_credentials, "glue", "get_job_runs", JobName=job)["JobRuns"]
    assert len(runs) == 1


def test_a_crawler_of_which_the_answer_is_lost_is_not_taken_for_anothers(
    s3_credentials: AwsCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second request would find it running, by the first."""
    crawler = new_crawler(s3_credentials)
    client = once_client(s3_credentials, "glue", SECONDS)
    start = client.start_crawler

    def lost(**asked: object) -> None:
        start(**asked)
        raise ReadTimeoutError(endpoint_url="https://glue")

    monkeypatch.setattr(client, "start_crawler", lost)
    with pytest.raises(AwsError, match="glue:StartCrawler") as caught, no_waiting():
        glue_start_crawler(s3_credentials, crawler)
    assert PERHAPS in caught.value.__notes__
    found = aws_call(s3_credentials, "glue", "get_crawler", Name=crawler)
    assert found["Crawler"]["State"] == "RUNNING"


@pytest.mark.parametrize("times", [1, 4])
def test_what_was_not_served_is_asked_again(s3_server: AwsServer, times: int) -> None:
    """After longer and longer; nothing has been started."""
    with faulty(s3_server) as (through, faults):
        faults.throttle("POST", json=True, times=times)
        credentials = through.credentials(client_options=AT_ONCE)
        with no_waiting() as waits:
            ssm_start_command(credentials, ["uptime"], tags={"role": "web"})
        assert len(faults.requests) == times + 1
    assert waits == [1.0, 2.0, 4.0, 8.0][:times]


def test_what_is_never_served_is_an_error(s3_server: AwsServer) -> None:
    """Without doubt whether it was started."""
    with faulty(s3_server) as (through, faults):
        faults.throttle("POST", json=True, times=5)
        credentials = through.credentials(client_options=AT_ONCE)
        with no_waiting(), pytest.raises(AwsError, match="ThrottlingException") as caught:
            ssm_start_command(credentials, ["uptime"], tags={"role": "web"})
        assert faults.left == 0
    assert PERHAPS not in getattr(caught.value, "__notes__", ())


def test_where_nobody_is_reached_it_is_asked_again(
    s3_credentials: AwsCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has been started."""
    left = [EndpointConnectionError(endpoint_url="https://glue")]

    def nobody_there(**_: object) -> dict[str, str]:
        if left:
            raise left.pop()
        return {"JobRunId": "jr_1"}

    monkeypatch.setattr(once_client(s3_credentials, "glue", SECONDS), "start_job_run", nobody_there)
    with no_waiting() as waits:
        assert glue_start_job(s3_credentials, "nightly").id == "jr_1"
    assert waits == [1.0]


def test_what_is_refused_is_not_asked_again(s3_credentials: AwsCredentials) -> None:
    """It would be refused again."""
    with Stubber(once_client(s3_credentials, "glue", SECONDS)) as stubber:
        stubber.add_client_error("start_job_run", "InvalidInputException", "no", 400)
        with pytest.raises(AwsError, match="InvalidInputException") as caught:
            glue_start_job(s3_credentials, "nightly")
    assert PERHAPS not in getattr(caught.value, "__notes__", ())


def test_a_request_that_fails_when_the_task_has_ended_is_no_error_of_its_own(
    s3_credentials: AwsCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time was cut with that of the task."""
    with Scope("job") as scope:

        def cut(**_: object) -> dict[str, str]:
            scope.cancel()
            raise ReadTimeoutError(endpoint_url="https://glue")

        client = once_client(s3_credentials, "glue", SECONDS)
        monkeypatch.setattr(client, "start_job_run", cut)
        with pytest.raises(TaskCancelled):
            glue_start_job(s3_credentials, "nightly")
