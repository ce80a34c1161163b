# $1 state directory, $2 what to do: status, acquire or release. stdin for acquire: one JSON line, who holds it and why.
# A person's hold is a file, without a process, until it is released; the lease looks for it.
state=$1 what=$2
umask 077
[ -d "${state%/*}" ] || exit 80
case $what in
status)
  echo "hold $(cat "$state/hold.json" 2>/dev/null)"
  if [ -e "$state/lock" ] && ! flock -n "$state/lock" true; then echo "lease $(cat "$state/lock.json" 2>/dev/null)"; fi
  ;;
acquire)
  mkdir -p "$state" || exit 77
  read -r holder || exit 79
  exec 9>>"$state/lock" || exit 77
  if ! flock -n 9; then
    cat "$state/lock.json" 2>/dev/null
    exit 73
  fi
  if [ -s "$state/hold.json" ]; then
    cat "$state/hold.json"
    exit 74
  fi
  printf '%s\n' "$holder" > "$state/hold.json.new" && mv "$state/hold.json.new" "$state/hold.json" || exit 77
  ;;
release)
  cat "$state/hold.json" 2>/dev/null
  rm -f "$state/hold.json"
  ;;
esac
