# lib: engine nginx
# For an nginx that resolves names only when it loads its configuration: reloads it so that the name leads to `$4`
# alone, the container that has it now, although an alias that Compose gave lets the previous one answer to it too.
# While it loads, its /etc/hosts says where the name leads; requests that are under way stay with the old workers and
# the old container. Prints the host's uptime (ms) when new workers are there.
nginx=$1 network=$2 name=$3
address=$(docker container inspect --format "{{with index .NetworkSettings.Networks \"$network\"}}{{.IPAddress}}{{end}}" "$4") || exit 1
[ -n "$address" ] || { echo "$name has no address on $network" >&2; exit 91; }
in_nginx "$nginx" '
unpin() { rest=$(grep -v "# behindy-ops$" /etc/hosts); printf "%s\n" "$rest" >/etc/hosts; }
trap unpin EXIT
unpin
printf "%s\n" "$2 $1 # behindy-ops" >>/etc/hosts
reload' "$name" "$address" || exit
echo "switched $(now)"
