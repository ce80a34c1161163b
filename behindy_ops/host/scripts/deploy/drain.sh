# lib: engine connections
# Waits until the container has no established connection on its port, for so many looks in a row: docs/design.md,
# "Drain by looking". `earliest` in ms of the host's uptime; `limit` in seconds from now.
container=$1 port=$2 earliest=$3 limit=$4 needed=$5
pid=$(inspect "$container" '{{.State.Pid}}')
case $? in 0) ;; 1) echo gone; exit 0 ;; *) exit 1 ;; esac
[ "$pid" -gt 0 ] || { echo gone; exit 0; }
earliest=$(within "$earliest" "$((limit * 1000))")
if ! [ -r "/proc/$pid/net/tcp" ]; then # a host with hidepid: nothing to look at, so it gets a fixed time
  while [ "$(now)" -lt "$earliest" ]; do sleep 0.2; done
  sleep 10
  echo blind
  exit 0
fi
begun=$(now) quiet=0 told=0
while :; do
  count=$(connections "$pid" "$port")
  moment=$(now)
  if [ "$count" = 0 ]; then quiet=$((quiet + 1)); else quiet=0; fi
  if [ "$moment" -ge "$earliest" ]; then
    if [ "$quiet" -ge "$needed" ]; then echo "idle $((moment - begun))"; exit 0; fi
    if [ "$moment" -ge $((begun + limit * 1000)) ]; then echo "cut $count"; exit 0; fi
  fi
  if [ $((moment - told)) -ge 1000 ]; then echo "open $count" && told=$moment; fi
  sleep 0.1
done
