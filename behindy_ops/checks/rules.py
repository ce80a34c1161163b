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
    outside,
    services,
    swarm,
    system,
    timers,
    visitors,
)
from behindy_ops.checks.check import Rule

DEPLOY: tuple[Rule, ...] = (
    docker.engine,
    docker.kind,
    docker.compose,
    docker.tools,
    swarm.engine,
    swarm.returns,
    swarm.overlay,
    files.project,
    files.files,
    files.directory,
    environment.environment,
    network.exists,
    nginx.nginx,
    nginx.configuration,
    files.compose_file,
    nginx.inside,
    network.aliases,
    services.ports,
    services.maintenance,
    memory.limit,
    memory.limits,
    memory.fits,
    disk.disk,
    files.rehearsal,
    outside.public_name,
    files.releases,
    clock.clock,
)
"""What every deploy begins with."""

OF_A_PORT = frozenset({nginx.nginx, nginx.configuration, files.rehearsal, outside.public_name})
"""Those that say nothing of a service that nobody asks."""

BEFORE_DEPLOY: tuple[Rule, ...] = (*DEPLOY, images.image, services.leftovers)
"""What deploy.check looks at."""

HOST: tuple[Rule, ...] = (
    system.login,
    system.sessions,
    system.system,
    docker.tools,
    docker.authorities,
    docker.engine,
    docker.kind,
    docker.compose,
    memory.total,
    memory.swap,
    disk.roomy,
    clock.clock,
    docker.logs,
    docker.live_restore,
    swarm.engine,
    swarm.nodes,
    swarm.managers,
    swarm.edges,
    system.updates,
    files.directories,
    files.rehearsal,
    environment.file,
    files.files,
    certificates.installed,
    timers.scheduled,
    visitors.visitors,
)
"""What host.check looks at: a host may have nothing on it yet."""

NODE: tuple[Rule, ...] = (memory.total, memory.swap, disk.roomy, clock.clock, docker.logs, system.updates)
"""What host.check looks at on each further node of a swarm."""

DOCTOR: tuple[Rule, ...] = (
    swarm.engine,
    swarm.nodes,
    docker.kind,
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
    nginx.inside,
    outside.firewall,
    certificates.served,
    visitors.visitors,
    memory.limit,
    memory.near_limit,
    memory.limits,
    memory.total,
    memory.swap,
    clock.clock,
    memory.oom,
    services.leftovers,
    services.several,
    services.stopped,
    services.maintenance,
    services.answers,
    outside.seen,
    environment.environment,
    files.files,
    files.project,
    files.directory,
    files.compose_file,
    files.rehearsal,
    files.releases,
    services.ports,
    services.static_health,
    images.rollback_image,
    images.built_here,
    swarm.spread,
    swarm.images,
    swarm.managers,
    timers.runs,
    timers.jobs,
)
"""What ops.doctor looks at: the cause of several symptoms comes before them."""
