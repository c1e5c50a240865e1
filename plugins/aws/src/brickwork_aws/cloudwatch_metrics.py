"""CloudWatch: values of metrics."""

from collections.abc import Mapping
from datetime import datetime

from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.tasks import task_once

VALUES = 150
"""How many values a metric may have in one request, see
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html."""


@task_once("cloudwatch:PutMetricData")
def cloudwatch_put_metric(
    credentials: AwsCredentials,
    namespace: str,
    metric: str,
    value: float | list[float],
    *,
    unit: str | None = None,
    dimensions: Mapping[str, str] | None = None,
    at: datetime | None = None,
    high_resolution: bool = False,
) -> None:
    """Give CloudWatch values of a metric, 150 by each request.

    Not retried as a task: a value that came twice counts twice. See
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html.

    Args:
        credentials: Whose.
        namespace: Where the metric is: ``Reports/Nightly``; not one that begins with ``AWS/``.
        metric: Its name.
        value: The value, or several of the same time.
        unit: Of what: ``Seconds``, ``Bytes``, ``Count``, ``Percent``; by default of nothing.
        dimensions: By what it is told from others of its name, up to 30.
        at: When it was so, up to two weeks ago; by default now.
        high_resolution: Whether it is kept by the second, not by the minute.

    Raises:
        AwsError: CloudWatch refuses.

    Examples:
        >>> shop = {"shop": "s1"}
        >>> cloudwatch_put_metric(credentials, "Shops", "Orders", 42, unit="Count", dimensions=shop)
    """
    from brickwork import check_cancelled
    from brickwork_aws.operations import Operation

    operation = Operation(credentials, "cloudwatch", "put_metric_data")
    values = value if isinstance(value, list) else [value]
    of = [{"Name": name, "Value": each} for name, each in (dimensions or {}).items()]
    given = {
        "MetricName": metric,
        "Dimensions": of or None,
        "Unit": unit,
        "Timestamp": at,
        "StorageResolution": 1 if high_resolution else None,
    }
    datum = {name: each for name, each in given.items() if each is not None}
    for start in range(0, len(values), VALUES):
        check_cancelled()
        some = {"Values": values[start : start + VALUES]}
        operation.call({"Namespace": namespace, "MetricData": [{**datum, **some}]})
