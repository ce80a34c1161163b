# lib: lock atomic
# $2 what to do: status, acquire or release. stdin for acquire: one JSON line, who holds it and why.
case $2 in
status)
  echo "hold $(cat "$state/hold.json" 2>/dev/null)"
  if [ -e "$state/lock" ] && ! flock -n "$state/lock" true; then echo "lease $(cat "$state/lock.json" 2>/dev/null)"; fi
  ;;
acquire) take hold.json ;;
release)
  cat "$state/hold.json" 2>/dev/null
  rm -f "$state/hold.json"
  ;;
esac
