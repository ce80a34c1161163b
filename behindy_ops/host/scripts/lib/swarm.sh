# What the engine says of the swarm that it belongs to (facts/swarm.py). Asked by curl, since it is asked by every survey.
swarm_() { # its seat, its node, and the names that releases bear which run there as services
  local said info
  said=$(api -f -m 25 http://docker/info 2>/dev/null) || return 0 # it asks a leader that has just died for 20 s
  info=$(grep -oE '"Swarm":[{]"NodeID":"[^"]*","NodeAddr":"[^"]*","LocalNodeState":"[a-z]*","ControlAvailable":(true|false)' <<<"$said")
  [ "$(cut -d '"' -f 6 <<<"$info")" = '' ] || echo "node $(cut -d '"' -f 6 <<<"$info")"
  case $info in
  *'"inactive","ControlAvailable":false') echo 'seat none' ;;
  *'"active","ControlAvailable":false') echo 'seat worker' ;;
  *'"active","ControlAvailable":true')
    said=$(api -gf -m 5 'http://docker/services?filters=%7B%22label%22:%5B%22behindy.name%22%5D%7D' 2>/dev/null) ||
      { echo 'seat leaderless' && unreached | sed 's/^/unreached /' && return; }
    echo 'seat manager'
    api -gf 'http://docker/nodes?filters=%7B%22node.label%22:%5B%22behindy.first=true%22%5D%7D' 2>/dev/null |
      grep -oE '[{]"ID":"[a-z0-9]{25}","Version"|"Status":[{]"State":"ready",("Message":"[^"]*",)?"Addr":"[^"]*"' |
      awk -F '"' -v own="$(cut -d '"' -f 6 <<<"$info")" '$2 == "ID" { id = $4; next } id != own { print "first", $(NF - 1) }'
    grep -oE '"Spec":[{]"Name":"[^"]*","Labels":[{][^}]*"behindy.name":"[^"]*"' <<<"$said" | sed -E 's/.*:"([^"]*)"$/service \1/' | sort -u
    ;;
  *'"locked"'* | *'"error"'* | *'"pending"'*) echo 'seat leaderless' ;;
  esac
}
nodes_() { # a line of JSON for each node; nothing where this is no manager
  local ids
  case $(swarm_) in *'seat manager'*) ;; *) return 0 ;; esac
  ids=$(timeout 10 docker node ls -q) || return
  timeout 20 xargs docker node inspect --format "$node_template" <<<"$ids"
}
node_template='{"id":{{json .ID}},"name":{{json .Description.Hostname}},"availability":{{json .Spec.Availability}},"state":{{json .Status.State}},"address":{{json .Status.Addr}},"version":{{json .Description.Engine.EngineVersion}},"memory":{{json .Description.Resources.MemoryBytes}},"labels":{{json .Spec.Labels}},"manager":{{json .ManagerStatus}}}'
