"""Who looks at what: the rules that each task chooses, in the order of dependence. Pure."""

from __future__ import annotations

from behindy_ops.checks import (
    certificates,
    clock,
    disk,
    docker,
    environment,
    files,
    images,
    memory,
    network,
    nginx,
    services,
    system,
    visitors,
)
from behindy_ops.checks.check import Rule

DEPLOY: tuple[Rule, ...] = (
    docker.engine,
    docker.compose,
    docker.tools,
    files.files,
    environment.environment,
    network.exists,
    nginx.nginx,
    nginx.configuration,
    files.compose_file,
    network.aliases,
    services.ports,
    memory.limit,
    memory.limits,
    memory.fits,
    disk.disk,
    files.rehearsal,
    files.releases,
    clock.clock,
)
"""What every deploy begins with."""

BEFORE_DEPLOY: tuple[Rule, ...] = (*DEPLOY, images.image, services.leftovers)
"""What deploy.check looks at."""

HOST: tuple[Rule, ...] = (
    system.login,
    system.sessions,
    system.system,
    docker.tools,
    docker.authorities,
    docker.engine,
    docker.compose,
    memory.total,
    memory.swap,
    disk.roomy,
    clock.clock,
    docker.logs,
    system.updates,
    files.directories,
    files.rehearsal,
    environment.file,
    files.files,
    certificates.installed,
    visitors.visitors,
)
"""What host.check looks at: a host may have nothing on it yet."""

DOCTOR: tuple[Rule, ...] = (
    docker.compose,
    docker.tools,
    disk.roomy,
    network.exists,
    network.members,
    network.aliases,
    network.names,
    nginx.nginx,
    nginx.configuration,
    services.dependencies,
    nginx.static_names,
    certificates.served,
    visitors.visitors,
    memory.limit,
    memory.limits,
    memory.total,
    memory.swap,
    clock.clock,
    memory.oom,
    services.leftovers,
    services.stopped,
    services.answers,
    environment.environment,
    files.files,
    files.compose_file,
    files.rehearsal,
    files.releases,
    services.ports,
    services.static_health,
    images.rollback_image,
    images.built_here,
)
"""What ops.doctor looks at: the cause of several symptoms comes before them."""
