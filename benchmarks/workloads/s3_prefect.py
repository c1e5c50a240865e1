"""Upload a folder by prefect-aws; runs in Prefect's environment. See s3_transfer.py."""

import json
import os
import sys
from time import perf_counter

from prefect_aws import AwsClientParameters, AwsCredentials  # type: ignore[import-not-found]  # another environment
from prefect_aws.s3 import S3Bucket  # type: ignore[import-not-found]  # another environment


def main() -> None:
    """Upload the folder that is named, and print how long it took."""
    credentials = AwsCredentials(
        aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        region_name=os.environ["AWS_DEFAULT_REGION"],
        aws_client_parameters=AwsClientParameters(endpoint_url=os.environ["AWS_ENDPOINT_URL"]),
    )
    bucket = S3Bucket(bucket_name="bench", credentials=credentials)
    bucket.write_path("first", content=b"1", _sync=True)  # the first connection does not count
    start = perf_counter()
    count = bucket.put_directory(sys.argv[1], "small", _sync=True)
    print(json.dumps({"seconds": perf_counter() - start, "count": count}))


if __name__ == "__main__":
    main()
