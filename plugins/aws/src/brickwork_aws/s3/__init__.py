"""S3: a bucket as a block and as a storage, and tasks."""
