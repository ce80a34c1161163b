"""The client's settings: how to reach the host, what is served there, where images come from.

A name's value is looked for in the process's environment, then in what the chosen environment has of its own
(``.env.<BEHINDY_ENV>``, its table in ``pyproject.toml``), then in what is common (``.env``, ``[tool.behindy-ops]``).
What is bound to a host is never taken from the common ones once an environment is chosen: they are another host's. An
empty value counts as none, because that is what CI gives for a secret that is not set. ``.env.example`` explains every
name.
"""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from behindy_ops.errors import Kind
from behindy_ops.project import proxies, pyproject, validate
from behindy_ops.project.dotenv import read_env_file
from behindy_ops.project.place import PROJECT
from behindy_ops.project.registries import Login, canonical, read_logins, registry_of
from behindy_ops.project.secret import Secret
from behindy_ops.project.webhooks import CHANGES, Webhook, addresses, check_webhooks, webhook

_NOT_OURS = frozenset({"BEHINDY_HTTP_PORT", "BEHINDY_HTTPS_PORT", "BEHINDY_DB_DATA"})
"""Names the compose file reads on the host; somebody may keep them in the same file."""

_BOUND = frozenset(
    {
        *("BEHINDY_HOST", "BEHINDY_PORT", "BEHINDY_USER", "BEHINDY_KNOWN_HOSTS_FILE", "BEHINDY_KNOWN_HOSTS"),
        *("BEHINDY_SSH_KEY_FILE", "BEHINDY_SSH_KEY", "BEHINDY_SSH_KEY_PASSPHRASE"),
        *("BEHINDY_DOMAIN", "BEHINDY_PUBLIC_ADDRESS", "BEHINDY_OUTSIDE_ADDRESS", "BEHINDY_OUTSIDE_CA_FILE"),
        *("BEHINDY_TRUSTED_PROXIES", "BEHINDY_IPV6", "BEHINDY_ENGINE"),
        *("BEHINDY_NOTIFY_URL", "BEHINDY_NOTIFY_KIND"),
    }
)
"""What is about one host: where it is, how to log in to it, how the world comes to it, and who is told of it. An
environment has its own or the default, lest a release of staging be sent to production, be proven by production's
answers, or alarm those who look after production."""

