# $1 container, $2 port, $3 not idle before (ms since the epoch), $4 give up at (seconds from now), $5 looks in a row.
# Waits until the container has no established connection on its port, as seen from the host in its network namespace:
# docs/design.md, "Drain by looking".
container=$1 port=$(printf '%04X' "$2") earliest=$3 limit=$4 needed=$5
now() { date +%s%3N; }
# That the engine does not answer does not mean that the container is gone: docs/design.md, "A restarting engine".
for _ in {1..75}; do
  pid=$(docker container inspect --format '{{.State.Pid}}' "$container" 2>&1) && break
  case $pid in *"No such container"*) break ;; esac
  sleep 0.2
done
[ "$pid" -gt 0 ] 2>/dev/null || { echo gone; exit 0; }
if ! [ -r "/proc/$pid/net/tcp" ]; then # a host with hidepid: nothing to look at, so it gets a fixed time
  while [ "$(now)" -lt "$earliest" ]; do sleep 0.2; done
  sleep 10
  echo blind
  exit 0
fi
open() {
  cat "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6" 2>/dev/null |
    awk -v port=":$port" '$4 == "01" && substr($2, length($2) - 4) == port {n++} END {print n + 0}'
}
begun=$(now) quiet=0 told=0
while :; do
  count=$(open)
  moment=$(now)
  if [ "$count" = 0 ]; then quiet=$((quiet + 1)); else quiet=0; fi
  if [ "$quiet" -ge "$needed" ] && [ "$moment" -ge "$earliest" ]; then echo "idle $((moment - begun))"; exit 0; fi
  if [ "$moment" -ge $((begun + limit * 1000)) ] && [ "$moment" -ge "$earliest" ]; then echo "cut $count"; exit 0; fi
  if [ $((moment - told)) -ge 1000 ]; then echo "open $count" && told=$moment; fi
  sleep 0.1
done
