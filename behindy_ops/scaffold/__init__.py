"""``inv init``: the files that a project needs, made from answers. Pure; tasks/init.py asks and writes."""
