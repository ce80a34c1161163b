# lib: engine
# Starts a container that may be on its way down, where a start alone would find it running.
restart_within "$1" "$2"
