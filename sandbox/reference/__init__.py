"""docs/reference/ and docs/ko/reference/: tables of what the code has, made by `inv docs`.

Every English text stands in the code, or in a data file beside this one. ``ko/`` has the Korean of each, found by the
English it was made from: a text that changes has none any more, until somebody has looked at it.
"""
