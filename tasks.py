"""The tasks of `inv`: the root collection, nothing else."""

from behindy_ops.tasks import root

namespace = root()
