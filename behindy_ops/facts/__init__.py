"""What a host said, as frozen data, and its parsers. Pure."""
