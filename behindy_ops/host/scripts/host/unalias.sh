# $1 nginx container, $2 network, $3 live container, $4 its port, $5 seconds to look for a quiet moment. Takes away the
# DNS names that Compose gave a container, which only a new connection to the network does: it cuts what is under way and
# changes the address. So it waits for a moment in which no connection is open, and reloads nginx, which has the old
# address in its memory. Prints how many connections were open: `cut N`.
nginx=$1 network=$2 container=$3 port=$(printf '%04X' "$4") patience=$5
pid=$(docker container inspect --format '{{.State.Pid}}' "$container") || exit 1
open() {
  cat "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6" 2>/dev/null |
    awk -v port=":$port" '$4 == "01" && substr($2, length($2) - 4) == port {n++} END {print n + 0}'
}
end=$(($(date +%s) + patience))
while count=$(open) && [ "$count" != 0 ] && [ "$(date +%s)" -lt "$end" ]; do sleep 0.02; done
docker network disconnect "$network" "$container" || exit 1
docker network connect "$network" "$container" || { sleep 1; docker network connect "$network" "$container" || exit 91; }
# shellcheck disable=SC2016
docker exec "$nginx" sh -c 'file=
set -- $(tr "\000" " " </proc/1/cmdline)
while [ "$#" -gt 1 ]; do [ "$1" != -c ] || file=$2; shift; done
exec nginx ${file:+-c "$file"} -s reload' || exit 72
echo "cut $count"