_SECRET = frozenset({"BEHINDY_SSH_KEY", "BEHINDY_SSH_KEY_PASSPHRASE", "DOCKERHUB_TOKEN", "BEHINDY_NOTIFY_URL"})


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, checked. ``""`` and None mean: not set, the SSH configuration and the SSH agent decide.

    Attributes:
        host: name, address or ssh_config alias.
        port: 1 to 65535.
        ssh_config: a file in place of the user's and the system's configuration; ``none`` for none at all.
        key_text: a private key in PEM or OpenSSH form, lines ended by a single newline.
        known_hosts_file: in place of those of the SSH configuration.
        known_hosts_text: lines that hold beside those of the files.
        domain: the public one; ``""`` for a project of which nothing is public.
        trusted_proxies: addresses and networks, or ``cloudflare``, that tell nginx who a visitor is.
        ipv6: nginx is to meet visitors who come by IPv6 under their own addresses.
        host_dir: directory on the host; a relative one is below the login user's home.
        compose_project: Compose's name for the project, where the compose file has no ``name``.
        public_address: what the host asks for the public name, as curl takes it; ``""`` means where the name leads.
        outside_address: what this machine asks for it, or ``none``; likewise.
        outside_ca_file: certificates that it trusts then, beside its own.
        image_prefix: what stands before ``/behindy-frontend``; ``""`` means what the compose file says.
        confirm: tasks that change the host ask first, where there is a terminal.
        engine: what runs the services: ``""`` for the host's own Docker, ``swarm`` for the swarm that it manages;
            ``single`` leads back from that to the host alone.
        notify_urls: addresses of webhooks that are told how a deploy ended.
        notify_kind: what those read whose address does not tell; ``""`` means ``json``.
        notify_on: what they are told of, ``failures``, ``changes`` or ``everything``.
        environment: the chosen one's name; ``""`` for none.
        registries: logins to further registries, from ``pyproject.toml``.
    """

    host: str = ""
    port: int | None = None
    user: str = ""
    ssh_config: str = ""
    key_file: Path | None = None
    key_text: Secret | None = None
    key_passphrase: Secret | None = None
    known_hosts_file: Path | None = None
    known_hosts_text: str = ""
    domain: str = ""
    trusted_proxies: tuple[str, ...] = ()
    ipv6: bool = False
    host_dir: str = "behindy-ops"
    compose_project: str = ""
    public_address: str = ""
    outside_address: str = ""
    outside_ca_file: Path | None = None
    image_prefix: str = ""
    registry: str = "docker.io"
    registry_user: str = ""
    registry_token: Secret | None = None
    registries: tuple[Login, ...] = ()
    confirm: bool = False
    engine: str = ""
    notify_urls: tuple[Secret, ...] = ()
    notify_kind: str = ""
    notify_on: str = CHANGES
    environment: str = ""

    @property
    def target(self) -> str:
        """The host, for a headline, with the environment's name if one is chosen."""
        return f"{self.environment} ({self.host})" if self.environment else self.host

    @property
    def scripts(self) -> str:
        """Whose scripts are told to the host: on the way back from a swarm they still have to know of it."""
        return "swarm" if self.engine else ""

    def required_domain(self, why: str) -> str:
        """Return the public domain.

        Raises:
            Kind.SETTINGS: there is none.
        """
        if self.domain:
            return self.domain
        raise Kind.SETTINGS(
            f"No public domain is declared, and {why}.",
            remedy="Write it into the compose file (x-nginx: {domains: [shop.example]}), or set BEHINDY_DOMAIN.",
        )

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every value in them that must not be shown."""
        tokens = (self.registry_token, *(login.token for login in self.registries))
        return tuple(secret for secret in (self.key_text, self.key_passphrase, *tokens, *self.notify_urls) if secret)

    @property
    def webhooks(self) -> tuple[Webhook, ...]:
        """Who is told how a deploy ended."""
        return tuple(webhook(url, self.notify_kind) for url in self.notify_urls)

    def login(self, image: str) -> Login | None:
        """Return the login to the registry of an image; None where nobody logs in."""
        registry = registry_of(image)
        for login in self.registries:
            if login.registry == registry:
                return login
        if self.registry_token and canonical(self.registry) == registry:
            return Login(self.registry, self.registry_user, self.registry_token)
        return None


def load(environ: Mapping[str, str], root: Path, *, public: bool = True) -> Settings:
    """Read and check all settings.

    Args:
        root: the folder with the ``.env`` files; a relative key file is below it too.
        public: a service is, so that an environment has to name a domain of its own.

    Raises:
        Kind.SETTINGS: with every mistake at once, one line each; no secret's value is in any.
    """
    environment = environ.get("BEHINDY_ENV", "")
    declared = pyproject.read_pyproject(root, NAMES, _SECRET)
    sources, mistakes = _sources(environ, root, environment, declared)
    reader = _Reader(sources, root, mistakes)
    values = {field: read(reader, name) for name, (field, read) in _SETTINGS.items()}
    values["registries"], wrong = read_logins(declared.registries, reader.secret)
    reader.mistakes += (f"{pyproject.FILE}: {mistake}" for mistake in wrong)
    if any(source.environment for source in sources):
        for name in ("BEHINDY_HOST", *(("BEHINDY_DOMAIN",) if public else ())):
            if not reader.text(name):
                reader.wrong(name, _not_its_own(name, environment))
    elif not environment and not reader.text("BEHINDY_HOST"):
        trial = " (for a trial host: ./inv sandbox.up)" if _has_sandbox(root) else ""
        reader.wrong("BEHINDY_HOST", f"not set; write the host's name or address{trial}")
    if reader.text("DOCKERHUB_TOKEN") and not reader.text("DOCKERHUB_USERNAME"):
        reader.wrong("DOCKERHUB_TOKEN", "a token without a user; set DOCKERHUB_USERNAME too")
    if reader.mistakes:
        count = len(reader.mistakes)
        raise Kind.SETTINGS(
            "One setting is missing or wrong." if count == 1 else f"{count} settings are missing or wrong.",
            remedy="Correct it in the environment or the file named; .env.example explains every name.",
            lines=tuple(reader.mistakes),
        )
    return Settings(environment=environment, **{field: value for field, value in values.items() if value})


def _not_its_own(name: str, environment: str) -> str:
    what = "host" if name == "BEHINDY_HOST" else "domain"
    key = f"{pyproject.table_of(environment)}.{pyproject.key_of(name)}"
    return (
        f"{environment} names no {what} of its own, and that of .env is another environment's; "
        f"write it in .env.{environment}, or {key} in {pyproject.FILE}"
    )


@dataclass(frozen=True)
class _Source:
    """Where values come from.

    Attributes:
        file: its name; ``""`` is the process's environment.
        own: it is the chosen environment's, or the process's.
        table: of the values in a TOML file.
        environment: the only one it is of, if it is not of all.
    """

    file: str
    values: Mapping[str, str]
    own: bool
    table: str = ""
    environment: str = ""

    def place(self, name: str) -> str:
        """Where a value of it stands, for a message."""
        return f"{self.file}, {self.table}.{pyproject.key_of(name)}" if self.table else self.file


def _sources(
    environ: Mapping[str, str], root: Path, environment: str, declared: pyproject.Declared
) -> tuple[list[_Source], list[str]]:
    """Return where values come from, the first of which wins; and what is wrong with the files."""
    mistakes: list[str] = []
    own: list[_Source] = []
    if environment and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", environment):
        mistakes.append(f"BEHINDY_ENV: {validate.shown(environment)} is not a name; .env.NAME is read, such as sandbox")
    elif environment:
        file, table = f".env.{environment}", pyproject.table_of(environment)
        if (root / file).is_file():
            values = _dotenv(root, file, environment, mistakes)
            own.append(_Source(file, values, own=True, environment=environment))
        if environment in declared.own:
            values = declared.own[environment]
            own.append(_Source(pyproject.FILE, values, own=True, table=table, environment=environment))
        if not own:
            made = environment == "sandbox" and _has_sandbox(root)
            remedy = "./inv sandbox.up makes it" if made else "make one, or unset BEHINDY_ENV"
            mistakes.append(f"BEHINDY_ENV: neither {file} nor [{table}] in {pyproject.FILE} exists; {remedy}")
    sources = [
        _Source("", environ, own=True),
        *own,
        _Source(".env", _dotenv(root, ".env", environment, mistakes), own=not environment),
        _Source(pyproject.FILE, declared.common, own=not environment, table=pyproject.TABLE),
    ]
    return sources, [*mistakes, *declared.mistakes]


def _dotenv(root: Path, name: str, environment: str, mistakes: list[str]) -> Mapping[str, str]:
    file = read_env_file(root / name)
    mistakes += [*file.mistakes, *_misplaced(file.values, name, environment)]
    return file.values


def _has_sandbox(root: Path) -> bool:
    """Whether this is the checkout of behindy-ops, which has a throwaway host to try things on."""
    return (root / "sandbox" / "tasks").is_dir()


def _misplaced(values: Mapping[str, str], file: str, chosen: str) -> list[str]:
    if values.get("BEHINDY_ENV", chosen) != chosen:
        return [f"BEHINDY_ENV ({file}): it chooses the file, so it has to come from the environment"]
    mistakes = []
    if PROJECT in values:
        mistakes.append(
            f"{PROJECT} ({file}): it chooses the folder of this file, so it has to come from the environment"
        )
    for name in sorted(set(values) - {*NAMES, *_NOT_OURS, "BEHINDY_ENV", PROJECT}):
        if name.startswith("BEHINDY_") and not name.startswith("BEHINDY_SANDBOX_"):
            near = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.75)
            hint = f"did you mean {near[0]}?" if near else "see .env.example for all names"
            mistakes.append(f"{name} ({file}): there is no such setting; {hint}")
    return mistakes


@dataclass
class _Reader:
    """Takes values from the sources and collects what is wrong with them."""

    sources: Sequence[_Source]
    root: Path
    mistakes: list[str]

    def text(self, name: str, check: Callable[[str], str] | None = None) -> str:
        value = self._find(name)[2].strip()
        if value and check and (wrong := check(value)):
            self.wrong(name, wrong)
            return ""
        return value

    def secret(self, name: str, check: Callable[[str], str] | None = None) -> Secret | None:
        value = self._find(name)[2].strip("\r\n")
        if value and check and (wrong := check(value.strip())):
            self.wrong(name, wrong)
            return None
        return Secret(value) if value else None

    def path(self, name: str) -> Path | None:
        value = self.text(name)
        if not value:
            return None
        path = Path(value)
        with contextlib.suppress(RuntimeError):  # an unknown ~user stays as it is
            path = path.expanduser()
        return self.root / path

    def wrong(self, name: str, what: str) -> None:
        _, where, _ = self._find(name)
        self.mistakes.append(f"{name} ({where}): {what}" if where else f"{name}: {what}")

    def rank(self, name: str) -> int:
        """The place of the source it is from; a lower one wins, and a name that is not set has the last."""
        return self._find(name)[0]

    def _find(self, name: str) -> tuple[int, str, str]:
        """The rank of the source of a value, its place in words, and the value."""
        for rank, source in enumerate(self.sources):
            if (source.own or name not in _BOUND) and source.values.get(name, "").strip():
                return rank, source.place(name), source.values[name]
        return len(self.sources), "", ""


def _key_file(reader: _Reader, name: str) -> Path | None:
    path = reader.path(name)
    if path is None or reader.rank(name) > reader.rank("BEHINDY_SSH_KEY"):
        return None
    try:
        wrong = validate.check_private_key(path.read_text(encoding="utf-8", errors="replace").strip())
    except OSError as error:
        wrong = f"cannot be read ({error.strerror})"
    if wrong:
        reader.wrong(name, f"{validate.shown(str(path))}: {wrong}")
        return None
    return path


def _ssh_config(reader: _Reader, name: str) -> str:
    path = reader.path(name)
    if path is None or reader.text(name) == "none":
        return reader.text(name)
    if not path.is_file():
        reader.wrong(name, f"{validate.shown(str(path))}: there is no such file; write none for no configuration")
    return str(path)


def _key_text(reader: _Reader, name: str) -> Secret | None:
    rank, other = reader.rank(name), reader.rank("BEHINDY_SSH_KEY_FILE")
    if reader.text(name) and rank == other:
        reader.wrong(name, "there is a BEHINDY_SSH_KEY_FILE too; keep one of them")
    key = reader.secret(name, validate.check_private_key) if rank < other else None
    return Secret("".join(f"{line.strip()}\n" for line in key.reveal().strip().splitlines())) if key else None


def _image_prefix(reader: _Reader, name: str) -> str:
    """The prefix set, else the Docker Hub user if an image's name can start with it."""
    if reader.text(name):
        return reader.text(name, validate.check_image_prefix)
    user = reader.text("DOCKERHUB_USERNAME")
    if user and validate.check_image_prefix(user):
        reader.wrong(name, "not set, and DOCKERHUB_USERNAME is not an image prefix; write it here")
        return ""
    return user


