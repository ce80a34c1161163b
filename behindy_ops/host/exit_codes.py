"""What the scripts on the host exit with: one table of numbers, what each means, and its error.

A number means the same in every script. None is one that bash, ``timeout`` or a signal gives of itself. What has no
name of its own is 1, and the last lines of the output say what went wrong.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Self

from behindy_ops.errors import UNCHANGED, BehindyError, Kind
from behindy_ops.facts.pull import cause


class Code(IntEnum):
    """What a script ended with: its number and its error, in which whoever asked the script fills in ``{names}``."""

    kind: Kind | None
    what: str
    remedy: str
    state: str

    def __new__(cls, number: int, kind: Kind | None = None, what: str = "", remedy: str = "", state: str = "") -> Self:
        code = int.__new__(cls, number)
        code._value_ = number
        code.kind, code.what, code.remedy, code.state = kind, what, remedy, state
        return code

    REGISTRY_LOGIN = (
        41,
        Kind.REGISTRY_REFUSED,
        "The registry refused the login.",
        "Check DOCKERHUB_USERNAME and DOCKERHUB_TOKEN (expired or revoked?), and BEHINDY_REGISTRY.",
    )
    NO_CONTAINER = 61
    NGINX_INVALID = (
        63,
        Kind.NGINX_NOT_READY,
        "nginx's configuration on the host is not valid, so it was not reloaded.",
        "Correct the file that is named below, then: inv ops.nginx --reload",
        "nginx still serves with the configuration it had before.",
    )
    COMPOSE_REFUSED = (
        65,
        Kind.COMPOSE_INVALID,
        "Docker Compose rejects compose/docker-compose.yml.",
        "Correct it here (the lines below say where), then: inv host.sync",
    )
    NGINX_REFUSED = (
        66,
        Kind.FILES_REFUSED,
        "nginx rejects the files in nginx/.",
        "Correct them here, where /etc/nginx/behindy/ in the lines below is nginx/; then: inv host.sync",
    )
    NO_IMAGE = (
        67,
        Kind.HOST_NOT_READY,
        "The host could not pull {image}.",
        "Check the image's name, the host's network and the registry, then try again.",
    )
    NOT_HEALTHY = (
        68,
        Kind.NOT_HEALTHY,
        "Not healthy within {seconds} s: {names}.",
        "The lines below are the end of its log. Fix the cause, then run inv host.up again.",
        "It was started, and left as it is for you to inspect.",
    )
    NO_NGINX = (
        69,
        Kind.NGINX_NOT_READY,
        "nginx is not running on the host.",
        "Start it: inv host.up; its log says why it ended: inv ops.logs nginx",
    )
    NO_CERTIFICATE = (
        70,
        Kind.CERTIFICATE_REFUSED,
        "certbot obtained no certificate.",
        "Does the domain point to this host, and is port 80 open to everyone? Then run inv host.certs again.",
        "The previous certificate is still in use.",
    )
    NOT_SERVED = (
        71,
        Kind.CERTIFICATE_REFUSED,
        "A certificate was issued, but nginx does not serve it.",
        "See why: inv ops.logs nginx; then run inv host.certs again.",
        "It is in /etc/letsencrypt; nginx still serves the previous one.",
    )
    NOT_RELOADED = (
        72,
        Kind.NGINX_NOT_READY,
        "nginx could not be reloaded.",
        "See its state and its log: inv ops.nginx; inv ops.logs nginx",
        "It did not load its configuration, or it does not answer.",
    )
    LEASED = 73
    HELD = 74
    LEASE_LOST = 75
    BUSY = 76
    NOT_WRITABLE = (
        77,
        Kind.HOST_NOT_READY,
        "The host's disk is full, or its state directory cannot be written.",
        "Check BEHINDY_HOST_DIR, its owner, and the free space on the host (df -h; df -h /dev/shm).",
    )
    NO_FLOCK = (
        78,
        Kind.HOST_NOT_READY,
        "The host has no `flock`, without which two deploys could meet.",
        "Install util-linux on the host (apt-get install util-linux).",
    )
    BAD_INPUT = 79
    NO_DIRECTORY = (
        80,
        Kind.FILES_MISSING,
        "The directory BEHINDY_HOST_DIR names does not exist on the host.",
        "Check BEHINDY_HOST_DIR, or set the host up first: inv host.setup",
    )
    NO_COMPOSE_FILE = (
        81,
        Kind.FILES_MISSING,
        "The host has no compose/docker-compose.yml.",
        "Put it there: inv host.sync",
    )
    NO_DOCKER = (
        82,
        Kind.HOST_NOT_READY,
        "Docker is missing, not responding, or this user may not use it.",
        "Set the host up: inv host.setup",
    )
    # A database keeps the password it is created with, and one created without it has none for ever.
    NO_ENV_FILE = (
        83,
        Kind.ENVIRONMENT_FILE_MISSING,
        "The host has no .env, so PostgreSQL and Redis would be created without their passwords.",
        "Put it there: inv env.push",
    )
    SWITCH_UNDONE = 84
    SWITCH_TORN = 85
    NO_BACKUP = 86
    BACKUP_UNREADABLE = (
        87,
        Kind.BACKUP_INVALID,
        "The backup cannot be read through; it is cut short, damaged, or of a newer Postgres.",
        "Take another one.",
    )
    NO_NEW_DATABASE = (
        88,
        Kind.REMOTE_COMMAND_FAILED,
        "No new database could be created beside the one in use.",
        "The lines below say why.",
    )
    NOT_RESTORED = (
        89,
        Kind.REMOTE_COMMAND_FAILED,
        "The backup could not be loaded into a new database.",
        "The lines below say why. Is there room? inv ops.disk",
    )
    DATABASE_IN_USE = (
        90,
        Kind.REMOTE_COMMAND_FAILED,
        "The databases could not change names, because new connections kept coming.",
        "Try again, or stop the backend meanwhile: docker stop backend",
    )
    NOT_CONNECTED = 91
    OTHER_MAJOR = (
        92,
        Kind.HOST_NOT_READY,
        "The database is of another major version of PostgreSQL than the image of the compose file.",
        "Keep to its major version. To go over: inv db.backup, move the old data away, inv host.up, inv db.restore.",
        "No container was changed; the database runs as before.",
    )
    OTHER_VOLUME = (
        93,
        Kind.RELEASE_REFUSED,
        "The live release has its data in another volume than the new one would have, which does not exist yet.",
        "Copy the data on the host by the lines below, and deploy again. To begin empty: docker volume create NAME",
        "The live release was never touched and is still running.",
    )
    TOKEN_NOT_LOADED = (
        94,
        Kind.NGINX_NOT_READY,
        "nginx still does not know the host's rehearsal token.",
        "Does nginx/maps.conf on the host include /etc/nginx/rehearsal/*.conf? Put it there: inv host.sync",
        "nginx is serving; only rehearsals fail, and with them deploys.",
    )
    NO_ENGINE_LOCK = (
        97,
        Kind.HOST_NOT_READY,
        "The lock that all logins of this Docker engine share, /var/tmp/behindy-ops, cannot be used.",
        "It should be a directory of the group docker, mode 2770. Remove what it is: sudo rm -r /var/tmp/behindy-ops",
    )
    NGINX_TOO_OLD = (
        98,
        Kind.NGINX_NOT_READY,
        "The nginx that runs does not know of maintenance: it has loaded other files than those of this version.",
        "Put them on the host, which reloads nginx: inv host.sync; if it was started without assets/: inv host.up",
        "{name} is open to visitors, as before.",
    )
    NGINX_NOT_SHARED = (
        99,
        Kind.NGINX_NOT_READY,
        "The nginx that x-nginx.shared names does not read the files of other projects.",
        "Is its directory that of the project whose nginx it is? There, with this version: inv host.sync; inv host.up",
        "nginx was left as it is.",
    )
    NO_SECRET = (
        100,
        Kind.ENVIRONMENT_INVALID,
        "What a secret of the compose file is made of is empty, missing, or larger than a swarm takes (500 KB).",
        "The lines below name it. Set it (inv env.set NAME), or correct its file, and deploy again.",
        "The live release was never touched and is still running.",
    )
    EDGE_BEHIND = (
        101,
        Kind.NGINX_NOT_READY,
        "nginx on another edge does not follow, so it could not show the release.",
        "The line below says which. Does nginx run there? inv host.check; inv host.setup --swarm --edge user@host:port",
        "The live release was never touched and is still running.",
    )
    OTHER_ENGINE = (
        102,
        Kind.HOST_NOT_READY,
        "The host manages a swarm, where names are not those of containers, and BEHINDY_ENGINE is not set.",
        "Set BEHINDY_ENGINE=swarm; or single, on the way back to one host.",
    )


TIMED_OUT = frozenset({124, 137})
"""What ``timeout`` exits with: after its TERM, and after its KILL."""

NO_STATUS = -1
"""What paramiko gives when SSH sends no status: a signal ended the command, or the connection broke."""

KILLED = frozenset({NO_STATUS, 137, 143})
"""A signal ended it."""


def error(code: int, lines: tuple[str, ...] = (), *, state: str = "", **names: object) -> BehindyError | None:
    """Return the error of an exit code, or None where it says nothing by itself.

    Args:
        lines: the last lines the script wrote.
        state: what state the host is in, where the code does not tell; nothing changed if that is empty.
        names: what the error's sentence is filled in with.
    """
    try:
        known = Code(code)
    except ValueError:
        return None
    if known.kind is None:
        return None
    if known is Code.NO_IMAGE and (found := cause("\n".join(lines), str(names.get("image", "an image")))) is not None:
        return found.kind(found.what, state=known.state or state or UNCHANGED, remedy=found.remedy, lines=lines)
    what, told = known.what.format(**names), known.state.format(**names)
    return known.kind(what, state=told or state or UNCHANGED, remedy=known.remedy, lines=lines)
