# $1 container, $2 container template, $3 release directory, $4 history file, $5 bytes at which it is rotated.
# stdin: a history line. Shows how the live container is, marks its release as standing, and records the deploy.
container=$1 template=$2 release=$3 history=$4 rotate=$5
umask 077
printf 'state '
docker container inspect --format "$template" "$container" || echo none
id=$(docker container inspect --format '{{.Id}}' "$container")
printf 'memory '
curl -s -m 5 --unix-socket /var/run/docker.sock "http://docker/containers/$id/stats?stream=false&one-shot=true" |
  sed -nE 's/.*"memory_stats":\{"usage":([0-9]+).*"(inactive_file|total_inactive_file)":([0-9]+).*/\1 \3/p' | head -n 1
echo
printf 'errors '
docker logs --tail 5000 "$container" 2>&1 | grep -ciE '(^|[^a-z])(error|exception|fatal|panic|traceback)'
[ -z "$release" ] || ! [ -d "$release" ] || echo stands > "$release/status"
[ "$(stat -c %s "$history" 2>/dev/null || echo 0)" -lt "$rotate" ] || mv "$history" "$history.1"
cat >> "$history"
