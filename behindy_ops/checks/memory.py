"""Memory: does one more container fit, do the limits protect anything, is there swap, who was OOM-killed? Pure.

The rule of what fits, and where its figures come from: docs/design.md, "Memory rule".
"""

from __future__ import annotations

from collections.abc import Iterable

from behindy_ops.checks.check import Check, Facts, Fix, FixKind, Level, Problem, Risk, ok, state_of
from behindy_ops.errors import Kind
from behindy_ops.facts.figures import MB, size
from behindy_ops.facts.survey import Survey
from behindy_ops.project.services import Service

SWAP_WEIGHT = 0.5
"""What a byte of free swap counts beside a byte of available memory."""

SPARE = 48 * MB
"""Bytes that starting a container costs beside what it uses itself."""

UNKNOWN_NEED = 400 * MB
"""Bytes a service is taken to need when nothing tells: no live container, no reservation, no limit."""

SMALL_HOST = 1700 * MB
"""Bytes. A host of 2 GB shows some 1.9; less cannot hold what the compose file allows its containers."""

NEARLY_ALL = 0.8
"""Share of its limit from which a container has little room left: a burst of 100 MB kills one that has 400."""

SWAP_MIB = 2048
"""MiB of swap that host.setup makes."""

ENOUGH_SWAP = 1024 * MB

SWAPPINESS = 10
"""``vm.swappiness``: docs/design.md, "Logs and swap"."""

DOES_NOT_FIT = Problem(
    "not enough memory",
    f"a new container's need and {size(SPARE)} are more than what is available and half of the free swap",
    "Free memory (inv ops.mem shows what uses it), or deploy with --strategy recreate ({subject} is down for a moment) "
    "or with --force to try anyway.",
    kind=Kind.NOT_ENOUGH_MEMORY,
    forcible=True,
)
FITS_WITH_SWAP = Risk(
    "memory is tight",
    f"a new container's need and {size(SPARE)} are more than what is available without swap",
    "See what uses it: inv ops.mem",
)
UNREADABLE = Risk(
    "memory not readable",
    "/proc/meminfo does not say what is available",
    "On the host: free -m",
)
SMALL = Risk(
    "host too small",
    f"less than {size(SMALL_HOST)} of memory in all",
    "Take an instance with 2 GB or more.",
    "Two releases side by side do not fit.",
)
NO_SWAP = Risk(
    "no swap",
    "there is none",
    f"Make {SWAP_MIB // 1024} GB of it: inv host.setup. (A container gets its swap from the machine it runs on.)",
    "A deploy that needs more than is available has its containers killed.",
)
LITTLE_SWAP = Risk(
    "little swap",
    f"some, but less than {size(ENOUGH_SWAP)}",
    f"Make it {SWAP_MIB // 1024} GB by hand; inv host.setup leaves the swap that is there as it is.",
    NO_SWAP.symptom,
    helps="",
)
SWAPS_EARLY = Risk(
    "swappiness",
    f"vm.swappiness is above {SWAPPINESS}",
    "Set it: inv host.setup",
    "The host swaps while there is memory, and answers slowly.",
)
NO_LIMIT = Risk(
    "limit",
    "no memory limit, or one as large as the host's memory",
    "Set mem_limit and memswap_limit of {subject} in the compose file to what it needs and some more; then: inv "
    "host.sync. A deploy applies it to a service, inv host.up to the others.",
    "One leak takes every service down.",
    helps="",
)
NEAR_LIMIT = Risk(
    "near its limit",
    f"the live container uses {NEARLY_ALL * 100:.0f} % of its memory limit or more, without page cache",
    "See how it develops: inv ops.mem --watch. Raise mem_limit and memswap_limit of {subject} in the compose file "
    "within the host's memory; then: inv host.sync, and a deploy.",
    "A burst has it OOM-killed; users get 502 until Docker has started it again.",
)
PROMISED_TOO_MUCH = Risk(
    "limits",
    "all limits, and that of one more container, are more than memory and swap",
    "Lower mem_limit in the compose file, or add memory.",
    "When all containers need their memory at once, some are killed.",
)
OOM = Problem(
    "OOM",
    "the kernel killed the container because memory was short",
    "See inv ops.mem. Raise mem_limit and memswap_limit of {service} in the compose file within the host's memory, or "
    "go back: inv deploy.rollback {service}",
    "Container OOM-killed{effect}",
    users=True,
)


