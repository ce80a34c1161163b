# What of a project stays on the first host and is asked from the others: nginx, the database, the cache.
beside() { # project, network, nginx's container: name, Compose's service and networks of each that runs, no release among them
  docker ps --format '{{.Names}}' --filter "network=$2" | xargs -r docker container inspect --format \
    '{{if not (index .Config.Labels "behindy.release")}}{{.Name}} {{index .Config.Labels "com.docker.compose.project"}} {{index .Config.Labels "com.docker.compose.service"}}{{range $n, $e := .NetworkSettings.Networks}} {{$n}}{{end}}{{end}}' 2>/dev/null |
    awk -v project="$1" -v nginx="/$3" '$2 == project || $1 == nginx { $2 = ""; print substr($0, 2) }'
}
on_overlay() { :; } # project, network, nginx's container: as the engine's own library has it (swarm/lib/overlay.sh)
