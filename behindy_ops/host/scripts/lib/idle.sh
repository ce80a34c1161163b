# Waiting until a container has no established connection on its port, for so many looks in a row: docs/design.md, "Drain
# by looking".
until_idle() { # container, port, moments of the host's uptime in ms: not before, not after; looks; a file that ends the wait by
  # what is in it, or "". Prints `open <count>` once a second, then idle, cut, gone, blind or left; false if Docker is away
  local container=$1 port=$2 earliest=$3 latest=$4 needed=$5 word=$6 pid begun quiet=0 shown=0 count moment
  pid=$(inspect "$container" '{{.State.Pid}}')
  case $? in 0) ;; 1) echo gone; return ;; *) return 1 ;; esac
  [ "$pid" != 0 ] || { echo gone; return; }
  if ! visible "$pid"; then # nothing to look at, so it gets a fixed time
    while [ "$(now)" -lt "$earliest" ] && ! told "$word" leave; do sleep 0.2; done
    latest=$(($(now) + 10000))
    until [ "$(now)" -ge "$latest" ] || told "$word" now || told "$word" leave; do sleep 0.2; done
    if told "$word" leave; then echo left; else echo blind; fi
    return
  fi
  begun=$(now)
  while :; do
    if told "$word" leave; then echo left; return; fi
    count=$(connections "$pid" "$port")
    moment=$(now)
    if [ "$count" = 0 ]; then quiet=$((quiet + 1)); else quiet=0; fi
    if [ "$moment" -ge "$earliest" ]; then
      if [ "$quiet" -ge "$needed" ]; then echo "idle $((moment - begun))"; return; fi
      if [ "$moment" -ge "$latest" ] || told "$word" now; then echo "cut $count"; return; fi
    fi
    if [ $((moment - shown)) -ge 1000 ]; then echo "open $count" && shown=$moment; fi
    sleep 0.1
  done
}
told() { [ -n "$1" ] && [ "$(cat "$1" 2>/dev/null)" = "$2" ]; } # file, word
