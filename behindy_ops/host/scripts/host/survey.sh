# $1 boundary, $2 host directory, $3 network, $4 container template, $5 image template, then service and repository
# in turn. Prints every fact a decision needs, each under a line `<boundary> <name>`; changes nothing.
# The parts run side by side: on a small host each docker command costs tens of milliseconds. SURVEY_PARTS: only these.
mark=$1 dir=$2 network=$3 container=$4 image=$5
shift 5
work=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 77
trap 'rm -rf "$work"' EXIT
services=() repositories=()
while [ "$#" -gt 1 ]; do
  services+=("$1") repositories+=("$2")
  shift 2
done
part() { # name, function: keep what it printed and, on failure, why
  "$2" >"$work/$1" 2>"$work/$1.err" || printf '%s %s! %s\n' "$mark" "$1" "$?" >>"$work/$1"
}
versions() {
  docker version --format '{{json .Server.Version}} {{json .Server.APIVersion}}' && docker compose version --short
}
tools() { for tool in docker curl flock timeout awk; do command -v "$tool" >/dev/null && echo "$tool"; done; }
containers() {
  ids=$(docker ps -aq --no-trunc) || return
  # shellcheck disable=SC2086 # one id a word
  [ -z "$ids" ] || docker container inspect --format "$container" $ids 2>"$work/gone" ||
    ! grep -v 'No such container' "$work/gone" >&2 # one may end between the list and the look
}
images() {
  ids=$({ for repository in "${repositories[@]}"; do docker images -q --no-trunc "$repository" || return; done
    docker images -q --no-trunc -f dangling=true; } | sort -u) || return
  # shellcheck disable=SC2086 # one id a word
  [ -z "$ids" ] || docker image inspect --format "$image" $ids 2>"$work/untagged" ||
    ! grep -v 'No such image' "$work/untagged" >&2
}
networks() { docker network inspect --format '{{json .Name}} {{json .Id}}' "$network"; }
files_() {
  pwd
  for file in compose/docker-compose.yml nginx/nginx.conf .env rehearsal/header rehearsal/map.conf; do
    [ -e "$dir/$file" ] && stat -c "%a %Y %s $file" "$dir/$file"
  done
  sha256sum "$dir/compose/docker-compose.yml" 2>/dev/null
  return 0
}
environment() { # names only, and whether each has a value
  [ -r "$dir/.env" ] || return 0
  sed -nE 's/^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)[[:space:]]*=[[:space:]]*(.?).*$/\2 \3/p' "$dir/.env" |
    while read -r name first; do [ -n "$first" ] && echo "$name set" || echo "$name empty"; done
}
configured() { # one hash a service over its stanza with this .env: tells a changed configuration
  cd "$dir/compose" 2>/dev/null || return 0
  docker compose --env-file ../.env --profile '*' config --hash '*'
}
stanzas() { # limits, ports and fixed names of each service; the values of its environment stay here
  cd "$dir/compose" 2>/dev/null || return 0
  docker compose --env-file ../.env --profile '*' config 2>/dev/null | awk '
    function bare(text) { gsub(/["\047]/, "", text); return text }
    /^[^ ]/ { inside = $1 == "services:"; next }
    !inside { next }
    /^  [^ ]/ { service = bare($1); sub(/:$/, "", service); key = part = ""; print service, "is", "there"; next }
    /^    [^ ]/ { key = $1; part = "" }
    key == "mem_limit:" { print service, "limit", bare($2); key = ""; next }
    key == "mem_reservation:" { print service, "reservation", bare($2); key = ""; next }
    key == "container_name:" { print service, "name", bare($2); key = ""; next }
    key == "ports:" && /^        published:/ { print service, "port", bare($2) }
    key == "deploy:" && /^        [^ ]/ { part = $1 }
    key == "deploy:" && /^          memory:/ { print service, part == "limits:" ? "limit" : "reservation", bare($2) }'
}
nginx_() { # is the configuration on disk valid? asked of the nginx that runs, with the file it was started with
  docker exec nginx sh -c 'file=
    set -- $(tr "\000" " " </proc/1/cmdline)
    while [ "$#" -gt 1 ]; do [ "$1" != -c ] || file=$2; shift; done
    exec nginx -t -q ${file:+-c "$file"}' >&2
}
stale_() { # names that nginx resolves only when it loads: servers of upstreams, and literal ones in proxy_pass
  docker exec nginx sh -c 'file=
    set -- $(tr "\000" " " </proc/1/cmdline)
    while [ "$#" -gt 1 ]; do [ "$1" != -c ] || file=$2; shift; done
    exec nginx -T ${file:+-c "$file"}' 2>"$work/nginx-T" |
    sed 's/#.*//; s/[;{}]/&\n/g' | awk '
      function bare(text) { sub(/^[a-z]+:\/\//, "", text); sub(/[:\/;].*/, "", text); return text }
      $1 == "upstream" { inside = 1; group[$2] = 1 }
      inside && $1 == "server" && !/ resolve[ ;]/ { found[bare($2)] = 1 }
      $1 == "proxy_pass" && !/\$/ { asked[bare($2)] = 1 }
      /}/ { inside = 0 }
      END { for (name in asked) if (!(name in group)) found[name] = 1
            for (name in found) if (name ~ /^[a-z][a-z0-9_-]*$/) print name }'
  # A name that is missing right now keeps it from being printed; then that name is one of them.
  sed -nE 's/.*host not found in upstream "([^":]+).*/\1/p' "$work/nginx-T"
}
machine() {
  date +'now %s.%N'
  sed -nE 's/^(MemTotal|MemAvailable|SwapTotal|SwapFree):[[:space:]]+([0-9]+) kB/\1 \2/p' /proc/meminfo
  df -B1 --output=size,avail,target "$(docker info --format '{{.DockerRootDir}}' 2>/dev/null || echo /)" 2>/dev/null |
    awk 'NR == 2 { print "disk", $1, $2, $3 }'
}
usage() { # memory in use and the file cache in it, as docker stats counts; one quick reading each, no two seconds' wait
  for service in "${services[@]}"; do
    for id in $(docker ps -q --no-trunc --filter "name=^/$service(-green|-blue)?$"); do
      printf '%s ' "$id"
      curl -s -m 5 --unix-socket /var/run/docker.sock "http://docker/containers/$id/stats?stream=false&one-shot=true" |
        sed -nE 's/.*"memory_stats":\{"usage":([0-9]+).*"(inactive_file|total_inactive_file)":([0-9]+).*/\1 \3/p' | head -n 1
      echo
    done
  done
}
releases() {
  for service in "${services[@]}"; do
    for release in "$dir/state/releases/$service"/*/; do
      [ -s "$release/release.json" ] || continue
      printf '%s %s\n' "$(cat "$release/status" 2>/dev/null || echo candidate)" "$(cat "$release/release.json")"
    done
  done
  return 0
}
parts=${SURVEY_PARTS:-versions tools containers images networks files_ environment configured stanzas nginx_ stale_ machine usage releases}
for name in $parts; do
  part "$name" "$name" &
done
wait
for name in $parts; do
  printf '%s %s\n' "$mark" "$name"
  cat "$work/$name"
  if [ -s "$work/$name.err" ]; then printf '%s %s.err\n' "$mark" "$name" && head -c 4000 "$work/$name.err" && echo; fi
done
printf '%s end\n' "$mark"
