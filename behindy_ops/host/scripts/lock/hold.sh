# lib: shared lock atomic
# $2 what to do: status, acquire or release. stdin for acquire: one JSON line, who holds it and why.
noted() { cat "$engine/$1" 2>/dev/null || cat "$state/$1" 2>/dev/null; }
leased() { [ -e "$1" ] && ! flock -n "$1" true; }
case $2 in acquire) ;; *) kept || engine=$state ;; esac
case $2 in
status)
  echo "hold $(noted hold.json)"
  if leased "$state/lock" || leased "$engine/lock"; then echo "lease $(noted lock.json)"; fi
  ;;
acquire) take hold.json ;;
release)
  noted hold.json
  rm -f "$engine/hold.json" "$state/hold.json"
  ;;
esac
