# lib: client masked
# `tail`: lines, or all; `since`, `text`: or ""; `stamps`: yes for a time before each line. With a text, the last lines
# that hold it. 61 without such a container.
mark=$1 container=$2 tail=$3 since=$4 text=$5 stamps=$6
container_or_exit "$mark" "$container" '{{.Id}}'
options=()
[ -z "$since" ] || options+=(--since "$since")
[ "$stamps" != yes ] || options+=(--timestamps)
{
  if [ -z "$text" ]; then
    docker logs "${options[@]}" --tail "$tail" "$container"
  else
    [ "$tail" != all ] || tail=+1
    docker logs "${options[@]}" "$container" 2>&1 | grep -aF -e "$text" | tail -n "$tail"
  fi
} 2>&1 | masked given_to "$container"
exit 0
