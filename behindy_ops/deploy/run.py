"""What the tasks call: read the settings, open a session, deploy one service after the other."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from behindy_ops import report, services, settings
from behindy_ops.deploy import plan, status
from behindy_ops.deploy.engine import Deployment, Options
from behindy_ops.deploy.session import Session
from behindy_ops.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from behindy_ops.services import Service

__all__ = ["deploy_services", "load_services", "show_status"]


def load_services(root: Path) -> Mapping[str, Service]:
    """Return the services this checkout's compose file declares.

    :raises ComposeInvalid: it cannot be read.
    """
    return services.load(root / "compose" / "docker-compose.yml")


def _seconds(text: str) -> float | None:
    if not text:
        return None
    try:
        return services.seconds(text)
    except ValueError as error:
        raise UsageError(f"--watch {text!r}: {error}", remedy="Give seconds, such as --watch 10") from error


def deploy_services(
    names: Sequence[str], *, tag: str, dry_run: bool, force: bool, watch: str, json: bool, root: Path | None = None
) -> None:
    """Deploy services in the order given, or all in the compose file's order; stop at the first that fails.

    :param watch: seconds to watch, as text; empty for what the services declare.
    :raises BehindyError: it failed; nothing after that service was touched.
    """
    root = root or Path.cwd()
    options = Options(services.validate_tag(tag), force, _seconds(watch))
    known = load_services(root)
    chosen = [known[name] for name in names] or list(known.values())
    chosen_settings = settings.load(os.environ, root, need_host=True)
    emit = report.choose(json, sys.stdout, os.environ)
    with Session(chosen_settings, chosen, emit, os.environ) as session:
        if dry_run:
            plan.show(session, chosen, options)
            return
        what = f"deploy of {', '.join(service.name for service in chosen)}:{options.tag}"
        survey = session.lock(what)
        for number, service in enumerate(chosen):
            if number:
                survey = session.look()
                session.ctx.durations.clear()
            survey, _ = session.reconcile(service, survey)
            Deployment(session.ctx, service, options, survey).run()


def show_status(stream: TextIO, *, json: bool, root: Path | None = None) -> None:
    """Print how the services are. Reads only; takes no lock."""
    root = root or Path.cwd()
    chosen = list(load_services(root).values())
    chosen_settings = settings.load(os.environ, root, need_host=True)
    with Session(chosen_settings, chosen, lambda _: None, os.environ) as session:
        survey = session.look()
    found = [status.describe(survey, service) for service in chosen]
    stream.write(status.as_json(found) if json else status.as_text(found, chosen_settings.host))
