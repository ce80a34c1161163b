# $1 boundary, $2 container, then the command. Runs it there with nothing to read, and ends with its exit code; 61 without
# such a container or when it does not run. Its own standard input tells that the client is gone.
mark=$1 container=$2
shift 2
state=$(docker container inspect --format '{{.State.Status}}' "$container" 2>&1) || { printf '%s %s\n' "$mark" "${state//$'\n'/ }" >&2; exit 61; }
[ "$state" = running ] || { printf '%s %s\n' "$mark" "${state//$'\n'/ }" >&2; exit 61; }
exec 3<&0
docker exec "$container" "$@" </dev/null &
job=$!
cat <&3 >/dev/null &
watcher=$!
wait -n "$job" "$watcher"
kill "$watcher" 2>/dev/null
if [ -e "/proc/$job" ]; then kill "$job" 2>/dev/null; fi
wait "$job"
