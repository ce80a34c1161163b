# lib: engine
# $1 container id, $2 seconds of grace. Stops and removes it; that it is gone already is success.
unless_gone docker stop -t "$2" "$1" && unless_gone docker rm -f "$1"
