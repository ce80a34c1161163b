"""`inv bench`."""
