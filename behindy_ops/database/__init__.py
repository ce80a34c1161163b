"""Backups of the host's Postgres, and what is restored from them."""