def _notify_urls(reader: _Reader, name: str) -> tuple[Secret, ...]:
    urls = reader.secret(name, check_webhooks)
    return tuple(map(Secret, addresses(urls.reveal()))) if urls else ()


def _is(check: Callable[[str], str], shape: Callable[[str], Any] = str) -> Callable[[_Reader, str], Any]:
    return lambda reader, name: shape(reader.text(name, check))


_ONE_LINE = partial(_Reader.secret, check=validate.check_one_line)

_SETTINGS: Mapping[str, tuple[str, Callable[[_Reader, str], Any]]] = {
    "BEHINDY_HOST": ("host", _is(validate.check_host)),
    "BEHINDY_PORT": ("port", _is(validate.check_port, lambda port: int(port or 0))),
    "BEHINDY_USER": ("user", _is(validate.check_user)),
    "BEHINDY_SSH_CONFIG": ("ssh_config", _ssh_config),
    "BEHINDY_SSH_KEY_FILE": ("key_file", _key_file),
    "BEHINDY_SSH_KEY": ("key_text", _key_text),
    "BEHINDY_SSH_KEY_PASSPHRASE": ("key_passphrase", _ONE_LINE),
    "BEHINDY_KNOWN_HOSTS_FILE": ("known_hosts_file", _Reader.path),
    "BEHINDY_KNOWN_HOSTS": (
        "known_hosts_text",
        _is(validate.check_known_hosts, lambda text: text.replace("\r\n", "\n")),
    ),
    "BEHINDY_DOMAIN": ("domain", _is(validate.check_domain)),
    "BEHINDY_TRUSTED_PROXIES": ("trusted_proxies", _is(proxies.check_trusted_proxies, proxies.split)),
    "BEHINDY_IPV6": ("ipv6", _is(validate.check_yes_or_no, lambda value: value == "yes")),
    "BEHINDY_HOST_DIR": ("host_dir", _is(validate.check_host_dir, lambda path: path.rstrip("/"))),
    "COMPOSE_PROJECT_NAME": ("compose_project", _is(validate.check_project)),
    "BEHINDY_PUBLIC_ADDRESS": (
        "public_address",
        _is(validate.check_address, lambda address: f"[{address}]" if ":" in address else address),
    ),
    "BEHINDY_OUTSIDE_ADDRESS": ("outside_address", _is(validate.check_outside)),
    "BEHINDY_OUTSIDE_CA_FILE": ("outside_ca_file", _Reader.path),
    "BEHINDY_IMAGE_PREFIX": ("image_prefix", _image_prefix),
    "BEHINDY_REGISTRY": ("registry", _is(validate.check_registry)),
    "DOCKERHUB_USERNAME": ("registry_user", _is(validate.check_login)),
    "DOCKERHUB_TOKEN": ("registry_token", _ONE_LINE),
    "BEHINDY_ENGINE": ("engine", _is(validate.check_engine)),
    "BEHINDY_NOTIFY_URL": ("notify_urls", _notify_urls),
    "BEHINDY_NOTIFY_KIND": ("notify_kind", _is(validate.check_notify_kind)),
    "BEHINDY_NOTIFY_ON": ("notify_on", _is(validate.check_notify_on)),
    "BEHINDY_CONFIRM": ("confirm", _is(validate.check_yes_or_no, lambda value: value == "yes")),
}
"""Every setting, in the order of ``.env.example``: its field, and how it is read; without a value the default holds."""

NAMES = tuple(_SETTINGS)
