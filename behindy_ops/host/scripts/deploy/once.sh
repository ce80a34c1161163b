# lib: engine masked compose history release once
# Starts a command of a release, which has this host stop it after `limit` seconds, with so many of `grace`, whoever still
# waits for it (deploy/attend.sh). `what` it is for: before or after; its words follow. stdin as for deploy/start_green.sh.
network=$4 from=$5 project=$6 nginx=$7 what=$8 limit=$9 grace=${10}
set -e
umask 077
of_release "$1" "$2" "$3"
shift 10
bounded() { # container
  local end left
  end=$(($(now) + limit * 1000))
  while left=$((end - $(now))) && [ "$left" -gt 0 ]; do
    timeout "$((left / 1000)).$(printf %03d "$((left % 1000))")" docker wait "$1" && return
    inspect "$1" '{{.Id}}' || [ "$?" != 1 ] || return # an engine that is started again meanwhile says nothing of it
    sleep 0.2
  done
  docker stop -t "$grace" "$1"
}
keep_release "$network" "$from"
once "$service-$what" "$what" "$@"
id=$(docker container inspect --format '{{.Id}}' "$service-$what")
# Not the locks of whoever called this: lock/fenced.sh has them open.
bounded "$id" </dev/null >/dev/null 2>&1 7>&- 8>&- 9>&- &
echo "started $id"
