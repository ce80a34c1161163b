"""Is it well? One Check, and one file a subject. Pure."""
