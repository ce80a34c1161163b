"""The containers' values: the ``.env`` on the host, by names only. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from behindy_ops.checks.check import Check, Facts, Problem, Risk, ok
from behindy_ops.errors import Kind
from behindy_ops.facts.environment import private
from behindy_ops.facts.survey import Survey
from behindy_ops.project.services import Service

NO_FILE = Problem(
    "no environment file",
    "there is no .env in the host directory",
    "Write host.env here, and put it there: inv env.push (without that file, it says how to begin it)",
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
    "a required name has the value that .env.example beside the compose file gives it, or one that looks like it",
    "Set it: inv env.set {subject}",
    symptom="Anybody who reads the example knows the value.",
    kind=Kind.ENVIRONMENT_INVALID,
)
DOLLAR = Risk(
    "dollar in a value",
    "docker compose takes a $ in a value for a variable that nothing defines: the container gets less",
    "Set it again, which quotes it: inv env.set {subject}",
    symptom="A password or a key is not the one in the file.",
)
READABLE = Risk(
    "environment file readable",
    "others than its owner may read .env",
    "Make it private: inv host.setup",
    symptom="Every user of the host can read the secrets.",
)
UNKNOWN = Risk(
    "unknown name",
    "no service uses it, and .env.example beside the compose file does not explain it",
    "Correct or remove it: inv env.edit",
    symptom="Probably a typo; it does not block anything.",
)


@dataclass(frozen=True, slots=True)
class Values:
    """A ``.env``, or what is to become one.

    Attributes:
        states: names to ``empty`` or ``set``; others are absent.
        required: names without a default to the services whose stanzas use them.
        placeholders: names whose value was made to be replaced.
        dollars: names in whose value Compose takes a ``$`` for a variable that nothing defines, to their line.
        known: names that a service uses or the example explains.
        mode: its permissions in octal digits; empty if they do not matter yet.
        present: there is a file at all.
    """

    states: Mapping[str, str]
    required: Mapping[str, Sequence[str]] = field(default_factory=dict)
    placeholders: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    mode: str = ""
    present: bool = True
    dollars: Mapping[str, int] = field(default_factory=dict)


def judge(values: Values, where: str = ".env") -> Iterable[Check]:
    """Say what is wrong with a file, one check for each name; ``where`` is what the file is called."""
    if not values.present:
        yield NO_FILE.check("environment", f"There is no {where}.")
        return
    for name, services in values.required.items():
        state = values.states.get(name, "missing")
        if state != "set":
            found = f"{state}; needed by {', '.join(services)}"
            yield NO_VALUE.check("environment", found, subject=name, name=name)
    for name in sorted(values.placeholders):
        if values.states.get(name) == "set":
            yield PLACEHOLDER.check("environment", "still the placeholder", subject=name)
    yield from cut(values.dollars)
    for name in sorted(values.states.keys() - values.known):
        found = "unknown; no service uses it, and .env.example does not explain it"
        yield UNKNOWN.check("environment", found, subject=name)
    if not private(values.mode):
        yield READABLE.check("environment", f"{where} can be read by others (mode {values.mode}).")


def cut(dollars: Mapping[str, int]) -> Iterable[Check]:
    """Values that the container gets without a part of them."""
    for name, line in dollars.items():
        found = (
            f"line {line}: docker compose takes the $ in {name} for a variable that nothing defines, and leaves it out"
        )
        yield DOLLAR.check("environment", found, subject=name)


def file(facts: Facts) -> Iterable[Check]:
    """Whether the file is there, and private; its names are not looked at."""
    where, mode = f"{facts.host_dir}/.env", facts.survey.files.get(".env")
    values = Values({}, mode=mode or "", present=mode is not None)
    wrong = list(judge(values, f"{where} on the host"))
    yield from wrong or [ok("environment", f"{where} is there, for its owner alone")]


def environment(facts: Facts) -> Iterable[Check]:
    """The file, and whether it has a value for every name that a service cannot do without."""
    incomplete = {service.name: missing for service in facts.services if (missing := lacking(facts.survey, service))}
    for service, missing in incomplete.items():
        yield NO_VALUE.check(
            "environment",
            f"{facts.host_dir}/.env on the host has no value for {', '.join(missing)}, which {service} needs.",
            subject=service,
            evidence=[f"{name}: {'empty' if name in facts.survey.environment else 'missing'}" for name in missing],
            name=missing[0],
        )
    yield from cut(facts.survey.dollars)
    yield from (check for check in file(facts) if check.problem or not incomplete)


def lacking(survey: Survey, service: Service) -> list[str]:
    """Return the names that a service cannot do without and that have no value on the host, as far as was looked."""
    looked = ".env" in survey.files
    return [name for name in service.required_env if looked and not survey.environment.get(name)]
