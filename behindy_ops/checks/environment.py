"""The containers' values: the ``.env`` on the host, by names only. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from behindy_ops.checks.check import Check, Facts, Level, Problem, ok
from behindy_ops.errors import Kind
from behindy_ops.facts.survey import Survey
from behindy_ops.project.services import Service

NO_FILE = Problem(
    "no environment file",
    "there is no .env in the host directory",
    "Write it from compose/.env.example, and put it there: inv env.push FILE",
    symptom="Deploys are refused.",
    kind=Kind.ENVIRONMENT_FILE_MISSING,
)
NO_VALUE = Problem(
    "value missing",
    "a name without a default is not in .env, or is empty there",
    "Set it: inv env.set {name}",
    symptom="The next deploy of {subject} is refused.",
    kind=Kind.ENVIRONMENT_FILE_MISSING,
)
PLACEHOLDER = Problem(
    "placeholder",
    "a required name has the value that compose/.env.example gives it, or one that looks like it",
    "Set it: inv env.set {subject}",
    symptom="Anybody who reads the example knows the value.",
    kind=Kind.ENVIRONMENT_INVALID,
)
READABLE = Problem(
    "environment file readable",
    "others than its owner may read .env",
    "Make it private: inv host.setup",
    symptom="Every user of the host can read the secrets.",
    level=Level.WARNING,
)
UNKNOWN = Problem(
    "unknown name",
    "no service uses it, and compose/.env.example does not explain it",
    "Correct or remove it: inv env.edit",
    symptom="Probably a typo; it does not block anything.",
    level=Level.WARNING,
)


@dataclass(frozen=True, slots=True)
class Values:
    """A ``.env``, or what is to become one.

    Attributes:
        states: names to ``empty`` or ``set``; others are absent.
        required: names without a default to the services whose stanzas use them.
        placeholders: names whose value was made to be replaced.
        known: names that a service uses or the example explains; None if that is not known.
        mode: its permissions in octal digits; empty if they do not matter yet.
        present: there is a file at all.
    """

    states: Mapping[str, str]
    required: Mapping[str, Sequence[str]] = field(default_factory=dict)
    placeholders: frozenset[str] = frozenset()
    known: frozenset[str] | None = None
    mode: str = ""
    present: bool = True

    def without_value(self) -> list[str]:
        """Return the required names that are absent or empty, in the order given."""
        return [name for name in self.required if self.states.get(name) != "set"]


def judge(values: Values, where: str = ".env") -> tuple[Check, ...]:
    """Return what is wrong with a file, one check for each name.

    Args:
        where: what the file is called.
    """
    if not values.present:
        return (NO_FILE.check("environment", f"There is no {where}."),)
    return (*_names(values), *_mode(values.mode, where))


def _names(values: Values) -> Iterable[Check]:
    for name in values.without_value():
        found = f"{values.states.get(name, 'missing')}; needed by {', '.join(values.required[name])}"
        yield NO_VALUE.check("environment", found, subject=name, name=name)
    for name in sorted(values.placeholders):
        if values.states.get(name) == "set":
            yield PLACEHOLDER.check("environment", "still the placeholder", subject=name)
    for name in sorted(values.states) if values.known is not None else ():
        if name not in (values.known or ()):
            found = "unknown; no service uses it, and .env.example does not explain it"
            yield UNKNOWN.check("environment", found, subject=name)


def _mode(mode: str, where: str) -> Iterable[Check]:
    if mode and int(mode, 8) & 0o077:
        yield READABLE.check("environment", f"{where} can be read by others (mode {mode}).")


def file(facts: Facts) -> Iterable[Check]:
    """Whether the file is there, and private; its names are not looked at."""
    where = f"{facts.host_dir}/.env"
    entry = facts.survey.files.get(".env")
    values = Values({}, mode=entry[0] if entry else "", present=entry is not None)
    yield from judge(values, f"{where} on the host") or (ok("environment", f"{where} is there, for its owner alone"),)


def environment(facts: Facts) -> Iterable[Check]:
    """The file, and whether it has a value for every name that a service cannot do without."""
    if ".env" not in facts.survey.files:
        yield from file(facts)
        return
    complete = True
    for service in facts.services:
        if missing := lacking(facts.survey, service):
            complete = False
            yield NO_VALUE.check(
                "environment",
                f"{facts.host_dir}/.env on the host has no value for {', '.join(missing)}, which {service.name} needs.",
                subject=service.name,
                evidence=[f"{name}: {'empty' if name in facts.survey.environment else 'missing'}" for name in missing],
                name=missing[0],
            )
    yield from (check for check in file(facts) if complete or check.level is not Level.OK)


def lacking(survey: Survey, service: Service) -> list[str]:
    """Return the names that a service cannot do without and that have no value on the host, as far as was looked."""
    if ".env" not in survey.files:
        return []
    states = {name: "set" if has else "empty" for name, has in survey.environment.items()}
    return Values(states, dict.fromkeys(service.required_env, ())).without_value()
