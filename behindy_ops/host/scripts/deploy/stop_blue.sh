# lib: engine
# Stops a container by id, with so many seconds of grace, and removes it; that it is gone already is success. `kept`: what is
# kept of a service that it was the last of, or "".
kept=${3:-}
unless_gone stop_within "$2" "$1" && remove "$1" && { [ -z "$kept" ] || rm -rf "${kept%/.}"; }
