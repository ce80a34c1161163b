"""The only part that talks to a host: the SSH connection, quoting, and the lock."""
