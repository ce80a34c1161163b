"""Requests under way while something happens."""