def need(survey: Survey, service: Service) -> int:
    """Return about how many bytes of memory a new container of this service will use.

    It has what the stanza promises it, and what the live container uses; where the stanza gives more than the live one
    was given, as large a share of that.
    """
    stanza = survey.stanza(service.name)
    live = survey.trio(service.name).live
    most = stanza.limit or (live.memory if live else 0)
    used = survey.usage.get(live.id, 0) if live else 0
    if live is not None and 0 < live.memory < stanza.limit:
        used = used * stanza.limit // live.memory
    wanted = max(used, stanza.reservation) or most or UNKNOWN_NEED
    return min(wanted, most) if most else wanted


def fits(facts: Facts) -> Iterable[Check]:
    """Whether a new container of each service fits beside what runs now."""
    memory = facts.survey.memory
    if "MemAvailable" not in memory:
        yield UNREADABLE.check("memory", "How much memory the host has left could not be read.")
        return
    available, swap = memory["MemAvailable"], memory.get("SwapFree", 0)
    for service in facts.services:
        if not (count := service.made_at_once):
            continue
        needed = need(facts.survey, service) * count
        several = f" for {count} containers" if count > 1 else ""
        says = f"a deploy of {service.name} needs about {size(needed)}{several}; {size(available)} available"
        says += "".join(_drains(facts.survey))
        said = f"{says}, {size(swap)} of swap free"
        if needed + SPARE <= available:
            yield ok("memory", f"{says}: fits", service.name)
        elif needed + SPARE <= available + swap * SWAP_WEIGHT:
            yield FITS_WITH_SWAP.check("memory", f"{said}: fits with the help of swap, slowly", subject=service.name)
        else:
            yield DOES_NOT_FIT.check("memory", f"{said}: does not fit", subject=service.name)


def _drains(survey: Survey) -> Iterable[str]:
    """Say what uses memory only until the host has drained it."""
    for name, drain in survey.draining.items():
        blue = survey.trio(name).blue
        if blue is not None and blue.running:
            used = survey.usage.get(blue.id, 0)
            most = f"{size(used)}" if used else f"up to {size(blue.memory)}" if blue.memory else "some"
            yield f" beside {blue.name}, which uses {most} until it is drained ({drain.latest()} at the latest)"


def total(facts: Facts) -> Iterable[Check]:
    """The size of the host."""
    memory = facts.survey.memory
    amount = memory.get("MemTotal", 0)
    found = f"{size(amount)}, {size(memory.get('MemAvailable', 0))} available"
    if amount < SMALL_HOST:
        yield SMALL.check("memory", f"{found}; the services want 2 GB", evidence=(f"MemTotal {size(amount)}",))
    else:
        yield ok("memory", found)


def swap(facts: Facts) -> Iterable[Check]:
    """Swap, and how early it is used."""
    memory, machine = facts.survey.memory, facts.machine
    amount = memory.get("SwapTotal", 0)
    evidence = (f"MemAvailable {size(memory.get('MemAvailable', 0))}, SwapTotal {amount // MB}",)
    found = f"The host has {size(amount)} of swap" if amount else "The host has no swap"
    if amount < ENOUGH_SWAP:
        problem = LITTLE_SWAP if amount else NO_SWAP
        yield problem.check("swap", f"{found}; two releases side by side want 2 GB.", evidence=evidence)
    elif machine.swappiness > SWAPPINESS and not machine.container:
        yield SWAPS_EARLY.check("swap", f"{found}, and vm.swappiness is {machine.swappiness}.")
    else:
        yield ok("swap", size(amount))


