"""The tasks of `inv`: those of the package, and those that only make sense in this repository."""

from behindy_ops.tasks import root
from sandbox.tasks import add_to

namespace = add_to(root())
