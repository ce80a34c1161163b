"""The host in a container: its life, images, keys and files."""
