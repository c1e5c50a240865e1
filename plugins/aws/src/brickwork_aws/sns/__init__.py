"""SNS: messages published to those who subscribed, and notifications of Brickwork."""
