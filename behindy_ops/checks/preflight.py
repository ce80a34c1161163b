"""Is the host ready for a deploy? A refusal ends the deploy before it changes a thing. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from behindy_ops.checks import check, docker, rules
from behindy_ops.checks.check import Check, Facts, Rule, first_refusal
from behindy_ops.errors import BehindyError
from behindy_ops.facts.manifest import Manifests
from behindy_ops.facts.survey import Survey
from behindy_ops.project.services import Service
from behindy_ops.project.settings import Settings


def examine(
    survey: Survey,
    service: Service,
    settings: Settings,
    *,
    chosen: Sequence[Rule] = rules.DEPLOY,
    image: str = "",
    manifests: Manifests | None = None,
) -> tuple[Check, ...]:
    """Check everything a deploy of this service needs, in the order of dependence.

    Without Docker nothing else is looked at: that nothing was seen then says nothing.

    Args:
        chosen: the rules to apply.
        image: as in :class:`Facts`; likewise ``manifests``.
    """
    facts = Facts(
        survey=survey,
        services=(service,),
        host_dir=settings.host_dir,
        image_prefix=settings.image_prefix,
        image=image,
        manifests=manifests,
        engine=settings.engine,
    )
    if not service.asked:
        chosen = [rule for rule in chosen if rule not in rules.OF_A_PORT]
    engine = check.examine([docker.engine], facts)
    if first_refusal(engine) is not None:
        return engine
    return check.examine(chosen, facts)


def docker_problem(survey: Survey) -> BehindyError | None:
    """Return why Docker cannot be asked on this host, or None. Until it can, that nothing was seen says nothing."""
    return first_refusal(docker.engine(Facts(survey=survey)))
