# With the other edges of the swarm.
edges_open() { # `<pid>@<addresses>`, port: how many connections nginx has to these on the other edges. One of which that is not known
  # counts as one, and so it is waited for as long as there is
  local id others nginx whom told serial count=0 tries
  others=$(edges) || { echo 1; return; }
  [ -n "$others" ] || { echo 0; return; }
  nginx=$(docker ps -q --no-trunc | xargs -r docker inspect --format '{{.State.Pid}} {{.Name}}' 2>/dev/null | sed -n "s,^${1%@*} /,,p")
  whom=$(tr , '\n' <<<"${1#*@}" | awk -F . -v port="$(printf %04X "$2")" 'NF == 4 { printf "%02X%02X%02X%02X:%s\n", $4, $3, $2, $1, port }')
  while read -r id _; do
    serial=$(edge_says "$id" "$nginx" | sed -n 's/^serial //p') told=''
    for tries in 1 2 3 4 5 6; do # what it wrote from now on
      sleep 0.1
      told=$(edge_says "$id" "$nginx") && [[ $told != *"serial $serial"$'\n'* ]] && break
      told=''
    done
    if [ -z "$told" ] || [[ $told == *$'\n'blind$'\n'* ]]; then
      ! edges | grep -q "^$id " || count=$((count + 1))
    else count=$((count + $(sed -n 's/^open //p' <<<"$told" | grep -cxF "$whom"))); fi
  done <<<"$others"
  echo "$count"
}
connections() { # of what runs in the swarm, with those of nginx on the other edges
  local here
  here=$(connections_here "$@")
  case $1 in *@*) [ "$here" != 0 ] || here=$(edges_open "$@") ;; esac
  echo "$here"
}
