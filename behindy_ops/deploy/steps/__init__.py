"""The steps of a deploy: what is sent, what an answer means, and what undoes it. Pure."""
