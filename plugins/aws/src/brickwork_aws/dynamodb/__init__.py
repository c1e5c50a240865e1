"""DynamoDB: items read, written, queried and waited for, as Python's values."""
