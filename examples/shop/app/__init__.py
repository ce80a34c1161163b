"""A shop: orders come in, are dealt with in the background, and are counted at night."""
