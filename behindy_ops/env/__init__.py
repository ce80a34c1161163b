"""The containers' values: compare, push, set, edit."""
