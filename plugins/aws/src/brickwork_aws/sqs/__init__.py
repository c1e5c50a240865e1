"""SQS: messages sent, received, and acknowledged."""