def limit(facts: Facts) -> Iterable[Check]:
    """A container without a limit, or with one as large as the host, can take the whole host down."""
    survey = facts.survey
    host = survey.memory.get("MemTotal", 0)
    declared = [(service.name, survey.stanza(service.name).limit) for service in facts.services]
    running = [(container.name, container.memory) for container in survey.containers.values() if container.running]
    weak = {name: most for name, most in (*declared, *running) if not most or 0 < host <= most}
    for name, most in sorted(weak.items()):
        what = f"a memory limit of {size(most)} on a host of {size(host)}" if most else "no memory limit"
        found = f"{name} has {what}, which protects nothing: one leak takes every service down."
        evidence = (f"MemTotal {size(host)}, limit of {name}: {size(most)}",)
        yield NO_LIMIT.check("limit", found, subject=name, evidence=evidence)
    if not weak:
        says = "; ".join(f"{name} may use {size(most)}" for name, most in declared)
        yield ok("limit", says or "every container has one")


def near_limit(facts: Facts) -> Iterable[Check]:
    """Live containers that have little room left below their limit."""
    for service in facts.services:
        live = facts.survey.trio(service.name).live
        used = facts.survey.usage.get(live.id, 0) if live else 0
        if live is not None and live.memory and used >= live.memory * NEARLY_ALL:
            share = f"{used * 100 // live.memory} %"
            found = f"{service.name} uses {size(used)} of its limit of {size(live.memory)} ({share})."
            yield NEAR_LIMIT.check("limit", found, subject=service.name, evidence=(state_of(live),))


def limits(facts: Facts) -> Iterable[Check]:
    """All containers at their limits, and one more of a service beside them, against the host's memory and swap."""
    memory = facts.survey.memory
    here = [container for container in facts.survey.containers.values() if container.running and not container.tasks]
    everything = sum(container.memory for container in here)
    more = [
        (facts.survey.stanza(service.name).limit * service.made_at_once, service.name) for service in facts.services
    ]
    extra, name = max(more, default=(0, ""))
    real, swapped = memory.get("MemTotal", 0), memory.get("SwapTotal", 0)
    with_it = f" and one more {name}" if extra else ""
    says = (
        f"all limits{with_it} make {size(everything + extra)}, the host has {size(real)} and "
        f"{size(swapped) if swapped else 'no'} swap"
    )
    if 0 < real + swapped < everything + extra:
        yield PROMISED_TOO_MUCH.check("limits", f"{says}: not enough if all need it at once.")
    else:
        yield ok("limits", says)


def oom(facts: Facts) -> Iterable[Check]:
    """Containers that were killed because memory was short, also those that Docker has started again."""
    for service in facts.services:
        trio = facts.survey.trio(service.name)
        for container in trio:
            if container is None or not container.oom_killed:
                continue
            live = container is trio.live
            yield OOM.check(
                "OOM",
                f"{container.name} needs more memory than its limit of {size(container.memory)}.",
                subject=container.name,
                evidence=(state_of(container),),
                fix=Fix(FixKind.START, container.name) if live and not container.running else None,
                service=service.name,
                effect="; 502 until it is back." if live else "; users never met it.",
            )
        times = [at for name, at in facts.kills if name == service.name]
        if trio.live is None or trio.live.oom_killed or not times:
            continue
        yield OOM.check(
            "OOM",
            f"{service.name} needs more memory than its limit of {size(trio.live.memory)}, or the host had none left.",
            subject=service.name,
            evidence=(f"{len(times)} time{'s' if len(times) != 1 else ''}, last at {max(times)}", state_of(trio.live)),
            level=Level.WARNING,  # Docker has started it again
            service=service.name,
            effect="; 502 until Docker had started it again.",
        )
