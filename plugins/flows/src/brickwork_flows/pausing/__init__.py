"""Runs that wait for a person or another program: pauses, what they are given, and messages."""
