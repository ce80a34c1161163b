"""What is declared on this side, read once; no I/O but reading files."""
