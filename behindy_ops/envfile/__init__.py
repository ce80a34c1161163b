"""The host's ``.env``: how it is read, what the stanzas want of it, and how it is replaced. Values are never shown."""
