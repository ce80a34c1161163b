"""The tasks of `inv`: those of the package, and those that only make sense in this repository."""

from behindy_ops import namespace
from sandbox.tasks import add_to

add_to(namespace)
