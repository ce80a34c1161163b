"""Terminal sessions recorded from real runs, as pictures that move."""
