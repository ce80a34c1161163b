# lib: engine connections nginx
# Takes away the DNS names that Compose gave a container, which only a new connection to the network does: it cuts what
# is under way and changes the address. So it waits, `patience` seconds at most, for a moment in which no connection is
# open, and reloads nginx, which has the old address in its memory. Prints how many connections were open: `cut N`.
nginx=$1 network=$2 container=$3 port=$4 patience=$5
pid=$(docker container inspect --format '{{.State.Pid}}' "$container") || exit 1
end=$(($(now) + patience * 1000))
while count=$(connections "$pid" "$port") && [ "$count" != 0 ] && [ "$(now)" -lt "$end" ]; do sleep 0.02; done
docker network disconnect "$network" "$container" || exit 1
docker network connect "$network" "$container" || { sleep 1; docker network connect "$network" "$container" || exit 91; }
in_nginx "$nginx" reload || exit 72
echo "cut $count"
