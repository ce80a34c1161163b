# $1 container, $2 container template, $3 number of log lines, $4 release directory or "". Shows a failed release's
# state and its last log lines, marks it failed, and removes it; that it is gone already is success.
container=$1 template=$2 lines=$3 release=$4
printf 'state '
docker container inspect --format "$template" "$container" 2>/dev/null || echo none
docker logs --tail "$lines" "$container" 2>&1 | sed 's/^/log /'
[ -z "$release" ] || ! [ -d "$release" ] || echo failed > "$release/status"
out=$(docker rm -f "$container" 2>&1) && exit 0
case $out in *"No such container"*) exit 0 ;; esac
printf '%s\n' "$out" >&2
exit 1
