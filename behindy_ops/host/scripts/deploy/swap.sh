# lib: engine
# Both renames in one curl: docs/design.md, "Gap between the renames". If the second fails, the first is undone here.
# All of `first` may be "" for none; `policy`: the restart policy the second gets before, "" for as it is. Prints the
# host's uptime in ms right after.
first=$1 first_new=$2 first_old=$3 second=$4 second_new=$5 policy=$6
swap() {
  if ! [ -w /var/run/docker.sock ]; then
    { [ -z "$first" ] || docker rename "$first" "$first_new"; } && docker rename "$second" "$second_new"
  else
    set -- "http://docker/containers/$second/rename?name=$second_new"
    [ -z "$first" ] || set -- "http://docker/containers/$first/rename?name=$first_new" "$@"
    api -f --fail-early -X POST "$@"
  fi
}
switched() { echo "switched $(now)"; exit 0; }
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
