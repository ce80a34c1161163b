"""The steps of a deploy, one file each: what is sent, what an answer means, and what undoes it. Pure."""
