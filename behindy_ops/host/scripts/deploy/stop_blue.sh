# lib: engine
# Stops a container by id, with so many seconds of grace, and removes it; that it is gone already is success.
unless_gone docker stop -t "$2" "$1" && remove "$1"
