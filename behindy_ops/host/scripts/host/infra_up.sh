# lib: engine masked compose visitors placeholder overlay held
# `limit`: seconds to wait for health; `nginx`: its stanza; `edge`: the network with IPv6; `network`: that of all, and `container`: nginx's. Then words: create SERVICE, recreate SERVICE, pull IMAGE, placeholder IMAGE
# (nginx's, when it may have no certificate), ipv6 CONTAINER (nginx's, for visitors by IPv6). Prints what it is at, and the
# logs' last lines of what is not healthy in time.
dir=$1 domain=$2 limit=$3 project=$4 nginx=$5 edge=$6 network=$7 container=$8
shift 8
cd "$dir/compose" || exit 80
create=() recreate=() ipv6=''
while [ "$#" -gt 1 ]; do
  case $1 in
  create) create+=("$2") ;;
  recreate) recreate+=("$2") ;;
  ipv6) ipv6=$2 ;;
  pull)
    echo "pulling $2"
    docker pull --quiet "$2" >/dev/null || exit 67
    ;;
  placeholder) placeholder "$2" "$domain" || exit 1 ;;
  esac
  shift 2
done
for service in "${recreate[@]}"; do # a database's files are of one major version, and no other reads them
  id=$(compose ps -aq "$service")
  data=$(docker container inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$id" | sed -n 's/^PGDATA=//p')
  [ -n "$data" ] && has=$(docker cp "$id:$data/PG_VERSION" - 2>/dev/null | tar -xO 2>/dev/null) && [ -n "$has" ] || continue
  image=$(compose config --images "$service")
  brings=$(docker run --rm --network none --entrypoint postgres "$image" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')
  if [ "$brings" != "$has" ]; then
    echo "The data is of PostgreSQL $has; $image brings ${brings:-none}." >&2
    exit 92
  fi
done
if [ "${#create[@]}" -gt 0 ]; then
  echo "starting ${create[*]}"
  compose --progress quiet up -d --no-deps --no-recreate "${create[@]}" >&2 || exit 1
fi
replace() { # options of compose up, services
  compose --progress quiet up -d --no-deps --force-recreate "$@" >&2
}
others=()
for service in "${recreate[@]}"; do [ "$service" = "$nginx" ] || others+=("$service"); done
if [ "${#others[@]}" -gt 0 ]; then
  echo "replacing ${others[*]}"
  replace "${others[@]}" || exit 1
fi
if [ "${#others[@]}" != "${#recreate[@]}" ]; then # the old one ends its requests, but those that wait meanwhile want to get in
  echo "replacing $nginx"
  begun=$(now)
  hold "$container"
  held=$?
  case $held in 0) echo "holding new connections" ;; 1) echo unheld ;; esac
  replace --timeout 3 "$nginx" || exit 1
  end=$(($(now) + 10000))
  until [ "$(now)" -ge "$end" ] || docker exec "$container" curl -fsS -o /dev/null -m 3 http://127.0.0.1/health 2>/dev/null; do sleep 0.05; done
  let_in
  [ "$held" = 2 ] || echo "away $(($(now) - begun))" # nobody could connect before either
fi
on_overlay "$project" "$network" "$container" || exit 1
reached() { # whether nginx answers at all of its published ports, and by IPv6 at the host's public address
  local published at
  published=$(docker port "$ipv6" 80/tcp) || return 1
  case $published in *::*) ;; *) return 1 ;; esac
  for at in $published; do
    case $at in *::*) at="[$(public_ipv6)]:${at##*:}" ;; esac
    curl -fsS --globoff -o /dev/null -m 5 --retry 3 --retry-connrefused "http://$at/health" || return 1
  done
}
if [ -n "$ipv6" ]; then
  echo "connecting $ipv6 to $edge"
  docker network inspect "$edge" >/dev/null 2>&1 || # an address space of its own (RFC 4193)
    docker network create --ipv6 --subnet "$(od -An -N6 -tx2 /dev/urandom | awk '{ print "fd" substr($1, 3) ":" $2 ":" $3 "::/64" }')" \
      "$edge" >/dev/null || exit 1
  docker container inspect --format '{{range $name, $_ := .NetworkSettings.Networks}}{{println $name}}{{end}}' "$ipv6" |
    grep -qxF "$edge" || docker network connect "$edge" "$ipv6" || exit 1
fi
end=$(($(now) + limit * 1000))
while :; do
  waiting=()
  for service in "${create[@]}" "${recreate[@]}"; do
    id=$(compose ps -aq "$service")
    state=$(docker container inspect --format '{{.State.Status}} {{with index .State "Health"}}{{.Status}}{{end}}' "$id" 2>/dev/null)
    case $state in
    'running ' | 'running healthy') ;;
    'running starting') # nginx's health is looked at every 30 s only, so it is asked the same question here
      [ "$service" = "$nginx" ] && docker exec "$id" curl -fsS -o /dev/null -m 3 http://127.0.0.1/health 2>/dev/null ||
        waiting+=("$service")
      ;;
    *) waiting+=("$service") ;;
    esac
  done
  [ "${#waiting[@]}" -gt 0 ] || break
  if [ "$(now)" -ge "$end" ]; then
    for service in "${waiting[@]}"; do
      compose ps -a --format '{{.Name}}: {{.Status}}' "$service" >&2
      compose logs --no-log-prefix --tail 8 "$service" | masked given_to "$(compose ps -aq "$service")" >&2
    done
    exit 68
  fi
  echo "waiting for ${waiting[*]}"
  sleep 0.5
done
if [ -n "$ipv6" ] && ! reached; then
  docker network disconnect "$edge" "$ipv6"
  echo "nginx did not answer at its published ports on $edge, so it is off that network again" >&2
  exit 1
fi
exit 0
