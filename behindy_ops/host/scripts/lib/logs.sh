# What a container has written, and what it writes. The script sets `container`, and which lines: `tail`, `since`, `text`, and
# `stamps` (yes for a time before each). Values of its environment stay here (lib/masked.sh).
written() { written_by_container; }
followed() { follow_container; }
options_of_log() { # sets `options`
  options=()
  [ "$stamps" != yes ] || options+=(--timestamps)
  [ -z "$since" ] || options+=(--since "$since")
}
written_by_container() {
  local options most=$tail
  [ "$tail" != all ] || most=+1
  options_of_log
  {
    if [ -z "$text" ]; then
      docker logs "${options[@]}" --tail "$tail" "$container"
    else
      docker logs "${options[@]}" "$container" 2>&1 | grep -aF -e "$text" | tail -n "$most"
    fi
  } 2>&1 | masked given_to "$container"
}
successor() { # the container that has the name now and runs, waited for; a crashed one may come again
  for _ in {1..60}; do
    docker container inspect --format '{{if .State.Running}}{{.Id}}{{end}}' "$container" 2>/dev/null | grep . && return
    sleep 0.5
  done
  return 1
}
follow_container() {
  local next options id=$found
  trap 'kill $(jobs -p) 2>/dev/null; exit 0' TERM
  while :; do
    options_of_log
    docker logs --follow "${options[@]}" --tail "$tail" "$id" 2>&1 | masked given_to "$id" &
    wait "$!"
    since=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ) tail=all
    next=$(successor) || { echo "$container does not run any more." >&2; return; }
    [ "$next" = "$id" ] || { echo "$container was replaced; following the new container." >&2; since=; }
    id=$next
  done
}
