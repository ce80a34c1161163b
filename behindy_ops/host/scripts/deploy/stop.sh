# lib: engine
# Stops a container, with so many seconds of grace; it stays.
stop_within "$1" "$2"
