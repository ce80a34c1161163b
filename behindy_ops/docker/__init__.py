"""Pure: builders of docker command lines, and parsers of what docker prints."""
