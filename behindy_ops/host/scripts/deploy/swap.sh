# lib: engine
# Both renames in one curl: docs/design.md, "Gap between the renames". If the second fails, the first is undone here.
# All of `first` may be "" for none; `policy`: the restart policy the second gets before, "" for as it is. Prints the
# host's uptime in ms right after. nginx, if it is not "", is led to who has `name` since, the second, past what it remembers.
first=$1 first_new=$2 first_old=$3 second=$4 second_new=$5 policy=$6 nginx=${7:-} name=${8:-}
swap() {
  if ! [ -w /var/run/docker.sock ]; then
    { [ -z "$first" ] || docker rename "$first" "$first_new"; } && docker rename "$second" "$second_new"
  else
    set -- "http://docker/containers/$second/rename?name=$second_new"
    [ -z "$first" ] || set -- "http://docker/containers/$first/rename?name=$first_new" "$@"
    api -f --fail-early -X POST "$@"
  fi
}
link='cd /dev/shm && mkdir -p behindy/ids/$2 && cd behindy && getent ahosts $2 && ln -sfn ids/$2 .$1.$$ && mv -fT .$1.$$ $1 &&
  sleep 2; failed=0; while [ $failed -lt 3 ] && [ $(readlink $1)- = ids/$2- ]; do
  own=$(getent ahosts $2 | grep -c STREAM); all=$(getent ahosts $1 | grep -c STREAM);
  if [ $own = 0 ] || [ $all = 0 ]; then failed=$((failed + 1)); elif [ $all -gt $own ]; then failed=0; else break; fi;
  sleep 1; done; [ $(readlink $1) != ids/$2 ] || rm $1; rmdir ids/$2' # no double quotes: it goes into JSON, in one line
unlink='rm -f /dev/shm/behindy/$1'
lead() { # nginx looks at it with each request, and it ends by itself, and with nginx: docs/design.md, "Names cached by nginx". Not
  # before the name leads to one container alone: one that Compose has made answers to it as blue, too. One lookup that
  # fails tells nothing of that; three in a row, and the container is gone
  local do=$unlink made
  [ -n "$nginx" ] || return 0
  [ "$second_new" != "$name" ] || do=$link
  if ! [ -w /var/run/docker.sock ]; then docker exec -d -u 0 "$nginx" sh -c "$do" link "$name" "${second:0:12}"; else
    made=$(api -m 5 -H 'Content-Type: application/json' -d '{"User": "0", "Cmd": ["sh", "-c", "'"${do//$'\n'/ }"'", "link", "'"$name"'", "'"${second:0:12}"'"]}' \
      "http://docker/containers/$nginx/exec") && post "exec/$(grep -oE '[0-9a-f]{64}' <<<"$made")/start" '{"Detach": true}'
  fi >/dev/null 2>&1 || true # without it nginx takes a second longer
}
switched() {
  local moment
  moment=$(now)
  lead
  echo "switched $moment"
  exit 0
}
undone() { echo undone; exit 84; }
stuck() { echo stuck; exit 85; }
[ -z "$policy" ] || restarts "$second" "$policy" || undone
swap && switched
# Only the engine can tell how far it came; nothing bears the name meanwhile.
named=$(inspect "$second" '{{.Name}}')
[ "$?" != 2 ] || stuck
[ "$named" != "/$second_new" ] || switched # it was done; only the answer was lost
if [ -n "$first" ]; then
  case $(inspect "$first" '{{.Name}}') in
  "/$first_old") ;;
  "/$first_new") docker rename "$first" "$first_old" || stuck ;;
  *) stuck ;;
  esac
fi
undone
