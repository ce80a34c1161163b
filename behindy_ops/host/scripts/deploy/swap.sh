# $1 id and $2 new name and $3 old name of the first container ("" "" "" for none), $4 id and $5 new name of the
# second. Both renames in one curl: docs/design.md, "Gap between the renames". If the second fails, the first is undone
# here. $6: restart policy the second gets before, "" for as it is. Prints the host's clock in ms right after.
first=$1 first_new=$2 first_old=$3 second=$4 second_new=$5 policy=$6
socket=/var/run/docker.sock
if [ -n "${DOCKER_HOST:-}" ] || ! [ -w "$socket" ]; then
  swap() {
    { [ -z "$first" ] || docker rename "$first" "$first_new"; } && docker rename "$second" "$second_new"
  }
else
  swap() {
    set -- "http://docker/containers/$second/rename?name=$second_new"
    [ -z "$first" ] || set -- "http://docker/containers/$first/rename?name=$first_new" "$@"
    curl -sSf --fail-early --unix-socket "$socket" -X POST "$@"
  }
fi
if [ -n "$policy" ] && ! docker update --restart "$policy" "$second" >/dev/null; then
  echo "undone"
  exit 84
fi
if swap; then
  echo "switched $(date +%s%3N)"
  exit 0
fi
named() { # what the engine calls a container, or nothing; if the engine is what failed, it is waited for
  for _ in {1..75}; do
    out=$(docker container inspect --format '{{.Name}}' "$1" 2>&1) && { echo "$out"; return; }
    case $out in *"No such container"*) return ;; esac
    sleep 0.2
  done
  echo unknown
}
# Only the engine can tell how far it came; nothing bears the name meanwhile.
case $(named "$second") in
"/$second_new") # it was done; only the answer was lost
  echo "switched $(date +%s%3N)"
  exit 0
  ;;
unknown) echo "stuck"; exit 85 ;;
esac
if [ -n "$first" ]; then
  case $(named "$first") in
  "/$first_old") ;;
  "/$first_new") docker rename "$first" "$first_old" || { echo "stuck"; exit 85; } ;;
  *) echo "stuck"; exit 85 ;;
  esac
fi
echo "undone"
exit 84
