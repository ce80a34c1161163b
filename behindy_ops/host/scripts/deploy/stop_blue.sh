# $1 container id, $2 seconds of grace. Stops and removes it; that it is gone already is success.
gone() { case $1 in *"No such container"*) return 0 ;; esac; printf '%s\n' "$1" >&2; return 1; }
out=$(docker stop -t "$2" "$1" 2>&1) || gone "$out" || exit 1
out=$(docker rm -f "$1" 2>&1) || gone "$out"
