"""Stub of the sandbox tasks."""
