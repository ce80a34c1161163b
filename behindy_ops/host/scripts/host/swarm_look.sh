# lib: sections engine swarm overlay
# Prints what host.setup --swarm wants to know beside host/facts; changes nothing. `project`, `network` and `nginx` are empty on a
# host that is to join, of which nothing else is asked.
project=$1 network=$2 nginx=$3
section swarm_
swarm_
section nodes_
nodes_
section route # the address of this host at which the way out begins
ip -4 -o route get 192.0.2.1 2>/dev/null | sed -nE 's/.* src ([0-9.]+).*/address \1/p'
echo "name $(hostname)"
section taken # networks of Docker, and those the host has a way to
docker network ls -q | xargs -r docker network inspect --format '{{if ne .Scope "swarm"}}{{range .IPAM.Config}}{{println .Subnet}}{{end}}{{end}}' | sed '/^ *$/d'
awk 'NR > 1 && $2 != "00000000" { print "route", $2, $8 }' /proc/net/route
section overlay
[ -z "$network" ] || docker network inspect --format '{{.Driver}} {{.Attachable}}' "$network-swarm" 2>/dev/null
section beside
[ -z "$network" ] || beside "$project" "$network" "$nginx"
section end
