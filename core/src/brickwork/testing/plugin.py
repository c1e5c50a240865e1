"""The pytest plugin: fixtures that any project's tests can use once Brickwork is installed."""
