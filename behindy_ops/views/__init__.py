"""One file for each view on a host."""
