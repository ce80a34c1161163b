# lib: workspace engine
# $1 what to do, then its arguments; each part may be run again. stdin of `join`: what the engine is asked for, as JSON, with
# the token in it, which is in no argument. Says on its last lines why it failed.
what=$1
shift
quietly() { "$@" >/dev/null; }
case $what in
init) # address, pool of the networks
  quietly docker swarm init --advertise-addr "$1" --default-addr-pool "$2" --default-addr-pool-mask-length 24
  ;;
overlay) quietly docker network create --driver overlay --attachable --subnet "$2" "$1" ;; # network, subnet
token) docker swarm join-token --quiet "$1" ;;                                             # role
join)
  said=$(api -m 60 -w '\n%{http_code}' -H 'Content-Type: application/json' -d @- http://docker/swarm/join) || exit 1
  case ${said##*$'\n'} in 200) ;; *) sed -E 's/.*"message":"([^"]*)".*/\1/; $d' <<<"$said" >&2 && exit 1 ;; esac
  docker info --format 'node {{.Swarm.NodeID}}'
  ;;
label) # node, then name=value
  node=$1
  shift
  quietly docker node update "${@/#/--label-add=}" "$node"
  ;;
connect) # network, container, aliases
  network=$1 container=$2
  shift 2
  quietly docker network connect "${@/#/--alias=}" "$network" "$container"
  ;;
availability) quietly docker node update --availability "$2" "$1" ;; # node, availability
runs) # node: the names of the releases that have a task on it
  docker node ps -q --no-trunc --filter desired-state=running "$1" | xargs -r docker inspect --format '{{.ServiceID}}' | sort -u |
    xargs -r docker service inspect --format '{{index .Spec.Labels "behindy.name"}}' | sed '/^$/d'
  ;;
idle) # node, seconds: waits until it runs nothing any more
  end=$(($(now) + $2 * 1000))
  while [ -n "$(docker node ps --filter desired-state=running -q "$1")$(docker node ps --format '{{.CurrentState}}' "$1" | grep '^Running')" ]; do
    [ "$(now)" -lt "$end" ] || { docker node ps --format '{{.Name}} {{.CurrentState}}' "$1" >&2 && exit 1; }
    sleep 0.3
  done
  ;;
promote) # node
  quietly docker node promote "$1" || exit
  end=$(($(now) + 30000))
  until docker node inspect --format '{{with .ManagerStatus}}{{.Reachability}}{{end}}' "$1" | grep -qx reachable; do
    [ "$(now)" -lt "$end" ] || { echo 'it does not answer as a manager' >&2 && exit 1; }
    sleep 0.3
  done
  ;;
demote) # node. One that has just been demoted, or its leader, counts as a manager for some seconds yet
  end=$(($(now) + 60000))
  until said=$(docker node demote "$1" 2>&1) && said=$(docker node inspect --format '{{.ManagerStatus}}' "$1" 2>&1) && [ "$said" = '<nil>' ]; do
    [ "$(now)" -lt "$end" ] || { printf '%s\n' "$said" >&2 && exit 1; }
    sleep 0.5
  done
  ;;
leave) # anything: it is a manager, the last one, which takes the swarm with it
  # An engine that leaves forgets the names of all containers, those on its own networks too, and adds one again when it is
  # renamed: docs/design.md, "Renames in a swarm". When it forgets them is not told, so each is renamed and renamed back over
  # and over until it has left. A name that ends in -blue is given back by any deploy, should this be cut off.
  names=$(docker ps --no-trunc --filter label=behindy.release --format '{{.ID}} {{.Names}}' && docker ps --no-trunc --format '{{.ID}} {{.Names}}') || exit
  names=$(awk '!seen[$1]++' <<<"$names") # nginx asks the releases
  renamed() { # id, name
    api -f -X POST "http://docker/containers/$1/rename?name=$2-blue" "http://docker/containers/$1/rename?name=$2" >/dev/null 2>&1
  }
  if [ -n "$names" ]; then
    end=$(($(now) + 60000))
    while read -r id name; do
      while [ ! -e "$work/left" ] && [ -d "$work" ] && [ "$(now)" -lt "$end" ]; do renamed "$id" "$name"; done &
    done <<<"$names"
  fi
  code=0
  end=$(($(now) + 30000)) # within which a manager that was demoted hears of it
  until [ "$(docker info --format '{{.Swarm.LocalNodeState}}')" = inactive ] || said=$(docker swarm leave ${1:+--force} 2>&1); do
    case $said in *'participating as a manager'*) [ "$(now)" -ge "$end" ] || { sleep 0.5 && continue; } ;; esac
    printf '%s\n' "$said" >&2
    code=1
    break
  done
  : >"$work/left"
  wait
  while read -r id name; do
    [ -n "$id" ] || continue
    renamed "$id" "$name"
    [ "$(inspect "$id" '{{.Name}}')" = "/$name" ] || ! inspect "$id" '{{.Id}}' >/dev/null || docker rename "$id" "$name" || exit
  done <<<"$names"
  exit "$code"
  ;;
forget) unless_gone docker node rm --force "$1" ;; # node
disband) # network
  others=$(docker service ls --format '{{.Name}}' 2>/dev/null | head -n 3)
  [ -z "$others" ] || { echo "services run in the swarm: $others" >&2 && exit 1; }
  for container in $(docker ps -aq --filter "network=$1"); do unless_gone docker network disconnect "$1" "$container" || exit; done
  unless_gone docker network rm "$1"
  ;;
esac
