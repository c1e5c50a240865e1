"""Searches among repositories, code, commits and accounts."""
