"""Repositories themselves: their settings, labels, who may do what in them, teams."""
