"""A host as it was before this tool: one compose file in the home directory, plain upstreams, certbot on the host."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from behindy_ops.project.project import Project
from sandbox.assets.app.sample.needs import NEEDS
from sandbox.host import environment, releases
from sandbox.host.checkout import here
from sandbox.host.registry import Registry
from tests.sandbox.bare import DOMAIN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.sandbox.bare import Bare

OLD = "/home/ubuntu/behindy-ops"
"""Where their repository is checked out on the host."""

SERVICES = {"llmserver": "8000/health", "backend": "8080/actuator/health", "frontend": "3000/"}
"""Each service, and where it answers."""

COMPOSE = """services:
  frontend:
    image: ${DOCKERHUB_USERNAME}/behindy-frontend:latest
    container_name: frontend
    restart: unless-stopped
    ports: ["3000:3000"]
    env_file: .env
    networks: [internal]
    deploy: {resources: {limits: {memory: 2G}, reservations: {memory: 1G}}}
  backend:
    image: ${DOCKERHUB_USERNAME}/behindy-backend:latest
    container_name: backend
    restart: unless-stopped
    ports: ["8080:8080"]
    env_file: .env
    environment:
      SPRING_DATASOURCE_URL: jdbc:postgresql://db:5432/${DB_NAME}
      SPRING_DATASOURCE_USERNAME: ${DB_USER}
      SPRING_DATASOURCE_PASSWORD: ${DB_PASS}
      SPRING_DATA_REDIS_HOST: redis
      SPRING_DATA_REDIS_PORT: 6379
      SPRING_DATA_REDIS_PASSWORD: ${REDIS_PASSWORD}
      DB_URL: db:5432/${DB_NAME}
      REDIS_HOST: redis
MORE_BACKEND
    depends_on: [db, redis]
    networks: [internal]
  llmserver:
    image: ${DOCKERHUB_USERNAME}/behindy-llmserver:latest
    container_name: llmserver
    restart: unless-stopped
    ports: ["8000:8000"]
    env_file: .env
    environment:
MORE_LLMSERVER
    networks: [internal]
  db:
    image: postgres:15
    container_name: postgres
    restart: unless-stopped
    ports: ["${DB_PORT}:5432"]
    environment: {POSTGRES_USER: "${DB_USER}", POSTGRES_PASSWORD: "${DB_PASS}", POSTGRES_DB: "${DB_NAME}"}
    volumes: ["DATA:/var/lib/postgresql/data"]
    networks: [internal]
  redis:
    image: redis:7-alpine
    container_name: redis
    restart: unless-stopped
    command: redis-server --requirepass ${REDIS_PASSWORD} --maxmemory 256mb --maxmemory-policy allkeys-lru
    ports: ["${REDIS_PORT}:6379"]
    networks: [internal]
  nginx:
    image: nginx:1.28
    container_name: nginx
    restart: unless-stopped
    ports: ["80:80", "443:443"]
    volumes:
      - ./nginx/nginx.conf:/etc/nginx/nginx.conf:ro
      - /etc/letsencrypt:/etc/letsencrypt:ro
      - /var/www/certbot:/var/www/certbot
    depends_on: [frontend, backend, llmserver]
    networks: [internal]
networks:
  internal:
    driver: bridge
