# lib: shared drains engine connections idle history atomic
# Leaves a previous container to a process of this host's own, which waits until it is idle, stops and removes it, and
# writes that to the history: docs/design.md, "The drain belongs to the host". stdin: the line for the history, in which
# @at@ and the like are filled in. `earliest` and `latest` in ms of the host's uptime, the second in `limit` seconds at
# most; `grace` in seconds; `release` is the previous one's, or "-". Prints until when, and how many connections are open.
state=$1 service=$2 container=$3 port=$4 earliest=$5 latest=$6 limit=$7 needed=$8 grace=$9 release=${10} history=${11} apart=${12}
mine=$(drains "$state")/drain-$service
read -r line
if [ -z "$apart" ]; then
  umask 007
  exec 6>"$mine.lock" || exit 77
  if ! flock -w 1 6; then # doing it twice does no harm
    read -r _ theirs _ until pid _ <"$mine" && [ "$theirs" = "$container" ] ||
      { echo "another container of $service is being drained" >&2; exit 1; }
    echo "until $until"
    echo "open $(opened "$pid" "$port")"
    exit
  fi
  rm -f "$mine.word"
  latest=$(within "$latest" "$((limit * 1000))") until=$(date +%s)
  until=$((until + (latest - $(now) + 999) / 1000))
  pid=$(api -f "http://docker/containers/$container/json" 2>/dev/null | grep -oE '"Pid":[0-9]+' | head -n 1)
  pid=${pid#*:}
  [ -n "$pid" ] || pid=$(inspect "$container" '{{.State.Pid}}')
  case $? in
  0) ;;
  1) echo "until $until" && echo 'open 0' && exit ;; # there is nothing left to do
  *) pid=0 ;;
  esac
  atomically "$mine" <<<"$service $container $release $until $pid $port" || exit 77
  # Not the locks of whoever called this: lock/fenced.sh has them open.
  setsid --fork bash -c "$BASH_EXECUTION_STRING" "$0" "${@:1:5}" "$latest" "${@:7:5}" apart \
    < <(printf '%s\n' "$line") >/dev/null 2>&1 7>&- 8>&- 9>&- || exit 1
  echo "until $until"
  echo "open $(opened "$pid" "$port")"
  exit
fi
umask 077
begun=$(now)
earliest=$(within "$earliest" "$((limit * 1000))")
how=$(until_idle "$container" "$port" "$earliest" "$latest" "$needed" "$mine.word") || how=unknown
how=${how##*$'\n'} outcome=left
stop() { # an engine that is started again meanwhile is waited for
  for _ in 1 2 3; do
    unless_gone stop_within "$grace" "$container" && remove "$container" && return
    inspect "$container" '{{.Id}}' >/dev/null
    sleep 1
  done
  return 1
}
case $how in
idle* | 'cut 0') reason='it was idle' ;;
cut*) reason="${how#cut } connection(s) were still open at its end" ;;
blind) reason='its connections cannot be seen from the host' ;;
gone) reason='it was not running' ;;
left) reason='a command has taken it over' ;;
*) reason='Docker did not answer' ;;
esac
! told "$mine.word" leave || reason='a command has taken it over'
if [ "$how" != unknown ] && [ "$how" != left ] && ! told "$mine.word" leave; then
  name=$(inspect "$container" '{{.Name}}')
  case $?$name in
  "0/$service-blue")
    # Its successor's crash is not its own: the next command gives it its name back.
    case $(inspect "$service" '{{.State.Running}} {{.State.Restarting}} {{if .State.Health}}{{.State.Health.Status}}{{end}}') in
    'true false unhealthy') reason='its successor is not healthy' ;;
    'true false '*) if stop; then outcome=removed; else reason='Docker could not stop it'; fi ;;
    *) reason='its successor does not run' ;;
    esac
    ;;
  1*) outcome=removed reason='it was gone already' ;;
  0*) reason='it has another name' ;;
  *) reason='Docker did not answer' ;;
  esac
fi
took=$(($(now) - begun)) at=$(date -u +%Y-%m-%dT%H:%M:%S.%3N+00:00)
line=${line//@at@/"$at"} line=${line//@outcome@/"$outcome"} line=${line//@reason@/"$reason"}
line=${line//'"@seconds@"'/"$((took / 1000)).$(printf %03d "$((took % 1000))")"}
append "$history" <<<"$line"
rm -f "$mine" "$mine.word"
