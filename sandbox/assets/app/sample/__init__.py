"""A small stand-in for frontend, backend and llmserver, with faults to order. It runs inside the sandbox's host."""
