"""The pictures of the documents: drawn here, written by ``python -m sandbox.pictures``, compared by a test."""
