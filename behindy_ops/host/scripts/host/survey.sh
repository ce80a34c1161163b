# lib: workspace sections shared drains connections engine data masked compose nginx dotenv public timed swarm
# Prints every fact a decision needs; changes nothing. `at` as in lib/public.sh; `container` and `image` are templates;
# `nginx` is the container, `asked` as in lib/compose.sh;
# service and repository follow in turn. SURVEY_PARTS: only these. A docker command computes for 60 ms or more before it
# asks the engine, which answers in 2: what it is asked by curl. Where that cannot be, docker says why.
dir=$1 domain=$2 at=$3 network=$4 nginx=$5 asked=$6 container=$7 image=$8
shift 8
services=() repositories=()
while [ "$#" -gt 1 ]; do
  services+=("$1") repositories+=("$2")
  shift 2
done
versions() {
  api -f http://docker/version 2>/dev/null |
    sed -nE 's/.*,("Version"):("[^"]*"),"ApiVersion":("[^"]*").*"Arch":("[^"]*").*/\2 \3 \4/p' | grep . ||
    docker version --format '{{json .Server.Version}} {{json .Server.APIVersion}} {{json .Server.Arch}}' || return
  compose version --short
}
tools() { for tool in docker curl flock timeout awk; do command -v "$tool" >/dev/null && echo "$tool"; done; }
described() { # container or image, template, their ids, one a line: one may end between the list and the look
  [ -z "$3" ] || xargs docker "$1" inspect --format "$2" <<<"$3" 2>"$work/no-$1" || ! grep -v "No such $1" "$work/no-$1" >&2
}
containers() { # and who changes them meanwhile: one who had begun before that look, or has not ended after it
  local ids who=$changes code
  ids=$(listed 'containers/json?all=true' || docker ps -aq --no-trunc) && described container "$container" "$ids" && units "$container"
  code=$?
  echo && section changing
  [ -n "$who" ] || who=$(changing "$dir/state")
  [ -z "$who" ] || cat <<<"$who"
  return "$code"
}
images() {
  local reference=("${repositories[@]/#/,%22}")
  reference=("${reference[@]/%/%22}")
  ids=$(listed "images/json?filters=%7B%22reference%22:%5B$(printf %s "${reference[@]}" | cut -c 2-)%5D%7D" \
    'images/json?filters=%7B%22dangling%22:%5B%22true%22%5D%7D' ||
    { for repository in "${repositories[@]}"; do docker images -q --no-trunc "$repository" || exit; done
      docker images -q --no-trunc -f dangling=true; }) && described image "$image" "$(sort -u <<<"$ids")"
}
directory() { cd "$dir" 2>/dev/null && pwd -P && pwd; } # as Compose notes it on a container, by this setting or another
networks() {
  api -f -o /dev/null "http://docker/networks/$network" 2>/dev/null || docker network inspect --format '{{.Id}}' "$network"
}
files_() {
  for file in compose/docker-compose.yml nginx/nginx.conf nginx/real_ip.conf .env rehearsal/header rehearsal/map.conf; do
    [ -e "$dir/$file" ] && stat -c "%a %Y %s $file" "$dir/$file"
  done
  return 0
}
environment() { # names only, and whether each has a value
  [ -r "$dir/.env" ] || return 0
  assigned "$dir/.env" | while read -r name value; do [ -n "$value" ] && echo "$name set" || echo "$name empty"; done
  dollars "$dir/.env" | sed 's/^/dollar /'
}
configured() {
  cd "$dir/compose" 2>/dev/null || return 0
  configured_with ../.env
}
stanzas() { # limits, ports and fixed names of each service, and what it asks nginx for
  cd "$dir/compose" 2>/dev/null || return 0
  declared --env-file ../.env --profile '*'
}
nginx_() { # the ports it listens on for others, in hexadecimal; whether what is loaded knows the token; is what is on disk valid?
  # Names that it resolves only when it loads: servers of upstreams, and literal ones in proxy_pass. The rest of its
  # configuration stays here: the rehearsal's token is in it.
  in_nginx_with_token "$dir" "$domain" "$nginx" 'sed -nE "/: (0{24}01000000|[0-9A-F]*7F):/d
s/^ *[0-9]+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:0000 0A .*/port \\1/p" /proc/net/tcp /proc/net/tcp6 2>/dev/null
token "$1" "$2"
echo configuration
itself -T -q' 2>"$work/nginx-T" |
    sed '0,/^configuration$/b; s/#.*//; s/[;{}]/&\n/g' | awk '
      function bare(text) { sub(/^[a-z]+:\/\//, "", text); sub(/[:\/;].*/, "", text); return text }
      !within { if ($0 == "configuration") within = 1; else print; next }
      $1 == "upstream" { inside = 1; group[$2] = 1 }
      inside && $1 == "server" && !/ resolve[ ;]/ { found[bare($2)] = 1 }
      $1 == "proxy_pass" && !/\$/ { asked[bare($2)] = 1 }
      /}/ { inside = 0 }
      END { for (name in asked) if (!(name in group)) found[name] = 1
            for (name in found) if (name ~ /^[a-z][a-z0-9_-]*$/) print "stale", name }'
  local code=${PIPESTATUS[0]}
  # A name that is missing right now keeps it from being printed; then that name is one of them.
  sed -nE 's/.*host not found in upstream "([^":]+).*/stale \1/p' <<<"$(<"$work/nginx-T")"
  cat "$work/nginx-T" >&2
  return "$code"
}
public_() { # how the public name fails where nginx does well past it: curl's exit code, and where the name leads
  [ -n "$domain" ] && [ -z "$at" ] || return 0
  public -s -o /dev/null -m 3 "https://$domain/health" && return 0
  (at=127.0.0.1 && public -s -o /dev/null -m 1 "https://$domain/health") || return 0 # a host that is merely slow is not
  public -s -o /dev/null -m 3 "https://$domain/health" && return 0 || status=$?
  echo "failed $status" && leads "$domain"
}
machine() {
  date +'now %s.%N'
  awk '{ print "uptime", $1 }' /proc/uptime
  sed -nE 's/^(MemTotal|MemAvailable|SwapTotal|SwapFree):[[:space:]]+([0-9]+) kB/\1 \2/p' /proc/meminfo
  local engine
  engine=$(described_engine)
  echo "engine $engine"
  echo "disk $(fullest "$engine")"
}
usage() {
  local names
  [ "${#services[@]}" != 0 ] || return 0
  names=$(printf ',%%22^/%s(-green|-blue)?$%%22' "${services[@]}")
  listed "containers/json?filters=%7B%22name%22:%5B${names#,}%5D%7D" | readings
}
releases() { # `<service>/<id> <status> <description>` on one line, whatever is in the files
  local LC_ALL=C service release id status description
  for service in "${services[@]}"; do
    for release in "$dir/state/releases/$service"/*/; do
      [ -d "$release" ] || continue
      id=${release%/} status='' description=''
      id=${id##*/}
      read -r status 2>/dev/null <"$release/status"
      IFS= read -r -d '' -n 20000 description 2>/dev/null <"$release/release.json"
      status=${status//[^a-z-]/}
      printf '%s %s %s\n' "$service/${id//[^[:graph:]]/?}" "${status:-candidate}" "${description//[^[:print:]]/ }"
    done
  done
  return 0
}
drained_now() { # what this host drains by itself, in the words of lib/drains.sh but for the last two, and how many connections it has
  local each service container release until pid port
  for each in "$(drains "$dir/state")"/drain-*.lock; do
    each=${each%.lock}
    if [ -e "$each" ] && ! drained "$each" && read -r service container release until pid port 2>/dev/null <"$each"; then
      echo "$service $container $release $until $(opened "$pid" "$port")"
    fi
  done
  return 0
}
draining() { [ -z "$draining" ] || cat <<<"$draining"; }
jobs() { # what its timers run of the services, in words and a JSON, after the host's time zone
  local service
  date +'zone %z'
  for service in "${services[@]}"; do
    [ ! -e "/usr/local/lib/behindy-ops/job-$service" ] || echo "$service $(timed "job-$service" "$dir/state")"
  done
}
maintenance() { # the services that are closed to visitors, and who did that, as deploy/maintenance.sh was told
  local page
  for page in "$dir"/assets/.maintenance/*.html; do
    [ ! -e "$page" ] || echo "$(basename "$page" .html) $(head -c 2000 "${page%.html}.json" 2>/dev/null | tr '\n' ' ')"
  done
  return 0
}
# Both before the containers are listed: a drain that ends after that has left its container there.
changes=$(changing "$dir/state") draining=$(drained_now)
# shellcheck disable=SC2086 # one name a word
report ${SURVEY_PARTS:-versions tools containers images directory networks files_ environment configured stanzas nginx_ public_ machine usage releases draining maintenance jobs swarm_}