"""

NGINX = """events { worker_connections 1024; }
http {
    map $http_upgrade $connection_header { default upgrade; "" close; }
    upstream frontend { server frontend:3000; }
    upstream backend { server backend:8080; }
    upstream llmserver { server llmserver:8000; }
    client_max_body_size 10m;
    server {
        listen 80;
        server_name behindy.me www.behindy.me;
        location /.well-known/acme-challenge/ { root /var/www/certbot; }
        location / { return 301 https://$host$request_uri; }
    }
    server {
        listen 443 ssl;
        server_name behindy.me www.behindy.me;
        ssl_certificate     /etc/letsencrypt/live/behindy.me/fullchain.pem;
        ssl_certificate_key /etc/letsencrypt/live/behindy.me/privkey.pem;
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_header;
        location = /health { return 200 "ok"; }
        location / { proxy_pass http://frontend; }
        location = /api/actuator/health { proxy_pass http://backend/actuator/health; }
        location ~ ^/(api|ws|swagger-ui|v3/api-docs) { proxy_pass http://backend; }
        location /llm/ { proxy_pass http://llmserver/; }
        location /ai/ { proxy_pass http://llmserver/; }
    }
}
"""

SCRIPTS = {
    "deploy.sh": "#!/bin/bash\ncd ~/behindy-ops && docker compose pull $1 && docker compose up -d --no-deps $1\n",
    "switch-upstream.sh": "#!/bin/bash\ndocker exec nginx nginx -s reload\n",
}


@dataclass(frozen=True)
class Kept:
    """What may not be another after a takeover: the database's container and data, by what they are."""

    container: str
    mounts: str
    rows: str


PRESENT = ("ca-certificates", "curl", "docker.io", "docker-cli|", "docker-compose", "unattended-upgrades")
"""What the host has: the same as in test_systemd, whose image this is."""


def prepare(made: Bare) -> None:
    """A login that may use Docker."""
    made.sh("usermod -aG docker ubuntu; until docker version >/dev/null 2>&1; do sleep 0.1; done")


def start(made: Bare, *, data: str, days: int = 90) -> None:
    """Have everything run as it did, with rows in the database.

    Args:
        data: of PostgreSQL: ``./pgdata``, or the name of a volume.
    """
    publish(made, "old")
    given = _environment(made)
    files = {
        "docker-compose.yml": _compose(data, given),
        "nginx/nginx.conf": NGINX,
        ".env": "".join(f"{name}={value}\n" for name, value in given.items()),
        **{f"scripts/{name}": text for name, text in SCRIPTS.items()},
    }
    for path, text in files.items():
        put = f'mkdir -p "$(dirname {OLD}/{path})" && cat > {OLD}/{path}'
        done = made.host.run("bash", "-c", put, user="ubuntu", stdin=text.encode())
        assert done.returncode == 0, done.stderr
    made.sh(f"chmod 644 {OLD}/.env; chmod +x {OLD}/scripts/*.sh; mkdir -p /var/www/certbot")
    certificates_by_certbot(made, days)
    made.sh(f"cd {OLD} && docker compose up -d --quiet-pull 2>&1", user="ubuntu", timeout=240)
    asks = "; ".join(
        f"until docker exec nginx curl -sf -o /dev/null http://{each}:{at}; do sleep 0.2; done"
        for each, at in SERVICES.items()
    )
    made.sh(f"timeout 45 bash -c '{asks}' && docker exec nginx nginx -s reload")
    psql(made, "create table users as select n as id, md5(n::text) as name from generate_series(1, 5000) n")


def publish(made: Bare, release: str) -> None:
    """What their builds push: `latest`, with this release behind it."""
    now = dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")
    for service, port in releases.application_ports(here().compose_file).items():
        content = releases.Release(service, release, port, "", 0, now)
        configured = partial(_configured, content)
        name = f"behindy/behindy-{service}:latest"
        releases.put_above(Registry(made.host.registry), name, releases.layer(content), configured)


def _configured(content: releases.Release, base: dict[str, Any], digest: str) -> dict[str, Any]:
    return releases.configure(base, content, digest)


def certificates_by_certbot(made: Bare, days: int) -> None:
    """What certbot on the host has obtained, before there was an nginx: laid out as it does."""
    line = """
set -e
etc=/etc/letsencrypt name=$1
mkdir -p $etc/archive/$name $etc/live/$name $etc/renewal && cd $etc/archive/$name
exec 2>/dev/null
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" -keyout privkey1.pem -out request
printf 'subjectAltName=DNS:%s,DNS:www.%s\\n' $name $name >extensions
openssl x509 -req -in request -CA /tmp/ca.pem -CAkey /tmp/ca.key -days $2 -extfile extensions -out cert1.pem
cp /tmp/ca.pem chain1.pem && cat cert1.pem chain1.pem >fullchain1.pem
for kind in cert chain fullchain privkey; do ln -sfn ../../archive/$name/${kind}1.pem $etc/live/$name/$kind.pem; done
chmod 700 $etc/archive $etc/live
printf '[renewalparams]\\nauthenticator = webroot\\nwebroot_path = /var/www/certbot,\\n' >$etc/renewal/$name.conf
cd /etc/systemd/system
printf '[Service]\\nType=oneshot\\nExecStart=/usr/bin/certbot -q renew\\n' >certbot.service
printf '[Timer]\\nOnCalendar=*-*-* 00,12:00:00\\n[Install]\\nWantedBy=timers.target\\n' >certbot.timer
systemctl enable -q --now certbot.timer
rm /tmp/ca.key $etc/archive/$name/{request,extensions}"""
    for name, content in zip(("ca.pem", "ca.key"), made.ca, strict=True):
        assert made.host.run("sh", "-c", f"cat > /tmp/{name}", stdin=content).returncode == 0
    made.sh(line, words=(DOMAIN, str(days)))


def _compose(data: str, given: Mapping[str, str]) -> str:
    """Their compose file, with all that their images read."""
    text = COMPOSE.replace("DATA:", f"{data}:") + ("" if data.startswith(".") else f"volumes: {{{data}: {{}}}}\n")
    for service in ("backend", "llmserver"):
        names = (name for name in NEEDS[service] if name not in given and f"\n      {name}:" not in COMPOSE)
        text = text.replace(f"MORE_{service.upper()}\n", "".join(f'      {name}: "1"\n' for name in names))
    return text


def _environment(made: Bare) -> dict[str, str]:
    """Their ``.env``: the names they have in use."""
    values = environment.complete({}, environment.required_names(Project(made.project).compose), {})
    return {
        **values,
        "DOCKERHUB_USERNAME": "behindy",
        "DB_USER": "behindy",
        "DB_NAME": "behindy",
        "DB_PORT": "5432",
        "REDIS_PORT": "6379",
        "REDIS_URL": f"redis://:{values['REDIS_PASSWORD']}@redis:6379/0",
        "AI_SERVER_URL": "http://llmserver:8000",
        "AI_PROVIDER": "openai",
        "OPENAI_API_KEY": "sk-1",
        "CLAUDE_API_KEY": "sk-2",
        "NEXT_PUBLIC_API_URL": "https://behindy.me/api",
        "LOG_LEVEL": "INFO",
    }


def psql(made: Bare, query: str) -> str:
    return made.sh(f'docker exec postgres psql -qtA -U behindy behindy -c "{query}"')


def kept(made: Bare) -> Kept:
    """Look at the database."""
    look = "{{.Id}} {{.State.StartedAt}}"
    return Kept(
        made.sh(f"docker inspect --format '{look}' postgres"),
        made.sh("docker inspect --format '{{range .Mounts}}{{.Type}} {{.Source}}{{end}}' postgres"),
        psql(made, "select count(*), md5(string_agg(name, ',' order by id)) from users"),
    )
