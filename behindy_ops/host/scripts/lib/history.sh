append() { # history file. stdin: lines. One that was torn before is ended first, so that it swallows none of them
  [ -z "$(tail -c 1 "$1" 2>/dev/null)" ] || echo >>"$1" || return
  cat >>"$1"
}
rotate() { # history file, bytes at which it is rotated
  [ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -lt "$2" ] || mv "$1" "$1.1"
}
