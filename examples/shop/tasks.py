from invoke import Context, task

import behindy_ops
from behindy_ops import namespace  # noqa: F401 -- the tasks of behindy-ops


@task
def live(_: Context) -> None:
    """Say which release of each service is live."""
    for service in behindy_ops.survey().services:
        print(service.service, service.tag, service.state)
