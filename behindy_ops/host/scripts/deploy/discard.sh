# lib: engine
# $1 container, $2 container template, $3 number of log lines, $4 release directory or "". Shows a failed release's
# state and its last log lines, marks it failed, and removes it; that it is gone already is success.
container=$1 template=$2 lines=$3 release=$4
state "$container" "$template"
docker logs --tail "$lines" "$container" 2>&1 | sed 's/^/log /'
[ -z "$release" ] || ! [ -d "$release" ] || echo failed >"$release/status"
unless_gone docker rm -f "$container"
