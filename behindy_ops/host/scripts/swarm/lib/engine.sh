# What several machines run is a service of the swarm for each release. Its label behindy.name is its name, as a container has
# one: what of lib/engine.sh is about a container by its name or id is here about such a service as well. They are asked for at
# a manager. docs/design.md, "Names in a swarm".
# Managers choose another leader when theirs dies, and meanwhile what they are asked hangs, or is refused: docs/design.md, "A leader
# dies". So all that is asked of them goes through `led`.
election=30000 # ms that they may take for it
alone=3000     # ms that is waited while half of them or more do not answer
led() { # a command: again, while a leader may soon be there. Prints what it says; its code, and 2 where none leads
  local said code begun most=$away left=''
  begun=$(now)
  while :; do
    said=$("$@" 2>&1)
    code=$?
    [ "$code" != 0 ] || { [ -z "$said" ] || printf '%s\n' "$said"; return 0; }
    case $code:$said in
    124:* | 28:* | *'does not have a leader'* | *'deadline exceeded'* | *'code = Unavailable'* | *'error: 500'*)
      most=$election
      left=$(unreached) || most=$alone
      ;;
    *'out of sequence'*) most=$election ;;
    *'not a swarm manager'* | *'error: 503'*) starting || { [ -z "$said" ] || printf '%s\n' "$said" >&2; return "$code"; } ;;
    7:* | *'Cannot connect to the Docker daemon'*) ;;
    *) [ -z "$said" ] || printf '%s\n' "$said" >&2; return "$code" ;;
    esac
    [ "$(($(now) - begun))" -lt "$most" ] || break
    sleep 0.3
  done
  [ "$most" = "$away" ] || said+=$'\n'"The swarm has no leader; unreached:${left:+ $left}"
  printf '%s\n' "$said" >&2
  return 2
}
starting() { api -f -m 3 http://docker/info 2>/dev/null | grep -q '"LocalNodeState":"pending"'; }
unreached() { # the addresses of managers that do not answer, in one line; false if they are half of all or more
  local all each gone
  all=$(api -f -m 3 http://docker/info 2>/dev/null | grep -oE '"RemoteManagers":.*' | grep -oE '"Addr":"[^"]*' | cut -d '"' -f 4)
  # shellcheck disable=SC2086 # one address a word
  gone=$(for each in $all; do answers "$each" || echo "${each%:*}" & done; wait)
  [ -z "$gone" ] || paste -sd ' ' <<<"$gone"
  [ "$(($(grep -c . <<<"$gone") * 2))" -lt "$(($(grep -c . <<<"$all") + (${#all} == 0)))" ]
}
answers() { timeout 1 bash -c ': <>"/dev/tcp/$1/$2"' answers "$(tr -d '[]' <<<"${1%:*}")" "${1##*:}" 2>/dev/null; } # address:port
labelled() { # label, such as name=value: the ids of the services of the swarm that have it. False where no manager tells; an
  # engine that belongs to no swarm has none
  local said
  said=$(led api -gf -m 5 "http://docker/services?filters=%7B%22label%22:%5B%22$1%22%5D%7D") ||
    { api -f -m 3 http://docker/info 2>/dev/null | grep -q '"LocalNodeState":"inactive"'; return; }
  grep -oE '[{]"ID":"[a-z0-9]{25}","Version"' <<<"$said" | cut -d '"' -f 4
}
unit() { # name or id: the id of the service of the swarm that it means; empty if it means a container, or nothing. False: not known
  local said
  [ -n "$1" ] || return 0
  if [[ $1 =~ ^[a-z0-9]{25}$ ]]; then echo "$1" && return; fi
  if [[ $1 =~ ^[0-9a-f]{64}$ ]]; then return; fi
  said=$(labelled "behindy.name=$1") || return 2
  head -n 1 <<<"$said"
}
of_unit() { # id, template of a service. 1: there is none; 2: not known
  local said
  said=$(led timeout 10 docker service inspect --format "$2" "$1" 2>&1) && { printf '%s\n' "$said"; return; }
  case $said in *"no such service"* | *"not found"*) return 1 ;; esac
  printf '%s\n' "$said" >&2
  return 2
}
unit_template='{"id":{{json .ID}},"name":{{json (index .Spec.Labels "behindy.name")}},"created":{{json .CreatedAt}},"updated":{{json .UpdatedAt}},"labels":{{json .Spec.Labels}},"image":{{json .Spec.TaskTemplate.ContainerSpec.Image}},"memory":{{with .Spec.TaskTemplate.Resources}}{{with .Limits}}{{.MemoryBytes}}{{else}}0{{end}}{{else}}0{{end}},"check":{{$check := index .Spec.Labels "behindy.check"}}{{with .Spec.TaskTemplate.ContainerSpec.Healthcheck}}{{with .Test}}{{$check = index . 0}}{{end}}{{end}}{{json $check}},"replicas":{{with .Spec.Mode.Replicated}}{{.Replicas}}{{else}}0{{end}},"env":[{{range $i, $e := .Spec.TaskTemplate.ContainerSpec.Env}}{{if $i}},{{end}}{{json (index (split $e "=") 0)}}{{end}}]'
task_template='{"id":{{json .ID}},"slot":{{json .Slot}},"node":{{json .NodeID}},"wanted":{{json .DesiredState}},"state":{{json .Status.State}},"error":{{json .Status.Err}},"since":{{json .Status.Timestamp}},"exit":{{with .Status.ContainerStatus}}{{.ExitCode}}{{else}}0{{end}},"container":{{with .Status.ContainerStatus}}{{json .ContainerID}}{{else}}""{{end}},"addresses":[{{range $i, $n := .NetworksAttachments}}{{range $j, $a := $n.Addresses}}{{if or $i $j}},{{end}}{{json $a}}{{end}}{{end}}]}'
joined() { paste -sd , -; }
tasks_of() { # id: a line of JSON for each of its tasks
  local ids
  ids=$(led timeout 10 docker service ps -q --no-trunc "$1") || return
  # shellcheck disable=SC2086 # one id a word
  [ -z "$ids" ] || led tasks_as "$task_template" $ids
}
tasks_as() { # template, ids: one may be gone by now. Where it hung, nobody has told
  local code
  timeout 10 docker inspect --format "$1" "${@:2}" 2>/dev/null
  code=$?
  case $code in 0 | 124) return "$code" ;; esac
  timeout 10 docker node ls -q >/dev/null
}
nodes() { led timeout 10 docker node ls --format '{"id":{{json .ID}},"name":{{json .Hostname}},"status":{{json .Status}},"here":{{json .Self}}}'; }
told_of_unit() { # id: what Python is told of it in place of a container's JSON. As inspect
  local spec tasks machines
  spec=$(of_unit "$1" "$unit_template") || return
  { tasks=$(tasks_of "$1") && machines=$(nodes); } || return 2
  printf '%s,"tasks":[%s],"nodes":[%s]}\n' "$spec" "$(joined <<<"$tasks")" "$(joined <<<"$machines")"
}
units() { # all at once, which takes as long as one; where one is gone by now, or it is not known, one by one
  local id ids specs tasks there
  ids=$(labelled behindy.name) || return
  [ -n "$ids" ] || return 0
  {
    specs=$(timeout 20 xargs docker service inspect --format "$unit_template" <<<"$ids" 2>/dev/null) &&
      tasks=$(timeout 10 xargs docker service ps -q --no-trunc <<<"$ids" 2>/dev/null) &&
      tasks=$(xargs -r timeout 10 docker inspect --format "{{.ServiceID}} $task_template" <<<"$tasks" 2>/dev/null) && there=$(nodes)
  } || {
    for id in $ids; do told_of_unit "$id" || [ "$?" = 1 ] || return; done
    return
  }
  there=$(joined <<<"$there")
  while read -r id; do
    printf '%s,"tasks":[%s],"nodes":[%s]}\n' "$(grep -F "{\"id\":\"$id\"" <<<"$specs")" "$(sed -n "s/^$id //p" <<<"$tasks" | joined)" "$there"
  done <<<"$ids"
}
running() { # id: slot and address of each of its tasks that serves
  local said
  said=$(tasks_of "$1") || return 2
  sed -nE '/"wanted":"running","state":"running"/s/.*"slot":([0-9]+).*"addresses":\["([0-9.]+).*/\1 \2/p' <<<"$said"
}
begun() { # id: each of its tasks that has not ended, whatever it is to be; one on a node that is away ends with that
  local said away
  { said=$(tasks_of "$1") && away=$(nodes); } || return 2
  away=$(sed -nE '/"status":"(Ready|Unknown)"/!s/^[{]"id":"([^"]+)".*/"node":"\1"/p' <<<"$away")
  said=$(grep -vE '"state":"(complete|shutdown|failed|rejected|orphaned|remove)"' <<<"$said")
  if [ -n "$away" ]; then grep -vF "$away" <<<"$said"; else printf '%s' "$said"; fi
  return 0
}
inspect() { # docker asks for the templates of a container; of a unit these are answered
  local id code run
  id=$(unit "$1")
  code=$?
  [ "$code" = 0 ] || return "$code"
  if [ -z "$id" ]; then inspect_container "$@"; return; fi
  case $2 in
  '{"id":'*) told_of_unit "$id" ;;
  '{{.Id}}') of_unit "$id" '{{.ID}}' ;;
  '{{.Name}}') of_unit "$id" '/{{index .Spec.Labels "behindy.name"}}' ;;
  '{{index .Config.Labels "behindy.release"}}') of_unit "$id" '{{index .Spec.Labels "behindy.release"}}' ;;
  '{{.State.Pid}}') watched_from "$id" ;;
  '{{.State.Running}}'*) of_unit "$id" '{{.ID}}' >/dev/null && run=$(running "$id") && if [ -n "$run" ]; then echo 'true false '; else echo 'false false '; fi ;;
  *) echo "a service of the swarm is not asked for $2" >&2; return 2 ;;
  esac
}
stage() { # a task with a health check runs once that has passed
  local count
  case $1 in
  *'"state":"failed"'* | *'"state":"rejected"'*) echo ended ;;
  *'"tasks":['*)
    count=$(grep -oF '"wanted":"running","state":"running"' <<<"$1" | wc -l)
    if [ "$count" -lt "$(sed -nE 's/.*"replicas":([0-9]+).*/\1/p' <<<"$1")" ]; then echo boots
    else case $1 in *'"check":""'* | *'"check":"NONE"'*) echo runs ;; *) echo ended ;; esac; fi
    ;;
  *) stage_of_container "$1" ;;
  esac
}
watched_from() { # id: as lib/connections.sh is told: nginx's process, and the addresses that it asks
  local nginx addresses
  nginx=$(of_unit "$1" '{{index .Spec.Labels "behindy.nginx"}}') || return
  addresses=$(running "$1") || return
  addresses=$(cut -d ' ' -f 2 <<<"$addresses" | joined)
  if [ -n "$addresses" ]; then echo "$(inspect_container "$nginx" '{{.State.Pid}}')@$addresses"; else echo 0; fi
}
named_addresses() {
  local id
  id=$(unit "$1") || return
  if [ -n "$id" ]; then running "$id" | cut -d ' ' -f 2 | tr '\n' ' '; else timeout 20 docker container inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.GlobalIPv6Address}} {{end}}' "$1"; fi
}
asked_addresses() { # its tasks may have been given others since
  local id
  id=$(unit "$1") || return
  if [ -n "$id" ]; then named_addresses "$1"; else echo "$2"; fi
}
task_addresses() {
  local id
  id=$(unit "$1") || return
  [ -z "$id" ] || running "$id" | cut -d ' ' -f 2
}
name_in_dns() {
  local id
  id=$(unit "$1") || return
  if [ -n "$id" ]; then of_unit "$id" '{{index .Spec.Labels "behindy.dns"}}'; else echo "$1"; fi
}
name_of_dns() { # container: the one that DNS has. Of a swarm's host it never hears of a docker rename: docs/design.md, "Renames in a swarm"
  local as name
  as=$(inspect_container "$1" '{{range .NetworkSettings.Networks}}{{range .Aliases}}{{println .}}{{end}}{{end}}' | sed -n 's/^name-of-//p;T;q')
  name=$(inspect_container "$1" '{{.Name}}') || return
  name=${name#/}
  echo "${as:-${name%-blue}}"
}
rename_container() { # container, new name. One that nobody asks yet is off its networks meanwhile, by which DNS hears of it
  local networks each
  case $2 in *-blue | *-green) docker rename "$1" "$2"; return ;; esac
  [ "$(name_of_dns "$1")" != "$2" ] || { docker rename "$1" "$2"; return; }
  networks=$(inspect_container "$1" '{{range $name, $_ := .NetworkSettings.Networks}}{{println $name}}{{end}}') || return
  for each in $networks; do docker network disconnect "$each" "$1" || return; done
  docker rename "$1" "$2" || return
  for each in $networks; do docker network connect --alias "name-of-$2" "$each" "$1" || return; done
}
forgotten() { # container, before it ends: it has the name that DNS has of it, so that DNS forgets that with it
  local as
  as=$(name_of_dns "$1") && [ "/$as" != "$(inspect_container "$1" '{{.Name}}')" ] || return 0
  docker rename "$1" "$as" 2>/dev/null || true
}
rename() { # name or id, new name
  local id
  id=$(unit "$1") || return
  if [ -z "$id" ]; then rename_container "$1" "$2"; else led timeout 30 docker service update --quiet --detach --label-add "behindy.name=$2" "$id" >/dev/null; fi
}
# On the other edges, where nginx answers as well, swarm/edge.sh does what links_made does here.
edges() { # id and address of each that is not down (a new leader calls those Unknown that it has not heard of yet), or of `all`.
  # False: not known
  local said own
  said=$(led api -gf -m 5 'http://docker/nodes?filters=%7B%22node.label%22:%5B%22behindy.edge=true%22%5D%7D') || return
  [[ $said == *'"ID":'*'"ID":'* ]] || return 0
  own=$(own_node) && [ -n "$own" ] || return
  grep -oE '[{]"ID":"[a-z0-9]{25}","Version"|"Status":[{]"State":"[a-z]+"|"Addr":"[^"]*"' <<<"$said" | # a Message may have quotes
    awk -F '"' -v own="$own" -v all="${1:-}" '
      function tell() { if (id != "" && id != own && (all || state !~ /^(down|disconnected)$/)) print id, address }
      $2 == "ID" { tell(); id = $4; address = "" }
      $2 == "Status" { state = $6 }
      $2 == "Addr" && address ~ /^(|0[.].*|127[.].*|::.*)$/ { # of a leader that has joined, the next one: where it listens
        if (address != "" || $4 ~ /^[0-9.]+:/) sub(/:[0-9]+$/, "", $4)
        address = $4
      }
      END { tell() }'
}
edge_says() { # id, nginx's container here: what swarm/edge.sh has written there; false where nobody tells
  local said
  said=$(timeout 5 docker exec "$2" curl -sf -m 2 "http://edge-$1:8404/names" 2>/dev/null) && [ "${said##*$'\n'}" = end ] && printf '%s\n' "$said"
}
edges_tell() { # nginx's container, then what is to hold of what each edge says, on stdin: waits for it; says where it does not
  local id address nginx=$1 told end others there
  shift
  others=$(edges) || return # which is not that there are none
  [ -n "$others" ] || return 0
  end=$(($(now) + 8000))
  while read -r id address; do
    until told=$(edge_says "$id" "$nginx") && "$@" <<<"$told"; do
      if [ "$(now)" -ge "$end" ]; then
        there=$(edges) || return
        grep -q "^$id " <<<"$there" || continue 2 # it has gone meanwhile
        echo "nginx on the edge $address does not follow: is it running there, and the service of the swarm that leads it (docker service ps)?" >&2
        return 1
      fi
      sleep 0.1
    done
  done <<<"$others"
}
edges_follow() { # `<name> <in DNS> <nginx>` lines: names lead to the same on each
  local nginx
  read -r _ _ nginx <<<"$1"
  [ -z "$nginx" ] || edges_tell "$nginx" names_are "$(awk 'NF { print "name", $1, $2 }' <<<"$1" | sort)"
}
names_are() { [ "$(grep '^name ')" = "$1" ]; }
page_of() { printf '%s-page-%s' "$(sha256sum <<<"$2" | cut -c 1-12)" "$1"; } # service, directory of names: its name in the swarm
close_elsewhere() {
  local names others
  others=$(edges all) || { sole "$(dirname "$2")/../.names"; return; } # one that is down finds it once it is back
  [ -n "$others" ] || return 0
  names=$(cd "$(dirname "$2")/../.names" && pwd) || return
  docker config rm "$(page_of "$1" "$names")" >/dev/null 2>&1
  docker config create --label "behindy.page=$names" --label "behindy.service=$1" "$(page_of "$1" "$names")" "$2" >/dev/null &&
    edges_tell "$3" grep -qxF "closed $1"
}
sole() { [ ! -e "$1/.edge" ]; } # directory of names, where no manager tells: nothing has ever kept this host in step with others
is_open() { ! grep -qxF "closed $1"; }
open_elsewhere() {
  local names said
  names=$(cd "$2" 2>/dev/null && pwd) || return 0
  said=$(led timeout 10 docker config inspect --format '{{.ID}}' "$(page_of "$1" "$names")" 2>&1) ||
    case $said in
    *'o such config'* | *'not found'*) return 0 ;;
    *) sole "$names" || { printf '%s\n' "$said" >&2; return 1; } && return 0 ;;
    esac
  docker config rm "$(page_of "$1" "$names")" >/dev/null && edges_tell "$3" is_open "$1"
}
follow_names() { # directory: the links by which nginx finds what has a name are made as the labels say, here and on each other
  # edge. 1: not here; 3: not there, of which it says where
  local said
  said=$(links_made "$1") || return 1
  edges_follow "$said" || return 3
}
links_made() { # directory: the new ones first; prints what leads where. On an edge somebody else does the same (swarm/edge.sh)
  local ids said='' name dns each
  local -A made=()
  if [ -d "$1" ]; then exec 5<"$1" && flock -w 10 5 || return; fi
  ids=$(labelled "behindy.names=$1") || return # that is no answer, and the links stay
  # shellcheck disable=SC2086 # one id a word
  [ -z "$ids" ] || said=$(led timeout 20 docker service inspect --format \
    '{{index .Spec.Labels "behindy.name"}} {{index .Spec.Labels "behindy.dns"}} {{index .Spec.Labels "behindy.nginx"}}' $ids) || return
  while read -r name dns _; do
    [ -n "$dns" ] || continue
    mkdir -p "$1/ids/$dns" && ln -sfn "ids/$dns" "$1/.$name" && mv -fT "$1/.$name" "$1/$name" || return
    made[$name]=$dns
  done <<<"$said"
  for each in "$1"/*; do
    [ ! -L "$each" ] || [ -n "${made[${each##*/}]:-}" ] || rm -f "$each"
  done
  for each in "$1"/ids/*; do
    [[ " ${made[*]} " == *" ${each##*/} "* ]] || rmdir "$each" 2>/dev/null || true
  done
  echo "$said"
}
stop_within() {
  local id end seen
  id=$(unit "$2") || return
  if [ -z "$id" ]; then forgotten "$2" && docker stop -t "$1" "$2"; return; fi
  led timeout 30 docker service scale --detach "$id=0" >/dev/null || return
  end=$(($(now) + $1 * 1000 + 5000))
  until { seen=$(begun "$id") && [ -z "$seen" ]; } || [ "$(now)" -ge "$end" ]; do sleep 0.2; done
  return 0
}
files_of() { # of the image, which this host has pulled: its tasks may be anywhere
  local id image made code
  id=$(unit "$1") || return
  if [ -z "$id" ]; then docker cp "$1:$2" -; return; fi
  image=$(of_unit "$id" '{{index .Spec.Labels "behindy.image"}}') && made=$(docker create --network none "$image") || return
  docker cp "$made:$2" -
  code=$?
  docker rm -f -v "$made" >/dev/null
  return "$code"
}
start_again() { # as many tasks as it had before it was stopped
  local id count
  id=$(unit "$1") || return
  if [ -z "$id" ]; then docker start "$1"; return; fi
  count=$(of_unit "$id" '{{index .Spec.Labels "behindy.replicas"}}') && led timeout 30 docker service scale --detach "$id=${count:-1}" >/dev/null
}
restart_within() {
  local id
  id=$(unit "$2") || return
  if [ -n "$id" ]; then start_again "$id"; else docker restart -t "$1" "$2"; fi
}
ended_within() { # whether a task of it failed, or it is gone
  local id end seen
  id=$(unit "$1") || return
  if [ -z "$id" ]; then timeout "$2" docker wait "$1" >/dev/null 2>&1; return; fi
  end=$(($(now) + $(awk -v s="$2" 'BEGIN { printf "%d", s * 1000 }')))
  while [ "$(now)" -lt "$end" ]; do
    of_unit "$id" '{{.ID}}' >/dev/null || { [ "$?" = 1 ]; return; }
    seen=$(tasks_of "$id") || return
    case $seen in *'"state":"failed"'* | *'"state":"rejected"'*) return 0 ;; esac
    sleep 0.5
  done
  return 124
}
others() { led timeout 10 docker node ls --format '{{if not .Self}}{{.Hostname}}{{end}}' | grep . || true; }
own_node() { led timeout 10 docker info --format '{{.Swarm.NodeID}}'; }
look() {
  local id
  id=$(unit "$1") || { echo 'No manager of the swarm answers.' >&2; return 1; }
  if [ -n "$id" ]; then inspect "$id" "$2"; else docker container inspect --format "$2" "$1"; fi
}
image_of() {
  local id
  id=$(unit "$1") || return
  if [ -n "$id" ]; then of_unit "$id" '{{index .Spec.Labels "behindy.image"}}'; else docker container inspect --format '{{.Image}}' "$1"; fi
}
environment_of() { # of a task: the image's own, and what its service is given, which comes later and counts
  local id labels=${3:+"{{with LABELS}}$3{{end}}"}
  id=$(unit "$1") || return
  if [ -z "$id" ]; then docker container inspect --format "{{range .Config.Env}}$2{{end}}${labels/LABELS/.Config.Labels}" "$1"; return; fi
  docker image inspect --format "{{range .Config.Env}}$2{{end}}" "$(image_of "$id")" 2>/dev/null # where that is gone, it hides less
  of_unit "$id" "{{range .Spec.TaskTemplate.ContainerSpec.Env}}$2{{end}}${labels/LABELS/.Spec.Labels}"
}
at_work() { # id: slot, node and container of each of its tasks that runs
  local ids
  ids=$(led timeout 10 docker service ps -q --no-trunc --filter desired-state=running "$1") || return
  # shellcheck disable=SC2086 # one id a word
  [ -z "$ids" ] || led tasks_as '{{if eq .Status.State "running"}}{{.Slot}} {{.NodeID}} {{.Status.ContainerStatus.ContainerID}}{{end}}' $ids | grep .
}
container_of() { # the task on this node; where there is none, prints where there are some: `elsewhere <node> <container> ...`
  local id own slot node task places=''
  id=$(unit "$1") || return
  if [ -z "$id" ]; then echo "$1"; return; fi
  own=$(own_node) || return
  while read -r slot node task; do
    if [ "$node" = "$own" ]; then echo "$task" && return; fi
    places+=" $(timeout 10 docker node inspect --format '{{.Description.Hostname}}' "$node" || echo "$node") ${task:0:12}"
  done < <(at_work "$id")
  if [ -n "$places" ]; then echo "elsewhere$places"; else echo exited; fi
  return 1
}
running_here() { # a task by its service's name and its number
  local id name
  {
    for id in $(labelled behindy.name); do
      echo "is $(of_unit "$id" '{{.Spec.Name}} {{index .Spec.Labels "behindy.name"}}')"
    done
    docker ps --no-trunc --format '{{.ID}} {{.Names}}'
  } | awk '$1 == "is" { name[$2] = $3; next }
    { split($2, part, "."); if (part[3] != "" && part[1] in name) $2 = name[part[1]] "." part[2]; print }'
}
configurations() {
  local id
  docker ps -a --format '{{.Names}} {{.Label "behindy.config"}}'
  for id in $(labelled behindy.name); do of_unit "$id" '{{index .Spec.Labels "behindy.name"}} {{index .Spec.Labels "behindy.config"}}'; done
}
releases_in_use() {
  local id ids
  docker ps -a --format '{{.Label "behindy.release"}} {{.Label "behindy.previous"}} 0-{{.ID}}' && ids=$(labelled behindy.name) || return
  for id in $ids; do of_unit "$id" '{{index .Spec.Labels "behindy.release"}} {{index .Spec.Labels "behindy.previous"}} 0-{{.ID}}' || [ "$?" = 1 ] || return; done
}
log_of() { # its tasks' one after the other, each with its share of the lines: a value that is in several lines is known by that
  local id tasks each fds=()
  id=$(unit "$2") || return
  if [ -z "$id" ]; then docker logs --tail "$1" "$2"; return; fi
  mapfile -t tasks < <(timeout 10 docker service ps -q --no-trunc "$id")
  for each in "${tasks[@]}"; do
    exec {fd}< <(timeout 10 docker service logs --raw --tail "$((($1 + ${#tasks[@]} - 1) / ${#tasks[@]}))" "$each" 2>&1) && fds+=("$fd")
  done
  for each in "${fds[@]}"; do cat <&"$each" && exec {each}<&-; done
}
remove() {
  local id names secrets
  id=$(unit "$1") || return
  if [ -z "$id" ]; then forgotten "$1" && remove_container "$1"; return; fi
  read -r names secrets < <(of_unit "$id" '{{index .Spec.Labels "behindy.names"}}{{range .Spec.TaskTemplate.ContainerSpec.Secrets}} {{.SecretName}}{{end}}')
  unless_gone led timeout 30 docker service rm "$id" || return
  [ -z "$names" ] || follow_names "$names" || [ "$?" = 3 ] || return # an edge does so by itself
  # shellcheck disable=SC2086 # names of its own, which nothing else can have
  [ -z "$secrets" ] || timeout 20 docker secret rm $secrets >/dev/null 2>&1 || true # what stays goes with the next deploy
}
