# lib: client masked
# As ops/logs.sh, and goes on with what comes, also in the container that takes the name after a deploy. With a text, the
# last lines are looked through for it. Ends with its standard input, or when there is nothing left to follow.
mark=$1 container=$2 tail=$3 since=$4 text=$5 stamps=$6
container_or_exit "$mark" "$container" '{{.Id}}'
id=$found options=()
[ "$stamps" != yes ] || options+=(--timestamps)
chosen() { if [ -n "$text" ]; then grep -aF --line-buffered -e "$text"; else cat; fi; }
successor() { # the container that has the name now and runs, waited for; a crashed one may come again
  for _ in {1..60}; do
    docker container inspect --format '{{if .State.Running}}{{.Id}}{{end}}' "$container" 2>/dev/null | grep . && return
    sleep 0.5
  done
  return 1
}
follow() {
  local next
  trap 'kill $(jobs -p) 2>/dev/null; exit 0' TERM
  while :; do
    docker logs --follow "${options[@]}" --tail "$tail" ${since:+--since "$since"} "$id" 2>&1 | masked given_to "$id" &
    wait "$!"
    since=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ) tail=all
    next=$(successor) || { echo "$container does not run any more." >&2; return; }
    [ "$next" = "$id" ] || { echo "$container was replaced; following the new container." >&2; since=; }
    id=$next
  done
}
while_heard follow > >(chosen)
exit 0
