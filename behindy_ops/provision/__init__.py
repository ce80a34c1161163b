"""From a bare host to a running one, and keeping it right: pure plans from facts, and what carries them out."""
