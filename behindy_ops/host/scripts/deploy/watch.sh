# $1 container, $2 until (ms since the epoch), $3 container template. Watches a container that was just made live:
# ends at its first exit or restart, or at the given time. Prints its state.
container=$1 until=$2 template=$3
left=$((until - $(date +%s%3N)))
if [ "$left" -gt 0 ]; then
  timeout "$((left / 1000)).$(printf '%03d' $((left % 1000)))" docker wait "$container" >/dev/null 2>&1
fi
# That the engine does not answer says nothing about the container: docs/design.md, "A restarting engine".
for _ in {1..75}; do
  state=$(docker container inspect --format "$template" "$container" 2>&1) && break
  case $state in *"No such container"*) break ;; esac
  sleep 0.2
done
case $state in '{'*) printf 'state %s\n' "$state" ;; *) echo state none ;; esac
