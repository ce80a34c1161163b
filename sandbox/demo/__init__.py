"""`inv demo`."""
