# The client on the other end: standard input stays open as long as it lives.
while_heard() { # a command: runs until it ends, or the client does
  exec 3<&0
  "$@" </dev/null &
  job=$!
  cat <&3 >/dev/null &
  watcher=$!
  wait -n "$job" "$watcher"
  kill "$watcher" 2>/dev/null
  # One that was only just begun may lose a signal between fork and exec, where it still has this script's trap.
  while [ -e "/proc/$job" ] && kill "$job" 2>/dev/null; do sleep 0.1; done
  wait "$job"
}
container_or_exit() { # boundary, container, template: $found is what docker says of it (lib/engine.sh)
  found=$(look "$2" "$3" 2>&1) || absent "$1" "$found"
}
absent() { # boundary, why
  printf '%s %s\n' "$1" "${2//$'\n'/ }" >&2
  exit 61
}
