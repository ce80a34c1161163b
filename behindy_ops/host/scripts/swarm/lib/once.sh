# The network of all nodes, too: on it are the tasks that a swarm runs.
also_on() { timeout 10 docker network inspect --format '{{.Name}}' "$1-swarm" 2>/dev/null; }
